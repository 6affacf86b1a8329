"""Run a command on files as a shell would: exit status, what it printed, what it complained of."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Finished:
    status: int
    printed: str
    complaint: str


def run(folder: Path, *arguments: str) -> Finished:
    """`python manage.py …` in a process of its own, its database out of reach."""
    environment = {
        **os.environ,
        "PLUMBLINE_DATA": str(folder / "data"),
        # Nothing listens here: a command that asks the database fails.
        "DATABASE_URL": "postgres://nobody:none@127.0.0.1:1/none",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PLUMBLINE_SECRET_KEY": "only-for-tests-and-never-for-anything-else-012345678",
    }
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Finished(done.returncode, done.stdout, done.stderr)
