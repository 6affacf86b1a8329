"""Raters that are machines: each asks for its next item, answers, and asks again, all at once.

A thread and a kept connection for each. What the client itself costs is measured with it: a client
that is busier than the server would measure itself.
"""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any

TIMEOUT = 60.0
FOURS = dict.fromkeys(("accuracy", "completeness", "clarity", "safety"), "4")


@dataclass(slots=True)
class Seen:
    """What came back: seconds of each request, and which item went to whom how often."""

    nexts: list[float] = field(default_factory=list)
    submits: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    answered: Counter[int] = field(default_factory=Counter)
    given: Counter[tuple[str, int]] = field(default_factory=Counter)
    seconds: float = 0.0
    client: float = 0.0

    def add(self, other: Seen) -> None:
        self.nexts += other.nexts
        self.submits += other.submits
        self.errors += other.errors
        self.answered.update(other.answered)
        self.given.update(other.given)

    @property
    def cycles(self) -> int:
        return len(self.submits)

    def over(self, overlap: int) -> int:
        """Items that more raters answered than the overlap says."""
        return sum(1 for times in self.answered.values() if times > overlap)

    @property
    def twice(self) -> int:
        """Items that were handed to one rater again after the answer."""
        return sum(1 for times in self.given.values() if times > 1)


class Caller:
    """One rater's token on one connection."""

    def __init__(self, port: int, secret: str) -> None:
        self.line = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        self.secret = secret
        self.headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}

    def cycle(self, round_id: int, seen: Seen) -> bool:
        """Take an item and answer it; whether there was one."""
        try:
            item = self._next(round_id, seen)
            if item is None:
                return False
            self._submit(item, seen)
        except (OSError, HTTPException, ValueError) as problem:
            self.line.close()
            seen.errors.append(f"{type(problem).__name__}: {problem}")
        return True

    def _next(self, round_id: int, seen: Seen) -> dict[str, Any] | None:
        status, body, seconds = self._post(f"/api/v1/projects/bench/rounds/{round_id}/next", b"")
        if status == 204:
            return None
        given: dict[str, Any] = self._demand(status, body)["assignment"]
        seen.nexts.append(seconds)
        seen.given[self.secret, given["item"]["id"]] += 1
        return given

    def _submit(self, given: dict[str, Any], seen: Seen) -> None:
        answer = json.dumps({"labels": FOURS, "active_seconds": 1.0}).encode()
        status, body, seconds = self._post(f"/api/v1/assignments/{given['id']}/submit", answer)
        self._demand(status, body)
        seen.submits.append(seconds)
        seen.answered[given["item"]["id"]] += 1

    def _demand(self, status: int, body: bytes) -> dict[str, Any]:
        if status != 200:
            raise ValueError(f"{status} {body[:200]!r}")
        parsed: dict[str, Any] = json.loads(body)
        return parsed

    def _post(self, path: str, body: bytes) -> tuple[int, bytes, float]:
        began = time.perf_counter()
        self.line.request("POST", path, body, self.headers)
        with self.line.getresponse() as answer:
            return answer.status, answer.read(), time.perf_counter() - began

    def health(self) -> float:
        """Seconds of the smallest request there is."""
        began = time.perf_counter()
        self.line.request("GET", "/healthz")
        with self.line.getresponse() as answer:
            answer.read()
            return time.perf_counter() - began


@contextmanager
def calling(port: int, secrets: Sequence[str]) -> Iterator[list[Caller]]:
    callers = [Caller(port, secret) for secret in secrets]
    try:
        yield callers
    finally:
        for caller in callers:
            caller.line.close()


def in_turn(caller: Caller, rounds: Sequence[int], *, cycles: int, seconds: float) -> list[Seen]:
    """One rater, a cycle in each round by turns: what else the machine does meets all alike."""
    seen = [Seen() for _ in rounds]
    until = time.monotonic() + seconds
    for _ in range(cycles):
        if time.monotonic() > until:
            break
        for round_id, one in zip(rounds, seen, strict=True):
            with _clocks(one):
                caller.cycle(round_id, one)
    return seen


def at_once(callers: Sequence[Caller], round_id: int, *, cycles: int, seconds: float) -> Seen:
    """All raters together, until each did its cycles or the time is over."""
    whole = Seen()
    ready = threading.Barrier(len(callers), timeout=TIMEOUT)

    def work(caller: Caller) -> Seen:
        seen = Seen()
        # The server ends a connection that was idle for a while.
        caller.line.close()
        ready.wait()
        until = time.monotonic() + seconds
        for _ in range(cycles):
            if time.monotonic() > until or not caller.cycle(round_id, seen):
                break
        return seen

    with _clocks(whole), ThreadPoolExecutor(len(callers)) as pool:
        for seen in pool.map(work, callers):
            whole.add(seen)
    return whole


@contextmanager
def _clocks(seen: Seen) -> Iterator[None]:
    began, busy = time.perf_counter(), time.process_time()
    yield
    seen.seconds += time.perf_counter() - began
    seen.client += time.process_time() - busy


def percentile(values: Sequence[float], share: float) -> float:
    """In milliseconds; nothing measured is endlessly slow."""
    if not values:
        return float("inf")
    ordered = sorted(values)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def of_the_client(caller: Caller, times: int = 300) -> tuple[float, float]:
    """Of the smallest request: milliseconds in all, and of the client's own processor."""
    busy = time.process_time()
    took = [caller.health() for _ in range(times)]
    return 1000 * statistics.median(took), 1000 * (time.process_time() - busy) / times
