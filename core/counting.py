"""Counts of much that are asked for again and again: kept for a time that their cost decides."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.core.cache import cache
from django.utils import timezone

T = TypeVar("T")

SHARE = 0.05
"""Of a process's time, at most this much goes into counting one thing."""
LONGEST = 600.0


@dataclass(frozen=True, slots=True)
class Counted(Generic[T]):
    """A value, when it was counted, and whether that was before it was asked for."""

    value: T
    at: datetime
    is_kept: bool = False


def counted(key: str, make: Callable[[], T]) -> Counted[T]:
    """What `make()` gives, kept by this process for twenty times as long as the making took."""
    found: Any = cache.get(key)
    if found is not None:
        value, at = found
        return Counted(value, at, is_kept=True)
    at = timezone.now()
    began = time.perf_counter()
    value = make()
    seconds = time.perf_counter() - began
    cache.set(key, (value, at), min(seconds / SHARE, LONGEST))
    return Counted(value, at)
