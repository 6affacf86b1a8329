"""The network beside the database: requests fly in a thread of their own, answers come back.

The event loop never touches the database, and the thread that does never waits for the network.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from types import TracebackType
from typing import Self

from judges.providers.base import Provider, ProviderReply, ProviderRequest

Answer = ProviderReply | BaseException
_CLOSE_SECONDS = 10.0


class Wire:
    """A context manager: `send` requests under a number, `collect` (number, answer) pairs."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._answers: queue.SimpleQueue[tuple[int, Answer]] = queue.SimpleQueue()
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Break off what still flies and give back the connections."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(_CLOSE_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CLOSE_SECONDS)
        self._loop.close()

    def send(self, number: int, request: ProviderRequest) -> None:
        self._loop.call_soon_threadsafe(self._begin, number, request)

    def collect(self, *, seconds: float) -> list[tuple[int, Answer]]:
        """Every answer that is there; waits at most so long for a first one."""
        found: list[tuple[int, Answer]] = []
        try:
            found.append(self._answers.get(timeout=seconds))
            while True:
                found.append(self._answers.get_nowait())
        except queue.Empty:
            return found

    def _begin(self, number: int, request: ProviderRequest) -> None:
        task = self._loop.create_task(self._ask(number, request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, number: int, request: ProviderRequest) -> None:
        try:
            # The provider has a timeout of its own; this one holds whatever it does.
            async with asyncio.timeout(request.timeout_seconds + 5):
                answer: Answer = await self._provider.ask(request)
        except Exception as problem:
            answer = problem
        self._answers.put((number, answer))

    async def _end(self) -> None:
        flying = list(self._tasks)
        for task in flying:
            task.cancel()
        await asyncio.gather(*flying, return_exceptions=True)
        await self._provider.aclose()
