"""What must hold for any table of people's labels."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measurement.agreement import AgreementSummary, summarise
from measurement.estimate import Estimate
from measurement.scale import NOT_APPLICABLE, Scale
from measurement.table import RatingTable

Grid = list[list[str]]
LABELS = ("1", "2", "3")
MISSING = ""
NOMINAL = Scale.points(1, 3, level="nominal")
ORDINAL = Scale.points(1, 3)
POOLED = ("percent_agreement", "all_agree", "alpha", "ac1", "ac2", "fleiss")
"""The figures that do not ask who gave a label."""

cells = st.sampled_from([*LABELS, MISSING])
rows = st.lists(cells, min_size=3, max_size=3)
grids = st.lists(rows, min_size=1, max_size=10)


def measured(
    grid: Grid, scale: Scale = ORDINAL, *, names: Mapping[str, str] | None = None
) -> AgreementSummary:
    """The figures of items x raters, after labels were renamed."""
    table = RatingTable.build(
        (f"{item:03}", f"{rater}", (names or {}).get(label, label))
        for item, row in enumerate(grid)
        for rater, label in enumerate(row)
    )
    return summarise(table, scale=scale)


def same(one: Estimate, other: Estimate) -> bool:
    if one.value is None or other.value is None:
        return one.value is other.value
    return math.isclose(one.value, other.value, abs_tol=1e-9)


def all_same(one: AgreementSummary, other: AgreementSummary) -> bool:
    return all(same(getattr(one, name), getattr(other, name)) for name in POOLED)


@given(grids, st.randoms(use_true_random=False))
def test_who_gave_which_label_of_an_item_changes_no_pooled_figure(
    grid: Grid, random: object
) -> None:
    swapped = [list(row) for row in grid]
    for row in swapped:
        random.shuffle(row)  # type: ignore[attr-defined]
    assert all_same(measured(grid), measured(swapped))


@given(grids, st.randoms(use_true_random=False))
def test_the_order_of_the_items_changes_no_figure(grid: Grid, random: object) -> None:
    shuffled = list(grid)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = measured(grid), measured(shuffled)
    assert all_same(one, other)
    assert same(one.icc, other.icc)
    assert all(same(a.estimate, b.estimate) for a, b in zip(one.kappa, other.kappa, strict=True))


@given(grids)
def test_a_label_that_does_not_apply_is_a_missing_cell(grid: Grid) -> None:
    # Somebody labels every item, so that no rater and no item is only in one of the tables.
    full: Grid = [[*row, "1"] for row in grid]
    assert all_same(measured(full), measured(full, names={MISSING: NOT_APPLICABLE}))


@given(grids)
def test_a_rater_without_a_label_changes_nothing(grid: Grid) -> None:
    more: Grid = [[*row, MISSING] for row in grid]
    assert measured(grid).as_dict() == measured(more).as_dict()


@given(grids)
def test_an_exact_copy_of_every_rater_never_lowers_the_agreement_of_pairs(grid: Grid) -> None:
    one, other = measured(grid).percent_agreement, measured([row * 2 for row in grid])
    if one.value is not None:
        assert other.percent_agreement.value is not None
        assert other.percent_agreement.value >= one.value - 1e-9


@given(grids)
def test_every_item_twice_changes_no_share_and_alpha_only_by_its_small_sample_term(
    grid: Grid,
) -> None:
    one, other = measured(grid), measured(grid * 2)
    for name in ("percent_agreement", "all_agree", "ac1", "ac2", "fleiss"):
        assert same(getattr(one, name), getattr(other, name))
    values = sum(len(votes) for row in grid if len(votes := [x for x in row if x]) > 1)
    if one.alpha.value is None:
        assert other.alpha.value is None
    else:
        # 1 − α = (n − 1) · D / E, and twice the items have four times the E, twice the D.
        factor = (2 * values - 1) / (2 * (values - 1))
        assert other.alpha.value == pytest.approx(1 - (1 - one.alpha.value) * factor)


@given(grids, st.sampled_from([("1", "2", "9"), ("-4", "0", "1"), ("10", "11", "500")]))
def test_stretching_an_ordinal_scale_unevenly_changes_no_figure(
    grid: Grid, points: tuple[str, str, str]
) -> None:
    names = dict(zip(LABELS, points, strict=True))
    one, other = measured(grid), measured(grid, Scale.listed(points), names=names)
    assert all_same(one, other)
    assert all(same(a.estimate, b.estimate) for a, b in zip(one.kappa, other.kappa, strict=True))


@given(grids)
def test_labels_that_nobody_used_change_no_alpha(grid: Grid) -> None:
    for level in ("nominal", "ordinal", "interval"):
        narrow, wide = Scale.points(1, 3, level=level), Scale.points(0, 9, level=level)
        assert same(measured(grid, narrow).alpha, measured(grid, wide).alpha)


@given(grids)
def test_cohens_kappa_does_not_ask_who_comes_first(grid: Grid) -> None:
    pairs: Grid = [row[:2] for row in grid]
    one, other = measured(pairs).kappa, measured([row[::-1] for row in pairs]).kappa
    assert all(same(a.estimate, b.estimate) for a, b in zip(one, other, strict=True))


@given(grids, st.sampled_from(["nominal", "ordinal", "interval"]))
def test_a_figure_has_an_interval_that_fits_or_a_reason(grid: Grid, level: str) -> None:
    found = measured(grid, Scale.points(1, 3, level=level))  # type: ignore[arg-type]
    figures = [getattr(found, name) for name in (*POOLED, "icc", "icc_k")]
    for figure in (*figures, *(pair.estimate for pair in found.kappa)):
        assert (figure.value is None) == bool(figure.undefined_because)
        assert figure.value is None or figure.value <= 1 + 1e-9
        assert figure.interval is None or figure.interval.high <= 1 + 1e-9
    for share in (found.percent_agreement, found.all_agree):
        if share.value is not None:
            assert share.interval is not None
            assert share.interval.low <= share.value <= share.interval.high
