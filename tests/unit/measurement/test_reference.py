from __future__ import annotations

import numpy as np
import pytest

from measurement.dawidskene import Votes, posterior
from measurement.reference import (
    CONTESTED,
    METHODS,
    OUTSIDE,
    median,
    on_tested_scale,
    plurality,
    reference,
    side_by_side,
)
from measurement.scale import Scale, TableError
from tests.unit.measurement.builders import table_of

NA = "not_applicable"


@pytest.mark.parametrize(
    ("counts", "label"),
    [
        ([2, 1, 0], 0),
        ([1, 1, 0], CONTESTED),
        ([1, 1, 1], CONTESTED),
        ([2, 1, 1], 0),
        ([1, 0, 0], CONTESTED),
    ],
)
def test_strict_plurality_of_at_least_two_votes(counts: list[int], label: int) -> None:
    assert plurality(np.array([counts])).tolist() == [label]


@pytest.mark.parametrize(
    ("counts", "label"),
    [
        ([1, 1, 1, 0, 0], 1),
        ([2, 0, 0, 0, 1], 0),
        ([0, 2, 2, 0, 0], CONTESTED),
        ([1, 2, 0, 0, 1], 1),
        ([0, 0, 1, 0, 0], CONTESTED),
    ],
)
def test_the_median_needs_one_middle(counts: list[int], label: int) -> None:
    assert median(np.array([counts])).tolist() == [label]


def labels_of(votes: list[str], *, scale: Scale, **options: object) -> int:
    table = table_of({"i": votes})
    return int(reference(table, scale=scale, **options).labels[0])  # type: ignore[arg-type]


def test_ratings_with_a_cut_are_decided_by_pass_and_fail() -> None:
    # 3, 4 and 5: two of three are at the cut or above it.
    assert labels_of(["3", "4", "5"], scale=Scale.parse("1-5", cut="4")) == 1


def test_ratings_without_a_cut_are_decided_by_their_median() -> None:
    assert labels_of(["3", "4", "5"], scale=Scale.parse("1-5")) == 3


def test_two_points_of_one_scale_need_no_median() -> None:
    assert labels_of(["0", "1", "1", "0"], scale=Scale.parse("0,1")) == CONTESTED


def test_too_few_ratings_leave_an_item_contested() -> None:
    assert labels_of(["A", "A"], scale=Scale.pairwise(), least_ratings=3) == CONTESTED


def test_a_graded_preference_is_decided_by_its_side() -> None:
    assert labels_of(["A1", "A2", "B1"], scale=Scale.pairwise(is_graded=True)) == 0


def test_mostly_not_applicable_puts_an_item_outside() -> None:
    assert labels_of([NA, NA, "A"], scale=Scale.pairwise()) == OUTSIDE


def test_as_many_not_applicable_as_the_first_label_is_contested() -> None:
    assert labels_of([NA, "A"], scale=Scale.pairwise()) == CONTESTED


def test_a_single_not_applicable_does_not_touch_a_median() -> None:
    assert labels_of(["3", "4", "5", NA], scale=Scale.parse("1-5")) == 3


def test_a_named_person_stands_above_the_votes() -> None:
    scale = Scale.pairwise()
    assert labels_of(["A", "B", "tie"], scale=scale, adjudicated={"i": "B"}) == 2
    assert labels_of(["A", "A", "B"], scale=scale, adjudicated={"i": NA}) == OUTSIDE
    assert labels_of(["A", "A", "B"], scale=scale, adjudicated={"elsewhere": "B"}) == 0


def test_a_named_method_stands_above_the_usual_one() -> None:
    scale = Scale.parse("1-5")
    votes = ["1", "1", "3", "4", "5"]
    assert labels_of(votes, scale=scale) == 2
    assert labels_of(votes, scale=scale, method="plurality") == 0
    assert labels_of(votes, scale=Scale.parse("1-5", cut="4"), method="median") == 0


def test_labels_without_order_have_no_median() -> None:
    with pytest.raises(TableError, match="in order"):
        labels_of(["A", "A"], scale=Scale.pairwise(), method="median")


def careless() -> dict[str, list[str]]:
    """Two raters who are always right, and three who say A to everything but the last item."""
    truth = ["A", "B"] * 15
    return {f"{i:02}": [label, label, "A", "A", "A"] for i, label in enumerate(truth)} | {
        "30": ["B", "B", "B", "B", "B"]
    }


def test_dawid_and_skene_outvote_raters_who_tell_nothing_apart() -> None:
    table, scale = table_of(careless()), Scale.parse("A,B")
    counted = reference(table, scale=scale)
    modelled = reference(table, scale=scale, method="dawid_skene")
    assert counted.labels.tolist() == [0] * 30 + [1]
    assert modelled.labels.tolist() == [0, 1] * 15 + [1]
    assert modelled.points.tolist() == modelled.labels.tolist()


@pytest.mark.parametrize("odd", [{"98": "A."}, {"98": "AB", "99": "BA"}])
def test_dawid_and_skene_leave_single_votes_and_even_items_contested(odd: dict[str, str]) -> None:
    votes = {f"{i:02}": ["AA", "BB"][i % 2] for i in range(20)} | odd
    found = reference(table_of(votes), scale=Scale.parse("A,B"), method="dawid_skene")
    assert found.labels.tolist() == [0, 1] * 10 + [CONTESTED] * len(odd)


def test_one_label_throughout_needs_no_model() -> None:
    votes = dict.fromkeys(("i", "j"), "AAA")
    found = reference(table_of(votes), scale=Scale.parse("A,B"), method="dawid_skene")
    assert found.labels.tolist() == [0, 0]


def test_every_method_keeps_to_the_rules_for_thin_and_inapplicable_items() -> None:
    for method in METHODS:
        scale = Scale.parse("1-5")
        assert labels_of([NA, NA, "4"], scale=scale, method=method) == OUTSIDE
        assert labels_of(["4", "4"], scale=scale, method=method, least_ratings=3) == CONTESTED
        assert labels_of(["4", "4"], scale=scale, method=method, adjudicated={"i": "5"}) == 4


def test_the_methods_side_by_side_are_each_what_it_is_alone() -> None:
    scale = Scale.parse("1-5")
    table = table_of({"i": "1245", "j": "445", "k": "3", "l": "555", "m": [NA, NA, "2"]})
    found = side_by_side(table, scale=scale)
    for name in METHODS:
        alone = reference(table, scale=scale, method=name)
        assert found.labels[name].tolist() == alone.labels.tolist(), name


def test_labels_without_an_order_have_no_median() -> None:
    found = side_by_side(table_of({"i": "AB"}), scale=Scale.pairwise())
    assert set(found.labels) == {"plurality", "dawid_skene"}


def test_a_cut_makes_pass_and_fail_of_every_method() -> None:
    table, scale = table_of({"i": "345", "j": "122"}), Scale.parse("1-5", cut="4")
    found = side_by_side(table, scale=scale)
    assert {name: codes.tolist() for name, codes in found.labels.items()} == {
        "plurality": [1, 0],
        "median": [1, 0],
        "dawid_skene": [1, 0],
    }


def test_a_kept_model_says_of_single_items_what_it_said_of_all() -> None:
    table, scale = table_of(careless()), Scale.parse("A,B")
    model = side_by_side(table, scale=scale).model
    votes = Votes.of_codes(table, on_tested_scale(table, scale), labels=2)
    assert posterior(model.prior, model.confusion, votes) == pytest.approx(model.posterior)
