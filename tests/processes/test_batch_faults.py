"""A run in batches whose worker is killed at every point: nothing is sent or paid for twice."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal

import pytest

from judges import simulator
from tests.harness import outages
from tests.harness.house import house
from tests.harness.plant import CALLS, PAIRS, Plant

pytestmark = [
    pytest.mark.processes,
    pytest.mark.databases,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc"),
]

BATCH_MS = 500.0
POLL_SECONDS = 1
LOST_SECONDS = 20
TOO_LONG = 15.0
"""So late answers the simulator: longer than a piece may take to be sent (half of LOST_SECONDS),
and a slow machine has time to do something before."""
HELD: dict[str, object] = {"do": "slow", "at": "work"}
"""The provider works on nothing before it is released."""
PATIENCE = 120.0
AWAY_SECONDS = 4.0
WRITE_WAIT_SECONDS = 1
"""SQLite's writers give up after this: sooner than the lock is let go."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with ExitStack() as stack:
        sim = stack.enter_context(simulator.start(batch_ms=BATCH_MS))
        one = stack.enter_context(house(tmp_path_factory.mktemp("batches"), demo=False))
        one.environment["PLUMBLINE_BATCH_POLL_SECONDS"] = str(POLL_SECONDS)
        one.environment["PLUMBLINE_BATCH_LOST_SECONDS"] = str(LOST_SECONDS)
        one.environment["PLUMBLINE_SQLITE_WAIT_SECONDS"] = str(WRITE_WAIT_SECONDS)
        yield Plant(one, sim)
        one.clear()


@pytest.fixture
def plant(running: Plant) -> Plant:
    return running


def kill_the_worker(plant: Plant) -> None:
    [worker] = plant.house.members("celery")
    os.kill(worker, signal.SIGKILL)


def wait_for_pieces(plant: Plant, state: str, *, open_attempts: int | None = None) -> None:
    def holds() -> bool:
        said = plant.ledger("report", str(plant.run))
        is_there = said["pieces"].get(state, 0) > 0
        return is_there and (open_attempts is None or said["open_attempts"] <= open_attempts)

    plant.house.wait_until(holds, PATIENCE)


def wait_for(plant: Plant, count: str) -> None:
    plant.house.wait_until(lambda: plant.sim.stats()[count] == 1, PATIENCE)


def begin_and_wait_for_the_provider(plant: Plant) -> None:
    """It says that it has the batch, and works on it."""
    plant.begin("batch", HELD)
    wait_for_pieces(plant, "submitted")
    assert plant.sim.stats()["batches_in_progress"] == 1


@contextmanager
def database_away(plant: Plant) -> Iterator[None]:
    """The house's own, on whatever server it is."""
    url = plant.house.environment.get("DATABASE_URL")
    if url is None:
        with outages.sqlite_locked(plant.house.folder / "plumbline.sqlite3"):
            yield
    else:
        with outages.postgres_away(url, server=os.environ["DATABASE_URL"]):
            yield


def check(plant: Plant, *, batches: int = 1) -> None:
    """What holds of every run; nothing is unknown, and no call was asked twice."""
    said = plant.check(repeated=0)
    assert said["outcomes"] == {"ok": CALLS}
    assert (said["verdicts"], said["labels"]) == (CALLS, PAIRS)
    assert said["attempts_by_outcome"]["ok"] == CALLS
    assert said["reserved"] in {"0", "0.000000"}
    stats = plant.sim.stats()
    assert (stats["batches"], stats["requests"]) == (batches, CALLS)


def test_killed_after_the_attempts_were_written_and_before_anything_arrived(plant: Plant) -> None:
    plant.begin("batch", {"do": "hang", "at": "batch", "seconds": TOO_LONG})
    wait_for(plant, "batches_asked")
    kill_the_worker(plant)
    check(plant)
    assert plant.ledger("report", str(plant.run))["attempts_by_outcome"] == {
        "ok": CALLS,
        "transient": CALLS,
    }


def test_killed_before_the_provider_could_say_that_it_has_the_batch(plant: Plant) -> None:
    plant.begin("batch", {"do": "slow", "at": "batch", "seconds": TOO_LONG}, HELD)
    wait_for(plant, "batches")
    kill_the_worker(plant)
    assert plant.ledger("report", str(plant.run))["pieces"] == {"written": 1}
    plant.sim.release()
    check(plant)
    assert plant.ledger("report", str(plant.run))["attempts"] == CALLS


def test_killed_while_the_provider_works(plant: Plant) -> None:
    begin_and_wait_for_the_provider(plant)
    kill_the_worker(plant)
    plant.sim.release()
    check(plant)


def test_everything_ends_while_the_provider_works(plant: Plant) -> None:
    begin_and_wait_for_the_provider(plant)
    for pid in plant.house.members():
        os.kill(pid, signal.SIGKILL)
    assert plant.house.process is not None
    plant.house.process.wait(timeout=PATIENCE)
    plant.house.wait_until(lambda: plant.house.members() == [], PATIENCE)
    plant.sim.release()
    plant.house.start()
    check(plant)


def test_the_database_is_away_when_the_provider_has_done(plant: Plant) -> None:
    begin_and_wait_for_the_provider(plant)
    with database_away(plant):
        plant.sim.release()
        time.sleep(AWAY_SECONDS)
    check(plant)


def test_a_worker_that_slept_past_its_lease_takes_in_no_answer_twice(plant: Plant) -> None:
    begin_and_wait_for_the_provider(plant)
    [sleeper] = plant.house.members("celery")
    plant.put_to_sleep(sleeper)
    with plant.another_worker():
        plant.sim.release()
        plant.wait_for_the_end()
        assert sleeper in plant.house.members("celery"), plant.house.tail()
        os.kill(sleeper, signal.SIGCONT)
        time.sleep(2 * POLL_SECONDS)
        check(plant)


def test_killed_in_mid_fetch(plant: Plant) -> None:
    plant.begin("batch", {"do": "slow", "at": "results", "seconds": 25.0})
    wait_for_pieces(plant, "ended", open_attempts=CALLS - 20)
    kill_the_worker(plant)
    said = plant.ledger("report", str(plant.run))
    assert 0 < said["open_attempts"] < CALLS
    check(plant)


def test_told_to_stop_while_it_submits(plant: Plant) -> None:
    plant.begin("batch", {"do": "slow", "at": "batch", "seconds": TOO_LONG})
    wait_for(plant, "batches")
    assert plant.house.stop(signal.SIGINT, whole_group=True) == 0
    plant.house.start()
    check(plant)


def test_killed_after_its_run_was_cancelled(plant: Plant) -> None:
    begin_and_wait_for_the_provider(plant)
    plant.ledger("cancel", str(plant.run))
    kill_the_worker(plant)
    wait_for_pieces(plant, "fetched", open_attempts=0)
    said = plant.ledger("report", str(plant.run))
    assert said["state"] == "cancelled"
    assert said["attempts_by_outcome"].get("ok", 0) == plant.sim.stats()["requests"]
    assert Decimal(said["spent"]) == Decimal(said["booked"])
    assert said["reserved"] in {"0", "0.000000"}
