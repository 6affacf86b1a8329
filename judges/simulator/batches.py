"""The simulator's Message Batches API: requests are answered one after the other, each once."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from judges.simulator import messages
from judges.simulator.http import Dropped, HttpRequest, Trickle, response
from judges.simulator.messages import Answer, Rejected, scripted_error
from judges.simulator.script import Script, Step

DOOR = "/v1/messages/batches"
MOST_REQUESTS = 100_000
_KINDS = ("processing", "succeeded", "errored", "canceled", "expired")

Judge = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(slots=True)
class _Batch:
    id: str
    requests: list[tuple[str, dict[str, Any]]]
    created_at: datetime
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    cancelled_at: datetime | None = None
    ended_at: datetime | None = None
    task: asyncio.Task[None] | None = None

    def shown(self) -> dict[str, Any]:
        """As the API shows it: counts stay at "processing" until the whole batch has ended."""
        status = "canceling" if self.cancelled_at else "in_progress"
        counts = dict.fromkeys(_KINDS, 0)
        if self.ended_at is None:
            counts["processing"] = len(self.requests)
        else:
            status = "ended"
            counts |= Counter(str(one["type"]) for one in self.results.values())
        return {
            "id": self.id,
            "type": "message_batch",
            "processing_status": status,
            "request_counts": counts,
            "created_at": self.created_at.isoformat(),
            "expires_at": (self.created_at + timedelta(hours=24)).isoformat(),
            "ended_at": self.ended_at and self.ended_at.isoformat(),
            "cancel_initiated_at": self.cancelled_at and self.cancelled_at.isoformat(),
            "archived_at": None,
            "results_url": f"{DOOR}/{self.id}/results" if self.ended_at else None,
        }

    def lines(self) -> bytes:
        """The results in another order than the requests, as the API may give them."""
        shown = [{"custom_id": key, "result": one} for key, one in reversed(self.results.items())]
        return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in shown).encode()


class Batches:
    """Routes below `/v1/messages/batches`. `judge` answers one request, or raises Rejected."""

    def __init__(self, judge: Judge, script: Script, *, batch_ms: float) -> None:
        self._judge = judge
        self._script = script
        self._seconds = batch_ms / 1000
        self._batches: dict[str, _Batch] = {}
        # No id of a simulator that ran before is given again.
        self._name = secrets.token_hex(4)
        self._numbers = itertools.count(1)
        self._asked = 0
        self._released = asyncio.Event()

    def clear(self) -> None:
        """Forget every batch."""
        for batch in self._batches.values():
            if batch.task is not None:
                batch.task.cancel()
        self._batches.clear()
        self._asked = 0
        self._released.clear()

    def release(self) -> None:
        """Work on what was held back."""
        self._released.set()

    def stats(self) -> dict[str, int]:
        """How many were asked for, were made, and go on."""
        open_ones = sum(one.ended_at is None for one in self._batches.values())
        return {
            "batches_asked": self._asked,
            "batches": len(self._batches),
            "batches_in_progress": open_ones,
        }

    async def answer(self, request: HttpRequest) -> Answer:
        """One request of the batch API. Raises ``Rejected`` and ``Dropped``."""
        parts = request.path.removeprefix(DOOR).strip("/").split("/")
        route = (request.method, *parts[1:])
        if parts == [""]:
            if request.method == "POST":
                return await self._created(request)
            return await self._looked(self._listed(request.query))
        batch = self._batches.get(parts[0])
        if batch is None:
            raise Rejected(404, f"There is no batch {parts[0]}.")
        if route == ("GET", "results"):
            return await self._fetched(batch)
        if route == ("POST", "cancel"):
            self._cancel(batch)
        elif route != ("GET",):
            raise Rejected(404, f"There is nothing at {request.method} {request.path}.")
        return await self._looked(batch.shown())

    # Made -----------------------------------------------------------------------------------------

    async def _created(self, request: HttpRequest) -> Answer:
        body = messages.parse_body(request.body)
        asked = _requests(body)
        self._asked += 1
        step = self._script.next_for(json.dumps(body, ensure_ascii=False), "batch")
        refused = scripted_error(step)
        if refused is not None:
            return refused
        if step is not None and step.do in {"drop", "hang"}:
            # Before it is made.
            await asyncio.sleep(step.seconds)
            raise Dropped
        batch = _Batch(
            f"msgbatch_sim_{self._name}_{next(self._numbers):04d}", asked, datetime.now(UTC)
        )
        self._batches[batch.id] = batch
        is_held = self._script.next_for("", "work") is not None
        if self._seconds or is_held:
            batch.task = asyncio.create_task(self._work(batch, is_held=is_held))
        else:
            for key, params in batch.requests:
                batch.results[key] = self._one(params)
            batch.ended_at = datetime.now(UTC)
        return await _spoilt(batch.shown(), step)

    async def _work(self, batch: _Batch, *, is_held: bool) -> None:
        if is_held:
            await self._released.wait()
        pause = self._seconds / len(batch.requests)
        for key, params in batch.requests:
            await asyncio.sleep(pause)
            batch.results[key] = self._one(params)
        batch.ended_at = datetime.now(UTC)

    def _one(self, params: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._judge(params)
        except Rejected as rejected:
            said = messages.error(rejected.status, rejected.message)
            return {"type": "errored", "error": said.body}

    # Looked at ------------------------------------------------------------------------------------

    async def _looked(self, shown: dict[str, Any]) -> Answer:
        step = self._script.next_for("", "look")
        return scripted_error(step) or await _spoilt(shown, step)

    def _listed(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Newest first."""
        everything = list(reversed(self._batches.values()))
        ids = [one.id for one in everything]
        start = ids.index(query["after_id"]) + 1 if query.get("after_id") in ids else 0
        limit = int(query.get("limit", "20"))
        page = [one.shown() for one in everything[start : start + limit]]
        return {
            "data": page,
            "has_more": len(everything) > start + limit,
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
        }

    def _cancel(self, batch: _Batch) -> None:
        if batch.ended_at is not None:
            raise Rejected(400, f"The batch {batch.id} has ended and cannot be canceled.")
        batch.cancelled_at = batch.ended_at = datetime.now(UTC)
        if batch.task is not None:
            batch.task.cancel()
        for key, _ in batch.requests:
            batch.results.setdefault(key, {"type": "canceled"})

    async def _fetched(self, batch: _Batch) -> Answer:
        step = self._script.next_for("", "results")
        refused = scripted_error(step)
        if refused is not None:
            return refused
        if batch.ended_at is None:
            raise Rejected(400, f"The batch {batch.id} has not ended: there are no results yet.")
        lines = batch.lines()
        headers = {"content-type": "application/x-jsonl"}
        if step is not None and step.do in {"drop", "half_body"}:
            whole = response(200, lines, headers)
            raise Dropped(whole[: len(whole) - len(lines) // 2] if step.do == "half_body" else b"")
        if step is not None and step.do == "bad_body":
            # Ends as if it were whole, in the middle of a line.
            lines = lines[: len(lines) // 2].rstrip(b"\n")[:-1]
        if step is not None and step.do == "slow":
            return Answer(200, Trickle(lines, step.seconds or 1.0), headers)
        return Answer(200, lines, headers)


async def _spoilt(shown: dict[str, Any], step: Step | None) -> Answer:
    """The answer to a request about a batch, or what the script makes of it."""
    if step is None:
        return Answer(200, shown)
    if step.do in {"slow", "hang"}:
        await asyncio.sleep(step.seconds or 1.0)
    if step.do in {"drop", "hang"}:
        raise Dropped
    if step.do == "half_body":
        whole = response(200, shown)
        raise Dropped(whole[: len(whole) - 40])
    if step.do == "bad_body":
        return Answer(200, b'{"type": "message_batch", "id": ')
    if step.do == "other_body":
        return Answer(200, {"status": "ok"})
    return Answer(200, shown)


def _requests(body: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The ids and parameters of a batch that is to be made. Raises ``Rejected``."""
    given = body.get("requests")
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_REQUESTS:
        raise Rejected(400, f"requests: a list of 1 to {MOST_REQUESTS} is required")
    asked: dict[str, dict[str, Any]] = {}
    for one in given:
        key = one.get("custom_id") if isinstance(one, dict) else None
        if not isinstance(key, str) or not 1 <= len(key) <= 64:
            raise Rejected(400, "requests: each needs a custom_id of 1 to 64 characters")
        if key in asked:
            raise Rejected(400, f"requests: the custom_id {key} is not unique")
        if not isinstance(one.get("params"), dict):
            raise Rejected(400, f"requests: {key} needs its params")
        asked[key] = one["params"]
    return list(asked.items())
