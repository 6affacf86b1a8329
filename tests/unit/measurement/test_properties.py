"""What must hold for any table."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measurement.agreement import AgreementSummary, summarise
from measurement.alignment import Alignment, align
from measurement.estimate import Estimate
from measurement.scale import Scale
from measurement.table import RatingTable
from measurement.verdicts import Call, JudgeTable

LABELS = ("a", "b", "c")
CATEGORIES = Scale.parse("a,b,c")
POINTS = Scale.parse("1-3", level="interval")

cells = st.sampled_from([*LABELS, None])
grids = st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=12)
Grid = list[list[str | None]]


def table_of(grid: Grid, *, rename: dict[str, str] | None = None) -> RatingTable:
    return RatingTable.build(
        (f"{item:02}", rater, (rename or {}).get(label or "", label))
        for item, row in enumerate(grid)
        for rater, label in enumerate(row)
    )


def values(found: AgreementSummary) -> list[float | None]:
    figures = (found.percent_agreement, found.all_agree, found.alpha, found.ac1, found.fleiss)
    return [figure.value for figure in figures]


def same(one: list[float | None], other: list[float | None]) -> bool:
    return all(
        (a is None and b is None)
        or (a is not None and b is not None and math.isclose(a, b, abs_tol=1e-9))
        for a, b in zip(one, other, strict=True)
    )


@given(grids, st.sampled_from(list(itertools.permutations(LABELS))))
def test_renaming_the_labels_changes_no_nominal_figure(grid: Grid, names: tuple[str, ...]) -> None:
    renamed = table_of(grid, rename=dict(zip(LABELS, names, strict=True)))
    one, other = summarise(table_of(grid), scale=CATEGORIES), summarise(renamed, scale=CATEGORIES)
    assert same(values(one), values(other))


@given(grids, st.permutations(range(3)))
def test_the_order_of_the_raters_changes_no_figure(grid: Grid, order: list[int]) -> None:
    shuffled = [[row[place] for place in order] for row in grid]
    one = summarise(table_of(grid), scale=CATEGORIES)
    other = summarise(table_of(shuffled), scale=CATEGORIES)
    assert same(values(one), values(other))


@given(grids, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_no_figure_and_no_interval(
    grid: Grid, random: object
) -> None:
    rows = [(i, r, label) for i, row in enumerate(grid) for r, label in enumerate(row)]
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (
        summarise(RatingTable.build(order), scale=CATEGORIES) for order in (rows, shuffled)
    )
    assert one.as_dict() == other.as_dict()


@given(grids)
def test_items_with_a_single_label_change_no_alpha(grid: Grid) -> None:
    lonely: Grid = [*grid, ["a", None, None], [None, None, "c"]]
    one = summarise(table_of(grid), scale=CATEGORIES).alpha
    other = summarise(table_of(lonely), scale=CATEGORIES).alpha
    assert same([one.value], [other.value])


@given(grids)
def test_a_rater_beside_an_exact_copy_agrees_perfectly(grid: Grid) -> None:
    doubled: Grid = [[row[0], row[0]] for row in grid]
    found = summarise(table_of(doubled), scale=CATEGORIES)
    for figure in (found.percent_agreement, found.all_agree, found.alpha):
        assert figure.value is None or figure.value == pytest.approx(1)


@given(grids, st.integers(-5, 5), st.integers(1, 4))
def test_moving_and_stretching_the_points_changes_no_interval_alpha(
    grid: Grid, shift: int, factor: int
) -> None:
    points = dict(zip(LABELS, ("1", "2", "3"), strict=True))
    moved = {label: str(int(point) * factor + shift) for label, point in points.items()}
    scale = Scale.listed(list(moved.values()), level="interval")
    one = summarise(table_of(grid, rename=points), scale=POINTS)
    other = summarise(table_of(grid, rename=moved), scale=scale)
    assert same([one.alpha.value, one.icc.value], [other.alpha.value, other.icc.value])


@given(grids)
def test_turning_an_ordinal_scale_round_changes_no_alpha(grid: Grid) -> None:
    ordinal = Scale.parse("1-3")
    up = table_of(grid, rename={"a": "1", "b": "2", "c": "3"})
    down = table_of(grid, rename={"a": "3", "b": "2", "c": "1"})
    one, other = summarise(up, scale=ordinal).alpha, summarise(down, scale=ordinal).alpha
    assert same([one.value], [other.value])


@given(grids)
def test_every_figure_is_a_number_in_its_range_or_has_a_reason(grid: Grid) -> None:
    found = summarise(table_of(grid), scale=CATEGORIES)
    shares = (found.percent_agreement, found.all_agree)
    coefficients = (found.alpha, found.ac1, found.fleiss, *(pair.estimate for pair in found.kappa))
    assert all(_is_sound(figure, low=0.0) for figure in shares)
    assert all(_is_sound(figure, low=-2.0) for figure in coefficients)


def _is_sound(figure: Estimate, *, low: float) -> bool:
    if figure.value is None:
        return bool(figure.undefined_because) and figure.interval is None
    bounds = figure.interval
    ordered = bounds is None or bounds.low <= bounds.high <= 1 + 1e-9
    return low <= figure.value <= 1 + 1e-9 and ordered


preferences = st.sampled_from(["A", "B", "tie", None])
pairs = st.lists(
    st.tuples(st.lists(preferences, min_size=3, max_size=3), preferences), min_size=1, max_size=12
)
Pairs = list[tuple[list[str | None], str | None]]
SWAPPED = {"A": "B", "B": "A", "tie": "tie", None: None}


def held_against(rows: Pairs) -> Alignment:
    scale = Scale.pairwise()
    people = RatingTable.build(
        (f"{item:02}", rater, label)
        for item, (votes, _) in enumerate(rows)
        for rater, label in enumerate(votes)
    )
    calls = [Call(f"{item:02}", verdict) for item, (_, verdict) in enumerate(rows)]
    return align(people, JudgeTable.build(calls, scale=scale), scale=scale)


@given(pairs)
def test_swapping_a_and_b_everywhere_changes_no_alignment(rows: Pairs) -> None:
    swapped: Pairs = [([SWAPPED[v] for v in votes], SWAPPED[verdict]) for votes, verdict in rows]
    one, other = held_against(rows), held_against(swapped)
    for name in ("agreement", "all_labels", "per_vote", "s1", "s2", "alpha", "kappa"):
        assert same([getattr(one, name).value], [getattr(other, name).value])
    assert one.lower_bound == pytest.approx(other.lower_bound)


@given(pairs, st.integers(0, 11))
def test_a_verdict_that_goes_missing_never_raises_the_gates_agreement(
    rows: Pairs, place: int
) -> None:
    silenced: Pairs = [
        (votes, None if item == place else verdict) for item, (votes, verdict) in enumerate(rows)
    ]
    one, other = held_against(rows), held_against(silenced)
    assert one.agreement.n == other.agreement.n
    if one.agreement.value is not None:
        assert other.agreement.value is not None
        assert other.agreement.value <= one.agreement.value


@given(pairs)
def test_a_judge_that_repeats_the_human_label_agrees_completely(rows: Pairs) -> None:
    first = held_against(rows)
    labels = ("A", "tie", "B")
    human = {
        item: labels[row] for item, row in zip(_items(rows), _human(rows), strict=True) if row >= 0
    }
    echoed: Pairs = [
        (votes, human.get(f"{item:02}", verdict)) for item, (votes, verdict) in enumerate(rows)
    ]
    found = held_against(echoed)
    assert found.decided == first.decided
    assert found.all_labels.value in (1.0, None)


def _table(rows: Pairs) -> RatingTable:
    return RatingTable.build(
        (f"{item:02}", rater, label)
        for item, (votes, _) in enumerate(rows)
        for rater, label in enumerate(votes)
    )


def _items(rows: Pairs) -> tuple[str, ...]:
    return _table(rows).items


def _human(rows: Pairs) -> list[int]:
    from measurement.alignment import human_labels

    found = human_labels(_table(rows), scale=Scale.pairwise(), least_ratings=3)
    labels: list[int] = found.labels.tolist()
    return labels
