from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest

from judges.rules.spec import DimensionSpec
from judges.rules.templates import default_templates, lint
from tests.unit.judges.builders import ACCURACY, PREFERENCE, make_version


@pytest.mark.parametrize("kind", ["single", "pair", "conversation"])
def test_the_templates_to_start_from_have_no_problems(kind: Any) -> None:
    assert lint(make_version(kind)) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"user_template": "{{ response_a }}"}, "leaves out a response. Add {{ response_b }}"),
        ({"user_template": "{{ response_a }}{{ response_b }}{{ rater }}"}, "variable rater"),
        ({"user_template": "{{ response_a }}{{ response_b }}{{ "}, "braces that name no variable"),
        ({"user_template": "{{ response_a }}{{ response_b }}{{ a.b }}"}, "'{{ a.b }}'"),
        ({"system_template": "Judge."}, "leaves out the rubric"),
        ({"system_template": "{{ rubric }}{{ response_a }}"}, "unknown variable response_a"),
        ({"dimensions": (PREFERENCE, PREFERENCE)}, "preference occurs more than once"),
        ({"dimensions": (PREFERENCE, ACCURACY)}, "Make two versions"),
        ({"model": " "}, "names no model"),
        ({"max_tokens": 0}, "at least 1"),
        ({"samples": 0}, "between 1 and 99"),
        ({"effort": "huge"}, "'huge' is unknown"),
        ({"thinking": "enabled"}, "'enabled' is unknown"),
        ({"capabilities": {"structured_output": "tool"}}, "'tool' is unknown"),
    ],
)
def test_a_version_with_a_problem_says_it_in_one_sentence(
    changes: dict[str, Any], expected: str
) -> None:
    problems = lint(make_version(**changes))
    assert len(problems) == 1
    assert expected in problems[0]


@pytest.mark.parametrize(
    ("dimension", "expected"),
    [
        (DimensionSpec("bad key", "?", "yes_no"), "must hold letters"),
        (DimensionSpec("topic", "?", "category"), "at least two points"),
        (DimensionSpec("t", "?", "category", (("x", ""), ("x", ""))), "all different"),
        (DimensionSpec("t", "?", "category", (("x", ""), ("not_applicable", ""))), "allow it"),
        (dataclasses.replace(ACCURACY, cut="6"), "the cut must be one point"),
        (DimensionSpec("t", "?", "yes_no", cut="yes"), "the cut must be one point"),
    ],
)
def test_a_dimension_with_a_problem_says_it(dimension: DimensionSpec, expected: str) -> None:
    problems = lint(make_version("single", dimensions=(dimension,)))
    assert len(problems) == 1
    assert expected in problems[0]


def test_pairwise_labels_are_fixed() -> None:
    dimension = DimensionSpec("p", "?", "pairwise", (("left", ""), ("right", "")))
    assert "pairwise labels are" in lint(make_version(dimensions=(dimension,)))[0]


def test_a_version_of_single_responses_must_show_the_response() -> None:
    problems = lint(make_version("single", user_template="{{ input }}"))
    assert len(problems) == 1
    assert "Add {{ response }}, or {{ messages }} for conversations." in problems[0]


@pytest.mark.parametrize("is_pairwise", [True, False])
def test_the_templates_show_whatever_an_item_has(is_pairwise: bool) -> None:
    judged = {"response_a", "response_b"} if is_pairwise else {"response"}
    user = default_templates(is_pairwise=is_pairwise)[1]
    named = set(re.findall(r"\{\{ (\w+) \}\}", user))
    assert named == {"input", "messages", "context", "reference"} | judged


def test_a_version_needs_a_dimension() -> None:
    problems = lint(make_version("single", dimensions=()))
    assert problems == ["The version has no dimension. Add at least one."]
