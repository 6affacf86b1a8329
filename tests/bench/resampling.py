"""Krippendorff's alpha with its interval: ours against the package run on every replicate."""

from __future__ import annotations

import time

import numpy as np

from measurement.alpha import alpha
from measurement.intervals import REPLICATES
from tests.bench.figures import Figure

ITEMS, RATERS, LABELS = 5_000, 20, 5
KEPT = 0.2
# The figure is shown while a round runs: it has to fit into a page.
INTERVAL_TARGET = 0.5
RATIO_TARGET = 50.0


def measure(*, is_full: bool) -> list[Figure]:
    """Ordinal labels of 20 raters on 5,000 items, four fifths of them missing; one run for both."""
    counts = _counts()
    numbers = np.arange(1, LABELS + 1, dtype=np.float64)
    clusters = np.arange(ITEMS)
    alpha(counts, clusters, level="ordinal", numbers=numbers, seed=1)  # loads the package
    began = time.perf_counter()
    found = alpha(counts, clusters, level="ordinal", numbers=numbers, seed=1)
    ours = time.perf_counter() - began
    assert found.interval is not None
    package = _seconds_of_the_package(counts, numbers, rounds=50 if is_full else 10)
    return [
        Figure("alpha.5k_items.interval_s", ours, "s", INTERVAL_TARGET),
        Figure("alpha.package.replicate_s", package, "s"),
        Figure(
            "alpha.interval_speedup", package * REPLICATES / ours, "times", RATIO_TARGET, "higher"
        ),
    ]


def _counts() -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Items x labels: how many raters gave each label."""
    rng = np.random.default_rng(20)
    quality = rng.integers(0, LABELS, size=(ITEMS, 1))
    labels = np.clip(quality + rng.integers(-1, 2, size=(ITEMS, RATERS)), 0, LABELS - 1)
    given = rng.random((ITEMS, RATERS)) < KEPT
    columns = [((labels == label) & given).sum(axis=1) for label in range(LABELS)]
    return np.stack(columns, axis=1)


def _seconds_of_the_package(
    counts: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    numbers: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    *,
    rounds: int,
) -> float:
    """Seconds that one replicate takes when the package computes alpha anew on resampled items."""
    import krippendorff

    rng = np.random.default_rng(21)
    began = time.perf_counter()
    for _ in range(rounds):
        drawn = counts[rng.integers(0, ITEMS, size=ITEMS)]
        krippendorff.alpha(value_counts=drawn, value_domain=numbers, level_of_measurement="ordinal")
    return (time.perf_counter() - began) / rounds
