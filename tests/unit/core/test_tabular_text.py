"""Encodings and files that are no text at all: each with its line and the way to mend it."""

from __future__ import annotations

import codecs
import io
import json
import sys
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal

import pytest

from core.errors import Invalid
from core.reading.rows import unstorable
from core.tabular import BrokenRow, Record, Records, read_records

TABLE = "item,label\n1,köln\n2,東京\n"


def read(raw: bytes, name: str = "table.csv") -> list[Record | BrokenRow]:
    return list(read_records(io.BytesIO(raw), name=name))


def refusal(raw: bytes, name: str = "table.csv") -> Invalid:
    with pytest.raises(Invalid) as caught:
        read(raw, name)
    return caught.value


@pytest.mark.parametrize(
    "raw",
    [
        TABLE.encode(),
        codecs.BOM_UTF8 + TABLE.encode(),
        codecs.BOM_UTF16_LE + TABLE.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TABLE.encode("utf-16-be"),
    ],
    ids=["utf-8", "utf-8 with mark", "utf-16 le", "utf-16 be"],
)
def test_unicode_with_or_without_a_mark_is_read(raw: bytes) -> None:
    rows = read(raw)
    assert [row.values["label"] for row in rows if isinstance(row, Record)] == ["köln", "東京"]
    assert [row.row for row in rows] == [2, 3]


def test_latin_1_is_refused_with_its_line_and_byte() -> None:
    error = refusal("item,label\n1,A\n2,köln\n".encode("latin-1"))
    assert error.code == "encoding"
    assert error.sentence.startswith("Line 3 holds the byte 0xF6, which is not UTF-8")
    assert "Save it as UTF-8" in error.sentence


def test_a_wrong_byte_far_into_the_file_has_its_line() -> None:
    lines = ["item,label", *(f"{number},{'x' * 50}" for number in range(20_000))]
    raw = "\r\n".join(lines).encode() + b"\r\nlast,\xff\r\n"
    assert refusal(raw).sentence.startswith("Line 20002 holds the byte 0xFF")


@pytest.mark.parametrize("name", ["t.json", "t.jsonl"])
def test_a_wrong_byte_in_json_has_its_line(name: str) -> None:
    raw = b'[\n{"a": "\xe9"}\n]' if name == "t.json" else b'{"a": 1}\n{"a": "\xe9"}\n'
    assert refusal(raw, name).sentence.startswith("Line 2 holds the byte 0xE9")


def test_a_file_that_ends_inside_a_character_is_refused() -> None:
    assert refusal("item,label\n1,ö".encode()[:-1]).code == "encoding"


def test_damaged_utf_16_is_refused() -> None:
    raw = codecs.BOM_UTF16_LE + TABLE.encode("utf-16-le") + b"\x00\xdc\x00\xdc"
    assert refusal(raw).sentence.startswith("Line 4 is not valid UTF-16")


def test_a_zero_byte_is_refused_with_its_line() -> None:
    error = refusal(b"item,label\n1,A\n2,\x00\n")
    assert error.code == "not_text"
    assert error.sentence.startswith("Line 3 holds a zero byte")


def test_utf_16_without_a_mark_is_refused() -> None:
    assert "UTF-16 without its mark" in refusal(TABLE.encode("utf-16-le")).sentence


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (b"PK\x03\x04rest of a workbook", "spreadsheet"),
        (b"\x1f\x8b\x08rest", "compressed"),
        (b"%PDF-1.7", "PDF"),
        ("a,b".encode("utf-32"), "UTF-32"),
    ],
)
def test_a_file_of_another_kind_is_called_by_its_name(raw: bytes, word: str) -> None:
    error = refusal(raw)
    assert error.code == "not_text"
    assert word in error.sentence


def test_a_picture_is_not_text() -> None:
    assert refusal(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR").code in {"not_text", "encoding"}


def test_a_parquet_name_without_a_parquet_file_is_refused() -> None:
    assert refusal(b"item,label\n1,A\n", "t.parquet").code == "not_parquet"


def test_parquet_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # as where the extra is not installed
    error = refusal(b"PAR1....PAR1", "t.parquet")
    assert error.code == "parquet_extra"
    assert error.sentence.startswith(
        "Parquet needs the extra plumbline[parquet]: pip install 'plumbline[parquet]'."
    )


def parquet_of(columns: Mapping[str, object]) -> Records:
    import pyarrow
    from pyarrow import parquet

    target = io.BytesIO()
    parquet.write_table(pyarrow.table(dict(columns)), target)
    target.seek(0)
    return read_records(target, name="t.parquet")


def test_parquet_rows_are_counted_from_one() -> None:
    records = parquet_of({"item": ["a", "b"], "score": [1, None]})
    assert records.columns == ("item", "score")
    assert list(records) == [
        Record(1, {"item": "a", "score": 1}, "row"),
        Record(2, {"item": "b", "score": None}, "row"),
    ]


def test_parquet_rows_with_nan_or_bytes_are_broken() -> None:
    rows = list(parquet_of({"a": [1.0, float("nan")], "b": ["x", "y"]}))
    assert rows[0] == Record(1, {"a": 1.0, "b": "x"}, "row")
    assert str(rows[1]).startswith("Row 2: nan is not a value")


def test_parquet_values_that_json_does_not_know_are_text() -> None:
    day = date(2026, 11, 23)
    values = [day, timedelta(seconds=90), Decimal("1.10"), time(12, 30)]
    columns = {str(place): [value] for place, value in enumerate(values)}
    [record] = parquet_of({**columns, "pairs": [[{"k": timedelta(seconds=1)}]]})
    assert isinstance(record, Record)
    assert list(record.values.values()) == [
        "2026-11-23", "0:01:30", "1.10", "12:30:00", [{"k": "0:00:01"}],
    ]  # fmt: skip
    json.dumps(record.values)


def test_entries_of_a_parquet_map_are_lists() -> None:
    import pyarrow

    entries = pyarrow.array([[("k", 1)]], pyarrow.map_(pyarrow.string(), pyarrow.int64()))
    [record] = parquet_of({"m": entries})
    assert isinstance(record, Record)
    assert record.values == {"m": [["k", 1]]}


def test_a_damaged_parquet_file_is_refused() -> None:
    assert refusal(b"PAR1 not really PAR1", "t.parquet").code == "not_parquet"


@pytest.mark.parametrize("value", ["a\0", "\ud800", float("inf"), b"raw", {"k": ["\0"]}])
def test_values_that_no_database_takes_are_found_at_any_depth(value: object) -> None:
    assert unstorable(value)


@pytest.mark.parametrize("value", ["text", 1, None, True, {"k": [1.5, "😀"]}])
def test_ordinary_values_can_be_stored(value: object) -> None:
    assert unstorable(value) == ""
