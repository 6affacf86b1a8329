"""Foreign shapes: known by their rows, and turned into rows that the imports read already."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import pytest

from annotation.rules import shapes
from annotation.rules.itemrows import ItemDraft, item_rows
from annotation.rules.shapes import Aim
from core import mapping
from core.errors import Invalid
from core.tabular import BrokenRow, Record, read_records
from tests import foreignfiles as files

Rows = list[Mapping[str, object]]


def read(
    text: str,
    aim: Aim,
    *,
    name: str = "a.jsonl",
    wanted: str = "auto",
    columns: tuple[str, ...] = (),
) -> tuple[str, list[Record | BrokenRow]]:
    reading = shapes.read_as(
        read_records(io.BytesIO(text.encode()), name=name),
        aim,
        wanted=wanted,
        columns=mapping.parse_map(columns),
    )
    return reading.shape.key if reading.shape else "", list(reading.rows)


def values(aim: Aim, *rows: Mapping[str, Any]) -> Rows:
    found = read(files.lines(*rows), aim)[1]
    assert all(isinstance(row, Record) for row in found), found
    return [row.values for row in found if isinstance(row, Record)]


def problem(aim: Aim, *rows: Mapping[str, Any]) -> str:
    broken = [row for row in read(files.lines(*rows), aim)[1] if isinstance(row, BrokenRow)]
    return str(broken[0])


def items(*rows: Mapping[str, Any]) -> list[ItemDraft]:
    found = list(item_rows(iter(read(files.lines(*rows), "items")[1]), columns={}))
    assert all(isinstance(one, ItemDraft) for one in found), found
    return [one for one in found if isinstance(one, ItemDraft)]


@pytest.mark.parametrize(
    ("row", "aim", "key"),
    [
        (files.pair(), "items", "mt_bench_pairs"),
        (files.pair(), "labels", "mt_bench_pairs"),
        (files.score(), "verdicts", "mt_bench_scores"),
        (files.task(), "items", "label_studio"),
        (files.short(tone="warm"), "labels", "label_studio_min"),
        ({"id": "1", "input": "Why?", "response": "So."}, "items", ""),
        ({"item": "1", "rater": "ana", "label": "4"}, "labels", ""),
        ({"item": "1", "ana": "4", "ben": "5"}, "labels", ""),
        ({"data": "a text", "annotations": "none"}, "items", ""),
    ],
)
def test_a_file_is_known_by_its_rows(row: Mapping[str, Any], aim: Aim, key: str) -> None:
    assert read(files.lines(row), aim, name="anything")[0] == key


def test_the_first_turn_is_a_question_with_two_answers() -> None:
    item = items(files.pair(turn=1))[0]
    assert item.external_id == "81/ash/birch/1"
    assert (item.kind, item.input, item.messages) == ("pair", "Name a tree.", ())
    assert [one.text for one in item.responses] == ["ash: an oak.", "birch: an oak."]
    assert [one.system for one in item.responses] == ["ash", "birch"]
    assert (item.prompt_key, item.cluster_key, item.extra) == ("81/1", "81", {"turn": 1})


def test_the_second_turn_shows_how_each_conversation_went_on() -> None:
    item = items(files.pair(turn=2))[0]
    assert (item.prompt_key, item.cluster_key) == ("81/2", "81")
    assert item.input == "Name a tree."
    text = item.responses[1].text
    assert text.index("birch: an oak.") < text.index("And a flower?") < text.index("birch: a rose.")


def test_what_both_conversations_share_is_asked_once() -> None:
    row = files.pair(turn=2)
    row["conversation_b"][1] = row["conversation_a"][1]
    item = items(row)[0]
    assert [one.role for one in item.messages] == ["user", "assistant", "user"]
    assert [one.text for one in item.responses] == ["ash: a rose.", "birch: a rose."]


def test_a_pair_is_one_item_whichever_model_stood_first() -> None:
    one, other = items(files.pair("ash/birch"), files.pair("birch/ash"))
    assert one.external_id == other.external_id
    assert one.responses == other.responses
    labels = values("labels", files.pair("ash/birch"), files.pair("birch/ash"))
    assert [row["label"] for row in labels] == ["A", "B"]


@pytest.mark.parametrize(
    ("winner", "label"),
    [("model_a", "A"), ("model_b", "B"), ("tie", "tie"), ("tie (inconsistent)", "tie")],
)
def test_a_winner_becomes_a_label(winner: str, label: str) -> None:
    row = values("labels", files.pair(winner=winner, judge="author_2"))[0]
    assert row == {
        "item": "81/ash/birch/1",
        "rater": "author_2",
        "label": label,
        "cluster": "81",
    }


def test_an_unknown_winner_is_a_broken_row() -> None:
    assert problem("labels", files.pair(), files.pair(winner="both")).startswith(
        "Line 2: the winner “both” is unknown. Winners: model_a"
    )


def test_people_and_models_are_told_apart() -> None:
    rows = [files.pair(judge="expert_17"), files.pair(judge=["gpt-4", "pair-v2"])]
    assert [row["rater"] for row in values("labels", *rows)] == ["expert_17"]
    assert values("verdicts", *rows) == [
        {"item": "81/ash/birch/1", "label": "A", "outcome": "ok", "judge": "gpt-4"}
    ]


def test_a_file_of_models_alone_says_where_it_belongs() -> None:
    with pytest.raises(Invalid, match="as a judge's verdicts"):
        read(files.lines(files.pair(judge=["gpt-4", "pair-v2"])), "labels")
    with pytest.raises(Invalid, match="as people's labels"):
        read(files.lines(files.pair()), "verdicts")


def test_verdicts_of_two_judges_are_not_one_judge() -> None:
    rows = [files.pair(judge=[name, "pair-v2"]) for name in ("gpt-4", "claude-v1")]
    assert "it was judged by claude-v1, the rows above by gpt-4" in problem("verdicts", *rows)


def test_prompts_of_one_model_are_one_judge() -> None:
    rows = [files.pair(judge=["gpt-4", name]) for name in ("pair-v2", "pair-math-v1")]
    assert len(values("verdicts", *rows)) == 2


def test_a_verdict_that_failed_has_an_outcome() -> None:
    row = values("verdicts", files.pair(winner="error", judge="gpt4_pair"))[0]
    assert (row["label"], row["outcome"]) == (None, "invalid")
    assert values("verdicts", files.score(number=-1))[0]["outcome"] == "invalid"


def test_conversations_may_stand_in_the_cells_of_a_table() -> None:
    row = files.pair()
    cells = {
        name: json.dumps(value).replace('"', '""') if isinstance(value, list) else value
        for name, value in row.items()
    }
    text = ",".join(cells) + "\n" + ",".join(f'"{value}"' for value in cells.values()) + "\n"
    key, rows = read(text, "items", name="a.csv")
    assert key == "mt_bench_pairs"
    assert isinstance(rows[0], Record)
    assert rows[0].values["response_a"] == "ash: an oak."


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"turn": 3}, "turn 3 was judged, and the conversation has 2."),
        ({"turn": "x"}, "the turn “x” is not a whole number from 1."),
        ({"conversation_a": "text"}, "the conversation_a cannot be read"),
        ({"conversation_b": [{"role": "user"}]}, "message 1 of conversation_b needs a role"),
        ({"model_a": ""}, "the model_a is empty."),
        ({"question_id": [1]}, "the question_id cannot be read: it is a list"),
    ],
)
def test_what_cannot_be_read_is_named(change: dict[str, Any], sentence: str) -> None:
    assert sentence in problem("items", files.pair() | change)


def test_a_row_without_a_column_of_the_shape_is_named() -> None:
    row = files.pair()
    del row["judge"]
    assert "it has no judge, as the rows above do." in problem("labels", files.pair(), row)


def test_a_scored_response_is_taken_from_the_prompt_of_its_judge() -> None:
    item = items(files.score())[0]
    assert item.external_id == "81/ash/1"
    assert (item.kind, item.input) == ("single", "Name a tree.")
    assert [one.text for one in item.responses] == ["An oak.\n\nOr a beech."]
    assert items(files.score(files.MATH_PROMPT))[0].reference == "42"


def test_a_scored_second_turn_is_a_conversation_with_its_last_answer() -> None:
    item = items(files.score(files.TWO_TURNS_PROMPT, turn=2))[0]
    assert [(one.role, one.text) for one in item.messages] == [
        ("user", "What is 6 x 7?"), ("assistant", "42."), ("user", "And half of it?"),
    ]  # fmt: skip
    assert (item.responses[0].text, item.reference) == ("21.", "21")


def test_another_prompt_says_what_to_do() -> None:
    assert "Import the items from a table of their own" in problem("items", files.score("Rate."))


def test_a_score_is_a_verdict() -> None:
    assert values("verdicts", files.score(number=9.0))[0] == {
        "item": "81/ash/1", "label": "9", "outcome": "ok", "judge": "gpt-4",
    }  # fmt: skip


def test_a_task_is_an_item_with_its_data_as_columns() -> None:
    assert values("items", files.task()) == [
        {"id": "7", "prompt": "Question 7?", "answer": "So.", "data_id": "inner"}
    ]


def test_the_results_of_a_task_are_labels() -> None:
    said = {"item": "7", "rater": "3", "at": "2026-03-02T10:00:00.000000Z"}
    assert values("labels", files.task()) == [
        {**said, "dimension": "quality", "label": "4"},
        {**said, "dimension": "tone", "label": "warm"},
    ]


@pytest.mark.parametrize(("side", "label"), [("left", "A"), ("right", "B"), ("none", "tie")])
def test_a_preference_names_its_side(side: str, label: str) -> None:
    said = files.annotation(files.result("better", "pairwise", selected=side))
    assert values("labels", files.task(annotations=[said]))[0]["label"] == label


def test_texts_and_cancelled_annotations_are_no_labels() -> None:
    rating = files.result("quality", "rating", rating=2)
    why = files.result("why", "textarea", text=["Because."])
    kept = files.annotation(rating, why, by={"id": 5, "email": "ana@example.org"})
    dropped = files.annotation(rating, by=6, cancelled=True)
    found = values("labels", files.task(annotations=[kept, dropped]))
    assert [(row["rater"], row["dimension"]) for row in found] == [("ana@example.org", "quality")]


def test_several_choices_at_once_are_a_broken_row() -> None:
    both = files.annotation(files.result("tone", "choices", choices=["warm", "dry"]))
    assert "tone has 2 choices at once" in problem("labels", files.task(annotations=[both]))


def test_nobody_and_nothing_are_said() -> None:
    unnamed = files.annotation(files.result("tone", "choices", choices=["warm"]), by=None)
    assert "does not say who made it" in problem("labels", files.task(annotations=[unnamed]))
    with pytest.raises(Invalid, match="No task has a choice"):
        read(files.lines(files.task(annotations=[])), "labels")


def test_the_short_form_has_its_data_before_the_id_and_its_labels_after_it() -> None:
    row = files.short(
        tone="warm", quality=[{"rating": 4}], better=[{"selected": "right"}], why="x" * 41
    )
    assert values("items", row) == [{"id": "7", "prompt": "Question 7?", "answer": "So."}]
    found = {one["dimension"]: one["label"] for one in values("labels", row)}
    assert found == {"tone": "warm", "quality": "4", "better": "B"}
    assert "has 2 results at once" in problem("labels", files.short(tone=["a", "b"]))
    several = files.short(tone={"choices": ["warm", "dry"]})
    assert "tone has 2 choices at once" in problem("labels", several)


def test_one_row_gives_all_its_labels_its_own_number() -> None:
    rows = read(files.lines(files.task(1), files.task(2)), "labels")[1]
    assert [row.row for row in rows] == [1, 1, 2, 2]


def test_a_mapping_of_the_files_own_columns_takes_it_as_it_stands() -> None:
    columns = ("item=question_id", "rater=judge", "label=winner")
    key, rows = read(files.lines(files.pair()), "labels", columns=columns)
    assert key == ""
    assert isinstance(rows[0], Record)
    assert rows[0].values["winner"] == "model_a"


def test_a_mapping_of_recognised_columns_keeps_the_shape() -> None:
    text = files.lines(files.pair())
    assert read(text, "labels", columns=("round=rater",))[0] == "mt_bench_pairs"


def test_a_shape_can_be_named_or_refused() -> None:
    text = files.lines(files.pair())
    assert read(text, "items", wanted="plain")[0] == ""
    assert read(text, "items", wanted="mt_bench_pairs")[0] == "mt_bench_pairs"
    with pytest.raises(Invalid, match="are not of the shape “label_studio”"):
        read(text, "items", wanted="label_studio")
    with pytest.raises(Invalid, match="There is no shape “x”"):
        read(text, "items", wanted="x")
