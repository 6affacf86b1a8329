"""Wilcoxon's signed rank test and the matched-pairs rank-biserial correlation.

Both start from signed levels: one whole number an item, its sign the direction of the difference
and its size the place of |difference| among the distinct ones; 0 where nothing differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from measurement import intervals
from measurement.arrays import Floats, Ints, np
from measurement.estimate import Estimate
from measurement.intervals import Replicates
from measurement.signflip import sign_flip

ZeroRule = Literal["wilcox", "pratt"]
NOTHING_DIFFERS = "no item differs"


@dataclass(frozen=True, slots=True)
class SignedRank:
    """`n` items that differ, the rank sums of both directions, two-sided p.

    `is_exact`: the conditional permutation distribution, ties and all; else the normal one.
    """

    n: int
    r_plus: float
    r_minus: float
    p: float
    is_exact: bool

    def as_dict(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "r_plus": self.r_plus,
            "r_minus": self.r_minus,
            "p": self.p,
            "is_exact": self.is_exact,
        }


def signed_levels(differences: Floats, *, noise: float) -> Ints:
    """The signed levels of paired differences.

    Sizes no further apart than `noise` (0.8 − 0.7 and 0.3 − 0.2 in floating point) share a level.
    """
    distances = np.abs(differences)
    order = np.argsort(distances, kind="stable")
    steps = np.diff(distances[order], prepend=0.0) > noise
    levels = np.empty(len(distances), dtype=np.int64)
    levels[order] = np.cumsum(steps)
    return np.sign(differences).astype(np.int64) * levels


def signed_rank(levels: Ints, clusters: Ints, *, zeros: ZeroRule = "wilcox") -> SignedRank:
    """Wilcoxon's test that differences lie symmetrically around zero (1945; Pratt 1959).

    `zeros`: "wilcox" ranks without the items that do not differ, "pratt" ranks them too and then
    leaves them out. Items of one cluster change sign together. Nothing differs: p = 1.
    """
    ranks = _doubled_ranks(levels, zeros)
    signed = np.sign(levels) * ranks
    found = sign_flip(_by_cluster(signed, clusters))
    return SignedRank(
        n=int((levels != 0).sum()),
        r_plus=float(ranks[levels > 0].sum()) / 2,
        r_minus=float(ranks[levels < 0].sum()) / 2,
        p=found.p,
        is_exact=found.is_exact,
    )


def _doubled_ranks(levels: Ints, zeros: ZeroRule) -> Ints:
    """Twice the middle rank of each item's level, a whole number; 0 where nothing differs."""
    distances = np.abs(levels)
    counts = np.bincount(distances, minlength=1)
    if zeros == "wilcox":
        counts[0] = 0
    doubled = 2 * np.cumsum(counts) - counts + 1
    doubled[0] = 0
    return doubled[distances]


def _by_cluster(values: Ints, clusters: Ints) -> Ints:
    # Sums of doubled ranks stay below 2^53, where floats are whole numbers.
    return np.rint(intervals.sum_by(clusters, values.astype(np.float64))).astype(np.int64)


def net_by_cluster(levels: Ints, clusters: Ints) -> Ints:
    """For each cluster the items that went up less those that went down."""
    return _by_cluster(np.sign(levels), clusters)


def rank_biserial(levels: Ints, clusters: Ints, *, seed: int) -> Estimate:
    """(R₊ − R₋) / (R₊ + R₋) over the items that differ; n counts them. From −1 to 1.

    The interval draws items (clusters) and ranks each draw anew.
    """
    n = int((levels != 0).sum())
    if n == 0:
        return Estimate.undefined(NOTHING_DIFFERS)
    found = signed_rank(levels, np.arange(len(levels)))
    value = (found.r_plus - found.r_minus) / (found.r_plus + found.r_minus)
    return Estimate(value, n, _drawn(levels, clusters, seed=seed).interval())


def _drawn(levels: Ints, clusters: Ints, *, seed: int) -> Replicates:
    order = np.argsort(np.abs(levels) * 2 + (levels > 0), kind="stable")
    levels = levels[order]
    # Units are numbered as they come up, so that the order of the items draws nothing else.
    _, first, places = np.unique(clusters[order], return_index=True, return_inverse=True)
    units, total = np.argsort(np.argsort(first))[places], len(first)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.concatenate(
            [_biserial(levels, weights[:, units]) for weights in intervals.draws(total, seed=seed)]
        )
    what = "cluster" if total < len(levels) else "item"
    return Replicates(values, total, what)


def _biserial(levels: Ints, weights: Floats) -> Floats:
    """The correlation of each row of weights (replicates x items), items by rising |level|."""
    distances = np.abs(levels)
    first = np.flatnonzero(np.diff(distances, prepend=-1))
    kept = distances[first] > 0
    tied = np.add.reduceat(weights, first, axis=1)[:, kept]
    net = np.add.reduceat(weights * np.sign(levels), first, axis=1)[:, kept]
    middle = np.cumsum(tied, axis=1) - tied / 2 + 0.5
    signed: Floats = (net * middle).sum(axis=1) / (tied * middle).sum(axis=1)
    return signed
