"""A judge's points against people's on a rating scale: how far apart, item by item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from measurement import intervals
from measurement.arrays import Bools, Floats, np
from measurement.estimate import Estimate
from measurement.icc import icc
from measurement.sheet import Sheet

NO_SHARED = "no item has both a human point and a verdict"
NO_SPREAD = "it needs two items"
_TIMES = 1.959963984540054
"""Standard deviations that hold the middle 95 % of a normal spread."""


@dataclass(frozen=True, slots=True)
class Points:
    """Of a rating scale alone.

    `within_one` counts missing verdicts as misses, as exact agreement does; `one_off` and `two_off`
    are shares of the items with both points. `limits` of agreement hold the middle 95 % of judge
    minus people's mean (Bland and Altman 1986), `icc` is ICC(2,1) of the two.
    """

    within_one: Estimate
    one_off: Estimate
    two_off: Estimate
    limit_low: Estimate
    limit_high: Estimate
    icc: Estimate

    def as_dict(self) -> dict[str, Any]:
        return {
            "within_one": self.within_one.as_dict(),
            "one_off": self.one_off.as_dict(),
            "two_off": self.two_off.as_dict(),
            "limit_low": self.limit_low.as_dict(),
            "limit_high": self.limit_high.as_dict(),
            "icc": self.icc.as_dict(),
        }


def points(sheet: Sheet, *, seed: int) -> Points | None:
    """How far the judge's points lie from people's; None where the labels are no rating scale."""
    if not sheet.scale.is_rating:
        return None
    people = sheet.human_points >= 0
    both = people & (sheet.judge_points >= 0)
    steps = np.abs(sheet.judge_points - sheet.human_points)
    low, high, same = _numbers(sheet, seed=seed)
    return Points(
        within_one=_share(sheet, both & (steps <= 1), people),
        one_off=_share(sheet, steps == 1, both),
        two_off=_share(sheet, steps == 2, both),
        limit_low=low,
        limit_high=high,
        icc=same,
    )


def _share(sheet: Sheet, hits: Bools, among: Bools) -> Estimate:
    return intervals.share(
        (hits & among).astype(np.float64),
        among.astype(np.float64),
        sheet.clusters,
        because=NO_SHARED,
    )


def _numbers(sheet: Sheet, *, seed: int) -> tuple[Estimate, Estimate, Estimate]:
    """The limits of agreement and ICC(2,1), on the items of the denominator with a verdict."""
    both = sheet.denominator & sheet.has_mean & (sheet.judge_points >= 0)
    n = int(both.sum())
    if n < 2:
        none = Estimate.undefined(NO_SPREAD, n=n)
        return none, none, none
    judge = sheet.scale.numbers()[sheet.judge_points[both]]
    people, clusters = sheet.human_means()[both], sheet.clusters[both]
    apart = judge - people
    features = np.column_stack([np.ones(n), apart, apart**2])

    def limit(sign: float) -> Estimate:
        def formula(sums: Floats) -> Floats:
            count, total, squares = sums.T
            mean = total / count
            spread = np.maximum(squares - count * mean**2, 0) / (count - 1)
            return np.asarray(mean + sign * _TIMES * np.sqrt(spread))

        return intervals.bootstrapped(features, clusters, formula, n=n, seed=seed)

    same = icc(np.column_stack([judge, people]), clusters, seed=seed)
    return limit(-1.0), limit(1.0), same
