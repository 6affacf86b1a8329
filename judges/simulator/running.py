"""Start the simulator: in a thread of this process, or as the whole process."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from judges.simulator.server import Server, Settings

HOST = "127.0.0.1"
_START_SECONDS = 30.0
_Result = TypeVar("_Result")


class Simulator:
    """A running simulator in a thread of its own; also a context manager."""

    def __init__(self, settings: Settings, port: int) -> None:
        self._server = Server(settings)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        try:
            self._listener = self._run(asyncio.start_server(self._server.connected, HOST, port))
        except OSError:
            self._end_loop()
            raise
        self.port = int(self._listener.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        """The base URL for a client of the Messages API."""
        return f"http://{HOST}:{self.port}"

    def script(self, *steps: dict[str, object]) -> None:
        """Add scripted failures (``judges.simulator.script``). Raises ``BadScript``."""
        self._run(self._do(lambda: self._server.script(list(steps))))

    def release(self) -> None:
        """Let batches that the script holds back (at "work") go on."""
        self._run(self._do(self._server.release))

    def stats(self) -> dict[str, Any]:
        """What was served since the last reset."""
        return self._run(self._do(self._server.stats))

    def reset(self) -> None:
        """Forget script, counters and cached prompts."""
        self._run(self._do(self._server.reset))

    def stop(self) -> None:
        """Close the port and every connection; a second call does nothing."""
        if self._loop.is_closed():
            return
        self._run(_close(self._listener, self._server))
        self._end_loop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def _do(self, act: Callable[[], _Result]) -> _Result:
        return act()

    def _run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_START_SECONDS)

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_SECONDS)
        self._loop.close()


def start(
    port: int = 0,
    *,
    latency_ms: float = 0.0,
    seed: int = 0,
    requests_per_minute: int = 0,
    batch_ms: float = 0.0,
) -> Simulator:
    """Start a simulator on 127.0.0.1; port 0 takes a free one. Raises OSError on a taken port."""
    settings = Settings(latency_ms, seed, requests_per_minute, batch_ms)
    return Simulator(settings, port)


async def serve(port: int, settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. Prints the address once it listens."""
    server = Server(settings)
    listener = await asyncio.start_server(server.connected, HOST, port)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    bound = listener.sockets[0].getsockname()[1]
    print(f"Simulated Messages API on http://{HOST}:{bound} (no model is called)", flush=True)  # noqa: T201
    await stopped.wait()
    await _close(listener, server)


async def _close(listener: asyncio.Server, server: Server) -> None:
    listener.close()
    await server.hang_up()
    with contextlib.suppress(asyncio.CancelledError):
        await listener.wait_closed()
