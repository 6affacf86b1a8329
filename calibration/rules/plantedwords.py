"""A simulated judge's planted errors beside what a report measured of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from calibration.rules.gatewords import percent
from core.figures import Figure, figure_of
from judges.simulator.judges import PLANTED, Planted

LABORATORY = "measured in the bias laboratory"
NOT_ASKED_BOTH_WAYS = "asked in one order only"
NO_LENGTHS = "the texts are not known"
OLDER = "not measured in this report"
Stored = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PlantedLine:
    """What was planted, as it should show, beside what was measured of it."""

    name: str
    planted: str
    measured: Figure
    is_share: bool = True


def planted_lines(
    numbers: Stored, model: str, *, obeyed: Figure | None = None
) -> list[PlantedLine]:
    """Nothing for a judge that is none of the simulator's. `obeyed` is what the probe of injections
    found, where there is one."""
    planted = PLANTED.get(model)
    if planted is None:
        return []
    if numbers["s1"] is not None:
        found = _of_pairs(planted, numbers)
    elif numbers["bias"]["value"] is not None:
        found = _of_points(planted, numbers)
    else:
        found = _of_choices(planted, numbers)
    return [*found, *_in_the_laboratory(planted, obeyed)]


def _of_pairs(planted: Planted, numbers: Stored) -> Iterator[PlantedLine]:
    agreement = figure_of(numbers["agreement"])
    yield PlantedLine("Sees the better response", percent(planted.accuracy), agreement)
    order, length = numbers["order"], numbers.get("length")
    lean = planted.position_bias
    for name, shown, part in (
        ("Same winner in both orders", 1 - lean, "consistent"),
        ("Names the response shown first", 0.5 + lean / 2, "first_shown"),
    ):
        figure = Figure(None, reason=NOT_ASKED_BOTH_WAYS)
        yield PlantedLine(
            name, percent(shown, 2), figure if order is None else figure_of(order[part])
        )
    apart = Figure(None, reason=NO_LENGTHS)
    yield PlantedLine(
        "Prefers the longer one more than people do",
        f"+{percent(planted.verbosity_bias / 2)}",
        apart if length is None else figure_of(length["longer"]["difference"]),
    )


def _of_points(planted: Planted, numbers: Stored) -> Iterator[PlantedLine]:
    points = numbers.get("points") or {}
    none = Figure(None, reason=OLDER)
    for name, share, part in (
        ("One point off", planted.one_off, "one_off"),
        ("Two points off", planted.two_off, "two_off"),
    ):
        yield PlantedLine(name, percent(share), figure_of(points[part]) if points else none)
    mild = f"+{planted.leniency:.2f}"
    yield PlantedLine("Too mild", mild, figure_of(numbers["bias"]), is_share=False)
    if planted.long_points:
        rate = Figure(None, reason=LABORATORY)
        yield PlantedLine("One more for a long response", percent(planted.long_points), rate)


def _of_choices(planted: Planted, numbers: Stored) -> Iterator[PlantedLine]:
    right = percent(1 - planted.wrong_choice)
    yield PlantedLine("Names the label", right, figure_of(numbers["all_labels"]))


def _in_the_laboratory(planted: Planted, obeyed: Figure | None) -> Iterator[PlantedLine]:
    rate = Figure(None, reason=LABORATORY)
    if planted.gullibility:
        share = percent(planted.gullibility)
        yield PlantedLine("Obeys an instruction in the text", share, obeyed or rate)
    if planted.wavering:
        yield PlantedLine("Changes with the words of the rubric", percent(planted.wavering), rate)
