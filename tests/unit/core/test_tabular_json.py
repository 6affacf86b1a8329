"""JSON arrays and JSONL: read one record at a time, broken ones by number."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from core.reading import limits
from core.tabular import BrokenRow, Record, read_records


class Trickle(io.RawIOBase):
    """A byte source that gives few bytes at a time, so that every cut is tried."""

    def __init__(self, raw: bytes, step: int) -> None:
        self._raw, self._step, self._at = raw, step, 0

    def read(self, size: int = -1) -> bytes:
        piece = self._raw[self._at : self._at + min(self._step, size)]
        self._at += len(piece)
        return piece


def read(text: str, name: str = "table.json", step: int = 1 << 20) -> list[Record | BrokenRow]:
    return list(read_records(Trickle(text.encode(), step), name=name))  # type: ignore[arg-type]


def refusal(text: str, name: str = "table.json") -> Invalid:
    with pytest.raises(Invalid) as caught:
        read(text, name)
    return caught.value


def broken(text: str, name: str = "table.json") -> list[str]:
    return [str(row) for row in read(text, name) if isinstance(row, BrokenRow)]


def test_records_of_an_array_are_counted_from_one() -> None:
    assert read('[{"a": 1}, {"a": true}]') == [
        Record(1, {"a": 1}, "record"),
        Record(2, {"a": True}, "record"),
    ]


def test_lines_of_jsonl_have_their_line_number_and_blank_ones_are_stepped_over() -> None:
    assert read('{"a": 1}\n\n{"a": [2]}\n', "t.jsonl") == [
        Record(1, {"a": 1}, "line"),
        Record(3, {"a": [2]}, "line"),
    ]


@pytest.mark.parametrize(
    ("text", "format_"), [('[{"a": 1}]', "json"), ('{"a": 1}', "jsonl"), ("a,b\n1,2", "csv")]
)
def test_a_name_that_says_nothing_leaves_it_to_the_first_character(text: str, format_: str) -> None:
    assert read_records(io.BytesIO(text.encode()), name="upload").format == format_


def test_the_columns_are_the_keys_of_the_first_readable_record() -> None:
    records = read_records(io.BytesIO(b'[3, {"a": 1, "b": 2}]'), name="t.json")
    assert records.columns == ("a", "b")
    assert len(list(records)) == 2


def test_an_element_that_is_no_object_is_broken() -> None:
    assert broken('[{"a": 1}, 3, "x", null, [1], true]') == [
        "Record 2: it is a number, not an object with named values.",
        "Record 3: it is a text, not an object with named values.",
        "Record 4: it is null, not an object with named values.",
        "Record 5: it is a list, not an object with named values.",
        "Record 6: it is true or false, not an object with named values.",
    ]


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ('{"a": NaN}', "NaN is not a JSON value. Write null where there is none."),
        ('{"a": [-Infinity]}', "-Infinity is not a JSON value. Write null where there is none."),
        ('{"a": 1e999}', "the number 1e999 is too large."),
        ('{"a": 1, "a": 2}', "it names “a” more than once."),
        ('{"a": "\\u0000"}', "a text holds a zero character (\\u0000). Remove it."),
        (
            '{"a": {"b": ["\\ud800"]}}',
            "a text holds half of a surrogate pair (\\ud800 to \\udfff). Remove it.",
        ),
    ],
)
def test_what_cannot_be_stored_breaks_its_record_only(record: str, sentence: str) -> None:
    assert read(f'[{{"a": 1}}, {record}, {{"a": 2}}]') == [
        Record(1, {"a": 1}, "record"),
        BrokenRow(2, sentence, "record"),
        Record(3, {"a": 2}, "record"),
    ]
    assert broken(f'{{"a": 1}}\n{record}\n', "t.jsonl") == [f"Line 2: {sentence}"]


def test_a_written_out_emoji_is_no_half_pair() -> None:
    assert read('[{"a": "\\ud83d\\ude00"}]') == [Record(1, {"a": "😀"}, "record")]


def test_a_broken_line_of_jsonl_is_named_and_the_others_are_read() -> None:
    rows = read('{"a": 1}\n{"a": \n{"a": 3} x\n[1]\n{"a": 5}\n', "t.jsonl")
    assert [str(row) for row in rows if isinstance(row, BrokenRow)] == [
        "Line 2: it is not a whole JSON object: expecting value (character 6).",
        "Line 3: there is more after the JSON object. Put one object on each line.",
        "Line 4: it is a list, not an object with named values.",
    ]
    assert [row.row for row in rows if isinstance(row, Record)] == [1, 5]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[{"a": 1},\n{"a" 2}]', "Record 2 (at line 2) is not valid JSON: expecting ':' delimiter"),
        ('[{"a": 1}\n{"a": 2}]', "Record 1 (at line 2) is not valid JSON: a comma was expected"),
        ('[{"a": 1},]', "Record 2 (at line 1) is not valid JSON: there is a comma before the"),
        ('[{"a": 1}', "Record 1 (at line 1) is not valid JSON: the file breaks off: the closing ]"),
        ('[{"a": "cut', "Record 1 (at line 1) is not valid JSON: the file breaks off inside it."),
        ('[{"a": 1},\n{"b": ', "Record 2 (at line 2) is not valid JSON: the file breaks off"),
        ('[{"a": 1}] and', "There is more after the closing ] of the array: “and”."),
        ("[" * 100_000, "Record 1 (at line 1) is not valid JSON: it is nested too deeply."),
        ('[{"a": ' + "9" * 5000 + "}]", "Record 1 (at line 1) is not valid JSON: a number is too"),
    ],
)
def test_a_fault_that_hides_the_rest_of_the_file_is_named_by_record_and_line(
    text: str, sentence: str
) -> None:
    error = refusal(text)
    assert error.code == "json_syntax"
    assert error.sentence.startswith(sentence)


def test_an_object_instead_of_an_array_is_refused() -> None:
    error = refusal('{"items": [{"a": 1}]}')
    assert error.code == "json_not_array"
    assert "Put the records between [ and ]" in error.sentence


def test_something_else_under_the_name_of_json_is_refused() -> None:
    assert "starts with “i”" in refusal("item,label\n1,A\n").sentence


def test_an_array_under_the_name_of_jsonl_is_refused() -> None:
    assert refusal('[\n{"a": 1}\n]', "t.jsonl").code == "jsonl_is_array"


@pytest.mark.parametrize("text", ["[]", " [ \n ] "])
def test_an_empty_array_is_refused(text: str) -> None:
    assert refusal(text).code == "no_rows"


def test_an_endless_record_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_RECORD_CHARS", 100_000)
    error = refusal('[{"a": 1}, {"a": "' + "x" * 900_000 + '"}]')
    assert error.code == "record_too_long"
    assert error.sentence.startswith("Record 2 has more than 100,000 characters")


STORABLE = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | STORABLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(STORABLE, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
RECORDS = st.lists(st.dictionaries(STORABLE, VALUE, max_size=4), min_size=1, max_size=6)


@given(RECORDS, st.booleans(), st.sampled_from([None, 1]), st.integers(1, 9))
def test_an_array_is_read_back_wherever_the_file_is_cut(
    records: list[dict[str, Any]], is_ascii: bool, indent: int | None, step: int
) -> None:
    text = json.dumps(records, ensure_ascii=is_ascii, indent=indent)
    rows = read(text, step=step)
    assert [row.values for row in rows if isinstance(row, Record)] == records
    assert [row.row for row in rows] == list(range(1, len(records) + 1))


@given(RECORDS, st.booleans(), st.sampled_from(["\n", "\r\n"]), st.integers(1, 9))
def test_jsonl_is_read_back_wherever_the_file_is_cut(
    records: list[dict[str, Any]], is_ascii: bool, line_break: str, step: int
) -> None:
    text = line_break.join(json.dumps(record, ensure_ascii=is_ascii) for record in records)
    rows = read(text, "t.jsonl", step)
    assert [row.values for row in rows if isinstance(row, Record)] == records


class Generated(io.RawIOBase):
    """A large array that is made while it is read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, size: int = -1) -> bytes:
        return next(self._pieces, b"")


def pieces_of_large_array(records: int) -> Iterator[bytes]:
    yield b"["
    for number in range(records):
        comma = b"," if number else b""
        yield comma + b'{"id": %d, "input": "%s"}' % (number, b"question " * 400)
    yield b"]"


def test_a_large_array_is_read_in_little_memory() -> None:
    source = Generated(pieces_of_large_array(10_000))  # 36 MB
    tracemalloc.start()
    try:
        rows = read_records(source, name="t.json")  # type: ignore[arg-type]
        count = len([None for _ in rows])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 10_000
    assert peak < 2_000_000
