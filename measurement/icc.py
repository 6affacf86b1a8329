"""Intraclass correlation: ratings as numbers, complete items x raters."""

from __future__ import annotations

from dataclasses import dataclass

from measurement import intervals
from measurement.arrays import Floats, Ints, distinct, np
from measurement.counts import ONE_LABEL
from measurement.estimate import Estimate, Interval
from measurement.scale import Scale
from measurement.table import RatingTable

_NO_SPREAD = 1e-12


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
    McGraw and Wong's (1996), or the bootstrap by cluster where items share one.
    """
    n, k = ratings.shape
    if n < 2 or k < 2:
        return Estimate.undefined("it needs two items and two raters", n=n)
    if np.ptp(ratings) == 0:
        return Estimate.undefined(ONE_LABEL, n=n)
    squares = MeanSquares.of(ratings)
    if squares.items < _NO_SPREAD * (squares.raters + squares.rest):
        return Estimate.undefined("the items' mean ratings do not differ", n=n)
    single = _icc_single(squares)
    interval = _icc_interval(squares, single) if distinct(clusters) == n else None
    interval = interval or _icc_bootstrap(ratings, clusters, seed=seed)
    return _of_mean(single, interval, n=n, k=k) if of_mean else Estimate(single, n, interval)


def _of_mean(single: float, interval: Interval | None, *, n: int, k: int) -> Estimate:
    """ICC(2,k) from ICC(2,1); a bound that no mean of k raters can have is left out."""
    value = _stepped_up(single, k)
    if value is None:
        return Estimate.undefined("the raters' offsets outweigh the items' differences", n=n)
    if interval is None:
        return Estimate(value, n)
    low, high = _stepped_up(interval.low, k), _stepped_up(interval.high, k)
    if low is None or high is None:
        return Estimate(value, n)
    return Estimate(value, n, Interval(low, high, interval.level, interval.method))


def _icc_single(squares: MeanSquares) -> float:
    offset = squares.k * (squares.raters - squares.rest) / squares.n
    spread = squares.items + (squares.k - 1) * squares.rest + offset
    return (squares.items - squares.rest) / spread


def _stepped_up(single: float, k: int) -> float | None:
    """Spearman–Brown: the reliability of the mean of k raters; None where it has a pole."""
    below = 1 + (k - 1) * single
    return k * single / below if below > _NO_SPREAD else None


def _icc_interval(squares: MeanSquares, value: float) -> Interval | None:
    """McGraw and Wong's interval; None where its formula breaks (few items, negative values)."""
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
    return Interval(low, min(1.0, high), 0.95, "F") if low <= value <= high else None


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
        return np.where(spread > _NO_SPREAD * squares, (by_item - rest) / spread, np.nan)

    return intervals.bootstrap(features, clusters, formula, seed=seed).interval()


def table_icc(table: RatingTable, scale: Scale, *, seed: int, of_mean: bool = False) -> Estimate:
    """ICC(2,1), or ICC(2,k), of a table on a numeric scale, or why it has none; n = items."""
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
    return icc(ratings, table.cluster_codes, seed=seed, of_mean=of_mean)
