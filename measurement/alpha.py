"""Krippendorff's alpha: the package's value, our own resampling."""

from __future__ import annotations

from collections.abc import Callable

from measurement import intervals
from measurement.arrays import Floats, Ints, np
from measurement.counts import NO_PAIR, ONE_LABEL
from measurement.estimate import Estimate
from measurement.scale import Level

_LARGEST_CUBE = 10_000_000
_MOST_PAIRED_LABELS = 20


def alpha(counts: Ints, clusters: Ints, *, level: Level, numbers: Floats, seed: int) -> Estimate:
    """Krippendorff's alpha (Computing Krippendorff's Alpha-Reliability, 2011); n = items with ≥ 2.

    `counts` (items x labels, lowest label first), `numbers` the labels' values for the level
    interval. The value is the krippendorff package's; the interval resamples items or clusters
    (Zapf et al. 2016). Undefined without a pair, or when all pairable labels are the same.
    """
    estimate, _ = alpha_replicates(counts, clusters, level=level, numbers=numbers, seed=seed)
    return estimate


def alpha_replicates(
    counts: Ints, clusters: Ints, *, level: Level, numbers: Floats, seed: int
) -> tuple[Estimate, intervals.Replicates | None]:
    """Alpha with the replicates behind its interval, for one-sided bounds."""
    pairable = counts.sum(axis=1) >= 2
    counts, clusters = counts[pairable], clusters[pairable]
    used = counts.sum(axis=0) > 0
    counts, numbers = counts[:, used], numbers[used]
    n = len(counts)
    if n == 0:
        return Estimate.undefined(NO_PAIR), None
    if counts.shape[1] < 2:
        return Estimate.undefined(ONE_LABEL, n=n), None
    if level == "ordinal" and counts.shape[1] > _MOST_PAIRED_LABELS:
        by_weights = _ordinal_by_weights(counts)
        ours = by_weights(np.ones((1, n)))
        drawn = intervals.bootstrap_by_weights(clusters, by_weights, seed=seed)
    else:
        features, formula = _alpha_parts(counts, level, numbers)
        ours = formula(features.sum(axis=0, keepdims=True))
        drawn = intervals.bootstrap(features, clusters, formula, seed=seed)
    value = _value_of_package(counts, level, numbers)
    return Estimate(float(ours[0]) if value is None else value, n, drawn.interval()), drawn


def _value_of_package(counts: Ints, level: Level, numbers: Floats) -> float | None:
    """The package's value; it holds items x labels² numbers, so huge tables get None."""
    if counts.size * counts.shape[1] > _LARGEST_CUBE:
        return None
    import krippendorff

    return float(
        krippendorff.alpha(value_counts=counts, value_domain=numbers, level_of_measurement=level)
    )


def _alpha_parts(
    counts: Ints, level: Level, numbers: Floats
) -> tuple[Floats, Callable[[Floats], Floats]]:
    if level == "nominal":
        return _nominal_parts(counts)
    if level == "ordinal":
        return _ordinal_parts(counts)
    return _interval_parts(counts, numbers)


def _nominal_parts(counts: Ints) -> tuple[Floats, Callable[[Floats], Floats]]:
    """Features: counts by label, and the item's disagreeing ordered pairs / (m − 1)."""
    votes = counts.sum(axis=1)
    observed = (votes**2 - (counts**2).sum(axis=1)) / (votes - 1)

    def formula(sums: Floats) -> Floats:
        totals, disagreement = sums[:, :-1], sums[:, -1]
        n = totals.sum(axis=1)
        expected = n**2 - (totals**2).sum(axis=1)
        return _alpha_of(n, disagreement, expected)

    return np.column_stack([counts, observed]).astype(np.float64), formula


def _ordinal_parts(counts: Ints) -> tuple[Floats, Callable[[Floats], Floats]]:
    """Features: counts by label, and the coincidences of each unordered pair of labels.

    The distance of two labels depends on the totals of the replicate, so each pair is kept.
    """
    labels = counts.shape[1]
    one, other = np.triu_indices(labels, k=1)
    votes = counts.sum(axis=1)
    coincidences = 2 * counts[:, one] * counts[:, other] / (votes - 1)[:, None]

    def formula(sums: Floats) -> Floats:
        totals, pairs = sums[:, :labels], sums[:, labels:]
        middle = np.cumsum(totals, axis=1) - totals / 2
        distance = (middle[:, other] - middle[:, one]) ** 2
        expected = 2 * (totals[:, one] * totals[:, other] * distance).sum(axis=1)
        return _alpha_of(totals.sum(axis=1), (pairs * distance).sum(axis=1), expected)

    return np.column_stack([counts, coincidences]).astype(np.float64), formula


def _ordinal_by_weights(counts: Ints) -> Callable[[Floats], Floats]:
    """Ordinal alpha from how often each item is drawn (replicates x items).

    Ordinal distances are differences of middle ranks, so alpha is that of the interval level with
    each label's middle rank in the replicate as its number. Costs as much as there are labels
    given, where the sums of pairs grow with the square of the scale.
    """
    from scipy.sparse import csr_array

    votes = counts.sum(axis=1).astype(np.float64)[:, None]
    given = csr_array(counts.astype(np.float64))

    def figure(weights: Floats) -> Floats:
        totals = (given.T @ weights.T).T
        n = totals.sum(axis=1)
        middle = np.cumsum(totals, axis=1) - totals / 2 - n[:, None] / 2
        first, second = given @ middle.T, given @ (middle**2).T
        observed = 2 * (votes * second - first**2) / (votes - 1)
        expected = 2 * n * (totals * middle**2).sum(axis=1)
        return _alpha_of(n, (weights.T * observed).sum(axis=0), expected)

    return figure


def _interval_parts(counts: Ints, numbers: Floats) -> tuple[Floats, Callable[[Floats], Floats]]:
    """Features: votes, Σx, Σx² and the item's squared differences / (m − 1), x about a label.

    About the label next to the mean and not the mean itself: whole numbers stay whole, so that
    items with equal sums are equal to the last bit on any machine and are drawn together.
    """
    votes = counts.sum(axis=1).astype(np.float64)
    mean = (counts.sum(axis=0) * numbers).sum() / votes.sum()
    centred = numbers - numbers[np.abs(numbers - mean).argmin()]
    first, second = (counts * centred).sum(axis=1), (counts * centred**2).sum(axis=1)
    observed = np.maximum(2 * (votes * second - first**2), 0.0) / (votes - 1)

    def formula(sums: Floats) -> Floats:
        n, total, squares, disagreement = sums.T
        expected = 2 * (n * squares - total**2)
        expected = np.where(expected > 1e-9 * n * squares, expected, 0.0)
        return _alpha_of(n, disagreement, expected)

    return np.column_stack([votes, first, second, observed]), formula


def _alpha_of(n: Floats, disagreement: Floats, expected: Floats) -> Floats:
    """1 − D_o / D_e from their numerators; nan where all values are the same."""
    return np.where(expected > 0, 1 - (n - 1) * disagreement / expected, np.nan)
