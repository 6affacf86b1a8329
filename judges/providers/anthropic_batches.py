"""The Message Batches API, at Anthropic or at any server that speaks it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from judges.providers import anthropic as messages
from judges.providers.base import Batch, ProviderFailure, ProviderReply, ProviderRequest
from judges.providers.common import UNTRACED, check_access, trusted, without_key
from judges.rules import pieces
from judges.rules.retrying import FailureKind

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

LOOK_SECONDS = 30.0
PAGE = 100
MOST_PAGES = 20
_ID = re.compile(r"[A-Za-z0-9_-]{1,120}")
_LEFT_OUT = {
    "expired": "The provider did not come to this request before its batch expired.",
    "canceled": "The batch was cancelled before the provider came to this request.",
}


class AnthropicBatches:
    """One client, never retrying by itself. Create, use and close it in one event loop."""

    def __init__(
        self, *, api_key: str, base_url: str, timeout_seconds: float = LOOK_SECONDS
    ) -> None:
        self._api_key = api_key.strip()
        self._base_url = base_url.strip() or messages.DEFAULT_BASE_URL
        self._timeout = timeout_seconds
        self._client: AsyncAnthropic | None = None

    async def submit(
        self, requests: Mapping[str, ProviderRequest], *, timeout_seconds: float
    ) -> Batch:
        """Send them together. ``possibly_paid``: the batch may be there without our knowing."""
        asked = [{"custom_id": key, "params": _parameters(one)} for key, one in requests.items()]
        batches = self._connected().messages.batches.with_raw_response
        try:
            body = await self._body(batches.create(requests=asked, timeout=timeout_seconds))  # type: ignore[arg-type]
        except ProviderFailure as failure:
            status = failure.status
            if status is not None and (status == 408 or (status >= 500 and status != 529)):
                failure.possibly_paid = True
            raise
        return self._batch(body)

    async def look(self, batch_id: str) -> Batch:
        """How far a batch is."""
        batches = self._connected().messages.batches.with_raw_response
        return self._batch(await self._body(batches.retrieve(_checked(batch_id))))

    async def listed(self, *, since: datetime) -> list[Batch]:
        """The batches made since then, newest first, of at most 2,000."""
        import anthropic

        found: list[Batch] = []
        batches = self._connected().messages.batches.with_raw_response
        for _ in range(MOST_PAGES):
            after = found[-1].id if found else anthropic.omit
            body = await self._body(batches.list(limit=PAGE, after_id=after))
            page = [self._batch(one) for one in _list(body)]
            found += page
            if not page or page[-1].created_at < since or not body.get("has_more"):
                break
        return [one for one in found if one.created_at >= since]

    async def cancel(self, batch_id: str) -> None:
        """Ask that what was not begun is left out."""
        batches = self._connected().messages.batches.with_raw_response
        await self._body(batches.cancel(_checked(batch_id)))

    async def results(
        self, batch_id: str
    ) -> AsyncGenerator[tuple[str, ProviderReply | ProviderFailure], None]:
        """Line by line as they come.

        From the address that we know: the one in the batch's own `results_url` might be another
        one, and the key goes to no other.
        """
        from anthropic._decoders.jsonl import AsyncJSONLDecoder

        async with self._failures():
            lines: AsyncJSONLDecoder[object] = await self._connected().get(
                f"/v1/messages/batches/{_checked(batch_id)}/results",
                cast_to=AsyncJSONLDecoder[object],
                options={"headers": {"Accept": "application/x-jsonl"}},
                stream=True,
            )
            try:
                async for line in lines:
                    yield self._result(line)
            finally:
                await lines.close()

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _connected(self) -> AsyncAnthropic:
        if self._client is None:
            import anthropic

            check_access(self._api_key, self._base_url)
            # Not through `lines`: few requests are sent, and results are read in a stream.
            self._client = anthropic.AsyncAnthropic(
                api_key=self._api_key,
                base_url=self._base_url,
                max_retries=0,
                timeout=self._timeout,
                http_client=anthropic.DefaultAsyncHttpxClient(
                    follow_redirects=False, verify=trusted()
                ),
                open_telemetry=UNTRACED,
            )
        return self._client

    async def _body(self, sent: Awaitable[Any]) -> dict[str, Any]:
        """The JSON object of an answer; read ourselves: the SDK makes a batch of anything."""
        async with self._failures():
            raw = await sent
            text = await raw.text()
            body = json.loads(text)
            if not isinstance(body, dict):
                raise TypeError(text[:120])
            return body

    @asynccontextmanager
    async def _failures(self) -> AsyncIterator[None]:
        """Whatever breaks on the way, as a ``ProviderFailure``."""
        import anthropic
        import httpx2

        try:
            yield
        except anthropic.APIStatusError as error:
            raise messages.refusal(error, self._api_key) from None
        except anthropic.APIConnectionError as error:
            raise messages.no_answer(error, self._api_key) from None
        except (httpx2.HTTPError, ValueError, TypeError) as error:
            raise self._unreadable(f"{error}") from None

    def _unreadable(self, what: str) -> ProviderFailure:
        return ProviderFailure(
            FailureKind.TRANSIENT,
            without_key(
                f"The answer broke off, or is none of the batch API: {what}", self._api_key
            ),
            possibly_paid=True,
        )

    def _batch(self, body: object) -> Batch:
        try:
            return _read(body)
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise self._unreadable(repr(problem)) from None

    def _result(self, line: object) -> tuple[str, ProviderReply | ProviderFailure]:
        """One line. A line that is no result breaks the stream off; a result that holds no
        message is a failure of its request alone."""
        if not isinstance(line, dict) or not isinstance(line.get("result"), dict):
            raise TypeError(repr(line)[:120])
        result, custom_id = line["result"], str(line.get("custom_id"))
        kind = result.get("type")
        if kind == "succeeded":
            return custom_id, _answer(result)
        if kind in _LEFT_OUT:
            return custom_id, ProviderFailure(FailureKind.TRANSIENT, _LEFT_OUT[kind])
        return custom_id, self._errored(result)

    def _errored(self, result: Mapping[str, Any]) -> ProviderFailure:
        """Nothing was paid for it."""
        outer = result.get("error")
        error = outer.get("error") if isinstance(outer, dict) else None
        said = error if isinstance(error, dict) else {}
        word = str(said.get("type", ""))
        message = without_key(str(said.get("message", "no reason was given")), self._api_key)
        details = said.get("details")
        code = str(details.get("error_code", "")) if isinstance(details, dict) else ""
        return ProviderFailure(
            pieces.kind_of_error(word, message, code=code),
            f"In the batch: {message}",
            code=code or word,
            request_id=str(outer.get("request_id") or "") if isinstance(outer, dict) else "",
        )


def _parameters(request: ProviderRequest) -> dict[str, Any]:
    """What one request is in a batch: nothing beside its parameters."""
    given = messages.parameters(request)
    return {**given.pop("extra_body", {}), **given}


def _answer(result: Mapping[str, Any]) -> ProviderReply | ProviderFailure:
    message = result.get("message")
    try:
        return messages.reply(json.dumps(message, ensure_ascii=False), {}, 200, 0)
    except ProviderFailure as failure:
        return failure


def _checked(batch_id: str) -> str:
    """An id that is a part of an address and nothing else."""
    if not _ID.fullmatch(batch_id):
        raise ProviderFailure(
            FailureKind.CONFIGURATION, f"{batch_id[:60]!r} is no id of a batch.", status=404
        )
    return batch_id


def _list(body: Mapping[str, Any]) -> list[object]:
    data = body.get("data")
    return data if isinstance(data, list) else []


def _read(body: Any) -> Batch:
    if not _ID.fullmatch(body["id"]):
        raise ValueError(body["id"])
    created = datetime.fromisoformat(body["created_at"])
    return Batch(
        id=body["id"],
        created_at=created if created.tzinfo else created.replace(tzinfo=UTC),
        total=sum(count for count in body["request_counts"].values() if isinstance(count, int)),
        is_over=body["processing_status"] == "ended",
    )
