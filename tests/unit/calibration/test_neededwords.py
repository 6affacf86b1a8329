"""How many more labels are needed, said in sentences: each case once."""

from __future__ import annotations

from typing import Any

from calibration.rules import neededwords


def said(**changed: Any) -> str:
    numbers = {
        "items": 1074,
        "now": 214,
        "interval": [255, None],
        "undefined_because": "",
        "guards": [],
    }
    return " ".join(neededwords.sentences({**numbers, **changed}, is_passed=False))


def test_how_many_in_all_how_many_more_and_at_both_ends() -> None:
    text = said()
    assert "About 1,074 decided items in all, 860 more than the 214 here" in text
    assert "255 at the upper end of its interval, no number at the lower" in text


def test_where_the_number_is_there_already() -> None:
    assert "There are labels enough: 200 decided items" in said(items=200, interval=[200, 800])


def test_where_no_number_does_it_the_reason_and_the_better_end() -> None:
    text = said(items=None, undefined_because="it agrees too seldom")
    assert text.startswith("No number of labels would settle it: it agrees too seldom.")
    assert "about 255 decided items would do (214 now)" in text
    alone = said(items=None, interval=[None, None], undefined_because="a cut is missing")
    assert alone == "No number of labels would settle it: a cut is missing."


def test_what_else_failed_is_named_in_plain_words() -> None:
    text = said(guards=["alpha", "recall of B, lower bound"])
    assert "no matter of number: Beyond chance (alpha); Finds “B” more often than chance." in text


def test_a_pass_needs_nothing_and_an_older_report_says_nothing() -> None:
    assert neededwords.sentences({}, is_passed=True) == [neededwords.ENOUGH]
    assert neededwords.sentences(None, is_passed=True) == []
