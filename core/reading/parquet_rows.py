"""Parquet, where the extra is installed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any, BinaryIO

from core.errors import Invalid
from core.reading.rows import BrokenRow, Record, Records, column_names, unstorable


def read_parquet(source: BinaryIO) -> Records:
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
        columns=column_names(list(columns)) and columns,
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
    except (arrow_error, OSError, ValueError, OverflowError) as error:
        raise Invalid(
            "not_parquet",
            f"The Parquet file cannot be read on after row {number}: it is damaged, or holds a "
            "time that no calendar here knows.",
        ) from error


def _plain(value: object) -> object:
    """What JSON knows as it is, the entries of a map as lists, anything else as text: dates,
    durations, exact decimals. Raw bytes stay what they are, to be refused."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, str | int | float | bytes):
        return value
    return str(value)
