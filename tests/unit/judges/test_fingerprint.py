from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from judges.rules import prompting
from judges.rules.fingerprint import differences, fingerprint, request_digest
from judges.rules.spec import Checklist, Example, VersionSpec, as_json, from_json
from tests.unit.judges.builders import FIVE, KEY, PREFERENCE, make_pair, make_version

CHANGES: dict[str, Any] = {
    "kind": "baseline",
    "provider": "other",
    "base_url": "http://127.0.0.1:2",
    "model": "sim-slant-1",
    "max_tokens": 2048,
    "system_template": "{{ rubric }}",
    "user_template": "{{ response_a }} {{ response_b }}",
    "dimensions": (dataclasses.replace(PREFERENCE, question="Which one?"),),
    "effort": "low",
    "thinking": "disabled",
    "guideline_text": "Other.",
    "guideline_version": "1.1",
    "examples": (Example(make_pair(), (("preference", "A"),), "", "v1"),),
    "reasoning_first": False,
    "both_orders": False,
    "samples": 3,
    "aggregation": "other",
    "capabilities": {"prompt_cache": True},
    "parser_version": "2",
    "artefact": "abc",
    "members": ("abc",),
    "constants": (("preference", "A"),),
    "temperature": 0.0,
    "with_reference": False,
    "checklists": (Checklist("accuracy", ("Is it right?",), ("1", "5")),),
    "is_reworded": True,
}


def test_one_version_has_one_fingerprint() -> None:
    assert fingerprint(make_version()) == fingerprint(make_version())
    assert len(fingerprint(make_version())) == 64


def test_every_field_of_a_version_is_tried_here() -> None:
    assert set(CHANGES) == {field.name for field in dataclasses.fields(VersionSpec)}


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_every_field_changes_the_fingerprint(name: str) -> None:
    assert fingerprint(make_version(**{name: CHANGES[name]})) != fingerprint(make_version())


def test_a_field_that_came_later_counts_only_where_it_says_something() -> None:
    """A version that was saved before there were constants and temperatures stays what it was."""
    stored = as_json(make_version())
    assert not {"constants", "temperature"} & set(stored)
    assert fingerprint(from_json(stored)) == fingerprint(make_version())
    (changed,) = differences(make_version(), make_version(temperature=0.5))
    assert (changed.field, changed.before, changed.after) == ("temperature", "null", "0.5")


def test_the_label_version_of_an_example_changes_the_fingerprint() -> None:
    one, two = (
        make_version(examples=(Example(make_pair(), (("preference", "A"),), "", version),))
        for version in ("v1", "v2")
    )
    assert fingerprint(one) != fingerprint(two)


def test_the_order_of_a_scales_points_changes_the_fingerprint() -> None:
    rising, falling = (
        make_version(dimensions=(dataclasses.replace(PREFERENCE, points=points),))
        for points in (FIVE, FIVE[::-1])
    )
    assert fingerprint(rising) != fingerprint(falling)


def test_the_order_of_a_profiles_entries_does_not() -> None:
    one = make_version(capabilities={"a": 1, "b": 2})
    two = make_version(capabilities={"b": 2, "a": 1})
    assert fingerprint(one) == fingerprint(two)


def test_a_trailing_slash_of_the_base_url_changes_nothing() -> None:
    assert fingerprint(make_version(base_url="http://127.0.0.1:1/")) == fingerprint(make_version())


def test_a_stored_version_keeps_its_fingerprint() -> None:
    version = make_version(examples=CHANGES["examples"], capabilities={"prompt_cache": True})
    stored = json.loads(json.dumps(as_json(version)))
    assert fingerprint(from_json(stored)) == fingerprint(version)


def test_the_profile_of_a_version_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        make_version().capabilities["prompt_cache"] = True  # type: ignore[index]


def test_a_stored_answer_is_found_by_request_address_and_sample() -> None:
    version = make_version()
    one = prompting.render(version, make_pair(), order="AB", sample=0, fence_key=KEY)
    two = prompting.render(version, make_pair(), order="BA", sample=0, fence_key=KEY)
    digests = {
        request_digest(one, provider="anthropic", base_url="http://a", sample=0),
        request_digest(one, provider="anthropic", base_url="http://a", sample=1),
        request_digest(one, provider="anthropic", base_url="http://b", sample=0),
        request_digest(one, provider="other", base_url="http://a", sample=0),
        request_digest(two, provider="anthropic", base_url="http://a", sample=0),
    }
    assert len(digests) == 5


def test_a_difference_is_shown_field_by_field() -> None:
    found = differences(make_version(), make_version(model="sim-slant-1", effort="low"))
    assert [(one.field, one.before, one.after) for one in found] == [
        ("model", "sim-plumb-1", "sim-slant-1"),
        ("effort", "null", "low"),
    ]


def test_a_difference_between_prompts_is_shown_line_by_line() -> None:
    before = make_version(guideline_text="One.\nTwo.")
    (found,) = differences(before, make_version(guideline_text="One.\nThree."))
    assert found.lines[1:] == (" One.", "-Two.", "+Three.")


def test_equal_versions_have_no_difference() -> None:
    assert differences(make_version(), make_version()) == ()
