"""The gate's checks in plain words: what was asked, what was measured, what the limit is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from core.figures import Figure
from measurement import gate

SPACE = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
NOTHING = "–"
BOUND = "lower bound"
SPARED = gate.SPARED

GATE_WORDS = {
    "pass": ("good", "Passes the gate"),
    "fail": ("poor", "Does not pass the gate"),
    "insufficient": ("doubtful", "Too little to decide on"),
    "unattainable": ("poor", "Out of reach with these labels"),
}
"""For each decision of the gate the badge's kind and its words."""

OUTCOME_WORDS = {
    "ok": "a verdict",
    "missing": "no call at all",
    "invalid": "could not be read",
    "truncated": "cut off",
    "refused": "refused",
    "context": "item too long",
    "failed": "failed",
    "split": "samples disagree",
    "unknown": "answer lost",
}

BASELINE_WORDS = {
    "commonest_label": "The commonest label, always",
    "longer_response": "The longer response, always",
    "trained_words": "Word weights, trained on the development part",
}


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One line of the check list as a person reads it; `section` explains it (statistics.md)."""

    words: str
    section: str
    measured: str
    limit: str
    is_held: bool


def lines(checks: Iterable[Mapping[str, Any]]) -> list[CheckLine]:
    """The check list: the bound first, then the guards, then what was known beforehand."""
    return [_line(check) for check in sorted(checks, key=_rank)]


def failed(checks: Iterable[Mapping[str, Any]]) -> list[str]:
    """The words of the checks that did not hold, without any figure."""
    return [words(check["name"]) for check in sorted(checks, key=_rank) if not check["passed"]]


def words(name: str) -> str:
    """What a check asks, in plain words; an unknown one stands for itself."""
    return _said(name)[0]


def _said(name: str) -> tuple[str, str]:
    """A check's words, and the section of docs/statistics.md about it."""
    if name in _FIXED:
        return _FIXED[name][1:]
    for pattern, sentence, section in _PATTERNS:
        found = pattern.fullmatch(name)
        if found:
            return sentence.format(*found.groups()), section
    return name.capitalize(), "decision"


def percent(share: float | None, digits: int = 1) -> str:
    if share is None:
        return NOTHING
    return f"{share * 100:.{digits}f}{SPACE}%".replace("-", MINUS)


def share_words(share: Figure, of: str) -> str:
    """A share in a sentence, with what it rests on: 78.2 % [75.0, 81.1] of 312 items."""
    low, high, n = share.low, share.high, share.n or 0
    between = "" if low is None or high is None else f" [{low * 100:.1f}, {high * 100:.1f}]"
    return f"{percent(share.value)}{between} of {n:,} {of}"


def points(value: float | None, digits: int = 2) -> str:
    if value is None:
        return NOTHING
    return f"{value:.{digits}f}".replace("-", MINUS)


def target_words(target: float) -> str:
    """A share as it stands in a sentence: 80 %, 82.5 %."""
    return f"{target * 100:g}{SPACE}%"


_FIXED: dict[str, tuple[int, str, str]] = {
    BOUND: (0, "Lower bound of the agreement above the target", "lower-bound"),
    SPARED: (1, "The same with one item fewer, after an earlier look", "looks-and-levels"),
    "alpha": (2, "Beyond chance (alpha)", "alpha-guard"),
    "alpha, lower bound": (2, "Beyond chance, lower bound", "alpha-guard"),
    "mean bias, share of the range": (3, "Neither too mild nor too strict", "bias-guard"),
    "without a verdict": (4, "No answer from the judge", "without-a-verdict"),
    "contested share": (5, "Contested by people", "contested"),
    "decided items": (6, "Items that people decided", "decided-items"),
    "clusters": (7, "Different prompts among them", "different-prompts"),
    "labels in the reference": (8, "Different labels that people gave", "items-of-a-label"),
    "declared cut": (9, "A declared cut: what counts as acceptable", "cut"),
}
_PATTERNS = (
    (
        re.compile(r"recall of (.+), lower bound"),
        "Finds “{}” more often than chance",
        "recall-guard",
    ),
    (re.compile(r"recall of (.+)"), "Finds “{}” at least every second time", "recall-guard"),
    (re.compile(r"reference items (.+)"), "Items that people label “{}”", "items-of-a-label"),
)
_COUNTS = ("decided items", "clusters", "labels in the reference", "reference items")
_AT_MOST = ("contested share", "without a verdict", "mean bias, share of the range")
_STRICTLY = (BOUND, "alpha, lower bound")


def _rank(check: Mapping[str, Any]) -> int:
    name = check["name"]
    if name in _FIXED:
        return _FIXED[name][0]
    return 1 if name.startswith("recall") else 8


def _line(check: Mapping[str, Any]) -> CheckLine:
    name, measured, limit = check["name"], check["measured"], check["limit"]
    said, section = _said(name)
    if name == BOUND:
        said = f"Lower bound of the agreement above {target_words(limit)}"
    written, bound = _figure(name, measured), _figure(name, limit, is_limit=True)
    if name == "declared cut":
        written, bound = NOTHING, "needed"
    else:
        bound = f"{_sign(name)} {bound}"
    return CheckLine(said, section, written, bound, bool(check["passed"]))


def _sign(name: str) -> str:
    if name in _AT_MOST:
        return "≤"
    return ">" if name in _STRICTLY or name.endswith(", lower bound") else "≥"


def _figure(name: str, value: float | None, *, is_limit: bool = False) -> str:
    if value is None:
        return NOTHING
    if name.startswith(_COUNTS):
        return f"{value:,.0f}"
    if name not in (BOUND, SPARED) and name not in _AT_MOST:
        return points(value)
    is_whole = is_limit and abs(value * 100 - round(value * 100)) < 1e-9
    share = percent(value, 0 if is_whole else 1)
    return f"{share} of the range" if name.startswith("mean bias") else share
