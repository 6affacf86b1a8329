from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measurement import raters
from measurement.raters import RaterQuality, rater_quality
from measurement.scale import OutsideScale, Scale
from measurement.table import RatingTable
from tests.unit.measurement.builders import shows, table_of

POINTS = Scale.parse("1-5")
LETTERS = Scale.parse("A,B,C")

cells = st.sampled_from(["1", "2", "3", None])
grids = st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=12)
Grid = list[list[str | None]]


def quality(
    votes: dict[str, str], *, scale: Scale = LETTERS, clusters: dict[str, str] | None = None
) -> dict[str, RaterQuality]:
    found = rater_quality(table_of(votes, clusters=clusters), scale=scale)
    return {one.rater: one for one in found}


def of_grid(grid: Grid, order: tuple[int, ...] = (0, 1, 2)) -> list[dict[str, object]]:
    table = RatingTable.build(
        (f"{item:02}", order[rater], label)
        for item, row in enumerate(grid)
        for rater, label in enumerate(row)
    )
    return [one.as_dict() for one in rater_quality(table, scale=Scale.parse("1-3"))]


def test_a_rater_is_held_against_the_majority_of_the_others() -> None:
    # i: the others say AA and AB; only rater2 has a majority to differ from. j: all agree.
    found = quality({"i": "AAB", "j": "CCC"})
    assert shows(found["rater2"].agreement, 1, 2)
    assert shows(found["rater0"].agreement, 1, 1)
    assert shows(found["rater2"].others, 2, 2)


def test_one_other_rater_is_a_majority() -> None:
    found = quality({"i": "AB.", "j": "A.A"})
    assert shows(found["rater0"].agreement, 1, 2)
    assert shows(found["rater1"].agreement, 0, 1)


def test_confusion_counts_the_others_in_rows_and_the_rater_in_columns() -> None:
    found = quality({"i": "AAB", "j": "AAB", "k": "CCC"})["rater2"]
    assert found.confusion.tolist() == [[0, 2, 0], [0, 0, 0], [0, 0, 1]]


def test_agreement_goes_by_the_cut_and_bias_by_the_points() -> None:
    found = quality({"i": "445", "j": "221"}, scale=Scale.parse("1-5", cut="4"))["rater2"]
    assert found.agreement.value == 1
    assert found.confusion.tolist() == [[1, 0], [0, 1]]
    assert found.bias.value == pytest.approx((1 - 1) / 2)
    assert found.spread.value == pytest.approx(2**0.5)


def test_bias_is_the_mean_distance_to_the_others_mean() -> None:
    found = quality({"i": "342", "j": "55.", "k": "1.."}, scale=POINTS)["rater0"]
    assert found.bias.value == pytest.approx((0 + 0) / 2)
    found = quality({"i": "244", "j": "355", "k": "111"}, scale=POINTS)["rater0"]
    assert found.bias.value == pytest.approx(-4 / 3)
    assert found.bias.n == 3


def test_labels_without_order_have_no_bias_and_no_spread() -> None:
    found = quality({"i": "AAB"})["rater0"]
    assert found.bias.undefined_because == found.spread.undefined_because == raters.NO_ORDER


def test_the_share_of_one_label_shows_who_gives_it_throughout() -> None:
    found = quality({"i": "AB.", "j": "AC.", "k": "AA."})
    assert (found["rater0"].commonest, found["rater0"].commonest_share.value) == ("A", 1.0)
    assert shows(found["rater1"].commonest_share, 1, 3)


def test_a_rater_alone_has_reasons() -> None:
    found = quality({"i": "3", "j": "4"}, scale=POINTS)["rater0"]
    assert found.agreement.undefined_because == raters.NO_MAJORITY
    assert found.bias.undefined_because == raters.NO_OTHERS
    assert found.spread.undefined_because == raters.NO_OTHERS
    assert found.others.undefined_because == raters.NOBODY_ELSE
    assert not found.is_below_others


def test_one_shared_item_has_a_bias_and_no_spread() -> None:
    found = quality({"i": "35."}, scale=POINTS)["rater0"]
    assert (found.bias.value, found.bias.interval) == (-2.0, None)
    assert found.spread.undefined_because == raters.ONE_ITEM


def test_a_rater_who_found_nothing_applicable_is_listed() -> None:
    table = RatingTable.build([("i", "ana", "not_applicable"), ("i", "ben", "A")])
    ana, ben = rater_quality(table, scale=LETTERS)
    assert (ana.labels, ana.commonest) == (0, "")
    assert ana.commonest_share.undefined_because == raters.NO_LABEL
    assert ben.labels == 1


def test_nobody_at_all_is_no_rater() -> None:
    assert rater_quality(table_of({}), scale=LETTERS) == ()


def test_a_label_outside_the_scale_is_refused() -> None:
    with pytest.raises(OutsideScale):
        quality({"i": "AD"})


def with_odd(n: int, *, odd: int) -> dict[str, str]:
    """Items on which all agree, but for rater2 on the first `odd`."""
    return {f"{i:03}": "AAB" if i < odd else "AAA" for i in range(n)}


def test_a_rater_clearly_below_the_others_is_below_others() -> None:
    found = quality(with_odd(40, odd=20))
    assert [one.is_below_others for one in found.values()] == [False, False, True]


def test_a_rater_who_may_have_had_bad_luck_is_not() -> None:
    # 2 of 40: the interval is [.83, .99], the others are at 38 of 38.
    votes = with_odd(40, odd=2) | {f"x{i}": "BAA" for i in range(3)}
    assert not quality(votes)["rater2"].is_below_others


def test_nineteen_votes_name_nobody_and_twenty_do() -> None:
    assert not quality(with_odd(19, odd=19))["rater2"].is_below_others
    assert quality(with_odd(20, odd=19))["rater2"].is_below_others


def test_items_of_one_cluster_count_as_one() -> None:
    votes = with_odd(40, odd=20) | {"040": "BAA", "041": "BAA"}
    one = {item: "c" if int(item) < 20 else "d" for item in votes}
    assert quality(votes)["rater2"].is_below_others
    assert not quality(votes, clusters=one)["rater2"].is_below_others


@given(grids, st.permutations(range(3)))
def test_the_order_of_the_raters_changes_no_figure(grid: Grid, order: list[int]) -> None:
    one = {found.pop("rater"): found for found in of_grid(grid)}
    other = {found.pop("rater"): found for found in of_grid(grid, tuple(order))}
    for rater, place in enumerate(order):
        assert one.get(f"{rater}") == other.get(f"{place}")


@given(grids, st.randoms(use_true_random=False))
def test_the_order_of_the_items_changes_no_value(grid: Grid, random: object) -> None:
    shuffled = list(grid)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for one, other in zip(of_grid(grid), of_grid(shuffled), strict=True):
        for name in ("agreement", "others", "bias", "spread", "commonest_share"):
            assert one[name]["value"] == pytest.approx(other[name]["value"])  # type: ignore[index]
        assert one["confusion"] == other["confusion"]


@given(grids, st.permutations(["A", "B", "C"]))
def test_renaming_the_labels_changes_no_agreement(grid: Grid, names: list[str]) -> None:
    def agreements(labels: list[str]) -> list[float | None]:
        rename = dict(zip(("1", "2", "3"), labels, strict=True))
        table = RatingTable.build(
            (item, rater, rename.get(label or ""))
            for item, row in enumerate(grid)
            for rater, label in enumerate(row)
        )
        return [one.agreement.value for one in rater_quality(table, scale=LETTERS)]

    assert agreements(["A", "B", "C"]) == agreements(names)


@given(grids)
def test_items_that_one_person_alone_rated_change_no_comparison(grid: Grid) -> None:
    lonely: Grid = [*grid, ["3", None, None]]
    for one, other in zip(of_grid(grid)[-2:], of_grid(lonely)[-2:], strict=False):
        if one["rater"] == other["rater"] != "0":
            assert one == other


@given(grids)
def test_a_rater_beside_an_exact_copy_is_always_right_and_without_bias(grid: Grid) -> None:
    copied: Grid = [[row[0], row[0], None] for row in grid]
    for found in of_grid(copied):
        for name, value in (("agreement", 1.0), ("bias", 0.0), ("spread", 0.0)):
            assert found[name]["value"] in (value, None)  # type: ignore[index]
        json.dumps(found, allow_nan=False)


def test_a_thousand_raters_need_no_loop_over_items() -> None:
    n = 40_000
    rng = np.random.default_rng(2)
    table = RatingTable(
        items=tuple(f"{i}" for i in range(n)),
        raters=tuple(f"{i}" for i in range(1000)),
        labels=("1", "2", "3"),
        item_codes=np.repeat(np.arange(n), 3),
        rater_codes=np.arange(3 * n) * 7 % 1000,
        label_codes=rng.integers(0, 3, size=3 * n),
        cluster_codes=np.arange(n),
    )
    found = rater_quality(table, scale=Scale.parse("1-3"))
    assert sum(one.labels for one in found) == 3 * n
    assert found[17].labels == (table.rater_codes == 17).sum()
