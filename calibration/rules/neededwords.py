"""How many more labels would settle it, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from calibration.rules import gatewords

TRIES = "for a pass in four of five tries"
ENOUGH = "No more labels are needed for the gate."


def sentences(needed: Mapping[str, Any] | None, *, is_passed: bool) -> list[str]:
    """What a report's numbers hold of it; nothing where they are older than this figure."""
    if needed is None:
        return []
    return [ENOUGH] if is_passed else list(_said(needed))


def _said(needed: Mapping[str, Any]) -> Iterator[str]:
    items, now = needed["items"], needed["now"]
    low, high = needed["interval"]
    if items is None:
        yield f"No number of labels would settle it: {needed['undefined_because']}."
        if low is not None:
            yield (
                f"Were the true agreement at the upper end of its interval, about {low:,} decided "
                f"items would do ({now:,} now)."
            )
    elif items <= now:
        yield (
            f"There are labels enough: {items:,} decided items are what it takes {TRIES}, and "
            f"{now:,} are there."
        )
    else:
        yield (
            f"About {items:,} decided items in all, {items - now:,} more than the {now:,} here, "
            f"{TRIES} by a judge that agrees as often as this one did; {_ends(low, high)}."
        )
    if needed["guards"]:
        named = "; ".join(gatewords.words(name) for name in needed["guards"])
        yield f"What fails besides is no matter of number: {named}."


def _ends(low: int | None, high: int | None) -> str:
    """The same at the two ends of the agreement's interval."""
    best = "no number" if low is None else f"{low:,}"
    worst = "no number" if high is None else f"{high:,}"
    return f"{best} at the upper end of its interval, {worst} at the lower"
