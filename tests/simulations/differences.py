"""Two versions on the same items: the interval of their mean difference."""

from __future__ import annotations

from functools import partial

import numpy as np

from measurement import intervals
from tests.simulations.lines import Line, Subject, coverage, covers

Steps = tuple[tuple[int, float], ...]
"""What new − old can be on one item, with its chance."""


def right_or_wrong(*, differ: float, better: float) -> Steps:
    """Verdicts that are right or wrong: the versions differ on a share of items, and the new one
    is better by so much."""
    return ((-1, (differ - better) / 2), (0, 1 - differ), (1, (differ + better) / 2))


POINTS: Steps = ((-2, 0.03), (-1, 0.15), (0, 0.52), (1, 0.22), (2, 0.08))
SKEWED: Steps = ((-1, 0.05), (0, 0.80), (1, 0.09), (3, 0.06))


def covered(
    rng: np.random.Generator,
    trials: int,
    *,
    steps: Steps,
    items: int,
    size: int = 1,
    alike: float = 0.0,
) -> int:
    """How often the interval holds the true difference.

    Items of one cluster (`size` of them) take the cluster's difference with chance `alike`.
    """
    values, chances = np.array([step for step, _ in steps]), [chance for _, chance in steps]
    truth = float(values @ chances)
    own = rng.choice(values, p=chances, size=(trials, items))
    common = np.repeat(rng.choice(values, p=chances, size=(trials, items // size)), size, axis=1)
    found = np.where(rng.random(own.shape) < alike, common, own).astype(np.float64)
    clusters = np.arange(items) // size
    return sum(
        covers(intervals.mean_difference(row, clusters, seed=intervals.SEED, because="none"), truth)
        for row in found
    )


def _line(words: str, steps: Steps, items: int, *, is_required: bool = True) -> Line:
    run = partial(covered, steps=steps, items=items)
    return coverage(f"{items} items, {words}", run, is_required=is_required)


def _right(items: int, differ: float, better: float, *, is_required: bool = True) -> Line:
    words = f"right or wrong, {100 * differ:g} % differ, new is {100 * better:g} points better"
    steps = right_or_wrong(differ=differ, better=better)
    return _line(words, steps, items, is_required=is_required)


SUBJECT = Subject(
    title="Paired differences",
    text=(
        "Both versions judge the same items; the figure is the mean of new − old, with the "
        "interval by resampling items or clusters. What carries the information are the items on "
        "which the versions differ: where fewer than ten of them are to be expected, the line is "
        "reported and not required, whatever the number of items."
    ),
    counted="trials whose interval holds the true difference",
    lines=(
        *(_right(n, 0.2, 0.0) for n in (100, 200, 500)),
        *(_right(n, 0.2, 0.05) for n in (100, 200, 500)),
        *(_right(n, 0.3, 0.1) for n in (100, 200)),
        *(_line("five points", POINTS, n) for n in (100, 200, 500)),
        _line("five points, seldom and lopsided differences", SKEWED, 100),
        coverage(
            "300 items, five points, 100 clusters of 3",
            partial(covered, steps=POINTS, items=300, size=3, alike=0.4),
        ),
        _right(100, 0.04, 0.02, is_required=False),
        _right(200, 0.04, 0.02, is_required=False),
        _right(30, 0.2, 0.05, is_required=False),
        _right(50, 0.2, 0.05, is_required=False),
        _line("five points", POINTS, 30, is_required=False),
    ),
)
