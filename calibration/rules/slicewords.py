"""What slices say after a decision, and which of it stands for all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from annotation.rules.itemrows import CASES, DIFFICULTIES, SOURCES
from calibration.rules.gatewords import percent
from core.figures import figure_of
from measurement.slices import LEAST_ITEMS, ONE_SIDE

Stored = Mapping[str, Any]
Found = TypeVar("Found")

PROPERTIES = {"difficulty": DIFFICULTIES, "case": CASES, "source": SOURCES}
"""What items are told apart by, each with its values in the order in which they are said."""


def in_order(
    slices: Mapping[str, Mapping[str, Found]],
) -> list[tuple[str, list[tuple[str, Found]]]]:
    """Properties and their values as one says them, easy before hard; unknown ones behind, by name.

    What is kept as JSON comes back in the order of the alphabet, or of the length of the words.
    """
    return [(name, _values_in_order(name, slices[name])) for name in _ranked(slices, PROPERTIES)]


def _values_in_order(name: str, by_value: Mapping[str, Found]) -> list[tuple[str, Found]]:
    known = [value.replace("_", " ") for value in PROPERTIES.get(name, ())]
    return [(value, by_value[value]) for value in _ranked(by_value, known)]


def _ranked(found: Iterable[str], known: Iterable[str]) -> list[str]:
    rank = {word: place for place, word in enumerate(known)}
    return sorted(found, key=lambda word: (rank.get(word, len(rank)), word))


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
    too_small = numbers.get("small_slices", {})
    for name in _ranked(too_small, PROPERTIES):
        small = too_small[name]
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
        for name, by_value in in_order(slices)
        for value, found in by_value
        if below(found)
    ]
    said = ", ".join(named) if named else "none"
    return f"Below the target after Holm's adjustment for {total} slices: {said}."


def warnings(slices: Stored, target: float) -> Iterator[str]:
    """Where a judge that passes as a whole may not reach the target."""
    total = counted(slices)
    for name, by_value in in_order(slices):
        for value, found in by_value:
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
