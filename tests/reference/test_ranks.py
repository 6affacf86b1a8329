"""Rank correlations against R."""

from __future__ import annotations

import numpy as np
import pytest

from measurement import ranks
from tests.reference.test_statistics import VALUES

PAIR, RATERS = VALUES["ranks"], VALUES["kendall_w"]


@pytest.mark.parametrize("name", ["kendall_tau", "spearman", "pearson"])
def test_the_correlations_of_two_sides_with_ties(name: str) -> None:
    one, other = (np.array(PAIR[side].split(), dtype=np.float64) for side in ("one", "other"))
    found = getattr(ranks, name)(one, other, np.arange(12), seed=1)
    assert found.value == pytest.approx(PAIR[name], abs=1e-10)


def test_kendalls_w_of_three_raters() -> None:
    ratings = np.array([row.split() for row in RATERS["rows"]], dtype=np.float64).T
    found = ranks.kendall_w(ratings, np.arange(6), seed=1)
    assert found.value == pytest.approx(RATERS["w"], abs=1e-10)


def test_kendalls_w_of_four_raters_with_ties() -> None:
    ratings = np.array(VALUES["icc"]["ratings"], dtype=np.float64)
    found = ranks.kendall_w(ratings, np.arange(6), seed=1)
    assert found.value == pytest.approx(RATERS["w_of_icc_ratings"], abs=1e-10)
