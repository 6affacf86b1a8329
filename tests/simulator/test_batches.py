"""The simulator's batch API, asked by the real SDK."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from judges.providers.anthropic_batches import AnthropicBatches
from judges.providers.base import Batch, ProviderFailure, ProviderReply, ProviderRequest
from judges.rules.retrying import FailureKind
from judges.simulator import Simulator, start
from tests.simulator.asking import API_KEY, ask, request
from tests.unit.judges.builders import make_pair, make_version

_Result = TypeVar("_Result")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ASKED: dict[str, ProviderRequest] = {
    f"tok-{number}": request(make_version(), make_pair(), order="AB", sample=number)
    for number in range(6)
}


@pytest.fixture
def slow() -> Iterator[Simulator]:
    with start(batch_ms=1200.0) as running:
        yield running


def through(url: str, work: Callable[[AnthropicBatches], Awaitable[_Result]]) -> _Result:
    async def run() -> _Result:
        provider = AnthropicBatches(api_key=API_KEY, base_url=url, timeout_seconds=5.0)
        try:
            return await work(provider)
        finally:
            await provider.aclose()

    return asyncio.run(run())


def submit(url: str, asked: dict[str, ProviderRequest] = ASKED) -> Batch:
    return through(url, lambda one: one.submit(asked, timeout_seconds=5.0))


def results(url: str, batch_id: str) -> dict[str, ProviderReply | ProviderFailure]:
    async def work(one: AnthropicBatches) -> dict[str, ProviderReply | ProviderFailure]:
        return {key: answer async for key, answer in one.results(batch_id)}

    return through(url, work)


def failure(work: Callable[[], object]) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as failed:
        work()
    return failed.value


def test_what_is_held_back_is_worked_on_once_it_is_released() -> None:
    with start() as sim:
        sim.script({"do": "slow", "at": "work"})
        batch = submit(sim.url)
        assert not batch.is_over
        assert sim.stats()["requests"] == 0
        sim.release()
        end = time.monotonic() + 20
        while not through(sim.url, lambda one: one.look(batch.id)).is_over:
            assert time.monotonic() < end
        assert set(results(sim.url, batch.id)) == set(ASKED)
        assert submit(sim.url).is_over


def test_a_batch_answers_what_single_messages_answer_and_says_that_it_was_a_batch(
    simulator: Simulator,
) -> None:
    direct = dict(zip(ASKED, ask(simulator.url, *ASKED.values()), strict=True))
    batch = submit(simulator.url)
    assert (batch.is_over, batch.total) == (True, len(ASKED))
    found = results(simulator.url, batch.id)
    assert list(found) == list(reversed(ASKED))
    for key, answer in found.items():
        assert isinstance(answer, ProviderReply)
        assert answer.text == direct[key].text
        assert answer.usage is not None
        assert '"service_tier": "batch"' in answer.raw
    stats = simulator.stats()
    assert (stats["batches"], stats["requests"]) == (1, 2 * len(ASKED))
    assert sorted(stats["by_digest"].values()) == [2] * len(ASKED)


def test_a_batch_takes_its_time_and_hides_its_counts_until_it_has_ended(slow: Simulator) -> None:
    batch = submit(slow.url)
    assert not batch.is_over
    time.sleep(0.5)
    seen = through(slow.url, lambda one: one.look(batch.id))
    assert (seen.is_over, seen.total) == (False, len(ASKED))
    assert slow.stats()["batches_in_progress"] == 1
    too_early = failure(lambda: results(slow.url, batch.id))
    assert too_early.status == 400
    time.sleep(1.2)
    assert through(slow.url, lambda one: one.look(batch.id)).is_over
    assert len(results(slow.url, batch.id)) == len(ASKED)


def test_a_cancelled_batch_keeps_what_was_answered(slow: Simulator) -> None:
    batch = submit(slow.url)
    time.sleep(0.5)
    through(slow.url, lambda one: one.cancel(batch.id))
    found = results(slow.url, batch.id)
    answered = [one for one in found.values() if isinstance(one, ProviderReply)]
    assert 0 < len(answered) < len(ASKED)
    assert len(found) == len(ASKED)
    assert slow.stats()["requests"] == len(answered)
    left = next(one for one in found.values() if isinstance(one, ProviderFailure))
    assert (left.kind, left.possibly_paid) == (FailureKind.TRANSIENT, False)
    again = failure(lambda: through(slow.url, lambda one: one.cancel(batch.id)))
    assert again.status == 400


def test_batches_are_listed_newest_first_over_several_pages(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judges.providers.anthropic_batches.PAGE", 2)
    made = [submit(simulator.url, {"tok-1": ASKED["tok-1"]}).id for _ in range(5)]
    listed = through(simulator.url, lambda one: one.listed(since=LONG_AGO))
    assert [one.id for one in listed] == list(reversed(made))
    later = datetime.now(UTC) + timedelta(hours=1)
    assert through(simulator.url, lambda one: one.listed(since=later)) == []


@pytest.mark.parametrize(
    ("doing", "kind", "paid"),
    [
        ("rate_limit", FailureKind.TRANSIENT, False),
        ("overloaded", FailureKind.TRANSIENT, False),
        ("unauthorized", FailureKind.CONFIGURATION, False),
        ("payment", FailureKind.MONEY, False),
        ("error", FailureKind.TRANSIENT, True),
        ("drop", FailureKind.TRANSIENT, True),
        ("half_body", FailureKind.TRANSIENT, True),
        ("bad_body", FailureKind.TRANSIENT, True),
        ("other_body", FailureKind.TRANSIENT, True),
    ],
)
def test_a_refusal_says_whether_the_batch_may_be_there(
    simulator: Simulator, doing: str, kind: FailureKind, *, paid: bool
) -> None:
    simulator.script({"do": doing, "at": "batch"})
    failed = failure(lambda: submit(simulator.url))
    assert (failed.kind, failed.possibly_paid) == (kind, paid)
    there = doing in {"half_body", "bad_body", "other_body"}
    assert simulator.stats()["batches"] == int(there)


def test_without_a_server_nothing_can_have_been_paid() -> None:
    failed = failure(lambda: submit("http://127.0.0.1:9"))
    assert (failed.kind, failed.possibly_paid) == (FailureKind.TRANSIENT, False)


@pytest.mark.parametrize(
    ("doing", "kind"),
    [
        ("rate_limit", FailureKind.TRANSIENT),
        ("error", FailureKind.TRANSIENT),
        ("payment", FailureKind.MONEY),
        ("too_long", FailureKind.CONTEXT),
        ("unauthorized", FailureKind.CONFIGURATION),
        ("drop", FailureKind.TRANSIENT),
    ],
)
def test_a_request_that_fails_in_a_batch_fails_alone_and_unpaid(
    simulator: Simulator, doing: str, kind: FailureKind
) -> None:
    simulator.script({"do": doing})
    found = results(simulator.url, submit(simulator.url).id)
    failed = [one for one in found.values() if isinstance(one, ProviderFailure)]
    assert [(one.kind, one.possibly_paid) for one in failed] == [(kind, False)]
    assert simulator.stats()["requests"] == len(ASKED) - 1


@pytest.mark.parametrize("doing", ["half_body", "bad_body"])
def test_results_that_break_off_give_what_came_and_then_fail(
    simulator: Simulator, doing: str
) -> None:
    batch = submit(simulator.url)
    simulator.script({"do": doing, "at": "results"})
    came: list[str] = []

    async def work(one: AnthropicBatches) -> None:
        async for key, _ in one.results(batch.id):
            came.append(key)

    failed = failure(lambda: through(simulator.url, work))
    assert failed.possibly_paid
    assert 0 < len(came) < len(ASKED)
    assert len(results(simulator.url, batch.id)) == len(ASKED)


def test_results_come_while_the_rest_is_on_its_way(simulator: Simulator) -> None:
    batch = submit(simulator.url)
    simulator.script({"do": "slow", "at": "results", "seconds": 0.8})
    times: list[float] = []

    async def work(one: AnthropicBatches) -> None:
        async for _ in one.results(batch.id):
            times.append(time.monotonic())

    through(simulator.url, work)
    assert times[-1] - times[0] > 0.5


def test_an_id_that_would_be_another_address_is_asked_nowhere(simulator: Simulator) -> None:
    failed = failure(lambda: through(simulator.url, lambda one: one.look("../models")))
    assert failed.status == 404
    assert failed.kind is FailureKind.CONFIGURATION


def test_two_requests_with_one_id_are_refused(simulator: Simulator) -> None:
    async def work(one: AnthropicBatches) -> None:
        params = {"model": "sim-plumb-1", "max_tokens": 5, "messages": []}
        twice = [{"custom_id": "a", "params": params}] * 2
        await one._body(
            one._connected().messages.batches.with_raw_response.create(requests=twice)  # type: ignore[arg-type]
        )

    assert "not unique" in failure(lambda: through(simulator.url, work)).message
