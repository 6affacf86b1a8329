"""Agreement by slice: the gate's statistic on parts of the items."""

from __future__ import annotations

import pytest

from measurement.scale import Scale
from measurement.slices import agreement_by_slice
from measurement.table import RatingTable, Vote
from measurement.verdicts import Call, JudgeTable

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
