"""How calls are put into pieces for a batch API, known again there, and looked after."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from judges.rules.retrying import FailureKind, classify

MOST_REQUESTS = 1000
"""In one piece. Providers take more; a piece is written, and fetched, in one go."""
MOST_BYTES = 8_000_000
"""Of the texts in one piece: one request carries them, well below what a provider takes."""
MOST_OPEN = 20
"""Pieces of one run at the provider at once."""
MOST_FETCHES = 5
"""Times that results are asked for which leave something out, before that counts as lost."""
LONGEST_LOOK_SECONDS = 300.0
KEPT_DAYS = 29
"""How long providers keep results."""
CLOCKS_APART = timedelta(minutes=5)
"""So much may the provider's clock differ from ours."""

_STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}


def fitting(sizes: Iterable[int]) -> int:
    """How many requests of these sizes (bytes, in order) make one piece: at least the first."""
    total = count = 0
    for size in sizes:
        total += size
        if count == MOST_REQUESTS or (count and total > MOST_BYTES):
            break
        count += 1
    return count


def request_id(token: str, attempt_id: int) -> str:
    """The id under which the provider gives back an answer: ours, and nobody else's."""
    return f"{token}-{attempt_id}"


def attempt_of(custom_id: str, token: str) -> int | None:
    """The attempt that an answer belongs to; None when it is not of the piece with this token."""
    head, _, number = custom_id.rpartition("-")
    return int(number) if head == token and number.isascii() and number.isdecimal() else None


def next_look(began: datetime, *, now: datetime, first_seconds: float) -> datetime:
    """When to look again: after a tenth of the time that it took so far.

    Never sooner than `first_seconds`, never later than in five minutes.
    """
    age = (now - began).total_seconds()
    wait = max(first_seconds, min(age / 10, LONGEST_LOOK_SECONDS))
    return now + timedelta(seconds=wait)


def may_be(*, created_at: datetime, written_at: datetime, total: int, requests: int) -> bool:
    """Whether a batch that the provider lists can be a piece whose answer never came.

    Whose it is stands in its results alone: until it has ended its number of requests and its
    time have to do.
    """
    return total == requests and created_at >= written_at - CLOCKS_APART


def kind_of_error(word: str, message: str, *, code: str = "") -> FailureKind:
    """The kind of failure that one request of a batch met, by the provider's word for it."""
    return classify(_STATUS.get(word, 500), code=code, message=message)
