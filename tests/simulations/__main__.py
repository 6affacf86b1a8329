"""Run the simulations; exit status 1 when a required line does not hold."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from tests.simulations import report, running

PAGE = Path(__file__).resolve().parents[2] / "docs" / "simulations.md"


def main(arguments: list[str] | None = None, *, page: Path = PAGE) -> int:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument(
        "--trials",
        type=int,
        default=running.TRIALS,
        help=f"trials a line, at least; below {running.TRIALS} the page is not written",
    )
    parser.add_argument("--only", choices=running.SUBJECTS, help="one subject; writes no page")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    if options.trials < 1 or options.processes < 1:
        parser.error("trials and processes are at least 1")
    began, found = time.monotonic(), {}
    for name in (options.only,) if options.only else running.SUBJECTS:
        found[name] = running.results(name, trials=options.trials, processes=options.processes)
        print(report.section(running.subject_of(name), found[name]), flush=True)
    if options.only is None and options.trials >= running.TRIALS:
        about = {name: running.subject_of(name) for name in found}
        page.write_text(report.page(found, about, time.monotonic() - began), encoding="utf-8")
        print(f"Written to {page}.")
    return int(any(not result.holds for results in found.values() for result in results))


if __name__ == "__main__":
    raise SystemExit(main())
