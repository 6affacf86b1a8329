"""Tables out: rows of a registered table as JSONL, CSV or Parquet, streamed in bounded memory."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Literal

from core.errors import Invalid

Format = Literal["jsonl", "csv", "parquet"]
Kind = Literal["text", "integer", "number", "boolean", "json"]
Row = Mapping[str, object]

FORMATS: tuple[Format, ...] = ("jsonl", "csv", "parquet")
CONTENT_TYPES: dict[Format, str] = {
    "jsonl": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
BATCH = 1000


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, and what its values are (`json`: lists and objects)."""

    name: str
    kind: Kind = "text"


def columns_of(*names: str, **kinds: Kind) -> tuple[Column, ...]:
    """Columns in this order; text unless another kind is named."""
    return tuple(Column(name, kinds.get(name, "text")) for name in names)


def written(rows: Iterable[Row], columns: Sequence[Column], form: Format) -> Iterator[bytes]:
    """The rows in one format, some hundred at a time.

    JSONL leaves out what a row does not have. CSV and Parquet have every column; lists and
    objects are JSON text there. Raises Invalid at the first piece when Parquet is not installed.
    """
    writers: dict[
        Format, Callable[[Iterator[Sequence[Row]], Sequence[Column]], Iterator[bytes]]
    ] = {"jsonl": _jsonl, "csv": _csv, "parquet": _parquet}
    return writers[form](_batches(rows), columns)


def _batches(rows: Iterable[Row]) -> Iterator[Sequence[Row]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        yield batch


def _jsonl(batches: Iterator[Sequence[Row]], _columns: Sequence[Column]) -> Iterator[bytes]:
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_time).encode
    for batch in batches:
        yield "".join(f"{encode(_present(row))}\n" for row in batch).encode()


def _present(row: Row) -> dict[str, object]:
    return {name: value for name, value in row.items() if value is not None}


def _csv(batches: Iterator[Sequence[Row]], columns: Sequence[Column]) -> Iterator[bytes]:
    names = [column.name for column in columns]
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(names)
    yield _emptied(buffer)
    for batch in batches:
        writer.writerows([_cell(row.get(name)) for name in names] for row in batch)
        yield _emptied(buffer)


def _emptied(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def _cell(value: object) -> str:
    """A value as CSV and Parquet's text columns hold it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _time(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be written.")


def _parquet(batches: Iterator[Sequence[Row]], columns: Sequence[Column]) -> Iterator[bytes]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise Invalid(
            "parquet_extra",
            "Parquet needs the extra plumbline[parquet]: pip install 'plumbline[parquet]'. "
            "Or take JSONL or CSV.",
        ) from error
    types = {
        "text": pyarrow.string(),
        "integer": pyarrow.int64(),
        "number": pyarrow.float64(),
        "boolean": pyarrow.bool_(),
        "json": pyarrow.string(),
    }
    schema = pyarrow.schema([(column.name, types[column.kind]) for column in columns])
    sink = _Sink()
    with parquet.ParquetWriter(sink, schema) as writer:
        for batch in batches:
            rows = [{column.name: _value(row, column) for column in columns} for row in batch]
            writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))
            yield sink.taken()
    yield sink.taken()


def _value(row: Row, column: Column) -> object:
    value = row.get(column.name)
    return value if value is None or column.kind not in ("text", "json") else _cell(value)


class _Sink(io.RawIOBase):
    """What a Parquet writer writes into; the pieces are taken out as they come."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._written

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        self._written += len(piece)
        return len(piece)

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
