"""The calculating author, worked out exactly: no trials, the bound alone, two labels."""

from __future__ import annotations

from functools import partial

import numpy as np

from measurement.arrays import Floats
from tests.simulations.authors import needed_count
from tests.simulations.sealed import RULE

LEAST_LIKELY = 0.72
"""Counts below this share of the items add nothing that shows in four digits."""


def chance_of_three_looks(n: int, *, spare: int) -> float:
    """The chance that one of three judges at the target passes on `n` items.

    After each look the author keeps the answers of the best judge so far and redraws as many as
    make the next pass likeliest. `spare` are the hits that later looks need beyond the bound.
    """
    from scipy.stats import binom

    needed = [
        needed_count(n, RULE.level_of(look=look, one_shot=False)) + (spare if look > 1 else 0)
        for look in range(1, RULE.most_looks + 1)
    ]
    first = binom.pmf(np.arange(n + 1), n, RULE.target)
    last = [_best_change(count, n, needed[2])[1] for count in range(n + 1)]
    chance = float(first[needed[0] :].sum())
    for count in range(int(n * LEAST_LIKELY), needed[0]):
        change, passes = _best_change(count, n, needed[1])
        second = _counts_after(count, n, change)[: needed[1]]
        third = sum(p * last[max(count, after)] for after, p in enumerate(second))
        chance += float(first[count]) * (passes + third)
    return chance


def _best_change(count: int, n: int, needed: int) -> tuple[int, float]:
    """How many answers to redraw, and the chance of a pass with that."""
    if count < n * LEAST_LIKELY:
        return n, _passes(n, count, n, needed)
    changes = range(0, n + 1, max(1, n // 50))
    chances = list(map(partial(_passes, count=count, n=n, needed=needed), changes))
    best = int(np.argmax(chances))
    return changes[best], chances[best]


def _passes(change: int, count: int, n: int, needed: int) -> float:
    from scipy.stats import binom

    kept = np.arange(n + 1)
    return float(_kept(count, n, change) @ binom.sf(needed - 1 - kept, change, RULE.target))


def _counts_after(count: int, n: int, change: int) -> Floats:
    """The next judge's count: what was kept, and what came out anew."""
    from scipy.stats import binom

    fresh = binom.pmf(np.arange(change + 1), change, RULE.target)
    return np.asarray(np.convolve(_kept(count, n, change), fresh)[: n + 1])


def _kept(count: int, n: int, change: int) -> Floats:
    """How many of the hits are among the answers that were not redrawn."""
    from scipy.stats import hypergeom

    return np.asarray(hypergeom.pmf(np.arange(n + 1), n, count, n - change))
