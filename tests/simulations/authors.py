"""Authors of judges: what one may learn from a look that did not pass, and what they do with it.

An author sees the overall count and the names of the failed checks, never a label, an item or a
slice. A plan names an earlier judge and how many of its answers shall come out anew; whatever the
plan, the next judge is truly as good as the ones before, no better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from measurement.arrays import Floats, Ints
from tests.simulations.sealed import RULE, bound_of

Checks = tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class Returned:
    """What a look gives back in each trial: `count` of `items` agreed; the failed checks' names
    where the author reads them."""

    count: Ints
    items: Ints
    failed: Checks | None


@dataclass(frozen=True, slots=True)
class Plan:
    """For each trial: the earlier judge (by look, from 0) to start from, how many of its answers
    to draw anew, and how far the new answers lean to the higher label."""

    base: Ints
    anew: Ints
    lean: Floats | None = None


def best(seen: Sequence[Returned]) -> Ints:
    """The look with the highest count, in each trial."""
    return np.asarray(np.argmax([look.count for look in seen], axis=0))


@dataclass(frozen=True, slots=True)
class Author:
    """Writes each judge without regard to the others: independent judges."""

    reads_checks: bool = False

    def first_lean(self, trials: int) -> Floats | None:
        return None

    def plan(self, seen: Sequence[Returned]) -> Plan:
        return Plan(np.zeros_like(seen[0].count), seen[0].items)


@dataclass(frozen=True, slots=True)
class Sibling(Author):
    """Changes the same share of the first judge's answers each time, whatever came back."""

    changed: float = 0.3

    def plan(self, seen: Sequence[Returned]) -> Plan:
        return Plan(np.zeros_like(seen[0].count), _part(seen[0].items, self.changed))


@dataclass(frozen=True, slots=True)
class Climber(Author):
    """Changes a share of the answers of the best judge so far."""

    changed: float = 0.1

    def plan(self, seen: Sequence[Returned]) -> Plan:
        return Plan(best(seen), _part(seen[0].items, self.changed))


@dataclass(frozen=True, slots=True)
class Polisher(Author):
    """Polishes a judge that missed the next look's count by a few, else starts anew."""

    within: float = 0.015
    changed: float = 0.05

    def plan(self, seen: Sequence[Returned]) -> Plan:
        items, level = seen[0].items, RULE.level_of(look=len(seen) + 1, one_shot=False)
        top = np.max([look.count for look in seen], axis=0)
        needed = np.array([needed_count(int(n), level) for n in items]) + RULE.spare_hits
        is_near = top >= needed - self.within * items
        return Plan(best(seen), np.where(is_near, _part(items, self.changed), items))


@dataclass(frozen=True, slots=True)
class Calculator(Author):
    """Knows the gate, the level of the next look and that the judges are at 80 %: changes just
    as many answers of the best judge as make the next pass likeliest."""

    def plan(self, seen: Sequence[Returned]) -> Plan:
        level = RULE.level_of(look=len(seen) + 1, one_shot=False)
        base = best(seen)
        top = np.max([look.count for look in seen], axis=0)
        pairs = zip(top.tolist(), seen[0].items.tolist(), strict=True)
        return Plan(base, np.array([likeliest_change(x, n, level) for x, n in pairs]))


@dataclass(frozen=True, slots=True)
class Leaner(Author):
    """Starts lenient and leans the other way as soon as a recall check fails."""

    reads_checks: bool = True
    lean: float = 0.2

    def first_lean(self, trials: int) -> Floats | None:
        return np.full(trials, self.lean)

    def plan(self, seen: Sequence[Returned]) -> Plan:
        failed = seen[-1].failed or ()
        lenient = np.array([any(name.startswith("recall of no") for name in x) for x in failed])
        strict = np.array([any(name.startswith("recall of yes") for name in x) for x in failed])
        lean = np.where(lenient, -self.lean / 4, np.where(strict, self.lean / 2, self.lean / 4))
        items = seen[0].items
        return Plan(best(seen), np.where(lenient | strict, items, _part(items, 0.1)), lean)


def _part(items: Ints, share: float) -> Ints:
    return np.asarray(np.rint(items * share), dtype=np.int64)


@cache
def needed_count(n: int, level: float) -> int:
    """The smallest count of n whose lower bound is above the target."""
    return next(k for k in range(n + 1) if bound_of(k, n, level) > RULE.target)


@cache
def likeliest_change(count: int, n: int, level: float) -> int:
    """How many answers of a judge with this count to change for the best chance of a pass."""
    from scipy.stats import binom, hypergeom

    needed = needed_count(n, level) + RULE.spare_hits
    changes = np.arange(0, n + 1, max(1, n // 50))
    kept = np.arange(n + 1)
    chances = [
        float(
            hypergeom.pmf(kept, n, count, n - change)
            @ binom.sf(needed - 1 - kept, change, RULE.target)
        )
        for change in changes
    ]
    return int(changes[int(np.argmax(chances))])
