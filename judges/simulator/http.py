"""As much of HTTP/1.1 as the SDK needs: one request at a time on a kept connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

MAX_BODY_BYTES = 32 * 1024 * 1024
_MAX_HEADERS = 100
_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    404: "Not Found",
    405: "Method Not Allowed",
    411: "Length Required",
    413: "Content Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    529: "Overloaded",
}


class BadRequest(Exception):
    """The bytes are no request that this server reads; carries the status."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


class Dropped(Exception):
    """Close the connection; ``first`` is sent before."""

    def __init__(self, first: bytes = b"") -> None:
        super().__init__("dropped")
        self.first = first


@dataclass(frozen=True, slots=True)
class Trickle:
    """A body whose second half leaves some seconds after the first."""

    body: bytes
    seconds: float


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request; header names are in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def keeps_alive(self) -> bool:
        """Whether the client wants to send more on this connection."""
        return self.headers.get("connection", "").lower() != "close"


async def read_request(reader: asyncio.StreamReader) -> HttpRequest | None:
    """The next request, or None when the client has gone. Raises ``BadRequest``."""
    try:
        line = (await reader.readline()).decode("latin-1").split()
        if not line:
            return None
        if len(line) != 3:
            raise BadRequest(400, "The first line is not a request.")
        headers = await _read_headers(reader)
        body = await reader.readexactly(_length(headers))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except ValueError:
        raise BadRequest(400, "A line of the request is too long.") from None
    path, _, query = line[1].partition("?")
    return HttpRequest(line[0], path, headers, body, dict(parse_qsl(query)))


def response(status: int, body: object, headers: Mapping[str, str] | None = None) -> bytes:
    """A whole response with a JSON body; bytes are sent as they are."""
    content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    fields = {
        "content-type": "application/json",
        "content-length": str(len(content)),
        **(headers or {}),
    }
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content


async def _read_headers(reader: asyncio.StreamReader) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(_MAX_HEADERS):
        line = (await reader.readline()).decode("latin-1").strip()
        if not line:
            return headers
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    raise BadRequest(400, "The request has too many headers.")


def _length(headers: Mapping[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise BadRequest(411, "Send the body with a content-length.")
    text = headers.get("content-length", "0")
    if not text.isdecimal():
        raise BadRequest(400, "The content-length is not a number.")
    if int(text) > MAX_BODY_BYTES:
        raise BadRequest(413, "The request is too large.")
    return int(text)
