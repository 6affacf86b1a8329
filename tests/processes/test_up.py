"""One command starts everything and one signal stops it, whatever dies in between."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.house import House, house

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc"),
]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("up"), demo=False) as one:
        yield one


@pytest.fixture
def running(prepared: House) -> Iterator[House]:
    prepared.start()
    yield prepared
    prepared.clear()


def test_the_worker_reports_within_seconds_and_the_house_is_ready(running: House) -> None:
    running.wait_until(lambda: running.get("/readyz") == 200, 20)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_group_stops_everything_with_exit_code_0(
    running: House, how: signal.Signals
) -> None:
    assert running.stop(how, whole_group=True) == 0
    assert running.members() == []


def test_a_killed_worker_is_started_again(running: House) -> None:
    running.wait_until(lambda: bool(running.members("celery")), 10)
    [killed] = running.members("celery")
    os.kill(killed, signal.SIGKILL)
    running.wait_until(lambda: running.members("celery") not in ([], [killed]), 20)


def test_a_killed_web_process_is_started_again_on_its_port(running: House) -> None:
    arbiter = min(running.members("gunicorn"))
    os.kill(arbiter, signal.SIGKILL)
    running.wait_until(lambda: running.get("/healthz") == 0, 10)
    running.wait_until(lambda: running.get("/healthz") == 200, 30)


def test_killing_the_supervisor_leaves_no_orphans(running: House) -> None:
    running.wait_until(lambda: running.get("/readyz") == 200, 20)
    assert running.stop(signal.SIGKILL) == -signal.SIGKILL
    running.wait_until(lambda: running.members() == [], 20)


def test_a_taken_port_is_a_sentence_and_exit_code_1(prepared: House) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        refused = prepared.manage("up", "--port", str(other.getsockname()[1]))
    assert refused.returncode == 1
    assert "Another Plumbline may be running" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_database_without_tables_is_a_sentence_and_exit_code_1(tmp_path: Path) -> None:
    refused = House(tmp_path, demo=False).manage("up")
    assert refused.returncode == 1
    assert "The database is older than the code" in refused.stderr
