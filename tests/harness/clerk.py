"""A process of a house that answers questions about its rows, kept: each would cost a start.

python -m tests.harness.clerk FOLDER: reads scripts, one JSON string a line, and runs each apart.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import select
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path

from core.supervisor import tied_to

ROOT = Path(__file__).resolve().parents[2]


class Clerk:
    """Started in a house's environment; it is none of the processes that the house looks after."""

    def __init__(self, environment: Mapping[str, str], *, log: Path) -> None:
        self.environment = dict(environment)
        # A house knows its own by this variable: the clerk is told the folder in another way.
        shown = {key: value for key, value in environment.items() if key != "PLUMBLINE_DATA"}
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.harness.clerk", environment["PLUMBLINE_DATA"]],
                cwd=ROOT,
                env=shown,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                preexec_fn=tied_to(os.getpid()),
            )

    def ask(self, script: str, *, seconds: float) -> object:
        """What the script prints last, read as JSON."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(script).encode() + b"\n")
        self._process.stdin.flush()
        answer = json.loads(self._line(seconds))
        assert not answer["problem"], answer["problem"]
        return json.loads(answer["printed"].strip().splitlines()[-1])

    def _line(self, seconds: float) -> bytes:
        out = self._process.stdout
        assert out is not None
        line, deadline = b"", time.monotonic() + seconds
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left < 0 or not select.select([out], [], [], left)[0]:
                self.dismiss()
                raise AssertionError(f"The clerk did not answer within {seconds:g} s.")
            piece = os.read(out.fileno(), 1 << 16)
            assert piece, f"The clerk ended with exit code {self._process.wait()}."
            line += piece
        return line

    def serves(self, environment: Mapping[str, str]) -> bool:
        """Whether it is there, and was started in this environment."""
        return self._process.poll() is None and self.environment == environment

    def dismiss(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe and pipe.close()


def _run(script: str) -> dict[str, str]:
    """One script as in a process of its own: nothing is left open and nothing remembered."""
    from django.core.cache import cache
    from django.db import connections

    printed = io.StringIO()
    problem = ""
    try:
        with contextlib.redirect_stdout(printed):
            exec(script, {"__name__": "__script__"})
    except Exception:
        problem = traceback.format_exc()
    finally:
        connections.close_all()
        cache.clear()
    return {"printed": printed.getvalue(), "problem": problem}


def main(arguments: list[str]) -> int:
    import django

    os.environ["PLUMBLINE_DATA"] = arguments[0]
    django.setup()
    for line in sys.stdin:
        print(json.dumps(_run(json.loads(line))), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
