"""Connections: one for each request that flies, used again, and none of ours behind a proxy."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from judges.providers import lines
from judges.providers.lines import Lines
from judges.simulator import Simulator


def test_connections_are_as_many_as_requests_at_once_and_are_used_again(
    simulator: Simulator,
) -> None:
    async def ask() -> int:
        transport = Lines()
        async with httpx2.AsyncClient(transport=transport) as client:  # type: ignore[arg-type]
            for _ in range(3):
                several = (client.get(f"{simulator.url}/_sim/stats") for _ in range(5))
                answers = await asyncio.gather(*several)
                assert {answer.status_code for answer in answers} == {200}
            return len(transport._all)

    assert asyncio.run(ask()) == 5


def test_a_connection_that_fails_is_made_anew(simulator: Simulator) -> None:
    async def ask() -> list[int]:
        transport = Lines()
        async with httpx2.AsyncClient(transport=transport) as client:  # type: ignore[arg-type]
            with pytest.raises(httpx2.ConnectError):
                await client.get("http://127.0.0.1:9/")
            answer = await client.get(f"{simulator.url}/_sim/stats")
            return [answer.status_code, len(transport._all), len(transport._idle)]

    assert asyncio.run(ask()) == [200, 1, 1]


def test_behind_a_proxy_the_clients_own_rules_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:3128")
    client = lines.client()
    assert type(client._transport).__name__ != "Lines"
    assert not client.follow_redirects


def test_no_redirection_is_followed() -> None:
    assert not lines.client().follow_redirects
