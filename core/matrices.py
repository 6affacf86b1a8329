"""Shaded tables: people × judge, rater × rater. The table is its own text form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.figures import NO_FIGURE, decimal, figure_of

SHADES = 10


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a matrix: its text, its shade 0-10 or None for "nothing", and what it means."""

    text: str
    shade: int | None
    meaning: str
    share: str = ""
    is_same: bool = False

    @property
    def css(self) -> str:
        shade = "shade-none" if self.shade is None else f"shade-{self.shade}"
        return f"{shade} matrix__same" if self.is_same else shade


@dataclass(frozen=True, slots=True)
class MatrixRow:
    label: str
    cells: tuple[Cell, ...]
    total: str = ""


@dataclass(frozen=True, slots=True)
class Matrix:
    """A shaded table: it is its own text form."""

    caption: str
    row_name: str
    column_name: str
    columns: tuple[str, ...]
    rows: tuple[MatrixRow, ...]


def confusion_matrix(
    labels: Sequence[str],
    counts: Sequence[Sequence[int]],
    *,
    row_name: str = "people",
    column_name: str = "judge",
) -> Matrix:
    """People × judge: counts in the cells, shaded by the share of their row.

    `counts[i][j]` is how often the row says `labels[i]` and the column `labels[j]`. Raises
    ValueError when the shape does not fit the labels.
    """
    if len(counts) != len(labels) or any(len(row) != len(labels) for row in counts):
        raise ValueError("a confusion matrix has one row and one column for each label")
    rows = []
    for i, row in enumerate(counts):
        total = sum(row)
        cells = tuple(
            _count_cell(count, total, f"{row_name} {labels[i]}, {column_name} {labels[j]}", i == j)
            for j, count in enumerate(row)
        )
        rows.append(MatrixRow(str(labels[i]), cells, f"{total:,}"))
    return Matrix(
        caption=f"Rows: {row_name}. Columns: {column_name}. Shaded by the share of the row.",
        row_name=row_name,
        column_name=column_name,
        columns=tuple(map(str, labels)),
        rows=tuple(rows),
    )


def rater_matrix(
    names: Sequence[str], values: Mapping[tuple[str, str], object], *, figure_name: str = "kappa"
) -> Matrix:
    """Rater × rater agreement; `values` holds estimates by pair, in either order of the names."""
    rows = []
    for a in names:
        cells = tuple(_pair_cell(a, b, values, figure_name) for b in names)
        rows.append(MatrixRow(a, cells))
    return Matrix(
        caption=f"{figure_name.capitalize()} of each pair of raters; the darker, the higher.",
        row_name="rater",
        column_name="rater",
        columns=tuple(names),
        rows=tuple(rows),
    )


def _count_cell(count: int, total: int, meaning: str, is_same: bool) -> Cell:  # noqa: FBT001
    if total == 0:
        return Cell("0", None, f"{meaning}: none of 0", is_same=is_same)
    share = count / total
    percent = f"{share * 100:.0f}\N{NO-BREAK SPACE}%"
    return Cell(
        text=f"{count:,}",
        shade=round(share * SHADES),
        meaning=f"{meaning}: {count:,} of {total:,}, {percent}",
        share=percent,
        is_same=is_same,
    )


def _pair_cell(a: str, b: str, values: Mapping[tuple[str, str], object], name: str) -> Cell:
    if a == b:
        return Cell(NO_FIGURE, None, f"{a} with {b}: the same rater")
    figure = figure_of(values.get((a, b), values.get((b, a))))
    if figure.value is None:
        return Cell(NO_FIGURE, None, f"{a} with {b}: {figure.reason or 'no items in common'}")
    # Pairs of raters mostly lie between .3 and .9: the shades are stretched over that part.
    stretched = (figure.value - 0.3) / 0.6
    shade = min(SHADES, max(0, round(stretched * SHADES)))
    n = "" if figure.n is None else f", n = {figure.n:,}"
    return Cell(decimal(figure.value, 2), shade, f"{a} with {b}: {name} {figure.written(2)}{n}")
