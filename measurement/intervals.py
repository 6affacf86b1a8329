"""Intervals and bounds: shares of independent or clustered things, and resampling of items."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from measurement.arrays import Floats, Ints, distinct, np
from measurement.estimate import Estimate, Interval

REPLICATES = 2000
SEED = 20_261_123
"""Where resampling starts unless told otherwise: the same data give the same interval anywhere."""
_NO_SPREAD = 1e-12
_CHUNK_CELLS = 14_000
"""Draws at once. Arrays of up to 128 KB come out of memory that the process holds; larger ones are
asked of the system each time, which takes as long as to fill them."""
_LEAST_AT_ONCE = 16
_FEW_UNITS = 1024
"""Of up to so many a unit is drawn with 16 random bits, at half the time of 32, and hardly one
draw in a hundred has to be taken again to be fair."""
_MANY_COLUMNS, _MANY_ZEROS = 40, 4
_FEW_PATTERNS = 16
"""One binomial draw takes as long as so many plain ones."""


def wilson(hits: float, n: float, *, level: float = 0.95) -> Interval:
    """Wilson's interval for a share: the one to display (Brown, Cai, DasGupta 2001)."""
    from scipy.special import ndtri

    z2 = float(ndtri(0.5 + level / 2)) ** 2
    share = hits / n
    middle = share + z2 / (2 * n)
    half = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n)))
    low = (middle - half) / (1 + z2 / n) if hits > 0 else 0.0
    high = (middle + half) / (1 + z2 / n) if hits < n else 1.0
    return Interval(max(0.0, float(low)), min(1.0, float(high)), level, "Wilson")


def lower_bound(hits: float, n: float, *, level: float = 0.05) -> float:
    """One-sided exact (Clopper–Pearson) lower bound of a share; `level` is the error allowed.

    `hits` and `n` may be real-valued (effective sizes).
    """
    from scipy.special import betaincinv

    if hits <= 0:
        return 0.0
    return float(betaincinv(hits, n - hits + 1, level))


def upper_bound(hits: float, n: float, *, level: float = 0.05) -> float:
    """One-sided exact (Clopper–Pearson) upper bound of a share."""
    return 1.0 - lower_bound(n - hits, n, level=level)


def clopper_pearson(hits: float, n: float, *, level: float = 0.95) -> Interval:
    """The exact two-sided interval of a share: covers at least `level`."""
    side = (1 - level) / 2
    low, high = lower_bound(hits, n, level=side), upper_bound(hits, n, level=side)
    return Interval(low, high, level, "Clopper–Pearson")


@dataclass(frozen=True, slots=True)
class Effective:
    """A share with the number of independent things that it is worth.

    `hits` of `n`; `variance` of the share between clusters; `clusters` with something counted.
    """

    hits: float
    n: int
    clusters: int
    variance: float
    n_eff: float

    @property
    def share(self) -> float:
        return self.hits / self.n

    def lower_bound(self, *, level: float, spare: int = 0) -> float:
        """The bound of the share, or of what is left of it with `spare` hits fewer."""
        hits = max(0.0, self.hits - spare) / self.n
        return lower_bound(hits * self.n_eff, self.n_eff, level=level)

    def upper_bound(self, *, level: float) -> float:
        return upper_bound(self.share * self.n_eff, self.n_eff, level=level)

    def p_of_so_few(self, *, true: float) -> float:
        """The chance of this few hits or fewer where the true share is `true` (exact, one-sided):
        the level at which the upper bound is `true`."""
        from scipy.special import betainc

        hits = self.share * self.n_eff
        return 1.0 - float(betainc(hits + 1, self.n_eff - hits, true)) if hits < self.n_eff else 1.0


def effective(hits: Floats, sizes: Floats, clusters: Ints, *, level: float) -> Effective:
    """How many independent observations a clustered share is worth (Korn and Graubard 1998).

    `hits` and `sizes` have one entry a unit (item): what counted as a hit, and of how many;
    `clusters` has each unit's cluster. Independent units of size 1 are worth n. `level` is the
    one-sided error of the bound that follows. Sizes must not all be zero.
    """
    counted = sizes > 0
    hits, sizes, clusters = hits[counted], sizes[counted], clusters[counted]
    n, total = round(float(sizes.sum())), float(hits.sum())
    cluster_hits, cluster_sizes = sum_by(clusters, hits), sum_by(clusters, sizes)
    groups = len(cluster_sizes)
    share = total / n
    if groups == 1:
        return Effective(total, n, 1, 0.0, 1.0)
    spread = float(((cluster_hits - share * cluster_sizes) ** 2).sum())
    variance = groups / (groups - 1) * spread / n**2
    if groups == n:
        return Effective(total, n, groups, variance, float(n))
    return Effective(total, n, groups, variance, worth(share, variance, n, groups, level=level))


def worth(share: float, variance: float, n: int, groups: int, *, level: float) -> float:
    """The effective size min(n, p(1 − p)/v · (t_{1−a, n−1}/t_{1−a, G−1})²) of a share.

    `variance` v of the share between `groups` G, `level` a. Without spread it is G.
    """
    from scipy.special import stdtrit

    if variance < _NO_SPREAD or groups < 2:
        return float(min(n, groups))
    ratio = float(stdtrit(n - 1, 1 - level)) / float(stdtrit(groups - 1, 1 - level))
    return min(float(n), share * (1 - share) / variance * ratio**2)


def sum_by(codes: Ints, values: Floats) -> Floats:
    """Sums of the rows of `values` by code, one for each code that occurs, in code order."""
    places, size = _places(codes)
    if values.ndim == 1:
        return np.asarray(np.bincount(places, weights=values, minlength=size), dtype=np.float64)
    summed: Floats = np.stack(
        [np.bincount(places, weights=column, minlength=size) for column in values.T], axis=1
    )
    return summed


def _places(codes: Ints) -> tuple[Ints, int]:
    """Each code's place among those that occur, and how many those are."""
    occurs = np.bincount(codes) > 0
    return (np.cumsum(occurs) - 1)[codes], int(np.count_nonzero(occurs))


def share(
    hits: Floats, sizes: Floats, clusters: Ints, *, because: str, level: float = 0.95
) -> Estimate:
    """A pooled share Σ hits / Σ sizes with Wilson's interval on its effective size.

    `n` is Σ sizes. Units that share a cluster, or a unit that counts several things (pairs or
    votes of one item), are worth less than n. `because` is the reason when nothing is counted.
    """
    total = round(float(sizes.sum())) if len(sizes) else 0
    if total == 0:
        return Estimate.undefined(because)
    found = effective(hits, sizes, clusters, level=(1 - level) / 2)
    interval = wilson(found.share * found.n_eff, found.n_eff, level=level)
    if found.n_eff < total:
        method = f"Wilson on {found.n_eff:.1f} effective of {total}"
        interval = Interval(interval.low, interval.high, level, method)
    return Estimate(found.share, total, interval)


@dataclass(frozen=True, slots=True)
class Replicates:
    """A figure computed anew on resampled units; `nan` where a replicate has no value."""

    values: Floats
    units: int
    what: str

    @property
    def undefined(self) -> int:
        return int(np.isnan(self.values).sum())

    def quantile(self, share: float) -> float | None:
        """The percentile over the replicates that have a value, or None without any."""
        kept = self.values[~np.isnan(self.values)]
        return float(np.quantile(kept, share)) if len(kept) else None

    def interval(self, *, level: float = 0.95) -> Interval | None:
        """The percentile interval; None when there is one unit, or no replicate has a value."""
        kept = self.values[~np.isnan(self.values)]
        if len(kept) == 0 or self.units < 2:
            return None
        low, high = map(float, np.quantile(kept, [(1 - level) / 2, (1 + level) / 2]))
        method = f"{self.what} bootstrap, {len(self.values)} replicates"
        if self.undefined:
            method += f", {self.undefined} of them undefined"
        return Interval(low, high, level, method)


def bootstrap(
    features: Floats,
    clusters: Ints,
    formula: Callable[[Floats], Floats],
    *,
    seed: int,
    replicates: int = REPLICATES,
) -> Replicates:
    """Resample whole items, or whole clusters where items share one (Zapf et al. 2016).

    `features` (items x f) holds what each item adds to the sums that the figure is made of;
    `formula` turns sums (replicates x f) into values (nan where undefined). Each replicate is a
    weighted sum, never a new pass over the labels. Same data and seed, same replicates.
    """
    grouped = distinct(clusters) < len(clusters)
    units = sum_by(clusters, features) if grouped else features
    sums = resampled_sums(units, seed=seed, replicates=replicates)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = formula(sums)
    return Replicates(values, len(units), "cluster" if grouped else "item")


def bootstrap_by_weights(
    clusters: Ints,
    figure: Callable[[Floats], Floats],
    *,
    seed: int,
    replicates: int = REPLICATES,
) -> Replicates:
    """`bootstrap` for a figure that has too many sums: `figure` takes the draws themselves.

    Those are (replicates x items): how often each item is drawn; the items of a cluster together.
    """
    places, groups = _places(clusters)
    grouped = groups < len(clusters)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [
            figure(drawn[:, places] if grouped else drawn)
            for drawn in draws(groups, seed=seed, replicates=replicates)
        ]
    return Replicates(np.concatenate(parts), groups, "cluster" if grouped else "item")


def bootstrapped(
    features: Floats,
    clusters: Ints,
    formula: Callable[[Floats], Floats],
    *,
    n: int,
    seed: int,
) -> Estimate:
    """The figure of the sums of all features, with its bootstrap interval."""
    value = float(formula(features.sum(axis=0, keepdims=True))[0])
    drawn = bootstrap(features, clusters, formula, seed=seed)
    return Estimate(value, n, drawn.interval())


def resampled_sums(units: Floats, *, seed: int, replicates: int) -> Floats:
    """Sums over units drawn with replacement, (replicates x f).

    Units that look the same are drawn together: with few patterns a replicate costs as much as
    there are patterns, however many items there are. Of a scale with many labels hardly two items
    look the same, and nearly all their numbers are zeros: only the others are multiplied.
    """
    rng = np.random.default_rng(seed)
    if units.shape[1] > _MANY_COLUMNS and np.count_nonzero(units) * _MANY_ZEROS < units.size:
        return _sums_of_few(rng, units, replicates)
    patterns, counts = _patterns(units)
    total = len(units)
    if len(patterns) * _FEW_PATTERNS <= total:
        weights = rng.multinomial(total, counts / total, size=replicates)
        return np.asarray(weights.astype(np.float64) @ patterns)
    rows = np.repeat(patterns, counts, axis=0)
    chunks = [weights @ rows for weights in _draws(rng, total, replicates)]
    return np.concatenate(chunks)


def _sums_of_few(rng: np.random.Generator, units: Floats, replicates: int) -> Floats:
    from scipy.sparse import csc_array

    columns = csc_array(units).T
    chunks = [(columns @ drawn.T).T for drawn in _draws(rng, len(units), replicates)]
    return np.concatenate(chunks)


def draws(total: int, *, seed: int, replicates: int = REPLICATES) -> Iterator[Floats]:
    """How often each of `total` units is drawn, in chunks (some replicates x total).

    For figures that are no sums over units; those that are take `bootstrap`.
    """
    return _draws(np.random.default_rng(seed), total, replicates)


def _draws(rng: np.random.Generator, total: int, replicates: int) -> Iterator[Floats]:
    step = max(_LEAST_AT_ONCE, _CHUNK_CELLS // total)
    for start in range(0, replicates, step):
        yield _drawn(rng, min(step, replicates - start), total)


def _patterns(units: Floats) -> tuple[Floats, Ints]:
    """The different rows of `units`, lowest first, and how often each occurs.

    Rows are sorted by one number each, which is the same for rows that are the same. Should two
    different rows share it, a pattern may come twice: that costs time and changes no draw's odds.
    """
    factors = np.random.default_rng(0).random(size=units.shape[1:])
    key = np.zeros(len(units))
    for column, factor in zip(units.T, factors.tolist(), strict=True):
        key += column * factor
    ordered = units[np.argsort(key)]
    is_new = np.ones(len(units), dtype=np.bool_)
    is_new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    starts = np.flatnonzero(is_new)
    patterns, counts = ordered[starts], np.diff(starts, append=len(units))
    order = np.lexsort(patterns.T[::-1])
    return patterns[order], counts[order]


def _drawn(rng: np.random.Generator, size: int, total: int) -> Floats:
    """How often each unit is drawn, (size x total)."""
    dtype = np.uint16 if total <= _FEW_UNITS else np.int64
    picks = rng.integers(0, total, size=(size, total), dtype=dtype)
    places = picks + np.arange(0, size * total, total)[:, None]
    counts = np.bincount(places.ravel(), minlength=size * total)
    return counts.reshape(size, total).astype(np.float64)


def mean(values: Floats, clusters: Ints, *, because: str, level: float = 0.95) -> Estimate:
    """The mean of one value a unit with a t interval over clusters; no resampling, so it is quick.

    `because` is the reason when there is no value. One cluster alone has no interval.
    """
    n = len(values)
    if n == 0:
        return Estimate.undefined(because)
    value = float(values.mean())
    error, groups = standard_error(values, clusters)
    if groups < 2:
        return Estimate(value, n)
    half = t_quantile(groups, level=level) * error
    return Estimate(value, n, Interval(value - half, value + half, level, f"t over {groups}"))


def standard_error(values: Floats, clusters: Ints) -> tuple[float, int]:
    """The standard error of a mean of clustered values, and the number of clusters."""
    sums = sum_by(clusters, values - values.mean())
    groups = len(sums)
    factor = groups / (groups - 1) if groups > 1 else 0.0
    return float(np.sqrt(factor * (sums**2).sum())) / len(values), groups


def t_quantile(groups: int, *, level: float) -> float:
    """Student's t for a two-sided interval over this many clusters."""
    from scipy.special import stdtrit

    return float(stdtrit(groups - 1, 0.5 + level / 2))


def mean_difference(
    differences: Floats, clusters: Ints, *, seed: int, because: str, level: float = 0.95
) -> Estimate:
    """The mean of paired differences (one an item) with the item or cluster bootstrap."""
    if len(differences) == 0:
        return Estimate.undefined(because)
    features = np.column_stack([differences, np.ones(len(differences))])
    drawn = bootstrap(features, clusters, lambda sums: sums[:, 0] / sums[:, 1], seed=seed)
    return Estimate(float(differences.mean()), len(differences), drawn.interval(level=level))


def clustered_error(values: Floats, clusters: Ints) -> float:
    """The standard error of a mean between clusters; 0 with a single one.

    Where each item is its own cluster it is the usual s / √n.
    """
    sums = sum_by(clusters, values - values.mean())
    groups = len(sums)
    factor = groups / (groups - 1) if groups > 1 else 0.0
    return float(np.sqrt(factor * (sums**2).sum())) / len(values)
