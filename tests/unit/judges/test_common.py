"""What clients of servers read: numbers that can be tokens, and words without the key."""

from __future__ import annotations

import pytest

from judges.providers import common


@pytest.mark.parametrize("said", [-1, True, 1.5, "7", None, 3_000_000_000, 2**70])
def test_what_no_answer_ever_had_is_no_count(said: object) -> None:
    assert not common.is_count(said)
    assert common.count(said) == 0


def test_a_count_is_a_count() -> None:
    assert common.count(1234) == 1234


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_not_quoted(status: int) -> None:
    said = common.refused(status, "Incorrect API key provided: sk-pr****wxyz", "sk-prrr-wxyz")
    assert "wxyz" not in said
    assert str(status) in said


def test_other_words_are_kept_without_the_key() -> None:
    said = common.refused(400, "What is sk-prrr-wxyz doing here?", "sk-prrr-wxyz")
    assert said == "HTTP 400: What is [key] doing here?"
