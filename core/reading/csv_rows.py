"""CSV: a header, then one row for each line or for several in quotation marks."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import Protocol, cast

from core.errors import Invalid
from core.reading import limits
from core.reading.rows import BrokenRow, Record, Records, column_names
from core.reading.text import Text
from core.words import number_of

_LOOKS_LIKE_JSON = re.compile(r'\s*(\{\s*"|\[\s*(\{|$))')
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}


class _CsvReader(Protocol):
    """What the csv module's reader gives; its own type has no public name before 3.13."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...
    def __next__(self) -> list[str]: ...


def read_csv(text: Text, *, delimiter: str | None) -> Records:
    lines = text.lines()
    skipped, header_line = _first_full_line(lines)
    if _LOOKS_LIKE_JSON.match(header_line):
        raise Invalid(
            "not_csv",
            "The name says a table, but the file holds JSON. Let its name end in .json (an array) "
            "or .jsonl (one object on each line).",
        )
    separator = delimiter or _delimiter_of(header_line)
    # The limit belongs to the csv module as a whole; its default is too small for long contexts.
    csv.field_size_limit(limits.MAX_FIELD_CHARS)
    reader = cast(
        "_CsvReader", csv.reader(_chained(header_line, lines), delimiter=separator, strict=True)
    )
    try:
        columns = column_names(next(reader))
    except csv.Error as error:
        raise Invalid("header", f"The header cannot be read: {_csv_trouble(error)}") from error
    notices: tuple[str, ...] = ()
    if separator != ",":
        notices = (f"The columns are separated by a {_DELIMITERS[separator]}.",)
    rows = _csv_rows(reader, columns, skipped=skipped)
    return Records(rows, format="csv", columns=columns, notices=notices)


def _first_full_line(lines: Iterator[str]) -> tuple[int, str]:
    skipped = 0
    for line in lines:
        if line.strip():
            return skipped, line
        skipped += 1
    return skipped, ""


def _chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _delimiter_of(header: str) -> str:
    """The separator that divides the header into most columns; a comma in doubt."""

    def width(delimiter: str) -> int:
        try:
            return len(next(csv.reader([header], delimiter=delimiter)))
        except csv.Error:
            return 0

    return max(_DELIMITERS, key=width)


def _csv_rows(
    reader: _CsvReader, columns: tuple[str, ...], *, skipped: int
) -> Iterator[Record | BrokenRow]:
    while True:
        line = skipped + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield _broken_csv_row(line, error)
            continue
        if not cells:
            continue
        if len(cells) != len(columns):
            yield BrokenRow(
                line,
                f"it has {number_of(len(cells), 'cell')}, but the header names "
                f"{number_of(len(columns), 'column')}.",
                "line",
            )
            continue
        # A comma after a comma cannot say whether the text is empty or missing: it is missing.
        yield Record(
            line, {name: cell or None for name, cell in zip(columns, cells, strict=True)}, "line"
        )


def _broken_csv_row(line: int, error: csv.Error) -> BrokenRow:
    """A row that can be stepped over; raises `Invalid` when all that follows is lost with it."""
    trouble = _csv_trouble(error)
    if "unexpected end" in str(error):
        raise Invalid("csv_quote", f"Line {line}: {trouble}") from error
    if "field limit" in str(error):
        raise Invalid("field_too_long", f"Line {line}: {trouble}") from error
    return BrokenRow(line, trouble, "line")


def _csv_trouble(error: csv.Error) -> str:
    message = str(error)
    if "unexpected end" in message:
        return "a quotation mark is opened and never closed. Close it, or double it inside a cell."
    if "field limit" in message:
        return (
            f"a cell has more than {limits.MAX_FIELD_CHARS:,} characters. Usually a quotation "
            "mark is not closed."
        )
    if "expected after" in message:
        return "there is text after a closing quotation mark. Double quotation marks inside a cell."
    return f"it is not valid CSV ({message})."
