"""Whatever dies in mid-run: every call ends once, nothing finished is sent again, money adds up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from judges import simulator
from judges.simulator import Simulator
from tests.harness.house import ROOT, House, house

pytestmark = [
    pytest.mark.processes,
    pytest.mark.databases,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc"),
]

PAIRS = 80
CALLS = 2 * PAIRS
IN_FLIGHT = 12
LATENCY_MS = 400.0
PATIENCE = 120.0


class Plant:
    """A house with a simulator beside it and a run planned in it."""

    def __init__(self, one: House, sim: Simulator) -> None:
        self.house = one
        self.sim = sim
        self.run = int(self.ledger("plan", str(PAIRS), str(IN_FLIGHT))["run"])

    def ledger(self, *arguments: str) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "tests.harness.ledger", *arguments],
            cwd=ROOT,
            env=self.house.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    def put_to_sleep(self, worker: int) -> None:
        """Stop a worker, outside of a transaction: one that sleeps in one holds its locks, on
        SQLite for ever, on PostgreSQL until the server ends its session."""
        for _ in range(8):
            os.kill(worker, signal.SIGSTOP)
            if self.ledger("lock", str(self.run))["is_free"]:
                return
            os.kill(worker, signal.SIGCONT)
            time.sleep(0.05)  # or it is stopped again in the same transaction
        raise AssertionError("the worker was never stopped outside of a transaction")

    @property
    def requests(self) -> int:
        return int(self.sim.stats()["requests"])

    def wait_for_the_middle(self) -> None:
        self.house.wait_until(lambda: self.requests >= CALLS // 3, PATIENCE)
        assert self.requests < CALLS, "The run was over before anything could be killed."

    def wait_for_the_end(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while True:
            said = self.ledger("report", str(self.run))
            if said["is_combined"]:
                return said
            assert time.monotonic() < deadline, f"{said}\n{self.house.tail()}"
            time.sleep(1.0)


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    with simulator.start(latency_ms=LATENCY_MS) as sim, house(tmp_path, demo=False) as one:
        one.environment["PLUMBLINE_SIMULATOR_URL"] = sim.url
        planted = Plant(one, sim)
        one.start()
        yield planted


def check(plant: Plant, said: dict[str, Any], *, repeated: int) -> None:
    """Every planned call has one verdict; at most so many attempts are unknown, and named so."""
    assert said["state"] == "done", said
    assert said["outcomes"] == {"ok": CALLS}
    assert (said["verdicts"], said["labels"]) == (CALLS, PAIRS)
    assert said["calls_answered_twice"] == 0
    by_outcome = said["attempts_by_outcome"]
    unknown = by_outcome.pop("unknown", 0)
    transient = by_outcome.pop("transient", 0)
    assert by_outcome == {"ok": CALLS}
    assert unknown <= repeated
    # SQLite sums amounts as floating-point numbers.
    assert abs(Decimal(said["spent"]) - Decimal(said["booked"])) < Decimal("0.0000001")
    assert Decimal(said["reserved"]) == 0
    stats = plant.sim.stats()
    assert CALLS <= stats["requests"] <= CALLS + unknown + transient
    again = sum(count - 1 for count in stats["by_digest"].values())
    assert again <= unknown + transient


def test_a_run_survives_a_killed_worker(plant: Plant) -> None:
    plant.wait_for_the_middle()
    [worker] = plant.house.members("celery")
    os.kill(worker, signal.SIGKILL)
    check(plant, plant.wait_for_the_end(), repeated=IN_FLIGHT)


def test_a_run_survives_the_end_of_everything(plant: Plant) -> None:
    plant.wait_for_the_middle()
    for pid in plant.house.members():
        os.kill(pid, signal.SIGKILL)
    assert plant.house.process is not None
    plant.house.process.wait(timeout=20)
    plant.house.wait_until(lambda: plant.house.members() == [], 20)
    plant.house.start()
    check(plant, plant.wait_for_the_end(), repeated=IN_FLIGHT)


def test_a_stop_in_mid_run_is_quick_and_loses_nothing(plant: Plant) -> None:
    plant.wait_for_the_middle()
    began = time.monotonic()
    assert plant.house.stop(signal.SIGINT, whole_group=True) == 0
    assert time.monotonic() - began < 8
    assert plant.house.members() == []
    plant.house.start()
    # The answers of 400 ms come within the farewell: nothing is asked twice.
    check(plant, plant.wait_for_the_end(), repeated=0)


def test_a_worker_that_slept_past_its_lease_and_one_that_took_over_agree(plant: Plant) -> None:
    plant.wait_for_the_middle()
    [sleeper] = plant.house.members("celery")
    plant.put_to_sleep(sleeper)
    second = subprocess.Popen(
        [sys.executable, "-m", "celery", "--app", "config", "worker", "--pool", "threads",
         "--concurrency", "2", "--without-gossip", "--without-mingle", "--without-heartbeat"],
        cwd=ROOT,
        env={**plant.house.environment, "PLUMBLINE_TICK": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        said = plant.wait_for_the_end()
        assert sleeper in plant.house.members("celery"), plant.house.tail()
        os.kill(sleeper, signal.SIGCONT)
        time.sleep(3)
        said = plant.ledger("report", str(plant.run))
        check(plant, said, repeated=IN_FLIGHT)
    finally:
        second.terminate()
        second.wait(timeout=30)
