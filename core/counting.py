"""Counts of much that are asked for again and again: kept for a time that their cost decides.

Once a count is old the next look still gets it, and a thread counts anew meanwhile.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from django.core.cache import cache
from django.db import connections
from django.utils import timezone

T = TypeVar("T")

log = logging.getLogger(__name__)

SHARE = 0.05
"""Of a process's time, at most this much goes into counting one thing."""
KEPT_SECONDS = 3600
ONE_AT_A_TIME_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Counted(Generic[T]):
    """A value, when it was counted, and whether that was before it was asked for."""

    value: T
    at: datetime
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    value: T
    at: datetime
    seconds: float

    @property
    def is_old(self) -> bool:
        return (timezone.now() - self.at).total_seconds() > self.seconds / SHARE


def counted(key: str, make: Callable[[], T]) -> Counted[T]:
    """What `make()` gives, kept by this process; anew after twenty times as long as it took."""
    found = counted_soon(key, make, starts=False)
    if found is not None:
        return found
    made = _count(key, make)
    return Counted(made.value, made.at)


def counted_soon(key: str, make: Callable[[], T], *, starts: bool = True) -> Counted[T] | None:
    """The same for who would rather be told nothing yet than wait for the first count."""
    found: _Kept[T] | None = cache.get(key)
    is_wanted = starts if found is None else found.is_old
    if is_wanted and cache.add(f"{key}/renewed", 1, ONE_AT_A_TIME_SECONDS):
        threading.Thread(target=_renew, args=(key, make), daemon=True).start()
    return None if found is None else Counted(found.value, found.at, is_kept=True)


def _count(key: str, make: Callable[[], T]) -> _Kept[T]:
    at, began = timezone.now(), time.perf_counter()
    made = _Kept(make(), at, time.perf_counter() - began)
    cache.set(key, made, KEPT_SECONDS)
    return made


def _renew(key: str, make: Callable[[], T]) -> None:
    try:
        _count(key, make)
    except Exception:
        log.exception("The count %s could not be made anew", key)
    finally:
        cache.delete(f"{key}/renewed")
        connections.close_all()
