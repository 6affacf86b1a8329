from __future__ import annotations

import dataclasses
import json

import pytest

from judges.rules.spec import DimensionSpec
from judges.rules.verdicts import Outcome, parse
from tests.unit.judges.builders import ACCURACY, make_version

SINGLE = make_version("single")
PAIR = make_version("pair")


def score(label: object, **more: object) -> str:
    return json.dumps({"accuracy": {"reasoning": "It is right.", "label": label, **more}})


def test_an_answer_in_the_form_is_taken() -> None:
    parsed = parse(score(4), "end_turn", SINGLE)
    assert parsed.outcome is Outcome.OK
    assert parsed.labels == {"accuracy": "4"}
    assert parsed.rationale == "It is right."
    assert parsed.problem == ""


def test_white_space_around_the_object_is_nothing() -> None:
    assert parse(f"\n {score(4)} \n", "end_turn", SINGLE).outcome is Outcome.OK


def test_the_order_of_the_fields_does_not_matter() -> None:
    text = '{"accuracy": {"label": 2, "reasoning": "x"}}'
    assert parse(text, "end_turn", SINGLE).labels == {"accuracy": "2"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("I would say 4.", "prose"),
        (f"```json\n{score(4)}\n```", "code block"),
        (f"My verdict: {score(4)}", "text around"),
        (f"{score(4)} I hope this helps.", "text around"),
        (score(4) + score(5), "starts as JSON"),
        (score(4)[:-5], "starts as JSON"),
        ("[4]", "not an object"),
        ("4", "not an object"),
        ("null", "not an object"),
        ("{}", "leaves out: accuracy"),
        ('{"accuracy": 4}', "must be an object"),
        ('{"accuracy": {"label": 4}}', "leaves out: reasoning"),
        ('{"accuracy": {"reasoning": "x"}}', "leaves out: label"),
        ('{"accuracy": {"reasoning": 1, "label": 4}}', "not a text"),
        (score(4, confidence=0.9), "nobody asked for: confidence"),
        (score(6), "must be one of: 1, 2, 3, 4, 5"),
        (score(0), "must be one of"),
        (score("4"), "must be one of"),
        (score(4.0), "must be one of"),
        (score(True), "must be one of"),
        (score(None), "must be one of"),
        (score([4]), "must be one of"),
        (score("not_applicable"), "must be one of"),
        ('{"accuracy": {"reasoning": "x", "label": 4, "label": 5}}', "twice"),
        ('{"accuracy": {"reasoning": "x", "label": NaN}}', "NaN"),
        ('{"accuracy": {"reasoning": "x", "label": ' + "9" * 5000 + "}}", "far outside"),
        ("[" * 100_000, "starts as JSON"),
    ],
)
def test_what_is_not_the_asked_for_object_gives_no_label(text: str, problem: str) -> None:
    parsed = parse(text, "end_turn", SINGLE)
    assert parsed.outcome is Outcome.INVALID
    assert parsed.labels == {}
    assert problem in parsed.problem


def test_a_field_that_nobody_asked_for_is_named() -> None:
    text = json.dumps({"accuracy": {"reasoning": "x", "label": 4}, "verdict": "pass"})
    assert "verdict" in parse(text, "end_turn", SINGLE).problem


@pytest.mark.parametrize(
    ("stop_reason", "outcome"),
    [
        ("refusal", Outcome.REFUSED),
        ("max_tokens", Outcome.TRUNCATED),
        ("model_context_window_exceeded", Outcome.CONTEXT),
    ],
)
def test_a_stop_that_is_no_end_beats_even_a_readable_answer(
    stop_reason: str, outcome: Outcome
) -> None:
    parsed = parse(score(4), stop_reason, SINGLE)
    assert (parsed.outcome, dict(parsed.labels)) == (outcome, {})
    assert parsed.problem


def test_not_applicable_is_taken_where_it_is_allowed() -> None:
    version = make_version("single", dimensions=(dataclasses.replace(ACCURACY, allow_na=True),))
    assert parse(score("not_applicable"), "end_turn", version).labels == {
        "accuracy": "not_applicable"
    }


def test_every_dimension_has_its_label_and_rationale() -> None:
    other = dataclasses.replace(ACCURACY, key="clarity")
    version = make_version("single", dimensions=(ACCURACY, other))
    text = json.dumps(
        {
            "accuracy": {"reasoning": "a", "label": 1},
            "clarity": {"reasoning": "b", "label": 5},
        }
    )
    parsed = parse(text, "end_turn", version)
    assert parsed.labels == {"accuracy": "1", "clarity": "5"}
    assert parsed.rationale == "accuracy: a\nclarity: b"


def test_one_wrong_dimension_leaves_no_label_at_all() -> None:
    other = dataclasses.replace(ACCURACY, key="clarity")
    version = make_version("single", dimensions=(ACCURACY, other))
    text = json.dumps(
        {
            "accuracy": {"reasoning": "a", "label": 1},
            "clarity": {"reasoning": "b", "label": 9},
        }
    )
    assert parse(text, "end_turn", version).labels == {}


def test_pairwise_labels_are_read_as_shown() -> None:
    text = '{"preference": {"reasoning": "x", "label": "B"}}'
    assert parse(text, "end_turn", PAIR).labels == {"preference": "B"}


def test_a_scale_of_words_takes_its_words() -> None:
    dimension = DimensionSpec("tone", "?", "scale", (("poor", ""), ("fair", ""), ("good", "")))
    version = make_version("single", dimensions=(dimension,))
    text = '{"tone": {"reasoning": "x", "label": "fair"}}'
    assert parse(text, "end_turn", version).labels == {"tone": "fair"}
