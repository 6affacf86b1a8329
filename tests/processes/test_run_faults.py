"""What a run stands on goes away in mid-run: the supervisor, the broker, the database, the key."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal

import pytest

from judges import simulator
from tests.harness import outages
from tests.harness.house import house
from tests.harness.plant import IN_FLIGHT, LATENCY_MS, LEASE_SECONDS, Plant
from tests.harness.postgres import NoPostgres, Postgres, own_postgres
from tests.harness.redis import Redis, own_redis

pytestmark = [
    pytest.mark.processes,
    pytest.mark.databases,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc"),
]

AWAY_SECONDS = 3.0
WRITE_WAIT_SECONDS = 1
"""SQLite's writers give up after this: sooner than the lock is let go."""
TIMEOUT_SECONDS = 5
HANGS: dict[str, object] = {"do": "hang", "times": 2, "seconds": TIMEOUT_SECONDS + 3.0}
BAD_DAY = (
    "rate_limit", "ramp_limit", "overloaded", "error", "drop", "half_body", "bad_body",
    "other_body", "no_stop", "no_usage", "bad_json", "prose", "out_of_scale", "refusal",
    "truncated", "too_large", "too_long",
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


class Database:
    """The PostgreSQL of this house, one that others use too, or its file."""

    def __init__(self, plant: Plant, server: Postgres | None) -> None:
        self._plant = plant
        self._server = server

    @contextmanager
    def away(self) -> Iterator[None]:
        url = self._plant.house.environment.get("DATABASE_URL")
        if url is None:
            with outages.sqlite_locked(self._plant.house.folder / "plumbline.sqlite3"):
                yield
        elif self._server is None:
            with outages.postgres_away(url, server=os.environ["DATABASE_URL"]):
                yield
        else:
            self._server.stop(signal.SIGQUIT)
            try:
                yield
            finally:
                self._server.start()


@dataclass(frozen=True, slots=True)
class Ground:
    """What a run stands on."""

    plant: Plant
    broker: Broker
    database: Database


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("faults")
    with ExitStack() as stack:
        sim = stack.enter_context(simulator.start(latency_ms=LATENCY_MS))
        own = _own_database(stack)
        one = stack.enter_context(house(folder, demo=False, database=own.url if own else ""))
        one.environment["PLUMBLINE_SQLITE_WAIT_SECONDS"] = str(WRITE_WAIT_SECONDS)
        one.environment["PLUMBLINE_CALL_TIMEOUT_SECONDS"] = str(TIMEOUT_SECONDS)
        server = stack.enter_context(own_redis()) if "BROKER_URL" in one.environment else None
        if server is not None:
            one.environment["BROKER_URL"] = server.url
        plant = Plant(one, sim)
        yield Ground(plant, Broker(plant, server), Database(plant, own))
        one.clear()


def _own_database(stack: ExitStack) -> Postgres | None:
    """A server that may be stopped, where this test run is on one and another can be had."""
    if "DATABASE_URL" not in os.environ:
        return None
    try:
        return stack.enter_context(own_postgres())
    except NoPostgres:
        return None


@pytest.fixture
def plant(ground: Ground) -> Plant:
    ground.plant.begin()
    return ground.plant


@pytest.fixture
def broker(ground: Ground) -> Broker:
    return ground.broker


@pytest.fixture
def database(ground: Ground) -> Database:
    return ground.database


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


def test_a_run_survives_the_stop_of_the_database(plant: Plant, database: Database) -> None:
    plant.wait_for_the_middle()
    with database.away():
        time.sleep(AWAY_SECONDS)
    plant.check(repeated=IN_FLIGHT)


def test_a_run_survives_the_database_and_its_worker(plant: Plant, database: Database) -> None:
    plant.wait_for_the_middle()
    [worker] = plant.house.members("celery")
    with database.away():
        os.kill(worker, signal.SIGKILL)
        time.sleep(AWAY_SECONDS)
    plant.check(repeated=IN_FLIGHT)


def test_a_run_survives_every_fault_of_a_server_and_a_killed_worker(plant: Plant) -> None:
    plant.sim.script(*({"do": doing, "times": 2, "seconds": 0.1} for doing in BAD_DAY), HANGS)
    plant.wait_for_the_middle(more=2 * len(BAD_DAY))
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


def test_a_run_whose_budgets_end_and_whose_worker_dies_stays_within_each(ground: Ground) -> None:
    plant = ground.plant
    # Room for nine calls at a time; what dies with the worker is booked as it was reserved.
    plant.begin(limits=(12, 100, 100))
    plant.wait_for_the_middle(8)
    [worker] = plant.house.members("celery")
    os.kill(worker, signal.SIGKILL)
    lifted = []
    while (said := plant.wait_for_the_end())["state"] == "paused":
        assert not Decimal(said["reserved"])
        lifted.append(plant.ledger("lift", str(plant.run), "then", "resume", str(plant.run)))
    assert [one["lifted"] for one in lifted] == ["run", "judge", "month"]
    plant.check(repeated=IN_FLIGHT)
