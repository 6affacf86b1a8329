"""Do two sides put the items in the same order? Rank correlations with their intervals.

None of them sees a constant shift, so each stands beside the mean signed difference. Intervals
resample items (or clusters) by the patterns that occur; where there are very many patterns, a
jackknife that leaves out groups of items takes the place of resampling.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from measurement import intervals
from measurement.arrays import Floats, Ints, np
from measurement.estimate import Estimate, Interval
from measurement.intervals import REPLICATES, Replicates

ONE_SIDE_CONSTANT = "one side is the same on every item, so there is no order to compare"
NO_ORDER_AT_ALL = "no rater tells the items apart"
TOO_FEW = "it needs two items"
_MOST_PATTERNS = 1000
_MOST_CELLS = 20_000_000
_CHUNK_CELLS = 4_000_000
_GROUPS = 100
_NO_SPREAD = 1e-12

Weighted = Callable[[Floats], Floats]
"""A figure of weighted patterns: (replicates x patterns) to one value a replicate, or nan."""


class _Patterns(NamedTuple):
    """The different rows of a table (patterns x columns), and each item's pattern."""

    rows: Floats
    places: Ints

    @classmethod
    def of(cls, table: Floats) -> _Patterns:
        rows, places = np.unique(table, axis=0, return_inverse=True)
        return cls(rows, places.reshape(-1))

    def counts(self) -> Floats:
        return np.bincount(self.places, minlength=len(self.rows)).astype(np.float64)


def kendall_tau(one: Floats, other: Floats, clusters: Ints, *, seed: int) -> Estimate:
    """Kendall's τ_b, (C − D) / √((n₀ − n₁)(n₀ − n₂)), ties on each side left out; n = items.

    `one` and `other` hold each side's number for the same items (Kendall 1945).
    """
    return _of_two(one, other, clusters, _tau, _plain_tau, seed=seed)


def spearman(one: Floats, other: Floats, clusters: Ints, *, seed: int) -> Estimate:
    """Spearman's ρ: Pearson's correlation of the average ranks; n = items."""
    return _of_two(one, other, clusters, _rho, _plain(_rho), seed=seed)


def pearson(one: Floats, other: Floats, clusters: Ints, *, seed: int) -> Estimate:
    """Pearson's correlation of the numbers; n = items. Blind to a shift and to a stretch."""
    return _of_two(one, other, clusters, _correlation, _plain(_correlation), seed=seed)


def kendall_w(ratings: Floats, clusters: Ints, *, seed: int) -> Estimate:
    """Kendall's W of complete ratings (items x raters), corrected for ties; n = items.

    12 S / (m²(n³ − n) − m ΣT) for m raters: 1 when all put the items in one order, 0 for none.
    """
    n, raters = ratings.shape
    if n < 2 or raters < 2:
        return Estimate.undefined("it needs two items and two raters", n=n)
    if not np.isfinite(ratings).all():
        return Estimate.undefined("not every rater labelled every item", n=n)
    return _estimate(ratings, clusters, _w, _plain(_w), seed=seed, because=NO_ORDER_AT_ALL)


def _of_two(
    one: Floats,
    other: Floats,
    clusters: Ints,
    build: Callable[[Floats], Weighted],
    plain: Callable[[Floats], float],
    *,
    seed: int,
) -> Estimate:
    if len(one) < 2:
        return Estimate.undefined(TOO_FEW, n=len(one))
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return Estimate.undefined(ONE_SIDE_CONSTANT, n=len(one))
    table = np.column_stack([one, other])
    return _estimate(table, clusters, build, plain, seed=seed, because=ONE_SIDE_CONSTANT)


def _estimate(
    table: Floats,
    clusters: Ints,
    build: Callable[[Floats], Weighted],
    plain: Callable[[Floats], float],
    *,
    seed: int,
    because: str,
) -> Estimate:
    found = _Patterns.of(table)
    groups = len(np.unique(clusters))
    cells = len(found.rows) * (groups if groups < len(table) else 1)
    if len(found.rows) > _MOST_PATTERNS or cells > _MOST_CELLS:
        value = plain(table)
        interval = _jackknife(table, clusters, plain, value, seed=seed)
    else:
        formula = build(found.rows)
        value = float(formula(found.counts()[None, :])[0])
        interval = _resampled(found, clusters, formula, seed=seed).interval()
    if np.isnan(value):
        return Estimate.undefined(because, n=len(table))
    return Estimate(value, len(table), interval)


def _resampled(found: _Patterns, clusters: Ints, formula: Weighted, *, seed: int) -> Replicates:
    n, patterns = len(found.places), len(found.rows)
    units = np.unique(clusters)
    if len(units) == n:
        rng = np.random.default_rng(seed)
        drawn = rng.multinomial(n, found.counts() / n, size=REPLICATES).astype(np.float64)
    else:
        flat = np.searchsorted(units, clusters) * patterns + found.places
        by_cluster = np.bincount(flat, minlength=len(units) * patterns).astype(np.float64)
        drawn = intervals.resampled_sums(
            by_cluster.reshape(len(units), patterns), seed=seed, replicates=REPLICATES
        )
    step = max(1, _CHUNK_CELLS // patterns)
    values = [formula(drawn[start : start + step]) for start in range(0, REPLICATES, step)]
    return Replicates(np.concatenate(values), len(units), "item" if len(units) == n else "cluster")


def _jackknife(
    table: Floats, clusters: Ints, plain: Callable[[Floats], float], value: float, *, seed: int
) -> Interval | None:
    """A t interval from the spread over leaving out each of (at most) a hundred groups."""
    from scipy.special import stdtrit

    units, places = np.unique(clusters, return_inverse=True)
    groups = min(_GROUPS, len(units))
    if groups < 2:
        return None
    group = (np.random.default_rng(seed).permutation(len(units)) % groups)[places]
    left = np.array([plain(table[group != one]) for one in range(groups)])
    spread = (groups - 1) / groups * ((left - left.mean()) ** 2).sum()
    half = float(stdtrit(groups - 1, 0.975)) * float(np.sqrt(spread))
    if np.isnan(half) or np.isnan(value):
        return None
    method = f"jackknife over {groups} groups of items"
    return Interval(max(-1.0, value - half), min(1.0, value + half), 0.95, method)


def _plain(build: Callable[[Floats], Weighted]) -> Callable[[Floats], float]:
    """The figure of a table, each row counted once."""
    return lambda table: float(build(table)(np.ones((1, len(table))))[0])


def _plain_tau(table: Floats) -> float:
    from scipy.stats import kendalltau

    return float(kendalltau(table[:, 0], table[:, 1]).statistic)


def _tau(rows: Floats) -> Weighted:
    first, second = (np.sign(column[:, None] - column[None, :]) for column in rows.T)
    same_way = first * second
    ties = [_Margin.of(column) for column in rows.T]

    def formula(weights: Floats) -> Floats:
        n = weights.sum(axis=1)
        above = ((weights @ same_way) * weights).sum(axis=1) / 2
        one, other = (
            n * (n - 1) / 2 - (t * (t - 1) / 2).sum(axis=1)
            for t in (margin.sizes(weights) for margin in ties)
        )
        return _ratio(above, np.sqrt(one * other))

    return formula


def _rho(rows: Floats) -> Weighted:
    margins = [_Margin.of(column) for column in rows.T]

    def formula(weights: Floats) -> Floats:
        one, other = (margin.ranks(weights) for margin in margins)
        return _weighted_correlation(weights, one, other)

    return formula


def _correlation(rows: Floats) -> Weighted:
    one, other = (rows - rows.mean(axis=0)).T[:, None, :]
    return lambda weights: _weighted_correlation(weights, one, other)


def _weighted_correlation(weights: Floats, one: Floats, other: Floats) -> Floats:
    n = weights.sum(axis=1, keepdims=True)
    first = one - (weights * one).sum(axis=1, keepdims=True) / n
    second = other - (weights * other).sum(axis=1, keepdims=True) / n
    spreads = (weights * first**2).sum(axis=1) * (weights * second**2).sum(axis=1)
    return _ratio((weights * first * second).sum(axis=1), np.sqrt(spreads))


def _w(rows: Floats) -> Weighted:
    margins = [_Margin.of(column) for column in rows.T]
    raters = len(margins)

    def formula(weights: Floats) -> Floats:
        n = weights.sum(axis=1)
        sums, ties = np.zeros_like(weights), np.zeros(len(weights))
        for margin in margins:
            sizes = margin.sizes(weights)
            sums += margin.ranks(weights)
            ties += (sizes**3 - sizes).sum(axis=1)
        apart = (weights * (sums - (raters * (n + 1) / 2)[:, None]) ** 2).sum(axis=1)
        return _ratio(12 * apart, raters**2 * (n**3 - n) - raters * ties)

    return formula


class _Margin(NamedTuple):
    """One column of the patterns: which of them have the same value, lowest value first."""

    order: Ints
    starts: Ints
    codes: Ints

    @classmethod
    def of(cls, column: Floats) -> _Margin:
        order = np.argsort(column, kind="stable")
        _, starts, codes = np.unique(column[order], return_index=True, return_inverse=True)
        placed = np.empty(len(column), dtype=np.int64)
        placed[order] = codes
        return cls(order, starts, placed)

    def sizes(self, weights: Floats) -> Floats:
        """How often each value occurs, (replicates x values)."""
        return np.asarray(np.add.reduceat(weights[:, self.order], self.starts, axis=1))

    def ranks(self, weights: Floats) -> Floats:
        """The average rank of each pattern, (replicates x patterns)."""
        sizes = self.sizes(weights)
        return np.asarray((sizes.cumsum(axis=1) - (sizes - 1) / 2)[:, self.codes])


def _ratio(above: Floats, below: Floats) -> Floats:
    """The quotient, nan where nothing is told apart."""
    is_apart = below > _NO_SPREAD
    return np.where(is_apart, above / np.where(is_apart, below, 1.0), np.nan)
