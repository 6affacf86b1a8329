from __future__ import annotations

import dataclasses

import pytest

from judges.rules.answering import answer_for
from judges.rules.spec import DimensionSpec
from tests.unit.judges.builders import ACCURACY, FIVE, PREFERENCE

GRADED = dataclasses.replace(
    PREFERENCE, points=tuple((grade, "") for grade in ("A2", "A1", "tie", "B1", "B2"))
)


@pytest.mark.parametrize(
    ("label", "dimension", "answer"),
    [
        ("pass", ACCURACY, "4"),
        ("fail", ACCURACY, "3"),
        ("2", ACCURACY, "2"),
        ("6", ACCURACY, None),
        ("pass", dataclasses.replace(ACCURACY, cut=None), None),
        ("fail", dataclasses.replace(ACCURACY, cut="1"), None),
        ("fail", dataclasses.replace(ACCURACY, points=FIVE[::-1]), "3"),
        ("A", PREFERENCE, "A"),
        ("tie", GRADED, "tie"),
        ("A", GRADED, "A1"),
        ("B", GRADED, "B1"),
        ("yes", DimensionSpec("ok", "Is it?", "yes_no"), "yes"),
        ("", PREFERENCE, None),
    ],
)
def test_a_reference_label_is_answered_with_a_point_of_the_rubric(
    label: str, dimension: DimensionSpec, answer: str | None
) -> None:
    assert answer_for(label, dimension) == answer
