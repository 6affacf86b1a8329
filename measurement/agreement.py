"""Agreement among people: each figure with its n and interval, or the reason for none.

A table enters as counts: `counts[item, label]` is how many raters gave the label. Resampling
takes whole items (or clusters); every figure is a formula over sums of per-item features, so a
replicate never goes back to the labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from measurement import intervals
from measurement.table import Estimate, Floats, Interval, Ints, Level, RatingTable, Scale

MOST_KAPPA_RATERS = 50
_LARGEST_CUBE = 20_000_000
_DOMINANT = 0.9

NO_PAIR = "no item has two labels"
ONE_LABEL = "all labels are the same, so there is no disagreement to compare with"


def label_counts(items: Ints, codes: Ints, *, n_items: int, n_labels: int) -> Ints:
    """How many raters gave each label on each item, (items x labels); negative codes are none."""
    given = codes >= 0
    flat = items[given] * n_labels + codes[given]
    return np.bincount(flat, minlength=n_items * n_labels).reshape(n_items, n_labels)


def counts_of(table: RatingTable, scale: Scale) -> Ints:
    """The counts of a table on a scale, (items x labels of the scale)."""
    return label_counts(
        table.item_codes,
        table.coded(scale),
        n_items=len(table.items),
        n_labels=len(scale.labels),
    )


# percent agreement ------------------------------------------------------------------------


def agreeing_pairs(counts: Ints) -> tuple[Floats, Floats]:
    """For each item the pairs of votes that agree, and all its pairs."""
    votes = counts.sum(axis=1)
    return (counts * (counts - 1) / 2).sum(axis=1), votes * (votes - 1) / 2


def percent_agreement(counts: Ints, clusters: Ints) -> Estimate:
    """Pairs of votes on one item that agree, pooled over items; n = pairs."""
    agreeing, pairs = agreeing_pairs(counts)
    return intervals.share(agreeing, pairs, clusters, because=NO_PAIR)


def all_agree(counts: Ints, clusters: Ints) -> Estimate:
    """Items with two or more labels of which all are the same; n = such items.

    Falls with the number of raters: compare only at equal numbers.
    """
    several = counts.sum(axis=1) >= 2
    unanimous = (counts > 0).sum(axis=1) == 1
    return intervals.share(
        (several & unanimous).astype(np.float64),
        several.astype(np.float64),
        clusters,
        because=NO_PAIR,
    )


# Krippendorff's alpha ---------------------------------------------------------------------


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
    features, formula = _alpha_parts(counts, level, numbers)
    value = _alpha_value(counts, level, numbers, features, formula)
    drawn = intervals.bootstrap(features, clusters, formula, seed=seed)
    return Estimate(value, n, drawn.interval()), drawn


def _alpha_value(
    counts: Ints,
    level: Level,
    numbers: Floats,
    features: Floats,
    formula: Callable[[Floats], Floats],
) -> float:
    """The package's value; it holds items x labels² numbers, so huge tables use our formula."""
    if counts.size * counts.shape[1] > _LARGEST_CUBE:
        return float(formula(features.sum(axis=0, keepdims=True))[0])
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


def _interval_parts(counts: Ints, numbers: Floats) -> tuple[Floats, Callable[[Floats], Floats]]:
    """Features: votes, Σx, Σx² and the item's squared differences / (m − 1), x about the mean."""
    votes = counts.sum(axis=1).astype(np.float64)
    centred = numbers - (counts @ numbers).sum() / votes.sum()
    first, second = counts @ centred, counts @ centred**2
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


# Fleiss, Gwet -----------------------------------------------------------------------------


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
    return _estimate(features, clusters, formula, n=n, seed=seed)


def ac1(counts: Ints, clusters: Ints, *, seed: int) -> Estimate:
    """Gwet's AC1 (2008) with the categories of the scale; n = items with ≥ 2 labels.

    Stable when one label dominates, and for that reason no guard against constant raters.
    """
    labels = counts.shape[1]
    return ac2(counts, clusters, weights=np.eye(labels), seed=seed)


def ac2(counts: Ints, clusters: Ints, *, weights: Floats, seed: int) -> Estimate:
    """Gwet's AC2: AC1 with partial credit `weights` (labels x labels, 1 on the diagonal)."""
    rated = counts.sum(axis=1) > 0
    counts, clusters = counts[rated], clusters[rated]
    votes, labels = counts.sum(axis=1), counts.shape[1]
    several = votes >= 2
    n = int(several.sum())
    if n == 0:
        return Estimate.undefined(NO_PAIR)
    if labels < 2:
        return Estimate.undefined("the scale has one label", n=n)
    credit = (counts * (counts @ weights - 1)).sum(axis=1)
    agreement = np.where(several, credit / np.maximum(votes * (votes - 1), 1), 0.0)
    total = float(weights.sum())

    def formula(sums: Floats) -> Floats:
        shares = sums[:, :labels] / sums[:, labels, None]
        observed = sums[:, labels + 1] / sums[:, labels + 2]
        chance = total * (shares * (1 - shares)).sum(axis=1) / (labels * (labels - 1))
        return (observed - chance) / (1 - chance)

    features = np.column_stack([counts / votes[:, None], np.ones(len(counts)), agreement, several])
    return _estimate(features.astype(np.float64), clusters, formula, n=n, seed=seed)


def credit_weights(numbers: Floats, *, power: int) -> Floats:
    """Partial credit for AC2: 1 − (distance / range)^power; 1 is linear, 2 quadratic."""
    distance = np.abs(numbers[:, None] - numbers[None, :])
    return np.asarray(1 - (distance / distance.max()) ** power)


def _estimate(
    features: Floats,
    clusters: Ints,
    formula: Callable[[Floats], Floats],
    *,
    n: int,
    seed: int,
) -> Estimate:
    value = float(formula(features.sum(axis=0, keepdims=True))[0])
    drawn = intervals.bootstrap(features, clusters, formula, seed=seed)
    return Estimate(value, n, drawn.interval())


# Cohen's kappa ----------------------------------------------------------------------------


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
    for a, b in combinations(range(len(table.raters)), 2):
        (items_a, codes_a), (items_b, codes_b) = by_rater[a], by_rater[b]
        shared, in_a, in_b = np.intersect1d(
            items_a, items_b, assume_unique=True, return_indices=True
        )
        estimate = cohen_kappa(
            codes_a[in_a], codes_b[in_b], table.cluster_codes[shared], weights=weights
        )
        yield PairKappa(table.raters[a], table.raters[b], estimate)


# intraclass correlation -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MeanSquares:
    """Two-way mean squares of a complete table: items, raters, rest; `n` items, `k` raters."""

    n: int
    k: int
    items: float
    raters: float
    rest: float

    @classmethod
    def of(cls, ratings: Floats) -> MeanSquares:
        n, k = ratings.shape
        mean = ratings.mean()
        by_item, by_rater = ratings.mean(axis=1) - mean, ratings.mean(axis=0) - mean
        rest = ratings - mean - by_item[:, None] - by_rater[None, :]
        return cls(
            n,
            k,
            items=float(k * (by_item**2).sum() / (n - 1)),
            raters=float(n * (by_rater**2).sum() / (k - 1)),
            rest=float((rest**2).sum() / ((n - 1) * (k - 1))),
        )


def icc(ratings: Floats, clusters: Ints, *, seed: int, of_mean: bool = False) -> Estimate:
    """ICC(2,1), or ICC(2,k) for the mean of all raters (Shrout and Fleiss 1979); n = items.

    `ratings` (items x raters) complete. Absolute agreement, raters a sample. The interval is
    McGraw and Wong's, or the cluster bootstrap where items share clusters.
    """
    n, k = ratings.shape
    if n < 2 or k < 2:
        return Estimate.undefined("it needs two items and two raters", n=n)
    if np.ptp(ratings) == 0:
        return Estimate.undefined(ONE_LABEL, n=n)
    squares = MeanSquares.of(ratings)
    single = _icc_single(squares)
    interval: Interval | None = _icc_interval(squares, single)
    if len(np.unique(clusters)) < n:
        interval = _icc_bootstrap(ratings, clusters, seed=seed)
    if not of_mean:
        return Estimate(single, n, interval)
    bounds = None
    if interval is not None:
        low, high = _stepped_up(interval.low, k), _stepped_up(interval.high, k)
        bounds = Interval(low, high, interval.level, interval.method)
    return Estimate(_stepped_up(single, k), n, bounds)


def _icc_single(squares: MeanSquares) -> float:
    offset = squares.k * (squares.raters - squares.rest) / squares.n
    spread = squares.items + (squares.k - 1) * squares.rest + offset
    return (squares.items - squares.rest) / spread


def _stepped_up(single: float, k: int) -> float:
    """Spearman–Brown: the reliability of the mean of k raters."""
    return k * single / (1 + (k - 1) * single)


def _icc_interval(squares: MeanSquares, value: float) -> Interval:
    from scipy.special import fdtri

    n, k = squares.n, squares.k
    if squares.rest <= 0:
        return Interval(value, value, 0.95, "F")
    between = k * value * squares.raters / squares.rest
    within = n * (1 + (k - 1) * value) - k * value
    top = (k - 1) * (n - 1) * (between + within) ** 2
    df = top / ((n - 1) * between**2 + within**2)
    upper, lower = float(fdtri(n - 1, df, 0.975)), float(fdtri(df, n - 1, 0.975))
    rest = k * squares.raters + (k * n - k - n) * squares.rest
    low = n * (squares.items - upper * squares.rest) / (upper * rest + n * squares.items)
    high = n * (lower * squares.items - squares.rest) / (rest + n * lower * squares.items)
    return Interval(low, min(1.0, high), 0.95, "F")


def _icc_bootstrap(ratings: Floats, clusters: Ints, *, seed: int) -> Interval | None:
    n, k = ratings.shape
    centred = ratings - ratings.mean()
    totals = centred.sum(axis=1)
    features = np.column_stack([np.ones(n), totals**2, (centred**2).sum(axis=1), centred])

    def formula(sums: Floats) -> Floats:
        items, between, squares, columns = sums[:, 0], sums[:, 1], sums[:, 2], sums[:, 3:]
        correction = columns.sum(axis=1) ** 2 / (items * k)
        by_item = between / k - correction
        by_rater = (columns**2).sum(axis=1) / items - correction
        rest = (squares - correction - by_item - by_rater) / ((items - 1) * (k - 1))
        by_item, by_rater = by_item / (items - 1), by_rater / (k - 1)
        spread = by_item + (k - 1) * rest + k * (by_rater - rest) / items
        return np.where(spread > 0, (by_item - rest) / spread, np.nan)

    return intervals.bootstrap(features, clusters, formula, seed=seed).interval()


def _table_icc(table: RatingTable, scale: Scale, *, seed: int) -> Estimate:
    if not scale.is_numeric:
        return Estimate.undefined("the labels are not numbers")
    if scale.level == "nominal":
        return Estimate.undefined("the labels are read as categories")
    codes = table.coded(scale)
    shape = (len(table.items), len(table.raters))
    if (codes >= 0).sum() != shape[0] * shape[1]:
        return Estimate.undefined("not every rater labelled every item: see alpha")
    ratings = np.empty(shape)
    ratings[table.item_codes, table.rater_codes] = scale.numbers()[codes]
    return icc(ratings, table.cluster_codes, seed=seed)


# the summary ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AgreementSummary:
    """What a page or a command shows about the people of one dimension."""

    items: int
    raters: int
    labels: int
    repeats: int
    clusters: int
    percent_agreement: Estimate
    all_agree: Estimate
    alpha: Estimate
    ac1: Estimate
    kappa: tuple[PairKappa, ...]
    fleiss: Estimate
    icc: Estimate
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """One dimension object of `agreement --json`, with `notes` beside it."""
        return {
            "items": self.items,
            "raters": self.raters,
            "labels": self.labels,
            "repeats": self.repeats,
            "clusters": self.clusters,
            "percent_agreement": self.percent_agreement.as_dict(),
            "all_agree": self.all_agree.as_dict(),
            "alpha": self.alpha.as_dict(),
            "ac1": self.ac1.as_dict(),
            "kappa": [pair.as_dict() for pair in self.kappa],
            "fleiss": self.fleiss.as_dict(),
            "icc": self.icc.as_dict(),
            "notes": list(self.notes),
        }


def summarise(table: RatingTable, *, scale: Scale | None = None, seed: int = 0) -> AgreementSummary:
    """Every agreement figure of one dimension; the scale is the one seen unless given.

    Raises OutsideScale for a label that the scale does not have.
    """
    scale = scale or Scale.seen(table.labels)
    counts, clusters = counts_of(table, scale), table.cluster_codes
    found_alpha, drawn = alpha_replicates(
        counts, clusters, level=scale.level, numbers=scale.numbers(), seed=seed
    )
    few = len(table.raters) <= MOST_KAPPA_RATERS
    return AgreementSummary(
        items=len(table.items),
        raters=len(table.raters),
        labels=int(counts.sum()),
        repeats=table.repeats,
        clusters=table.clusters,
        percent_agreement=percent_agreement(counts, clusters),
        all_agree=all_agree(counts, clusters),
        alpha=found_alpha,
        ac1=ac1(counts, clusters, seed=seed),
        kappa=tuple(pair_kappas(table, scale=scale)) if few else (),
        fleiss=fleiss(counts, clusters, seed=seed),
        icc=_table_icc(table, scale, seed=seed),
        notes=tuple(_notes(counts, found_alpha, drawn, table, few_raters=few)),
    )


def _notes(
    counts: Ints,
    found: Estimate,
    drawn: intervals.Replicates | None,
    table: RatingTable,
    *,
    few_raters: bool,
) -> Iterator[str]:
    """What has to stand beside the figures so that nobody misreads them."""
    total = counts.sum()
    dominant = bool(total) and counts.sum(axis=0).max() / total > _DOMINANT
    if dominant:
        yield (
            "Almost all labels are the same; "
            "the data cannot show whether raters can tell the cases apart."
        )
    enough = 100 if dominant else 50
    if found.is_defined and found.n < enough:
        yield f"Alpha's interval is too short below {enough} items."
    if drawn is not None and drawn.undefined:
        yield f"Alpha has no value in {drawn.undefined} of {len(drawn.values)} replicates."
    if found.value == 1:
        yield "Every pair agrees, so resampling cannot show how far alpha may be from 1."
    if len(table.raters) < 2:
        yield "One rater: agreement needs labels of two raters on the same items."
    if not few_raters:
        yield f"Kappa by pair is left out above {MOST_KAPPA_RATERS} raters: see alpha."
