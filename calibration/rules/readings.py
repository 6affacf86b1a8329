"""How an alpha is read, with its interval beside it and never instead of it."""

from __future__ import annotations

from dataclasses import dataclass

TENTATIVE = 0.667
RELIABLE = 0.8


@dataclass(frozen=True, slots=True)
class Reading:
    kind: str
    word: str


def of_alpha(value: float | None) -> Reading | None:
    """Krippendorff's reading: reliable from .80, tentative from .667, below it settle first."""
    if value is None:
        return None
    if value >= RELIABLE:
        return Reading("good", "reliable")
    if value >= TENTATIVE:
        return Reading("doubtful", "tentative")
    return Reading("poor", "settle first")
