"""The judge against itself: in the other order, and once more in the same one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measurement.scale import Scale
from measurement.sheet import Sheet
from measurement.stability import Orders, Repeats, orders, repeats
from measurement.verdicts import Call, JudgeTable
from tests.unit.measurement.builders import shows, table_of

PAIR = Scale.pairwise()
POINTS = Scale.points(1, 5, cut=4)
Said = dict[str, tuple[str, ...]]


def sheet_of(judge: JudgeTable, scale: Scale, clusters: dict[str, str] | None = None) -> Sheet:
    people = table_of({item: [scale.labels[0]] * 3 for item in judge.outcomes}, clusters=clusters)
    return Sheet.of(people, judge, scale=scale, least_ratings=2, adjudicated=None)


def in_orders(said: Said, *, clusters: dict[str, str] | None = None) -> Orders:
    """By item one "AB winner/BA winner" a sample."""
    rows = [
        Call(item, winner, order, sample)
        for item, samples in said.items()
        for sample, winners in enumerate(samples)
        for order, winner in zip(("AB", "BA"), winners.split("/"), strict=True)
    ]
    judge = JudgeTable.build(rows, scale=PAIR)
    found = orders(judge, sheet_of(judge, PAIR, clusters), seed=1)
    assert found is not None
    return found


def sampled(said: dict[str, list[str]], scale: Scale = POINTS) -> Repeats | None:
    rows = [
        Call(item, None, sample=sample, outcome=label[1:])
        if label.startswith("!")
        else Call(item, label, sample=sample)
        for item, labels in said.items()
        for sample, label in enumerate(labels)
    ]
    judge = JudgeTable.build(rows, scale=scale)
    return repeats(judge, sheet_of(judge, scale))


def test_flips_lean_to_the_place_where_the_winner_stood() -> None:
    found = in_orders(
        {
            "a": ("A/A",),
            "b": ("tie/tie",),
            "c": ("A/B",),  # shown first both times
            "d": ("B/A",),  # shown second both times
            "e": ("A/tie",),  # first, beside a tie
            "f": ("tie/B",),  # first, beside a tie
            "g": ("tie/A",),  # second, beside a tie
        }
    )
    assert shows(found.consistent, 2, 7)
    assert (found.flips.first, found.flips.second) == (3, 2)
    assert shows(found.flips.share_first, 3, 5)


def test_the_lean_of_flips_is_tested_by_the_binomial() -> None:
    found = in_orders({f"{i}": ("A/B",) if i < 9 else ("B/A",) for i in range(10)})
    # Two-sided: 2 · (1 + 10) / 2^10.
    assert found.flips.p.value == pytest.approx(22 / 1024)
    assert found.flips.p.n == 10


def test_flips_of_one_cluster_are_one_vote_in_the_test() -> None:
    said: Said = {f"{i}": ("A/B",) for i in range(10)}
    found = in_orders(said, clusters=dict.fromkeys(said, "c"))
    assert (found.flips.first, found.flips.p.n, found.flips.p.value) == (10, 1, 1.0)


def test_a_cluster_that_leans_to_no_side_has_no_vote() -> None:
    said: Said = {"a": ("A/B",), "b": ("B/A",)}
    found = in_orders(said, clusters=dict.fromkeys(said, "c"))
    assert found.flips.p.undefined_because == "no cluster leans to a place"


def test_without_a_flip_there_is_a_reason() -> None:
    found = in_orders({"a": ("A/A",)})
    for figure in (found.flips.share_first, found.flips.p):
        assert figure.undefined_because == "no pair changes its winner with the order"


def test_the_same_order_asked_again_shows_chance() -> None:
    # a: AB said A, A, B (1 of 3 pairs), BA said A, A, A (3 of 3); swapped pairs 2 of 3.
    # b: AB said B, B, BA said A, A: never the same when swapped, always when repeated.
    found = in_orders({"a": ("A/A", "A/A", "B/A"), "b": ("B/A", "B/A")})
    assert shows(found.consistent_repeat, 4 + 2, 6 + 2)
    assert shows(found.consistent, 2, 5)
    assert found.position.value == pytest.approx(6 / 8 - 2 / 5)
    assert found.position.n == 2


def test_a_judge_of_position_alone_shows_all_of_it() -> None:
    found = in_orders({f"{i}": ("A/B", "A/B") for i in range(5)})
    assert (found.consistent_repeat.value, found.position.value) == (1.0, 1.0)


def test_without_repeats_position_and_chance_cannot_be_told_apart() -> None:
    found = in_orders({"a": ("A/B",)})
    for figure in (found.consistent_repeat, found.position):
        assert figure.undefined_because == "no item was asked twice in the same order"


def test_one_order_asked_twice_has_no_pairs_to_compare() -> None:
    rows = [Call("a", "A", "AB", sample) for sample in (0, 1)]
    judge = JudgeTable.build(rows, scale=PAIR)
    found = orders(judge, sheet_of(judge, PAIR), seed=1)
    assert found is not None
    assert shows(found.consistent_repeat, 1, 1)
    assert "both orders" in found.position.undefined_because


def test_the_flip_rate_counts_items_that_are_not_unanimous() -> None:
    found = sampled({"a": ["4", "5", "4"], "b": ["3", "4", "4"], "c": ["1", "1", "!invalid"]})
    assert found is not None
    # 4 and 5 are both a pass; c is judged by the two samples that it has.
    assert shows(found.flip_rate, 1, 3)
    assert shows(found.agreement, 3 + 1 + 1, 3 + 3 + 1)
    assert found.samples == 3


def test_a_sample_of_a_pair_is_the_verdict_of_both_orders() -> None:
    rows = [
        Call("a", "A", "AB", 0),
        Call("a", "A", "BA", 0),
        Call("a", "A", "AB", 1),
        Call("a", "B", "BA", 1),  # a flip: a tie
        Call("b", "A", "AB", 0),
        Call("b", "B", "BA", 0),
        Call("b", "B", "AB", 1),
        Call("b", "A", "BA", 1),  # a flip as well: the same tie
        Call("c", "A", "AB", 0),  # lacks an order
    ]
    judge = JudgeTable.build(rows, scale=PAIR)
    found = repeats(judge, sheet_of(judge, PAIR))
    assert found is not None
    assert shows(found.flip_rate, 1, 2)


def test_not_applicable_is_a_verdict_that_can_flip() -> None:
    found = sampled({"a": ["5", "not_applicable"]})
    assert found is not None
    assert found.flip_rate.value == 1


def test_one_sample_says_nothing_about_repeats() -> None:
    assert sampled({"a": ["4"], "b": ["2"]}) is None


def test_samples_without_two_verdicts_have_a_reason() -> None:
    found = sampled({"a": ["4", "!failed"]})
    assert found is not None
    assert found.flip_rate.undefined_because == "no item has two samples with a verdict"
    assert found.samples == 0


winner = st.sampled_from(["A", "tie", "B"])
asked = st.lists(
    st.lists(st.tuples(winner, winner), min_size=1, max_size=3), min_size=1, max_size=8
)
OTHER = {"A": "B", "B": "A", "tie": "tie"}


def as_said(items: list[list[tuple[str, str]]]) -> Said:
    return {
        f"{place}": tuple("/".join(winners) for winners in samples)
        for place, samples in enumerate(items)
    }


@given(asked)
def test_swapping_a_and_b_turns_the_lean_round(items: list[list[tuple[str, str]]]) -> None:
    # Only the winners change their names, so what stood first stands second.
    swapped = [[(OTHER[one], OTHER[two]) for one, two in samples] for samples in items]
    one, other = in_orders(as_said(items)), in_orders(as_said(swapped))
    assert (one.flips.first, one.flips.second) == (other.flips.second, other.flips.first)
    assert one.flips.p == other.flips.p
    for name in ("consistent", "consistent_repeat"):
        assert getattr(one, name) == getattr(other, name)
    assert one.position.value == pytest.approx(other.position.value)


@given(asked)
def test_every_pair_is_consistent_or_a_flip(items: list[list[tuple[str, str]]]) -> None:
    found = in_orders(as_said(items))
    assert found.consistent.value is not None
    flips = found.flips.first + found.flips.second
    assert round(found.consistent.value * found.pairs) + flips == found.pairs


@given(asked, st.randoms(use_true_random=False))
def test_the_order_of_the_calls_changes_no_figure(
    items: list[list[tuple[str, str]]], random: object
) -> None:
    said = list(as_said(items).items())
    shuffled = list(said)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert in_orders(dict(said)).as_dict() == in_orders(dict(shuffled)).as_dict()
