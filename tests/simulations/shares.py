"""Shares: Wilson's interval, Clopper and Pearson's, and the bound for items in clusters."""

from __future__ import annotations

from functools import cache, partial

import numpy as np

from measurement import intervals
from measurement.arrays import Floats, Ints
from tests.simulations.lines import Line, Subject, coverage, covers

MANY = 10
"""A share of independent items costs next to nothing: ten times the trials."""


@cache
def wilson(hits: int, n: int) -> tuple[float, float]:
    """The interval that pages show for so many hits among independent items."""
    found = intervals.share(
        (np.arange(n) < hits).astype(np.float64), np.ones(n), np.arange(n), because="none"
    )
    assert found.interval is not None
    return found.interval.low, found.interval.high


@cache
def clopper_pearson(hits: int, n: int) -> tuple[float, float]:
    found = intervals.clopper_pearson(hits, n)
    return found.low, found.high


@cache
def one_sided(hits: int, n: int) -> tuple[float, float]:
    """From the gate's lower bound upwards."""
    return intervals.lower_bound(hits, n), 1.0


INTERVALS = {"wilson": wilson, "exact": clopper_pearson, "bound": one_sided}


def of_independent(
    rng: np.random.Generator, trials: int, *, kind: str, n: int, low: float, high: float
) -> int:
    """How often the interval holds a true share, drawn for each trial between low and high."""
    truth = rng.uniform(low, high, size=trials)
    hits = rng.binomial(n, truth)
    found = np.array([INTERVALS[kind](int(k), n) for k in hits])
    return int(((found[:, 0] <= truth) & (truth <= found[:, 1])).sum())


def shared_chances(
    rng: np.random.Generator, shape: tuple[int, int], *, share: float, icc: float
) -> Floats:
    """A chance for each cluster, beta-distributed so that its items correlate by `icc`."""
    total = 1 / icc - 1
    return rng.beta(share * total, (1 - share) * total, size=shape)


def in_clusters(
    rng: np.random.Generator, trials: int, *, groups: int, size: int, icc: float, share: float
) -> tuple[Floats, Ints]:
    """Hits (trials x items) of items that share the chance of their cluster, and the clusters."""
    chances = shared_chances(rng, (trials, groups), share=share, icc=icc)
    clusters = np.repeat(np.arange(groups), size)
    hits = rng.random((trials, groups * size)) < chances[:, clusters]
    return hits.astype(np.float64), clusters


def of_clusters(
    rng: np.random.Generator,
    trials: int,
    *,
    kind: str,
    groups: int,
    size: int,
    icc: float,
    share: float,
) -> int:
    """How often Wilson's interval, or the gate's bound, holds the share of clustered items."""
    hits, clusters = in_clusters(rng, trials, groups=groups, size=size, icc=icc, share=share)
    sizes = np.ones(hits.shape[1])
    if kind == "wilson":
        return sum(
            covers(intervals.share(row, sizes, clusters, because="none"), share) for row in hits
        )
    return sum(
        intervals.effective(row, sizes, clusters, level=0.05).lower_bound(level=0.05) <= share
        for row in hits
    )


def _wilson(n: int, share: float, *, is_required: bool = True) -> Line:
    run = partial(of_independent, kind="wilson", n=n, low=share, high=share)
    setting = f"Wilson, {n} items, true share {100 * share:g} %"
    return coverage(setting, run, is_required=is_required, times=MANY)


def _any_share(n: int) -> Line:
    run = partial(of_independent, kind="wilson", n=n, low=0.05, high=0.95)
    setting = f"Wilson, {n} items, true share anywhere in 5 – 95 %"
    return coverage(setting, run, times=MANY)


def _exact(kind: str, name: str, n: int, share: float) -> Line:
    run = partial(of_independent, kind=kind, n=n, low=share, high=share)
    setting = f"{name}, {n} items, true share {100 * share:g} %"
    return Line(setting, run, least=0.95, times=MANY)


def _clustered(groups: int, size: int, icc: float) -> Line:
    run = partial(of_clusters, kind="bound", groups=groups, size=size, icc=icc, share=0.8)
    setting = f"Korn–Graubard lower bound, {groups} clusters of {size}, ICC {icc:g}, true 80 %"
    return Line(setting, run, least=0.94)


def _clustered_wilson(groups: int, size: int, icc: float, share: float) -> Line:
    run = partial(of_clusters, kind="wilson", groups=groups, size=size, icc=icc, share=share)
    shown = f"true share {100 * share:g} %"
    return Line(f"Wilson by cluster, {groups} clusters of {size}, ICC {icc:g}, {shown}", run)


SUBJECT = Subject(
    title="Shares",
    text=(
        "A share is an agreement, a recall, a rate of flips: so many of so many. Wilson's interval "
        "is the one that pages draw. The gate uses the exact (Clopper–Pearson) lower bound, which "
        "promises at least 95 % for any share, and the Korn–Graubard form of it where items come "
        "in clusters. Because hits are whole numbers, Wilson's coverage goes up and down with the "
        "true share; at 100 items its worst between 5 and 95 % is near 94.5 %, found on a fine "
        "grid. That line is reported: it belongs to the method, and more items mend it."
    ),
    counted="trials whose interval (or bound) holds the true share",
    lines=(
        *(_wilson(n, share) for n in (100, 200, 500) for share in (0.5, 0.7, 0.8, 0.9, 0.95)),
        *(_any_share(n) for n in (100, 200, 500)),
        _wilson(100, 0.945, is_required=False),
        _wilson(20, 0.8, is_required=False),
        _wilson(50, 0.8, is_required=False),
        _wilson(50, 0.95, is_required=False),
        *(
            _exact("exact", "Clopper–Pearson", n, share)
            for n in (20, 100, 500)
            for share in (0.5, 0.8, 0.95)
        ),
        *(_exact("bound", "One-sided exact bound", n, 0.8) for n in (200, 300, 400, 500)),
        *(_clustered(100, size, icc) for size in (2, 4, 10) for icc in (0.1, 0.2, 0.3)),
        *(_clustered_wilson(*one, 0.8) for one in ((100, 4, 0.2), (200, 2, 0.2), (50, 10, 0.2))),
    ),
)
