"""Whatever a server answers and whatever breaks off: one set of things holds of every run after it.

The real SDK over real HTTP; what dies as a process does so in tests/processes.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from core import stopping
from judges import simulator
from judges.models import Attempt, Call, JudgeLabel, Run
from judges.services import combining, engine, runs
from judges.services.pace import Pace
from judges.simulator import Simulator
from judges.states import RunState
from tests import builders, judging
from tests.harness import invariants, outages

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]

PACE = Pace(lease=4.0, timeout=1.0, farewell=0.3, most_failures=2)
IN_FLIGHT = 4
PASSING = (
    "rate_limit", "ramp_limit", "overloaded", "error", "drop", "hang", "half_body", "bad_body",
    "other_body", "no_stop", "no_usage", "bad_json", "prose", "fenced", "out_of_scale", "refusal",
    "truncated", "too_large", "too_long", "renamed", "slow",
)  # fmt: skip
FOR_A_PERSON = ("unauthorized", "payment", "spend_limit")


@pytest.fixture
def sim(settings: Settings) -> Iterator[Simulator]:
    with simulator.start() as running:
        settings.SIMULATOR_URL = running.url
        yield running


def planned(*, pairs: int = 5) -> Run:
    scene = judging.make_scene(pairs=pairs)
    return judging.make_run(
        scene.version, dataset=scene.dataset, concurrency=IN_FLIGHT, budget=Decimal(1)
    )


def drained(run: Run, pace: Pace = PACE) -> Run:
    engine.drain(run.pk, pace=pace)
    run.refresh_from_db()
    return run


def check(run: Run, sim: Simulator, *, repeated: int = 0) -> None:
    assert invariants.broken(run.pk, sim.stats()["by_digest"], repeated=repeated) == []


@pytest.mark.parametrize("doing", PASSING)
def test_a_fault_that_passes_and_one_that_lasts(sim: Simulator, doing: str) -> None:
    run = planned()
    sim.script(
        {
            "do": doing,
            "times": 1,
            "contains": "Question 1",
            "seconds": 0.1 if doing != "hang" else 9,
        },
        {
            "do": doing,
            "times": 99,
            "contains": "Question 3",
            "seconds": 0.1 if doing != "hang" else 9,
        },
    )
    drained(run)
    check(run, sim)
    untouched = Call.objects.filter(run=run).exclude(item__external_id__in=["p1", "p3"])
    assert {call.outcome for call in untouched} == {"ok"}


@pytest.mark.parametrize("doing", FOR_A_PERSON)
def test_a_fault_that_a_person_mends(sim: Simulator, doing: str) -> None:
    run = planned()
    sim.script({"do": doing, "times": 3, "contains": "Question 3"})
    pauses = 0
    while drained(run).state == RunState.PAUSED:
        assert run.pause_reason
        assert run.spent + run.reserved <= Decimal(1)
        runs.resume(run=run, actor="u1")
        pauses += 1
    assert 1 <= pauses <= 3
    check(run, sim)
    assert {call.outcome for call in Call.objects.filter(run=run)} == {"ok"}


def test_every_fault_at_once_within_a_budget_that_ends(sim: Simulator) -> None:
    run = planned(pairs=12)
    Run.objects.filter(pk=run.pk).update(budget=Decimal("0.03"))
    sim.script(*({"do": doing, "times": 1, "seconds": 0.1} for doing in PASSING if doing != "hang"))
    pauses = 0
    while drained(run).state == RunState.PAUSED:
        assert "budget" in run.pause_reason
        assert run.budget is not None
        assert run.spent + run.reserved <= run.budget
        runs.set_budget(run=run, budget=run.budget + Decimal("0.03"), actor="u1")
        runs.resume(run=run, actor="u1")
        pauses += 1
    assert pauses
    check(run, sim)


@pytest.mark.skipif(
    importlib.util.find_spec("openai") is None,
    reason="the extra plumbline[openai] is not installed",
)
def test_every_fault_of_a_server_with_the_chat_api(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=20)
    ada = builders.make_user(username="ada")
    version = judging.make_chat_version(scene, f"{sim.url}/v1", by=ada)
    run = judging.make_run(version, dataset=scene.dataset, concurrency=IN_FLIGHT, budget=Decimal(1))
    seconds = {"hang": 9.0}
    sim.script(
        *({"do": doing, "seconds": seconds.get(doing, 0.1)} for doing in (*PASSING, *FOR_A_PERSON))
    )
    pauses = 0
    while drained(run).state == RunState.PAUSED:
        assert run.spent + run.reserved <= Decimal(1)
        runs.resume(run=run, actor="u1")
        pauses += 1
    assert pauses
    check(run, sim)


def test_what_failed_and_is_tried_again_is_asked_anew_and_only_that(sim: Simulator) -> None:
    run = planned()
    sim.script({"do": "error", "times": 4, "contains": "Question 3"})
    drained(run)
    assert runs.retry_failed(run=run, actor="u1") == 2
    drained(run)
    check(run, sim)


def test_a_run_that_the_cache_answers_needs_nobody_to_ask(
    sim: Simulator, settings: Settings
) -> None:
    scene = judging.make_scene(pairs=2)
    drained(judging.make_run(scene.version, dataset=scene.dataset))
    again = judging.make_run(scene.version, dataset=scene.dataset)
    settings.SIMULATOR_URL = ""
    assert drained(again).state == RunState.DONE
    assert invariants.broken(again.pk, {}, repeated=0) == []


def test_a_process_that_ends_leaves_the_labels_to_the_next_one(sim: Simulator) -> None:
    run = planned(pairs=2)
    drained(run)
    JudgeLabel.objects.filter(run=run).delete()
    Run.objects.filter(pk=run.pk).update(combined_at=None)
    stopping.request()
    try:
        combining.combine(run.pk, now=timezone.now())
    finally:
        stopping.forget()
    run.refresh_from_db()
    assert run.combined_at is None
    assert not JudgeLabel.objects.filter(run=run).exists()
    combining.combine(run.pk, now=timezone.now())
    check(run, sim)


def test_ctrl_c_hands_a_run_on_that_a_command_waits_for(settings: Settings) -> None:
    with simulator.start(latency_ms=100.0) as sim:
        settings.SIMULATOR_URL = sim.url
        judging.make_scene(pairs=40)
        timer = threading.Timer(0.6, signal.raise_signal, [signal.SIGINT])
        timer.start()
        try:
            with pytest.raises(CommandError, match="planned"):
                call_command("run_judge", "support", "helpful", dataset="week 46", wait=True)
        finally:
            timer.join()
            stopping.forget()
        run = Run.objects.get()
        assert not Attempt.objects.filter(call__run=run, state="sent").exists()
        drained(run)
        check(run, sim)


def test_what_comes_while_the_database_is_away_is_booked_and_not_asked_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with simulator.start(latency_ms=300.0) as sim:
        settings.SIMULATOR_URL = sim.url
        # Enough that a slow machine is still asking when the database has gone.
        run = planned(pairs=20)
        if connection.vendor == "sqlite":
            monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.2)
        pace = Pace(lease=1.0, timeout=6.0, farewell=0.3, most_failures=2)
        with _Outage(sim, seconds=1.5):
            drained(run, pace)
        assert run.state == RunState.RUNNING
        assert not Attempt.objects.filter(call__run=run, state="sent").exists()
        Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        drained(run, pace)
        check(run, sim)
        assert sim.stats()["requests"] == run.calls_planned


class _Outage:
    """The database is away for a while once a request flies: another thread does it."""

    def __init__(self, sim: Simulator, *, seconds: float) -> None:
        self._sim, self._seconds = sim, seconds
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_error: object) -> None:
        self._thread.join(60)

    def _run(self) -> None:
        until = time.monotonic() + 30
        while not self._sim.stats()["requests"] and time.monotonic() < until:
            time.sleep(0.02)
        name = str(connection.settings_dict["NAME"])
        with ExitStack() as stack:
            if connection.vendor == "sqlite":
                stack.enter_context(outages.sqlite_locked(Path(name)))
            else:
                server = os.environ["DATABASE_URL"]
                head, _, _ = server.rpartition("/")
                stack.enter_context(outages.postgres_away(f"{head}/{name}", server=server))
            time.sleep(self._seconds)
