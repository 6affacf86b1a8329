from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest

from measurement.agreement import summarise
from measurement.alpha import alpha
from measurement.scale import LEVELS, Level, OutsideScale, Scale
from measurement.table import RatingTable
from tests.unit.measurement.builders import table_of


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("votes", "reason"),
    [
        ({"i": "11", "j": "11"}, "all labels are the same"),
        ({"i": "1.", "j": ".2"}, "no item has two labels"),
        ({"i": "1", "j": "2"}, "no item has two labels"),
        # krippendorff answers nan here: the 5 stands alone, so it pairs with nothing.
        ({"i": "11", "j": "11", "k": "5."}, "all labels are the same"),
        ({}, "no item has two labels"),
    ],
)
def test_alpha_is_undefined_with_a_reason(votes: dict[str, str], reason: str, level: Level) -> None:
    found = summarise(table_of(votes), scale=Scale.points(1, 5, level=level)).alpha
    assert found.value is None
    assert reason in found.undefined_because


def test_one_rater_gets_a_reason_for_every_figure() -> None:
    found = summarise(table_of({"i": "A", "j": "B"}))
    figures = (found.percent_agreement, found.all_agree, found.alpha, found.ac1, found.fleiss)
    assert all(figure.undefined_because for figure in figures)
    assert found.kappa == ()
    assert any("One rater" in note for note in found.notes)


def test_one_category_agrees_completely_and_leaves_the_coefficients_undefined() -> None:
    found = summarise(table_of({str(i): "AA" for i in range(20)}))
    assert found.percent_agreement.value == 1
    assert found.percent_agreement.interval is not None
    assert found.percent_agreement.interval.low < 1
    assert "same" in found.alpha.undefined_because
    assert "throughout" in found.kappa[0].estimate.undefined_because


def test_pairs_are_pooled_and_items_with_more_raters_weigh_more() -> None:
    # Three pairs that agree, one pair that does not: 3/4 by pairs, 1/2 by items.
    found = summarise(table_of({"i": "AAA", "j": "AB."}))
    assert (found.percent_agreement.value, found.percent_agreement.n) == (0.75, 4)
    assert (found.all_agree.value, found.all_agree.n) == (0.5, 2)


def test_raters_who_share_no_item_have_no_kappa() -> None:
    found = summarise(table_of({"i": "A.", "j": ".B"}))
    assert found.kappa[0].estimate.undefined_because == "the two share no item"


def test_unequal_numbers_of_labels_leave_fleiss_undefined() -> None:
    found = summarise(table_of({"i": "AAB", "j": "AB."}))
    assert "between 2 and 3" in found.fleiss.undefined_because


def test_icc_needs_numbers_read_as_numbers_from_every_rater() -> None:
    words = summarise(table_of({"i": ["good", "bad"]}), scale=Scale.parse("bad,good"))
    codes = summarise(table_of({"i": "12", "j": "21"}))
    gaps = summarise(table_of({"i": "12", "j": "1."}), scale=Scale.parse("1-3"))
    reasons = [found.icc.undefined_because for found in (words, codes, gaps)]
    assert reasons == [
        "the labels are not numbers",
        "the labels are read as categories",
        "not every rater labelled every item: see alpha",
    ]


def test_a_numeric_scale_has_an_icc_with_an_interval() -> None:
    found = summarise(table_of({"i": "12", "j": "23", "k": "55"}), scale=Scale.parse("1-5")).icc
    assert found.value == pytest.approx(0.9, abs=0.05)
    assert found.interval is not None


def test_icc_of_identical_ratings_without_spread_is_undefined() -> None:
    found = summarise(table_of({"i": "33", "j": "33"}), scale=Scale.parse("1-5")).icc
    assert "same" in found.undefined_because


def test_not_applicable_is_no_label() -> None:
    votes = {"i": ["A", "A", "not_applicable"], "j": ["A", "B", "not_applicable"]}
    found = summarise(table_of(votes))
    assert found.labels == 4
    assert found.percent_agreement.n == 2


def test_few_items_are_said_beside_the_interval() -> None:
    found = summarise(table_of({str(i): "AB" if i % 2 else "AA" for i in range(20)}))
    assert any("below 50 items" in note for note in found.notes)


def test_replicates_without_a_value_are_counted_and_said() -> None:
    # Two of three items look the same: about one replicate in ten never draws the third.
    found = summarise(table_of({"i": "AA", "j": "AA", "k": "BB"}))
    assert any("has no value in" in note for note in found.notes)


def test_a_seed_gives_the_same_interval_again_and_another_seed_another() -> None:
    table = table_of({str(i): ["AAB", "ABB", "BBB", "AAA"][i % 4] for i in range(40)})
    one, same, other = (summarise(table, seed=seed).alpha.interval for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_siblings_in_clusters_widen_the_interval() -> None:
    votes = {f"{i:03}": "AA" if i % 20 < 10 else "AB" for i in range(200)}
    clusters = {item: str(int(item) // 10) for item in votes}
    alone, together = summarise(table_of(votes)), summarise(table_of(votes, clusters=clusters))
    assert together.clusters == 20
    for figure in ("percent_agreement", "alpha"):
        narrow, wide = getattr(alone, figure).interval, getattr(together, figure).interval
        assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_many_raters_are_not_paired_up() -> None:
    rows = [(item, rater, "AB"[(item + rater) % 2]) for item in range(3) for rater in range(51)]
    found = summarise(RatingTable.build(rows))
    assert found.kappa == ()
    assert any("above 50 raters" in note for note in found.notes)


def test_a_label_outside_the_scale_is_refused_by_name() -> None:
    with pytest.raises(OutsideScale, match="The label 7 is not on the scale 1, 2, 3, 4, 5"):
        summarise(table_of({"i": "17"}), scale=Scale.points(1, 5))


def test_categories_have_no_credit_for_near_labels() -> None:
    found = summarise(table_of({"i": "12", "j": "22"}))
    assert found.ac2.undefined_because == "the labels are read as categories: see AC1"


def test_the_mean_of_raters_is_more_reliable_than_one() -> None:
    found = summarise(table_of({"i": "12", "j": "23", "k": "55"}), scale=Scale.parse("1-5"))
    assert found.icc.value is not None
    assert found.icc_k.value == pytest.approx(2 * found.icc.value / (1 + found.icc.value))
    assert found.icc_k.interval is not None


def test_the_summary_has_the_documented_json_form() -> None:
    stored = summarise(table_of({"i": "AB", "j": "AA"})).as_dict()
    assert set(stored) >= {
        "items",
        "raters",
        "labels",
        "repeats",
        "clusters",
        "percent_agreement",
        "all_agree",
        "alpha",
        "ac1",
        "kappa",
        "fleiss",
        "icc",
    }
    assert set(stored["alpha"]) == {"value", "n", "interval", "undefined_because"}
    assert set(stored["kappa"][0]) == {"a", "b", *stored["alpha"]}
    json.dumps(stored, allow_nan=False)


@pytest.mark.parametrize("level", LEVELS)
def test_a_table_too_large_for_the_package_gets_the_same_value_from_our_formula(
    level: Level, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(3)
    counts = rng.multinomial(4, [0.1, 0.2, 0.3, 0.25, 0.15], size=60)
    numbers, clusters = np.array([1.0, 2.0, 3.0, 5.0, 8.0]), np.arange(60)
    small = alpha(counts, clusters, level=level, numbers=numbers, seed=1)
    monkeypatch.setattr("measurement.alpha._LARGEST_CUBE", 0)
    large = alpha(counts, clusters, level=level, numbers=numbers, seed=1)
    assert large.value == pytest.approx(small.value, abs=1e-12)


def test_many_ordered_labels_have_the_same_interval_by_draws_as_by_sums(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = np.random.default_rng(3).multinomial(4, [0.1, 0.2, 0.3, 0.4], size=300)
    clusters = np.arange(300) // 2
    found = []
    for most in (20, 0):
        monkeypatch.setattr("measurement.alpha._MOST_PAIRED_LABELS", most)
        one = alpha(counts, clusters, level="ordinal", numbers=np.arange(4.0), seed=1)
        assert one.interval is not None
        assert one.interval.method == "cluster bootstrap, 2000 replicates"
        found.append((one.value, one.interval.low, one.interval.high))
    assert found[0] == pytest.approx(found[1], abs=0.01)


def test_a_scale_of_a_hundred_points_stays_in_memory() -> None:
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 101, size=(4000, 3))
    counts = np.stack([(labels == point).sum(axis=1) for point in range(101)], axis=1)
    tracemalloc.start()
    found = alpha(counts, np.arange(4000), level="ordinal", numbers=np.arange(101.0), seed=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.interval is not None
    assert found.interval.low < 0 < found.interval.high
    # A sum for each of 5,050 pairs of labels would be 160 MB in each copy.
    assert peak < 60_000_000


def test_a_scale_of_one_label_leaves_ac1_undefined() -> None:
    found = summarise(table_of({"i": ["x", "x"]}))
    assert found.ac1.undefined_because == "the scale has one label"


def test_adding_the_same_to_every_number_changes_no_interval() -> None:
    counts = np.random.default_rng(5).multinomial(3, [0.1, 0.2, 0.3, 0.25, 0.15], size=4001)
    one, other = (
        alpha(counts, np.arange(4001), level="interval", numbers=numbers, seed=1).interval
        for numbers in (np.arange(5.0), np.arange(100.0, 105.0))
    )
    assert one == other
