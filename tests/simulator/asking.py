"""Ask the simulator through the real SDK, as the engine does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from judges.providers.anthropic import AnthropicProvider
from judges.providers.base import ProviderFailure, ProviderReply, ProviderRequest
from judges.rules import prompting
from judges.rules.spec import ItemView, Order, VersionSpec

KEY = b"a key of the tests"
API_KEY = "sim-key-of-the-tests"
_Result = TypeVar("_Result")


def request(
    version: VersionSpec,
    item: ItemView,
    *,
    order: Order,
    sample: int = 0,
    timeout_seconds: float = 10.0,
    prompt_cache: bool = False,
) -> ProviderRequest:
    """One rendered request."""
    rendered = prompting.render(version, item, order=order, sample=sample, fence_key=KEY)
    return ProviderRequest(
        rendered, timeout_seconds=timeout_seconds, prompt_cache=prompt_cache, item=item, order=order
    )


def through(
    url: str, work: Callable[[AnthropicProvider], Awaitable[_Result]], api_key: str = API_KEY
) -> _Result:
    """Do something with a provider in a loop of its own, and close it."""

    async def run() -> _Result:
        provider = AnthropicProvider(api_key=api_key, base_url=url)
        try:
            return await work(provider)
        finally:
            await provider.aclose()

    return asyncio.run(run())


def ask(url: str, *requests: ProviderRequest) -> list[ProviderReply]:
    """The replies to requests sent together."""

    async def work(provider: AnthropicProvider) -> list[ProviderReply]:
        return list(await asyncio.gather(*(provider.ask(one) for one in requests)))

    return through(url, work)


def failure(url: str, one: ProviderRequest, api_key: str = API_KEY) -> ProviderFailure:
    """The failure of a request that must fail."""

    async def work(provider: AnthropicProvider) -> ProviderFailure:
        try:
            await provider.ask(one)
        except ProviderFailure as failed:
            return failed
        raise AssertionError("the request was answered")

    return through(url, work, api_key)
