"""Published and cross-checked values; each with its source in statistics.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from measurement import gate, gwet, icc, intervals, kappa
from measurement.agreement import summarise
from measurement.alpha import alpha
from measurement.arrays import Floats, Ints
from measurement.counts import counts_of
from measurement.scale import LEVELS, Level, Scale
from measurement.table import RatingTable

VALUES: dict[str, Any] = json.loads(
    (Path(__file__).parent / "statistics.json").read_text(encoding="utf-8")
)
CANONICAL = VALUES["alpha"][0]


def canonical_table(*, without: int | None = None) -> RatingTable:
    return RatingTable.build(
        (f"{item:02}", rater, label)
        for rater, row in enumerate(CANONICAL["raters"])
        for item, label in enumerate(row.split())
        if label != "." and item != without
    )


def canonical_scale(level: Level) -> Scale:
    return Scale.points(*CANONICAL["scale"], level=level)


def pairs_of(table: list[list[int]]) -> tuple[Ints, Ints]:
    """Two raters' codes from their joint counts."""
    cells = [(i, j) for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]
    codes = np.array(cells, dtype=np.int64)
    return codes[:, 0], codes[:, 1]


def weights_of(size: int, level: Level) -> Floats:
    return kappa.distances(Scale.points(1, size, level=level))


@pytest.mark.parametrize("level", LEVELS)
def test_alpha_of_the_canonical_table(level: Level) -> None:
    found = summarise(canonical_table(), scale=canonical_scale(level)).alpha
    assert found.value == pytest.approx(CANONICAL[level], abs=1e-10)


@pytest.mark.parametrize("level", LEVELS)
def test_the_jackknife_spread_of_alpha_leaving_out_each_unit(level: Level) -> None:
    scale = canonical_scale(level)
    left_out = [summarise(canonical_table(without=i), scale=scale).alpha.value for i in range(12)]
    values = np.array(left_out, dtype=float)
    spread = np.sqrt(11 / 12 * ((values - values.mean()) ** 2).sum())
    assert spread == pytest.approx(CANONICAL["jackknife_se"][level], abs=1e-9)


def test_the_item_bootstrap_of_the_canonical_table_is_wide() -> None:
    interval = summarise(canonical_table(), scale=canonical_scale("nominal")).alpha.interval
    # [0.41, 1.00] in the statistics reference 3.8; drawing single pairs would give [0.56, 0.85].
    assert interval is not None
    assert interval.low == pytest.approx(0.41, abs=0.05)
    assert interval.high > 0.93


def test_gwets_coefficients_of_the_canonical_table() -> None:
    table = canonical_table()
    counts, clusters = counts_of(table, canonical_scale("ordinal")), table.cluster_codes
    numbers = np.arange(1.0, 6.0)
    linear = gwet.credit_weights(numbers, power=1)
    quadratic = gwet.credit_weights(numbers, power=2)
    found = (
        gwet.ac1(counts, clusters, seed=1).value,
        gwet.ac2(counts, clusters, weights=linear, seed=1).value,
        gwet.ac2(counts, clusters, weights=quadratic, seed=1).value,
    )
    expected = (CANONICAL["ac1"], CANONICAL["ac2_linear"], CANONICAL["ac2_quadratic"])
    assert found == pytest.approx(expected, abs=1e-10)


def test_gwets_credit_follows_the_level_of_the_scale() -> None:
    table = canonical_table()
    ordinal, interval = (
        summarise(table, scale=canonical_scale(level)).ac2 for level in ("ordinal", "interval")
    )
    assert ordinal.value == pytest.approx(CANONICAL["ac2_linear"], abs=1e-10)
    assert interval.value == pytest.approx(CANONICAL["ac2_quadratic"], abs=1e-10)
    assert ordinal.interval is not None


@pytest.mark.parametrize(
    "case", [*VALUES["cohen"], VALUES["paradox"]], ids=lambda case: case["source"]
)
def test_fleiss_kappa_of_two_raters_is_scotts_pi_and_alpha_follows_from_it(
    case: dict[str, Any],
) -> None:
    one, other = pairs_of(case["table"])
    size, n = len(case["table"]), len(one)
    counts = np.eye(size, dtype=np.int64)[one] + np.eye(size, dtype=np.int64)[other]
    scott = kappa.fleiss(counts, np.arange(n), seed=1).value
    found = alpha(counts, np.arange(n), level="nominal", numbers=np.arange(float(size)), seed=1)
    assert scott == pytest.approx(case["scott"], abs=1e-6)
    # 2n values of two raters: alpha = 1 − (1 − π)(1 − 1/2n).
    assert found.value == pytest.approx(1 - (1 - case["scott"]) * (1 - 1 / (2 * n)), abs=1e-6)


def test_the_small_nominal_example_by_hand() -> None:
    # "a b a ." and "a b b a": D_o = 1/3 and D_e = 3/5, hence alpha = 1 - 5/9.
    rows = [(0, 1, "a"), (1, 1, "b"), (2, 1, "a"), (0, 2, "a"), (1, 2, "b"), (2, 2, "b")]
    table = RatingTable.build([*rows, (3, 2, "a")])
    assert summarise(table).alpha.value == pytest.approx(4 / 9, abs=1e-12)


def test_fleiss_ten_items_by_fourteen_raters() -> None:
    values = VALUES["fleiss"]
    counts = np.array(values["counts"], dtype=np.int64)
    clusters = np.arange(10)
    found = (
        kappa.fleiss(counts, clusters, seed=1).value,
        alpha(counts, clusters, level="nominal", numbers=np.arange(5.0), seed=1).value,
        gwet.ac1(counts, clusters, seed=1).value,
    )
    expected = (values["kappa"], values["alpha_nominal"], values["ac1"])
    assert found == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("case", VALUES["cohen"], ids=lambda case: case["name"])
def test_cohens_kappa_plain_linear_and_quadratic(case: dict[str, Any]) -> None:
    one, other = pairs_of(case["table"])
    size = len(case["table"])
    kinds: dict[str, Level] = {"plain": "nominal", "linear": "ordinal", "quadratic": "interval"}
    for name, level in kinds.items():
        if name in case:
            found = kappa.cohen_kappa(
                one, other, np.arange(len(one)), weights=weights_of(size, level)
            )
            assert found.value == pytest.approx(case[name], abs=1e-10)


def test_the_interval_of_plain_kappa_is_that_of_the_published_standard_error() -> None:
    case = VALUES["cohen"][1]
    one, other = pairs_of(case["table"])
    found = kappa.cohen_kappa(one, other, np.arange(len(one)), weights=weights_of(4, "nominal"))
    assert found.interval is not None
    bounds = (found.interval.low, found.interval.high)
    assert bounds == pytest.approx(case["plain_interval"], abs=1e-9)


def test_high_agreement_with_kappa_and_alpha_below_zero_comes_with_a_warning() -> None:
    case = VALUES["paradox"]
    one, other = pairs_of(case["table"])
    table = RatingTable.build(
        (i, rater, code)
        for i, pair in enumerate(zip(one, other, strict=True))
        for rater, code in enumerate(pair)
    )
    found = summarise(table)
    values = (
        found.percent_agreement.value,
        found.kappa[0].estimate.value,
        found.alpha.value,
        found.ac1.value,
    )
    expected = (case["agreement"], case["cohen"], case["alpha"], case["ac1"])
    assert values == pytest.approx(expected, abs=1e-6)
    assert any("Almost all labels are the same" in note for note in found.notes)


def test_icc_of_shrout_and_fleiss() -> None:
    values = VALUES["icc"]
    ratings = np.array(values["ratings"], dtype=np.float64)
    single = icc.icc(ratings, np.arange(6), seed=1)
    of_mean = icc.icc(ratings, np.arange(6), seed=1, of_mean=True)
    assert single.value == pytest.approx(values["single"], abs=1e-8)
    assert of_mean.value == pytest.approx(values["mean"], abs=1e-8)
    assert single.interval is not None
    bounds = (single.interval.low, single.interval.high)
    assert bounds == pytest.approx(values["single_interval"], abs=1e-8)


def test_a_summary_shows_the_icc_of_one_rater_and_of_the_mean_of_all() -> None:
    values = VALUES["icc"]
    table = RatingTable.build(
        (f"{item}", f"{rater}", label)
        for item, row in enumerate(values["ratings"])
        for rater, label in enumerate(row)
    )
    found = summarise(table, scale=Scale.points(1, 10))
    assert found.icc.value == pytest.approx(values["single"], abs=1e-8)
    assert found.icc_k.value == pytest.approx(values["mean"], abs=1e-8)


@pytest.mark.parametrize("row", VALUES["proportions"]["rows"], ids=lambda row: f"{row['hits']}")
def test_intervals_and_bounds_of_a_share(row: dict[str, Any]) -> None:
    hits, n = row["hits"], row["n"]
    wilson, exact = intervals.wilson(hits, n), intervals.clopper_pearson(hits, n)
    assert (wilson.low, wilson.high) == pytest.approx(row["wilson"], abs=1e-11)
    assert (exact.low, exact.high) == pytest.approx(row["exact"], abs=1e-11)
    assert intervals.lower_bound(hits, n, level=0.05) == pytest.approx(row["lower"], abs=1e-11)


def test_the_bound_of_clustered_items() -> None:
    case = VALUES["clustered_bound"]
    groups = case["clusters"].split()
    hits = np.array([float(y) for group in groups for y in group])
    clusters = np.array([g for g, group in enumerate(groups) for _ in group])
    found = intervals.effective(hits, np.ones(len(hits)), clusters, level=0.05)
    assert found.share == case["share"][0] / case["share"][1]
    assert found.variance == pytest.approx(case["variance"], abs=1e-10)
    assert found.n_eff == pytest.approx(case["n_eff"], abs=1e-9)
    assert found.lower_bound(level=0.05) == pytest.approx(case["lower_bound"], abs=1e-10)


@pytest.mark.parametrize("level", ["0.05", "0.025"])
def test_the_counts_that_prove_eighty_percent(level: str) -> None:
    for n, needed in VALUES["gate_counts"][level].items():
        passing = intervals.lower_bound(needed, int(n), level=float(level))
        missing = intervals.lower_bound(needed - 1, int(n), level=float(level))
        assert missing <= 0.8 < passing


@pytest.mark.parametrize("row", VALUES["perfect_judge"]["rows"], ids=lambda row: f"A={row[0]}")
def test_what_a_perfect_judge_can_show(row: list[float]) -> None:
    pairwise, against_one, against_three = row
    assert gate.best_judge(pairwise, 1) == pytest.approx(against_one, abs=5e-4)
    assert gate.best_judge(pairwise, 3) == pytest.approx(against_three, abs=5e-4)


def test_eighty_percent_is_out_of_reach_below_fifty_nine_percent_pairwise_agreement() -> None:
    assert gate.best_judge(0.59, 3) < 0.8 < gate.best_judge(0.592, 3)
