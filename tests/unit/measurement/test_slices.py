"""Agreement by slice: the gate's statistic on parts of the items."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import pytest
from scipy.stats import binom

from measurement.scale import Scale
from measurement.slices import (
    MOST_BLOCKS,
    TOO_FEW,
    Slices,
    TooSmall,
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


def by_slice(
    labels: list[str], said: list[str], scale: Scale = YES_NO, **properties: list[str]
) -> Slices:
    """Agreement by each property, given as its value for item after item."""
    return agreement_by_slice(
        people(labels),
        judge(said, scale),
        scale=scale,
        least_ratings=3,
        properties={
            name: {f"i{n}": value for n, value in enumerate(values) if value}
            for name, values in properties.items()
        },
        target=0.8,
    )


def test_each_slice_has_its_own_share_and_n() -> None:
    said = ["yes"] * 30 + ["no"] * 10 + ["yes"] * 40
    found = by_slice(["yes"] * 80, said, difficulty=["easy"] * 40 + ["hard"] * 40)
    by_value = found.found["difficulty"]
    assert {name: (one.agreement.value, one.agreement.n) for name, one in by_value.items()} == {
        "easy": (pytest.approx(0.75), 40),
        "hard": (1.0, 40),
    }
    assert found.too_small == {}


def test_slices_below_thirty_items_are_counted_and_have_no_figure() -> None:
    values = ["large"] * 31 + ["small"] * 20 + ["tiny"] * 9
    found = by_slice(["yes"] * 60, ["yes"] * 60, source=values)
    assert list(found.found["source"]) == ["large"]
    assert found.too_small == {"source": TooSmall(values=2, items=29)}


def test_a_property_with_one_value_tells_nothing_apart() -> None:
    found = by_slice(["yes"] * 60, ["yes"] * 60, source=["log"] * 60)
    assert (found.found, found.too_small) == ({}, {})


def test_of_pairs_only_those_count_on_which_people_prefer_one() -> None:
    found = by_slice(
        ["A"] * 60 + ["tie"] * 10,
        ["A"] * 15 + ["tie"] * 15 + ["A"] * 30 + ["tie"] * 10,
        Scale.pairwise(),
        case=["edge"] * 30 + ["usual"] * 30 + ["edge"] * 10,
    )
    edge = found.found["case"]["edge"].agreement
    assert (edge.value, edge.n) == (0.5, 30)


def test_items_without_a_slice_are_nowhere() -> None:
    found = by_slice(["yes"] * 40, ["yes"] * 40, source=[""] * 40)
    assert found.found == {}


def test_how_far_a_slice_is_below_the_target_is_adjusted_for_all_slices_by_holm() -> None:
    """P(X <= 20 | 35, .8) = .0015 and P(X <= 25 | 35, .8) = .15 by scipy.stats.binom.cdf."""
    from statsmodels.stats.multitest import multipletests

    said = ["yes"] * 20 + ["no"] * 15 + ["yes"] * 25 + ["no"] * 10
    found = by_slice(
        ["yes"] * 70,
        said,
        difficulty=["easy"] * 35 + ["hard"] * 35,
        source=["log", "manual"] * 35,
    )
    easy, hard = (found.found["difficulty"][name] for name in ("easy", "hard"))
    log, manual = (found.found["source"][name] for name in ("log", "manual"))
    exact = [binom.cdf(hits, 35, 0.8) for hits in (20, 25)]
    assert [easy.p_below, hard.p_below] == pytest.approx(exact)
    raw = [easy.p_below, hard.p_below, log.p_below, manual.p_below]
    _, expected, *_ = multipletests(raw, method="holm")
    assert [easy.holm, hard.holm, log.holm, manual.holm] == pytest.approx(list(expected))
    assert easy.holm == pytest.approx(4 * easy.p_below)


def test_a_slice_of_hits_alone_is_not_below_anything() -> None:
    found = by_slice(["yes"] * 80, ["yes"] * 80, case=["edge"] * 40 + ["usual"] * 40)
    assert [one.p_below for one in found.found["case"].values()] == [1.0, 1.0]


def test_people_agree_by_slice_on_pairs_of_votes() -> None:
    votes = {f"{n:03}": "AA" if n < 30 else "AB" for n in range(60)} | {"x": "AA"}
    slices = {item: "easy" if item < "030" else "hard" for item in votes} | {"x": "odd"}
    found = pairs_by_slice(table_of(votes), scale=Scale.parse("A,B"), slices=slices)
    assert list(found) == ["easy", "hard", "odd"]
    assert (found["easy"].value, found["easy"].n) == (1.0, 30)
    assert (found["hard"].value, found["hard"].n) == (0.0, 30)
    assert found["hard"].interval is not None
    assert (found["odd"].value, found["odd"].undefined_because) == (None, TOO_FEW)


def blocks(sizes: Mapping[int, int]) -> list[tuple[int, int]]:
    """The last day of each block and its items, where so many were done on each day."""
    days = [day for day, size in sizes.items() for _ in range(size)]
    votes = {f"{n:04}": "AA" for n in range(len(days))}
    ended = {item: date(2026, 11, day) for item, day in zip(votes, days, strict=True)}
    found = pairs_over_time(table_of(votes), scale=Scale.parse("A,B"), ended=ended)
    return [(day.day, figure.n) for day, figure in found]


def test_blocks_over_time_are_of_whole_days_and_none_is_too_small() -> None:
    votes = {f"{n:03}": "AB" if n < 32 else "AA" for n in range(65)} | {"alone": "A"}
    table = table_of(votes)
    # The order of time is not that of the names.
    ended = {item: date(2026, 12, 31) - timedelta(days=n) for n, item in enumerate(sorted(votes))}
    found = pairs_over_time(table, scale=Scale.parse("A,B"), ended=ended)
    assert [figure.n for _, figure in found] == [30, 35]
    assert [figure.value for _, figure in found] == [1.0, pytest.approx(3 / 35)]
    assert found[1][0] == date(2026, 12, 31)


def test_no_day_is_parted_over_blocks() -> None:
    assert blocks({1: 500}) == [(1, 500)]
    assert blocks({1: 10, 2: 400, 3: 45}) == [(2, 410), (3, 45)]
    # Too few at the end go into the block before them; enough of them stand alone.
    assert blocks({1: 40, 2: 40, 3: 29}) == [(1, 40), (3, 69)]
    assert blocks({1: 400, 2: 400, 3: 31}) == [(1, 400), (2, 400), (3, 31)]


def test_too_few_items_make_no_block() -> None:
    votes = {f"{n:02}": "AA" for n in range(29)}
    ended = dict.fromkeys(votes, date(2026, 11, 23))
    assert pairs_over_time(table_of(votes), scale=Scale.parse("A,B"), ended=ended) == []


def test_many_items_make_twelve_blocks() -> None:
    votes = {f"{n:04}": "AA" for n in range(500)}
    ended = {item: date(2026, 1, 1) + timedelta(days=n // 3) for n, item in enumerate(votes)}
    found = pairs_over_time(table_of(votes), scale=Scale.parse("A,B"), ended=ended)
    assert len(found) <= MOST_BLOCKS
    assert len({day for day, _ in found}) == len(found)
    assert sum(figure.n for _, figure in found) == 500
