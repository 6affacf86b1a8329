from __future__ import annotations

import json
from typing import Any

import pytest

from judges.rules import capabilities
from judges.rules.capabilities import Profile, declared, of_model_info, of_table, problems, shown
from judges.rules.prompting import lint, render
from judges.rules.spec import VersionSpec, as_json, from_json
from tests.unit.judges.builders import KEY, make_pair, make_version

YES, NO = {"supported": True}, {"supported": False}
INFO: dict[str, Any] = {
    "id": "claude-x",
    "max_tokens": 32_000,
    "max_input_tokens": 200_000,
    "capabilities": {
        "batch": NO,
        "structured_outputs": YES,
        "effort": {"supported": True, "low": YES, "medium": NO, "high": YES, "xhigh": None},
        "thinking": {"supported": True, "types": {"adaptive": YES, "disabled": NO, "enabled": NO}},
    },
}


def of(profile: Profile, **changes: Any) -> VersionSpec:
    frozen = profile.frozen(structured_output="native", prompt_cache=True)
    return make_version(capabilities=frozen, **changes)


def test_the_models_api_is_read() -> None:
    found = of_model_info(INFO)
    assert found == Profile(
        native_output=True,
        prompt_cache=True,
        batches=False,
        token_counting=True,
        thinking=("adaptive",),
        efforts=("low", "high"),
        max_tokens=32_000,
        max_input_tokens=200_000,
    )


@pytest.mark.parametrize("info", [{}, {"capabilities": None}, {"capabilities": "all"}])
def test_a_models_api_that_says_nothing_gives_no_profile(info: dict[str, Any]) -> None:
    assert of_model_info(info) is None


def test_nonsense_of_a_models_api_is_not_known() -> None:
    found = of_model_info({"capabilities": {"thinking": 3, "effort": []}, "max_tokens": "many"})
    assert found is not None
    assert (found.thinking, found.efforts, found.max_tokens) == (None, None, None)
    assert found.native_output is None


def test_the_table_knows_claude_and_the_simulated() -> None:
    fable, haiku = of_table("claude-fable-5-2"), of_table("claude-haiku-5-5")
    assert fable is not None
    assert fable.thinking == ("adaptive",)
    assert haiku is not None
    assert haiku.thinking is None
    assert of_table("sim-plumb-1") == capabilities.SIMULATED
    assert of_table("llama-9") is None


def test_what_is_not_known_keeps_nothing_from_being_tried() -> None:
    version = of(Profile(), thinking="adaptive", effort="max", max_tokens=20_000)
    assert not list(problems(version))
    assert not list(problems(make_version(thinking="disabled")))


@pytest.mark.parametrize(
    ("profile", "changes", "words"),
    [
        (Profile(native_output=False), {}, "takes no JSON schema"),
        (Profile(thinking=("adaptive",)), {"thinking": "disabled"}, "It takes: adaptive"),
        (Profile(thinking=()), {"thinking": "adaptive"}, "the model's own"),
        (Profile(efforts=("low",)), {"effort": "max"}, "'max'. It takes: low"),
        (Profile(), {"temperature": 0.0}, "is not known to take a temperature"),
        (Profile(max_tokens=4000), {"max_tokens": 2001}, "Choose at most 2,000"),
    ],
)
def test_what_the_endpoint_cannot_do_is_refused_when_a_version_is_saved(
    profile: Profile, changes: dict[str, Any], words: str
) -> None:
    (problem,) = lint(of(profile, **changes))
    assert words in problem


def test_a_temperature_changes_the_request_and_none_leaves_it_as_it_was() -> None:
    def digest(version: VersionSpec) -> str:
        return render(version, make_pair(), order="AB", sample=0, fence_key=KEY).digest

    warm, cold = (of(Profile(sampling=True), temperature=value) for value in (1.0, 0.0))
    assert not list(problems(cold))
    plain = of(Profile(sampling=True))
    assert len({digest(warm), digest(cold), digest(plain)}) == 3


def test_a_schema_in_the_prompt_needs_nothing_of_the_endpoint() -> None:
    frozen = Profile(native_output=False).frozen(structured_output="prompt", prompt_cache=True)
    assert not list(problems(make_version(capabilities=frozen)))
    assert frozen["prompt_cache"] is False


def test_a_declared_profile_can_what_was_said_and_no_more() -> None:
    said = declared(can=["thinking", "sampling"], native_output=False, max_tokens=8000)
    assert said == Profile(
        native_output=False,
        sampling=True,
        thinking=capabilities.THINKING,
        efforts=(),
        max_tokens=8000,
    )


def test_a_stored_profile_says_the_same() -> None:
    version = of(capabilities.SIMULATED)
    stored = from_json(json.loads(json.dumps(as_json(version))))
    assert shown(stored.capabilities) == shown(version.capabilities)
    words = dict(shown(stored.capabilities))
    assert words["Thinking"] == "adaptive, disabled"
    assert words["Temperature"] == "no"
    assert words["Longest answer"] == "64,000 tokens"


def test_a_version_from_before_profiles_is_not_known() -> None:
    words = dict(shown({"structured_output": "native", "prompt_cache": True}))
    assert words["Prompt cache"] == "yes"
    assert words["Thinking"] == "not known"
