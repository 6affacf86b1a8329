from __future__ import annotations

from collections import Counter

import pytest

from judges.simulator import truth


def test_swapping_the_responses_swaps_the_preference() -> None:
    for number in range(200):
        one = truth.latent_preference("q", f"a{number}", f"b{number}")
        two = truth.latent_preference("q", f"b{number}", f"a{number}")
        assert {one, two} == {"x", "y"}


def test_neither_response_is_favoured() -> None:
    wins = sum(truth.latent_preference(f"q{n}", "a", "b") == "x" for n in range(2_000))
    # Four standard deviations of a fair coin: 4 * sqrt(2000) / 2 = 89.
    assert abs(wins - 1_000) < 90


def test_equal_responses_have_no_truth() -> None:
    with pytest.raises(ValueError, match="no latent preference"):
        truth.latent_preference("q", "a", " a\n")


def test_scores_have_the_declared_shares() -> None:
    scores = Counter(truth.latent_score(f"q{n}", "r", "clarity") for n in range(5_000))
    for score, share in enumerate(truth.SCORE_SHARES, start=1):
        assert abs(scores[score] / 5_000 - share) < 0.03


def test_dimensions_are_drawn_apart() -> None:
    same = sum(
        truth.latent_score(f"q{n}", "r", "clarity") == truth.latent_score(f"q{n}", "r", "safety")
        for n in range(1_000)
    )
    assert same < 400


def test_white_space_around_a_text_changes_nothing() -> None:
    assert truth.latent_score(" q\n", "r ", "x") == truth.latent_score("q", "r", "x")


@pytest.mark.parametrize("points", [2, 3, 5, 7, 10])
def test_every_quality_has_a_point(points: int) -> None:
    places = {truth.point_at(step / 1_000, points) for step in range(1_000)}
    assert places == set(range(points))
    assert truth.point_at(0.9999999999, points) == points - 1
