"""A server that notes who came with which key and body, and answers always the same."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


@dataclass(slots=True)
class Listener:
    """`url` is its base URL; what came is in the order in which it came."""

    url: str = ""
    keys: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)


@contextlib.contextmanager
def listening(status: int, answer: dict[str, Any], *, says_key: bool = False) -> Iterator[Listener]:
    """Answers every POST with a status and a JSON body; `says_key` puts the key in for KEY."""
    heard = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            key = self.headers.get("authorization", "")
            heard.keys.append(key)
            heard.paths.append(self.path)
            heard.bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            body = json.dumps(answer).replace("KEY", key if says_key else "KEY").encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    heard.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
