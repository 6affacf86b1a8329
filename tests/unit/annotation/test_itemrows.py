"""Items out of records: what is an item, what is missing, what makes two items one."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from annotation.rules.itemrows import (
    ItemDraft,
    Message,
    ResponseDraft,
    content_hash,
    guess_map,
    input_digest,
    item_rows,
)
from core import mapping
from core.errors import Invalid
from core.tabular import BrokenRow, Record, read_records

PANDALM = (
    "id=idx input=instruction context=input response_a=response1 response_b=response2 "
    "system_a=cmp_key~_~0 system_b=cmp_key~_~1"
)
PAIR: dict[str, object] = {"id": "p1", "input": "q", "response_a": "a", "response_b": "b"}
SINGLE: dict[str, object] = {"id": "s1", "input": "q", "response": "a"}


def rows(*records: dict[str, object], maps: str = "") -> list[ItemDraft | BrokenRow]:
    numbered = [Record(number, record, "line") for number, record in enumerate(records, 2)]
    return list(item_rows(numbered, columns=mapping.parse_map(maps.split())))


def item(record: dict[str, object], maps: str = "") -> ItemDraft:
    (row,) = rows(record, maps=maps)
    assert isinstance(row, ItemDraft), row
    return row


def complaint(record: dict[str, object], maps: str = "") -> str:
    (row,) = rows(record, maps=maps)
    assert isinstance(row, BrokenRow)
    return str(row)


def test_one_response_makes_a_single_item() -> None:
    draft = item({**SINGLE, "system": "v2", "reference": "r", "context": "c"})
    assert (draft.kind, draft.external_id, draft.input) == ("single", "s1", "q")
    assert draft.responses == (ResponseDraft("a", "v2"),)
    assert (draft.reference, draft.context, draft.row) == ("r", "c", 2)


def test_two_responses_make_a_pair_in_their_own_order() -> None:
    draft = item({**PAIR, "system_a": "v1", "system_b": "v2"})
    assert draft.kind == "pair"
    assert draft.responses == (ResponseDraft("a", "v1"), ResponseDraft("b", "v2"))


def test_messages_without_a_response_are_a_conversation() -> None:
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "text": "hello"}]
    draft = item({"id": 1, "messages": turns})
    assert draft.kind == "conversation"
    assert draft.messages == (Message("user", "hi"), Message("assistant", "hello"))
    assert draft.responses == ()


def test_messages_in_a_csv_cell_and_in_the_input_are_turns_too() -> None:
    text = '[{"role": "user", "content": "hi"}]'
    assert item({"id": 1, "messages": text}).messages == (Message("user", "hi"),)
    draft = item({**SINGLE, "input": [{"role": "user", "content": "hi"}]})
    assert (draft.kind, draft.input, draft.messages) == ("single", "", (Message("user", "hi"),))


def test_a_table_may_hold_single_items_and_pairs() -> None:
    empty: dict[str, object] = {"response": None, "response_a": None, "response_b": None}
    kinds = [row.kind for row in rows({**empty, **SINGLE}, {**empty, **PAIR})]  # type: ignore[union-attr]
    assert kinds == ["single", "pair"]


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({**SINGLE, "input": None}, "Line 2: the input is missing. Every item needs one."),
        ({**SINGLE, "input": " "}, "Line 2: input and context are empty: nothing was asked."),
        ({**SINGLE, "response": None}, "Line 2: it has no response: there is nothing to judge."),
        ({**SINGLE, "response": " "}, "Line 2: the response is empty: there is nothing to judge."),
        ({**PAIR, "response_b": None}, "Line 2: the response B is missing, and a pair needs both."),
        ({**PAIR, "response_a": None}, "Line 2: the response A is missing, and a pair needs both."),
        (
            {**PAIR, "response_a": "", "response_b": ""},
            "Line 2: both responses are empty: there is nothing to judge.",
        ),
        ({**PAIR, "response": "c"}, "Line 2: it has a response and a pair as well."),
        ({**SINGLE, "kind": "triple"}, "Line 2: the kind “triple” is unknown. Kinds: single, pair"),
        ({**SINGLE, "kind": "pair"}, "Line 2: the response A is missing, and a pair needs both."),
        (
            {**SINGLE, "response": {"text": "a"}},
            "Line 2: the response cannot be read: it is an object, not a text. Map a value inside",
        ),
        ({**SINGLE, "id": "x" * 201}, "Line 2: the id has 201 characters, at most 200 fit."),
        ({**SINGLE, "system": "x" * 121}, "Line 2: the system has 121 characters, at most 120"),
        ({"id": 1, "messages": "hi"}, "Line 2: the messages cannot be read: a list of objects"),
        ({"id": 1, "messages": [{"role": "user"}]}, "Line 2: message 1 needs a role and a content"),
        (
            {"id": 1, "messages": "[" * 100_000},
            "Line 2: the messages cannot be read: it is nested too deeply.",
        ),
        (
            {"id": 1, "messages": r'[{"role": "user", "content": "a\u0000"}]'},
            "Line 2: the messages cannot be read: a text holds a zero character",
        ),
    ],
)
def test_a_row_that_is_no_whole_item_says_why(record: dict[str, object], sentence: str) -> None:
    assert complaint(record).startswith(sentence)


def test_one_empty_response_of_a_pair_is_kept_and_said() -> None:
    draft = item({**PAIR, "response_b": ""})
    assert draft.responses[1].text == ""
    assert draft.notices == ("the response B is empty; it is kept as it is.",)


def test_an_empty_cell_of_a_pair_is_an_empty_response_only_where_the_kind_is_named() -> None:
    draft = item({**PAIR, "kind": "pair", "response_b": None})
    assert [response.text for response in draft.responses] == ["a", ""]


def test_an_empty_input_beside_a_context_is_kept_and_said() -> None:
    draft = item({**SINGLE, "input": "", "context": "all of it"})
    assert draft.notices == ("the input is empty; the context stands alone.",)


def test_numbers_and_booleans_as_responses_become_text_with_a_notice() -> None:
    draft = item({**PAIR, "response_a": True, "response_b": 4.5})
    assert [response.text for response in draft.responses] == ["true", "4.5"]
    assert draft.notices == (
        "the response A is not a text in the file; it is taken as “true”.",
        "the response B is not a text in the file; it is taken as “4.5”.",
    )


def test_numbers_as_ids_are_nothing_to_mention() -> None:
    draft = item({**SINGLE, "id": 7})
    assert (draft.external_id, draft.notices) == ("7", ())


def test_several_documents_become_one_context() -> None:
    draft = item({**SINGLE, "context": ["one", "two"]})
    assert draft.context == "one\n\ntwo"
    assert len(draft.notices) == 1


def test_prompt_defaults_to_the_input_and_cluster_to_the_prompt() -> None:
    draft = item({**SINGLE, "context": "c"})
    assert draft.prompt_key == draft.cluster_key == input_digest(draft)
    named = item({**SINGLE, "prompt": "p"})
    assert (named.prompt_key, named.cluster_key) == ("p", "p")
    assert item({**SINGLE, "prompt": "p", "cluster": "k"}).cluster_key == "k"


def test_long_prompt_and_cluster_keys_become_digests() -> None:
    draft = item({**SINGLE, "prompt": "why " * 100, "cluster": "doc " * 100})
    assert draft.prompt_key.startswith("sha256:")
    assert draft.cluster_key.startswith("sha256:")
    assert draft.prompt_key != draft.cluster_key


def test_the_same_question_with_other_white_space_is_one_input() -> None:
    first = item({**SINGLE, "input": "why so\n"})
    second = item({**SINGLE, "input": "why  so"})
    other = item({**SINGLE, "input": "why not"})
    assert input_digest(first) == input_digest(second) != input_digest(other)


def test_input_and_context_do_not_run_into_each_other() -> None:
    first = item({**SINGLE, "input": "ab", "context": "c"})
    second = item({**SINGLE, "input": "a", "context": "bc"})
    assert input_digest(first) != input_digest(second)


@pytest.mark.parametrize(
    "change",
    [{"id": "other"}, {"system_b": "v3"}, {"response_b": "c"}, {"input": "r"}, {"context": "c"}],
)
def test_another_id_system_or_text_is_another_item(change: dict[str, object]) -> None:
    record: dict[str, object] = {**PAIR, "system_a": "v1", "system_b": "v2"}
    assert content_hash(item(record)) != content_hash(item({**record, **change}))


def test_tags_and_unmapped_columns_do_not_make_another_item() -> None:
    plain = item(PAIR)
    assert content_hash(plain) == content_hash(item({**PAIR, "tags": "x", "note": "y"}))
    assert content_hash(plain) == content_hash(replace(plain, row=99))


def test_an_item_without_id_is_named_after_its_content_at_every_import() -> None:
    record: dict[str, object] = {"input": "q", "response": "a"}
    draft = item(record)
    assert draft.external_id.startswith("item-")
    again = item({**record, "id": draft.external_id})
    assert content_hash(again) == content_hash(draft)


def test_unmapped_columns_are_kept_apart() -> None:
    draft = item({**SINGLE, "annotator1": 2, "note": {"a": [1]}, "blank": ""})
    assert draft.extra == {"annotator1": 2, "note": {"a": [1]}}


def test_what_describes_an_item_is_read() -> None:
    draft = item(
        {
            **PAIR,
            "difficulty": "Hard",
            "case": "edge case",
            "source": "production log",
            "tags": "a, b,a",
            "latency_ms_a": "120.5",
            "cost_b": 0.0012,
        }
    )
    assert (draft.difficulty, draft.case, draft.source) == ("hard", "edge_case", "production_log")
    assert draft.tags == ("a", "b")
    assert draft.responses[0].latency_ms == 120.5
    assert draft.responses[1].cost == Decimal("0.001200")


def test_a_column_that_only_happens_to_have_a_fields_name_is_kept_aside() -> None:
    draft = item({**SINGLE, "source": "https://example.org", "cost": "12 USD"})
    assert draft.source == ""
    assert draft.extra == {"source": "https://example.org", "cost": "12 USD"}
    assert len(draft.notices) == 2


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("source", "web", "Line 2: the source is none of production_log, manual"),
        ("difficulty", 3, "Line 2: the difficulty is none of easy, medium, hard."),
        ("latency_ms", "fast", "Line 2: the latency_ms is not a number of milliseconds from 0."),
        ("cost", "-1", "Line 2: the cost is not an amount of money from 0 to below 1,000,000."),
        ("cost", 999999.9999999, "Line 2: the cost is not an amount of money from 0 to below"),
        ("tags", "x" * 61, "Line 2: the tags has a tag of more than 60 characters."),
        ("tags", "[" * 100_000, "Line 2: the tags cannot be read: it is nested too deeply."),
        (
            "tags",
            r'["\ud800"]',
            "Line 2: the tags cannot be read: a text holds half of a surrogate",
        ),
        ("tags", 5, "Line 2: the tags cannot be read: a list of texts, or one with commas, is"),
    ],
)
def test_a_bad_value_in_a_column_that_somebody_mapped_is_said(
    field: str, value: object, sentence: str
) -> None:
    assert complaint({**SINGLE, "x": value}, maps=f"{field}=x").startswith(sentence)


def test_too_few_parts_break_their_row_only() -> None:
    first, second = rows(
        {**PAIR, "pair": "v1_v2"}, {**PAIR, "pair": "v1"}, maps="system_b=pair~_~1"
    )
    assert isinstance(first, ItemDraft)
    assert str(second).startswith("Line 3: “pair” has 1 part when it is split at “_”")


def test_broken_rows_of_the_file_stay_in_their_place() -> None:
    broken = BrokenRow(3, "it is not a whole JSON object.", "line")
    read = list(item_rows([Record(2, SINGLE, "line"), broken], columns={}))
    assert read[1] is broken


def test_an_unknown_column_is_refused_with_the_columns_there_are() -> None:
    with pytest.raises(Invalid, match=r"no column “qestion” \(for input\). It has: question"):
        rows({"question": "q", "response": "a"}, maps="input=qestion")


def test_a_table_without_any_response_column_is_refused_as_a_whole() -> None:
    with pytest.raises(Invalid, match="no column “response” or “response_a” or “messages”"):
        rows({"input": "q", "completion": "a"})


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(Invalid, match="no field “question” to map to"):
        rows(SINGLE, maps="question=input")


def test_clear_column_names_are_guessed() -> None:
    assert guess_map(["ID", "Question", "answer", "Model Name", "Expected Answer", "who"]) == {
        "id": "ID",
        "input": "Question",
        "response": "answer",
        "system": "Model Name",
        "reference": "Expected Answer",
    }


def test_an_instruction_with_its_material_is_guessed() -> None:
    columns = ["idx", "cmp_key", "instruction", "input", "response1", "response2", "annotator1"]
    assert guess_map(columns) == {
        "id": "idx",
        "input": "instruction",
        "context": "input",
        "response_a": "response1",
        "response_b": "response2",
    }


def test_our_own_names_are_guessed_as_themselves() -> None:
    names = ["id", "input", "context", "response", "system", "prompt", "cluster", "tags"]
    assert guess_map(names) == {name: name for name in names}


def test_names_that_say_nothing_are_not_guessed() -> None:
    assert guess_map(["col1", "col2", ""]) == {}


@pytest.mark.reference_data
def test_all_items_of_pandalm_are_read_and_all_differ(shared_data: Path) -> None:
    with (shared_data / "pandalm" / "testset-v1.json").open("rb") as source:
        read = list(
            item_rows(
                read_records(source, name="testset-v1.json"),
                columns=mapping.parse_map(PANDALM.split()),
            )
        )
    drafts = [row for row in read if isinstance(row, ItemDraft)]
    assert len(drafts) == len(read) == 999
    assert len({content_hash(draft) for draft in drafts}) == 999
    texts = {
        (draft.input, draft.context, *(response.text for response in draft.responses))
        for draft in drafts
    }
    assert len(texts) == 900
    as_text = [
        draft.external_id
        for draft in drafts
        if any("taken as “true”" in notice for notice in draft.notices)
    ]
    assert as_text == ["157", "158", "159", "161", "162", "164"]
    assert drafts[0].responses[0].system == "bloom-7b"
    assert drafts[0].extra["motivation_app"] == "Grammarly"
    assert "cmp_key" not in drafts[0].extra


@pytest.mark.reference_data
def test_items_of_pandalm_written_as_csv_with_their_kind_are_the_same_items(
    shared_data: Path,
) -> None:
    with (shared_data / "pandalm" / "testset-v1.json").open("rb") as source:
        records = read_records(source, name="testset-v1.json")
        drafts = [
            row
            for row in item_rows(records, columns=mapping.parse_map(PANDALM.split()))
            if isinstance(row, ItemDraft)
        ]
    names = ("id", "kind", "input", "context", "response_a", "response_b", "system_a", "system_b")
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(names)
    for draft in drafts:
        first, second = draft.responses
        about = (draft.external_id, draft.kind, draft.input, draft.context)
        writer.writerow([*about, first.text, second.text, first.system, second.system])
    again = list(
        item_rows(read_records(io.BytesIO(text.getvalue().encode()), name="i.csv"), columns={})
    )
    assert [content_hash(row) for row in again if isinstance(row, ItemDraft)] == [
        content_hash(draft) for draft in drafts
    ]
