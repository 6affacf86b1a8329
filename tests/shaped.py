"""Small files of foreign shapes, written by hand: nobody's data."""

from __future__ import annotations

import json
from typing import Any


def turns(*texts: str) -> list[dict[str, str]]:
    roles = ("user", "assistant")
    return [{"role": roles[at % 2], "content": text} for at, text in enumerate(texts)]


def pair_row(**changes: object) -> dict[str, Any]:
    """Two models on one question; the first turn was judged, by a person."""
    return {
        "question_id": 81,
        "model_a": "alpha-7b",
        "model_b": "beta-13b",
        "winner": "model_a",
        "judge": "expert_17",
        "conversation_a": turns("Name a river.", "The Rhine.", "And a lake.", "Lake Constance."),
        "conversation_b": turns("Name a river.", "Danube.", "And a lake.", "Balaton."),
        "turn": 1,
        **changes,
    }


def swapped(row: dict[str, Any]) -> dict[str, Any]:
    """The same two conversations, the other one first."""
    return row | {
        f"{name}_{side}": row[f"{name}_{other}"]
        for name in ("model", "conversation")
        for side, other in (("a", "b"), ("b", "a"))
    }


PAIRS = [
    pair_row(),
    swapped(pair_row(judge="author_2", winner="model_a")),
    pair_row(turn=2, winner="tie (inconsistent)"),
    pair_row(judge=["gpt-4", "pair-v2"], winner="model_b"),
]

ONE_TURN = (
    "[Question]\nName a river.\n\n[The Start of Assistant's Answer]\nThe Rhine.\n"
    "[The End of Assistant's Answer]"
)
TWO_TURNS = (
    "<|The Start of Assistant A's Conversation with User|>\n\n### User:\nName a river.\n\n"
    "### Assistant A:\nThe Rhine.\n\n### User:\nAnd a lake.\n\n### Assistant A:\n"
    "Lake Constance.\n\n<|The End of Assistant A's Conversation with User|>"
)


def single_row(**changes: object) -> dict[str, Any]:
    return {
        "question_id": 81,
        "model": "alpha-7b",
        "judge": ["gpt-4", "single-v1"],
        "user_prompt": ONE_TURN,
        "judgment": "A river it is. Rating: [[9]]",
        "score": 9,
        "turn": 1,
        **changes,
    }


SINGLES = [
    single_row(),
    single_row(turn=2, user_prompt=TWO_TURNS, score=7.0),
    single_row(model="beta-13b", score=-1),
]


def result(name: str, kind: str, **value: object) -> dict[str, Any]:
    return {"from_name": name, "to_name": "answer", "type": kind, "value": value}


def task(number: int, *annotations: dict[str, Any], **data: object) -> dict[str, Any]:
    texts = {"question": f"Question {number}?", "answer": f"Answer {number}."}
    return {"id": number, "data": texts | data, "annotations": list(annotations), "predictions": []}


def annotation(who: object, *results: dict[str, Any], **more: object) -> dict[str, Any]:
    return {
        "id": 5,
        "completed_by": who,
        "result": list(results),
        "was_cancelled": False,
        "lead_time": 12.5,
        "created_at": "2026-03-01T10:00:00.000000Z",
        **more,
    }


TASKS = [
    task(
        1,
        annotation(
            3,
            result("tone", "choices", choices=["friendly"]),
            result("stars", "rating", rating=4),
            result("why", "textarea", text=["It greets."]),
        ),
        annotation({"email": "mia@house.example"}, result("stars", "rating", rating=5)),
        annotation(4, result("stars", "rating", rating=1), was_cancelled=True),
    ),
    task(
        2,
        annotation(
            3, result("stars", "rating", rating=2), result("tone", "choices", choices=["curt"])
        ),
    ),
]


def min_row(number: int, annotator: int, **said: object) -> dict[str, Any]:
    """The data, the id, what was said, and by whom: in the order in which it is exported."""
    return {
        "question": f"Question {number}?",
        "answer": f"Answer {number}.",
        "id": number,
        **said,
        "annotator": annotator,
        "annotation_id": 10 * number + annotator,
        "created_at": "2026-03-01T10:00:00.000000Z",
        "updated_at": "2026-03-01T10:00:10.000000Z",
        "lead_time": 10.0,
    }


MIN = [
    min_row(1, 3, stars=4, tone="friendly"),
    min_row(1, 4, stars=5, tone={"choices": ["curt"]}),
    min_row(2, 3, stars=[{"rating": 2}]),
]


def as_json(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps(rows).encode()


def as_jsonl(rows: list[dict[str, Any]]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()
