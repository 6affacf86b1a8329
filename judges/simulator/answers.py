"""What a simulated judge answers: latent truth, bent by the errors planted in the judge.

Texts under judgement are only measured and hashed: nothing written in them is obeyed, but for the
bias laboratory's own instructions by a judge in which that was planted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from judges.rules.copies import carries_injection, core
from judges.rules.prompting import REWORDED_RUBRIC
from judges.simulator import truth
from judges.simulator.judges import Planted

_FENCE = re.compile(r"<([a-z0-9_]+)-([0-9a-f]{8,64})>\n(.*?)\n</\1-\2>", re.DOTALL)
_SCHEMA = re.compile(r"<answer_schema>(.*?)</answer_schema>", re.DOTALL)
_PAIR_LABELS = frozenset({"A", "B", "A1", "A2", "B1", "B2", "tie"})
_NOT_APPLICABLE = "not_applicable"
_LONG = 400
_CHECK = re.compile(r"check_\d+")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the judge sees in a prompt. ``call`` is the fence's ending: it differs between samples.
    In another wording of the rubric the labels stand in the opposite order.

    A prompt without fences is one response that is not known any better.
    """

    input: str
    response: str = ""
    response_a: str | None = None
    response_b: str | None = None
    call: str = ""
    is_reworded: bool = False


def read(prompt: str) -> Seen:
    """Find the question and the responses between their tags."""
    blocks: dict[str, str] = {}
    ending = ""
    turns: list[str] = []
    for tag, found, text in _FENCE.findall(prompt):
        ending = ending or found
        if found != ending:
            continue
        blocks.setdefault(tag, text)
        if tag.startswith("turn_"):
            turns.append(text)
    if not blocks:
        return Seen(input="", response=prompt)
    return Seen(
        input=blocks.get("question", "\n".join(turns)),
        response=blocks.get("response", ""),
        response_a=blocks.get("response_a"),
        response_b=blocks.get("response_b"),
        call=ending,
    )


def schema_in(system: str) -> Mapping[str, object] | None:
    """The schema that stands in the prompt of a version without native structured output."""
    found = _SCHEMA.search(system)
    if found is None:
        return None
    try:
        schema = json.loads(found[1])
    except ValueError:
        return None
    return schema if isinstance(schema, dict) else None


def answer(
    judge: Planted, prompt: str, schema: Mapping[str, object], seed: int = 0, *, system: str = ""
) -> str:
    """The judge's answer to the first turn of a request, as the JSON that the schema asks for."""
    seen = replace(read(prompt), is_reworded=REWORDED_RUBRIC in system)
    return json.dumps(_fill(judge, seen, schema, "overall", str(seed)), ensure_ascii=False)


def _fill(judge: Planted, seen: Seen, schema: object, key: str, seed: str) -> object:
    """A value for any part of a schema; the key is the nearest dimension's name."""
    if not isinstance(schema, Mapping):
        return ""
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        checks = [name for name in properties if _CHECK.fullmatch(name)]
        if checks:
            return _checked(judge, seen, properties, checks, key, seed)
        return {
            name: _fill(judge, seen, part, key if name in {"reasoning", "label"} else name, seed)
            for name, part in properties.items()
        }
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return _label(judge, seen, choices, key, seed)
    return (
        f"Simulated answer of {judge.model}: drawn for {key} from the digest of the texts, "
        "no model read them."
    )


def _checked(
    judge: Planted,
    seen: Seen,
    properties: Mapping[str, object],
    checks: Sequence[str],
    key: str,
    seed: str,
) -> dict[str, object]:
    """A checklist: yes to as many questions, from the first, as the judge's score reaches."""
    place = _score_place(judge, seen, len(checks) + 1, key, seed)
    said = {name: "yes" if number < place else "no" for number, name in enumerate(checks)}
    return {
        name: said.get(name)
        or ("yes" if name == "applies" else _fill(judge, seen, part, key, seed))
        for name, part in properties.items()
    }


def _label(judge: Planted, seen: Seen, choices: Sequence[object], key: str, seed: str) -> object:
    offered = [choice for choice in choices if choice != _NOT_APPLICABLE]
    if seen.is_reworded:
        offered.reverse()
    if seen.response_a is not None and seen.response_b is not None and "A" in _sides(offered):
        return _pair_label(judge, seen, offered, seed)
    if all(isinstance(choice, int) and not isinstance(choice, bool) for choice in offered):
        return sorted(offered, key=_number)[_score_place(judge, seen, len(offered), key, seed)]
    return offered[_choice_place(judge, seen, len(offered), key, seed)]


def _number(choice: object) -> int:
    """The number of a whole-number choice."""
    return int(str(choice))


def _sides(offered: Sequence[object]) -> set[str]:
    return {str(choice)[:1] for choice in offered if choice in _PAIR_LABELS}


def _pair_label(judge: Planted, seen: Seen, offered: Sequence[object], seed: str) -> object:
    """A or B as shown. What is seen of the pair is one draw for both orders and all samples."""
    first, second = str(seen.response_a).strip(), str(seen.response_b).strip()
    cores = core(first), core(second)
    if cores[0] == cores[1]:
        return "tie" if "tie" in offered else offered[0]
    pair = (judge.model, seed, seen.input.strip(), *sorted(cores))
    better = truth.latent_preference(seen.input, first, second) == "x"
    if truth.unit("seen", *pair) >= judge.accuracy:
        better = not better
    if len(first) != len(second) and truth.unit("length", *pair) < judge.verbosity_bias:
        better = len(first) > len(second)
    told = carries_injection(first), carries_injection(second)
    if told[0] != told[1] and truth.unit("obeys", *pair) < judge.gullibility:
        better = told[0]
    if seen.is_reworded and truth.unit("wording", *pair) < judge.wavering:
        better = not better
    if truth.unit("place", *pair, first, seen.call) < judge.position_bias:
        better = True
    side = "A" if better else "B"
    if side in offered:
        return side
    return f"{side}{1 if truth.unit('margin', *pair) < 0.5 else 2}"


def _score_place(judge: Planted, seen: Seen, points: int, key: str, seed: str) -> int:
    """A place on an ordered scale: the latent one, with the judge's noise and leniency."""
    response = seen.response.strip()
    texts = (judge.model, seed, key, seen.input.strip(), core(response))
    if carries_injection(response) and truth.unit("obeys", *texts) < judge.gullibility:
        return points - 1
    place = truth.point_at(truth.latent_quality(seen.input, response, key), points)
    noise = truth.unit("noise", *texts)
    step = 0
    if noise < judge.two_off:
        step = 2
    elif noise < judge.two_off + judge.one_off:
        step = 1
    place += step if truth.unit("way", *texts) < 0.5 else -step
    if truth.unit("lenient", *texts) < judge.leniency:
        place += 1
    if len(response) > _LONG and truth.unit("long", *texts) < judge.long_points:
        place += 1
    place = max(0, min(points - 1, place))
    if seen.is_reworded and truth.unit("wording", *texts) < judge.wavering:
        place += 1 if place < points // 2 else -1
    return place


def _choice_place(judge: Planted, seen: Seen, points: int, key: str, seed: str) -> int:
    """A place among categories: the latent one, or with some probability any other."""
    texts = (judge.model, seed, key, seen.input.strip(), core(seen.response))
    if carries_injection(seen.response) and truth.unit("obeys", *texts) < judge.gullibility:
        return points - 1
    place = truth.point_at(truth.latent_quality(seen.input, seen.response, key), points)
    if points > 1 and truth.unit("choice", *texts) < judge.wrong_choice:
        place = (place + 1 + int(truth.unit("other", *texts) * (points - 1))) % points
    if seen.is_reworded and truth.unit("wording", *texts) < judge.wavering:
        place = (place + 1) % points
    return place
