"""How calls are put into pieces, known again, and looked after."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from judges.rules import pieces
from judges.rules.retrying import FailureKind

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def test_a_piece_ends_at_its_bytes_and_at_its_number() -> None:
    half = pieces.MOST_BYTES // 2
    assert pieces.fitting([half, half, 1]) == 2
    assert pieces.fitting([1] * (pieces.MOST_REQUESTS + 5)) == pieces.MOST_REQUESTS
    assert pieces.fitting([]) == 0


def test_a_request_that_is_larger_than_a_piece_makes_one_alone() -> None:
    assert pieces.fitting([pieces.MOST_BYTES + 1, 1]) == 1


def test_an_answer_finds_its_attempt_and_no_other_pieces() -> None:
    key = pieces.request_id("0123456789abcdef", 77)
    assert len(key) <= 64
    assert pieces.attempt_of(key, "0123456789abcdef") == 77
    assert pieces.attempt_of(key, "fedcba9876543210") is None
    assert pieces.attempt_of("0123456789abcdef-x", "0123456789abcdef") is None
    assert pieces.attempt_of("", "0123456789abcdef") is None


@pytest.mark.parametrize(
    ("age", "wait"), [(0.0, 5.0), (50.0, 5.0), (600.0, 60.0), (90_000.0, 300.0)]
)
def test_looks_grow_apart_with_the_age_of_a_batch(age: float, wait: float) -> None:
    now = NOON + timedelta(seconds=age)
    assert pieces.next_look(NOON, now=now, first_seconds=5.0) == now + timedelta(seconds=wait)


@pytest.mark.parametrize(
    ("created", "total", "may"),
    [(0, 40, True), (-4, 40, True), (-6, 40, False), (60, 40, True), (0, 39, False)],
)
def test_a_batch_is_ours_only_by_its_number_and_time(created: int, total: int, may: bool) -> None:
    created_at = NOON + timedelta(minutes=created)
    found = pieces.may_be(created_at=created_at, written_at=NOON, total=total, requests=40)
    assert found is may


@pytest.mark.parametrize(
    ("word", "message", "kind"),
    [
        ("invalid_request_error", "prompt is too long: 3", FailureKind.CONTEXT),
        ("invalid_request_error", "messages: required", FailureKind.CONFIGURATION),
        ("rate_limit_error", "", FailureKind.TRANSIENT),
        ("overloaded_error", "", FailureKind.TRANSIENT),
        ("billing_error", "", FailureKind.MONEY),
        ("something_new", "", FailureKind.TRANSIENT),
    ],
)
def test_a_request_that_failed_in_a_batch_is_of_the_kind_it_would_be_alone(
    word: str, message: str, kind: FailureKind
) -> None:
    assert pieces.kind_of_error(word, message) is kind
