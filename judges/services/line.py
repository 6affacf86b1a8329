"""The network of a batch, in one thread: the event loop turns only inside `wait` and `some`, so no
row is locked while it does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

from core import stopping
from judges.providers.base import BatchProvider

_Result = TypeVar("_Result")


class Stopped(Exception):
    """The process ends, and what was asked for did not come in time."""


class Line:
    """A context manager; `tick` is called every so many seconds of waiting, to keep a lease."""

    def __init__(
        self, provider: BatchProvider, *, tick: Callable[[], object], every: float, farewell: float
    ) -> None:
        self.provider = provider
        self._tick = tick
        self._every = every
        self._farewell = farewell
        self._stop_at: float | None = None
        self._ticked_at = time.monotonic()
        self._loop = asyncio.new_event_loop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self.provider.aclose())
        self._loop.close()

    def wait(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """What comes of it. Raises Stopped, and whatever the work raises."""
        task = self._loop.create_task(work)
        try:
            while True:
                self._loop.run_until_complete(asyncio.wait({task}, timeout=self._slice()))
                if task.done():
                    return task.result()
                self._keep()
                self._look_for_the_stop()
        finally:
            if not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    self._loop.run_until_complete(task)

    def some(self, items: AsyncGenerator[_Result, None], *, most: int) -> Iterator[list[_Result]]:
        """Groups of at most so many, as they come. What breaks is raised after what came before."""
        try:
            yield from self._groups(items, most)
        finally:
            self._loop.run_until_complete(items.aclose())

    def _groups(self, items: AsyncGenerator[_Result, None], most: int) -> Iterator[list[_Result]]:
        goes_on = True
        while goes_on:
            group: list[_Result] = []
            problem: Exception | None = None
            try:
                goes_on = self.wait(_pull(items, group, most))
            except Exception as broken:
                problem = broken
            if group:
                yield group
                self._keep()
            if problem is not None:
                raise problem

    def _keep(self) -> None:
        now = time.monotonic()
        if now >= self._ticked_at + self._every:
            self._ticked_at = now
            self._tick()

    def _slice(self) -> float:
        """Short: a process that is asked to end shall notice it."""
        return min(self._every, 0.2)

    def _look_for_the_stop(self) -> None:
        if not stopping.is_requested():
            return
        now = time.monotonic()
        self._stop_at = self._stop_at or now + self._farewell
        if now >= self._stop_at:
            raise Stopped


async def _pull(items: AsyncGenerator[_Result, None], group: list[_Result], most: int) -> bool:
    """Fill the group; False when there is no more."""
    async for item in items:
        group.append(item)
        if len(group) >= most:
            return True
    return False
