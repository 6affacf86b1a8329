"""Rows of a table: readable ones, broken ones, and the stream of both."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from core.errors import Invalid
from core.reading.limits import LISTED_BROKEN_ROWS, PEEKED_ROWS
from core.words import number_of

Format = Literal["csv", "json", "jsonl", "parquet"]
Unit = Literal["line", "record", "row"]

_UNITS: dict[Format, Unit] = {"csv": "line", "json": "record", "jsonl": "line", "parquet": "row"}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Record:
    """One readable row: the number that a person sees for it, and its values by column."""

    row: int
    values: Mapping[str, object]
    unit: Unit = "row"


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """One row that cannot be read, by number, with a sentence that says why."""

    row: int
    sentence: str
    unit: Unit = "row"

    def __str__(self) -> str:
        """'Line 7: the sentence.'"""
        return f"{self.unit.capitalize()} {self.row}: {self.sentence}"


class Records(Iterator[Record | BrokenRow]):
    """The rows of one file in file order, with what is known of the file before they are read.

    `columns` is the header of a CSV or Parquet file and the keys of the first readable record of
    a JSON or JSONL file. `notices` are sentences for the person who brought the file.
    """

    def __init__(
        self,
        rows: Iterator[Record | BrokenRow],
        *,
        format: Format,  # noqa: A002  # the word on the screen
        columns: tuple[str, ...] = (),
        notices: tuple[str, ...] = (),
    ) -> None:
        self.format: Format = format
        self.unit: Unit = _UNITS[format]
        self.notices = notices
        self._rows = rows
        self._peeked: deque[Record | BrokenRow] = deque()
        first = self._peek_first_readable()
        if not self._peeked:
            raise Invalid("no_rows", _no_rows(format))
        self.columns = columns or (tuple(first.values) if first else ())

    def _peek_first_readable(self) -> Record | None:
        for row in self._rows:
            self._peeked.append(row)
            if isinstance(row, Record):
                return row
            if len(self._peeked) >= PEEKED_ROWS:
                break
        return None

    def __next__(self) -> Record | BrokenRow:
        if self._peeked:
            return self._peeked.popleft()
        return next(self._rows)


def _no_rows(format_: Format) -> str:
    if format_ == "csv":
        return "The file has a header and no rows below it. Add the rows and try again."
    return "The file holds no records. Add the records and try again."


@dataclass(slots=True)
class BrokenRows:
    """Counts the broken rows of a reading and keeps the first of them to be listed."""

    limit: int = LISTED_BROKEN_ROWS
    total: int = 0
    listed: list[BrokenRow] = field(default_factory=list)

    def sift(self, rows: Iterable[T | BrokenRow]) -> Iterator[T]:
        """Let the readable rows through and remember the broken ones."""
        for row in rows:
            if isinstance(row, BrokenRow):
                self.add(row)
            else:
                yield row

    def add(self, row: BrokenRow) -> None:
        """Remember one broken row."""
        self.total += 1
        if len(self.listed) < self.limit:
            self.listed.append(row)

    def sentences(self) -> list[str]:
        """One sentence for each listed row, and a last one for those that are only counted."""
        more = self.total - len(self.listed)
        return [str(row) for row in self.listed] + ([f"… and {more:,} more."] if more else [])

    def refuse(self) -> None:
        """Raise `Invalid` (code `broken_rows`) that names the rows by number, if there are any."""
        if not self.total:
            return
        unit = self.listed[0].unit
        numbers = ", ".join(str(row.row) for row in self.listed)
        more = self.total - len(self.listed)
        raise Invalid(
            "broken_rows",
            f"{number_of(self.total, unit)} cannot be read, so nothing was taken from the file: "
            f"{numbers}{f' and {more:,} more' if more else ''}. First, {self.listed[0]}",
            {"rows": self.sentences()},
        )


def column_names(cells: list[str]) -> tuple[str, ...]:
    names = tuple(cell.strip() for cell in cells)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if "" in twice:
        places = ", ".join(str(at) for at, name in enumerate(names, 1) if not name)
        raise Invalid("header", f"Columns {places} of the header have no name. Name each column.")
    if twice:
        listed = ", ".join(f"“{name}”" for name in twice)
        raise Invalid(
            "duplicate_columns",
            f"The header names {listed} more than once. Give each column a name of its own.",
        )
    return names


def unstorable(value: object) -> str:
    """Why a value cannot be stored as text or JSON, as a sentence; '' when it can."""
    if isinstance(value, str):
        if "\0" in value:
            return "a text holds a zero character (\\u0000). Remove it."
        if any("\ud800" <= character <= "\udfff" for character in value):
            return "a text holds half of a surrogate pair (\\ud800 to \\udfff). Remove it."
        return ""
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is not a value. Leave the cell empty where there is none."
    if isinstance(value, bytes):
        return "a value is raw bytes. Store it as text."
    if isinstance(value, dict):
        return next(filter(None, map(unstorable, [*value.keys(), *value.values()])), "")
    if isinstance(value, list):
        return next(filter(None, map(unstorable, value)), "")
    return ""
