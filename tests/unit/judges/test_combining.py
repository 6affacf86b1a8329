from __future__ import annotations

import dataclasses

import pytest

import measurement.scale
from judges.rules.spec import DimensionSpec
from judges.rules.verdicts import CallVerdict, Combined, Outcome, combine, to_item_labelling
from tests.unit.judges.builders import ACCURACY, FIVE, make_version

GRADED = DimensionSpec(
    "preference", "?", "pairwise", tuple((label, label) for label in measurement.scale.GRADED)
)
TOPIC = DimensionSpec("topic", "?", "category", (("x", ""), ("y", ""), ("z", "")))


def pair(*shown: tuple[str, str], graded: bool = False, samples: int | None = None) -> Combined:
    """Combine samples given as (label shown in AB, label shown in BA); "" is a failed call."""
    changes = {"dimensions": (GRADED,)} if graded else {}
    version = make_version("pair", samples=samples or len(shown), **changes)
    calls = [
        call(order, sample, "preference", label)
        for sample, labels in enumerate(shown)
        for order, label in zip(("AB", "BA"), labels, strict=True)
    ]
    return combine(calls, version)["preference"]


def single(
    *labels: str, dimension: DimensionSpec = ACCURACY, samples: int | None = None
) -> Combined:
    version = make_version("single", dimensions=(dimension,), samples=samples or len(labels))
    calls = [call("", sample, dimension.key, label) for sample, label in enumerate(labels)]
    return combine(calls, version)[dimension.key]


def call(order: str, sample: int, key: str, label: str) -> CallVerdict:
    if not label:
        return CallVerdict(order, sample, Outcome.REFUSED)
    return CallVerdict(order, sample, Outcome.OK, {key: label})


@pytest.mark.parametrize(
    ("shown", "label", "consistent"),
    [
        (("A", "B"), "A", True),
        (("B", "A"), "B", True),
        (("tie", "tie"), "tie", True),
        (("A", "A"), "tie", False),
        (("B", "B"), "tie", False),
        (("A", "tie"), "tie", False),
        (("tie", "B"), "tie", False),
    ],
)
def test_two_orders_give_the_winner_in_the_items_own_labelling(
    shown: tuple[str, str], label: str, consistent: bool
) -> None:
    combined = pair(shown)
    assert (combined.label, combined.consistent) == (label, consistent)
    assert combined.outcome is Outcome.OK


@pytest.mark.parametrize("shown", [("A", ""), ("", "A"), ("", "")])
def test_a_sample_that_lacks_an_order_has_no_verdict(shown: tuple[str, str]) -> None:
    combined = pair(shown)
    assert combined.label is None
    assert combined.votes == ()
    assert combined.outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("shown", "label", "consistent"),
    [
        (("A2", "B2"), "A2", True),
        (("A2", "B1"), "A1", True),
        (("B1", "A2"), "B1", True),
        (("A1", "A1"), "tie", False),
        (("A1", "tie"), "tie", False),
    ],
)
def test_graded_orders_keep_the_winner_by_the_smaller_margin(
    shown: tuple[str, str], label: str, consistent: bool
) -> None:
    combined = pair(shown, graded=True)
    assert (combined.label, combined.consistent) == (label, consistent)


def test_graded_samples_first_agree_on_the_winner() -> None:
    combined = pair(("A2", "B2"), ("A1", "B1"), ("B2", "A2"), graded=True)
    assert combined.label == "A1"


def test_samples_are_combined_by_plurality() -> None:
    assert pair(("A", "B"), ("A", "B"), ("B", "A")).label == "A"


def test_pairs_without_a_plurality_are_a_tie() -> None:
    combined = pair(("A", "B"), ("B", "A"))
    assert (combined.label, combined.outcome) == ("tie", Outcome.OK)
    assert combined.consistent is True


def test_one_flip_among_samples_is_marked() -> None:
    combined = pair(("A", "B"), ("A", "B"), ("A", "A"))
    assert (combined.label, combined.consistent) == ("A", False)
    assert [vote.label for vote in combined.votes] == ["A", "A", "tie"]


def test_one_order_alone_says_nothing_about_consistency() -> None:
    version = make_version("pair", both_orders=False)
    combined = combine([call("AB", 0, "preference", "B")], version)["preference"]
    assert (combined.label, combined.consistent) == ("B", None)


@pytest.mark.parametrize(
    ("labels", "median"),
    [
        (("4",), "4"),
        (("1", "5", "4"), "4"),
        (("5", "2"), "2"),
        (("2", "3", "4", "5"), "3"),
        (("1", "1", "5"), "1"),
    ],
)
def test_scales_take_the_median_and_of_two_middle_points_the_lower(
    labels: tuple[str, ...], median: str
) -> None:
    assert single(*labels).label == median


def test_the_median_of_a_scale_listed_from_best_to_worst_is_the_lower_point_too() -> None:
    falling = dataclasses.replace(ACCURACY, points=tuple(reversed(FIVE)))
    assert single("5", "2", dimension=falling).label == "2"


def test_numbers_of_two_digits_are_ordered_as_numbers() -> None:
    ten = dataclasses.replace(ACCURACY, points=tuple((str(n), "") for n in range(1, 11)))
    assert single("9", "10", "10", dimension=ten).label == "10"


def test_categories_need_a_strict_plurality() -> None:
    assert single("x", "x", "y", dimension=TOPIC).label == "x"
    split = single("x", "y", dimension=TOPIC)
    assert (split.label, split.outcome) == (None, Outcome.SPLIT)


def test_most_votes_not_applicable_make_the_label_so() -> None:
    dimension = dataclasses.replace(ACCURACY, allow_na=True)
    na = "not_applicable"
    assert single(na, na, "5", dimension=dimension).label == na
    assert single(na, "4", "5", dimension=dimension).label == "4"
    assert single(na, "5", dimension=dimension).outcome is Outcome.SPLIT


def test_half_of_the_samples_are_enough() -> None:
    assert single("4", "", "4", "").label == "4"


def test_fewer_than_half_of_the_samples_give_no_label() -> None:
    combined = single("4", "", "")
    assert (combined.label, combined.outcome) == (None, Outcome.REFUSED)
    assert [vote.label for vote in combined.votes] == ["4"]


def test_an_item_whose_calls_are_open_is_pending() -> None:
    version = make_version("single", samples=2)
    calls = [CallVerdict("", 0, Outcome.REFUSED), CallVerdict("", 1, Outcome.PENDING)]
    assert combine(calls, version)["accuracy"].outcome is Outcome.PENDING


def test_an_item_without_calls_is_pending() -> None:
    assert combine([], make_version("single"))["accuracy"].outcome is Outcome.PENDING


def test_half_a_pair_that_was_answered_waits_for_the_other_half() -> None:
    combined = combine([call("AB", 0, "preference", "A")], make_version("pair"))["preference"]
    assert combined.outcome is Outcome.PENDING


def test_the_commonest_failure_is_the_items_outcome() -> None:
    version = make_version("single", samples=3)
    outcomes = (Outcome.INVALID, Outcome.FAILED, Outcome.FAILED)
    calls = [CallVerdict("", sample, outcome) for sample, outcome in enumerate(outcomes)]
    assert combine(calls, version)["accuracy"].outcome is Outcome.FAILED


@pytest.mark.parametrize("label", [*measurement.scale.GRADED, "A", "B"])
def test_turning_a_label_round_twice_changes_nothing(label: str) -> None:
    assert to_item_labelling(to_item_labelling(label, "BA"), "BA") == label


def test_a_label_shown_in_the_own_order_stays() -> None:
    assert to_item_labelling("A", "AB") == "A"
    assert to_item_labelling("tie", "BA") == "tie"
