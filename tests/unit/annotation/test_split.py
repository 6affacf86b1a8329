"""The sealed part: drawn by a hash of the cluster, once and for all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.rules import split

CLUSTERS = [f"cluster {number}" for number in range(4000)]


def sealed(salt: str, share: float) -> set[str]:
    return {key for key in CLUSTERS if split.part_of(key, salt=salt, share=share) == "sealed"}


def test_the_same_salt_draws_the_same_part() -> None:
    assert sealed("salt", 0.5) == sealed("salt", 0.5)


def test_another_salt_draws_another_part() -> None:
    # Independent halves share about a half of their members.
    both = len(sealed("salt", 0.5) & sealed("other", 0.5))
    assert 873 < both < 1127


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_share_of_clusters_is_sealed(share: float) -> None:
    # Four standard deviations of a binomial count.
    spread = 4 * (4000 * share * (1 - share)) ** 0.5
    assert abs(len(sealed("salt", share)) - 4000 * share) < spread


def test_an_open_dataset_seals_nothing() -> None:
    assert sealed("salt", 0.0) == set()


@given(st.text(), st.text(max_size=80), st.floats(0, 0.99), st.floats(0, 0.99))
def test_a_larger_share_only_adds_clusters(key: str, salt: str, one: float, two: float) -> None:
    low, high = sorted((one, two))
    if split.part_of(key, salt=salt, share=low) == "sealed":
        assert split.part_of(key, salt=salt, share=high) == "sealed"


def test_a_drawn_part_is_a_known_value() -> None:
    # A sealed set must stay what it was with every later release.
    parts = [split.part_of(str(number), salt="salt", share=0.5)[0] for number in range(10)]
    assert "".join(parts) == "sssdddsddd"


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_out_of_range_is_an_error(share: float) -> None:
    with pytest.raises(ValueError, match="sealed share"):
        split.part_of("k", salt="s", share=share)
