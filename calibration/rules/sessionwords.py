"""What a difference of agreement between two samples says, in words."""

from __future__ import annotations

from measurement.estimate import Estimate

CHOSEN = (
    "The items of the first round were chosen, those of the second drawn at random: items that "
    "people differ on are harder than most, so a higher figure alone does not show that the "
    "session helped."
)


def moved(difference: Estimate) -> tuple[str, str]:
    """A badge's kind and the sentence: higher, lower, or why nobody can tell."""
    if difference.value is None:
        return "plain", f"cannot tell: {difference.undefined_because}"
    if difference.interval is None:
        return "plain", f"cannot tell: {difference.undefined_because}"
    if difference.interval.low > 0:
        return "good", "higher"
    if difference.interval.high < 0:
        return "poor", "lower"
    return "plain", "cannot tell: the interval of the difference holds 0"
