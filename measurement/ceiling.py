"""What people reach among themselves: the figure without which a judge's cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from measurement import intervals
from measurement.agreement import percent_agreement
from measurement.arrays import Floats, Ints, np
from measurement.counts import majority_of_others
from measurement.estimate import Estimate, Interval
from measurement.sheet import Sheet

NO_MAJORITY = "no item has a majority among the other raters"


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Leave-one-out: each rater against the strict majority of the others, averaged over raters.

    `judge_same_items` holds the judge against the same majorities on the same items;
    `difference` is judge − people, paired. n = comparisons (votes). `pairwise` is people's
    agreement by pairs of votes on the tested labels, n = pairs.
    """

    people: Estimate
    judge_same_items: Estimate
    difference: Estimate
    pairwise: Estimate

    def as_dict(self) -> dict[str, Any]:
        return {
            "people": self.people.as_dict(),
            "judge_same_items": self.judge_same_items.as_dict(),
            "difference": self.difference.as_dict(),
            "pairwise": self.pairwise.as_dict(),
        }


def ceiling(sheet: Sheet) -> Ceiling:
    """The human ceiling of a sheet. A missing verdict of the judge is a miss here too."""
    pairwise = percent_agreement(sheet.counts, sheet.clusters)
    majority = majority_of_others(sheet.counts, sheet.vote_items, sheet.votes)
    kept = majority >= 0
    if not kept.any():
        none = Estimate.undefined(NO_MAJORITY)
        return Ceiling(none, none, none, pairwise)
    items, raters, majority = sheet.vote_items[kept], sheet.vote_raters[kept], majority[kept]
    people = (sheet.votes[kept] == majority).astype(np.float64)
    judge = (sheet.judge[items] == majority).astype(np.float64)
    clusters = sheet.clusters[items]
    return Ceiling(
        people=_share(people, raters, clusters),
        judge_same_items=_share(judge, raters, clusters),
        difference=_difference(judge - people, raters, clusters),
        pairwise=pairwise,
    )


def _mean_over_raters(values: Floats, raters: Ints, clusters: Ints) -> tuple[float, float, int]:
    """The mean over raters of each one's mean, its variance between clusters, and clusters."""
    _, places = np.unique(raters, return_inverse=True)
    sizes = np.bincount(places)
    means = np.bincount(places, weights=values) / sizes
    influence = (values - means[places]) / (sizes[places] * len(sizes))
    sums = intervals.sum_by(clusters, influence)
    groups = len(sums)
    factor = groups / (groups - 1) if groups > 1 else 0.0
    return float(means.mean()), factor * float((sums**2).sum()), groups


def _share(values: Floats, raters: Ints, clusters: Ints) -> Estimate:
    mean, variance, groups = _mean_over_raters(values, raters, clusters)
    n = len(values)
    worth = intervals.worth(mean, variance, n, groups, level=0.025)
    interval = intervals.wilson(mean * worth, worth)
    method = f"Wilson on {worth:.1f} effective of {n}"
    return Estimate(mean, n, Interval(interval.low, interval.high, 0.95, method))


def _difference(values: Floats, raters: Ints, clusters: Ints) -> Estimate:
    from scipy.special import stdtrit

    mean, variance, groups = _mean_over_raters(values, raters, clusters)
    if groups < 2:
        return Estimate(mean, len(values))
    half = float(stdtrit(groups - 1, 0.975)) * variance**0.5
    interval = Interval(mean - half, mean + half, 0.95, "paired, by item or cluster")
    return Estimate(mean, len(values), interval)
