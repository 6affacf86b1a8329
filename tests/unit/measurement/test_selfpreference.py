"""A judge's preference for responses of its own family, beyond what people prefer."""

from __future__ import annotations

import pytest

from measurement.alignment import align
from measurement.scale import Scale
from measurement.selfpreference import SelfPreference
from tests.unit.measurement.builders import judge_of, shows, table_of

PAIR = Scale.pairwise()
Case = tuple[str, str, str, int]
"""Human label, judge's label, the own side (A, B or empty), how many such items."""


def of(cases: list[Case], *, clusters: int = 0) -> SelfPreference:
    rows = [case[:3] for case in cases for _ in range(case[3])]
    names = [f"{place:03}" for place in range(len(rows))]
    votes = {name: [row[0]] * 3 for name, row in zip(names, rows, strict=True)}
    judge = judge_of({name: row[1] for name, row in zip(names, rows, strict=True)}, scale=PAIR)
    own = {name: row[2] for name, row in zip(names, rows, strict=True) if row[2]}
    grouped = {name: f"{int(name) % clusters}" for name in names} if clusters else None
    people = table_of(votes, clusters=grouped)
    found = align(people, judge, scale=PAIR, own=own).self_preference
    assert found is not None
    return found


BIASED: list[Case] = [
    ("A", "A", "A", 54),
    ("A", "B", "A", 6),  # own wins are found in 54 of 60
    ("B", "B", "A", 30),
    ("B", "A", "A", 15),
    ("A", "A", "B", 6),
    ("A", "tie", "B", 9),  # others' wins in 36 of 60; a tie misses
    ("tie", "A", "A", 20),  # people have no preference
    ("A", "A", "", 20),  # both or neither are of the family
]


def test_the_difference_is_that_of_two_recalls() -> None:
    found = of(BIASED)
    assert shows(found.own, 54, 60)
    assert shows(found.other, 36, 60)
    assert found.difference.value == pytest.approx(0.3)
    assert found.difference.n == 120


def test_the_interval_is_that_of_resampled_items() -> None:
    interval = of(BIASED).difference.interval
    assert interval is not None
    # √(.9 · .1 / 60 + .6 · .4 / 60) = .0742; twice 1.96 of it.
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * 0.0742, rel=0.1)


def test_clusters_are_resampled_whole() -> None:
    interval = of(BIASED, clusters=30).difference.interval
    assert interval is not None
    assert interval.method.startswith("cluster")


def test_a_missing_verdict_is_a_miss() -> None:
    found = of([("A", "!refused", "A", 10), ("A", "A", "A", 40), ("B", "B", "A", 50)])
    assert found.difference.value == pytest.approx(-0.2)


def test_swapping_a_and_b_changes_nothing() -> None:
    other = {"A": "B", "B": "A", "tie": "tie", "": ""}
    swapped = [(other[h], other[j], other[own], n) for h, j, own, n in BIASED]
    assert of(swapped) == of(BIASED)


def test_below_fifty_items_on_a_side_nothing_is_shown() -> None:
    found = of([("A", "A", "A", 90), ("B", "B", "A", 49)])
    for figure in (found.own, found.other, found.difference):
        assert "fewer than 50 items" in figure.undefined_because
        assert figure.n == 49


def test_without_knowing_whose_responses_they_are_there_is_no_such_figure() -> None:
    people, judge = table_of({"i": "AAA"}), judge_of({"i": "A"}, scale=PAIR)
    assert align(people, judge, scale=PAIR).self_preference is None
    scale = Scale.parse("A,B")
    judge = judge_of({"i": "A"}, scale=scale)
    assert align(people, judge, scale=scale, own={"i": "A"}).self_preference is None
