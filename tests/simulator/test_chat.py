"""The chat API of OpenAI: its real SDK over real HTTP, where the extra is installed."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.util
import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from core.errors import NotReady
from judges.providers import openai as chat_provider
from judges.providers.base import ProviderFailure, ProviderReply, ProviderRequest
from judges.providers.openai import OpenAIProvider, check_installed
from judges.rules.retrying import FailureKind
from judges.rules.verdicts import Outcome, parse
from judges.simulator import Simulator
from tests.listening import listening
from tests.simulator.asking import API_KEY, request
from tests.unit.judges.builders import make_pair, make_version

PAIR = make_version("pair", provider="openai")
ONE = request(PAIR, make_pair(), order="AB")
has_sdk = pytest.mark.skipif(
    importlib.util.find_spec("openai") is None,
    reason="the extra plumbline[openai] is not installed",
)


def ask(url: str, one: ProviderRequest = ONE) -> ProviderReply:
    async def run() -> ProviderReply:
        provider = OpenAIProvider(api_key=API_KEY, base_url=url)
        try:
            return await provider.ask(one)
        finally:
            await provider.aclose()

    return asyncio.run(run())


def failure(url: str, one: ProviderRequest = ONE) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as failed:
        ask(url, one)
    return failed.value


def posted(url: str, body: object) -> tuple[int, Any]:
    """A request as it is, without any SDK."""
    asked = urllib.request.Request(
        f"{url}/v1/chat/completions",
        json.dumps(body).encode(),
        {"authorization": "Bearer k", "content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def test_the_simulator_speaks_the_chat_api(simulator: Simulator) -> None:
    body = {
        "model": "sim-plumb-1",
        "max_tokens": 1000,
        "messages": [
            {"role": "system", "content": ONE.rendered.system},
            {"role": "user", "content": ONE.rendered.user},
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "verdict", "schema": dict(ONE.rendered.schema)},
        },
    }
    status, said = posted(simulator.url, body)
    assert status == 200
    assert said["object"] == "chat.completion"
    text = said["choices"][0]["message"]["content"]
    assert parse(text, "end_turn", PAIR).outcome is Outcome.OK
    assert said["usage"]["prompt_tokens"] > 50
    assert simulator.stats()["requests"] == 1
    for wrong in ({}, {**body, "messages": 3}, {**body, "model": "gpt"}, {**body, "stream": True}):
        status, said = posted(simulator.url, wrong)
        assert status in {400, 404}
        assert said["error"]["message"]


def test_without_the_extra_a_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NotReady, match=r"plumbline\[openai\]") as refusal:
        check_installed()
    assert refusal.value.code == "openai_missing"


def test_openai_itself_is_told_the_limit_under_its_newer_name() -> None:
    own = chat_provider.parameters(ONE, base_url="https://api.openai.com/v1")
    other = chat_provider.parameters(ONE, base_url="http://127.0.0.1:8000/v1")
    assert own["max_completion_tokens"] == other["max_tokens"] == ONE.rendered.max_tokens


@has_sdk
def test_an_answer_brings_all_that_the_ledger_needs(simulator: Simulator) -> None:
    reply = ask(f"{simulator.url}/v1")
    assert parse(reply.text, reply.stop_reason, PAIR).outcome is Outcome.OK
    assert reply.model == "sim-plumb-1"
    assert reply.usage is not None
    assert reply.usage.input_tokens > 50
    assert reply.usage.output_tokens > 5
    assert json.loads(reply.raw)["object"] == "chat.completion"


@has_sdk
def test_what_is_asked_is_sent(simulator: Simulator) -> None:
    version = dataclasses.replace(
        PAIR, effort="low", temperature=0.5, capabilities={"structured_output": "prompt"}
    )
    one = request(version, make_pair(), order="AB")
    assert parse(ask(f"{simulator.url}/v1", one).text, "end_turn", version).outcome is Outcome.OK
    error = {"message": "no such key: KEY", "type": "invalid_request_error", "code": None}
    with listening(401, {"error": error}, says_key=True) as server:
        failed = failure(server.url, one)
    assert server.keys == [f"Bearer {API_KEY}"]
    (body,) = server.bodies
    assert (body["reasoning_effort"], body["temperature"]) == ("low", 0.5)
    assert "response_format" not in body
    assert failed.kind is FailureKind.CONFIGURATION
    assert API_KEY not in failed.message


FAILURES = [
    ("rate_limit", FailureKind.TRANSIENT, 429, False),
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


@has_sdk
@pytest.mark.parametrize(("do", "kind", "status", "paid"), FAILURES)
def test_a_failure_is_named_and_sent_once(
    simulator: Simulator, do: str, kind: FailureKind, status: int | None, paid: bool
) -> None:
    simulator.script({"do": do})
    failed = failure(f"{simulator.url}/v1")
    assert (failed.kind, failed.status, failed.possibly_paid) == (kind, status, paid)
    assert failed.message
    assert simulator.stats()["requests"] == 1


@has_sdk
@pytest.mark.parametrize(
    ("do", "outcome"),
    [
        ("refusal", Outcome.REFUSED),
        ("truncated", Outcome.TRUNCATED),
        ("prose", Outcome.INVALID),
        ("no_usage", Outcome.OK),
    ],
)
def test_an_answer_that_is_no_verdict_keeps_its_name(
    simulator: Simulator, do: str, outcome: Outcome
) -> None:
    simulator.script({"do": do})
    reply = ask(f"{simulator.url}/v1")
    assert parse(reply.text, reply.stop_reason, PAIR).outcome is outcome
    assert (reply.usage is None) is (do == "no_usage")


@has_sdk
def test_a_filter_before_the_model_is_a_refusal_and_no_reason_to_pause() -> None:
    error = {"message": "filtered", "type": "invalid_request_error", "code": "content_filter"}
    with listening(400, {"error": error}) as server:
        reply = ask(server.url)
    assert (reply.stop_reason, reply.text) == ("refusal", "")


@has_sdk
def test_a_server_that_hangs_is_a_timeout_and_possibly_paid(simulator: Simulator) -> None:
    simulator.script({"do": "hang"})
    failed = failure(f"{simulator.url}/v1", dataclasses.replace(ONE, timeout_seconds=0.3))
    assert (failed.kind, failed.possibly_paid) == (FailureKind.TRANSIENT, True)
