"""Which side of a pair comes from the judge's own family."""

from __future__ import annotations

import pytest

from judges.rules.families import family_of, own_side


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("claude-opus-4", "claude"),
        ("openai/gpt-4o", "gpt"),
        ("GPT-3.5", "gpt"),
        ("llama7b", "llama"),
        ("v2", ""),
        ("", ""),
    ],
)
def test_the_family_is_the_word_a_models_name_begins_with(model: str, family: str) -> None:
    assert family_of(model) == family


@pytest.mark.parametrize(
    ("systems", "side"),
    [
        (("gpt-4", "claude-3"), "A"),
        (("claude-3", "openai/GPT-4o"), "B"),
        (("gpt-4", "gpt-3.5"), ""),
        (("claude-3", "llama-7b"), ""),
        (("gptzero-x", "claude-3"), ""),
        (("gpt-4", ""), ""),
    ],
)
def test_one_response_of_the_family_tells_the_side(systems: tuple[str, str], side: str) -> None:
    assert own_side(systems, "gpt") == side


def test_a_judge_without_a_family_has_no_side() -> None:
    assert own_side(("v1", "v2"), "") == ""
