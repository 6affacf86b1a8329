"""Mapping foreign columns to fields: names, paths, parts, codes, and what is missing."""

from __future__ import annotations

import pytest

from core import mapping
from core.errors import Invalid
from core.mapping import ABSENT, FieldPath
from core.tabular import BrokenRow, Record


def found(path: str, values: dict[str, object]) -> object:
    return FieldPath.parse(path).find(values)


def test_a_plain_name_is_a_column() -> None:
    assert found("question", {"question": "why"}) == "why"


def test_a_dotted_path_goes_into_objects_and_lists() -> None:
    values: dict[str, object] = {"choices": [{"text": "a"}, {"text": "b"}], "out": {"t": {"x": 1}}}
    assert found("choices.1.text", values) == "b"
    assert found("out.t.x", values) == 1


@pytest.mark.parametrize("path", ["out.no", "choices.5", "choices.x", "no", "out.t.x.y"])
def test_a_path_that_leads_nowhere_is_absent_and_not_null(path: str) -> None:
    values: dict[str, object] = {"choices": ["a"], "out": {"t": {"x": 1}}}
    assert found(path, values) is ABSENT


def test_a_null_is_found() -> None:
    assert found("a", {"a": None}) is None


def test_a_column_whose_name_holds_a_dot_wins_over_the_path() -> None:
    assert found("a.b", {"a.b": "name", "a": {"b": "path"}}) == "name"
    assert found("a.b.c", {"a.b": {"c": "inside the name"}}) == "inside the name"


def test_a_part_is_taken_out_of_the_text() -> None:
    values: dict[str, object] = {"cmp_key": "bloom-7b_llama-7b"}
    assert found("cmp_key~_~0", values) == "bloom-7b"
    assert found("cmp_key~_~1", values) == "llama-7b"
    assert found("cmp_key~_~-1", values) == "llama-7b"


def test_a_part_of_a_nested_value_is_taken() -> None:
    assert found("meta.pair~ vs ~1", {"meta": {"pair": "x vs y"}}) == "y"


def test_a_part_of_what_is_not_there_is_not_there() -> None:
    assert found("cmp_key~_~0", {"cmp_key": None}) is None
    assert found("cmp_key~_~0", {"other": "a_b"}) is ABSENT


def test_too_few_parts_are_said() -> None:
    with pytest.raises(Invalid, match=r"“cmp_key” has 1 part when it is split at “_”"):
        found("cmp_key~_~1", {"cmp_key": "alone"})


def test_a_map_is_read() -> None:
    assert mapping.parse_map(["input=question", " a = b.c "]) == {
        "input": FieldPath("question", "question"),
        "a": FieldPath("b.c", "b.c"),
    }


@pytest.mark.parametrize("pair", ["input", "=question", "input=", ""])
def test_a_pair_that_maps_nothing_is_refused(pair: str) -> None:
    with pytest.raises(Invalid, match="is not a mapping"):
        mapping.parse_map([pair])


def test_a_field_mapped_twice_is_refused() -> None:
    with pytest.raises(Invalid, match="“input” is mapped twice"):
        mapping.parse_map(["input=a", "input=b"])


def test_an_unknown_field_is_refused_with_the_nearest_first() -> None:
    with pytest.raises(Invalid, match=r"no field “imput” to map to\. Fields: input, "):
        mapping.parse_map(["imput=a"], fields=["response", "input"])


def test_value_codes_are_read() -> None:
    pairs = ["0=tie", "1=A", "garbage=!invalid", "a=b=B", "-1=", "=tie"]
    assert mapping.parse_values(pairs) == {
        "0": "tie",
        "1": "A",
        "garbage": "!invalid",
        "a=b": "B",
        "-1": "",
        "": "tie",
    }


def test_a_value_code_without_a_sign_is_refused() -> None:
    with pytest.raises(Invalid, match="“tie” is not a value code"):
        mapping.parse_values(["tie"])


def test_a_value_coded_twice_is_refused() -> None:
    with pytest.raises(Invalid, match="“0” is coded twice"):
        mapping.parse_values(["0=tie", "0=A"])


def test_unmapped_fields_are_looked_for_under_their_own_names() -> None:
    columns = mapping.completed({"item": FieldPath.parse("idx")}, ["item", "label"])
    assert columns["label"] == FieldPath("label", "label")
    assert columns["item"].column == "idx"


def test_a_column_that_is_mapped_already_is_not_taken_by_its_name_as_well() -> None:
    columns = mapping.parse_map(["context=input"])
    assert "input" not in mapping.completed(columns, ["input", "context"])


def test_a_missing_column_is_named_with_the_nearest_of_those_there() -> None:
    columns = mapping.parse_map(["input=qestion"])
    with pytest.raises(Invalid) as caught:
        list(mapping.checked([Record(2, {"answer": "a", "question": "q"})], columns))
    assert caught.value.code == "unknown_columns"
    assert caught.value.sentence == (
        "The file has no column “qestion” (for input). It has: question, answer. "
        "Map the field to one of these."
    )
    assert list(caught.value.fields) == ["input"]


def test_of_many_columns_some_are_listed_and_the_others_counted() -> None:
    assert mapping.listed("c7", [f"c{number}" for number in range(20)]).endswith(" and 12 more")
    assert mapping.listed("c7", ["b", "c7", "a"]).startswith("c7, ")


def test_an_optional_key_may_be_absent_from_the_first_record() -> None:
    rows: list[Record | BrokenRow] = [
        Record(1, {"a": 1}),
        BrokenRow(2, "it is not JSON."),
        Record(3, {"a": 1, "b": 2}),
    ]
    assert list(mapping.checked(rows, mapping.parse_map(["x=a", "y=b"]))) == rows


def test_a_column_that_no_record_has_is_refused_before_any_row_comes_out() -> None:
    rows = mapping.checked([Record(1, {"a": 1})] * 500, mapping.parse_map(["y=b"]))
    with pytest.raises(Invalid, match="no column “b”"):
        next(rows)


def test_one_column_of_a_group_is_enough() -> None:
    group = mapping.parse_map(["input=input", "messages=messages"])
    rows = [Record(1, {"messages": []})]
    assert list(mapping.checked(rows, {}, any_of=[group])) == rows
    with pytest.raises(Invalid, match="no column “input” or “messages”"):
        list(mapping.checked([Record(1, {"a": 1})], {}, any_of=[group]))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a ", ("a ", False)),
        (None, ("", False)),
        (True, ("true", True)),
        (False, ("false", True)),
        (3, ("3", True)),
        (2.5, ("2.5", True)),
        (3.0, ("3.0", True)),
    ],
)
def test_numbers_and_booleans_become_text_and_it_is_known(
    value: object, text: tuple[str, bool]
) -> None:
    assert mapping.as_text(value) == text


@pytest.mark.parametrize("value", [{"a": 1}, ["a"]])
def test_objects_and_lists_do_not_become_text(value: object) -> None:
    with pytest.raises(Invalid, match="Map a value inside it"):
        mapping.as_text(value)


@pytest.mark.parametrize(("value", "key"), [(" a ", "a"), (3.0, "3"), (0, "0"), (True, "true")])
def test_keys_are_compared_without_margins_and_tails(value: object, key: str) -> None:
    assert mapping.as_key(value) == key


def test_what_is_not_mapped_stays_even_beside_a_mapped_place() -> None:
    values: dict[str, object] = {
        "q": "why",
        "out": {"text": "because", "model": "m"},
        "choices": [{"text": "a", "n": 1}],
        "empty": "",
        "none": None,
        "kept": 0,
    }
    columns = mapping.parse_map(["input=q", "response=out.text", "x=choices.0.text"])
    assert mapping.unmapped(values, columns) == {
        "out": {"model": "m"},
        "choices": [{"n": 1}],
        "kept": 0,
    }
    assert values["out"] == {"text": "because", "model": "m"}
