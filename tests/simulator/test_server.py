"""The simulator's own doors: models, counting, script, counters, start and stop."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from typing import Any

import pytest

from judges.simulator import Simulator, start
from judges.simulator.judges import PLANTED
from judges.simulator.script import BadScript
from tests.simulator.asking import API_KEY, ask, failure, request
from tests.unit.judges.builders import make_pair, make_version

ONE = request(make_version(), make_pair(), order="AB")


def call(
    simulator: Simulator, method: str, path: str, body: object = None, **headers: str
) -> tuple[int, Any]:
    """One plain request, without the SDK."""
    connection = http.client.HTTPConnection("127.0.0.1", simulator.port, timeout=10)
    with contextlib.closing(connection):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, path, content if body is not None else None, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def test_the_models_are_listed_to_the_sdk(simulator: Simulator) -> None:
    async def names() -> list[str]:
        import anthropic

        async with anthropic.AsyncAnthropic(
            api_key=API_KEY, base_url=simulator.url, max_retries=0
        ) as client:
            one = await client.models.retrieve("sim-plumb-1")
            assert one.lifecycle == "active"
            return [model.id async for model in client.models.list()]

    assert asyncio.run(names()) == list(PLANTED)


def test_tokens_are_counted_as_they_are_billed(simulator: Simulator) -> None:
    async def counted() -> int:
        import anthropic

        async with anthropic.AsyncAnthropic(
            api_key=API_KEY, base_url=simulator.url, max_retries=0
        ) as client:
            answer = await client.messages.count_tokens(
                model="sim-plumb-1",
                system=ONE.rendered.system,
                messages=[{"role": "user", "content": ONE.rendered.user}],
            )
            return answer.input_tokens

    (reply,) = ask(simulator.url, ONE)
    assert reply.usage is not None
    assert asyncio.run(counted()) == reply.usage.total_input


def test_a_key_in_the_old_header_is_taken(simulator: Simulator) -> None:
    status, models = call(simulator, "GET", "/v1/models", **{"x-api-key": "k"})
    assert (status, len(models["data"])) == (200, len(PLANTED))


def test_without_a_key_nothing_is_answered(simulator: Simulator) -> None:
    status, body = call(simulator, "POST", "/v1/messages", {})
    assert (status, body["error"]["type"]) == (401, "authentication_error")


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"temperature": 0}, 400, "temperature"),
        ({"top_p": 1}, 400, "top_p"),
        ({"top_k": 1}, 400, "top_k"),
        ({"stream": True}, 400, "stream"),
        ({"model": "gpt"}, 404, "model: gpt"),
        ({"max_tokens": 0}, 400, "max_tokens"),
        ({"messages": []}, 400, "at least one"),
        ({"messages": [{"role": "system", "content": "x"}]}, 400, "role"),
        ({"messages": [{"role": "user", "content": " "}]}, 400, "non-empty"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, 400, "first message"),
        ({"messages": [{"role": "user", "content": "x" * 900_000}]}, 400, "prompt is too long"),
        ({"output_config": {"format": {"type": "text"}}}, 400, "json_schema"),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
            400,
            "additionalProperties",
        ),
    ],
)
def test_what_the_api_would_refuse_is_refused(
    simulator: Simulator, changes: dict[str, Any], status: int, words: str
) -> None:
    body = {
        "model": "sim-plumb-1",
        "max_tokens": 10,
        "messages": [{"role": "user", "content": "x"}],
    }
    answer = call(simulator, "POST", "/v1/messages", body | changes, **{"x-api-key": "k"})
    assert answer[0] == status
    assert words in answer[1]["error"]["message"]


def test_a_body_that_is_not_json_is_refused(simulator: Simulator) -> None:
    status, _ = call(simulator, "POST", "/v1/messages", b"{", **{"x-api-key": "k"})
    assert status == 400


def test_an_unknown_address_is_not_found(simulator: Simulator) -> None:
    assert call(simulator, "GET", "/v1/nothing", **{"x-api-key": "k"})[0] == 404
    assert call(simulator, "GET", "/_sim/nothing")[0] == 404


def test_a_script_is_taken_over_http_and_used_up_in_order(simulator: Simulator) -> None:
    steps = {"script": [{"do": "overloaded", "times": 2}, {"do": "error"}]}
    assert call(simulator, "POST", "/_sim/script", steps)[0] == 200
    seen = [failure(simulator.url, ONE).status for _ in range(3)]
    assert seen == [529, 529, 500]
    assert ask(simulator.url, ONE)[0].stop_reason == "end_turn"
    status, stats = call(simulator, "GET", "/_sim/stats")
    assert status == 200
    assert stats["by_status"] == {"529": 2, "500": 1, "200": 1}
    assert sum(stats["by_digest"].values()) == 1


def test_a_step_can_wait_for_a_text(simulator: Simulator) -> None:
    simulator.script({"do": "refusal", "contains": "How many legs has a bee?"})
    other = request(make_version(), make_pair(input="How many legs has a bee?"), order="AB")
    assert ask(simulator.url, ONE)[0].stop_reason == "end_turn"
    assert ask(simulator.url, other)[0].stop_reason == "refusal"


@pytest.mark.parametrize(
    "step", [{"do": "explode"}, {"do": "error", "times": 0}, {"do": "error", "when": 1}, "error"]
)
def test_a_script_that_cannot_be_read_is_refused_whole(simulator: Simulator, step: Any) -> None:
    assert call(simulator, "POST", "/_sim/script", {"script": [{"do": "drop"}, step]})[0] == 400
    with pytest.raises(BadScript):
        simulator.script({"do": "drop"}, step)
    assert ask(simulator.url, ONE)[0].stop_reason == "end_turn"


def test_a_reset_forgets_script_and_counters(simulator: Simulator) -> None:
    simulator.script({"do": "error"})
    assert call(simulator, "POST", "/_sim/reset")[0] == 200
    assert ask(simulator.url, ONE)[0].stop_reason == "end_turn"
    assert simulator.stats()["requests"] == 1


def test_the_planted_figures_are_published(simulator: Simulator) -> None:
    status, published = call(simulator, "GET", "/_sim/judges")
    assert status == 200
    assert published["sim-slant-1"]["position_bias"] == PLANTED["sim-slant-1"].position_bias


def test_a_limit_for_each_minute_is_held() -> None:
    with start(requests_per_minute=1) as limited:
        first = ask(limited.url, ONE)[0]
        assert first.requests_remaining == 0
        assert failure(limited.url, ONE).status == 429


def test_another_seed_gives_other_judges() -> None:
    version = make_version(model="sim-slant-1")
    pairs = [make_pair(input=f"Question {n}?") for n in range(30)]
    asked = [request(version, pair, order="AB") for pair in pairs]
    with start(seed=1) as one, start(seed=2) as two:
        assert [r.text for r in ask(one.url, *asked)] != [r.text for r in ask(two.url, *asked)]


def test_stopping_ends_requests_that_hang_and_frees_the_port() -> None:
    simulator = start()
    simulator.script({"do": "hang"})

    async def hung() -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
        body = json.dumps(
            {
                "model": "sim-plumb-1",
                "max_tokens": 9,
                "messages": [{"role": "user", "content": "x"}],
            }
        )
        head = f"POST /v1/messages HTTP/1.1\r\nx-api-key: k\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write((head + body).encode())
        await writer.drain()
        await asyncio.sleep(0.1)
        await asyncio.to_thread(simulator.stop)
        rest = await reader.read()
        writer.close()
        return rest.decode()

    assert asyncio.run(hung()) == ""
    simulator.stop()
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", simulator.port))


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\ncontent-length: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 101 + b"\r\n", 400),
        (b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\ncontent-length: 99999999\r\n\r\n", 413),
    ],
)
def test_bytes_that_are_no_request_are_answered_and_hung_up(
    simulator: Simulator, sent: bytes, status: int
) -> None:
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=10) as connection:
        connection.sendall(sent)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65536):
                received += part
    assert received.startswith(f"HTTP/1.1 {status} ".encode())


def test_a_client_that_leaves_in_the_middle_of_a_request_is_let_go(simulator: Simulator) -> None:
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=10) as connection:
        connection.sendall(b"POST /v1/messages HTTP/1.1\r\ncontent-length: 100\r\n\r\nhalf")
    assert ask(simulator.url, ONE)[0].stop_reason == "end_turn"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_says_where_it_listens_and_stops_on_a_signal(number: int) -> None:
    command = [sys.executable, "-m", "judges.simulator", "--port", "0", "--latency-ms", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        url = line.split(" on ")[1].split()[0]
        assert ask(url, ONE)[0].model == "sim-plumb-1"
        process.send_signal(number)
        assert process.wait(timeout=10) == 0


def test_the_process_says_that_its_port_is_taken(simulator: Simulator) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "judges.simulator", "--port", str(simulator.port)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert "cannot listen" in done.stderr
