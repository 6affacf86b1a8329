"""The test that the sign of each unit's contribution is a fair coin.

The sign test, McNemar's test and Wilcoxon's signed rank test are this one test with other
contributions. Where items share a cluster, its items flip together: a unit is a cluster and its
contribution the sum over its items (for ranks: Rosner, Glynn and Lee 2006).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from measurement.arrays import Floats, Ints, np

_MOST_WORK = 200_000_000
"""Cells touched while the exact distribution is built (about 580 distinct ranks)."""


@dataclass(frozen=True, slots=True)
class SignFlip:
    """Two-sided p-values; `mid_p` counts outcomes as extreme as the observed one by half.

    `is_exact` is False where the distribution was too large to build and a normal one stands in
    (without continuity correction; mid-p is then p).
    """

    p: float
    mid_p: float
    is_exact: bool = True


def sign_flip(contributions: Ints) -> SignFlip:
    """Test whole-numbered contributions, one a unit, for a sum that coins could explain.

    Conditional on their sizes. Zeros say nothing; nothing but zeros gives p = 1, not an error.
    """
    sizes = np.abs(contributions[contributions != 0])
    if len(sizes) == 0:
        return SignFlip(1.0, 1.0)
    step = int(np.gcd.reduce(sizes))
    sizes = sizes // step
    total, observed = int(sizes.sum()), abs(int(contributions.sum())) // step
    if sizes.max() == 1:
        return _coins(total, (total - observed) // 2)
    if len(sizes) * total > _MOST_WORK:
        return _normal(observed, sizes)
    chances = _distribution(sizes, total)
    low = (total - observed) // 2
    return _from_lower(float(chances[: low + 1].sum()), float(chances[low]), is_middle=not observed)


def _from_lower(tail: float, point: float, *, is_middle: bool) -> SignFlip:
    """From the chance of the smaller side or less, and of exactly that.

    In the middle there is only one outcome as extreme as the observed one, elsewhere two.
    """
    if is_middle:
        return SignFlip(1.0, 1.0 - point / 2)
    return SignFlip(min(1.0, 2 * tail), min(1.0, 2 * tail - point))


def _coins(n: int, low: int) -> SignFlip:
    from scipy.special import bdtr

    ways = math.lgamma(n + 1) - math.lgamma(low + 1) - math.lgamma(n - low + 1)
    point = math.exp(ways - n * math.log(2))
    return _from_lower(float(bdtr(low, n, 0.5)), point, is_middle=2 * low == n)


def _distribution(sizes: Ints, total: int) -> Floats:
    """Chances of each sum 0 … total of the sizes whose coin shows heads."""
    chances = np.zeros(total + 1)
    chances[0] = 1.0
    reach = 0
    for size in np.sort(sizes).tolist():
        half = chances[: reach + 1] / 2
        reach += size
        chances[: reach + 1] /= 2
        chances[size : reach + 1] += half
    return chances


def _normal(observed: int, sizes: Ints) -> SignFlip:
    squares = float((sizes.astype(np.float64) ** 2).sum())
    p = math.erfc(observed / math.sqrt(2 * squares))
    return SignFlip(p, p, is_exact=False)
