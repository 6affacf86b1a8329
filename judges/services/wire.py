"""The network between two looks at the database, in one thread.

The event loop runs only inside `collect` and `flush`: rows are read and written while it stands
still, so neither waits for the other's lock. (A second thread was tried: the interpreter's lock,
given up at every socket call, cost more than the requests.)
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

from judges.providers.base import Provider, ProviderReply, ProviderRequest

Answer = ProviderReply | Exception
_GRACE_SECONDS = 5.0


class Wire:
    """A context manager: `send` requests under a number, `collect` (number, answer) pairs."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._loop = asyncio.new_event_loop()
        self._flying: set[asyncio.Task[None]] = set()
        self._answers: list[tuple[int, Answer]] = []
        self._came = asyncio.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Break off what still flies and give back the connections."""
        self._loop.run_until_complete(self._end())
        self._loop.close()

    def send(self, number: int, request: ProviderRequest) -> None:
        """Leaves with the next `flush` or `collect`."""
        task = self._loop.create_task(self._ask(number, request))
        self._flying.add(task)
        task.add_done_callback(self._flying.discard)

    def flush(self) -> None:
        """Let what was sent leave, and wait for nothing."""
        self._loop.run_until_complete(asyncio.sleep(0))

    def collect(self, *, seconds: float, linger: float = 0.0) -> list[tuple[int, Answer]]:
        """Every answer that is there; waits at most so long for a first one, and then lingers for
        those that come soon after it."""
        if not self._flying and not self._answers:
            time.sleep(seconds)
            return []
        self._loop.run_until_complete(self._wait(seconds, linger))
        answers, self._answers = self._answers, []
        return answers

    async def _wait(self, seconds: float, linger: float) -> None:
        self._came.clear()
        if not self._answers:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._came.wait()
        if self._answers and linger:
            await asyncio.sleep(linger)

    async def _ask(self, number: int, request: ProviderRequest) -> None:
        answer: Answer
        try:
            # The provider has a timeout of its own; this one holds whatever it does.
            async with asyncio.timeout(request.timeout_seconds + _GRACE_SECONDS):
                answer = await self._provider.ask(request)
        except Exception as problem:
            answer = problem
        self._answers.append((number, answer))
        self._came.set()

    async def _end(self) -> None:
        for task in self._flying:
            task.cancel()
        await asyncio.gather(*self._flying, return_exceptions=True)
        await self._provider.aclose()
