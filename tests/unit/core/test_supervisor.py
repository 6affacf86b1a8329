from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from core import supervisor
from core.supervisor import Child, Program, Supervisor

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"


def python(code: str, *, name: str = "it") -> Program:
    return Program(name=name, command=[sys.executable, "-c", code])


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """The supervisor takes the signals of its process; give them back."""
    kept = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for one, handler in kept.items():
        signal.signal(one, handler)


def stop_after(seconds: float) -> None:
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGTERM))
    timer.daemon = True
    timer.start()


def test_restarts_come_slower_and_slower_up_to_half_a_minute() -> None:
    child = Child(python(""))
    waits = [child.plan_restart(now=1.0) for _ in range(8)]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_a_program_that_ran_steadily_starts_again_at_once() -> None:
    child = Child(python(""))
    child.delay = 16.0
    assert child.plan_restart(now=supervisor.STEADY_SECONDS + 1) == 0.5


def test_a_program_that_ends_is_named_with_its_exit_code() -> None:
    said: list[str] = []
    stop_after(0.4)
    Supervisor([python("raise SystemExit(3)", name="web")], say=said.append).run()
    assert said[0] == "web ended by itself (exit code 3); it starts again in 0.5 s."


def test_a_program_that_will_not_stop_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.3)
    said: list[str] = []
    stop_after(0.5)
    house = Supervisor([python(STUBBORN, name="worker")], say=said.append)
    house.run()
    assert said == ["worker did not stop in time and was killed."]
    assert not house.children[0].is_running
