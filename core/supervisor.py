"""Several programs as one: started together, restarted when they die, stopped together.

Standard library only, one thread: the kernel ties a child to the *thread* that started it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType

POLL_SECONDS = 0.1
STOP_SECONDS = 8.0
STEADY_SECONDS = 30.0
FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
PR_SET_PDEATHSIG = 1

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Program:
    """One command line. `stage`: lower ones are stopped first."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    stage: int = 0


class Child:
    """A program that shall be running, in a session of its own."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.due_at = 0.0
        self.delay = FIRST_DELAY

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, now: float) -> None:
        """Start the program so that it dies with this process, even when that is killed."""
        self.process = subprocess.Popen(  # noqa: S603 - our own command lines
            list(self.program.command),
            env={**os.environ, **self.program.env},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=tied_to(os.getpid()),  # noqa: PLW1509 - one thread only, see the module
        )
        self.started_at = now

    def clear_up(self) -> None:
        """Kill what a dead program left in its session: a new one needs its port."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def plan_restart(self, now: float) -> float:
        """Return the seconds until the next start; they double while the program keeps dying."""
        if now - self.started_at > STEADY_SECONDS:
            self.delay = FIRST_DELAY
        wait, self.delay = self.delay, min(self.delay * 2, LONGEST_DELAY)
        self.due_at = now + wait
        return wait

    def ask_to_stop(self) -> None:
        if self.process is not None and self.is_running:
            self.process.terminate()


def tied_to(parent: int, farewell: int = signal.SIGTERM) -> Callable[[], None] | None:
    """Return what a child runs first so that it gets `farewell` when `parent` dies (Linux)."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, int(farewell))
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return tie


class Supervisor:
    """Keeps the programs running until this process is asked to stop."""

    def __init__(self, programs: Sequence[Program], *, say: Say) -> None:
        self.children = [Child(program) for program in programs]
        self.say = say
        self.is_stopping = False
        self.is_hurried = False

    def run(self, *, on_start: Callable[[], bool] | None = None) -> None:
        """Block until SIGINT, SIGTERM or SIGHUP; then stop everything and return.

        `on_start` is asked again and again until it says True: is the house ready?
        """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._hear)
        try:
            for child in self.children:
                child.start(time.monotonic())
            while not self.is_stopping:
                self._look_after(time.monotonic())
                if on_start is not None and on_start():
                    on_start = None
                time.sleep(POLL_SECONDS)
        finally:
            self._stop()

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self.is_hurried = self.is_stopping
        self.is_stopping = True

    def _look_after(self, now: float) -> None:
        for child in self.children:
            if child.is_running:
                continue
            if child.process is not None:
                code = child.process.returncode
                child.clear_up()
                child.process = None
                wait = child.plan_restart(now)
                self.say(
                    f"{child.program.name} ended by itself ({_ending(code)});"
                    f" it starts again in {wait:g} s."
                )
            elif now >= child.due_at:
                child.start(now)

    def _stop(self) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        for stage in sorted({child.program.stage for child in self.children}):
            members = [child for child in self.children if child.program.stage == stage]
            for child in members:
                child.ask_to_stop()
            while any(child.is_running for child in members) and not self._is_over(deadline):
                time.sleep(POLL_SECONDS / 2)
        for child in self.children:
            if child.is_running:
                self.say(f"{child.program.name} did not stop in time and was killed.")
            child.clear_up()
            if child.process is not None:
                child.process.wait()

    def _is_over(self, deadline: float) -> bool:
        return self.is_hurried or time.monotonic() > deadline


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"
