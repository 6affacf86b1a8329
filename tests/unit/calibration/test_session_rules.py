"""Who is named in a comment, which lines a guideline has, and what a difference says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.rules.sessions import Line, lines_of, named_in
from calibration.rules.sessionwords import moved
from measurement.estimate import Estimate, Interval

NAMES = ["ana", "ben", "o.lu", "ana.b"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@ana look", ["ana"]),
        ("(@ANA), @ben!", ["ana", "ben"]),
        ("@ana.", ["ana"]),
        ("@ana.b and @ana", ["ana.b", "ana"]),
        ("@o.lu...", ["o.lu"]),
        ("mail ana@ben", []),
        ("@nobody @", []),
        ("@ana @ana", ["ana"]),
    ],
)
def test_names_after_an_at_sign(text: str, expected: list[str]) -> None:
    assert named_in(text, NAMES) == expected


@given(st.text())
def test_only_known_people_are_ever_named(text: str) -> None:
    assert set(named_in(text, NAMES)) <= set(NAMES)


def test_lines_keep_their_numbers() -> None:
    assert lines_of("# Tone\n\n- Be brief. \n") == [Line(1, "# Tone"), Line(3, "- Be brief.")]


@pytest.mark.parametrize(
    ("difference", "begins"),
    [
        (Estimate(0.3, 9, Interval(0.1, 0.5)), "higher"),
        (Estimate(-0.3, 9, Interval(-0.5, -0.1)), "lower"),
        (Estimate(0.3, 9, Interval(-0.1, 0.5)), "cannot tell: the interval"),
        (Estimate(0.3, 9, Interval(0.0, 0.5)), "cannot tell: the interval"),
        (Estimate(0.3, 9, None, "no spread"), "cannot tell: no spread"),
        (Estimate.undefined("nobody rated"), "cannot tell: nobody rated"),
    ],
)
def test_a_difference_in_words(difference: Estimate, begins: str) -> None:
    assert moved(difference)[1].startswith(begins)
