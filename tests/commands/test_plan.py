from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.commands.conftest import Answer, Refusal
from tests.commands.filecommands import run


def test_the_gate_needs_fewer_items_in_one_shot_than_at_a_third_look(answer: Answer) -> None:
    asked = ("plan", "gate", "--true", "0.85")
    items = [
        answer(*asked, *options)["items"]
        for options in (("--one-shot",), (), ("--look", "2"), ("--look", "3"))
    ]
    assert items[0] == 398
    assert items == sorted(set(items))
    assert answer(*asked, "--look", "2")["level"] == 0.0125


def test_what_the_gate_needs_comes_with_its_counts_and_power(answer: Answer) -> None:
    found = answer("plan", "gate", "--true", "0.85", "--one-shot")
    table = {row["items"]: (row["needed"], round(row["power"], 3)) for row in found["table"]}
    assert table[200] == (170, 0.549)
    assert table[400] == (334, 0.819)
    # 332 of 398 or more: .049 at a true .80; 331: .064.
    assert found["needed"] == 332
    assert found["least_items"] == 200


def test_a_judge_below_the_target_is_answered_with_the_reason(answer: Answer) -> None:
    found = answer("plan", "gate", "--true", "0.8")
    assert found["items"] is None
    assert "whatever the number of items" in found["undefined_because"]


@pytest.mark.parametrize(
    ("options", "items"),
    [
        (("--baseline", "0.80", "--change", "0.02"), 6039),
        (("--baseline", "0.82", "--change", "-0.02"), 6039),
        (("--baseline", "0.80", "--change", "0.02", "--paired", "--discordance", "0.2"), 3923),
        (("--change", "0.02", "--paired", "--discordance", "0.1"), 1960),
        (("--change", "0.08", "--paired", "--sd", "1"), 1227),
    ],
)
def test_items_to_see_a_difference(options: tuple[str, ...], items: int, answer: Answer) -> None:
    assert answer("plan", "difference", *options)["items"] == items


def test_more_power_needs_more_items(answer: Answer) -> None:
    asked = ("plan", "difference", "--baseline", "0.5", "--change", "0.02")
    assert answer(*asked, "--power", "0.9")["items"] > answer(*asked)["items"] == 9806


def test_items_for_a_margin(answer: Answer) -> None:
    found = answer("plan", "interval", "--share", "0.8", "--half-width", "0.02")
    assert (found["items"], found["undefined_because"]) == (1537, "")
    assert found["exact"] == pytest.approx(1536.58, abs=0.01)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("gate", "--true", "0.875", "--one-shot"), ("176 items", "plan 200", "200     170")),
        (("gate", "--true", "0.7"), ("cannot be shown", "1,000")),
        (("gate", "--true", "0.99", "--target", "0.98"), ("none",)),
        (
            ("difference", "--baseline", "0.8", "--change", "0.02"),
            ("6,039 items for each version",),
        ),
        (("difference", "--change", "0.1", "--sd", "1"), ("SD of the difference 1.0",)),
        (("difference", "--baseline", "0.8", "--change", "0"), ("cannot be seen",)),
        (("interval", "--share", "0.5", "--half-width", "0.02"), ("2,401 items",)),
    ],
)
def test_the_plain_answer_says_the_number_and_what_it_rests_on(
    options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    out = StringIO()
    call_command("plan", *options, stdout=out)
    for word in words:
        assert word in out.getvalue()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--change", "0.02"), "--baseline"),
        (("--change", "0.02", "--paired"), "--discordance 0.2"),
        (("--baseline", "0.8", "--change", "0.02", "--discordance", "0.1"), "add --paired"),
        (("--change", "0.1", "--sd", "1", "--paired", "--discordance", "0.2"), "not both"),
        (("--baseline", "0.9", "--change", "0.2"), "between 0 and 1"),
        (("--change", "0.2", "--paired", "--discordance", "0.1"), "at least 0.2"),
    ],
)
def test_options_that_contradict_each_other_get_a_sentence(
    options: tuple[str, ...], sentence: str, refusal: Refusal
) -> None:
    assert sentence in refusal("plan", "difference", *options)


@pytest.mark.parametrize(
    "options",
    [
        ("gate",),
        ("gate", "--true", "85"),
        ("gate", "--true", "0.85", "--power", "0.1"),
        ("gate", "--true", "0.85", "--look", "1", "--one-shot"),
        ("difference", "--change", "nan"),
        ("difference", "--change", "0.1", "--sd", "0"),
        ("interval", "--share", "0.8", "--half-width", "2"),
        ("journey",),
    ],
)
def test_impossible_options_are_refused(options: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="Error: "):
        call_command("plan", *options)


def test_the_shell_sees_the_status_and_no_database_is_asked(tmp_path: Path) -> None:
    good = run(tmp_path, "plan", "interval", "--share", "0.5", "--half-width", "0.02")
    bad = run(tmp_path, "plan", "difference", "--change", "0.02")
    assert (good.status, good.complaint, bad.status) == (0, "", 2)
    assert "2,401 items" in good.printed
    assert "Traceback" not in bad.complaint
