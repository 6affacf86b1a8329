"""Where requests go: to the address that was allowed, through the proxy that is set."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from judges.providers.anthropic import AnthropicProvider
from judges.providers.base import ProviderFailure
from judges.rules.retrying import FailureKind
from judges.simulator import Simulator
from tests.simulator.asking import failure, request, through
from tests.unit.judges.builders import make_pair, make_version

ONE = request(make_version("pair"), make_pair(), order="AB")


class Telling(ThreadingHTTPServer):
    """A server that keeps what was asked, and sends whoever asks on to `target`."""

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), Redirecting)
        self.target = target
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Redirecting(BaseHTTPRequestHandler):
    server: Telling
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append(self.path)
        self.send_response(307)
        self.send_header("location", self.server.target)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def telling(target: str) -> Iterator[Telling]:
    with Telling(target) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(5)


def test_no_redirection_is_followed(simulator: Simulator) -> None:
    with telling(f"{simulator.url}/v1/messages") as server:
        failed = failure(server.url, ONE)
        assert server.asked == ["/v1/messages"]
    assert failed.status == 307
    assert simulator.stats()["requests"] == 0


def test_behind_a_proxy_requests_go_through_it(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with telling("http://127.0.0.1:9/") as proxy:
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        failure(simulator.url.replace("127.0.0.1", "judges.example"), ONE)
        [asked] = proxy.asked
    assert asked.startswith("http://judges.example:")
    assert simulator.stats()["requests"] == 0


def test_a_connection_that_the_server_closed_is_made_anew(simulator: Simulator) -> None:
    """And a request that it closed on counts as possibly paid, however it is called further up."""
    simulator.script({"do": "drop"})

    async def work(provider: AnthropicProvider) -> tuple[FailureKind, bool, int]:
        with pytest.raises(ProviderFailure) as failed:
            await provider.ask(ONE)
        replies = await asyncio.gather(*(provider.ask(ONE) for _ in range(5)))
        return failed.value.kind, failed.value.possibly_paid, len(replies)

    assert through(simulator.url, work) == (FailureKind.TRANSIENT, True, 5)
