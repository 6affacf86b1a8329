"""Krippendorff's alpha: the interval by resampling items, or clusters."""

from __future__ import annotations

from functools import partial

import numpy as np

from measurement.alpha import alpha
from measurement.intervals import SEED
from measurement.scale import Level
from tests.simulations.lines import Line, Subject, coverage, covers
from tests.simulations.people import People, keepers

NEAR = People(
    (0.1, 0.2, 0.3, 0.25, 0.15),
    (
        (0.75, 0.20, 0.05, 0.00, 0.00),
        (0.15, 0.60, 0.20, 0.05, 0.00),
        (0.03, 0.17, 0.60, 0.17, 0.03),
        (0.00, 0.05, 0.20, 0.60, 0.15),
        (0.00, 0.00, 0.05, 0.20, 0.75),
    ),
)
"""Five points, of which raters miss by one, seldom by two."""
EVEN, THREE = keepers((0.5, 0.5), truth_alpha=0.66), keepers((0.5, 0.3, 0.2), truth_alpha=0.5)
LOW, HIGH = keepers((0.6, 0.4), truth_alpha=0.3), keepers((0.4, 0.6), truth_alpha=0.85)
RARE, RARER = keepers((0.9, 0.1), truth_alpha=0.66), keepers((0.95, 0.05), truth_alpha=0.66)
SLIPS = People((0.95, 0.05), ((0.97, 0.03), (0.03, 0.97)))


def covered(
    rng: np.random.Generator,
    trials: int,
    *,
    people: People,
    level: Level,
    items: int,
    raters: int = 3,
    size: int = 1,
    kept: float = 1.0,
) -> int:
    """How often the interval holds the population's alpha.

    Items of one cluster (`size` of them) share their true label; each label is there with
    chance `kept`.
    """
    truth = people.true_alpha(level)
    groups = rng.choice(len(people.prior), p=people.prior, size=(trials, items // size))
    votes = people.rated(rng, np.repeat(groups, size, axis=1), raters)
    given = rng.random(votes.shape) < kept
    labels = np.arange(len(people.prior))
    counts = ((votes[..., None] == labels) & given[..., None]).sum(axis=2)
    clusters = np.arange(items) // size
    numbers = labels.astype(np.float64)
    return sum(
        covers(alpha(table, clusters, level=level, numbers=numbers, seed=SEED), truth)
        for table in counts
    )


def _line(
    words: str,
    people: People,
    level: Level,
    items: int,
    *,
    is_required: bool = True,
    times: int = 1,
    raters: int = 3,
    size: int = 1,
    kept: float = 1.0,
) -> Line:
    run = partial(
        covered, people=people, level=level, items=items, raters=raters, size=size, kept=kept
    )
    setting = f"{level}, {items} items, {words}, true alpha {people.true_alpha(level):.2f}"
    return coverage(setting, run, is_required=is_required, times=times)


_SLIPS = "true labels 95/5, raters wrong in 3 % of either"


def _lines() -> tuple[Line, ...]:
    return (
        *(_line("two labels 50/50", EVEN, "nominal", n) for n in (50, 100, 200)),
        *(_line("three labels", THREE, "nominal", n) for n in (50, 100)),
        _line("two labels 60/40", LOW, "nominal", 50),
        _line("two labels 40/60", HIGH, "nominal", 100),
        _line("two labels 90/10", RARE, "nominal", 100, times=2),
        *(_line(_SLIPS, SLIPS, "nominal", n, times=2) for n in (100, 200)),
        _line("two labels 95/5", RARER, "nominal", 400, times=2),
        *(_line("five points", NEAR, "ordinal", n) for n in (50, 100)),
        *(_line("five points", NEAR, "interval", n) for n in (50, 100)),
        _line(
            "five points, five raters, a third missing", NEAR, "ordinal", 100, raters=5, kept=2 / 3
        ),
        _line("two labels 50/50, 100 clusters of 3", EVEN, "nominal", 300, size=3),
        _line("two labels 50/50", EVEN, "nominal", 20, is_required=False),
        _line("five points", NEAR, "ordinal", 20, is_required=False),
        _line("two labels 95/5", RARER, "nominal", 20, is_required=False),
        _line("two labels 95/5", RARER, "nominal", 50, is_required=False),
        _line("two labels 95/5", RARER, "nominal", 100, is_required=False),
        _line("two labels 95/5", RARER, "nominal", 200, is_required=False, times=2),
    )


SUBJECT = Subject(
    title="Krippendorff's alpha",
    text=(
        "Three raters label each item (where nothing else is said). The true alpha is computed "
        "from the chances with which labels are given, not by the product. The interval resamples "
        "whole items (whole clusters where items share one) 2,000 times. It is too short with few "
        "items, and when one label is almost all there is: then the number of items says less than "
        "the number of those that carry another label, and some fifteen to twenty are needed. "
        "Where 95 of 100 labels are the same and slips are rare, 100 items hold about seven of "
        "them and 200 about fifteen: these lines are reported, and 400 items mend it."
    ),
    counted="trials whose interval holds the true alpha",
    lines=_lines(),
)
