"""P-values adjusted for how many were looked at.

Holm keeps the chance of any false finding (decisions), Benjamini–Hochberg the share of false ones
among the findings (exploring), Benjamini–Yekutieli the same whatever the dependence.
"""

from __future__ import annotations

from collections.abc import Sequence

from measurement.arrays import Floats, np


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment (1979), in the order given; a finding has ≤ the level."""
    ranked, order = _ranked(p_values)
    m = len(ranked)
    return _restored(np.maximum.accumulate(ranked * np.arange(m, 0, -1)), order)


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """The step-up adjustment for the false discovery rate (1995), in the order given."""
    return _step_up(p_values, factor=1.0)


def benjamini_yekutieli(p_values: Sequence[float]) -> list[float]:
    """The step-up adjustment that holds whatever the dependence (2001), in the order given."""
    return _step_up(p_values, factor=sum(1 / i for i in range(1, len(p_values) + 1)))


def _step_up(p_values: Sequence[float], *, factor: float) -> list[float]:
    ranked, order = _ranked(p_values)
    m = len(ranked)
    raised = ranked * factor * m / np.arange(1, m + 1)
    return _restored(np.minimum.accumulate(raised[::-1])[::-1], order)


def _ranked(p_values: Sequence[float]) -> tuple[Floats, list[int]]:
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    return np.array([p_values[i] for i in order], dtype=np.float64), order


def _restored(adjusted: Floats, order: list[int]) -> list[float]:
    restored = [0.0] * len(order)
    for place, value in zip(order, adjusted.tolist(), strict=True):
        restored[place] = min(1.0, value)
    return restored
