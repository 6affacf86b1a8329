"""Stability and bias as lines of a report, from numbers of any age."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from calibration.rules.biaswords import bias_lines
from core import markdown
from tests.unit.measurement.builders import aligned


def estimate(value: float | None) -> dict[str, Any]:
    return {"value": value, "n": 9, "interval": None, "undefined_because": "" if value else "none"}


OLD = {"order": {"pairs": 9, "consistent": estimate(0.8), "first_shown": estimate(0.5)}}
VOTES = {"i": "AAA", "j": "BBB", "k": "AAA"}
LENGTHS = {"i": (9.0, 3.0), "j": (9.0, 3.0), "k": (2.0, 4.0)}


def names(numbers: dict[str, Any]) -> list[str]:
    return [line.name for line in bias_lines(numbers)]


def test_numbers_of_an_older_report_are_still_readable() -> None:
    assert names(OLD) == ["Same winner in both orders", "Names the response shown first"]
    assert names({"order": None}) == []


def test_the_length_effect_of_judge_and_people_stands_side_by_side() -> None:
    found = aligned(VOTES, {"i": "A", "j": "A", "k": "B"}, lengths=LENGTHS).as_dict()
    lines = {line.name: line for line in bias_lines(found)}
    assert lines["Judge prefers the longer one"].estimate["value"] == 1
    assert lines["People prefer the longer one"].estimate["value"] == 1 / 3
    assert lines["Judge − people, longer one"].estimate["value"] == 2 / 3
    assert not lines["Length slope of its own"].is_share


def test_missing_verdicts_are_shown_by_label_where_there_are_any() -> None:
    answered = aligned(VOTES, {"i": "A", "j": "B", "k": "A"}).as_dict()
    assert names(answered) == []
    found = aligned(VOTES, {"i": "A", "j": "!refused", "k": "A"}).as_dict()
    lines = {line.name: line.estimate["value"] for line in bias_lines(found)}
    assert lines == {"No verdict on “A”": 0.0, "No verdict on “B”": 1.0}


def test_position_and_chance_are_told_apart_where_orders_were_repeated() -> None:
    order = {
        **OLD["order"],
        "flips": {"share_first": estimate(0.7)},
        "consistent_repeat": estimate(0.9),
        "position": estimate(0.1),
    }
    found = names({"order": order, "repeats": {"samples": 3, "flip_rate": estimate(0.2)}})
    assert "Same winner in the same order again" in found
    assert "Not the same verdict each time" in found
    order["position"] = estimate(None)
    assert "What the change of places adds" not in names({"order": order})


def test_every_line_leads_to_a_section_that_explains_it() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "statistics.md").read_text("utf-8")
    anchors = {section.anchor for section in markdown.document(text).sections}
    found = aligned(VOTES, {"i": "A", "j": "!refused", "k": "A"}, lengths=LENGTHS).as_dict()
    own = {"difference": estimate(0.1)}
    order = {
        **OLD["order"],
        "flips": {"share_first": estimate(0.7)},
        "consistent_repeat": estimate(0.9),
        "position": estimate(0.1),
    }
    repeats = {"samples": 2, "flip_rate": estimate(0.2)}
    lines = list(bias_lines(found | {"order": order, "repeats": repeats, "self_preference": own}))
    assert len(lines) == 13
    assert {line.section for line in lines} <= anchors
