"""Two runs over the same items, the second with something changed."""

from __future__ import annotations

import pytest

from measurement import probes
from measurement.estimate import Estimate, Interval
from measurement.scale import PAIRWISE, Scale
from measurement.sheet import Sheet
from measurement.stability import ClustersOf, clusters_by_key
from measurement.table import RatingTable, Vote
from measurement.verdicts import OK, Call, JudgeTable

PAIRS = Scale(PAIRWISE, is_pairwise=True)
POINTS = Scale.points(1, 5, level="ordinal").with_cut("4")
TOPICS = Scale(("a", "b", "c"))


def alone(*items: str) -> ClustersOf:
    return clusters_by_key({item: item for item in items})


def test_the_share_that_changes_counts_items_with_both_verdicts() -> None:
    plain = {"1": "A", "2": "B", "3": "tie", "4": "A"}
    other = {"1": "A", "2": "A", "3": "tie", "5": "B"}
    found = probes.changed(plain, other, PAIRS, alone(*"12345"))
    assert found.value == pytest.approx(1 / 3)
    assert found.n == 3
    assert found.interval is not None


def test_on_scales_a_change_is_one_of_pass_and_fail() -> None:
    plain, other = {"1": "4", "2": "4", "3": "1"}, {"1": "5", "2": "3", "3": "2"}
    assert probes.changed(plain, other, POINTS, alone(*"123")).value == pytest.approx(1 / 3)


def test_the_effect_on_pairs_is_the_support_that_the_named_side_gains() -> None:
    plain = {"1": "B", "2": "A", "3": "tie", "4": "A"}
    other = {"1": "A", "2": "A", "3": "A", "4": "B"}
    # Gains of the named side: +1, 0, +0.5, and on the fourth, where B is named, +1.
    toward = {"1": "A", "2": "A", "3": "A", "4": "B"}
    found = probes.shift(plain, other, toward, PAIRS, alone(*"1234"), seed=1)
    assert found.effect.value == pytest.approx(2.5 / 4)
    assert found.effect.n == 4
    # The second could not move up; the first and the fourth could not move down.
    assert (found.toward.value, found.toward.n) == (1.0, 3)
    assert (found.away.value, found.away.n) == (0.0, 2)


def test_the_effect_on_scales_is_a_part_of_the_range() -> None:
    plain, other = {"1": "1", "2": "5", "3": "3"}, {"1": "2", "2": "4", "3": "3"}
    found = probes.shift(plain, other, {}, POINTS, alone(*"123"), seed=1)
    assert found.effect.value == pytest.approx(0)
    assert (found.toward.value, found.toward.n) == (0.5, 2)
    assert (found.away.value, found.away.n) == (0.5, 2)


def test_not_applicable_has_no_place_and_is_left_out() -> None:
    plain, other = {"1": "not_applicable", "2": "2"}, {"1": "5", "2": "3"}
    found = probes.shift(plain, other, {}, POINTS, alone("1", "2"), seed=1)
    assert (found.effect.value, found.effect.n) == (0.25, 1)


def test_where_nothing_moves_few_items_still_leave_a_doubt() -> None:
    same = {str(item): "A" for item in range(20)}
    found = probes.shift(same, same, dict.fromkeys(same, "A"), PAIRS, alone(*same), seed=1)
    assert found.effect.value == 0
    assert found.effect.interval is not None
    # Wilson's upper bound of 0 of 20 is 0.161.
    assert found.effect.interval.high == pytest.approx(0.161, abs=0.001)
    assert found.toward.undefined_because == probes.NO_ROOM
    assert found.away.value == 0


def test_categories_have_nothing_for_or_against() -> None:
    found = probes.shift({"1": "a"}, {"1": "b"}, {}, TOPICS, alone("1"), seed=1)
    assert {found.effect.undefined_because, found.toward.undefined_because} == {probes.NO_ORDER}
    assert probes.changed({"1": "a"}, {"1": "b"}, TOPICS, alone("1")).value == 1


def test_without_an_item_in_both_runs_every_figure_says_so() -> None:
    found = probes.shift({"1": "A"}, {"2": "A"}, {}, PAIRS, alone("1", "2"), seed=1)
    assert found.effect.undefined_because == probes.NO_BOTH
    assert found.toward.undefined_because == probes.NO_BOTH
    assert probes.changed({"1": "A"}, {}, PAIRS, alone("1")).undefined_because == probes.NO_BOTH


def test_items_of_one_cluster_are_worth_less() -> None:
    plain = {str(item): "A" for item in range(40)}
    other = {str(item): "B" if item < 20 else "A" for item in range(40)}
    apart = probes.changed(plain, other, PAIRS, alone(*plain))
    together = clusters_by_key({item: str(int(item) // 10) for item in plain})
    clustered = probes.changed(plain, other, PAIRS, together)
    assert apart.interval is not None
    assert clustered.interval is not None
    assert clustered.interval.high - clustered.interval.low > (
        apart.interval.high - apart.interval.low
    )


def test_alpha_between_samples_is_one_for_a_judge_that_repeats_itself() -> None:
    keys = {str(item): str(item) for item in range(10)}
    steady = {item: [str(1 + int(item) % 5)] * 3 for item in keys}
    assert probes.retest_alpha(steady, keys, POINTS, seed=1).value == pytest.approx(1)
    restless = {item: [str(1 + (int(item) + n) % 5) for n in range(3)] for item in keys}
    low = probes.retest_alpha(restless, keys, POINTS, seed=1)
    assert low.value is not None
    assert low.value < 0.3
    assert low.n == 10


def _sheet(own_gap: int) -> Sheet:
    """60 own and 60 other responses at 3 by people; the judge gives its own `own_gap` more."""
    items = [f"{side}{n}" for side in ("own", "other") for n in range(60)]
    people = RatingTable.build(Vote(item, rater, "3") for item in items for rater in ("x", "y"))
    said = {item: str(3 + own_gap) if item.startswith("own") else "3" for item in items}
    judge = JudgeTable(said, dict.fromkeys(said, OK))
    return Sheet.of(people, judge, scale=POINTS, least_ratings=2, adjudicated=None)


def test_own_family_on_scales_is_the_difference_of_two_biases() -> None:
    is_own = {f"{side}{n}": side == "own" for side in ("own", "other") for n in range(60)}
    found = probes.own_family_points(_sheet(1), is_own, seed=1)
    assert found.value == pytest.approx(0.25)
    assert found.n == 120
    assert probes.own_family_points(_sheet(0), is_own, seed=1).value == pytest.approx(0)
    few = {item: own for item, own in is_own.items() if not own or item == "own1"}
    assert "fewer than 50" in probes.own_family_points(_sheet(1), few, seed=1).undefined_because


def test_the_complement_turns_the_interval_round() -> None:
    found = probes.complement(Estimate(0.9, 50, Interval(0.8, 0.96)))
    assert found.value == pytest.approx(0.1)
    assert found.interval is not None
    assert found.interval.low == pytest.approx(0.04)
    assert found.interval.high == pytest.approx(0.2)
    none = Estimate.undefined("none")
    assert probes.complement(none) is none


def _calls(said: dict[str, tuple[str, str]]) -> JudgeTable:
    """What the judge names in the orders AB and BA, in the item's own labelling."""
    rows = [
        Call(item, label, order)
        for item, labels in said.items()
        for order, label in zip(("AB", "BA"), labels, strict=True)
    ]
    return JudgeTable.build(rows, scale=PAIRS)


def test_the_first_place_is_named_by_half_the_calls_of_a_judge_that_keeps_its_winner() -> None:
    said = {str(item): ("A", "A") if item % 3 else ("B", "B") for item in range(40)}
    found = probes.first_shown(_calls(said), PAIRS, alone(*said), seed=1)
    assert (found.value, found.n) == (0.5, 80)
    # No pair of 40 leans: Wilson's upper bound of 0 of 40 is 0.088, and each could turn one call.
    assert found.interval is not None
    assert found.interval.high == pytest.approx(0.5 + 0.088 / 2, abs=0.001)


def test_each_flip_to_the_first_place_lifts_the_share() -> None:
    said = {str(item): ("A", "A") for item in range(30)} | {f"f{n}": ("A", "B") for n in range(10)}
    found = probes.first_shown(_calls(said), PAIRS, alone(*said), seed=1)
    # 30 + 20 of 80 calls name the first.
    assert found.value == pytest.approx(50 / 80)
    assert found.n == 80
    assert found.interval is not None
    assert 0.5 < found.interval.low < 50 / 80 < found.interval.high < 0.75


def test_without_a_winner_in_both_orders_the_first_place_has_no_share() -> None:
    found = probes.first_shown(_calls({"1": ("tie", "tie")}), PAIRS, alone("1"), seed=1)
    assert found.undefined_because
