"""The Anthropic Messages API, at Anthropic or at any server that speaks it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from judges.providers.base import ProviderFailure, ProviderReply, ProviderRequest
from judges.providers.common import (
    UNTRACED,
    check_access,
    count,
    is_count,
    is_cut_off,
    never_left,
    refused,
    seconds,
    since,
    trusted,
    whole,
    without_key,
)
from judges.rules.pricing import Usage
from judges.rules.retrying import FailureKind, classify

if TYPE_CHECKING:
    from anthropic import APIStatusError, AsyncAnthropic

DEFAULT_BASE_URL = "https://api.anthropic.com"
_KEPT_HEADERS = ("request-id", "retry-after")
_KEPT_PREFIX = "anthropic-ratelimit-"


class AnthropicProvider:
    """One client, never retrying by itself. Create, use and close it in one event loop."""

    def __init__(self, *, api_key: str, base_url: str = DEFAULT_BASE_URL) -> None:
        self._api_key = api_key.strip()
        self._base_url = base_url.strip() or DEFAULT_BASE_URL
        self._client: AsyncAnthropic | None = None

    async def ask(self, request: ProviderRequest) -> ProviderReply:
        """Send one request once. Raises ``ProviderFailure`` when no readable answer comes."""
        import anthropic

        started = time.monotonic()
        try:
            raw = await self._connected().messages.with_raw_response.create(
                **parameters(request), timeout=request.timeout_seconds
            )
            body = await raw.text()
        except anthropic.APIStatusError as error:
            raise refusal(error, self._api_key, since(started)) from None
        except anthropic.APIConnectionError as error:
            raise no_answer(error, self._api_key, since(started)) from None
        headers = _kept(raw.headers)
        return reply(body, headers, raw.http_response.status_code, since(started))

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _connected(self) -> AsyncAnthropic:
        if self._client is None:
            import anthropic

            check_access(self._api_key, self._base_url)
            self._client = anthropic.AsyncAnthropic(
                api_key=self._api_key,
                base_url=self._base_url,
                max_retries=0,
                # A request costs half the processor time that it does over the usual client.
                # No redirection is followed: texts go to the address that was allowed.
                http_client=anthropic.DefaultAioHttpClient(
                    follow_redirects=False, verify=trusted()
                ),
                open_telemetry=UNTRACED,
            )
        return self._client


def refusal(error: APIStatusError, api_key: str, latency_ms: int = 0) -> ProviderFailure:
    """What a server said no to, in a sentence that may be stored and shown."""
    code = error.error_code or ""
    message = without_key(error.api_message or error.message, api_key)
    return ProviderFailure(
        classify(error.status_code, code=code, message=message),
        refused(error.status_code, message, api_key),
        status=error.status_code,
        code=code or (error.type or ""),
        request_id=error.request_id or "",
        retry_after=seconds(error.response.headers),
        possibly_paid=is_cut_off(error.status_code),
        latency_ms=latency_ms,
    )


def no_answer(error: Exception, api_key: str, latency_ms: int = 0) -> ProviderFailure:
    """A connection that was not made, or broke."""
    return ProviderFailure(
        FailureKind.TRANSIENT,
        without_key(f"No answer from the server: {error.__cause__ or error}", api_key),
        possibly_paid=not never_left(error),
        latency_ms=latency_ms,
    )


def parameters(request: ProviderRequest) -> dict[str, Any]:
    """What the SDK is given for a request."""
    rendered = request.rendered
    system: dict[str, Any] = {"type": "text", "text": rendered.system}
    if request.prompt_cache:
        system["cache_control"] = {"type": "ephemeral"}
    output: dict[str, Any] = {}
    if rendered.structured_output == "native":
        output["format"] = {"type": "json_schema", "schema": dict(rendered.schema)}
    if rendered.effort is not None:
        output["effort"] = rendered.effort
    given: dict[str, Any] = {
        "model": rendered.model,
        "max_tokens": rendered.max_tokens,
        "system": [system],
        "messages": [{"role": turn.role, "content": turn.text} for turn in rendered.turns],
    }
    if output:
        given["output_config"] = output
    if rendered.thinking is not None:
        given["thinking"] = {"type": rendered.thinking}
    if rendered.temperature is not None:
        # The SDK has no such parameter any more; servers of one's own may take it.
        given["extra_body"] = {"temperature": rendered.temperature}
    return given


def reply(body: str, headers: dict[str, str], status: int, latency_ms: int) -> ProviderReply:
    """Read the body ourselves: the SDK builds a message from anything that is JSON."""
    try:
        message = json.loads(body)
        text, stop_reason, model = _fields(message)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ProviderFailure(
            FailureKind.TRANSIENT,
            "The server answered with something that is not a message of the Messages API: "
            f"{body[:120]!r}",
            status=status,
            request_id=headers.get("request-id", ""),
            possibly_paid=True,
            latency_ms=latency_ms,
        ) from None
    return ProviderReply(
        text=text,
        stop_reason=stop_reason,
        model=model,
        usage=_usage(message.get("usage")),
        request_id=headers.get("request-id", ""),
        raw=body,
        latency_ms=latency_ms,
        requests_remaining=whole(headers.get("anthropic-ratelimit-requests-remaining")),
        headers=headers,
    )


def _fields(message: Mapping[str, Any]) -> tuple[str, str, str]:
    """Text, stop reason and model of an answer; raises on anything that is not a message."""
    text = "".join(block["text"] for block in message["content"] if block.get("type") == "text")
    stop_reason, model = message["stop_reason"], message["model"]
    if not isinstance(stop_reason, str) or not isinstance(model, str):
        raise TypeError("not a message")
    return text, stop_reason, model


def _usage(said: object) -> Usage | None:
    """Tokens by kind, or None when the server does not say what it used."""
    if not isinstance(said, dict):
        return None
    used, answered = said.get("input_tokens"), said.get("output_tokens")
    if not is_count(used) or not is_count(answered):
        return None
    written = count(said.get("cache_creation_input_tokens"))
    details = said.get("cache_creation")
    hour = count(details.get("ephemeral_1h_input_tokens")) if isinstance(details, dict) else 0
    thought = said.get("output_tokens_details")
    return Usage(
        input_tokens=count(used),
        cache_write_5m=max(0, written - hour),
        cache_write_1h=hour,
        cache_read=count(said.get("cache_read_input_tokens")),
        output_tokens=count(answered),
        thinking_tokens=count(thought.get("thinking_tokens")) if isinstance(thought, dict) else 0,
    )


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name.lower(): value
        for name, value in headers.items()
        if name.lower() in _KEPT_HEADERS or name.lower().startswith(_KEPT_PREFIX)
    }
