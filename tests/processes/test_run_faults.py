"""What a run stands on goes away in mid-run: the supervisor, the broker, the database, the key."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from judges import simulator
from tests.harness import outages
from tests.harness.house import house
from tests.harness.plant import IN_FLIGHT, LATENCY_MS, LEASE_SECONDS, Plant
from tests.harness.redis import Redis, own_redis

pytestmark = [
    pytest.mark.processes,
    pytest.mark.databases,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc"),
]

AWAY_SECONDS = 3.0
WRITE_WAIT_SECONDS = 1
"""SQLite's writers give up after this: sooner than the lock is let go."""
BAD_DAY = (
    "rate_limit", "overloaded", "error", "drop", "half_body", "bad_body", "other_body", "no_stop",
    "no_usage", "bad_json", "prose", "out_of_scale", "refusal", "truncated", "too_long",
)  # fmt: skip


class Broker:
    """The Redis of this house, or the folder of its embedded queue."""

    def __init__(self, plant: Plant, server: Redis | None) -> None:
        self._plant = plant
        self._server = server

    def stop(self) -> None:
        """Every message is lost."""
        if self._server is not None:
            self._server.stop()
        else:
            outages.forget_messages(self._plant.house.folder / "queue")

    def start(self) -> None:
        """The embedded queue makes its folder anew by itself."""
        if self._server is not None:
            self._server.start()


@pytest.fixture(scope="module")
def house_and_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Plant, Broker]]:
    folder = tmp_path_factory.mktemp("faults")
    with ExitStack() as stack:
        sim = stack.enter_context(simulator.start(latency_ms=LATENCY_MS))
        one = stack.enter_context(house(folder, demo=False))
        one.environment["PLUMBLINE_SQLITE_WAIT_SECONDS"] = str(WRITE_WAIT_SECONDS)
        server = stack.enter_context(own_redis()) if "BROKER_URL" in one.environment else None
        if server is not None:
            one.environment["BROKER_URL"] = server.url
        plant = Plant(one, sim)
        yield plant, Broker(plant, server)
        one.clear()


@pytest.fixture
def plant(house_and_broker: tuple[Plant, Broker]) -> Plant:
    house_and_broker[0].begin()
    return house_and_broker[0]


@pytest.fixture
def broker(house_and_broker: tuple[Plant, Broker]) -> Broker:
    return house_and_broker[1]


@contextmanager
def database_away(plant: Plant) -> Iterator[None]:
    url = plant.house.environment.get("DATABASE_URL")
    if url is None:
        with outages.sqlite_locked(plant.house.folder / "plumbline.sqlite3"):
            yield
    else:
        with outages.postgres_away(url, server=os.environ["DATABASE_URL"]):
            yield


def test_a_run_survives_the_end_of_its_supervisor(plant: Plant) -> None:
    plant.wait_for_the_middle()
    assert plant.house.stop(signal.SIGKILL) == -signal.SIGKILL
    # The worker is told by the kernel and stops as it does after Ctrl-C.
    plant.house.wait_until(lambda: plant.house.members() == [], 20)
    plant.house.start()
    plant.check(repeated=0)


def test_a_run_goes_on_without_the_broker(plant: Plant, broker: Broker) -> None:
    plant.wait_for_the_middle()
    broker.stop()
    try:
        plant.check(repeated=IN_FLIGHT)
    finally:
        broker.start()


def test_a_run_survives_the_broker_and_its_worker(plant: Plant, broker: Broker) -> None:
    plant.wait_for_the_middle()
    broker.stop()
    [worker] = plant.house.members("celery")
    os.kill(worker, signal.SIGKILL)
    time.sleep(LEASE_SECONDS)
    broker.start()
    plant.check(repeated=IN_FLIGHT)


def test_a_run_survives_the_stop_of_the_database(plant: Plant) -> None:
    plant.wait_for_the_middle()
    with database_away(plant):
        time.sleep(AWAY_SECONDS)
    plant.check(repeated=IN_FLIGHT)


def test_a_run_survives_the_database_and_its_worker(plant: Plant) -> None:
    plant.wait_for_the_middle()
    [worker] = plant.house.members("celery")
    with database_away(plant):
        os.kill(worker, signal.SIGKILL)
        time.sleep(AWAY_SECONDS)
    plant.check(repeated=IN_FLIGHT)


def test_a_run_survives_every_fault_of_a_server_and_a_killed_worker(plant: Plant) -> None:
    plant.sim.script(*({"do": doing, "times": 2, "seconds": 0.1} for doing in BAD_DAY))
    plant.wait_for_the_middle()
    [worker] = plant.house.members("celery")
    os.kill(worker, signal.SIGKILL)
    plant.check(repeated=IN_FLIGHT)


def test_a_run_whose_key_and_money_end_in_the_middle_goes_on_when_told(plant: Plant) -> None:
    plant.sim.script({"do": "unauthorized", "times": 1})
    assert plant.wait_for_the_end()["state"] == "paused"
    # Told before the run goes on: on a slow machine it would be over before the command ends.
    plant.sim.script({"do": "spend_limit", "times": 1})
    plant.ledger("resume", str(plant.run))
    assert plant.wait_for_the_end()["state"] == "paused"
    plant.ledger("resume", str(plant.run))
    plant.check(repeated=0)
