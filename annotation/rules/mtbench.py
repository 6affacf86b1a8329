"""Judgments as MT-Bench writes them, as rows of items, of people's labels and of verdicts.

A pair is one item whichever model stood first: the model that comes first by name is A.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core import mapping
from core.errors import Invalid
from core.reading.rows import unstorable

Values = Mapping[str, object]
Row = dict[str, object]

_PAIR = frozenset({"question_id", "model_a", "model_b", "winner", "judge", "turn"})
_SINGLE = frozenset({"question_id", "model", "judge", "user_prompt", "score", "turn"})
_LABELS = {"model_a": "A", "model_b": "B", "tie": "tie", "tie (inconsistent)": "tie"}
_SWAPPED = {"A": "B", "B": "A", "tie": "tie"}
_NO_VERDICT = "error"
_MODELS = re.compile(r"\[|(gpt|claude|gemini|llama|mistral|mixtral|qwen|prometheus)", re.IGNORECASE)

_ONE_TURN = re.compile(
    r"\[Question\]\n(?P<question>.*?)\n\n"
    r"(?:\[The Start of Reference Answer\]\n(?P<reference>.*?)\n"
    r"\[The End of Reference Answer\]\n\n)?"
    r"\[The Start of Assistant's Answer\]\n(?P<answer>.*)\n\[The End of Assistant's Answer\]",
    re.DOTALL,
)
_CONVERSATION = re.compile(
    r"<\|The Start of Assistant A's Conversation with User\|>\n(?P<turns>.*)"
    r"<\|The End of Assistant A's Conversation with User\|>",
    re.DOTALL,
)
_REFERENCE = re.compile(
    r"<\|The Start of Reference Answer\|>\n(?P<turns>.*?)<\|The End of Reference Answer\|>",
    re.DOTALL,
)
_HEADING = re.compile(r"^### (User|Assistant A|Reference answer):\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Turn:
    role: str
    text: str


def is_pair(values: Values) -> bool:
    """Whether a row is the judgment of a pair."""
    return values.keys() >= _PAIR


def is_single(values: Values) -> bool:
    """Whether a row is the score of one response."""
    return values.keys() >= _SINGLE


# --- pairs ------------------------------------------------------------------------------------


def pair_item(values: Values) -> list[Row]:
    """What the judgment is about: what both conversations begin with, and how each goes on."""
    turn = _turn(values)
    sides = [_cut(_turns(values, f"conversation_{side}"), turn) for side in _sides(values)]
    shared = _shared(*sides)
    systems = [_text(values, f"model_{side}") for side in _sides(values)]
    responses = [_continued(side[shared:]) for side in sides]
    return [
        {
            "id": _pair_id(values),
            **_asked(sides[0][:shared]),
            "response_a": responses[0],
            "response_b": responses[1],
            "system_a": systems[0],
            "system_b": systems[1],
            **_kin(values, turn),
        }
    ]


def pair_label(values: Values) -> list[Row]:
    """A person's label; a language model's judgment is none."""
    if _is_model(values):
        return []
    return [_label(values, _pair_id(values), _winner(values))]


def pair_verdict(values: Values) -> list[Row]:
    """A language model's verdict; a person's label is none."""
    if not _is_model(values):
        return []
    is_lost = mapping.as_key(values["winner"]).lower() == _NO_VERDICT
    return [_verdict(values, _pair_id(values), None if is_lost else _winner(values))]


def _sides(values: Values) -> tuple[str, str]:
    return ("b", "a") if _is_swapped(values) else ("a", "b")


def _is_swapped(values: Values) -> bool:
    return _text(values, "model_a") > _text(values, "model_b")


def _pair_id(values: Values) -> str:
    models = sorted((_text(values, "model_a"), _text(values, "model_b")))
    return "/".join((_text(values, "question_id"), *models, str(_turn(values))))


def _winner(values: Values) -> str:
    said = mapping.as_key(values["winner"])
    label = _LABELS.get(said.lower())
    if label is None:
        raise Invalid(
            "winner", f"the winner “{said[:40]}” is unknown. Winners: {', '.join(_LABELS)}."
        )
    return _SWAPPED[label] if _is_swapped(values) else label


def _shared(one: Sequence[_Turn], other: Sequence[_Turn]) -> int:
    """How many turns both begin with; something of each is left to be judged."""
    most = min(len(one), len(other)) - 1
    same = (place for place in range(most) if one[place] != other[place])
    return next(same, max(most, 0))


def _continued(turns: Sequence[_Turn]) -> str:
    """One answer as it is; several turns as a written conversation."""
    if len(turns) == 1:
        return turns[0].text
    return "\n\n".join(f"**{turn.role.capitalize()}:**\n\n{turn.text}" for turn in turns)


# --- single responses -------------------------------------------------------------------------


def single_item(values: Values) -> list[Row]:
    """The question and the answer as they stand in the prompt that the judge was given."""
    turn = _turn(values)
    prompt = values["user_prompt"]
    turns, reference = _of_prompt(prompt if isinstance(prompt, str) else "")
    return [
        {
            "id": _single_id(values),
            **_asked(turns[:-1]),
            "response": turns[-1].text,
            "system": _text(values, "model"),
            "reference": reference,
            **_kin(values, turn),
        }
    ]


def single_label(values: Values) -> list[Row]:
    """A person's score; a language model's judgment is none."""
    if _is_model(values):
        return []
    return [_label(values, _single_id(values), _text(values, "score"))]


def single_verdict(values: Values) -> list[Row]:
    """A language model's score; below zero it gave none that could be read."""
    if not _is_model(values):
        return []
    score = _text(values, "score")
    return [_verdict(values, _single_id(values), None if score.startswith("-") else score)]


def _single_id(values: Values) -> str:
    return "/".join((_text(values, "question_id"), _text(values, "model"), str(_turn(values))))


def _of_prompt(prompt: str) -> tuple[list[_Turn], str | None]:
    """The turns up to the judged answer, and the reference answer where there is one."""
    found = _ONE_TURN.search(prompt)
    if found is not None:
        turns = [_Turn("user", found["question"]), _Turn("assistant", found["answer"])]
        return turns, found["reference"]
    conversation, reference = _CONVERSATION.search(prompt), _REFERENCE.search(prompt)
    turns = _under_headings(conversation["turns"]) if conversation else []
    if len(turns) < 2 or turns[-1].role != "assistant":
        raise Invalid(
            "user_prompt",
            "the user_prompt does not show where question and answer begin, as MT-Bench does. "
            "Import the items from a table of their own, with the same ids.",
        )
    told = _under_headings(reference["turns"]) if reference else []
    return turns, told[-1].text if told else None


def _under_headings(text: str) -> list[_Turn]:
    parts = _HEADING.split(text)[1:]
    return [
        _Turn("user" if head == "User" else "assistant", body.strip())
        for head, body in zip(parts[::2], parts[1::2], strict=True)
    ]


# --- what both have ---------------------------------------------------------------------------


def model_of(judge: object) -> str:
    """The name of a judge that is written as [model, prompt], else what stands there."""
    said = _unpacked(judge)
    if isinstance(said, list):
        return mapping.as_key(said[0]) if said else ""
    return mapping.as_key(said)


def _is_model(values: Values) -> bool:
    judge = values["judge"]
    return isinstance(judge, list) or _MODELS.match(mapping.as_key(judge)) is not None


def _label(values: Values, item: str, label: str) -> Row:
    """The cluster is for labels that come without their items: the turns of a question are not
    independent there either."""
    cluster = _text(values, "question_id")
    return {"item": item, "rater": _text(values, "judge"), "label": label, "cluster": cluster}


def _verdict(values: Values, item: str, label: str | None) -> Row:
    outcome = "ok" if label is not None else "invalid"
    return {"item": item, "label": label, "outcome": outcome, "judge": model_of(values["judge"])}


def _asked(turns: Sequence[_Turn]) -> Row:
    """One question as the input; a conversation as messages. Each row has both columns, so that
    a mapping that was made from the first rows holds for all."""
    if len(turns) == 1 and turns[0].role == "user":
        return {"input": turns[0].text, "messages": None}
    messages = [{"role": turn.role, "content": turn.text} for turn in turns]
    return {"input": None, "messages": messages}


def _kin(values: Values, turn: int) -> Row:
    """Answers to the same turn share a prompt; the turns of a question stay together."""
    question = _text(values, "question_id")
    return {"prompt": f"{question}/{turn}", "cluster": question, "turn": turn}


def _text(values: Values, name: str) -> str:
    try:
        text = mapping.as_key(values[name])
    except Invalid as error:
        raise Invalid(error.code, f"the {name} cannot be read: {error.sentence}") from error
    if not text:
        raise Invalid("empty_field", f"the {name} is empty.")
    return text


def _turn(values: Values) -> int:
    text = _text(values, "turn")
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:4]) <= 100:
        raise Invalid("turn", f"the turn “{text[:40]}” is not a whole number from 1.")
    return int(text[:4])


def _turns(values: Values, name: str) -> list[_Turn]:
    turns = _unpacked(values.get(name))
    if not isinstance(turns, list) or not turns:
        raise Invalid(name, f"the {name} cannot be read: a list of role and content is expected.")
    trouble = unstorable(turns)
    if trouble:
        raise Invalid(name, f"the {name} cannot be read: {trouble}")
    return [_one_turn(turn, name, place) for place, turn in enumerate(turns, 1)]


def _one_turn(turn: object, name: str, place: int) -> _Turn:
    role = turn.get("role") if isinstance(turn, Mapping) else None
    text = turn.get("content") if isinstance(turn, Mapping) else None
    if not (isinstance(role, str) and role.strip() and isinstance(text, str)):
        raise Invalid(name, f"message {place} of {name} needs a role and a content, both texts.")
    return _Turn(role.strip(), text)


def _cut(turns: list[_Turn], turn: int) -> list[_Turn]:
    """The conversation up to the answer that was judged."""
    answers = [place for place, one in enumerate(turns) if one.role != "user"]
    if len(answers) < turn:
        raise Invalid("turn", f"turn {turn} was judged, and the conversation has {len(answers)}.")
    return turns[: answers[turn - 1] + 1]


def _unpacked(value: object) -> object:
    """A list as it is, or as a table writes it into a cell."""
    if not isinstance(value, str) or not value.lstrip().startswith("["):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
