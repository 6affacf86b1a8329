"""From a model's answer to a label: parse strictly, then combine orders and samples.

Nothing is guessed. What is not the asked-for object is an outcome of its own and never a label.
A change of what is taken for an answer raises `VersionSpec.parser_version`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from judges.rules import checklists
from judges.rules.spec import Checklist, DimensionSpec, VersionSpec
from measurement.scale import NOT_APPLICABLE, PREFERRED, TIE, side_of
from measurement.verdicts import FAILURES, of_samples, of_two_orders


class Outcome(StrEnum):
    """What became of a call, or of the label of an item."""

    OK = "ok"
    INVALID = "invalid"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    CONTEXT = "context"
    FAILED = "failed"
    SPLIT = "split"
    PENDING = "pending"
    UNKNOWN = "unknown"


_OPEN = (Outcome.PENDING, Outcome.UNKNOWN)
_WITHOUT_LABEL = tuple(Outcome(failure) for failure in FAILURES)
_STOPPED = {
    "refusal": (Outcome.REFUSED, "The model declined to answer."),
    "max_tokens": (Outcome.TRUNCATED, "The answer stopped at the limit of output tokens."),
    "model_context_window_exceeded": (
        Outcome.CONTEXT,
        "The item and the answer do not fit the model's context window.",
    ),
}


@dataclass(frozen=True, slots=True)
class Parsed:
    """One answer, read. Labels are as shown: with order "BA", A is the item's B.

    ``problem`` is a sentence and empty exactly when the outcome is ok.
    """

    outcome: Outcome
    labels: Mapping[str, str] = field(default_factory=dict)
    rationales: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""

    @property
    def rationale(self) -> str:
        """All rationales as one text."""
        if len(self.rationales) == 1:
            return next(iter(self.rationales.values()))
        return "\n".join(f"{key}: {text}" for key, text in self.rationales.items())


@dataclass(frozen=True, slots=True)
class CallVerdict:
    """What one call brought; labels as the model saw the item (not yet turned back)."""

    order: str
    sample: int
    outcome: Outcome
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Vote:
    """The verdict of one sample in the item's own labelling. A flip is a tie, not consistent."""

    sample: int
    label: str
    consistent: bool | None = None


@dataclass(frozen=True, slots=True)
class Combined:
    """The judge's label of an item on one dimension, or why there is none.

    ``consistent``: None when only one order was asked; else whether all samples kept their label
    when the responses changed places.
    """

    label: str | None
    outcome: Outcome
    consistent: bool | None = None
    votes: tuple[Vote, ...] = ()


class _Refused(Exception):
    """Carries the sentence that says why an answer cannot be taken."""


def parse(text: str, stop_reason: str, version: VersionSpec) -> Parsed:
    """Read one answer. The whole text must be the object; anything around it makes it invalid."""
    if stop_reason in _STOPPED:
        outcome, problem = _STOPPED[stop_reason]
        return Parsed(outcome, problem=problem)
    try:
        answer = _load(text)
        _check_fields(answer, [d.key for d in version.dimensions], "The answer")
        labels: dict[str, str] = {}
        rationales: dict[str, str] = {}
        for dimension in version.dimensions:
            part, checklist = answer[dimension.key], version.checklist_of(dimension.key)
            labels[dimension.key], rationales[dimension.key] = (
                _read(part, dimension)
                if checklist is None
                else _read_checks(part, dimension, checklist)
            )
    except _Refused as refused:
        return Parsed(Outcome.INVALID, problem=str(refused))
    return Parsed(Outcome.OK, labels, rationales)


def to_item_labelling(label: str, order: str) -> str:
    """A pairwise label in the item's own labelling: what was shown as A in "BA" is the item's B."""
    if order == "BA" and side_of(label) in PREFERRED:
        return ("B" if label[0] == "A" else "A") + label[1:]
    return label


def combine(calls: Iterable[CallVerdict], version: VersionSpec) -> dict[str, Combined]:
    """The judge's label on each dimension, from all calls of one item.

    The two orders of a sample first, then the samples, both by measurement's own rules.
    """
    by_call = {(call.order, call.sample): call for call in calls}
    return {d.key: _combine_one(by_call, d, version) for d in version.dimensions}


def _load(text: str) -> dict[str, object]:
    try:
        answer = json.loads(
            text, object_pairs_hook=_no_repeats, parse_constant=_no_constant, parse_int=_short_int
        )
    except (ValueError, RecursionError):
        raise _Refused(_why_unreadable(text)) from None
    if not isinstance(answer, dict):
        raise _Refused("The answer is JSON, but not an object.")
    return answer


def _no_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise _Refused("The answer names a field twice.")
    return dict(pairs)


def _no_constant(name: str) -> object:
    raise _Refused(f"The answer holds {name}, which is not JSON.")


def _short_int(digits: str) -> int:
    if len(digits) > 20:
        raise _Refused("The answer holds a number that is far outside every scale.")
    return int(digits)


def _why_unreadable(text: str) -> str:
    stripped = text.strip()
    if not stripped:
        return "The answer is empty."
    if "```" in stripped:
        return "The answer is wrapped in a code block; it must be the bare JSON object."
    if "{" in stripped and "}" in stripped and not (stripped[0] == "{" and stripped[-1] == "}"):
        return "There is text around the JSON object; the whole answer must be the object."
    if stripped[0] in "{[":
        return "The answer starts as JSON but is not valid JSON."
    return "The answer is prose, not a JSON object."


def _check_fields(answer: Mapping[str, object], expected: Sequence[str], whose: str) -> None:
    missing = [key for key in expected if key not in answer]
    if missing:
        raise _Refused(f"{whose} leaves out: {', '.join(missing)}.")
    extra = [key[:40] for key in answer if key not in expected]
    if extra:
        raise _Refused(f"{whose} has fields that nobody asked for: {', '.join(extra[:5])}.")


def _read(part: object, dimension: DimensionSpec) -> tuple[str, str]:
    if not isinstance(part, dict):
        raise _Refused(f"The field {dimension.key} must be an object with reasoning and label.")
    _check_fields(part, ["reasoning", "label"], f"The field {dimension.key}")
    reasoning, value = part["reasoning"], part["label"]
    if not isinstance(reasoning, str):
        raise _Refused(f"The reasoning of {dimension.key} is not a text.")
    label = _as_label(value, dimension)
    if label is None:
        raise _Refused(
            f"The label of {dimension.key} is {json.dumps(value)[:60]}; "
            f"it must be one of: {', '.join(dimension.labels)}."
        )
    return label, reasoning


def _read_checks(part: object, dimension: DimensionSpec, checklist: Checklist) -> tuple[str, str]:
    """The point that the answered questions make; which were answered how ends the rationale."""
    if not isinstance(part, dict):
        raise _Refused(f"The field {dimension.key} must be an object with reasoning and checks.")
    names = checklists.answer_fields(checklist, dimension)
    _check_fields(part, ["reasoning", *names], f"The field {dimension.key}")
    if not isinstance(part["reasoning"], str):
        raise _Refused(f"The reasoning of {dimension.key} is not a text.")
    for name in names:
        if part[name] not in checklists.ANSWERS:
            raise _Refused(
                f"The answer {name} of {dimension.key} is {json.dumps(part[name])[:60]}; "
                "it must be yes or no."
            )
    answers = {name: str(part[name]) for name in names}
    said = ", ".join(f"{name} {answer}" for name, answer in answers.items())
    label = checklists.point_of(checklist, answers)
    return label, f"{part['reasoning']}\n({said}: {label})".strip()


def _as_label(value: object, dimension: DimensionSpec) -> str | None:
    """The label as text, or None; a number is taken on numeric scales only, and never a boolean."""
    if dimension.is_numeric and isinstance(value, int) and not isinstance(value, bool):
        written = {int(point): point for point in dimension.values}
        return written.get(value)
    if isinstance(value, str) and value in dimension.labels:
        return value if not dimension.is_numeric or value == NOT_APPLICABLE else None
    return None


def _combine_one(
    by_call: Mapping[tuple[str, int], CallVerdict], dimension: DimensionSpec, version: VersionSpec
) -> Combined:
    votes = tuple(
        vote
        for sample in range(version.samples)
        if (vote := _vote(by_call, dimension, version, sample)) is not None
    )
    consistent = _all_consistent(votes)
    if not votes or len(votes) * 2 < version.samples:
        return Combined(None, _why_none(by_call.values(), version), consistent, votes)
    label = of_samples([vote.label for vote in votes], dimension.scale)
    if not label:
        return Combined(None, Outcome.SPLIT, consistent, votes)
    return Combined(label, Outcome.OK, consistent, votes)


def _vote(
    by_call: Mapping[tuple[str, int], CallVerdict],
    dimension: DimensionSpec,
    version: VersionSpec,
    sample: int,
) -> Vote | None:
    """The verdict of one sample; None when an order that it needs has no label."""
    orders = [""]
    if version.is_pairwise:
        orders = ["AB", "BA"] if version.both_orders else ["AB"]
    labels: list[str] = []
    for order in orders:
        call = by_call.get((order, sample))
        if call is None or call.outcome is not Outcome.OK or dimension.key not in call.labels:
            return None
        labels.append(to_item_labelling(call.labels[dimension.key], order))
    if len(labels) == 1:
        return Vote(sample, labels[0])
    label = of_two_orders(labels[0], labels[1])
    return Vote(sample, label, consistent=labels[0] == labels[1] or label != TIE)


def _all_consistent(votes: Sequence[Vote]) -> bool | None:
    known = [vote.consistent for vote in votes if vote.consistent is not None]
    return all(known) if known else None


def _why_none(calls: Iterable[CallVerdict], version: VersionSpec) -> Outcome:
    """The outcome of an item without a label: the commonest failure of its calls."""
    seen = Counter(call.outcome for call in calls)
    if any(seen[outcome] for outcome in _OPEN) or not seen:
        return Outcome.PENDING
    failed = max(_WITHOUT_LABEL, key=lambda outcome: seen[outcome])
    if seen[failed]:
        return failed
    planned = version.samples * (2 if version.is_pairwise and version.both_orders else 1)
    return Outcome.PENDING if sum(seen.values()) < planned else Outcome.FAILED
