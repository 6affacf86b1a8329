"""Label files become tables by dimension, ready to be measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, TypeVar

from annotation.rules import labeltable
from core import mapping
from core.errors import Invalid
from core.tabular import BrokenRow, BrokenRows, read_records
from measurement.scale import Level, OutsideScale, Scale, TableError
from measurement.table import RatingTable, Vote
from measurement.verdicts import Call, JudgeTable

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Shape:
    """How a foreign table is read: what `--map`, `--values` and `--wide` said."""

    columns: Sequence[str] = ()
    values: Sequence[str] = ()
    wide: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ScaleWish:
    """What `--level`, `--scale` and `--cut` said; without a scale the labels show it."""

    level: Level | None = None
    text: str = ""
    cut: str | None = None

    def scale(self, labels: Iterable[str]) -> Scale:
        """The scale for labels seen. Raises TableError for wishes that do not fit."""
        if self.text:
            return Scale.parse(self.text, level=self.level, cut=self.cut)
        return Scale.seen(labels, level=self.level, cut=self.cut)


@dataclass(slots=True)
class _Dimension:
    """One dimension's rows, and where each label was seen first."""

    votes: list[Vote] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    first_rows: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LabelFile:
    """A file's labels by dimension; `name` is the file's, for sentences."""

    name: str
    dimensions: Mapping[str, _Dimension]

    def labels(self, dimension: str) -> tuple[str, ...]:
        return tuple(self.dimensions[dimension].first_rows)

    def check(self, dimension: str, scale: Scale) -> None:
        """Raise Invalid, with the row's number, for a label that the scale does not have."""
        for label, row in self.dimensions[dimension].first_rows.items():
            try:
                scale.code(label)
            except OutsideScale as error:
                raise Invalid("outside_scale", f"{self.name}, row {row}: {error}") from error

    def ratings(self, dimension: str) -> RatingTable:
        """People's votes on one dimension. Raises Invalid when an item is in two clusters."""
        try:
            return RatingTable.build(self.dimensions[dimension].votes)
        except TableError as error:
            raise Invalid("table", f"{self.name}: {error}") from error

    def verdicts(self, dimension: str, scale: Scale) -> JudgeTable:
        """The judge's labels on one dimension, orders and samples combined."""
        return JudgeTable.build(self.dimensions[dimension].calls, scale=scale)


def read_people(source: BinaryIO, *, name: str, shape: Shape) -> LabelFile:
    """Read people's labels. Raises Invalid with a sentence that names the file and the row."""
    with sentences_of(name):
        rows = labeltable.people_rows(
            read_records(source, name=name),
            columns=mapping.parse_map(shape.columns),
            values=mapping.parse_values(shape.values),
            wide=shape.wide,
        )
        found: dict[str, _Dimension] = {}
        for row in readable(rows):
            dimension = found.setdefault(row.dimension, _Dimension())
            dimension.first_rows.setdefault(row.label, row.row)
            dimension.votes.append(Vote(row.item, row.rater, row.label, row.cluster or None))
        return _file(name, found)


def read_judge(source: BinaryIO, *, name: str, shape: Shape) -> LabelFile:
    """Read a judge's verdicts. Raises Invalid with a sentence that names the file and the row."""
    with sentences_of(name):
        rows = labeltable.judge_rows(
            read_records(source, name=name),
            columns=mapping.parse_map(shape.columns),
            values=mapping.parse_values(shape.values),
        )
        found: dict[str, _Dimension] = {}
        for row in readable(rows):
            dimension = found.setdefault(row.dimension, _Dimension())
            if row.label is not None:
                dimension.first_rows.setdefault(row.label, row.row)
            dimension.calls.append(
                Call(row.item, row.label, row.order, row.sample, outcome=row.outcome)
            )
        return _file(name, found)


def people_by_dimension(
    people: LabelFile, *, wish: ScaleWish
) -> Iterator[tuple[str, Scale, RatingTable]]:
    """Each dimension with its scale and table.

    Raises Invalid for a label outside the scale, TableError for a scale that cannot be.
    """
    for name in people.dimensions:
        scale = wish.scale(people.labels(name))
        people.check(name, scale)
        yield name, scale, people.ratings(name)


def both_by_dimension(
    people: LabelFile, judge: LabelFile, *, wish: ScaleWish
) -> Iterator[tuple[str, Scale, RatingTable, JudgeTable]]:
    """The dimensions of both files.

    Raises Invalid when they share no dimension or no item, or for a label outside the scale, and
    TableError for a scale that cannot be.
    """
    shared = [name for name in people.dimensions if name in judge.dimensions]
    if not shared:
        raise Invalid(
            "no_shared_dimension",
            f"The files share no dimension: {people.name} has {_listed(people.dimensions)}, "
            f"{judge.name} has {_listed(judge.dimensions)}.",
        )
    for name in shared:
        scale = wish.scale((*people.labels(name), *judge.labels(name)))
        people.check(name, scale)
        judge.check(name, scale)
        table, verdicts = people.ratings(name), judge.verdicts(name, scale)
        if not set(table.items) & set(verdicts.outcomes):
            raise Invalid(
                "no_shared_item",
                f"The files share no item on the dimension {name}: the first one is "
                f"“{table.items[0]}” in {people.name} and “{next(iter(verdicts.outcomes))}” in "
                f"{judge.name}. Map the column that holds the same names in both.",
            )
        yield name, scale, table, verdicts


def left_out(people: LabelFile, judge: LabelFile) -> list[str]:
    """The dimensions that only one of the files has."""
    return sorted(set(people.dimensions) ^ set(judge.dimensions))


def readable(rows: Iterable[Row | BrokenRow]) -> Iterator[Row]:
    broken = BrokenRows()
    yield from broken.sift(rows)
    broken.refuse()


def _file(name: str, found: Mapping[str, _Dimension]) -> LabelFile:
    if not found:
        raise Invalid("no_labels", "No row holds a label. Is the right column mapped?")
    return LabelFile(name, found)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


@contextmanager
def sentences_of(name: str) -> Iterator[None]:
    """Every sentence about a file begins with its name."""
    try:
        yield
    except Invalid as error:
        raise Invalid(error.code, f"{name}: {error.sentence}", error.fields) from error
