"""The approval gate: which numbers let a judge through, and why.

A rule holds the policy's constants; facts are what is known without any verdict; evidence adds
what one look shows. Deciding is pure: same rule, facts and evidence, same decision.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from measurement.scale import TableError

SPARED = "with a hit to spare, lower bound"
Outcome = Literal["pass", "fail", "insufficient", "unattainable"]


@dataclass(frozen=True, slots=True)
class GateRule:
    """The policy: shares as fractions, `level` the one-sided error of the bound at one shot."""

    target: float = 0.8
    level: float = 0.05
    most_looks: int = 3
    spare_hits: int = 1
    least_ratings: int = 3
    least_items: int = 200
    least_clusters: int = 100
    least_per_label: int = 30
    must_catch: tuple[str, ...] = ()
    most_contested: float = 0.1
    guard_level: float = 0.05
    recall_items: int = 20
    least_recall: float = 0.5
    least_alpha: float = 0.4
    least_alpha_bound: float = 0.2
    most_bias: float = 1 / 16
    most_without_verdict: float = 0.02

    def level_of(self, *, look: int, one_shot: bool) -> float:
        """The bound's level: .05 when declared one-shot, else .05 / 2^look for look 1, 2, 3."""
        if one_shot:
            return self.level
        if not 1 <= look <= self.most_looks:
            raise TableError(f"A dimension has looks 1 to {self.most_looks}, not {look}.")
        return self.level * 0.5**look

    def spare_of(self, *, look: int, one_shot: bool) -> int:
        """Hits to spare that a pass needs: some once an earlier look has told its count.

        An author who knows that count can keep the lucky answers of the version before and redraw
        the others. One hit to spare keeps the three looks together below `level` whatever they
        plan (docs/simulations.md); the levels alone let up to 5.4 % through.
        """
        return 0 if one_shot or look == 1 else self.spare_hits

    def as_dict(self) -> dict[str, Any]:
        """The constants, to be recorded with the decision."""
        return {**asdict(self), "must_catch": list(self.must_catch)}


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the check list; `measured` is None when there is nothing to measure."""

    name: str
    measured: float | None
    limit: float
    passed: bool

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "measured": self.measured,
            "limit": self.limit,
            "passed": self.passed,
        }


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known without a verdict.

    `decided` items in the statistic's denominator and their `clusters`; `per_label` reference
    items of each tested label; `contested` of `asked` items had no consensus. `is_two_label`
    as the gate sees it (pass and fail; A and B). `needs_cut`: a rating scale without one.
    """

    decided: int
    clusters: int
    contested: int
    asked: int
    per_label: Mapping[str, int]
    is_two_label: bool
    needs_cut: bool = False

    @property
    def contested_share(self) -> float:
        return self.contested / self.asked if self.asked else 0.0


@dataclass(frozen=True, slots=True)
class Recall:
    """How often the judge finds a label: observed share of n, and its lower bound."""

    label: str
    n: int
    observed: float
    lower_bound: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one look shows. Bounds are one-sided; None where a figure is undefined.

    `spared_bound` is the agreement's bound with the hits to spare taken away, None on a first
    look. `bias` is |mean judge − people| as a fraction of the scale's range, None where the labels
    are no rating scale. `people_upper_bound` is the bound of people's pairwise agreement where
    the tested labels are two, `raters` the usual number of votes behind a label.
    """

    lower_bound: float | None
    recalls: tuple[Recall, ...]
    labels: int
    alpha: float | None
    alpha_lower_bound: float | None
    without_verdict: float | None
    spared_bound: float | None = None
    bias: float | None = None
    people_upper_bound: float | None = None
    raters: int = 3


@dataclass(frozen=True, slots=True)
class GateDecision:
    """What the rule says, with every check that it looked at."""

    decision: Outcome
    checks: tuple[Check, ...]
    because: str
    failed: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """The `gate` object of `align --json`."""
        return {
            "decision": self.decision,
            "checks": [check.as_dict() for check in self.checks],
            "because": self.because,
        }


def sufficiency(facts: Facts, rule: GateRule) -> tuple[Check, ...]:
    """The checks that need no verdict; any that fails makes a look insufficient beforehand."""
    return tuple(_sufficiency(facts, rule))


def _sufficiency(facts: Facts, rule: GateRule) -> Iterator[Check]:
    if facts.needs_cut:
        yield Check("declared cut", None, 1, passed=False)
    yield _at_least("decided items", facts.decided, rule.least_items)
    yield _at_least("clusters", facts.clusters, rule.least_clusters)
    if facts.is_two_label:
        for label, n in facts.per_label.items():
            yield _at_least(f"reference items {label}", n, rule.least_per_label)
    else:
        in_use = sum(n > 0 for n in facts.per_label.values())
        yield _at_least("labels in the reference", in_use, 2)
        for label in rule.must_catch:
            n = facts.per_label.get(label, 0)
            yield _at_least(f"reference items {label}", n, rule.least_per_label)
    yield _at_most("contested share", facts.contested_share, rule.most_contested)


def why_insufficient(facts: Facts, rule: GateRule) -> str:
    """The sentence that says what is missing before a look is worth it; empty when nothing is."""
    failed = [check for check in sufficiency(facts, rule) if not check.passed]
    if not failed:
        return ""
    return f"There is too little to decide on: {'; '.join(map(_shortfall, failed))}."


def _shortfall(check: Check) -> str:
    if check.name == "declared cut":
        return "declare a cut, the lowest point that counts as acceptable"
    if check.name == "contested share":
        shown, limit = _percent(check.measured), _percent(check.limit)
        return f"{shown} of the items are contested, {limit} at most"
    return f"{check.measured:g} {check.name}, {check.limit:g} needed"


def _at_least(name: str, measured: float | None, limit: float) -> Check:
    return Check(name, measured, limit, passed=measured is not None and measured >= limit)


def _above(name: str, measured: float | None, limit: float) -> Check:
    return Check(name, measured, limit, passed=measured is not None and measured > limit)


def _at_most(name: str, measured: float | None, limit: float) -> Check:
    return Check(name, measured, limit, passed=measured is not None and measured <= limit)


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{100 * share:.2f} %"


def guards(evidence: Evidence, rule: GateRule) -> tuple[Check, ...]:
    """What a constant, a biased or a silent judge cannot pass, whatever its agreement."""
    return tuple(_guards(evidence, rule))


def _guards(evidence: Evidence, rule: GateRule) -> Iterator[Check]:
    if evidence.spared_bound is not None:
        yield _above(SPARED, evidence.spared_bound, rule.target)
    two = evidence.labels <= 2
    chance = rule.least_recall if two else 1 / evidence.labels
    for recall in evidence.recalls:
        if recall.n < rule.recall_items:
            continue
        yield _above(f"recall of {recall.label}, lower bound", recall.lower_bound, chance)
        if not two:
            yield _at_least(f"recall of {recall.label}", recall.observed, rule.least_recall)
    yield _at_least("alpha", evidence.alpha, rule.least_alpha)
    yield _above("alpha, lower bound", evidence.alpha_lower_bound, rule.least_alpha_bound)
    if evidence.bias is not None:
        yield _at_most("mean bias, share of the range", evidence.bias, rule.most_bias)
    yield _at_most("without a verdict", evidence.without_verdict, rule.most_without_verdict)


def majority_accuracy(single: float, raters: int) -> float:
    """How often a decided strict majority of independent raters is right, two labels.

    `single` is one rater's accuracy. Shared first places are left out, as they decide nothing.
    """
    from math import comb

    right = tied = 0.0
    for votes in range(raters + 1):
        chance = comb(raters, votes) * single**votes * (1 - single) ** (raters - votes)
        if 2 * votes > raters:
            right += chance
        elif 2 * votes == raters:
            tied += chance
    return right / (1 - tied) if tied < 1 else 0.5


def best_judge(pairwise: float, raters: int) -> float:
    """The agreement that a perfect judge shows where people agree pairwise this often.

    p = (1 + √(2A − 1)) / 2 for independent errors and two labels (docs/statistics.md, ceiling).
    """
    return majority_accuracy((1 + max(0.0, 2 * pairwise - 1) ** 0.5) / 2, raters)


def is_unattainable(evidence: Evidence, rule: GateRule) -> bool:
    """Even a perfect judge could not show the target against labels of these people."""
    if evidence.people_upper_bound is None:
        return False
    return best_judge(evidence.people_upper_bound, evidence.raters) < rule.target


def decide(facts: Facts, evidence: Evidence, rule: GateRule) -> GateDecision:
    """Insufficient, pass, unattainable, fail: the first that holds, in this order."""
    enough = sufficiency(facts, rule)
    bound = _above("lower bound", evidence.lower_bound, rule.target)
    guarded = guards(evidence, rule)
    checks = (*enough, bound, *guarded)
    failed = tuple(check.name for check in checks if not check.passed)
    missing = why_insufficient(facts, rule)
    if missing:
        return GateDecision("insufficient", checks, missing, failed)
    if not failed:
        said = f"The lower bound {_percent(bound.measured)} is above the target"
        because = f"{said} {_percent(rule.target)} and every guard holds."
        return GateDecision("pass", checks, because, failed)
    because = _why_failed(bound, guarded)
    if not bound.passed and is_unattainable(evidence, rule):
        ceiling = (
            f"People agree with each other on at most {_percent(evidence.people_upper_bound)} of"
            f" pairs, so even a judge that is always right could not show {_percent(rule.target)}."
        )
        return GateDecision("unattainable", checks, f"{because} {ceiling}", failed)
    return GateDecision("fail", checks, because, failed)


def _why_failed(bound: Check, guarded: tuple[Check, ...]) -> str:
    sentences = []
    if not bound.passed:
        sentences.append(
            f"The lower bound {_percent(bound.measured)} is not above the target"
            f" {_percent(bound.limit)}."
        )
    names = [check.name for check in guarded if not check.passed]
    if names:
        sentences.append(f"Guards that do not hold: {'; '.join(names)}.")
    return " ".join(sentences)
