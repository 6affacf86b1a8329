"""Cohen's kappa of two raters, Fleiss' kappa of equally many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from measurement import intervals
from measurement.arrays import Floats, Ints, np
from measurement.counts import NO_PAIR, ONE_LABEL
from measurement.estimate import Estimate, Interval
from measurement.scale import Scale
from measurement.table import RatingTable


def distances(scale: Scale) -> Floats:
    """Kappa's disagreement weights by level: nominal 0/1, ordinal |i − j|, interval squared."""
    places = np.arange(len(scale.labels), dtype=np.float64)
    gap = np.abs(places[:, None] - places[None, :])
    if scale.level == "nominal":
        return (gap > 0).astype(np.float64)
    if scale.level == "ordinal":
        return gap
    numbers = scale.numbers()
    return np.asarray((numbers[:, None] - numbers[None, :]) ** 2, dtype=np.float64)


def cohen_kappa(one: Ints, other: Ints, clusters: Ints, *, weights: Floats) -> Estimate:
    """Cohen's kappa of two raters on the items both rated; n = those items.

    `one` and `other` are places on the scale (same length), `weights` the disagreement of two
    labels (labels x labels, 0 on the diagonal): all labels of the scale, used or not. The
    interval is the delta method's (Fleiss, Cohen, Everitt 1969), by cluster where items share
    one. Undefined when both use one and the same label throughout.
    """
    n = len(one)
    if n == 0:
        return Estimate.undefined("the two share no item")
    labels = len(weights)
    joint = np.bincount(one * labels + other, minlength=labels**2).reshape(labels, labels) / n
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    observed = float((weights * joint).sum())
    expected = float(rows @ weights @ columns)
    if expected <= 0:
        return Estimate.undefined("both use one and the same label throughout", n=n)
    value = 1 - observed / expected
    margins = (weights @ columns)[one] + (rows @ weights)[other] - 2 * expected
    influence = -(weights[one, other] - observed) / expected + observed / expected**2 * margins
    return Estimate(value, n, _delta_interval(value, influence, clusters))


def _delta_interval(value: float, influence: Floats, clusters: Ints) -> Interval | None:
    from scipy.special import ndtri, stdtrit

    n = len(influence)
    sums = intervals.sum_by(clusters, influence)
    groups = len(sums)
    if groups < 2:
        return None
    factor, quantile = 1.0, float(ndtri(0.975))
    if groups < n:
        factor, quantile = groups / (groups - 1), float(stdtrit(groups - 1, 0.975))
    half = quantile * float(np.sqrt(factor * (sums**2).sum())) / n
    method = "delta method" if groups == n else "delta method by cluster"
    return Interval(max(-1.0, value - half), min(1.0, value + half), 0.95, method)


@dataclass(frozen=True, slots=True)
class PairKappa:
    """Cohen's kappa of two raters."""

    a: str
    b: str
    estimate: Estimate

    def as_dict(self) -> dict[str, Any]:
        return {"a": self.a, "b": self.b, **self.estimate.as_dict()}


def pair_kappas(table: RatingTable, *, scale: Scale) -> Iterator[PairKappa]:
    """Cohen's kappa of each two raters, in the order of their names."""
    codes, weights = table.coded(scale), distances(scale)
    by_rater: list[tuple[Ints, Ints]] = []
    for rater in range(len(table.raters)):
        theirs = (table.rater_codes == rater) & (codes >= 0)
        by_rater.append((table.item_codes[theirs], codes[theirs]))
    for a, (items_a, codes_a) in enumerate(by_rater):
        of_a = np.full(len(table.items), -1, dtype=np.int64)
        of_a[items_a] = codes_a
        for b in range(a + 1, len(by_rater)):
            items_b, codes_b = by_rater[b]
            shared = of_a[items_b] >= 0
            items = items_b[shared]
            estimate = cohen_kappa(
                of_a[items], codes_b[shared], table.cluster_codes[items], weights=weights
            )
            yield PairKappa(table.raters[a], table.raters[b], estimate)


def fleiss(counts: Ints, clusters: Ints, *, seed: int) -> Estimate:
    """Fleiss' kappa (1971); n = items. Needs the same number of ratings, two or more, on each."""
    rated = counts.sum(axis=1) > 0
    counts, clusters = counts[rated], clusters[rated]
    votes = np.unique(counts.sum(axis=1))
    n = len(counts)
    if len(votes) == 0 or votes.max() < 2:
        return Estimate.undefined(NO_PAIR)
    if len(votes) > 1:
        spread = f"between {votes.min()} and {votes.max()}"
        return Estimate.undefined(f"items have {spread} labels, and it needs equal numbers", n=n)
    m = int(votes[0])
    if (counts.sum(axis=0) > 0).sum() < 2:
        return Estimate.undefined(ONE_LABEL, n=n)
    agreement = ((counts**2).sum(axis=1) - m) / (m * (m - 1))

    def formula(sums: Floats) -> Floats:
        items = sums[:, -2]
        chance = ((sums[:, :-2] / (items * m)[:, None]) ** 2).sum(axis=1)
        return np.where(chance < 1, (sums[:, -1] / items - chance) / (1 - chance), np.nan)

    features = np.column_stack([counts, np.ones(n), agreement]).astype(np.float64)
    return intervals.bootstrapped(features, clusters, formula, n=n, seed=seed)
