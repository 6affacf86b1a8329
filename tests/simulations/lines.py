"""One line of the report: a setting, what is counted in it, and what is required of the share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from measurement.estimate import Estimate

COVERS = (0.93, 0.97)
"""What a nominal 95 % interval has to keep."""
Count = Callable[[np.random.Generator, int], int]
"""Given a generator and a number of trials: in how many of them it happened."""


@dataclass(frozen=True, slots=True)
class Line:
    """`count` is told how many trials to run; without `least` and `most` it is only reported.

    `times` multiplies the trials of a line that lies near its limit, so that chance alone
    neither fails nor saves it.
    """

    setting: str
    count: Count
    least: float | None = None
    most: float | None = None
    times: int = 1

    @property
    def is_required(self) -> bool:
        return self.least is not None or self.most is not None

    def required(self) -> str:
        """What the share has to keep, for people."""
        if self.least is not None and self.most is not None:
            return f"{100 * self.least:g} – {100 * self.most:g} %"
        if self.least is not None:
            return f"≥ {100 * self.least:g} %"
        return "reported" if self.most is None else f"≤ {100 * self.most:g} %"


@dataclass(frozen=True, slots=True)
class Subject:
    """Lines that belong together. `text` says what is simulated, in words; `counted` names the
    share that the table shows."""

    title: str
    text: str
    counted: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What a line's trials came to."""

    line: Line
    trials: int
    happened: int

    @property
    def share(self) -> float:
        return self.happened / self.trials

    @property
    def error(self) -> float:
        """The standard error that the number of trials leaves in the share."""
        return float(np.sqrt(self.share * (1 - self.share) / self.trials))

    @property
    def holds(self) -> bool:
        """Compared as measured: the sampling error excuses nothing."""
        least = 0.0 if self.line.least is None else self.line.least
        most = 1.0 if self.line.most is None else self.line.most
        return least <= self.share <= most


def coverage(setting: str, count: Count, *, is_required: bool = True, times: int = 1) -> Line:
    """A line on a nominal 95 % interval: held to 93 – 97 %, or reported."""
    least, most = COVERS if is_required else (None, None)
    return Line(setting, count, least, most, times)


def covers(found: Estimate, truth: float) -> bool:
    """The interval holds the true value; an estimate without one does not."""
    return found.interval is not None and found.interval.low <= truth <= found.interval.high
