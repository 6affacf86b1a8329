"""What is written in a version of a guideline, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

from annotation.rules.rubric import DimensionSpec


@dataclass(frozen=True, slots=True)
class WorkedExample:
    """An answer with the verdict on it: good or bad, and why."""

    title: str
    text: str
    is_good: bool
    why: str


@dataclass(frozen=True, slots=True)
class Writing:
    """The text, the worked examples and the rubric of one version."""

    text: str
    examples: tuple[WorkedExample, ...]
    dimensions: tuple[DimensionSpec, ...]
