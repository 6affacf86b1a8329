"""What slices say after a decision, and which of it stands for all of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from calibration.rules.gatewords import percent
from core.figures import figure_of
from measurement.slices import LEAST_ITEMS, ONE_SIDE

Stored = Mapping[str, Any]


def below(found: Stored) -> bool:
    """Below the target after Holm's adjustment; of an older report nobody knows."""
    return "holm" in found and found["holm"] <= ONE_SIDE


def counted(slices: Stored) -> int:
    return sum(map(len, slices.values()))


def notes(numbers: Stored) -> Iterator[str]:
    """Below the picture: what stands after the adjustment, and what has no figure."""
    slices = numbers.get("slices", {})
    if slices and "small_slices" in numbers:
        yield _adjusted(slices)
    for name, small in numbers.get("small_slices", {}).items():
        yield (
            f"Left out of {name}: {small['values']:,} value{'' if small['values'] == 1 else 's'} "
            f"with fewer than {LEAST_ITEMS} decided items each, {small['items']:,} items together; "
            "an interval of so few says nothing."
        )


def _adjusted(slices: Stored) -> str:
    total = counted(slices)
    if total == 1:
        return "One slice was looked at, so nothing is adjusted for their number."
    named = [
        f"{name} “{value}” ({_p(found['holm'])})"
        for name, by_value in slices.items()
        for value, found in by_value.items()
        if below(found)
    ]
    said = ", ".join(named) if named else "none"
    return f"Below the target after Holm's adjustment for {total} slices: {said}."


def warnings(slices: Stored, target: float) -> Iterator[str]:
    """Where a judge that passes as a whole may not reach the target."""
    total = counted(slices)
    for name, by_value in slices.items():
        for value, found in by_value.items():
            figure = figure_of(found)
            if figure.high is not None and figure.high < target:
                yield (
                    f"On items of {name} “{value}” even the upper end of the interval, "
                    f"{percent(figure.high)}, is below the target{_stands(found, total)}."
                )
            elif figure.low is not None and figure.low < target:
                yield (
                    f"On items of {name} “{value}” the interval reaches down to "
                    f"{percent(figure.low)}."
                )


def _stands(found: Stored, total: int) -> str:
    if "holm" not in found or total == 1:
        return ""
    adjusted = f"Holm's adjustment for {total} slices ({_p(found['holm'])})"
    if below(found):
        return f", and stays there after {adjusted}"
    return f"; after {adjusted} it may be luck"


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
