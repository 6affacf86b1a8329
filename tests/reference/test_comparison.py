"""Published and cross-checked values of comparing versions; sources in statistics.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from measurement import adjust, signflip
from measurement.comparison import PairedScores, compare
from measurement.mcnemar import mcnemar
from measurement.signedrank import signed_levels, signed_rank

VALUES: dict[str, Any] = json.loads(
    (Path(__file__).parent / "statistics.json").read_text(encoding="utf-8")
)


def by_name(case: dict[str, Any]) -> str:
    return str(case["name"])


@pytest.mark.parametrize("name", ["holm", "benjamini_hochberg", "benjamini_yekutieli"])
def test_adjusted_p_values(name: str) -> None:
    values = VALUES["adjusted"]
    found = getattr(adjust, name)(values["p_values"])
    assert found == pytest.approx(values[name], abs=1e-10)


def test_three_raters_with_one_rejection() -> None:
    # Thresholds .0090909, .0181818, .0272727: only .001 is below its own.
    found = adjust.benjamini_yekutieli(VALUES["adjusted"]["three"])
    assert [p <= 0.05 for p in found] == [True, False, False]


@pytest.mark.parametrize("row", VALUES["mcnemar"]["rows"], ids=lambda row: f"b={row['b']}")
def test_mcnemars_exact_and_mid_p(row: dict[str, Any]) -> None:
    found = mcnemar(*versions(row), np.arange(row["n"]))
    assert found.p_exact == pytest.approx(row["exact"], rel=1e-10)
    assert found.p_mid == pytest.approx(row["mid"], rel=1e-9)


def versions(row: dict[str, Any]) -> tuple[Any, Any]:
    both = row["n"] - row["b"] - row["c"]
    baseline = np.repeat([1.0, 0.0, 1.0], [row["b"], row["c"], both])
    candidate = np.repeat([0.0, 1.0, 1.0], [row["b"], row["c"], both])
    return baseline, candidate


def test_the_difference_of_two_shares_and_its_intervals() -> None:
    values = VALUES["mcnemar"]
    found = mcnemar(*versions(values["rows"][0]), np.arange(1600))
    assert found.difference.value == pytest.approx(values["difference"])
    assert found.se == pytest.approx(values["se"], abs=1e-10)
    wald, adjusted = found.difference.interval, found.agresti_min
    assert wald is not None
    assert adjusted is not None
    assert (wald.low, wald.high) == pytest.approx(values["interval"], abs=2e-9)
    assert (adjusted.low, adjusted.high) == pytest.approx(values["agresti_min"], abs=2e-9)


@pytest.mark.parametrize("zeros", ["wilcox", "pratt"])
@pytest.mark.parametrize("case", VALUES["wilcoxon"], ids=by_name)
def test_wilcoxons_exact_p_under_both_zero_rules(case: dict[str, Any], zeros: Any) -> None:
    differences = np.array(case["x"], dtype=float) - np.array(case["y"])
    levels = signed_levels(differences, noise=1e-12)
    found = signed_rank(levels, np.arange(len(levels)), zeros=zeros)
    assert found.is_exact
    assert found.p == pytest.approx(case["p"], abs=1e-12)
    if "r_plus" in case:
        assert found.r_plus == case["r_plus"]


def test_the_normal_approximation_of_wilcoxon_without_zeros() -> None:
    case = VALUES["wilcoxon"][1]
    # Doubled middle ranks of six differences of 1 (3.5) and one of 2 (7); one of 1 goes down.
    ranks = np.array([7, 7, 7, 7, 7, 7, 14])
    found = signflip._normal(int(ranks.sum() - 2 * 7), ranks)
    assert found.p == pytest.approx(case["normal_p"], abs=1e-10)


@pytest.mark.parametrize("case", VALUES["wilcoxon"], ids=by_name)
def test_effect_sizes(case: dict[str, Any]) -> None:
    x, y = np.array(case["x"], dtype=float), np.array(case["y"], dtype=float)
    found = compare(PairedScores(baseline=y, candidate=x, clusters=np.arange(len(x))), seed=1)
    assert found.rank_biserial.value == pytest.approx(case["rank_biserial"], abs=1e-10)
    assert found.d_z.value == pytest.approx(case["d_z"], abs=1e-10)
