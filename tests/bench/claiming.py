"""Claim and submit over the API, against the web as it is started in production.

SQLite: what `manage.py up` starts. PostgreSQL: the image's own command line, on a server that
writes to its disk. The small and the large round are measured by turns, so that the ratio holds
whatever else the machine does.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.bench import callers
from tests.bench.callers import Seen, percentile
from tests.bench.commands import run_python
from tests.bench.figures import Figure
from tests.harness.house import House, fresh_database
from tests.harness.postgres import NoPostgres, postgres

SIZES = {1_000: "1k", 50_000: "50k", 1_000_000: "1m"}
CROWDS = {8: 50, 32: 30}
"""How many raters at once, and how many cycles each of them does."""
ALONE = 200
SECONDS = 20.0
OVERLAP = 3
NEXT_P50_MS, NEXT_P95_MS = 15.0, 40.0
GROWTH = 1.2
CYCLES_PER_SECOND = 60.0


def measure(*, is_full: bool) -> list[Figure]:
    """Rounds of a thousand and fifty thousand items on both databases; of a million when full."""
    sizes = [size for size in SIZES if is_full or size <= 50_000]
    figures = _on("sqlite", sizes)
    try:
        return figures + _on("postgres", sizes)
    except NoPostgres as problem:
        print(f"!!! NOT MEASURED on PostgreSQL: {problem}", flush=True)
        return [*figures, Figure("claim.postgres.measured", 0, "", 1, "higher")]


def _on(database: str, sizes: list[int]) -> list[Figure]:
    with prepared(database) as house:
        began = time.perf_counter()
        people = 1 + sum(CROWDS)
        lay = f"filling.waiting({sizes}, raters={people}, overlap={OVERLAP})"
        told = run_python(house, ["from tests.bench import filling", lay])
        laid = time.perf_counter() - began
        plan = json.loads(told)
        rounds = {size: int(plan["rounds"][str(size)]) for size in sizes}
        house.start() if database == "sqlite" else house.start_web()
        with callers.calling(house.port, plan["secrets"]) as raters:
            figures, answers = _measured(f"claim.{database}", house, rounds, raters)
        kept = int(run_python(house, ["from tests.bench import filling", "filling.submitted()"]))
    return [
        *figures,
        Figure(f"claim.{database}.lost", abs(answers - kept), "answers", 0),
        Figure(f"claim.{database}.laying_s", laid, "s"),
    ]


@contextmanager
def prepared(database: str) -> Iterator[House]:
    """A house that is not started yet, on a database of its own."""
    with ExitStack() as stack:
        servers = {}
        if database == "postgres":
            server = stack.enter_context(postgres(durable=True))
            servers["DATABASE_URL"] = stack.enter_context(fresh_database(server))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="plumbline-bench-"))
        house = House(Path(folder), demo=False, servers=servers)
        stack.callback(house.clear)
        house.prepare()
        yield house


def _measured(
    name: str, house: House, rounds: dict[int, int], raters: list[callers.Caller]
) -> tuple[list[Figure], int]:
    """The figures of one house, and how many answers it said that it stored."""
    health, client = callers.of_the_client(raters[0])
    figures = [
        Figure(f"{name}.client.healthz_p50_ms", health, "ms"),
        Figure(f"{name}.client.busy_ms", client, "ms"),
    ]
    before = busy(house, "gunicorn")
    alone = callers.in_turn(raters[0], list(rounds.values()), cycles=ALONE, seconds=2 * SECONDS)
    cycles = sum(seen.cycles for seen in alone)
    used = busy(house, "gunicorn") - before
    figures.append(Figure(f"{name}.server_busy_ms", 1000 * used / cycles, "ms"))
    for size, seen in zip(rounds, alone, strict=True):
        figures += _figures(f"{name}.{SIZES[size]}.1", seen, is_timed=size == 50_000)
    figures.append(_growth(name, list(rounds), alone))
    for (size, round_id), whole in zip(rounds.items(), alone, strict=True):
        first = 1
        for people, cycles in CROWDS.items():
            crowd = raters[first : first + people]
            seen = callers.at_once(crowd, round_id, cycles=cycles, seconds=SECONDS)
            figures += _figures(f"{name}.{SIZES[size]}.{people}", seen, is_fast=people == 32)
            whole.add(seen)
            first += people
        figures.append(Figure(f"{name}.{SIZES[size]}.over_k", whole.over(OVERLAP), "items", 0))
        figures.append(Figure(f"{name}.{SIZES[size]}.twice", whole.twice, "items", 0))
    return figures, sum(seen.cycles for seen in alone)


def _figures(
    name: str, seen: Seen, *, is_timed: bool = False, is_fast: bool = False
) -> list[Figure]:
    """`is_timed`, `is_fast`: the settings that have a target for their times, for their number."""
    for error in seen.errors[:3]:
        print(f"    {name}: {error}", flush=True)
    half, most = (NEXT_P50_MS, NEXT_P95_MS) if is_timed else (None, None)
    return [
        Figure(f"{name}.p50_ms", percentile(seen.nexts, 0.5), "ms", half),
        Figure(f"{name}.p95_ms", percentile(seen.nexts, 0.95), "ms", most),
        Figure(f"{name}.p99_ms", percentile(seen.nexts, 0.99), "ms"),
        Figure(f"{name}.submit_p50_ms", percentile(seen.submits, 0.5), "ms"),
        Figure(f"{name}.submit_p95_ms", percentile(seen.submits, 0.95), "ms"),
        Figure(
            f"{name}.cycles_per_s",
            seen.cycles / seen.seconds,
            "1/s",
            CYCLES_PER_SECOND if is_fast else None,
            "higher",
        ),
        Figure(f"{name}.client_share", seen.client / seen.seconds, "cores"),
        Figure(f"{name}.errors", len(seen.errors), "", 0),
    ]


def _growth(name: str, sizes: list[int], alone: list[Seen]) -> Figure:
    """How much more the next item costs in the largest round than in the smallest."""
    small, large = (percentile(seen.nexts, 0.5) for seen in (alone[0], alone[-1]))
    step = f"{SIZES[sizes[0]]}_to_{SIZES[sizes[-1]]}"
    return Figure(f"{name}.{step}.growth", large / small, "times", GROWTH)


def busy(house: House, word: str) -> float:
    """Processor seconds that the processes with this word have used so far."""
    ticks = 0
    for pid in house.members(word):
        with suppress(OSError):
            fields = (
                Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            )
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
