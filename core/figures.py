"""A figure as it is written and drawn: value and bounds, n, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NO_FIGURE = "–"


@dataclass(frozen=True, slots=True)
class Figure:
    """What is drawn and written of an estimate: value and bounds in its own unit, n, or why not."""

    value: float | None
    n: int | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""

    @property
    def has_interval(self) -> bool:
        return self.value is not None and self.low is not None and self.high is not None

    def written(self, digits: int = 2) -> str:
        """`0.83 [0.79, 0.87]`, `0.83`, or the reason why there is no value."""
        if self.value is None:
            return self.reason or NO_FIGURE
        value = decimal(self.value, digits)
        if self.low is None or self.high is None:
            return value
        return f"{value} [{decimal(self.low, digits)}, {decimal(self.high, digits)}]"


def figure_of(estimate: object) -> Figure:
    """Read an estimate: a Figure, a mapping in the JSON form, measurement's Estimate, or a number.

    The interval may be a pair or an object with `low` and `high`; None is a figure without reason.
    """
    if isinstance(estimate, Figure):
        return estimate
    if estimate is None:
        return Figure(None)
    if isinstance(estimate, int | float):
        return Figure(float(estimate))
    value, n, interval, reason = _parts(estimate)
    low, high = _bounds(interval)
    return Figure(
        value=None if value is None else float(value),
        n=None if n is None else int(n),
        low=low,
        high=high,
        reason=str(reason or ""),
    )


def _parts(estimate: object) -> tuple[Any, Any, Any, Any]:
    names = ("value", "n", "interval", "undefined_because")
    if isinstance(estimate, Mapping):
        value, n, interval, reason = (estimate.get(name) for name in names)
    else:
        value, n, interval, reason = (getattr(estimate, name, None) for name in names)
    return value, n, interval, reason


def _bounds(interval: Any) -> tuple[float | None, float | None]:
    if interval is None:
        return None, None
    if isinstance(interval, Sequence):
        low, high = interval
        return float(low), float(high)
    return float(interval.low), float(interval.high)


def decimal(value: float, digits: int) -> str:
    """A number with a fixed count of digits and a true minus sign; never "-0.00"."""
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", "\N{MINUS SIGN}")
