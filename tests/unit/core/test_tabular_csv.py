"""CSV: rows with their line numbers, and a sentence for everything that cannot be read."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from core.reading import limits
from core.tabular import BrokenRow, BrokenRows, Record, read_records


def read(text: str | bytes, name: str = "table.csv") -> list[Record | BrokenRow]:
    raw = text.encode() if isinstance(text, str) else text
    return list(read_records(io.BytesIO(raw), name=name))


def refusal(text: str | bytes, name: str = "table.csv") -> Invalid:
    with pytest.raises(Invalid) as caught:
        read(text, name)
    return caught.value


def values(text: str | bytes, name: str = "table.csv") -> list[dict[str, object]]:
    return [dict(row.values) for row in read(text, name) if isinstance(row, Record)]


def test_a_row_has_the_line_number_that_an_editor_shows() -> None:
    rows = read("item,label\n1,A\n2,B\n")
    assert rows == [
        Record(2, {"item": "1", "label": "A"}, "line"),
        Record(3, {"item": "2", "label": "B"}, "line"),
    ]


def test_a_cell_over_several_lines_moves_the_numbers_of_later_rows() -> None:
    rows = read('item,label\n"one\ntwo\nthree",A\n2,B\n')
    assert [row.row for row in rows] == [2, 5]


def test_blank_lines_are_stepped_over_and_counted() -> None:
    assert [row.row for row in read("\n\nitem,label\n\n1,A\n\n2,B\n")] == [5, 7]


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_break_is_read(line_break: str) -> None:
    rows = read(line_break.join(["item,label", "1,A", "2,B", ""]))
    assert [(row.row, row.values["item"]) for row in rows if isinstance(row, Record)] == [
        (2, "1"),
        (3, "2"),
    ]


def test_an_empty_cell_is_a_missing_value() -> None:
    assert values("item,label\n1,\n") == [{"item": "1", "label": None}]


@pytest.mark.parametrize(("separator", "word"), [(";", "semicolon"), ("\t", "tab")])
def test_another_separator_is_found_in_the_header_and_said(separator: str, word: str) -> None:
    records = read_records(io.BytesIO(f"a{separator}b\n1,5{separator}2\n".encode()), name="t.csv")
    assert records.notices == (f"The columns are separated by a {word}.",)
    assert [row.values for row in records if isinstance(row, Record)] == [{"a": "1,5", "b": "2"}]


def test_commas_in_the_rows_do_not_outvote_the_header() -> None:
    assert values("item;label\n1;a,b,c,d\n") == [{"item": "1", "label": "a,b,c,d"}]


def test_the_columns_are_known_before_a_row_is_read() -> None:
    assert read_records(io.BytesIO(b" item , label\n1,A\n"), name="t.csv").columns == (
        "item",
        "label",
    )


def test_a_ragged_row_is_broken_and_the_others_are_read() -> None:
    rows = read("item,label\n1,A\n2\n3,B,C\n4,B\n")
    assert [str(row) for row in rows if isinstance(row, BrokenRow)] == [
        "Line 3: it has 1 cell, but the header names 2 columns.",
        "Line 4: it has 3 cells, but the header names 2 columns.",
    ]
    assert [row.row for row in rows if isinstance(row, Record)] == [2, 5]


def test_text_after_a_closing_quotation_mark_breaks_its_row_only() -> None:
    rows = read('item,label\n"1"x,A\n2,B\n')
    assert str(rows[0]).startswith("Line 2: there is text after a closing quotation mark")
    assert rows[1] == Record(3, {"item": "2", "label": "B"}, "line")


def test_a_quotation_mark_that_is_never_closed_names_its_line() -> None:
    error = refusal('item,label\n1,A\n2,"B\n3,A\n')
    assert error.code == "csv_quote"
    assert error.sentence.startswith("Line 3: a quotation mark is opened and never closed")


def test_a_cell_that_is_too_long_names_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_FIELD_CHARS", 50)
    try:
        error = refusal("item,label\n1,A\n2," + "x" * 60 + "\n")
    finally:
        csv.field_size_limit(10_000_000)
    assert error.code == "field_too_long"
    assert error.sentence.startswith("Line 3: a cell has more than 50 characters")


def test_a_line_without_end_is_refused_before_it_fills_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "MAX_RECORD_CHARS", 200_000)
    assert refusal(b"item,label\n" + b"x" * 400_000).code == "record_too_long"


def test_an_empty_file_is_refused() -> None:
    error = refusal(b"")
    assert (error.code, error.sentence) == (
        "empty_file",
        "The file is empty. Choose a file that holds rows.",
    )


def test_a_file_of_white_space_is_an_empty_one() -> None:
    assert refusal("\ufeff \n\r\n\t\n").code == "empty_file"


@pytest.mark.parametrize("text", ['[{"id": 1, "input": "q"}]\n', '[\n{"id": 1}\n]', '{"id": 1}\n'])
def test_json_under_the_name_of_a_table_is_refused(text: str) -> None:
    assert refusal(text, "t.csv").code == "not_csv"


def test_a_column_in_brackets_is_no_json() -> None:
    assert values("[id],{b}\n1,2\n") == [{"[id]": "1", "{b}": "2"}]


def test_a_header_without_rows_is_refused() -> None:
    error = refusal("item,label\n\n")
    assert error.code == "no_rows"
    assert "a header and no rows" in error.sentence


def test_a_column_named_twice_is_refused_by_name() -> None:
    error = refusal("item,label,item\n1,A,2\n")
    assert error.code == "duplicate_columns"
    assert "“item”" in error.sentence


def test_two_columns_without_a_name_are_refused_by_place() -> None:
    error = refusal("item,,label,\n1,2,3,4\n")
    assert (error.code, error.sentence) == (
        "header",
        "Columns 2, 4 of the header have no name. Name each column.",
    )


def test_one_column_without_a_name_is_the_index_of_a_data_frame() -> None:
    assert values(",item\n0,a\n") == [{"": "0", "item": "a"}]


def test_all_broken_rows_are_listed_by_number() -> None:
    broken = BrokenRows()
    good = list(broken.sift(read("a,b\n1\n1,2\n1,2,3\n")))
    assert [row.row for row in good] == [3]
    with pytest.raises(Invalid) as caught:
        broken.refuse()
    assert caught.value.code == "broken_rows"
    assert caught.value.sentence.startswith(
        "2 lines cannot be read, so nothing was taken from the file: 2, 4. First, Line 2: it has"
    )
    assert len(caught.value.fields["rows"]) == 2


def test_of_many_broken_rows_the_first_are_listed_and_all_are_counted() -> None:
    broken = BrokenRows()
    assert list(broken.sift(read("a,b\n" + "1\n" * 1234))) == []
    assert (broken.total, len(broken.listed)) == (1234, 100)
    assert broken.sentences()[-1] == "… and 1,134 more."
    with pytest.raises(Invalid, match=r"1,234 lines cannot be read.* 101 and 1,134 more\."):
        broken.refuse()


def test_without_broken_rows_nothing_is_refused() -> None:
    broken = BrokenRows()
    assert len(list(broken.sift(read("a,b\n1,2\n")))) == 1
    broken.refuse()


CELL = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
NAMES = st.lists(
    st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8),
    min_size=2,
    max_size=5,
    unique=True,
)


@given(st.data(), NAMES, st.sampled_from([",", ";", "\t"]))
def test_what_a_program_writes_is_read_back(
    data: st.DataObject, names: list[str], separator: str
) -> None:
    written = data.draw(st.lists(st.tuples(*[CELL] * len(names)), min_size=1, max_size=8))
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL)
    writer.writerow(names)
    writer.writerows(written)
    expected = [
        {name: cell or None for name, cell in zip(names, row, strict=True)} for row in written
    ]
    assert values(text.getvalue()) == expected
