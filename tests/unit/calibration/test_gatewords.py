"""The gate in plain words: every check that the gate makes has its own."""

from __future__ import annotations

import pytest

from calibration.rules import gatewords, readings
from calibration.rules.visibility import form_of
from calibration.states import ReportForm
from measurement import gate
from measurement.gate import Evidence, Facts, GateRule, Recall

SPACE = "\N{NO-BREAK SPACE}"


def every_check() -> list[dict[str, object]]:
    """The checks of a scale without a cut, of two labels and of more, as they are stored."""
    two = Facts(300, 120, 4, 304, {"pass": 200, "fail": 100}, is_two_label=True, needs_cut=True)
    more = Facts(300, 120, 4, 304, {"a": 200, "b": 80, "c": 20}, is_two_label=False)
    recalls = (Recall("a", 200, 0.9, 0.85),)
    shown = {"lower_bound": 0.83, "alpha": 0.7, "alpha_lower_bound": 0.6, "without_verdict": 0.01}
    found = []
    for facts, labels in ((two, 2), (more, 3)):
        evidence = Evidence(recalls=recalls, labels=labels, bias=0.02, **shown)  # type: ignore[arg-type]
        rule = GateRule(must_catch=("a",))
        found += [check.as_dict() for check in gate.decide(facts, evidence, rule).checks]
    return found


def test_every_check_of_the_gate_has_words_a_measured_value_and_a_limit() -> None:
    for check, line in zip(
        sorted(every_check(), key=gatewords._rank), gatewords.lines(every_check()), strict=True
    ):
        assert line.words != str(check["name"]).capitalize(), check["name"]
        assert line.measured
        assert line.limit


@pytest.mark.parametrize(
    ("name", "measured", "limit", "words", "shown", "bound"),
    [
        (
            "lower bound",
            0.8827,
            0.8,
            f"Lower bound of the agreement above 80{SPACE}%",
            f"88.3{SPACE}%",
            f"> 80{SPACE}%",
        ),
        ("alpha", 0.8266, 0.4, "Beyond chance (alpha)", "0.83", "≥ 0.40"),
        (
            "recall of A, lower bound",
            0.71,
            0.5,
            "Finds “A” more often than chance",
            "0.71",
            "> 0.50",
        ),
        ("contested share", 0.017, 0.1, "Contested by people", f"1.7{SPACE}%", f"≤ 10{SPACE}%"),
        ("decided items", 1573, 200, "Items that people decided", "1,573", "≥ 200"),
        ("declared cut", None, 1, "A declared cut: what counts as acceptable", "–", "needed"),
        (
            "mean bias, share of the range",
            None,
            0.0625,
            "Neither too mild nor too strict",
            "–",
            f"≤ 6.2{SPACE}% of the range",
        ),
    ],
)
def test_a_line_of_the_check_list(
    name: str, measured: float | None, limit: float, words: str, shown: str, bound: str
) -> None:
    check = {"name": name, "measured": measured, "limit": limit, "passed": True}
    (line,) = gatewords.lines([check])
    assert (line.words, line.measured, line.limit) == (words, shown, bound)


def test_failed_checks_are_named_without_any_figure() -> None:
    checks = [
        {"name": "alpha", "measured": 0.31, "limit": 0.4, "passed": False},
        {"name": "lower bound", "measured": 0.67, "limit": 0.8, "passed": False},
        {"name": "clusters", "measured": 120, "limit": 100, "passed": True},
    ]
    found = gatewords.failed(checks)
    assert found == ["Lower bound of the agreement above the target", "Beyond chance (alpha)"]


def test_an_unknown_check_stands_for_itself() -> None:
    assert gatewords.words("new guard") == "New guard"


@pytest.mark.parametrize(
    ("value", "word"),
    [(0.8, "reliable"), (0.79, "tentative"), (0.667, "tentative"), (0.66, "settle first")],
)
def test_the_reading_of_an_alpha(value: float, word: str) -> None:
    reading = readings.of_alpha(value)
    assert reading is not None
    assert reading.word == word


def test_no_alpha_no_reading() -> None:
    assert readings.of_alpha(None) is None


@pytest.mark.parametrize(
    ("gate_said", "sealed", "admin", "author", "form"),
    [
        ("fail", False, False, True, ReportForm.FULL),
        ("pass", True, True, False, ReportForm.FULL),
        ("pass", True, True, True, ReportForm.BRIEF),
        ("pass", True, False, False, ReportForm.BRIEF),
        ("fail", True, True, False, ReportForm.SHORT),
        ("unattainable", True, True, False, ReportForm.SHORT),
    ],
)
def test_who_reads_how_much(
    *, gate_said: str, sealed: bool, admin: bool, author: bool, form: ReportForm
) -> None:
    found = form_of(gate=gate_said, is_sealed=sealed, is_admin=admin, is_judge_author=author)
    assert found is form
