"""The network between two looks at the database, in one thread.

The event loop runs only inside `collect` and `flush`: rows are read and written while it stands
still, so neither waits for the other's lock. (A second thread was tried: the interpreter's lock,
given up at every socket call, cost more than the requests.)
"""

from __future__ import annotations

import asyncio
import time
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
        self._flying: dict[asyncio.Task[Answer], int] = {}

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
        self._flying[self._loop.create_task(self._ask(request))] = number

    def flush(self) -> None:
        """Let what was sent leave, and wait for nothing."""
        self._loop.run_until_complete(asyncio.sleep(0))

    def collect(self, *, seconds: float) -> list[tuple[int, Answer]]:
        """Every answer that is there; waits at most so long for a first one."""
        if not self._flying:
            time.sleep(seconds)
            return []
        done = self._loop.run_until_complete(self._first(seconds))
        return [(self._flying.pop(task), task.result()) for task in done]

    async def _first(self, seconds: float) -> set[asyncio.Task[Answer]]:
        done, _ = await asyncio.wait(
            self._flying, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        return done

    async def _ask(self, request: ProviderRequest) -> Answer:
        try:
            # The provider has a timeout of its own; this one holds whatever it does.
            async with asyncio.timeout(request.timeout_seconds + _GRACE_SECONDS):
                return await self._provider.ask(request)
        except Exception as problem:
            return problem

    async def _end(self) -> None:
        for task in self._flying:
            task.cancel()
        await asyncio.gather(*self._flying, return_exceptions=True)
        await self._provider.aclose()
