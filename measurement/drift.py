"""Has an approved judge got worse? A Bernoulli CUSUM over fresh human labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from measurement.arrays import Bools, Floats, np
from measurement.scale import TableError

DROP = 0.10
LIMIT = 6.0
HIGHEST_RATE = 0.99
"""A judge approved without a single miss still may miss: an approved rate of 1 would make the
first miss an infinite proof of drift, so a higher rate is taken for this one."""


@dataclass(frozen=True, slots=True)
class Drift:
    """The path of the statistic, one entry a label, and where it went above the limit.

    `alarm_at` counts labels from 1; None while there was no alarm. `approved` and `feared` are
    the two rates that the statistic weighs against each other.
    """

    path: Floats
    alarm_at: int | None
    approved: float
    feared: float
    limit: float

    @property
    def is_alarmed(self) -> bool:
        return self.alarm_at is not None

    def as_dict(self) -> dict[str, Any]:
        return {
            "path": self.path.tolist(),
            "alarm_at": self.alarm_at,
            "approved": self.approved,
            "feared": self.feared,
            "limit": self.limit,
        }


def cusum(agrees: Bools, *, approved: float, drop: float = DROP, limit: float = LIMIT) -> Drift:
    """S ← max(0, S + log-likelihood ratio of the feared to the approved rate); alarm at S > limit.

    `agrees` has one entry a fresh label, oldest first: the judge's verdict is the human label
    (no verdict is a miss). `approved` is the rate at approval; the feared one lies `drop` below.
    The path goes on after an alarm. Raises TableError for rates that no judge can have.
    Source: the gate's rule on the end of an approval; the statistic is Page's (1954).
    """
    before = min(approved, HIGHEST_RATE)
    after = before - drop
    if not (0 < after < before and approved <= 1):
        raise TableError("The approved rate lies above the drop to look for, and is at most 1.")
    if limit <= 0:
        raise TableError("The limit of the alarm is above 0.")
    hit = float(np.log(after / before))
    miss = float(np.log((1 - after) / (1 - before)))
    total: Floats = np.cumsum(np.where(agrees, hit, miss))
    # The highest of all sums that end here is the total less its lowest point so far.
    path = total - np.minimum(np.minimum.accumulate(total), 0.0)
    above = path > limit
    alarm_at = int(above.argmax()) + 1 if above.any() else None
    return Drift(path, alarm_at, before, after, limit)
