"""What `make test` calls: every phase in turn, a loud word on what could not run, one closing line.

python -m tests.harness.run [--only fast|sqlite|servers|browser] [arguments for pytest]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.harness.chromium import NoBrowser, find
from tests.harness.postgres import NoPostgres, postgres
from tests.harness.redis import NoRedis, redis

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "test-results"
NO_TESTS = 5
PHASE_SECONDS = 60 * 60
SERVERS = ("DATABASE_URL", "BROKER_URL")
IN_TWO = ("-n", "2", "--dist", "loadgroup")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one phase came to. `absent`: why it could not run at all."""

    title: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    absent: str = ""

    @property
    def holds(self) -> bool:
        return not self.failed and not (self.absent and "CI" in os.environ)


@dataclass(frozen=True, slots=True)
class Phase:
    """Tests chosen by an expression, in an environment that `prepare` makes."""

    key: str
    title: str
    chosen: Sequence[str]
    prepare: Callable[[ExitStack], dict[str, str]]


def nothing_more(_stack: ExitStack) -> dict[str, str]:
    return {}


def servers(stack: ExitStack) -> dict[str, str]:
    return {
        "DATABASE_URL": stack.enter_context(postgres()),
        "BROKER_URL": stack.enter_context(redis()),
    }


def browser(_stack: ExitStack) -> dict[str, str]:
    """Find the browser here, once, so that a test never has to install one."""
    found = find(may_install=True)
    return {"PLUMBLINE_CHROMIUM": found.path} if not found.env else {}


FAST = Phase(
    "fast",
    "Unit, service and page tests on SQLite",
    ("-m", "not e2e and not redis and not processes", *IN_TWO),
    nothing_more,
)
PHASES = (
    Phase(
        "sqlite",
        "Everything but the browser, on SQLite and the embedded queue",
        ("-m", "not e2e and not redis", *IN_TWO),
        nothing_more,
    ),
    Phase(
        "servers",
        "What databases and queues decide, on PostgreSQL and Redis",
        ("-m", "(databases or redis or processes) and not e2e", *IN_TWO),
        servers,
    ),
    Phase("browser", "The browser tests, in Chromium", ("-m", "e2e", *IN_TWO), browser),
)


def main(arguments: Sequence[str]) -> int:
    """Run the phases; return 0 when every one holds."""
    parser = argparse.ArgumentParser(prog="make test", add_help=False)
    parser.add_argument("--only", choices=[one.key for one in (FAST, *PHASES)])
    options, more = parser.parse_known_args(list(arguments))
    wanted = [one for one in (FAST, *PHASES) if one.key == options.only] or list(PHASES)
    outcomes = [_run(phase, more) for phase in wanted]
    _summary(outcomes)
    return 0 if all(one.holds for one in outcomes) else 1


def _run(phase: Phase, more: Sequence[str]) -> Outcome:
    _banner(phase.title)
    with ExitStack() as stack:
        try:
            extra = phase.prepare(stack)
        except (NoPostgres, NoRedis, NoBrowser) as problem:
            print(f"!!! NOT RUN: {problem}", flush=True)
            return Outcome(phase.title, failed=int("CI" in os.environ), absent=str(problem))
        return _pytest(phase, more, extra)


def _pytest(phase: Phase, more: Sequence[str], extra: dict[str, str]) -> Outcome:
    RESULTS.mkdir(exist_ok=True)
    report = RESULTS / f"{phase.key}.xml"
    report.unlink(missing_ok=True)
    environment = {key: value for key, value in os.environ.items() if key not in SERVERS}
    # Of the development mode the warnings count. What its allocator looks for are faults of C
    # code, and that made everything a fifth slower.
    environment |= {"PYTHONDEVMODE": "1", "PYTHONMALLOC": "pymalloc", "PYTHONUNBUFFERED": "1"}
    environment |= extra
    command = [sys.executable, "-m", "pytest", "-q", *phase.chosen, f"--junitxml={report}", *more]
    began = time.monotonic()
    try:
        code = subprocess.run(
            command, cwd=ROOT, env=environment, timeout=PHASE_SECONDS, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        code = -1
    seconds = time.monotonic() - began
    passed, failed, skipped = _counts(report)
    if code == NO_TESTS and not more:
        print("!!! NOT RUN: no test belongs to this phase.", flush=True)
        absent = "no test belongs to it"
        return Outcome(phase.title, failed=int("CI" in os.environ), seconds=seconds, absent=absent)
    # A run that broke off (no report, a crash, a time-out) is a failure whatever it counted.
    if code not in (0, NO_TESTS):
        failed = max(failed, 1)
    return Outcome(phase.title, passed, failed, skipped, seconds)


def _counts(report: Path) -> tuple[int, int, int]:
    """Passed, failed (errors among them) and skipped tests of a JUnit report."""
    if not report.exists():
        return 0, 0, 0
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))

    def total(name: str) -> int:
        return sum(int(suite.get(name, 0)) for suite in suites)

    failed, skipped = total("failures") + total("errors"), total("skipped")
    return max(total("tests") - failed - skipped, 0), failed, skipped


def _banner(title: str) -> None:
    print(f"\n{'=' * 88}\n=== {title}\n{'=' * 88}", flush=True)


def _summary(outcomes: Sequence[Outcome]) -> None:
    _banner("Summary")
    for one in outcomes:
        word = "NOT RUN" if one.absent else ("ok" if one.holds else "FAILED")
        figures = f"{one.passed} passed, {one.failed} failed, {one.skipped} skipped"
        print(f"{word:8}{one.title}: {one.absent or figures} ({one.seconds:.0f} s)")
    if any(one.absent for one in outcomes):
        print("\n!!! Not everything was run: the lines marked NOT RUN say why.")
    print(f"\n{sum(o.passed for o in outcomes)} passed, {sum(o.failed for o in outcomes)} failed")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
