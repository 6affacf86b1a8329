"""Connections for many requests at once: each request has one to itself.

The usual pool looks at every connection that it has whenever a request comes or goes: with 64 in
flight that is a third of what a call costs. Here a request takes an idle connection, or a new one.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from urllib.request import getproxies

if TYPE_CHECKING:
    from httpx2 import AsyncClient, AsyncHTTPTransport, Request, Response


def client() -> AsyncClient:
    """An HTTP client for the SDK, which follows no redirection: texts go to the address that was
    allowed and to no other. Behind a proxy its rules are those of the SDK's own client."""
    import anthropic

    if getproxies():
        return anthropic.DefaultAsyncHttpxClient(follow_redirects=False)
    return anthropic.DefaultAsyncHttpxClient(
        transport=Lines(),  # type: ignore[arg-type]
        follow_redirects=False,
    )


class Lines:
    """A transport: as many pools of one connection as requests were ever in flight."""

    def __init__(self) -> None:
        import httpx2

        self._context = httpx2.create_ssl_context()
        self._all: list[AsyncHTTPTransport] = []
        self._idle: list[AsyncHTTPTransport] = []

    async def handle_async_request(self, request: Request) -> Response:
        """Send it and read the whole answer, so that the connection is free afterwards."""
        line = self._idle.pop() if self._idle else self._another()
        try:
            response = await line.handle_async_request(request)
            try:
                await response.aread()
            finally:
                await response.aclose()
        finally:
            self._idle.append(line)
        return response

    async def aclose(self) -> None:
        """Close every connection."""
        for line in self._all:
            await line.aclose()
        self._all.clear()
        self._idle.clear()

    async def __aenter__(self) -> Lines:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.aclose()

    def _another(self) -> AsyncHTTPTransport:
        import httpx2

        line = httpx2.AsyncHTTPTransport(
            verify=self._context,
            limits=httpx2.Limits(max_connections=1, max_keepalive_connections=1),
            socket_options=_alive(),
        )
        self._all.append(line)
        return line


def _alive() -> list[tuple[int, int, int]]:
    """Answers may take minutes: say now and then that somebody waits."""
    named = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 60), ("TCP_KEEPCNT", 5))
    known = [
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in named
        if hasattr(socket, name)
    ]
    return [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), *known]
