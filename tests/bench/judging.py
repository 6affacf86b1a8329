"""Runs of judges: how near to the provider's own speed, at what cost, how fair, how stoppable.

The simulator answers after 200 ms on average, from a process of its own. An answer counts when it
is in the ledger. Steady is the middle eight tenths of a run, in five windows.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from core.supervisor import tied_to
from tests.bench.claiming import busy, prepared
from tests.bench.commands import run_python
from tests.bench.figures import Figure
from tests.harness.house import ROOT, House
from tests.harness.postgres import NoPostgres
from tests.harness.redis import free_port

LATENCY_MS = 200.0
IN_FLIGHT = (32, 64)
PAIRS = 1_000
"""Two calls a pair."""
WINDOWS = 5
SHARE, BUSY_MS, PEAK_MB = 0.9, 2.0, 150.0
CACHED_PAIRS, CACHED_SECONDS = 5_000, 5.0
FAIR = 0.8
STOP_SECONDS = 5.0


def measure(*, is_full: bool) -> list[Figure]:
    """Steady runs on both databases; the rest on SQLite, with a longer run to stop when full."""
    figures = [*_steady("sqlite"), *_cached(), *_stopped(50_000 if is_full else 10_000)]
    try:
        return figures + _steady("postgres")
    except NoPostgres as problem:
        print(f"!!! NOT MEASURED on PostgreSQL: {problem}", flush=True)
        return [*figures, Figure("judge.postgres.measured", 0, "", 1, "higher")]


def _steady(database: str) -> list[Figure]:
    figures = []
    with _working(database, latency_ms=LATENCY_MS) as house:
        house.start()
        house.wait_until(lambda: house.get("/readyz") == 200, 60)
        _followed(house, ["warm"], 50, 16)
        for in_flight in IN_FLIGHT:
            name = f"judge.{database}.{in_flight}"
            before = busy(house, "celery")
            [moments] = _followed(house, [f"steady-{in_flight}"], PAIRS, in_flight)
            used = busy(house, "celery") - before
            share = _rate(moments) / (in_flight / (LATENCY_MS / 1000))
            figures += [
                Figure(f"{name}.steady_share", share, "", SHARE, "higher"),
                Figure(f"{name}.calls_per_s", _rate(moments), "1/s"),
                Figure(f"{name}.busy_ms", 1000 * used / len(moments), "ms", BUSY_MS),
                Figure(f"{name}.lost", 2 * PAIRS - len(moments), "calls", 0),
            ]
        two = _followed(house, ["one", "other"], PAIRS // 2, IN_FLIGHT[0])
        figures.append(Figure(f"judge.{database}.fair", _fairness(two), "", FAIR, "higher"))
        figures.append(Figure(f"judge.{database}.peak_mb", _peak_mb(house), "MB", PEAK_MB))
    return figures


def _cached() -> list[Figure]:
    """Ten thousand verdicts twice in one process: asked without latency, then from the cache."""
    with _working("sqlite", latency_ms=0) as house:
        ask = f"judged.cached(pairs={CACHED_PAIRS}, concurrency={IN_FLIGHT[-1]})"
        took = json.loads(run_python(house, ["from tests.bench import judged", ask]))
    return [
        Figure("judge.asked.10k.s", took["asked"], "s"),
        Figure("judge.cached.10k.s", took["cached"], "s", CACHED_SECONDS),
    ]


def _stopped(pairs: int) -> list[Figure]:
    """From Ctrl-C to the prompt in the middle of a run, a short one and a long one."""
    figures = []
    for size in (500, pairs):
        with _working("sqlite", latency_ms=LATENCY_MS) as house:
            house.start()
            start = f"judged.begin(['stop'], pairs={size}, concurrency={IN_FLIGHT[-1]})"
            run_python(house, ["from tests.bench import judged", start])
            house.wait_until(partial(_is_flying, house), 60)
            began = time.monotonic()
            house.stop(signal.SIGINT, whole_group=True)
            seconds = time.monotonic() - began
            figures.append(Figure(f"judge.stop.{2 * size}.s", seconds, "s", STOP_SECONDS))
            figures.append(Figure(f"judge.stop.{2 * size}.left", len(house.members()), "", 0))
    return figures


@contextmanager
def _working(database: str, *, latency_ms: float) -> Iterator[House]:
    """A house that is not started yet, and a simulator in a process of its own."""
    with ExitStack() as stack:
        port = free_port()
        simulator = subprocess.Popen(
            [sys.executable, "-m", "judges.simulator", "--port", str(port),
             "--latency-ms", str(latency_ms)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            preexec_fn=tied_to(os.getpid()),
        )  # fmt: skip
        stack.callback(simulator.wait, timeout=30)
        stack.callback(simulator.terminate)
        house = stack.enter_context(prepared(database))
        house.environment["PLUMBLINE_SIMULATOR_URL"] = f"http://127.0.0.1:{port}"
        yield house


def _followed(
    house: House, projects: Sequence[str], pairs: int, in_flight: int
) -> list[list[float]]:
    """When each answer was booked, for each of the runs."""
    follow = f"judged.follow({list(projects)!r}, pairs={pairs}, concurrency={in_flight})"
    told = run_python(house, ["from tests.bench import judged", follow])
    moments: list[list[float]] = json.loads(told)
    return moments


def _rate(moments: Sequence[float]) -> float:
    """Answers a second: the median of five windows of equal length."""
    first, last = moments[len(moments) // 10], moments[-len(moments) // 10]
    edges = [first + (last - first) * part / WINDOWS for part in range(WINDOWS + 1)]
    places = [bisect_left(moments, edge) for edge in edges]
    counts = [after - before for before, after in pairwise(places)]
    return statistics.median(counts) / ((last - first) / WINDOWS)


def _fairness(two: Sequence[Sequence[float]]) -> float:
    """The smaller share over the larger one, at the moment when the first run has ended."""
    until = min(moments[-1] for moments in two)
    done = sorted(bisect_left(moments, until) for moments in two)
    return done[0] / done[-1]


def _peak_mb(house: House) -> float:
    [worker] = house.members("celery")
    status = Path(f"/proc/{worker}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _is_flying(house: House) -> bool:
    url = house.environment["PLUMBLINE_SIMULATOR_URL"]
    with urllib.request.urlopen(f"{url}/_sim/stats", timeout=10) as answer:
        said: dict[str, Any] = json.load(answer)
    return int(said["requests"]) > 2 * IN_FLIGHT[-1]
