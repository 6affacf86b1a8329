"""Label tables of people and judges, in our own shape and in foreign ones."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.rules.labeltable import JudgeRow, LabelRow, judge_rows, people_rows
from core import mapping
from core.errors import Invalid
from core.tabular import BrokenRow, Record, read_records


def people(
    *records: dict[str, object], maps: str = "", values: str = "", wide: str = ""
) -> list[LabelRow | BrokenRow]:
    return list(
        people_rows(
            [Record(number, record, "line") for number, record in enumerate(records, 2)],
            columns=mapping.parse_map(maps.split()),
            values=mapping.parse_values(values.split()),
            wide=wide.split(),
        )
    )


def judge(
    *records: dict[str, object], maps: str = "", values: str = ""
) -> list[JudgeRow | BrokenRow]:
    return list(
        judge_rows(
            [Record(number, record, "line") for number, record in enumerate(records, 2)],
            columns=mapping.parse_map(maps.split()),
            values=mapping.parse_values(values.split()),
        )
    )


def complaint(rows: list[LabelRow | BrokenRow] | list[JudgeRow | BrokenRow]) -> str:
    (row,) = rows
    assert isinstance(row, BrokenRow)
    return str(row)


def test_our_own_shape_needs_no_map() -> None:
    row: dict[str, object] = {
        "item": "i1",
        "rater": "ana",
        "label": "4",
        "dimension": "clarity",
        "round": "first",
        "cluster": "doc 7",
        "at": "2026-03-31T14:05:00+00:00",
    }
    assert people(row) == [
        LabelRow(2, "i1", "ana", "4", "clarity", "first", "doc 7", "2026-03-31T14:05:00+00:00")
    ]


def test_what_is_optional_has_its_default() -> None:
    assert people({"item": 1, "rater": "ana", "label": "A"}) == [LabelRow(2, "1", "ana", "A")]
    assert judge({"item": 1, "label": "A"}) == [JudgeRow(2, "1", "A")]


def test_foreign_columns_and_codes_are_read() -> None:
    rows = people(
        {"idx": 7, "who": "ben", "choice": 0},
        {"idx": 8, "who": "ben", "choice": 1},
        maps="item=idx rater=who label=choice",
        values="0=tie 1=A",
    )
    assert rows == [LabelRow(2, "7", "ben", "tie"), LabelRow(3, "8", "ben", "A")]


@pytest.mark.parametrize("raw", [1, 1.0, "1", "1.0", " 1 ", True])
def test_one_value_in_its_many_spellings_meets_its_code(raw: object) -> None:
    (row,) = people({"item": 1, "rater": "a", "label": raw}, values="1=A true=A")
    assert isinstance(row, LabelRow)
    assert row.label == "A"


def test_a_value_without_a_code_stays_as_it_is() -> None:
    (row,) = people({"item": 1, "rater": "a", "label": "2"}, values="1=A")
    assert row == LabelRow(2, "1", "a", "2")


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_an_empty_label_is_a_missing_one(empty: object) -> None:
    rows = people(
        {"item": 1, "rater": "a", "label": empty}, {"item": 1, "rater": "b", "label": "A"}
    )
    assert rows == [LabelRow(3, "1", "b", "A")]


def test_a_value_coded_as_nothing_is_missing() -> None:
    assert people({"item": 1, "rater": "a", "label": "-1"}, values="-1=") == []


def test_repeats_are_kept_in_file_order() -> None:
    rows = people({"item": 1, "rater": "a", "label": "A"}, {"item": 1, "rater": "a", "label": "B"})
    assert [row.label for row in rows if isinstance(row, LabelRow)] == ["A", "B"]


def test_wide_columns_are_one_rater_each() -> None:
    rows = people(
        {"idx": 1, "ann1": 0, "ann2": None, "ann3": 2, "cluster": "c"},
        maps="item=idx",
        values="0=tie 2=B",
        wide="ann1 ann2 ann3",
    )
    assert rows == [
        LabelRow(2, "1", "ann1", "tie", cluster="c"),
        LabelRow(2, "1", "ann3", "B", cluster="c"),
    ]


def test_wide_columns_may_be_nested() -> None:
    rows = people({"item": 1, "votes": {"ana": "A"}}, wide="votes.ana")
    assert rows == [LabelRow(2, "1", "votes.ana", "A")]


def test_a_wide_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(Invalid, match="no column “ann9”"):
        people({"item": 1, "ann1": "A"}, wide="ann1 ann9")


def test_wide_columns_and_a_mapped_label_contradict_each_other() -> None:
    with pytest.raises(Invalid, match="“label” is mapped and wide columns are named"):
        people({"item": 1}, maps="label=x", wide="ann1")


def test_a_wide_column_named_twice_is_refused() -> None:
    with pytest.raises(Invalid, match="named twice"):
        people({"item": 1, "a": "A"}, wide="a a")


@pytest.mark.parametrize("missing", ["item", "rater", "label"])
def test_a_table_without_a_needed_column_is_refused(missing: str) -> None:
    row: dict[str, object] = {"item": 1, "rater": "a", "label": "A"}
    del row[missing]
    with pytest.raises(Invalid, match=f"no column “{missing}” \\(for {missing}\\)"):
        people(row)


def test_a_field_whose_column_went_to_another_field_is_asked_for() -> None:
    with pytest.raises(Invalid, match="No column is left for the field “label”"):
        people({"item": 1}, maps="rater=label")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"item": ""}, "Line 2: the item is empty. Every label needs one."),
        ({"rater": None}, "Line 2: the rater is empty. Every label needs one."),
        ({"item": "x" * 201}, "Line 2: the item has 201 characters, at most 200 fit. Is the"),
        ({"label": ["A"]}, "Line 2: the label cannot be read: it is a list, not a text."),
        ({"at": "yesterday"}, "Line 2: “yesterday” is not a moment. Write it as 2026-03-31T"),
    ],
)
def test_a_row_that_cannot_be_read_says_why(change: dict[str, object], sentence: str) -> None:
    row: dict[str, object] = {"item": 1, "rater": "a", "label": "A", **change}
    assert complaint(people(row)).startswith(sentence)


def test_broken_rows_of_the_file_stay_in_their_place() -> None:
    broken = BrokenRow(3, "it has 1 cell, but the header names 2 columns.", "line")
    rows = people_rows(
        [Record(2, {"item": 1, "rater": "a", "label": "A"}), broken], columns={}, values={}
    )
    assert list(rows)[1] is broken


def test_a_long_cluster_becomes_its_digest_and_stays_one_cluster() -> None:
    row: dict[str, object] = {"item": 1, "rater": "a", "label": "A", "cluster": "why " * 100}
    first, second = people(row, row)
    assert isinstance(first, LabelRow)
    assert isinstance(second, LabelRow)
    assert first.cluster == second.cluster
    assert first.cluster.startswith("sha256:")
    assert len(first.cluster) <= 200


def test_people_have_no_outcome() -> None:
    with pytest.raises(Invalid, match="only a judge's rows have one"):
        people({"item": 1, "rater": "a", "label": "x"}, values="x=!invalid")


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(Invalid, match=r"no field “raters” to map to\. Fields: rater, "):
        people({"item": 1}, maps="raters=x")


def test_a_judge_row_in_full() -> None:
    row: dict[str, object] = {
        "item": "1",
        "label": "B",
        "dimension": "helpful",
        "order": "ba",
        "sample": "2",
        "confidence": "0.75",
        "outcome": "OK",
    }
    assert judge(row) == [JudgeRow(2, "1", "B", "helpful", "BA", 2, 0.75, "ok")]


def test_a_value_coded_as_an_outcome_is_a_row_without_a_label() -> None:
    rows = judge({"item": 1, "label": "garbage"}, values="garbage=!invalid")
    assert rows == [JudgeRow(2, "1", None, outcome="invalid")]


def test_an_outcome_other_than_ok_has_no_label() -> None:
    rows = judge({"item": 1, "label": "", "outcome": "refused"})
    assert rows == [JudgeRow(2, "1", None, outcome="refused")]
    assert judge({"item": 1, "label": "A", "outcome": "truncated"}) == [
        JudgeRow(2, "1", None, outcome="truncated")
    ]


def test_a_judge_row_without_label_and_outcome_is_missing() -> None:
    assert judge({"item": 1, "label": None}) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"order": "CD"}, "Line 2: the order “CD” is neither AB nor BA."),
        ({"sample": "-1"}, "Line 2: the sample “-1” is not a whole number from 0."),
        ({"sample": "9" * 12}, "Line 2: the sample “999999999999” is not a whole number from 0."),
        ({"confidence": 1.5}, "Line 2: the confidence “1.5” is not a number from 0 to 1."),
        ({"confidence": "high"}, "Line 2: the confidence “high” is not a number from 0 to 1."),
        ({"outcome": "odd"}, "Line 2: the outcome “odd” is unknown. Outcomes: ok, invalid,"),
    ],
)
def test_a_judge_row_that_cannot_be_read_says_why(change: dict[str, object], sentence: str) -> None:
    assert complaint(judge({"item": 1, "label": "A", **change})).startswith(sentence)


def test_an_unknown_outcome_among_the_codes_is_refused() -> None:
    with pytest.raises(Invalid, match="“x=!odd” sets an unknown outcome"):
        judge({"item": 1, "label": "x"}, values="x=!odd")


KEY = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=12)


@given(st.lists(st.builds(LabelRow, st.just(0), KEY, KEY, KEY, KEY, KEY, KEY), min_size=1))
def test_labels_written_as_jsonl_are_read_back(rows: list[LabelRow]) -> None:
    names = ("item", "rater", "label", "dimension", "round", "cluster")
    text = "\n".join(json.dumps({name: getattr(row, name) for name in names}) for row in rows)
    records = read_records(io.BytesIO(text.encode()), name="labels.jsonl")
    back = list(people_rows(records, columns={}, values={}))
    expected = [
        LabelRow(number, *(getattr(row, name) for name in names))
        for number, row in enumerate(rows, 1)
    ]
    assert back == expected


@pytest.mark.reference_data
def test_the_three_wide_raters_of_pandalm_are_read(shared_data: Path) -> None:
    with (shared_data / "pandalm" / "testset-v1.json").open("rb") as source:
        rows = list(
            people_rows(
                read_records(source, name="testset-v1.json"),
                columns=mapping.parse_map(["item=idx"]),
                values=mapping.parse_values(["0=tie", "1=A", "2=B"]),
                wide=["annotator1", "annotator2", "annotator3"],
            )
        )
    labels = [row for row in rows if isinstance(row, LabelRow)]
    assert len(labels) == len(rows) == 3 * 999
    assert {row.label for row in labels} == {"A", "B", "tie"}
    assert {row.rater for row in labels} == {"annotator1", "annotator2", "annotator3"}


@pytest.mark.reference_data
@pytest.mark.parametrize(
    ("name", "label", "values", "counts"),
    [
        (
            "gpt-3.5-turbo-testset-v1.json",
            "gpt_result",
            "Tie=tie 1=A 2=B garbage=!invalid",
            {"A": 460, "B": 476, "tie": 38, None: 25},
        ),
        (
            "pandalm-7b-testset-v1.json",
            "pandalm_result",
            "0=tie 1=A 2=B",
            {"A": 433, "B": 459, "tie": 107},
        ),
    ],
)
def test_the_recorded_judges_of_pandalm_are_read(
    shared_data: Path, name: str, label: str, values: str, counts: dict[str | None, int]
) -> None:
    with (shared_data / "pandalm" / name).open("rb") as source:
        rows = list(
            judge_rows(
                read_records(source, name=name),
                columns=mapping.parse_map(["item=idx", f"label={label}"]),
                values=mapping.parse_values(values.split()),
            )
        )
    assert Counter(row.label for row in rows if isinstance(row, JudgeRow)) == counts
