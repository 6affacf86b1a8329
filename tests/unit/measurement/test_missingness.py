"""Verdicts that are missing, by what people say."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measurement.missingness import Missingness, missingness
from measurement.scale import Scale
from measurement.sheet import Sheet
from tests.unit.measurement.builders import judge_of, shows, table_of

WORDS = Scale.parse("a,b,c")
PAIR = Scale.pairwise()


def of(
    said: list[tuple[str, str]], *, scale: Scale = WORDS, clusters: list[str] | None = None
) -> Missingness:
    """One (human label, judge's label or "!outcome" or ".") an item."""
    names = [f"{place:03}" for place in range(len(said))]
    grouped = None if clusters is None else dict(zip(names, clusters, strict=True))
    votes = {name: [human] * 3 for name, (human, _) in zip(names, said, strict=True)}
    verdicts = {name: label for name, (_, label) in zip(names, said, strict=True) if label != "."}
    judge = judge_of(verdicts, scale=scale)
    sheet = Sheet.of(
        table_of(votes, clusters=grouped), judge, scale=scale, least_ratings=2, adjudicated=None
    )
    return missingness(sheet, judge, seed=1)


def group(human: str, answered: int, missing: int) -> list[tuple[str, str]]:
    return [(human, human)] * answered + [(human, "!refused")] * missing


def test_outcomes_are_counted_by_human_label() -> None:
    found = of([("a", "b"), ("a", "!refused"), ("b", "!invalid"), ("b", "."), ("c", "c")])
    assert found.outcomes == ("ok", "invalid", "missing", "refused")
    assert found.counts == ((1, 0, 1), (0, 1, 0), (0, 1, 0), (1, 0, 0))
    assert [shows(share, hits, n) for share, (hits, n) in zip(
        found.shares, ((1, 2), (2, 2), (0, 1)), strict=True
    )] == [True, True, True]  # fmt: skip


def test_ties_of_people_are_decided_and_contested_items_are_out() -> None:
    found = of([("A", "A"), ("tie", "!refused"), ("B", "tie")], scale=PAIR)
    assert found.counts == ((1, 0, 1), (0, 1, 0))
    judge = judge_of({"i": "!refused"}, scale=PAIR)
    contested = Sheet.of(
        table_of({"i": "AB"}), judge, scale=PAIR, least_ratings=2, adjudicated=None
    )
    assert missingness(contested, judge, seed=1).p.undefined_because == (
        "no item has a decided human label"
    )


def test_two_labels_are_tested_by_fisher() -> None:
    found = of([*group("a", 10, 0), *group("b", 5, 5)])
    # All 5 without a verdict are among the b: C(10, 5) / C(20, 5), twice.
    assert found.p.value == pytest.approx(2 * 252 / 15504)
    assert found.p.n == 20


def test_three_labels_are_tested_by_permutation() -> None:
    related = of([*group("a", 30, 0), *group("b", 30, 0), *group("c", 15, 15)])
    assert related.p.value == 1 / 2000
    unrelated = of([*group("a", 20, 10), *group("b", 20, 10), *group("c", 20, 10)])
    assert unrelated.p.value == 1


def test_whole_clusters_without_a_verdict_are_one_chance_each() -> None:
    # 10 clusters of 4, five of each label; two of the b have no verdict at all.
    said = [*group("a", 20, 0), *group("b", 12, 8)]
    alone = of(said)
    together = of(said, clusters=[f"c{place // 4}" for place in range(40)])
    assert alone.p.value is not None
    assert together.p.value is not None
    assert alone.p.value < 0.01
    # Two of ten clusters, both among five given ones or both among the others: 2 · 10 / 45.
    assert together.p.value == pytest.approx(20 / 45, abs=0.04)


def test_clusters_of_different_sizes_do_not_trade_places() -> None:
    # The only cluster of three is the one that is silent, so nothing can move it.
    said = [*group("a", 0, 3), ("b", "!failed"), ("b", "!failed"), *group("b", 10, 0)]
    clusters = ["x"] * 3 + [f"y{i}" for i in range(12)]
    assert of(said, clusters=clusters).p.value == 1


@pytest.mark.parametrize(
    ("said", "because"),
    [
        ([], "no item has a decided human label"),
        (group("a", 9, 9), "the same human label"),
        ([*group("a", 9, 0), *group("b", 9, 0)], "no decided item is without a verdict"),
        ([*group("a", 9, 4), *group("b", 9, 0)], "fewer than 5"),
        ([*group("a", 4, 9), *group("b", 0, 9)], "fewer than 5"),
    ],
)
def test_thin_tables_have_a_reason(said: list[tuple[str, str]], because: str) -> None:
    found = of(said)
    assert because in found.p.undefined_because
    json.dumps(found.as_dict(), allow_nan=False)


def test_a_label_that_people_never_give_has_no_share() -> None:
    found = of(group("a", 3, 1))
    assert found.as_dict()["without_verdict"]["b"]["undefined_because"] == (
        "people gave no item the label b"
    )


items = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["a", "!refused", "!failed", "."])),
    max_size=30,
)


@given(items)
def test_every_decided_item_is_in_one_cell(said: list[tuple[str, str]]) -> None:
    found = of(said)
    assert sum(map(sum, found.counts)) == len(said)
    assert found.p.value is None or 0 < found.p.value <= 1


@given(items, st.permutations(range(3)))
def test_renaming_the_labels_moves_columns_only(
    said: list[tuple[str, str]], order: list[int]
) -> None:
    names = dict(zip("abc", ("abc"[place] for place in order), strict=True))
    renamed = of([(names[human], "a" if v == "a" else v) for human, v in said])
    one = of(said)
    for place, new in enumerate(order):
        assert [row[place] for row in one.counts] == [row[new] for row in renamed.counts]
