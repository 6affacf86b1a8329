"""Whatever dies in mid-run: every call ends once, nothing finished is sent again, money adds up."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from tests.harness.plant import CALLS, IN_FLIGHT, PAIRS, Plant

pytestmark = [
    pytest.mark.processes,
    pytest.mark.databases,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc"),
]


def check(plant: Plant, *, repeated: int) -> None:
    """What holds of every run; and nothing failed in this one."""
    said = plant.check(repeated=repeated)
    assert said["outcomes"] == {"ok": CALLS}
    assert (said["verdicts"], said["labels"]) == (CALLS, PAIRS)
    assert said["calls_answered_twice"] == 0
    by_outcome = said["attempts_by_outcome"]
    assert set(by_outcome) <= {"ok", "unknown", "transient"}
    assert by_outcome["ok"] == CALLS


def test_a_run_survives_a_killed_worker(plant: Plant) -> None:
    plant.wait_for_the_middle()
    [worker] = plant.house.members("celery")
    os.kill(worker, signal.SIGKILL)
    check(plant, repeated=IN_FLIGHT)


def test_a_run_survives_the_end_of_everything(plant: Plant) -> None:
    plant.wait_for_the_middle()
    for pid in plant.house.members():
        os.kill(pid, signal.SIGKILL)
    assert plant.house.process is not None
    plant.house.process.wait(timeout=20)
    plant.house.wait_until(lambda: plant.house.members() == [], 20)
    plant.house.start()
    check(plant, repeated=IN_FLIGHT)


def test_a_stop_in_mid_run_is_quick_and_loses_nothing(plant: Plant) -> None:
    plant.wait_for_the_middle()
    began = time.monotonic()
    assert plant.house.stop(signal.SIGINT, whole_group=True) == 0
    assert time.monotonic() - began < 8
    assert plant.house.members() == []
    plant.house.start()
    # The answers of 400 ms come within the farewell: nothing is asked twice.
    check(plant, repeated=0)


def test_a_worker_that_slept_past_its_lease_and_one_that_took_over_agree(plant: Plant) -> None:
    plant.wait_for_the_middle()
    [sleeper] = plant.house.members("celery")
    plant.put_to_sleep(sleeper)
    with plant.another_worker():
        plant.wait_for_the_end()
        assert sleeper in plant.house.members("celery"), plant.house.tail()
        os.kill(sleeper, signal.SIGCONT)
        time.sleep(2)
        check(plant, repeated=IN_FLIGHT)
