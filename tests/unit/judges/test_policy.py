"""The constants of a gate policy: bounds with sentences, and nothing lost on the way."""

from __future__ import annotations

from typing import Any

import pytest

from judges.rules import policy as rules
from judges.rules.policy import Policy

DEFAULTS = rules.chosen(Policy())


def test_the_defaults_are_those_of_the_reference() -> None:
    assert DEFAULTS == {
        "target": 0.8,
        "level": 0.05,
        "least_ratings": 3,
        "least_items": 200,
        "least_clusters": 100,
        "least_per_label": 30,
        "must_catch": [],
        "most_contested": 0.1,
        "recall_items": 20,
        "least_recall": 0.5,
        "least_alpha": 0.4,
        "least_alpha_bound": 0.2,
        "most_bias": 0.0625,
        "most_without_verdict": 0.02,
        "least_omega": 0.5,
        "valid_days": 90,
        "drift_drop": 0.1,
        "drift_limit": 6.0,
    }
    assert rules.problems(DEFAULTS) == {}


def test_those_marked_as_judgement_are_the_daggers_of_the_reference() -> None:
    assert {one.name for one in rules.CONSTANTS if one.is_judgement} == {
        "least_items",
        "least_clusters",
        "least_per_label",
        "must_catch",
        "most_contested",
        "least_alpha",
        "least_alpha_bound",
        "most_bias",
        "most_without_verdict",
        "valid_days",
        "drift_limit",
    }


def test_a_policy_is_read_back_as_it_was_recorded() -> None:
    chosen = DEFAULTS | {"target": 0.9, "must_catch": ["unsafe"], "valid_days": 30}
    policy = rules.policy_of(chosen, number=4)
    assert rules.policy_of(policy.as_dict(), number=4) == policy
    assert (policy.gate.target, policy.gate.must_catch, policy.valid_days) == (0.9, ("unsafe",), 30)


def test_what_older_evidence_does_not_say_is_the_default() -> None:
    assert rules.policy_of(Policy().gate.as_dict(), number=0) == Policy()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("target", 0.49),
        ("target", 1.0),
        ("target", "0.8"),
        ("target", None),
        ("target", True),
        ("target", float("nan")),
        ("level", 0.051),
        ("least_ratings", 2),
        ("least_items", 200.5),
        ("valid_days", 0),
        ("least_alpha_bound", 0.5),
        ("least_clusters", 201),
        ("must_catch", "unsafe"),
        ("must_catch", [""]),
        ("must_catch", ["x"] * 21),
        ("no_such_thing", 1),
    ],
)
def test_what_cannot_be_taken_is_said_beside_its_name(name: str, value: Any) -> None:
    found = rules.problems(DEFAULTS | {name: value})
    assert list(found) == ["" if name == "no_such_thing" else name]
    assert all(said.endswith(".") for said in found[next(iter(found))])


def test_changes_are_told_in_words() -> None:
    found = rules.changes(DEFAULTS, DEFAULTS | {"target": 0.825, "must_catch": ["unsafe"]})
    told = [(one.title, one.before, one.after) for one in found]
    assert told == [
        ("Target", "80\N{NO-BREAK SPACE}%", "82.5\N{NO-BREAK SPACE}%"),
        ("Labels that must be caught", "none", "unsafe"),
    ]
