"""What a comparison means: better, worse, equivalent, not worse, or that it cannot tell."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from measurement import planning
from measurement.adjust import benjamini_hochberg, holm
from measurement.arrays import Bools
from measurement.comparison import Comparison
from measurement.estimate import Interval

Word = Literal["better", "equivalent", "not worse", "worse", "cannot tell"]
ERROR = 0.05


@dataclass(frozen=True, slots=True)
class Margin:
    """How much worse still counts as not worse, in the metric's unit, and which way is better."""

    width: float = 0.0
    lower_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One metric in a word; `items_needed` would tell (power .8), None where none can be named."""

    word: Word
    because: str
    items_needed: int | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "verdict": self.word,
            "because": self.because,
            "items_needed": self.items_needed,
        }


@dataclass(frozen=True, slots=True)
class AdjustedP:
    holm: float
    benjamini_hochberg: float


@dataclass(frozen=True, slots=True)
class Findings:
    """All metrics, and what they say together; `decides` names those that settle it.

    `adjusted` holds the tests' p-values by metric, adjusted for all that were compared: by Holm
    to decide, by Benjamini–Hochberg to explore.
    """

    metrics: Mapping[str, Finding]
    adjusted: Mapping[str, AdjustedP]
    word: Word
    decides: tuple[str, ...]
    because: str
    items_needed: int | None = None

    @property
    def status(self) -> int:
        """0 no metric is worse by more than the margin, 1 one is, 2 it cannot be told."""
        return {"worse": 1, "cannot tell": 2}.get(self.word, 0)


def find(compared: Mapping[str, Comparison], margin: Margin) -> Findings:
    """Hold every metric against the margin, then all of them together (at least one).

    One metric: its 95 % interval decides. Several: that some metric is worse, or better, is one
    finding among many, so it also has to stand after Holm's adjustment; that none is worse must
    hold for each, which needs no adjustment.
    """
    turned = [_Turned(one, margin) for one in compared.values()]
    p_values = [one.p for one in compared.values()]
    pairs = zip(holm(p_values), benjamini_hochberg(p_values), strict=True)
    adjusted = {name: AdjustedP(*pair) for name, pair in zip(compared, pairs, strict=True)}
    worse = _standing([one.p_worse() for one in turned])
    better = _standing([one.p_better() for one in turned])
    found = {
        name: one.finding(may_be_worse=is_worse, may_be_better=is_better)
        for name, one, is_worse, is_better in zip(compared, turned, worse, better, strict=True)
    }
    return _together(found, adjusted)


def _standing(p_values: Sequence[float]) -> list[bool]:
    if len(p_values) == 1:
        return [True]
    return [p <= ERROR for p in holm(p_values)]


class _Turned:
    """A comparison turned so that more is better."""

    def __init__(self, compared: Comparison, margin: Margin) -> None:
        self.compared = compared
        self.margin = margin
        self.limit = -margin.width
        sign = -1.0 if margin.lower_is_better else 1.0
        self.value = sign * (compared.difference.value or 0.0)
        self.drawn = sign * compared.drawn.values
        interval = compared.difference.interval
        if interval is not None and margin.lower_is_better:
            interval = Interval(-interval.high, -interval.low)
        self.interval = interval

    def p_worse(self) -> float:
        """Two-sided: the replicates that are not below the limit."""
        return self._p(self.drawn >= self.limit, self.limit)

    def p_better(self) -> float:
        """Two-sided: the replicates that are not above 0."""
        return self._p(self.drawn <= 0, 0.0)

    def _p(self, against: Bools, limit: float) -> float:
        if self.interval is None:
            return 1.0
        least = 2 / (len(self.drawn) + 1)
        if against.any():
            return min(1.0, (int(against.sum()) + 1) * least)
        # Finer than replicates can say: with many metrics Holm asks for less than they resolve.
        error = float(self.drawn.std())
        return min(least, math.erfc(abs(self.value - limit) / (error * 2**0.5))) if error else 0.0

    def finding(self, *, may_be_worse: bool, may_be_better: bool) -> Finding:
        if self.interval is None:
            because = self.compared.no_interval_because
            return Finding("cannot tell", f"The difference has no interval: {because}.")
        low, high, noise = self.interval.low, self.interval.high, self.compared.noise
        said = self._said()
        if high < self.limit - noise and may_be_worse:
            return Finding("worse", f"{said}: worse by more than the margin.")
        if low < self.limit - noise:
            return self._undecided()
        if high <= self.margin.width + noise:
            return Finding("equivalent", f"{said}: inside the margin on both sides.")
        if low > noise and may_be_better:
            return Finding("better", f"{said}: all of it on the better side.")
        return Finding("not worse", f"{said}: not worse by more than the margin.")

    def _said(self) -> str:
        interval = self.compared.difference.interval
        assert interval is not None
        turned = ", lower is better" if self.margin.lower_is_better else ""
        between = f"between {interval.low:+.4g} and {interval.high:+.4g}"
        return f"The difference lies {between} (margin {self.margin.width:g}{turned})"

    def _undecided(self) -> Finding:
        said = f"{self._said()}: it may be worse by more than the margin, or not."
        needed = self._items_needed()
        if needed is None:
            return Finding("cannot tell", f"{said} No number of items can be named.")
        more = needed - self.compared.items
        told = (
            f"{said} {needed:,} items ({more:,} more) would tell, with a chance of "
            f"{planning.POWER:.0%}, if the true difference is the one seen."
        )
        return Finding("cannot tell", told, needed)

    def _items_needed(self) -> int | None:
        """Items of this spread that would show the seen difference apart from the limit."""
        apart = abs(self.value - self.limit)
        if apart <= self.compared.noise:
            return None
        needed = planning.rating_items(apart, spread=self.compared.spread)
        return max(planning.whole(needed), self.compared.items + 1) if needed < _MOST else None


_MOST = 1e9
"""More items than this is no number to name: the difference seen lies on the limit."""


def _together(found: Mapping[str, Finding], tested: Mapping[str, AdjustedP]) -> Findings:
    if len(found) == 1:
        [(name, only)] = found.items()
        return Findings(found, tested, only.word, (name,), only.because, only.items_needed)
    adjusted = f"after Holm's adjustment for {len(found)} metrics"
    worse = _named(found, "worse")
    if worse:
        because = f"Worse by more than the margin {adjusted}: {', '.join(worse)}."
        return Findings(found, tested, "worse", worse, because)
    unclear = _named(found, "cannot tell")
    if unclear:
        counts = [found[name].items_needed for name in unclear]
        needed = None if None in counts else max(count or 0 for count in counts)
        told = "No number of items can be named" if needed is None else f"{needed:,} items"
        told += "." if needed is None else " would tell."
        because = f"It cannot be told whether they are worse: {', '.join(unclear)}. {told}"
        return Findings(found, tested, "cannot tell", unclear, because, needed)
    because = "No metric is worse by more than the margin, each by its own interval."
    better = _named(found, "better")
    if better:
        because += f" Better {adjusted}: {', '.join(better)}."
    words = {one.word for one in found.values()}
    word: Word = "better" if better else "equivalent" if words == {"equivalent"} else "not worse"
    return Findings(found, tested, word, tuple(found), because)


def _named(found: Mapping[str, Finding], word: Word) -> tuple[str, ...]:
    return tuple(name for name, one in found.items() if one.word == word)
