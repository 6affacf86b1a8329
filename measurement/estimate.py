"""What every figure is given back as: a value with its n and interval, or why there is none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the figure may lie: `low` and `high` in the figure's own unit, at `level`."""

    low: float
    high: float
    level: float = 0.95
    method: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise ValueError("an interval has two finite ends, the lower one first")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with the number of things it rests on, or the reason why there is none.

    `n` counts what the figure is a share or mean of (pairs, items, votes): each function says
    which. A value is always finite; `None` always comes with `undefined_because`.
    """

    value: float | None
    n: int
    interval: Interval | None = None
    undefined_because: str = ""

    def __post_init__(self) -> None:
        if self.value is None and not self.undefined_because:
            raise ValueError("an estimate without a value needs the reason")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError("an estimate is a finite number or undefined, never nan")

    @classmethod
    def undefined(cls, because: str, *, n: int = 0) -> Estimate:
        return cls(None, n, None, because)

    @property
    def is_defined(self) -> bool:
        return self.value is not None

    def as_dict(self) -> dict[str, Any]:
        """The JSON form: value, n, interval as [low, high] or null, undefined_because."""
        bounds = None if self.interval is None else [self.interval.low, self.interval.high]
        return {
            "value": self.value,
            "n": self.n,
            "interval": bounds,
            "undefined_because": self.undefined_because,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Estimate:
        """Read the JSON form back; level and method of the interval are not part of it."""
        bounds = stored.get("interval")
        interval = None if bounds is None else Interval(float(bounds[0]), float(bounds[1]))
        return cls(stored["value"], stored["n"], interval, stored.get("undefined_because", ""))
