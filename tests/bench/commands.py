"""A command as a whole process: how long it took, and the most memory that it held."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.harness.house import ROOT, House

FILLING_SECONDS = 3600.0
"""A round of a million items is laid in ten minutes, and on a slow machine in more."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds from start to end, start-up of Python and Django among them; peak in MB."""

    seconds: float
    peak_mb: float


def cost_of(house: House, *arguments: str) -> Cost:
    """Run `manage.py` with these arguments on the data of a house, to a good end."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=house.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"manage.py {' '.join(arguments)} ended with {process.returncode}.")
    return Cost(seconds, usage.ru_maxrss / 1024)


def run_python(house: House, script: Sequence[str]) -> str:
    """Run a few lines with Django set up on the data of a house; what they print."""
    lines = "\n".join(script)
    done = house.manage("shell", "--no-imports", "--command", lines, seconds=FILLING_SECONDS)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return done.stdout
