"""People's labels as a judge would have to write them."""

from __future__ import annotations

from judges.rules.spec import DimensionSpec
from measurement.scale import GRADED, PASS_FAIL, side_of

_FAIL, _PASS = PASS_FAIL


def answer_for(label: str, dimension: DimensionSpec) -> str | None:
    """The point of the rubric that stands for a reference label; None where none does.

    Reference labels are what the gate compares: pass or fail at a cut, A, tie or B. A judge answers
    with points: the cut is the lowest that passes, the one below it the highest that fails, and of
    a graded preference the milder grade is taken.
    """
    if dimension.cut is not None and label in PASS_FAIL:
        ranking = dimension.ranking
        place = ranking.index(dimension.cut) - (label == _FAIL)
        return ranking[place] if place >= 0 else None
    if label in dimension.values:
        return label
    milder = {side_of(grade): grade for grade in ("A1", "B1") if grade in GRADED}
    grade = milder.get(label, "") if dimension.kind == "pairwise" else ""
    return grade if grade in dimension.values else None
