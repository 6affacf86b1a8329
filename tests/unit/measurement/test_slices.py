"""Agreement by slice: the gate's statistic on parts of the items."""

from __future__ import annotations

import pytest

from measurement.scale import Scale
from measurement.slices import (
    MOST_BLOCKS,
    TOO_FEW,
    agreement_by_slice,
    pairs_by_slice,
    pairs_over_time,
)
from measurement.table import RatingTable, Vote
from measurement.verdicts import Call, JudgeTable
from tests.unit.measurement.builders import table_of

YES_NO = Scale(("no", "yes"))


def people(labels: list[str]) -> RatingTable:
    return RatingTable.build(
        Vote(f"i{n}", rater, label) for n, label in enumerate(labels) for rater in "abc"
    )


def judge(labels: list[str], scale: Scale = YES_NO) -> JudgeTable:
    return JudgeTable.build([Call(f"i{n}", label) for n, label in enumerate(labels)], scale=scale)


def test_each_slice_has_its_own_share_and_n() -> None:
    said = ["yes"] * 30 + ["no"] * 10 + ["yes"] * 40
    found = agreement_by_slice(
        people(["yes"] * 80),
        judge(said),
        scale=YES_NO,
        least_ratings=3,
        slices={f"i{n}": "easy" if n < 40 else "hard" for n in range(80)},
    )
    assert {name: (one.value, one.n) for name, one in found.items()} == {
        "easy": (pytest.approx(0.75), 40),
        "hard": (1.0, 40),
    }


def test_a_slice_below_thirty_items_is_left_out() -> None:
    found = agreement_by_slice(
        people(["yes"] * 60),
        judge(["yes"] * 60),
        scale=YES_NO,
        least_ratings=3,
        slices={f"i{n}": "large" if n < 31 else "small" for n in range(60)},
    )
    assert list(found) == ["large"]


def test_of_pairs_only_those_count_on_which_people_prefer_one() -> None:
    scale = Scale.pairwise()
    found = agreement_by_slice(
        people(["A"] * 30 + ["tie"] * 10),
        judge(["A"] * 15 + ["tie"] * 25, scale),
        scale=scale,
        least_ratings=3,
        slices={f"i{n}": "all" for n in range(40)},
    )
    assert (found["all"].value, found["all"].n) == (0.5, 30)


def test_items_without_a_slice_are_nowhere() -> None:
    found = agreement_by_slice(
        people(["yes"] * 40), judge(["yes"] * 40), scale=YES_NO, least_ratings=3, slices={}
    )
    assert found == {}


def test_people_agree_by_slice_on_pairs_of_votes() -> None:
    votes = {f"{n:03}": "AA" if n < 30 else "AB" for n in range(60)} | {"x": "AA"}
    slices = {item: "easy" if item < "030" else "hard" for item in votes} | {"x": "odd"}
    found = pairs_by_slice(table_of(votes), scale=Scale.parse("A,B"), slices=slices)
    assert list(found) == ["easy", "hard", "odd"]
    assert (found["easy"].value, found["easy"].n) == (1.0, 30)
    assert (found["hard"].value, found["hard"].n) == (0.0, 30)
    assert found["hard"].interval is not None
    assert (found["odd"].value, found["odd"].undefined_because) == (None, TOO_FEW)


def test_blocks_over_time_are_equal_and_none_is_too_small() -> None:
    votes = {f"{n:03}": "AB" if n < 32 else "AA" for n in range(65)} | {"alone": "A"}
    table = table_of(votes)
    # The order of time is not that of the names.
    ended = {item: 1000.0 - place for place, item in enumerate(sorted(votes))}
    found = pairs_over_time(table, scale=Scale.parse("A,B"), ended=ended)
    assert [figure.n for _, figure in found] == [33, 32]
    assert [figure.value for _, figure in found] == [1.0, 0.0]
    assert found[0][0] < found[1][0] == 1000.0


def test_too_few_items_make_no_block() -> None:
    votes = {f"{n:02}": "AA" for n in range(29)}
    ended = dict.fromkeys(votes, 1.0)
    assert pairs_over_time(table_of(votes), scale=Scale.parse("A,B"), ended=ended) == []


def test_many_items_make_twelve_blocks() -> None:
    votes = {f"{n:04}": "AA" for n in range(500)}
    ended = {item: float(place) for place, item in enumerate(votes)}
    found = pairs_over_time(table_of(votes), scale=Scale.parse("A,B"), ended=ended)
    assert len(found) == MOST_BLOCKS
    assert sum(figure.n for _, figure in found) == 500
