"""Small files in the shapes that others write, with texts of our own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

Row = dict[str, Any]

SINGLE_PROMPT = (
    "[Instruction]\nRate the answer.\n\n[Question]\nName a tree.\n\n"
    "[The Start of Assistant's Answer]\nAn oak.\n\nOr a beech.\n[The End of Assistant's Answer]"
)
MATH_PROMPT = (
    "[Instruction]\nRate the answer.\n\n[Question]\nWhat is 6 x 7?\n\n"
    "[The Start of Reference Answer]\n42\n[The End of Reference Answer]\n\n"
    "[The Start of Assistant's Answer]\n41\n[The End of Assistant's Answer]"
)
TWO_TURNS_PROMPT = (
    "<|The Start of Reference Answer|>\n\n### User:\nWhat is 6 x 7?\n\n"
    "### Reference answer:\n42\n\n### User:\nAnd half of it?\n\n### Reference answer:\n21\n\n"
    "<|The End of Reference Answer|>\n\n\n"
    "<|The Start of Assistant A's Conversation with User|>\n\n### User:\nWhat is 6 x 7?\n\n"
    "### Assistant A:\n42.\n\n### User:\nAnd half of it?\n\n### Assistant A:\n21.\n\n"
    "<|The End of Assistant A's Conversation with User|>"
)


def conversation(system: str, question: str = "Name a tree.") -> list[Row]:
    return [
        {"role": "user", "content": question},
        {"role": "assistant", "content": f"{system}: an oak."},
        {"role": "user", "content": "And a flower?"},
        {"role": "assistant", "content": f"{system}: a rose."},
    ]


def pair(
    models: str = "ash/birch", winner: str = "model_a", judge: object = "expert_1", turn: int = 1
) -> Row:
    first, second = models.split("/")
    return {
        "question_id": 81,
        "model_a": first,
        "model_b": second,
        "winner": winner,
        "judge": judge,
        "conversation_a": conversation(first),
        "conversation_b": conversation(second),
        "turn": turn,
    }


def score(
    prompt: str = SINGLE_PROMPT, number: float = 9.0, question: int = 81, turn: int = 1
) -> Row:
    return {
        "question_id": question,
        "model": "ash",
        "judge": ["gpt-4", "single-v1"],
        "user_prompt": prompt,
        "judgment": f"Rating: [[{number:g}]]",
        "score": number,
        "turn": turn,
        "tstamp": 1687000000.5,
    }


def result(name: str, kind: str, **value: object) -> Row:
    return {"from_name": name, "to_name": "text", "type": kind, "value": value}


def task(number: int = 7, annotations: Iterable[Row] | None = None) -> Row:
    said = [
        annotation(
            result("quality", "rating", rating=4), result("tone", "choices", choices=["warm"])
        )
    ]
    return {
        "id": number,
        "data": {"prompt": f"Question {number}?", "answer": "So.", "id": "inner"},
        "annotations": said if annotations is None else list(annotations),
        "predictions": [],
    }


def annotation(*results: Row, by: object = 3, cancelled: bool = False) -> Row:
    return {
        "id": 1001,
        "completed_by": by,
        "result": list(results),
        "was_cancelled": cancelled,
        "lead_time": 12.5,
        "created_at": "2026-03-02T10:00:00.000000Z",
    }


def short(**labels: object) -> Row:
    return {
        "prompt": "Question 7?",
        "answer": "So.",
        "id": 7,
        **labels,
        "annotator": 3,
        "annotation_id": 1001,
        "created_at": "2026-03-02T10:00:00.000000Z",
        "updated_at": "2026-03-02T10:00:00.000000Z",
        "lead_time": 12.5,
    }


def lines(*rows: Mapping[str, object]) -> str:
    return "\n".join(json.dumps(row) for row in rows)
