"""A house with a simulator beside it, and runs planned in it: for whatever may die in mid-run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from judges.simulator import Simulator
from tests.harness.house import ROOT, House

PAIRS = 40
CALLS = 2 * PAIRS
IN_FLIGHT = 12
LATENCY_MS = 350.0
PATIENCE = 240
LEASE_SECONDS = 2
"""Shorter than usual: what a test waits for most is that a lease runs out."""


class Plant:
    """`begin` a run, do something to it, and `check` what it came to."""

    def __init__(self, one: House, sim: Simulator) -> None:
        self.house = one
        self.sim = sim
        self.run = 0
        one.environment["PLUMBLINE_SIMULATOR_URL"] = sim.url
        one.environment["PLUMBLINE_RUN_LEASE_SECONDS"] = str(LEASE_SECONDS)

    def begin(
        self, how: str = "plan", *steps: dict[str, object], limits: Sequence[int] = (100, 100, 100)
    ) -> None:
        """A fresh run in a house that is started, with a script for the simulator; `batch`: through
        the batch API. `limits`: budgets of run, judge and month, in percent of the most that the
        estimate names."""
        self.sim.reset()
        self.sim.script(*steps)
        process = self.house.process
        if process is None or process.poll() is not None:
            self.house.wait_until(lambda: self.house.members() == [], PATIENCE)
            self.house.start()
        self.house.wait_until(lambda: len(self.house.members("celery")) == 1, PATIENCE)
        # Whatever the test before left asleep.
        os.kill(self.house.members("celery")[0], signal.SIGCONT)
        self.run = int(self.ledger(how, str(PAIRS), str(IN_FLIGHT), *map(str, limits))["run"])

    def ledger(self, *arguments: str) -> dict[str, Any]:
        """Ask the rows."""
        script = f"from tests.harness import ledger\nledger.main({list(arguments)!r})"
        found = self.house.ask(script, seconds=2 * PATIENCE)
        assert isinstance(found, dict), found
        return found

    def put_to_sleep(self, worker: int) -> None:
        """Stop a worker, outside of a transaction: one that sleeps in one holds its locks, on
        SQLite for ever, on PostgreSQL until the server ends its session."""
        for _ in range(8):
            os.kill(worker, signal.SIGSTOP)
            self.house.wait_until(lambda: _is_stopped(worker), PATIENCE)
            if self.ledger("lock", str(self.run))["is_free"]:
                return
            os.kill(worker, signal.SIGCONT)
            time.sleep(0.05)  # or it is stopped again in the same transaction
        raise AssertionError("the worker was never stopped outside of a transaction")

    @contextmanager
    def another_worker(self) -> Iterator[None]:
        """A second one beside that of the house."""
        second = subprocess.Popen(
            [sys.executable, "-m", "celery", "--app", "config", "worker", "--pool", "threads",
             "--concurrency", "2", "--without-gossip", "--without-mingle", "--without-heartbeat"],
            cwd=ROOT,
            env={**self.house.environment, "PLUMBLINE_TICK": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield
        finally:
            second.terminate()
            second.wait(timeout=30)

    @property
    def requests(self) -> int:
        return int(self.sim.stats()["requests"])

    def wait_for_the_middle(self, requests: int = CALLS // 3, *, more: int = 0) -> None:
        """`more`: requests that are sent beside one for each call, and answered at once."""
        self.house.wait_until(lambda: self.requests >= requests, PATIENCE)
        assert self.requests < CALLS + more, "The run was over before anything could be killed."

    def wait_for_the_end(self) -> dict[str, Any]:
        """What the rows say once the run has ended or paused."""
        said = self.ledger("wait", str(self.run), str(PATIENCE))
        assert said["is_combined"] or said["state"] == "paused", f"{said}\n{self.house.tail()}"
        assert said["overdrawn"] == [], said
        return said

    def check(self, *, repeated: int) -> dict[str, Any]:
        """Wait for the end, and hold the ledger against what the simulator served."""
        wait, check = ("wait", str(self.run), str(PATIENCE)), ("check", str(self.run))
        said = self.ledger(*wait, "then", *check, str(repeated))
        assert said["broken"] == [], f"{said}\n{self.house.tail()}"
        assert said["overdrawn"] == [], said
        return said


def _is_stopped(process: int) -> bool:
    """Whether the kernel has stopped every one of its threads."""
    stats = [(one / "stat").read_text() for one in Path(f"/proc/{process}/task").iterdir()]
    return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)
