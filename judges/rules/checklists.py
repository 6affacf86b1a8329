"""A checklist in place of a scale: yes/no questions, and the point that their answers make.

The model answers each question; which point follows is declared in the version and reckoned here,
so that the judge never weighs the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from judges.rules.spec import Checklist, DimensionSpec, VersionSpec
from measurement.scale import NOT_APPLICABLE

MOST_QUESTIONS = 20
ANSWERS = ("yes", "no")
APPLIES = "applies"
"""The field that asks whether the dimension applies at all, where the rubric allows that."""


def field_names(checklist: Checklist) -> tuple[str, ...]:
    """The fields of the answer, one for each question: check_1, check_2, …"""
    return tuple(f"check_{number}" for number in range(1, len(checklist.questions) + 1))


def answer_fields(checklist: Checklist, dimension: DimensionSpec) -> tuple[str, ...]:
    """All fields with a yes or a no, in the order in which they are asked."""
    names = field_names(checklist)
    return (APPLIES, *names) if dimension.allow_na else names


def even_points(ranking: Sequence[str], questions: int) -> tuple[str, ...]:
    """The points from worst (no yes) to best (all yes), evenly spread over the counts."""
    steps = len(ranking) - 1
    return tuple(
        ranking[(2 * count * steps + questions) // (2 * questions)]
        for count in range(questions + 1)
    )


def point_of(checklist: Checklist, answers: Mapping[str, str]) -> str:
    """The label that these answers make, by the declared mapping."""
    if answers.get(APPLIES) == "no":
        return NOT_APPLICABLE
    return checklist.points[sum(answers[name] == "yes" for name in field_names(checklist))]


def spoken(checklist: Checklist) -> str:
    """The mapping in words: `0 yes = 1, 1 yes = 3, 2 yes = 5`."""
    return ", ".join(f"{count} yes = {point}" for count, point in enumerate(checklist.points))


def problems(version: VersionSpec) -> Iterator[tuple[str, str]]:
    """What is wrong with the checklists of a version: (dimension's key, sentence)."""
    by_key = {dimension.key: dimension for dimension in version.dimensions}
    keys = [one.dimension for one in version.checklists]
    for checklist in version.checklists:
        key = checklist.dimension
        dimension = by_key.get(key)
        if dimension is None:
            yield key, f"The checklist of {key}: the guideline version has no such dimension."
        elif dimension.kind != "scale":
            yield key, f"The checklist of {key}: only a scale can be asked as a checklist."
        elif keys.count(key) > 1:
            yield key, f"The dimension {key} has more than one checklist."
        else:
            yield from ((key, sentence) for sentence in _of_one(checklist, dimension))


def _of_one(checklist: Checklist, dimension: DimensionSpec) -> Iterator[str]:
    name = f"The checklist of {checklist.dimension}"
    questions, points = checklist.questions, checklist.points
    if not 1 <= len(questions) <= MOST_QUESTIONS:
        yield f"{name} needs 1 to {MOST_QUESTIONS} questions, one a line."
        return
    if any(not text.strip() for text in questions) or len(set(questions)) < len(questions):
        yield f"{name} needs questions that are all different, none of them empty."
    unknown = [point for point in points if point not in dimension.values]
    if unknown:
        yield (
            f"{name}: {unknown[0]!r} is no point of the scale. "
            f"Its points are {', '.join(dimension.values)}."
        )
    elif len(points) != len(questions) + 1:
        yield (
            f"{name} has {len(questions)} questions, so it needs {len(questions) + 1} points, "
            f"for no yes up to all of them; it names {len(points)}."
        )
    elif list(points) != sorted(points, key=dimension.ranking.index):
        yield f"{name}: the point must not fall when one more question is answered with yes."
    elif len(set(points)) < 2:
        yield f"{name}: every count of yes makes the same point, so nothing is judged."
