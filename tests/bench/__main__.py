"""`make bench`: measure, print a table, write bench.json. Nothing is left out."""

from __future__ import annotations

import argparse
import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import (
    claiming,
    exporting,
    importing,
    judging,
    million,
    reporting,
    resampling,
    starting,
)
from tests.bench.figures import Figure, table

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = (starting, claiming, judging, importing, exporting, reporting, resampling, million)


def machine() -> dict[str, object]:
    """What the figures depend on."""
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(pages / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the long rounds as well")
    options = parser.parse_args()
    about = machine()
    figures: list[Figure] = []
    for one in ROUNDS:
        print(f"... {one.__name__.rpartition('.')[2]}", flush=True)
        figures += one.measure(is_full=options.full)
    report = {
        "machine": about,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "figures": [figure.as_dict() for figure in figures],
    }
    (ROOT / "bench.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"\n{table(figures)}\n\nWritten to bench.json.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
