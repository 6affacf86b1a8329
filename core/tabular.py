"""Read rows out of CSV, JSON, JSONL and Parquet files, one at a time, in bounded memory.

Two kinds of trouble are kept apart. A file that cannot be read on from some point raises
`Invalid`; a single row that cannot be read comes out as a `BrokenRow` in its place, so that a
caller can list every broken row before it refuses the file, or leave just those out.
"""

from __future__ import annotations

import codecs
from pathlib import PurePath
from typing import BinaryIO

from core.errors import Invalid
from core.reading import limits
from core.reading.csv_rows import read_csv
from core.reading.json_rows import read_json, read_jsonl
from core.reading.parquet_rows import read_parquet
from core.reading.rows import BrokenRow, BrokenRows, Format, Record, Records
from core.reading.text import SAVE_AS_UTF8, Text

__all__ = ["BrokenRow", "BrokenRows", "Record", "Records", "read_records"]

_SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
_PARQUET_MAGIC = b"PAR1"
_FOREIGN_MAGIC = {
    b"PK\x03\x04": "This is a spreadsheet or a zip file, not a text file. "
    "Export the sheet as “CSV UTF-8”, or unpack the file first.",
    b"\x1f\x8b": "This file is compressed. Unpack it first.",
    b"%PDF": "This is a PDF. Give the rows as CSV, JSON or JSONL.",
    codecs.BOM_UTF32_LE: f"This file is written in UTF-32. {SAVE_AS_UTF8}",
    codecs.BOM_UTF32_BE: f"This file is written in UTF-32. {SAVE_AS_UTF8}",
}


def read_records(source: BinaryIO, *, name: str) -> Records:
    """Open a table: the format follows the suffix of `name`, else the first bytes.

    `source` is read forwards once (Parquet: must be seekable). Row numbers are line numbers for
    CSV (the header is line 1) and JSONL, the place in the array from 1 for JSON, and the row from
    1 for Parquet; `Records.unit` names which. An empty CSV cell is None.
    Raises `Invalid` at once when the file is empty, not text, in an unknown encoding or of an
    unreadable shape, and while reading when it breaks off later; single bad rows come out as
    `BrokenRow`.
    """
    head = source.read(limits.CHUNK_BYTES)
    suffix = PurePath(name).suffix.lower()
    if head.startswith(_PARQUET_MAGIC):
        return read_parquet(source)
    if suffix == ".parquet":
        raise Invalid(
            "not_parquet", "The name ends in .parquet, but the file is not a Parquet file."
        )
    for magic, sentence in _FOREIGN_MAGIC.items():
        if head.startswith(magic):
            raise Invalid("not_text", sentence)
    text = Text(source, head)
    first = text.first_character()
    if not first:
        raise Invalid("empty_file", "The file is empty. Choose a file that holds rows.")
    match _SUFFIXES.get(suffix) or _sniffed(first):
        case "json":
            return read_json(text, first)
        case "jsonl":
            return read_jsonl(text, first)
        case _:
            return read_csv(text, delimiter="\t" if suffix == ".tsv" else None)


def _sniffed(first: str) -> Format:
    return {"[": "json", "{": "jsonl"}.get(first, "csv")  # type: ignore[return-value]
