from __future__ import annotations

import pytest

from judges.rules.retrying import (
    FailureKind,
    Step,
    after_answer,
    after_failure,
    classify,
    delay,
    final_outcome,
    starting_at,
)
from judges.rules.verdicts import Outcome


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (None, "", "timed out", "transient"),
        (200, "", "not a message", "transient"),
        (408, "", "", "transient"),
        (409, "", "", "transient"),
        (429, "", "", "transient"),
        (429, "ramp_limit_exceeded", "", "transient"),
        (500, "", "", "transient"),
        (503, "", "", "transient"),
        (529, "", "", "transient"),
        (429, "enforced_spend_limit_reached", "", "money"),
        (429, "contract_spend_limit_reached", "", "money"),
        (402, "", "", "money"),
        (400, "", "Your credit balance is too low", "money"),
        (413, "", "", "context"),
        (400, "", "prompt is too long: 250000 tokens", "context"),
        (400, "", "temperature: Extra inputs are not permitted", "configuration"),
        (401, "", "", "configuration"),
        (403, "", "", "configuration"),
        (404, "", "", "configuration"),
        (422, "", "", "configuration"),
    ],
)
def test_a_failure_has_one_kind(status: int | None, code: str, message: str, kind: str) -> None:
    assert classify(status, code=code, message=message) == kind


@pytest.mark.parametrize(
    ("outcome", "repaired", "lengthened", "step"),
    [
        (Outcome.OK, False, False, Step.FINAL),
        (Outcome.INVALID, False, False, Step.REPAIR),
        (Outcome.INVALID, True, False, Step.FINAL),
        (Outcome.INVALID, False, True, Step.REPAIR),
        (Outcome.TRUNCATED, False, False, Step.LENGTHEN),
        (Outcome.TRUNCATED, False, True, Step.FINAL),
        (Outcome.REFUSED, False, False, Step.FINAL),
        (Outcome.CONTEXT, False, False, Step.FINAL),
    ],
)
def test_an_answer_is_repaired_once_and_lengthened_once(
    outcome: Outcome, repaired: bool, lengthened: bool, step: Step
) -> None:
    assert after_answer(outcome, repaired=repaired, lengthened=lengthened) is step


@pytest.mark.parametrize(
    ("kind", "failures", "step"),
    [
        (FailureKind.TRANSIENT, 1, Step.RETRY),
        (FailureKind.TRANSIENT, 5, Step.RETRY),
        (FailureKind.TRANSIENT, 6, Step.FINAL),
        (FailureKind.CONTEXT, 1, Step.FINAL),
        (FailureKind.CONFIGURATION, 1, Step.PAUSE_CONFIGURATION),
        (FailureKind.MONEY, 1, Step.PAUSE_MONEY),
    ],
)
def test_only_transient_failures_are_tried_again(
    kind: FailureKind, failures: int, step: Step
) -> None:
    assert after_failure(kind, failures=failures) is step


def test_a_failure_that_ends_a_call_has_an_outcome() -> None:
    assert final_outcome(FailureKind.CONTEXT) is Outcome.CONTEXT
    assert final_outcome(FailureKind.TRANSIENT) is Outcome.FAILED


@pytest.mark.parametrize("failures", range(1, 12))
def test_the_wait_doubles_up_to_a_minute_less_at_most_a_quarter(failures: int) -> None:
    full = min(60.0, 0.5 * 2 ** (failures - 1))
    assert 0.75 * full <= delay(failures, seed="call 7") <= full


def test_the_wait_is_the_same_for_the_same_seed_and_differs_between_calls() -> None:
    assert delay(3, seed="call 7") == delay(3, seed="call 7")
    assert delay(3, seed="call 7") != delay(3, seed="call 8")


def test_the_wait_after_very_many_failures_is_still_a_minute_at_most() -> None:
    assert delay(10_000, seed="x") <= 60.0


@pytest.mark.parametrize(("said", "wait"), [(20.0, 20.0), (9_999.0, 300.0)])
def test_the_servers_wish_is_honoured_up_to_a_cap(said: float, wait: float) -> None:
    assert delay(1, seed="x", retry_after=said) == wait


@pytest.mark.parametrize("said", [0.0, -5.0, float("nan")])
def test_a_wish_that_is_none_changes_nothing(said: float) -> None:
    assert delay(2, seed="x", retry_after=said) == delay(2, seed="x")


def test_concurrency_grows_by_one_in_a_round_of_answers() -> None:
    concurrency = starting_at(4, ceiling=64)
    for _ in range(5):
        concurrency = concurrency.grown()
    assert concurrency.slots == 5


def test_concurrency_never_exceeds_its_ceiling() -> None:
    concurrency = starting_at(100, ceiling=8)
    for _ in range(100):
        concurrency = concurrency.grown()
    assert concurrency.slots == 8


def test_an_overload_halves_concurrency_once_for_a_burst() -> None:
    concurrency = starting_at(32, ceiling=64).halved(now=10.0).halved(now=10.5)
    assert concurrency.slots == 16
    assert concurrency.halved(now=12.5).slots == 8


def test_concurrency_never_falls_below_one() -> None:
    concurrency = starting_at(2, ceiling=64)
    for second in range(20):
        concurrency = concurrency.halved(now=3.0 * second)
    assert concurrency.slots == 1


def test_concurrency_stays_within_what_the_provider_leaves() -> None:
    concurrency = starting_at(32, ceiling=64)
    assert concurrency.within(5).slots == 5
    assert concurrency.within(None) == concurrency
    assert concurrency.within(500) == concurrency
    assert concurrency.within(0).slots == 1
