"""Which failure may be tried again, when, and how many requests fly at once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum

from judges.rules.verdicts import Outcome

MAX_TRANSIENT = 6
BASE_SECONDS = 0.5
CAP_SECONDS = 60.0
RETRY_AFTER_CAP_SECONDS = 300.0

_TRANSIENT_STATUS = frozenset({408, 409, 429})
_SPEND_CODES = frozenset(
    {
        "enforced_spend_limit_reached",
        "contract_spend_limit_reached",
        "insufficient_quota",
        "linked_organization_spend_limit_reached",
    }
)
_TOO_LONG = (
    "prompt is too long",
    "context window",
    "context length",
    "context_length",
    "maximum context",
    "input is too long",
)
_NO_CREDIT = ("credit balance", "spend limit", "billing")


class FailureKind(StrEnum):
    """Why a request brought no answer."""

    TRANSIENT = "transient"
    CONFIGURATION = "configuration"
    MONEY = "money"
    CONTEXT = "context"


class Step(StrEnum):
    """What the engine does next with a call."""

    RETRY = "retry"
    REPAIR = "repair"
    LENGTHEN = "lengthen"
    FINAL = "final"
    PAUSE_CONFIGURATION = "pause_configuration"
    PAUSE_MONEY = "pause_money"


def classify(status: int | None, *, code: str = "", message: str = "") -> FailureKind:
    """The kind of a failed request; ``status`` None is a lost connection or a timeout.

    ``code`` is the provider's stable error code; the message is read only where there is none.
    """
    text = message.lower()
    if status == 402 or code in _SPEND_CODES:
        return FailureKind.MONEY
    if status is None or status in _TRANSIENT_STATUS or status >= 500 or status < 300:
        return FailureKind.TRANSIENT
    if status < 400:
        # The server is somewhere else: whoever allowed the address has to allow the new one.
        return FailureKind.CONFIGURATION
    if status == 413:
        return FailureKind.CONTEXT
    if status == 400 and any(words in text for words in _TOO_LONG):
        return FailureKind.CONTEXT
    if status in {400, 403} and any(words in text for words in _NO_CREDIT):
        return FailureKind.MONEY
    return FailureKind.CONFIGURATION


def after_answer(outcome: Outcome, *, repaired: bool, lengthened: bool) -> Step:
    """One repair for an answer outside the form, one longer attempt for one that was cut off."""
    if outcome is Outcome.INVALID and not repaired:
        return Step.REPAIR
    if outcome is Outcome.TRUNCATED and not lengthened:
        return Step.LENGTHEN
    return Step.FINAL


def after_failure(kind: FailureKind, *, failures: int, limit: int = MAX_TRANSIENT) -> Step:
    """What follows a failed request; ``failures`` counts the transient ones so far, this too."""
    if kind is FailureKind.CONFIGURATION:
        return Step.PAUSE_CONFIGURATION
    if kind is FailureKind.MONEY:
        return Step.PAUSE_MONEY
    if kind is FailureKind.CONTEXT or failures >= limit:
        return Step.FINAL
    return Step.RETRY


def final_outcome(kind: FailureKind) -> Outcome:
    """The outcome of a call whose last failure was of this kind."""
    return Outcome.CONTEXT if kind is FailureKind.CONTEXT else Outcome.FAILED


def delay(failures: int, *, seed: str, retry_after: float | None = None) -> float:
    """Seconds until the next try after so many failures (1 or more).

    Doubles from half a second up to a minute, less up to a quarter by a jitter drawn from the
    seed. A server's ``retry_after`` is the least, up to five minutes.
    """
    backoff = min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(failures - 1, 30))
    wait = backoff * (1.0 - 0.25 * _unit(f"{seed}/{failures}"))
    if retry_after is None or not retry_after >= 0:
        return wait
    return max(wait, min(retry_after, RETRY_AFTER_CAP_SECONDS))


@dataclass(frozen=True, slots=True)
class Concurrency:
    """How many requests may be in flight: one more after a full round of successes, half after an
    overload, at most one halving in ``calm_seconds``. Times are seconds of one monotonic clock.
    """

    ceiling: int
    limit: float
    floor: int = 1
    calm_seconds: float = 2.0
    halved_at: float | None = None

    @property
    def slots(self) -> int:
        """Requests that may be in flight now."""
        return max(self.floor, int(self.limit))

    def grown(self) -> Concurrency:
        """After an answer."""
        return replace(self, limit=min(float(self.ceiling), self.limit + 1.0 / self.limit))

    def halved(self, *, now: float) -> Concurrency:
        """After a 429, a 529 or another transient failure."""
        if self.halved_at is not None and now - self.halved_at < self.calm_seconds:
            return self
        return replace(self, limit=max(float(self.floor), self.limit / 2), halved_at=now)

    def within(self, remaining: int | None) -> Concurrency:
        """Never more in flight than the requests that the provider's headers leave."""
        if remaining is None or remaining >= self.limit:
            return self
        return replace(self, limit=float(max(self.floor, remaining)))


def starting_at(slots: int, *, ceiling: int) -> Concurrency:
    """A fresh limit that starts at ``slots`` and never exceeds ``ceiling``."""
    return Concurrency(ceiling=ceiling, limit=float(min(slots, ceiling)))


def _unit(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2.0**64
