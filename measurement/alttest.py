"""The Alternative Annotator Test: may the judge stand in for one of the raters?

Calderon, Reichart, Dror, ACL 2025, arXiv 2501.10970. A rater and the judge are held against the
other raters on the same items; ω is the share of raters whom the judge may replace.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from measurement.adjust import benjamini_yekutieli
from measurement.arrays import Floats, Ints, np

LEAST_ITEMS = 30
FALSE_DISCOVERY = 0.05


@dataclass(frozen=True, slots=True)
class RaterTest:
    """One rater: items compared, ρ (share on which the judge is at least as good), p, verdict."""

    rater: str
    n: int
    rho: float
    p: float
    rejected: bool

    def as_dict(self) -> dict[str, Any]:
        return {
            "rater": self.rater,
            "n": self.n,
            "rho": self.rho,
            "p": self.p,
            "rejected": self.rejected,
        }


@dataclass(frozen=True, slots=True)
class AltTest:
    """ω and ρ over the raters tested; `strict_*` with missing verdicts scored worst."""

    omega: float | None
    rho: float | None
    epsilon: float
    raters: tuple[RaterTest, ...]
    strict_omega: float | None
    strict_rho: float | None
    undefined_because: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "omega": self.omega,
            "rho": self.rho,
            "epsilon": self.epsilon,
            "raters": [rater.as_dict() for rater in self.raters],
            "strict": {"omega": self.strict_omega, "rho": self.strict_rho},
            "undefined_because": self.undefined_because,
        }


@dataclass(frozen=True, slots=True)
class Comparisons:
    """One row a vote on an item with other votes: who, and how near each came to the others.

    `judge` is −inf where the judge has no verdict.
    """

    raters: Ints
    rater: Floats
    judge: Floats


def by_match(raters: Ints, items: Ints, votes: Ints, verdicts: Ints, counts: Ints) -> Comparisons:
    """Nearness = share of the other raters with the same label.

    `votes` (≥ 0) stand beside `items` and `raters`, `verdicts` one an item (negative: −1 matches
    nobody, −2 no verdict), `counts` (items x labels) all votes.
    """
    others = counts[items].sum(axis=1) - 1
    kept = others > 0
    raters, items, votes, others = raters[kept], items[kept], votes[kept], others[kept]
    mine = (counts[items, votes] - 1) / others
    theirs = verdicts[items]
    matching = counts[items, np.maximum(theirs, 0)] - (votes == theirs)
    judge = np.where(theirs >= 0, matching / others, 0.0)
    return Comparisons(raters, mine, np.where(theirs == -2, -np.inf, judge))


def by_distance(
    raters: Ints, items: Ints, votes: Floats, verdicts: Floats, n_items: int
) -> Comparisons:
    """Nearness = −√ mean squared difference to the other raters; a missing verdict is nan."""
    sizes = np.bincount(items, minlength=n_items)[items] - 1
    first = np.bincount(items, weights=votes, minlength=n_items)[items] - votes
    second = np.bincount(items, weights=votes**2, minlength=n_items)[items] - votes**2
    kept = sizes > 0
    sizes, first, second = sizes[kept], first[kept], second[kept]

    def nearness(numbers: Floats) -> Floats:
        squared = numbers**2 - 2 * numbers * first / sizes + second / sizes
        return np.asarray(np.round(-np.sqrt(np.maximum(squared, 0.0)), 9), dtype=np.float64)

    judge = nearness(verdicts[items[kept]])
    return Comparisons(
        raters[kept], nearness(votes[kept]), np.where(np.isnan(judge), -np.inf, judge)
    )


def alt_test(names: tuple[str, ...], found: Comparisons, *, epsilon: float) -> AltTest:
    """ω, ρ and each rater's test; raters with fewer than 30 items are left out.

    Missing verdicts are dropped, and once more scored worst. Undefined when nobody is left.
    """
    answered = np.isfinite(found.judge)
    dropped = Comparisons(found.raters[answered], found.rater[answered], found.judge[answered])
    tests, strict = (tuple(_tests(names, rows, epsilon)) for rows in (dropped, found))
    because = "" if tests else f"no rater shares {LEAST_ITEMS} items with the judge and others"
    omega, rho = _overall(tests)
    strict_omega, strict_rho = _overall(strict)
    return AltTest(omega, rho, epsilon, tests, strict_omega, strict_rho, because)


def _overall(tests: tuple[RaterTest, ...]) -> tuple[float | None, float | None]:
    if not tests:
        return None, None
    omega = sum(test.rejected for test in tests) / len(tests)
    return omega, sum(test.rho for test in tests) / len(tests)


def _tests(names: tuple[str, ...], found: Comparisons, epsilon: float) -> Iterator[RaterTest]:
    rows: list[tuple[str, int, float, float]] = []
    for rater in np.unique(found.raters):
        theirs = found.raters == rater
        n = int(theirs.sum())
        if n < LEAST_ITEMS:
            continue
        judge_holds = found.judge[theirs] >= found.rater[theirs]
        rater_holds = found.rater[theirs] >= found.judge[theirs]
        p = _p_value(rater_holds.astype(float) - judge_holds, epsilon)
        rows.append((names[rater], n, float(judge_holds.mean()), p))
    adjusted = benjamini_yekutieli([row[3] for row in rows])
    for row, p in zip(rows, adjusted, strict=True):
        yield RaterTest(*row, rejected=p <= FALSE_DISCOVERY)


def _p_value(advantage: Floats, epsilon: float) -> float:
    """One-sided t-test of mean advantage ≥ ε against < ε; without spread the mean decides."""
    from scipy.special import stdtr

    n = len(advantage)
    mean, deviation = float(advantage.mean()), float(advantage.std(ddof=1))
    if deviation == 0:
        return 0.0 if mean < epsilon else 1.0
    return float(stdtr(n - 1, (mean - epsilon) / (deviation / n**0.5)))
