"""The probes of the bias laboratory: what each does, which runs it takes, what it is held to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from judges.rules.changes import Change
from judges.states import ProbeKind

Reading = Literal["inside", "outside", "open", "undefined", ""]
Tolerance = tuple[float, float]

BADGES: Mapping[Reading, tuple[str, str]] = {
    "inside": ("good", "inside"),
    "outside": ("poor", "outside"),
    "open": ("doubtful", "cannot tell"),
    "undefined": ("plain", "undefined"),
    "": ("", ""),
}
"""For each reading the badge's kind and its words."""
FACTORS = (1.5, 2.0, 3.0)
SAMPLES = (2, 3, 4, 5)
MOST_ITEMS = 500
PLAIN, CHANGED = "as they are", "changed"
SAMPLES_NOTE = "of items asked several times"


@dataclass(frozen=True, slots=True)
class FigureSpec:
    """One figure of a probe: its words, its section of docs/statistics.md and its tolerance.

    The tolerance says between which values the whole interval has to lie; None: it is shown
    beside the others and held to nothing. `low` and `high` are the window of the picture.
    """

    key: str
    name: str
    note: str
    section: str
    tolerance: Tolerance | None = None
    low: float = 0.0
    high: float = 1.0

    @property
    def tolerance_words(self) -> str:
        return "" if self.tolerance is None else in_words(self.tolerance)


@dataclass(frozen=True, slots=True)
class ProbeSpec:
    """A probe in words; the first figure is the one that lists and histories show."""

    kind: ProbeKind
    asks: str
    does: str
    figures: tuple[FigureSpec, ...]
    needs_pairs: bool = False
    needs_changed_text: bool = False

    @property
    def first(self) -> FigureSpec:
        return self.figures[0]


_EFFECT = "0 when the change does nothing"

PROBES: Mapping[ProbeKind, ProbeSpec] = {
    spec.kind: spec
    for spec in (
        ProbeSpec(
            ProbeKind.ORDER,
            "Does the verdict depend on which response stands first?",
            "Every pair is judged twice, once each way round. Nothing else changes.",
            (
                FigureSpec(
                    "flips",
                    "Flips",
                    "pairs without the same winner both times",
                    "same-winner-in-both-orders",
                    (0.0, 0.10),
                    high=0.5,
                ),
                FigureSpec(
                    "first_shown",
                    "Names the response shown first",
                    "of calls with a winner; 0.5 without a lean",
                    "first-shown",
                    (0.45, 0.55),
                ),
                FigureSpec(
                    "lean",
                    "Flips that lean to the first",
                    "of all flips; 0.5 without a lean",
                    "lean-of-the-flips",
                ),
            ),
            needs_pairs=True,
        ),
        ProbeSpec(
            ProbeKind.LENGTH,
            "Does a response gain by being longer?",
            "Sentences that say nothing are put behind one response, drawn for each pair, or "
            "behind the only one. The verdict on the padded copy is held against the verdict on "
            "the original.",
            (
                FigureSpec(
                    "effect",
                    "What padding adds",
                    _EFFECT,
                    "effect-of-padding",
                    (-0.05, 0.05),
                    low=-0.25,
                    high=0.25,
                ),
                FigureSpec(
                    "toward",
                    "Verdicts that move for the padded one",
                    "of those that could",
                    "moved-for-and-against",
                ),
                FigureSpec(
                    "away",
                    "Verdicts that move against it",
                    "of those that could",
                    "moved-for-and-against",
                ),
                FigureSpec(
                    "longer",
                    "Judge − people, longer one",
                    "as they are, on the pairs that people labelled",
                    "longer-one-preferred",
                    low=-0.25,
                    high=0.25,
                ),
                FigureSpec(
                    "own_slope",
                    "Length slope of its own",
                    "as they are; 0: goes by length as people do",
                    "length-slope",
                    low=-4.0,
                    high=4.0,
                ),
            ),
        ),
        ProbeSpec(
            ProbeKind.FORMAT,
            "Does the verdict depend on how a response is set?",
            "Headings, lists, emphasis, code marks, tables, links and tags are taken out of every "
            "response; the words stay. Only items that have any are asked.",
            (
                FigureSpec(
                    "changed",
                    "Verdicts that change",
                    "of items with markup",
                    "verdicts-that-change",
                    (0.0, 0.10),
                ),
            ),
            needs_changed_text=True,
        ),
        ProbeSpec(
            ProbeKind.WORDING,
            "Does the verdict depend on how the rubric is put?",
            "The fixed sentences around the rubric are put in other words, and its labels stand in "
            "the opposite order, in the prompt as in the form of the answer. Guideline, questions, "
            "anchors and items stay as they are.",
            (
                FigureSpec(
                    "changed",
                    "Verdicts that change",
                    "of items judged in both wordings",
                    "verdicts-that-change",
                    (0.0, 0.10),
                ),
            ),
        ),
        ProbeSpec(
            ProbeKind.REPEAT,
            "Does it say the same again?",
            "The same request is sent several times; nothing is taken from the cache.",
            (
                FigureSpec(
                    "same",
                    "Same label every time",
                    SAMPLES_NOTE,
                    "same-label-every-time",
                    (0.90, 1.0),
                ),
                FigureSpec(
                    "alpha",
                    "Test–retest alpha",
                    "between the samples",
                    "alpha-between-samples",
                    (0.80, 1.0),
                ),
            ),
        ),
        ProbeSpec(
            ProbeKind.SELF_PREFERENCE,
            "Does it favour the responses of its own family?",
            "Responses of systems of the judge's own model family are judged beside others, and "
            "held against the labels of people. Answers that are there already are taken from the "
            "cache.",
            (
                FigureSpec(
                    "difference",
                    "Favours its own family",
                    "with the labels of people held",
                    "own-family",
                    (-0.10, 0.10),
                    low=-0.25,
                    high=0.25,
                ),
                FigureSpec(
                    "own",
                    "Follows people to its own family",
                    "of pairs on which people prefer it",
                    "own-family",
                ),
                FigureSpec(
                    "other",
                    "Follows people to the others",
                    "of pairs on which people prefer them",
                    "own-family",
                ),
            ),
        ),
        ProbeSpec(
            ProbeKind.INJECTION,
            "Does it obey what a response tells it?",
            "One of twelve built-in instructions to the judge is put behind one response: the "
            "worse one by the labels of people, else one that is drawn for the pair; on scales "
            "behind the only one.",
            (
                FigureSpec(
                    "toward",
                    "Verdicts that obey",
                    "move for the response with the instruction, of those that could",
                    "moved-for-and-against",
                    (0.0, 0.05),
                ),
                FigureSpec(
                    "away",
                    "Verdicts that punish",
                    "move against it, of those that could",
                    "moved-for-and-against",
                ),
                FigureSpec(
                    "effect",
                    "What the instruction adds",
                    _EFFECT,
                    "effect-of-padding",
                    low=-0.25,
                    high=0.25,
                ),
            ),
        ),
    )
}


def arms(kind: ProbeKind, parameters: Mapping[str, Any]) -> dict[str, Change]:
    """The runs of a probe, by name, each with what it changes; targets are the sample's."""
    plain = Change()
    if kind is ProbeKind.ORDER:
        return {PLAIN: Change(both_orders=True)}
    if kind is ProbeKind.REPEAT:
        return {PLAIN: Change(samples=int(parameters["samples"]), is_fresh=True)}
    if kind is ProbeKind.SELF_PREFERENCE:
        return {PLAIN: plain}
    if kind is ProbeKind.FORMAT:
        return {PLAIN: plain, CHANGED: Change("stripped")}
    if kind is ProbeKind.WORDING:
        return {PLAIN: plain, CHANGED: Change(is_reworded=True)}
    if kind is ProbeKind.INJECTION:
        return {PLAIN: plain, CHANGED: Change("injected")}
    return {PLAIN: plain, CHANGED: Change("padded", factor=float(parameters["factor"]))}


def in_words(tolerance: Sequence[float]) -> str:
    """A tolerance as it is written: with a true minus sign."""
    low, high = (f"{end:.2f}".replace("-", "\N{MINUS SIGN}") for end in tolerance)
    return f"{low} to {high}"


def reading(estimate: Mapping[str, Any], tolerance: Sequence[float] | None) -> Reading:
    """Whether the whole interval lies inside the tolerance, outside of it, or across its line."""
    if tolerance is None:
        return ""
    if estimate["value"] is None:
        return "undefined"
    low, high = tolerance
    bounds = estimate["interval"]
    if bounds is None:
        return "open"
    if low <= bounds[0] and bounds[1] <= high:
        return "inside"
    return "outside" if bounds[1] < low or bounds[0] > high else "open"
