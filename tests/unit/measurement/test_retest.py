"""People against themselves: the first label of a rater on an item and the later ones."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from measurement.agreement import summarise
from measurement.retest import Retest, retest
from measurement.scale import Scale
from measurement.table import RatingTable
from tests.unit.measurement.builders import shows

YES_NO = Scale.listed(["no", "yes"], level="nominal")


def of(rows: Sequence[tuple[str, ...]], scale: Scale = YES_NO) -> Retest:
    return retest(RatingTable.build(rows), scale, seed=1)


def again(pairs: str, *, cluster: bool = False) -> list[tuple[str, ...]]:
    """One rater, one item a pair: "yn" said yes first and no later."""
    words = {"y": "yes", "n": "no"}
    return [
        (f"i{place}", "ana", words[label], "c" if cluster else f"c{place}")
        for place, pair in enumerate(pairs.split())
        for label in pair
    ]


def test_the_first_label_is_held_against_the_later_one() -> None:
    found = of(again("yy yy nn yn"))
    assert shows(found.percent_agreement, 3, 4)
    # Values 5 yes and 3 no: D_o = 2/8, D_e = 2·5·3/(8·7), alpha = 1 − (1/4)/(30/56).
    assert found.alpha.value == pytest.approx(1 - 0.25 / (30 / 56))
    assert found.alpha.interval is not None


def test_a_second_repeat_is_a_pair_of_its_own() -> None:
    found = of([("i", "ana", "yes"), ("i", "ana", "yes"), ("i", "ana", "no")])
    assert shows(found.percent_agreement, 1, 2)


def test_repeats_of_one_item_count_as_one_thing_in_the_interval() -> None:
    rows = [(f"i{i}", f"r{r}", "yes" if i < 10 else "no") for i in range(20) for r in range(4)]
    repeats = [(item, rater, "yes") for item, rater, _ in rows]
    together = of([*rows, *repeats]).percent_agreement
    alone = of([*rows[::4], *repeats[::4]]).percent_agreement
    assert (together.value, alone.value) == (0.5, 0.5)
    assert together.interval is not None
    assert alone.interval is not None
    # Four raters who all change their minds on the same items tell no more than one.
    assert together.interval.low <= alone.interval.low


def test_one_cluster_alone_has_no_interval_for_alpha() -> None:
    assert of(again("yy nn yn", cluster=True)).alpha.interval is None


def test_not_applicable_drops_the_pair() -> None:
    rows = [("i", "ana", "yes"), ("i", "ana", "not_applicable")]
    assert of(rows).percent_agreement.undefined_because == "nobody labelled an item twice"


@pytest.mark.parametrize("rows", [[], [("i", "ana", "yes"), ("i", "ben", "no")]])
def test_without_a_repeat_there_is_a_reason(rows: list[tuple[str, ...]]) -> None:
    found = of(rows)
    assert found.percent_agreement.undefined_because == "nobody labelled an item twice"
    assert found.alpha.undefined_because


def test_repeats_that_are_all_the_same_label_leave_alpha_undefined() -> None:
    found = of(again("yy yy"))
    assert found.percent_agreement.value == 1
    assert "all labels are the same" in found.alpha.undefined_because


def test_agreement_shows_the_retest_beside_the_number_of_repeats() -> None:
    stored = summarise(RatingTable.build(again("yy nn yn")), scale=YES_NO).as_dict()
    assert stored["repeats"] == 3
    assert stored["retest"]["percent_agreement"]["value"] == pytest.approx(2 / 3)
    assert set(stored["retest"]) == {"percent_agreement", "alpha"}
