"""Krippendorff's alpha with its interval: ours against the package run anew for each replicate.

The package is called on items drawn with replacement, as whoever has only the package would do it:
a number of real calls, the median of which is extrapolated to all replicates. It is timed twice:
with its usual input, a table of raters by items, and with labels counted by item beforehand, which
spares it most of the work and is what our own formula starts from. Only the first has a target.
Ratios are of processor time, which other work on the machine touches least.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import krippendorff
import numpy as np

from measurement.alpha import alpha
from measurement.arrays import Floats, Ints
from measurement.intervals import REPLICATES
from measurement.scale import LEVELS, Level
from tests.bench.figures import Figure

RATERS, LABELS = 5, 5
SIZES = {500: 100, 5_000: 25, 50_000: 10}
"""Items, and how many real calls of the package are timed."""
MISSING = 0.2
TIMES = 5
SETTLE_SECONDS = 0.2
# The figure is shown while a round runs: it has to fit into a page.
INTERVAL_TARGET = 0.5
RATIO_TARGET = 50.0


class Setting(NamedTuple):
    items: int
    level: Level
    has_gaps: bool

    @property
    def name(self) -> str:
        gaps = "gaps" if self.has_gaps else "complete"
        return f"alpha.{self.items}x{RATERS}.{self.level}.{gaps}"


def measure(*, is_full: bool) -> list[Figure]:
    """Every size, complete and with gaps; every level at 5,000 items, nominal at the others."""
    return [
        figure
        for items, calls in SIZES.items()
        for level in (LEVELS if is_full or items == 5_000 else LEVELS[:1])
        for has_gaps in (False, True)
        for figure in _compared(Setting(items, level, has_gaps), calls=calls)
    ]


def _compared(setting: Setting, *, calls: int) -> Iterator[Figure]:
    ratings = _ratings(setting)
    numbers = np.arange(1.0, LABELS + 1)
    counts = np.stack([(ratings == number).sum(axis=1) for number in numbers], axis=1)
    clusters = np.arange(setting.items)

    def ours() -> None:
        found = alpha(counts, clusters, level=setting.level, numbers=numbers, seed=1)
        assert found.interval is not None

    def from_ratings(drawn: Ints) -> None:
        krippendorff.alpha(reliability_data=ratings[drawn].T, level_of_measurement=setting.level)

    def from_counts(drawn: Ints) -> None:
        krippendorff.alpha(
            value_counts=counts[drawn], value_domain=numbers, level_of_measurement=setting.level
        )

    ours()  # loads what it needs; the threads of what is loaded spin for a moment
    time.sleep(SETTLE_SECONDS)
    ours_took, from_ratings_took, from_counts_took = [], [], []
    rng = np.random.default_rng(21)
    for turn in range(calls):
        # By turns, so that whatever else the machine does meets all of them.
        drawn = rng.integers(0, setting.items, size=setting.items)
        from_ratings_took.append(_took(partial(from_ratings, drawn)).busy)
        from_counts_took.append(_took(partial(from_counts, drawn)).busy)
        if turn % (calls // TIMES) == 0:
            ours_took.append(_took(ours))
    seconds = statistics.median(one.seconds for one in ours_took)
    busy = statistics.median(one.busy for one in ours_took)
    usual, counted = map(statistics.median, (from_ratings_took, from_counts_took))
    name = setting.name
    yield Figure(f"{name}.interval_s", seconds, "s", INTERVAL_TARGET)
    yield Figure(f"{name}.package_call_ms", usual * 1000, "ms")
    yield Figure(f"{name}.speedup", usual * REPLICATES / busy, "times", RATIO_TARGET, "higher")
    yield Figure(f"{name}.speedup_on_counts", counted * REPLICATES / busy, "times", better="higher")


def _ratings(setting: Setting) -> Floats:
    """Items x raters: labels one point around the item's own, nan where one is missing."""
    rng = np.random.default_rng(20)
    shape = (setting.items, RATERS)
    quality = rng.integers(1, LABELS + 1, size=(setting.items, 1))
    around = quality + rng.integers(-1, 2, size=shape)
    ratings: Floats = np.clip(around, 1, LABELS).astype(np.float64)
    if setting.has_gaps:
        ratings[rng.random(shape) < MISSING] = np.nan
    return ratings


class Took(NamedTuple):
    """Seconds on the clock, and seconds that processors were busy with it."""

    seconds: float
    busy: float


def _took(call: Callable[[], None]) -> Took:
    began, busy = time.perf_counter(), time.process_time()
    call()
    return Took(time.perf_counter() - began, time.process_time() - busy)
