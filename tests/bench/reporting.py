"""A calibration report: how long the worker makes it, and how long its page takes to open.

A thousand items, five raters and a judge, four dimensions with a cut, slices by three properties.
The page is asked for over HTTP by a lead who is signed in, one request after another.
"""

from __future__ import annotations

import json
import statistics
import time
import urllib.request

from tests.bench.claiming import prepared
from tests.bench.commands import run_python
from tests.bench.figures import Figure
from tests.harness.house import House

ITEMS, RATERS = 1_000, 5
OPENINGS = 20
MADE_SECONDS, OPEN_MS = 5.0, 300.0


def measure(*, is_full: bool) -> list[Figure]:
    """On SQLite; on PostgreSQL as well when full."""
    return [
        figure
        for database in (("sqlite", "postgres") if is_full else ("sqlite",))
        for figure in _on(database)
    ]


def _on(database: str) -> list[Figure]:
    name = f"report.{database}.{ITEMS}x{RATERS}x4"
    with prepared(database) as house:
        make = f"reported.make(items={ITEMS}, raters={RATERS})"
        told = json.loads(run_python(house, ["from tests.bench import reported", make]))
        house.start() if database == "sqlite" else house.start_web()
        _open(house, told)
        opened = sorted(_open(house, told) for _ in range(OPENINGS))
    return [
        Figure(f"{name}.made_s", told["made_s"], "s", MADE_SECONDS),
        Figure(f"{name}.made_busy_s", told["busy_s"], "s"),
        Figure(f"{name}.open_p50_ms", statistics.median(opened), "ms", OPEN_MS),
        Figure(f"{name}.open_max_ms", opened[-1], "ms"),
    ]


def _open(house: House, told: dict[str, str]) -> float:
    """Milliseconds from the request to the last byte of the page with all four dimensions."""
    request = urllib.request.Request(
        house.url + told["page"], headers={"Cookie": f"sessionid={told['session']}"}
    )
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=60) as answer:
        page = answer.read().decode()
    took = 1000 * (time.perf_counter() - began)
    assert page.count("Judge against people") == 4, "not the report's page"
    return took
