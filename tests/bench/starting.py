"""How long a person waits: from the command to the first page, and from Ctrl-C to the prompt."""

from __future__ import annotations

import signal
import tempfile
import time
from pathlib import Path

from tests.bench.figures import Figure
from tests.harness.house import house

START_TARGET = 15.0
STOP_TARGET = 8.0


def measure(*, is_full: bool) -> list[Figure]:
    """Start and stop a house whose data is there already (`make run` for the second time)."""
    starts, stops = [], []
    with (
        tempfile.TemporaryDirectory(prefix="plumbline-bench-") as name,
        house(Path(name), demo=False) as one,
    ):
        for _ in range(5 if is_full else 2):
            began = time.monotonic()
            one.start()
            one.wait_until(lambda: one.get("/readyz") == 200, 60)
            starts.append(time.monotonic() - began)
            began = time.monotonic()
            one.stop(signal.SIGINT)
            stops.append(time.monotonic() - began)
    return [
        Figure("start.ready_s", max(starts), "s", START_TARGET),
        Figure("stop.idle_s", max(stops), "s", STOP_TARGET),
    ]
