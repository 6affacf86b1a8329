"""How many labels would settle it: from what was seen to the items that the gate needs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from measurement import planning
from measurement.estimate import Estimate
from measurement.gate import SPARED, Facts, GateDecision, GateRule

BOUND = "lower bound"
NOT_ABOVE = "it agrees no more often than the target, so more labels would show that and no more"
CONTESTED = "too many items are contested, and more of the same kind would be too"
CUT = "a cut has to be declared first"
OUT_OF_REACH = "people agree too little for any judge to show the target; more raters come first"
NOTHING = "no item has a decided human label"
TOO_MANY = f"more than {planning.MOST_ITEMS:,} items"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the next look has to clear: the error of its bound, and hits to spare."""

    level: float
    spare: int = 0


@dataclass(frozen=True, slots=True)
class Needed:
    """Items that people have to decide, in all, for a pass in four of five tries.

    `items` rests on the agreement that was seen, `low` and `high` on the upper and the lower end
    of its interval. None: no number does it; for `items`, `undefined_because` then says why. `now`
    are decided already, `guards` names what fails and is no matter of number.
    """

    items: int | None
    now: int
    low: int | None = None
    high: int | None = None
    undefined_because: str = ""
    guards: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "items": self.items,
            "now": self.now,
            "interval": [self.low, self.high],
            "undefined_because": self.undefined_because,
            "guards": list(self.guards),
        }


def next_attempt(rule: GateRule, *, look: int, one_shot: bool) -> Attempt:
    """What follows a look that did not pass; after the last one a fresh set has its first."""
    following = 1 if one_shot or look >= rule.most_looks else look + 1
    return Attempt(
        rule.level_of(look=following, one_shot=one_shot),
        rule.spare_of(look=following, one_shot=one_shot),
    )


def needed(
    decision: GateDecision,
    facts: Facts,
    rule: GateRule,
    attempt: Attempt,
    *,
    agreement: Estimate,
    n_eff: float | None = None,
) -> Needed:
    """What it takes at the next attempt; items are worth `n_eff` of n each (None: all of them).

    Of a sealed look `agreement` must be one of plain counts and `n_eff` None: the answer then says
    no more than the count does.
    """
    now = facts.decided
    if decision.decision == "pass":
        return Needed(now, now, now, now)
    why_not = _why_not(decision, facts, rule)
    if why_not or agreement.value is None:
        return Needed(None, now, undefined_because=why_not or NOTHING)
    worth = 1.0 if not n_eff else agreement.n / n_eff
    ends = agreement.interval

    def at(share: float | None) -> int | None:
        return None if share is None else _in_all(share, facts, rule, attempt, worth)

    items = at(agreement.value)
    return Needed(
        items,
        now,
        low=at(None if ends is None else ends.high),
        high=at(None if ends is None else ends.low),
        undefined_because="" if items else _why_no_number(agreement.value, facts, rule),
        guards=_guards(decision),
    )


def _why_not(decision: GateDecision, facts: Facts, rule: GateRule) -> str:
    if facts.needs_cut:
        return CUT
    if not facts.decided:
        return NOTHING
    if facts.contested_share > rule.most_contested:
        return CONTESTED
    return OUT_OF_REACH if decision.decision == "unattainable" else ""


def _guards(decision: GateDecision) -> tuple[str, ...]:
    """The failed checks about the judge itself: no number of items mends those by itself."""
    of_number = (BOUND, SPARED, "decided items", "clusters", "labels in", "reference items")
    return tuple(name for name in decision.failed if not name.startswith(of_number))


def _in_all(
    share: float, facts: Facts, rule: GateRule, attempt: Attempt, worth: float
) -> int | None:
    """The largest of what each rule asks for; None where one asks for what no number gives."""
    try:
        counts = list(_asked(share, facts, rule, attempt, worth))
    except planning.NoNumber:
        return None
    return max(counts)


def _asked(
    share: float, facts: Facts, rule: GateRule, attempt: Attempt, worth: float
) -> Iterator[int]:
    n = facts.decided
    independent = planning.gate_items(
        true=share, target=rule.target, level=attempt.level, spare=attempt.spare
    )
    yield math.ceil(independent * worth)
    yield rule.least_items
    if facts.clusters < rule.least_clusters:
        yield math.ceil(rule.least_clusters * n / facts.clusters)
    for label in tuple(facts.per_label) if facts.is_two_label else rule.must_catch:
        found = facts.per_label.get(label, 0)
        if not found:
            raise planning.NoNumber(f"No item has the label {label}.")
        if found < rule.least_per_label:
            yield math.ceil(rule.least_per_label * n / found)


def _why_no_number(share: float, facts: Facts, rule: GateRule) -> str:
    if share <= rule.target:
        return NOT_ABOVE
    wanted = tuple(facts.per_label) if facts.is_two_label else rule.must_catch
    missing = [label for label in wanted if not facts.per_label.get(label)]
    if missing:
        return f"no decided item has the label {', '.join(missing)} yet"
    return TOO_MANY
