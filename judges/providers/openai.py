"""Servers that speak the chat API of OpenAI. The SDK is the optional extra plumbline[openai]."""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from core.errors import NotReady
from judges.providers.base import ProviderFailure, ProviderReply, ProviderRequest
from judges.providers.common import (
    check_access,
    count,
    is_count,
    is_cut_off,
    never_left,
    refused,
    seconds,
    since,
    whole,
    without_key,
)
from judges.rules.pricing import Usage
from judges.rules.retrying import FailureKind, classify

_OWN_HOST = "api.openai.com"
_STOPPED = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}
_FILTERED = frozenset({"content_filter", "content_policy_violation"})
_KEPT_HEADERS = ("x-request-id", "retry-after")
_KEPT_PREFIX = "x-ratelimit-"


def check_installed() -> None:
    """Raises NotReady with what to install, without loading anything."""
    if importlib.util.find_spec("openai") is None:
        raise NotReady(
            "openai_missing",
            "A server that speaks the chat API of OpenAI needs the extra plumbline[openai]: "
            "pip install 'plumbline[openai]' for web and worker, then start again.",
        )


class OpenAIProvider:
    """One client, never retrying by itself. Create, use and close it in one event loop."""

    def __init__(self, *, api_key: str, base_url: str) -> None:
        self._api_key = api_key.strip()
        self._base_url = base_url.strip()
        # The SDK is not installed everywhere, so that its types are known nowhere.
        self._client: Any = None

    async def ask(self, request: ProviderRequest) -> ProviderReply:
        """Send one request once. Raises ``ProviderFailure`` when no readable answer comes."""
        import openai

        started = time.monotonic()
        try:
            raw = await self._connected().chat.completions.with_raw_response.create(
                **parameters(request, base_url=self._base_url), timeout=request.timeout_seconds
            )
            body = str(raw.text)
        except openai.APIStatusError as error:
            if error.status_code == 400 and error.code in _FILTERED:
                return _filtered(request, error, since(started))
            raise self._refusal(error, since(started)) from None
        except openai.APIConnectionError as error:
            raise ProviderFailure(
                FailureKind.TRANSIENT,
                without_key(
                    f"No answer from the server: {error.__cause__ or error}", self._api_key
                ),
                possibly_paid=not never_left(error),
                latency_ms=since(started),
            ) from None
        try:
            return _reply(body, _kept(raw.headers), since(started))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            said = f"The server answered with something that is no completion: {body[:120]!r}"
            raise ProviderFailure(
                FailureKind.TRANSIENT,
                without_key(said, self._api_key),
                status=raw.status_code,
                possibly_paid=True,
                latency_ms=since(started),
            ) from None

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _connected(self) -> Any:
        if self._client is None:
            import openai

            check_access(self._api_key, self._base_url)
            self._client = openai.AsyncOpenAI(
                api_key=self._api_key,
                base_url=self._base_url,
                max_retries=0,
                http_client=openai.DefaultAsyncHttpxClient(follow_redirects=False),
            )
        return self._client

    def _refusal(self, error: Any, latency_ms: int) -> ProviderFailure:
        code = str(error.code or "")
        message = without_key(_said(error), self._api_key)
        return ProviderFailure(
            classify(error.status_code, code=code, message=message),
            refused(error.status_code, message, self._api_key),
            status=error.status_code,
            code=code or str(error.type or ""),
            request_id=str(error.request_id or ""),
            retry_after=seconds(error.response.headers),
            possibly_paid=is_cut_off(error.status_code),
            latency_ms=latency_ms,
        )


def parameters(request: ProviderRequest, *, base_url: str) -> dict[str, Any]:
    """What the SDK is given for a request to this address."""
    rendered = request.rendered
    # The newest models of OpenAI take the one name, most other servers know only the other.
    own = urlsplit(base_url).hostname == _OWN_HOST
    limit = "max_completion_tokens" if own else "max_tokens"
    turns = [{"role": turn.role, "content": turn.text} for turn in rendered.turns]
    given: dict[str, Any] = {
        "model": rendered.model,
        limit: rendered.max_tokens,
        "messages": [{"role": "system", "content": rendered.system}, *turns],
    }
    if rendered.structured_output == "native":
        schema = {"name": "verdict", "strict": True, "schema": dict(rendered.schema)}
        given["response_format"] = {"type": "json_schema", "json_schema": schema}
    if rendered.effort is not None:
        given["reasoning_effort"] = rendered.effort
    if rendered.temperature is not None:
        given["temperature"] = rendered.temperature
    return given


def _reply(body: str, headers: dict[str, str], latency_ms: int) -> ProviderReply:
    """Read the body ourselves: the SDK builds a completion from anything that is JSON."""
    completion = json.loads(body)
    choice, model = completion["choices"][0], completion["model"]
    message, finish = choice["message"], choice["finish_reason"]
    if not isinstance(finish, str) or not isinstance(model, str):
        raise TypeError("not a completion")
    text = message.get("content") or ""
    if not isinstance(text, str):
        raise TypeError("not a text")
    return ProviderReply(
        text=text,
        stop_reason="refusal" if message.get("refusal") else _STOPPED.get(finish, finish),
        model=model,
        usage=_usage(completion.get("usage")),
        request_id=headers.get("x-request-id", ""),
        raw=body,
        latency_ms=latency_ms,
        requests_remaining=whole(headers.get("x-ratelimit-remaining-requests")),
        headers=headers,
    )


def _filtered(request: ProviderRequest, error: Any, latency_ms: int) -> ProviderReply:
    """A filter before the model declined: nothing was used, and nothing is to be mended."""
    return ProviderReply(
        text="",
        stop_reason="refusal",
        model=request.rendered.model,
        usage=Usage(),
        request_id=str(error.request_id or ""),
        latency_ms=latency_ms,
    )


def _usage(said: object) -> Usage | None:
    """Tokens by kind, or None when the server does not say what it used."""
    if not isinstance(said, dict):
        return None
    used, answered = said.get("prompt_tokens"), said.get("completion_tokens")
    if not is_count(used) or not is_count(answered):
        return None
    cached = min(count(used), _detail(said, "prompt_tokens_details", "cached_tokens"))
    return Usage(
        input_tokens=count(used) - cached,
        cache_read=cached,
        output_tokens=count(answered),
        thinking_tokens=_detail(said, "completion_tokens_details", "reasoning_tokens"),
    )


def _detail(said: Mapping[str, Any], name: str, kind: str) -> int:
    details = said.get(name)
    return count(details.get(kind)) if isinstance(details, dict) else 0


def _said(error: Any) -> str:
    """The server's own words where there are some."""
    said = error.body.get("message") if isinstance(error.body, dict) else None
    return str(said or error.message)


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name.lower(): value
        for name, value in headers.items()
        if name.lower() in _KEPT_HEADERS or name.lower().startswith(_KEPT_PREFIX)
    }
