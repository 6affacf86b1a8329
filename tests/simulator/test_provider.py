"""The real SDK over real HTTP: what the provider makes of answers and failures."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import socket
import time
from typing import Any

import pytest

from judges.providers import anthropic_facts
from judges.providers.anthropic import AnthropicProvider
from judges.providers.anthropic_batches import AnthropicBatches
from judges.rules import prompting
from judges.rules.retrying import FailureKind
from judges.rules.verdicts import Outcome, parse
from judges.simulator import Simulator
from tests.simulator.asking import API_KEY, ask, failure, request, through
from tests.unit.judges.builders import make_pair, make_single, make_version

PAIR = make_version("pair")
ONE = request(PAIR, make_pair(), order="AB")


def test_an_answer_brings_all_that_the_ledger_needs(simulator: Simulator) -> None:
    (reply,) = ask(simulator.url, ONE)
    assert parse(reply.text, reply.stop_reason, PAIR).outcome is Outcome.OK
    assert reply.model == "sim-plumb-1"
    assert reply.request_id.startswith("req_sim_")
    assert json.loads(reply.raw)["type"] == "message"
    assert reply.usage is not None
    assert reply.usage.input_tokens > 50
    assert reply.usage.output_tokens > 5
    assert reply.requests_remaining == 1_000_000
    assert "anthropic-ratelimit-requests-limit" in reply.headers


def test_the_same_request_has_the_same_answer(simulator: Simulator) -> None:
    one, two = ask(simulator.url, ONE, ONE)
    assert one.text == two.text
    assert list(simulator.stats()["by_digest"].values()) == [2]


def test_a_marked_system_part_is_written_to_the_cache_once_and_then_read(
    simulator: Simulator,
) -> None:
    version = dataclasses.replace(PAIR, guideline_text="A long guideline. " * 200)
    cached = request(version, make_pair(), order="AB", prompt_cache=True)
    (first,), (second,) = ask(simulator.url, cached), ask(simulator.url, cached)
    assert first.usage is not None
    assert second.usage is not None
    assert first.usage.cache_write_5m > 512
    assert second.usage.cache_read == first.usage.cache_write_5m
    assert first.usage.total_input == second.usage.total_input


def test_effort_and_thinking_are_sent(simulator: Simulator) -> None:
    version = dataclasses.replace(PAIR, effort="low", thinking="disabled")
    (reply,) = ask(simulator.url, request(version, make_pair(), order="AB"))
    assert reply.stop_reason == "end_turn"


def test_a_version_with_the_schema_in_the_prompt_is_answered_too(simulator: Simulator) -> None:
    version = dataclasses.replace(PAIR, capabilities={"structured_output": "prompt"})
    (reply,) = ask(simulator.url, request(version, make_pair(), order="AB"))
    assert parse(reply.text, reply.stop_reason, version).outcome is Outcome.OK


FAILURES = [
    ("rate_limit", FailureKind.TRANSIENT, 429, False),
    ("ramp_limit", FailureKind.TRANSIENT, 429, False),
    ("spend_limit", FailureKind.MONEY, 429, False),
    ("payment", FailureKind.MONEY, 402, False),
    ("unauthorized", FailureKind.CONFIGURATION, 401, False),
    ("too_large", FailureKind.CONTEXT, 413, False),
    ("too_long", FailureKind.CONTEXT, 400, False),
    ("error", FailureKind.TRANSIENT, 500, False),
    ("overloaded", FailureKind.TRANSIENT, 529, False),
    ("drop", FailureKind.TRANSIENT, None, True),
    ("half_body", FailureKind.TRANSIENT, None, True),
    ("bad_body", FailureKind.TRANSIENT, 200, True),
    ("other_body", FailureKind.TRANSIENT, 200, True),
    ("no_stop", FailureKind.TRANSIENT, 200, True),
]


@pytest.mark.parametrize(("do", "kind", "status", "paid"), FAILURES)
def test_a_failure_is_named_and_sent_once(
    simulator: Simulator, do: str, kind: FailureKind, status: int | None, paid: bool
) -> None:
    simulator.script({"do": do})
    failed = failure(simulator.url, ONE)
    assert (failed.kind, failed.status, failed.possibly_paid) == (kind, status, paid)
    assert failed.message
    assert simulator.stats()["requests"] == 1


def test_a_server_that_hangs_is_a_timeout_and_possibly_paid(simulator: Simulator) -> None:
    simulator.script({"do": "hang"})
    started = time.monotonic()
    failed = failure(simulator.url, dataclasses.replace(ONE, timeout_seconds=0.3))
    assert (failed.kind, failed.possibly_paid) == (FailureKind.TRANSIENT, True)
    assert time.monotonic() - started < 5


def test_a_server_that_is_not_there_was_not_paid() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        failed = failure(f"http://127.0.0.1:{held.getsockname()[1]}", ONE)
    assert (failed.kind, failed.possibly_paid) == (FailureKind.TRANSIENT, False)


def test_the_wait_that_a_server_wishes_is_told_and_not_slept(simulator: Simulator) -> None:
    simulator.script({"do": "rate_limit", "seconds": 90})
    started = time.monotonic()
    failed = failure(simulator.url, ONE)
    assert failed.retry_after == 90.0
    assert time.monotonic() - started < 5


def test_the_code_of_a_limit_is_kept(simulator: Simulator) -> None:
    simulator.script({"do": "spend_limit"})
    failed = failure(simulator.url, ONE)
    assert failed.code == "enforced_spend_limit_reached"
    assert failed.request_id.startswith("req_sim_")


def test_a_key_is_never_in_a_message(simulator: Simulator) -> None:
    version = dataclasses.replace(PAIR, model=f"no-such-{API_KEY}")
    failed = failure(simulator.url, request(version, make_pair(), order="AB"))
    assert failed.kind is FailureKind.CONFIGURATION
    assert API_KEY not in str(failed)


@pytest.mark.parametrize("key", ["", " ", "sk-one sk-two", "sk-one\nx: y", "sk-ключ"])
def test_a_key_that_cannot_be_one_is_refused_without_being_shown(
    simulator: Simulator, key: str
) -> None:
    failed = failure(simulator.url, ONE, api_key=key)
    assert failed.kind is FailureKind.CONFIGURATION
    assert "no usable key" in failed.message
    assert "sk-" not in failed.message
    assert simulator.stats()["requests"] == 0


def test_a_line_end_after_a_key_is_no_part_of_it(simulator: Simulator) -> None:
    async def work(provider: AnthropicProvider) -> str:
        return (await provider.ask(ONE)).model

    assert through(simulator.url, work, api_key=f"{API_KEY}\n") == "sim-plumb-1"


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:80", "http://", "http://[::1"])
def test_an_address_that_is_none_is_a_matter_of_configuration(url: str) -> None:
    failed = failure(url, ONE)
    assert failed.kind is FailureKind.CONFIGURATION
    assert "no address" in failed.message


def test_an_answer_without_usage_says_so(simulator: Simulator) -> None:
    simulator.script({"do": "no_usage"})
    (reply,) = ask(simulator.url, ONE)
    assert reply.usage is None


def test_a_model_that_answers_under_another_name_is_told(simulator: Simulator) -> None:
    simulator.script({"do": "renamed"})
    (reply,) = ask(simulator.url, ONE)
    assert reply.model == "sim-other-1"


@pytest.mark.parametrize(
    ("do", "outcome"),
    [
        ("bad_json", Outcome.INVALID),
        ("prose", Outcome.INVALID),
        ("fenced", Outcome.INVALID),
        ("out_of_scale", Outcome.INVALID),
        ("refusal", Outcome.REFUSED),
        ("truncated", Outcome.TRUNCATED),
    ],
)
def test_an_answer_outside_the_form_is_an_outcome_and_was_paid(
    simulator: Simulator, do: str, outcome: Outcome
) -> None:
    simulator.script({"do": do})
    (reply,) = ask(simulator.url, ONE)
    assert parse(reply.text, reply.stop_reason, PAIR).outcome is outcome
    assert reply.usage is not None
    assert reply.usage.input_tokens > 0


def test_a_repair_gets_the_answer_in_the_form(simulator: Simulator) -> None:
    simulator.script({"do": "prose"})
    (bad,) = ask(simulator.url, ONE)
    problem = parse(bad.text, bad.stop_reason, PAIR).problem
    again = prompting.repair(ONE.rendered, answer=bad.text, problem=problem)
    (good,) = ask(simulator.url, dataclasses.replace(ONE, rendered=again))
    assert parse(good.text, good.stop_reason, PAIR).outcome is Outcome.OK


def test_an_answer_longer_than_the_limit_is_cut_and_fits_with_more_room(
    simulator: Simulator,
) -> None:
    version = dataclasses.replace(PAIR, max_tokens=20)
    short = request(version, make_pair(), order="AB")
    (cut,) = ask(simulator.url, short)
    assert cut.stop_reason == "max_tokens"
    assert cut.usage is not None
    assert cut.usage.output_tokens <= 20
    longer = prompting.lengthen(prompting.lengthen(short.rendered))
    (whole,) = ask(simulator.url, dataclasses.replace(short, rendered=longer))
    assert parse(whole.text, whole.stop_reason, version).outcome is Outcome.OK


def test_the_reply_to_one_item_is_never_given_to_another(simulator: Simulator) -> None:
    version = make_version("single")
    items = [make_single(id=str(n), input=f"Question {n}?") for n in range(20)]
    together = ask(simulator.url, *(request(version, one, order="") for one in items))
    alone = [ask(simulator.url, request(version, one, order=""))[0] for one in items]
    assert [one.text for one in together] == [one.text for one in alone]
    assert simulator.stats()["most_in_flight"] > 1


def test_sampling_parameters_are_refused_as_the_api_does(simulator: Simulator) -> None:
    import anthropic

    async def work(provider: AnthropicProvider) -> int:
        extra: dict[str, Any] = {"temperature": 1.0}
        client = provider._connected()
        with pytest.raises(anthropic.BadRequestError, match="temperature") as refused:
            await client.messages.create(
                model="sim-plumb-1",
                max_tokens=10,
                messages=[{"role": "user", "content": "x"}],
                extra_body=extra,
            )
        return refused.value.status_code

    assert through(simulator.url, work) == 400


def test_a_cancelled_request_stays_cancelled(simulator: Simulator) -> None:
    simulator.script({"do": "hang"})

    async def work(provider: AnthropicProvider) -> bool:
        task = asyncio.create_task(provider.ask(ONE))
        await asyncio.sleep(0.2)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return True
        return False

    assert through(simulator.url, work)


def test_nothing_of_the_environment_has_what_is_asked_traced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Texts of sealed items would end in the traces of whoever runs the server."""
    monkeypatch.setenv("ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE", "content")
    url = "http://127.0.0.1:9"
    one = AnthropicProvider(api_key="k", base_url=url)
    many = AnthropicBatches(api_key="k", base_url=url)
    clients: list[Any] = [one._connected(), many._connected(), anthropic_facts._client("k", url)]
    assert [client.open_telemetry["traces"]["enabled"] for client in clients] == [False] * 3
