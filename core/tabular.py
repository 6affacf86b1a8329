"""Read rows out of CSV, JSON, JSONL and Parquet files, one at a time, in bounded memory.

Two kinds of trouble are kept apart. A file that cannot be read on from some point raises
`Invalid`; a single row that cannot be read comes out as a `BrokenRow` in its place, so that a
caller can list every broken row before it refuses the file, or leave just those out.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import math
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import PurePath
from typing import Any, BinaryIO, Literal, Protocol, TypeVar, cast

from core.errors import Invalid

Format = Literal["csv", "json", "jsonl", "parquet"]
Unit = Literal["line", "record", "row"]

CHUNK_BYTES = 64 * 1024
MAX_FIELD_CHARS = 10_000_000
MAX_RECORD_CHARS = 20_000_000
LISTED_BROKEN_ROWS = 100
PEEKED_ROWS = 100

_UNITS: dict[Format, Unit] = {"csv": "line", "json": "record", "jsonl": "line", "parquet": "row"}
_SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
_UNTERMINATED = "Unterminated string"  # how the json module begins this complaint
_PARQUET_MAGIC = b"PAR1"
_SAVE_AS_UTF8 = "Save it as UTF-8 (in a spreadsheet: “CSV UTF-8”) and try again."
_FOREIGN_MAGIC = {
    b"PK\x03\x04": "This is a spreadsheet or a zip file, not a text file. "
    "Export the sheet as “CSV UTF-8”, or unpack the file first.",
    b"\x1f\x8b": "This file is compressed. Unpack it first.",
    b"%PDF": "This is a PDF. Give the rows as CSV, JSON or JSONL.",
    codecs.BOM_UTF32_LE: f"This file is written in UTF-32. {_SAVE_AS_UTF8}",
    codecs.BOM_UTF32_BE: f"This file is written in UTF-32. {_SAVE_AS_UTF8}",
}


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


def read_records(source: BinaryIO, *, name: str) -> Records:
    """Open a table: the format follows the suffix of `name`, else the first bytes.

    `source` is read forwards once (Parquet: must be seekable). Row numbers are line numbers for
    CSV (the header is line 1) and JSONL, the place in the array from 1 for JSON, and the row from
    1 for Parquet; `Records.unit` names which. An empty CSV cell is None.
    Raises `Invalid` at once when the file is empty, not text, in an unknown encoding or of an
    unreadable shape, and while reading when it breaks off later; single bad rows come out as
    `BrokenRow`.
    """
    head = source.read(CHUNK_BYTES)
    suffix = PurePath(name).suffix.lower()
    if head.startswith(_PARQUET_MAGIC):
        return _read_parquet(source)
    if suffix == ".parquet":
        raise Invalid(
            "not_parquet", "The name ends in .parquet, but the file is not a Parquet file."
        )
    for magic, sentence in _FOREIGN_MAGIC.items():
        if head.startswith(magic):
            raise Invalid("not_text", sentence)
    text = _Text(source, head)
    first = text.first_character()
    if not first:
        raise Invalid("empty_file", "The file is empty. Choose a file that holds rows.")
    match _SUFFIXES.get(suffix) or _sniffed(first):
        case "json":
            return _read_json(text, first)
        case "jsonl":
            return _read_jsonl(text, first)
        case _:
            return _read_csv(text, delimiter="\t" if suffix == ".tsv" else None)


def _sniffed(first: str) -> Format:
    return {"[": "json", "{": "jsonl"}.get(first, "csv")  # type: ignore[return-value]


def _no_rows(format_: Format) -> str:
    if format_ == "csv":
        return "The file has a header and no rows below it. Add the rows and try again."
    return "The file holds no records. Add the records and try again."


# --- broken rows ------------------------------------------------------------------------------

T = TypeVar("T")


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
            f"{_counted(self.total, unit)} cannot be read, so nothing was taken from the file: "
            f"{numbers}{f' and {more:,} more' if more else ''}. First, {self.listed[0]}",
            {"rows": self.sentences()},
        )


def _counted(count: int, unit: str) -> str:
    return f"{count:,} {unit}{'' if count == 1 else 's'}"


# --- text -------------------------------------------------------------------------------------


class _Text:
    """Decoded text of a byte source, with the line number for every complaint.

    UTF-8 with or without a mark, UTF-16 with one. Line breaks are kept as they are.
    """

    def __init__(self, source: BinaryIO, head: bytes) -> None:
        self._source = source
        encoding = "utf-8"
        if head.startswith(codecs.BOM_UTF8):
            head = head[len(codecs.BOM_UTF8) :]
        elif head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            encoding = "utf-16"
        self._encoding = encoding
        decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
        # Keeps "\r\n" together across chunks, so that it counts as one break.
        self._decoder = io.IncrementalNewlineDecoder(decoder, translate=False)
        self._breaks = 0
        self._at_end = False
        self._waiting = self._decoded(head, final=not head)

    def first_character(self) -> str:
        """The first character that is not white space, or '' when there is none."""
        while True:
            stripped = self._waiting.lstrip()
            if stripped:
                return stripped[0]
            more = self._read()
            if not more:
                return ""
            self._waiting += more

    def chunks(self) -> Iterator[str]:
        """All text, in pieces of at most `CHUNK_BYTES` characters."""
        if self._waiting:
            yield self._waiting
            self._waiting = ""
        while piece := self._read():
            yield piece

    def lines(self) -> Iterator[str]:
        """All text, line by line, each with its line break."""
        waiting = ""
        parts: list[str] = []
        size = 0
        for chunk in self.chunks():
            parts.append(chunk)
            size += len(chunk)
            if size > MAX_RECORD_CHARS:
                raise Invalid(
                    "record_too_long",
                    f"A line near line {self._breaks + 1} has more than {MAX_RECORD_CHARS:,} "
                    "characters. Is this a text file with one row on each line?",
                )
            if "\n" not in chunk and "\r" not in chunk:
                continue
            waiting = ""
            for line in io.StringIO("".join(parts), newline=""):
                if waiting:
                    yield waiting
                waiting = line
            parts, size = [waiting], len(waiting)
        yield from io.StringIO("".join(parts), newline="")

    def _read(self) -> str:
        """The next piece that is not empty, or '' at the end."""
        while not self._at_end:
            raw = self._source.read(CHUNK_BYTES)
            text = self._decoded(raw, final=not raw)
            if text:
                return text
        return ""

    def _decoded(self, raw: bytes, *, final: bool) -> str:
        self._at_end = final
        try:
            text = self._decoder.decode(raw, final=final)
        except UnicodeDecodeError as error:
            raise self._wrong_encoding(error) from error
        zero = text.find("\0")
        if zero >= 0:
            raise self._zero_byte(text[:zero])
        self._breaks += line_breaks(text)
        return text

    def _zero_byte(self, before: str) -> Invalid:
        return Invalid(
            "not_text",
            f"Line {self._breaks + line_breaks(before) + 1} holds a zero byte: this is not a text "
            f"file, or it is UTF-16 without its mark. {_SAVE_AS_UTF8}",
        )

    def _wrong_encoding(self, error: UnicodeDecodeError) -> Invalid:
        before = error.object[: error.start].decode(self._encoding, errors="ignore")
        line = self._breaks + line_breaks(before) + 1
        if self._encoding == "utf-16":
            return Invalid("encoding", f"Line {line} is not valid UTF-16. {_SAVE_AS_UTF8}")
        zero = error.object.find(b"\0")
        if zero >= 0:
            return self._zero_byte(error.object[:zero].decode(errors="replace"))
        byte = error.object[error.start]
        return Invalid(
            "encoding",
            f"Line {line} holds the byte 0x{byte:02X}, which is not UTF-8: the file is in another "
            f"encoding. {_SAVE_AS_UTF8}",
        )


def line_breaks(text: str) -> int:
    """How many line breaks: \\n, \\r\\n and \\r each count as one."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")


# --- CSV --------------------------------------------------------------------------------------


class _CsvReader(Protocol):
    """What the csv module's reader gives; its own type has no public name before 3.13."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...
    def __next__(self) -> list[str]: ...


def _read_csv(text: _Text, *, delimiter: str | None) -> Records:
    lines = text.lines()
    skipped, header_line = _first_full_line(lines)
    separator = delimiter or _delimiter_of(header_line)
    # The limit belongs to the csv module as a whole; its default is too small for long contexts.
    csv.field_size_limit(MAX_FIELD_CHARS)
    reader = cast(
        "_CsvReader", csv.reader(_chained(header_line, lines), delimiter=separator, strict=True)
    )
    try:
        columns = _column_names(next(reader))
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


def _column_names(cells: list[str]) -> tuple[str, ...]:
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
                f"it has {_counted(len(cells), 'cell')}, but the header names "
                f"{_counted(len(columns), 'column')}.",
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
            f"a cell has more than {MAX_FIELD_CHARS:,} characters. Usually a quotation mark is "
            "not closed."
        )
    if "expected after" in message:
        return "there is text after a closing quotation mark. Double quotation marks inside a cell."
    return f"it is not valid CSV ({message})."


# --- JSON -------------------------------------------------------------------------------------


class _Decoder:
    """JSON values with what no table may hold remarked: NaN, endless numbers, repeated keys."""

    def __init__(self) -> None:
        self._remarks: list[str] = []
        self._decoder = json.JSONDecoder(
            parse_constant=self._constant, parse_float=self._float, object_pairs_hook=self._object
        )

    def decode(self, text: str, start: int) -> tuple[object, int, str]:
        """The value at `start`, where it ends, and what is wrong with it ('' when nothing is).

        Raises ValueError (json.JSONDecodeError among them) or RecursionError.
        """
        self._remarks.clear()
        value, end = self._decoder.raw_decode(text, start)
        if not isinstance(value, dict):
            return value, end, f"it is {_kind_of(value)}, not an object with named values."
        if self._remarks:
            return value, end, self._remarks[0]
        # Only an escape can smuggle in what the decoder of the file would have refused.
        if text.find("\\u", start, end) >= 0:
            return value, end, unstorable(value)
        return value, end, ""

    def _constant(self, name: str) -> None:
        self._remarks.append(f"{name} is not a JSON value. Write null where there is none.")

    def _float(self, digits: str) -> float:
        number = float(digits)
        if not math.isfinite(number):
            self._remarks.append(f"the number {digits[:40]} is too large.")
        return number

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
            self._remarks.append(f"it names “{twice}” more than once.")
        return found


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


def _kind_of(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case _:
            return "a list"


def _read_json(text: _Text, first: str) -> Records:
    if first == "{":
        raise Invalid(
            "json_not_array",
            "The file holds a JSON object, not an array. Put the records between [ and ], or one "
            "on each line in a file whose name ends in .jsonl.",
        )
    if first != "[":
        raise Invalid(
            "json_syntax",
            f"A JSON file of rows starts with [, this one starts with “{first}”. If it is another "
            "format, give its name the right ending: .csv, .jsonl or .parquet.",
        )
    return Records(_ArrayReader(text).rows(), format="json")


class _ArrayReader:
    """The elements of one JSON array, decoded one at a time from a buffer that is cut behind."""

    def __init__(self, text: _Text) -> None:
        self._chunks = text.chunks()
        self._decoder = _Decoder()
        self._buffer = ""
        self._at = 0
        self._breaks_before = 0
        self._is_complete = False

    def rows(self) -> Iterator[Record | BrokenRow]:
        self._next_sign(0)
        self._at += 1
        number = 0
        if self._next_sign(number) == "]":
            self._finish()
            return
        while True:
            number += 1
            value, trouble = self._element(number)
            if trouble:
                yield BrokenRow(number, trouble, "record")
            else:
                yield Record(number, cast("dict[str, object]", value), "record")
            sign = self._next_sign(number)
            self._at += 1
            if sign == "]":
                self._at -= 1
                self._finish()
                return
            if sign != ",":
                self._at -= 1
                raise self._syntax(self._at, number, f"a comma was expected, not “{sign}”.")

    def _finish(self) -> None:
        self._at += 1
        while True:
            rest = self._buffer[self._at :].strip()
            if rest:
                raise Invalid(
                    "json_syntax", f"There is more after the closing ] of the array: “{rest[:20]}”."
                )
            if not self._grow():
                return

    def _element(self, number: int) -> tuple[object, str]:
        sign = self._next_sign(number)
        if sign == "]":
            raise self._syntax(self._at, number, "there is a comma before the closing ].")
        while True:
            try:
                value, end, trouble = self._decoder.decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                if self._may_be_cut(error) and self._grow(number):
                    continue
                raise self._syntax(error.pos, number, self._explained(error)) from error
            except RecursionError as error:
                raise self._syntax(self._at, number, "it is nested too deeply.") from error
            except ValueError as error:
                raise self._syntax(self._at, number, "a number is too long.") from error
            # What touches the end of the buffer may go on in the next piece (12|34).
            if end == len(self._buffer) and self._grow(number):
                continue
            self._at = end
            return value, trouble

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        """Is the error one that more text could cure?"""
        longest_sign = 16
        return error.msg.startswith(_UNTERMINATED) or error.pos >= len(self._buffer) - longest_sign

    def _explained(self, error: json.JSONDecodeError) -> str:
        is_at_end = error.pos >= len(self._buffer.rstrip())
        if self._is_complete and (is_at_end or error.msg.startswith(_UNTERMINATED)):
            return "the file breaks off inside it."
        return f"{error.msg[0].lower()}{error.msg[1:]}."

    def _next_sign(self, number: int) -> str:
        while True:
            while self._at < len(self._buffer) and self._buffer[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._grow():
                raise self._syntax(
                    self._at, number, "the file breaks off: the closing ] is missing."
                )

    def _grow(self, number: int = 0) -> bool:
        """Drop what was read, take in at least as much again as is waiting; False at the end."""
        waiting = self._buffer[self._at :]
        if len(waiting) > MAX_RECORD_CHARS:
            raise Invalid(
                "record_too_long",
                f"Record {number} has more than {MAX_RECORD_CHARS:,} characters. Usually a "
                "quotation mark or a bracket is not closed.",
            )
        pieces = []
        wanted = max(1, len(waiting))
        while wanted > 0 and (piece := next(self._chunks, "")):
            pieces.append(piece)
            wanted -= len(piece)
        if not pieces:
            self._is_complete = True
            return False
        self._breaks_before += line_breaks(self._buffer[: self._at])
        self._buffer, self._at = "".join([waiting, *pieces]), 0
        return True

    def _syntax(self, position: int, number: int, trouble: str) -> Invalid:
        line = self._breaks_before + line_breaks(self._buffer[:position]) + 1
        return Invalid(
            "json_syntax",
            f"Record {max(number, 1)} (at line {line}) is not valid JSON: {trouble} Nothing after "
            "it can be read.",
        )


def _read_jsonl(text: _Text, first: str) -> Records:
    if first == "[":
        raise Invalid(
            "jsonl_is_array",
            "The name says one JSON object on each line, but the file starts with [. If it is a "
            "JSON array, let its name end in .json.",
        )
    return Records(_jsonl_rows(text), format="jsonl")


def _jsonl_rows(text: _Text) -> Iterator[Record | BrokenRow]:
    decoder = _Decoder()
    for number, raw in enumerate(text.lines(), 1):
        line = raw.strip()
        if not line:
            continue
        try:
            value, end, trouble = decoder.decode(line, 0)
        except json.JSONDecodeError as error:
            yield BrokenRow(
                number,
                f"it is not a whole JSON object: {error.msg[0].lower()}{error.msg[1:]} "
                f"(character {error.pos + 1}).",
                "line",
            )
            continue
        except RecursionError:
            yield BrokenRow(number, "it is nested too deeply.", "line")
            continue
        except ValueError:
            yield BrokenRow(number, "a number is too long.", "line")
            continue
        if end != len(line):
            trouble = "there is more after the JSON object. Put one object on each line."
        if trouble:
            yield BrokenRow(number, trouble, "line")
        else:
            yield Record(number, cast("dict[str, object]", value), "line")


# --- Parquet ----------------------------------------------------------------------------------


def _read_parquet(source: BinaryIO) -> Records:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise Invalid(
            "parquet_extra",
            "Parquet needs the extra plumbline[parquet]: pip install 'plumbline[parquet]'. "
            "Or save the table as CSV, JSON or JSONL.",
        ) from error
    source.seek(0)
    try:
        table = parquet.ParquetFile(source)
    except (pyarrow.ArrowException, OSError) as error:
        raise Invalid(
            "not_parquet",
            "The Parquet file is damaged or breaks off. Write it again and try again.",
        ) from error
    columns = tuple(table.schema_arrow.names)
    return Records(
        _parquet_rows(table, pyarrow.ArrowException),
        format="parquet",
        columns=_column_names(list(columns)) and columns,
    )


def _parquet_rows(table: Any, arrow_error: type[Exception]) -> Iterator[Record | BrokenRow]:
    number = 0
    try:
        for batch in table.iter_batches(batch_size=1000):
            for values in batch.to_pylist():
                number += 1
                plain = {column: _plain(value) for column, value in values.items()}
                trouble = unstorable(plain)
                if trouble:
                    yield BrokenRow(number, trouble, "row")
                else:
                    yield Record(number, plain, "row")
    except (arrow_error, OSError) as error:
        raise Invalid(
            "not_parquet", f"The Parquet file cannot be read on after row {number}."
        ) from error


def _plain(value: object) -> object:
    """Dates and exact decimals as text; everything else as it is."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
