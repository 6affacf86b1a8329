"""A project's gate policy: the constants that it may choose, each with its reason and its bounds.

Defaults, and which of them are judgement (†) and which are theory: docs/statistics.md, the gate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from measurement.drift import DROP, LIMIT
from measurement.gate import GateRule

VALID_DAYS = 90
LEAST_OMEGA = 0.5
MOST_LABELS = 20


@dataclass(frozen=True, slots=True)
class Policy:
    """The gate's rule, and what an approval is worth; `number` 0 stands for the defaults."""

    number: int = 0
    gate: GateRule = field(default_factory=GateRule)
    valid_days: int = VALID_DAYS
    drift_drop: float = DROP
    drift_limit: float = LIMIT
    least_omega: float = LEAST_OMEGA

    def as_dict(self) -> dict[str, Any]:
        """Every constant by its name, to be recorded."""
        own = {
            name: value for name, value in asdict(self).items() if name not in ("number", "gate")
        }
        return {**self.gate.as_dict(), **own}


@dataclass(frozen=True, slots=True)
class Constant:
    """One constant that a project may choose.

    `unit` is `share` (a fraction, written in percent), `count`, `days`, `points` or `labels`;
    `low` and `high` are the bounds, both included. `is_judgement`: no theory gives its value.
    """

    name: str
    title: str
    why: str
    unit: str
    low: float
    high: float
    is_judgement: bool = False

    @property
    def is_whole(self) -> bool:
        return self.unit in ("count", "days")


CONSTANTS = (
    Constant(
        "target",
        "Target",
        "The lower bound of the agreement has to lie above it: below four of five, people would "
        "have to look at every verdict again.",
        "share",
        0.5,
        0.99,
    ),
    Constant(
        "level",
        "Error of the bound",
        "How often a judge exactly at the target may pass, all looks at a set together. Each "
        "approval promises 5 % at most, so it can only be made smaller.",
        "share",
        0.001,
        0.05,
    ),
    Constant(
        "least_ratings",
        "Ratings an item",
        "With fewer than three votes there is no majority that one careless rater cannot turn.",
        "count",
        3,
        15,
    ),
    Constant(
        "least_items",
        "Decided items",
        "On fewer items only a judge far above the target could pass, so a look would be wasted.",
        "count",
        30,
        1_000_000,
        is_judgement=True,
    ),
    Constant(
        "least_clusters",
        "Different prompts",
        "Items of one prompt err together; the bound needs enough that do not.",
        "count",
        20,
        1_000_000,
        is_judgement=True,
    ),
    Constant(
        "least_per_label",
        "Items of each label",
        "A judge that never finds the rarer label shows only where there are enough of it. Holds "
        "for both labels of a two-label question and for the labels that must be caught.",
        "count",
        5,
        100_000,
        is_judgement=True,
    ),
    Constant(
        "must_catch",
        "Labels that must be caught",
        "Labels that a judge must not miss, such as “unsafe”: a set without enough of them is too "
        "little to decide on, where a dimension has more than two labels.",
        "labels",
        0,
        MOST_LABELS,
        is_judgement=True,
    ),
    Constant(
        "most_contested",
        "Contested by people",
        "Contested items are outside the denominator; leaving out many flatters the judge.",
        "share",
        0.0,
        0.5,
        is_judgement=True,
    ),
    Constant(
        "recall_items",
        "Recall is tested from",
        "A label with fewer reference items says too little about how often it is found.",
        "count",
        5,
        10_000,
    ),
    Constant(
        "least_recall",
        "Recall of each label",
        "A judge that finds a label less than every second time does not know it. Stops judges "
        "that always say the commonest label.",
        "share",
        0.5,
        0.99,
    ),
    Constant(
        "least_alpha",
        "Beyond chance (alpha)",
        "Agreement can be high by chance where one label is common; alpha takes chance out.",
        "points",
        0.0,
        0.95,
        is_judgement=True,
    ),
    Constant(
        "least_alpha_bound",
        "Beyond chance, lower bound",
        "The same, with the uncertainty of the sample.",
        "points",
        0.0,
        0.95,
        is_judgement=True,
    ),
    Constant(
        "most_bias",
        "Too mild or too strict, share of the range",
        "A judge that gives scores on average this much higher or lower than people shifts every "
        "mean made of them.",
        "share",
        0.001,
        0.25,
        is_judgement=True,
    ),
    Constant(
        "most_without_verdict",
        "No answer from the judge",
        "Each one is a miss already; more of them mean that the judge cannot do the work.",
        "share",
        0.0,
        0.2,
        is_judgement=True,
    ),
    Constant(
        "least_omega",
        "Omega for an exception",
        "Share of the raters whom the judge may stand in for, by the alternative annotator test; "
        "one half is the value of its authors.",
        "points",
        0.5,
        1.0,
    ),
    Constant(
        "valid_days",
        "Days that an approval holds",
        "Products, prompts and people change; after this time the judge is measured anew.",
        "days",
        1,
        366,
        is_judgement=True,
    ),
    Constant(
        "drift_drop",
        "Drop to look for",
        "How far below its approved rate a judge has to fall to count as having drifted.",
        "share",
        0.02,
        0.3,
    ),
    Constant(
        "drift_limit",
        "Limit of the drift alarm",
        "Six suspends a judge that has not drifted in 6 % of 1,000 labels, and finds a fall by ten "
        "points after about 140. Lower is quicker and errs more often.",
        "points",
        1.0,
        50.0,
        is_judgement=True,
    ),
)
"""In the order of the page."""

FIXED = (
    (
        "Looks at a set",
        "3",
        (
            "Attempt j is tested at the error divided by 2 to the power of j, so that all together "
            "stay below it. Fixed: the levels of looks that were taken rest on it."
        ),
    ),
    (
        "Hits to spare after a look",
        "1",
        (
            "Whoever knows the count of an earlier look can aim at it; one hit to spare keeps that "
            "below the error."
        ),
    ),
    (
        "Level of the guards",
        "95\N{NO-BREAK SPACE}%",
        "Bounds of recall and alpha are at 95 % whatever the attempt.",
    ),
)
"""What no policy changes: the name, the value, the reason."""

TITLES = {constant.name: constant.title for constant in CONSTANTS}
_BY_NAME = {constant.name: constant for constant in CONSTANTS}
_OF_THE_GATE = frozenset(one.name for one in fields(GateRule))


def policy_of(constants: Mapping[str, Any], *, number: int) -> Policy:
    """The policy of recorded constants; a name that is missing or unknown keeps the default."""
    known = {name: constants[name] for name in _BY_NAME if name in constants}
    if "must_catch" in known:
        known["must_catch"] = tuple(known["must_catch"])
    gate = {name: value for name, value in known.items() if name in _OF_THE_GATE}
    own = {name: value for name, value in known.items() if name not in _OF_THE_GATE}
    return replace(Policy(number=number, **own), gate=replace(GateRule(), **gate))


def problems(constants: Mapping[str, Any]) -> dict[str, list[str]]:
    """For each constant that cannot be taken a sentence; empty when all can."""
    found: dict[str, list[str]] = {}
    for constant in CONSTANTS:
        said = _problem(constant, constants.get(constant.name))
        if said:
            found[constant.name] = [said]
    unknown = sorted(set(constants) - set(_BY_NAME))
    if unknown:
        found[""] = [f"There is no constant {', '.join(unknown)}."]
    if not found and constants["least_alpha_bound"] > constants["least_alpha"]:
        found["least_alpha_bound"] = ["The lower bound of alpha cannot need more than alpha does."]
    if not found and constants["least_clusters"] > constants["least_items"]:
        found["least_clusters"] = ["There cannot be more prompts than items."]
    if not found and constants["target"] <= constants["drift_drop"]:
        found["drift_drop"] = ["The drop has to be smaller than the target."]
    return found


def _problem(constant: Constant, value: Any) -> str:
    if constant.unit == "labels":
        return _labels_problem(value)
    kind = int if constant.is_whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kind) or value != value:
        return f"Write a {'whole ' if constant.is_whole else ''}number."
    if not constant.low <= value <= constant.high:
        low, high = shown(constant, constant.low), shown(constant, constant.high)
        return f"Choose a value from {low} to {high}."
    return ""


def _labels_problem(value: Any) -> str:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        return "Write labels with commas between them, or nothing."
    if len(value) > MOST_LABELS or any(not one.strip() or len(one) > 80 for one in value):
        return f"At most {MOST_LABELS} labels of at most 80 characters, none of them empty."
    return ""


def shown(constant: Constant, value: Any) -> str:
    """A value as people read it."""
    if constant.unit == "labels":
        return ", ".join(value) or "none"
    if constant.unit == "share":
        return f"{round(value * 100, 6):g}\N{NO-BREAK SPACE}%"
    if constant.unit == "days":
        return "1 day" if value == 1 else f"{value:,} days"
    return f"{value:,}" if constant.is_whole else f"{value:g}"


@dataclass(frozen=True, slots=True)
class Changed:
    """One constant that differs between two policies."""

    title: str
    before: str
    after: str


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Changed]:
    """What differs, in the order of the page."""
    return [
        Changed(one.title, shown(one, before[one.name]), shown(one, after[one.name]))
        for one in CONSTANTS
        if _same(before[one.name]) != _same(after[one.name])
    ]


def chosen(policy: Policy) -> dict[str, Any]:
    """The constants that a project may choose, with their values in this policy."""
    told = policy.as_dict()
    return {constant.name: told[constant.name] for constant in CONSTANTS}


def _same(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
