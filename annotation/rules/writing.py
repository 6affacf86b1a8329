"""What is written in a version of a guideline, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

from annotation.rules.rubric import DimensionSpec

MOST_EXAMPLES = 30
LONGEST_TEXT = 50_000
WHAT_CHANGED_CHARS = 2000
QUESTION_CHARS = 200
DIMENSION_NAME_CHARS = 80
ANCHORS_CHARS = 10_000
EXAMPLE_TITLE_CHARS = 160
EXAMPLE_TEXT_CHARS = 10_000
EXAMPLE_WHY_CHARS = 2000


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
