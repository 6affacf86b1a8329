"""One measured number, and the table that people read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """`target` None: information. `better` says on which side of the target one wants to be."""

    name: str
    value: float
    unit: str
    target: float | None = None
    better: Literal["lower", "higher"] = "lower"

    @property
    def holds(self) -> bool:
        """A figure without a target always holds."""
        if self.target is None:
            return True
        if self.better == "lower":
            return self.value <= self.target
        return self.value >= self.target

    def as_dict(self) -> dict[str, object]:
        return {
            "name": self.name,
            "value": round(self.value, 4),
            "unit": self.unit,
            "target": self.target,
            "better": self.better,
            "holds": self.holds,
        }


def table(figures: Sequence[Figure]) -> str:
    """The figures as lines of text, one a figure."""
    width = max((len(figure.name) for figure in figures), default=0)
    lines = []
    for figure in figures:
        sign = "<=" if figure.better == "lower" else ">="
        target = "" if figure.target is None else f"{sign} {figure.target:g}"
        verdict = "" if figure.target is None else ("holds" if figure.holds else "FALLS SHORT")
        value = f"{figure.value:12.3f} {figure.unit:8}"
        lines.append(f"{figure.name:{width}} {value} {target:10} {verdict}".rstrip())
    return "\n".join(lines)
