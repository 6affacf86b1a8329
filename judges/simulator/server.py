"""A local server that speaks the Messages API over real HTTP, for tests and the offline demo."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import json
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from judges.simulator import chat, messages, truth
from judges.simulator.batches import Batches
from judges.simulator.http import BadRequest, Dropped, HttpRequest, Trickle, read_request, response
from judges.simulator.judges import PLANTED
from judges.simulator.messages import Answer, Rejected, scripted_error
from judges.simulator.script import BadScript, Script, Step

_RELEASED = "2026-11-01T00:00:00Z"
_NEVER_LIMITED = 1_000_000


@dataclass(frozen=True, slots=True)
class Settings:
    """How the server behaves. ``requests_per_minute`` 0 means no limit; ``batch_ms`` is how long a
    whole batch takes, its requests one after the other."""

    latency_ms: float = 0.0
    seed: int = 0
    requests_per_minute: int = 0
    batch_ms: float = 0.0


class Server:
    """Routes, script and counters. Everything runs in one event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._script = Script()
        self._warm: set[str] = set()
        self._numbers = itertools.count(1)
        self._minute = (-1, 0)
        self._open: set[asyncio.Task[None]] = set()
        self._batches = Batches(self._in_batch, self._script, batch_ms=settings.batch_ms)
        self._clear_counters()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until the client, or a scripted drop, ends it."""
        task = asyncio.current_task()
        if task is not None:
            self._open.add(task)
            task.add_done_callback(self._open.discard)
        try:
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def hang_up(self) -> None:
        """End every open connection, and batches that go on."""
        self._batches.clear()
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def script(self, steps: object) -> None:
        """Add scripted failures. Raises ``BadScript``."""
        self._script.add(steps)

    def release(self) -> None:
        """Let batches that the script holds back go on."""
        self._batches.release()

    def stats(self) -> dict[str, Any]:
        """What was served since the last reset: by status, by request digest, by model."""
        return {
            "requests": self._requests,
            "in_flight": self._in_flight,
            "most_in_flight": self._most_in_flight,
            "by_status": dict(self._by_status),
            "by_digest": dict(self._by_digest),
            "by_model": dict(self._by_model),
            "input_tokens": self._input_tokens,
            "output_tokens": self._output_tokens,
            **self._batches.stats(),
        }

    def reset(self) -> None:
        """Forget script, counters, batches and cached prompts."""
        self._script.clear()
        self._warm.clear()
        self._batches.clear()
        self._clear_counters()

    def _clear_counters(self) -> None:
        self._requests = self._in_flight = self._most_in_flight = 0
        self._input_tokens = self._output_tokens = 0
        self._by_status: Counter[str] = Counter()
        self._by_digest: Counter[str] = Counter()
        self._by_model: Counter[str] = Counter()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        goes_on = True
        while goes_on:
            try:
                request = await read_request(reader)
                if request is None:
                    return
                answer = await self._answer(request)
                goes_on = request.keeps_alive
            except BadRequest as bad:
                answer, goes_on = messages.error(bad.status, bad.sentence), False
            except Dropped as dropped:
                writer.write(dropped.first)
                await writer.drain()
                return
            await _write(writer, answer, self._headers(answer))

    def _headers(self, answer: Answer) -> dict[str, str]:
        limit = self._settings.requests_per_minute or _NEVER_LIMITED
        return {
            "request-id": f"req_sim_{next(self._numbers):08d}",
            "anthropic-ratelimit-requests-limit": str(limit),
            "anthropic-ratelimit-requests-remaining": str(self._remaining()),
            **answer.headers,
        }

    async def _answer(self, request: HttpRequest) -> Answer:
        if request.path.startswith("/_sim/"):
            return self._control(request)
        if not _has_key(request.headers):
            return messages.error(401, "x-api-key header is required")
        try:
            return await self._route(request)
        except Rejected as rejected:
            return messages.error(rejected.status, rejected.message)

    async def _route(self, request: HttpRequest) -> Answer:
        route = (request.method, request.path.rstrip("/"))
        if route == ("POST", "/v1/messages"):
            return await self._message(request)
        if route == ("POST", "/v1/chat/completions"):
            return await self._completion(request)
        if request.path.startswith("/v1/messages/batches"):
            return await self._batches.answer(request)
        if route == ("POST", "/v1/messages/count_tokens"):
            body = messages.parse_body(request.body)
            messages.check(body, counting=True)
            return Answer(200, {"input_tokens": messages.input_tokens(body)})
        if route == ("GET", "/v1/models"):
            models = [_model(name) for name in PLANTED]
            edges = {"first_id": models[0]["id"], "last_id": models[-1]["id"]}
            return Answer(200, {"data": models, "has_more": False, **edges})
        name = request.path.removeprefix("/v1/models/")
        if request.method == "GET" and name in PLANTED:
            return Answer(200, _model(name))
        return messages.error(404, f"There is nothing at {request.method} {request.path}.")

    async def _completion(self, request: HttpRequest) -> Answer:
        """The same through the chat API: in and out in its words."""
        try:
            asked = chat.as_message(messages.parse_body(request.body))
            body = json.dumps(asked).encode()
            return chat.answer(await self._message(dataclasses.replace(request, body=body)))
        except Rejected as rejected:
            return chat.answer(messages.error(rejected.status, rejected.message))

    async def _message(self, request: HttpRequest) -> Answer:
        async with self._counted():
            answer = await self._judged(request)
            self._by_status[str(answer.status)] += 1
            return answer

    @contextlib.asynccontextmanager
    async def _counted(self) -> AsyncIterator[None]:
        self._requests += 1
        self._in_flight += 1
        self._most_in_flight = max(self._most_in_flight, self._in_flight)
        try:
            yield
        except Dropped:
            self._by_status["dropped"] += 1
            raise
        finally:
            self._in_flight = max(0, self._in_flight - 1)

    async def _judged(self, request: HttpRequest) -> Answer:
        body = messages.parse_body(request.body)
        if not self._take_request():
            return messages.error(429, "Too many requests in this minute.", retry_after=1.0)
        step = self._script.next_for(json.dumps(body, ensure_ascii=False))
        refused = scripted_error(step)
        if refused is not None:
            return refused
        messages.check(body)
        await self._wait(body, step)
        said = messages.message(body, step=step, seed=self._settings.seed, warm=self._warm)
        return self._delivered(body, said, step)

    async def _wait(self, body: Mapping[str, Any], step: Step | None) -> None:
        if step is not None and step.do == "drop":
            raise Dropped
        if step is not None and step.do in {"hang", "slow"}:
            await asyncio.sleep(step.seconds or (3600.0 if step.do == "hang" else 1.0))
        if step is not None and step.do == "hang":
            raise Dropped
        share = 0.5 + truth.unit("latency", messages.digest(body))
        await asyncio.sleep(self._settings.latency_ms * share / 1000.0)

    def _in_batch(self, body: dict[str, Any]) -> dict[str, Any]:
        """The result of one request of a batch. Raises ``Rejected``."""
        step = self._script.next_for(json.dumps(body, ensure_ascii=False))
        refused = scripted_error(step)
        if refused is not None:
            return {"type": "errored", "error": refused.body}
        messages.check(body)
        if step is not None and step.do in {"drop", "hang"}:
            return {"type": "expired"}
        said = messages.message(body, step=step, seed=self._settings.seed, warm=self._warm)
        said["usage"]["service_tier"] = "batch"
        self._requests += 1
        self._count(body, said)
        _spoil(said, step)
        if step is not None and step.do in {"half_body", "bad_body", "other_body"}:
            said = {"status": "ok"}
        return {"type": "succeeded", "message": said}

    def _count(self, body: Mapping[str, Any], said: Mapping[str, Any]) -> None:
        self._by_digest[messages.digest(body)] += 1
        self._by_model[str(body["model"])] += 1
        self._input_tokens += messages.input_tokens(body)
        self._output_tokens += said["usage"]["output_tokens"]

    def _delivered(
        self, body: Mapping[str, Any], said: dict[str, Any], step: Step | None
    ) -> Answer:
        self._count(body, said)
        if step is not None and step.do == "half_body":
            whole = response(200, said)
            raise Dropped(whole[: len(whole) - len(json.dumps(said)) // 2])
        if step is not None and step.do == "bad_body":
            return Answer(200, b'{"type": "message", "content": [')
        if step is not None and step.do == "other_body":
            return Answer(200, {"status": "ok"})
        _spoil(said, step)
        return Answer(200, said)

    def _control(self, request: HttpRequest) -> Answer:
        route = (request.method, request.path)
        if route == ("GET", "/_sim/stats"):
            return Answer(200, self.stats())
        if route == ("GET", "/_sim/judges"):
            return Answer(200, {name: _published(name) for name in PLANTED})
        if route == ("POST", "/_sim/reset"):
            self.reset()
            return Answer(200, {"ok": True})
        if route != ("POST", "/_sim/script"):
            return messages.error(404, f"There is nothing at {request.method} {request.path}.")
        try:
            self.script(messages.parse_body(request.body).get("script"))
        except (BadScript, Rejected) as bad:
            return messages.error(400, str(bad))
        return Answer(200, {"ok": True})

    def _take_request(self) -> bool:
        limit = self._settings.requests_per_minute
        minute = math.floor(time.monotonic() / 60)
        used = self._minute[1] if self._minute[0] == minute else 0
        if limit and used >= limit:
            return False
        self._minute = (minute, used + 1)
        return True

    def _remaining(self) -> int:
        limit = self._settings.requests_per_minute
        if not limit:
            return _NEVER_LIMITED
        minute, used = self._minute
        return limit - used if minute == math.floor(time.monotonic() / 60) else limit


async def _write(writer: asyncio.StreamWriter, answer: Answer, headers: Mapping[str, str]) -> None:
    if not isinstance(answer.body, Trickle):
        writer.write(response(answer.status, answer.body, headers))
        await writer.drain()
        return
    whole = response(answer.status, answer.body.body, headers)
    middle = len(whole) - len(answer.body.body) // 2
    writer.write(whole[:middle])
    await writer.drain()
    await asyncio.sleep(answer.body.seconds)
    writer.write(whole[middle:])
    await writer.drain()


def _has_key(headers: Mapping[str, str]) -> bool:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    bearer = scheme.lower() == "bearer" and token.strip()
    return bool(bearer or headers.get("x-api-key", "").strip())


def _spoil(said: dict[str, Any], step: Step | None) -> None:
    """Leave out of a message what the script says."""
    if step is not None and step.do == "no_stop":
        said["stop_reason"] = None
    if step is not None and step.do == "no_usage":
        del said["usage"]


def _model(name: str) -> dict[str, Any]:
    return {
        "type": "model",
        "id": name,
        "display_name": PLANTED[name].title,
        "created_at": _RELEASED,
        "lifecycle": "active",
        "line": None,
        "deprecated_at": None,
        "retires_at": None,
        "max_input_tokens": messages.CONTEXT_TOKENS,
        "max_tokens": messages.MAX_OUTPUT_TOKENS,
        "capabilities": _CAPABILITIES,
    }


def _support(*, supported: bool) -> dict[str, bool]:
    return {"supported": supported}


_YES, _NO = _support(supported=True), _support(supported=False)
_CAPABILITIES: dict[str, Any] = {
    "batch": _YES,
    "citations": _NO,
    "code_execution": _NO,
    "context_management": {"supported": False},
    "effort": {"supported": True, **dict.fromkeys(("low", "medium", "high", "xhigh", "max"), _YES)},
    "image_input": _NO,
    "pdf_input": _NO,
    "server_tools": {"supported": False, "code_execution": _NO, "web_fetch": _NO},
    "structured_outputs": _YES,
    "thinking": {
        "supported": True,
        "types": {"adaptive": _YES, "between_tools": _NO, "disabled": _YES, "enabled": _NO},
    },
}


def _published(name: str) -> dict[str, object]:
    judge = PLANTED[name]
    return {field: getattr(judge, field) for field in type(judge).__dataclass_fields__}
