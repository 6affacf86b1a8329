"""A hundred and fifty thousand ratings, and the items behind them, out of the house."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench.commands import cost_of, run_python
from tests.bench.figures import Figure
from tests.harness.house import House

ITEMS, RATINGS = 50_000, 150_000
SECONDS, PEAK_MB = 15.0, 300.0


def measure(*, is_full: bool) -> list[Figure]:
    """The whole command, start of the process among it, on SQLite; all formats when full."""
    figures = []
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as name:
        house = House(Path(name), demo=False)
        house.prepare()
        run_python(house, ["from tests.bench import filling", f"filling.ratings({ITEMS})"])
        for form in ("jsonl", "csv") if is_full else ("jsonl",):
            file = Path(name) / f"ratings.{form}"
            cost = cost_of(house, "export", "bench", "ratings", "-o", str(file))
            assert sum(1 for _ in file.open("rb")) >= RATINGS
            figures += [
                Figure(f"export.ratings.150k.{form}.s", cost.seconds, "s", SECONDS),
                Figure(f"export.ratings.150k.{form}.peak_mb", cost.peak_mb, "MB", PEAK_MB),
            ]
        items = cost_of(house, "export", "bench", "items", "-o", str(Path(name) / "items.jsonl"))
        figures.append(Figure("export.items.50k.s", items.seconds, "s"))
        figures.append(Figure("export.items.50k.peak_mb", items.peak_mb, "MB", PEAK_MB))
    return figures
