"""A million labels from rows to every figure with its interval, in a process of its own."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.figures import Figure

ROOT = Path(__file__).resolve().parents[2]
RATERS = 5
SECONDS_TARGET = 5.0
MEMORY_TARGET = 1024.0
# Ten times the labels: the rest is what a cache loses on larger arrays.
GROWTH_TARGET = 12.0


@dataclass(frozen=True, slots=True)
class Taken:
    """What one process took: seconds of each part, and its peak memory in MB.

    `rows` is making up the rows alone, which `table` does once more; `busy` the processors' time
    for table and figures. Loading libraries is not in.
    """

    labels: int
    rows: float
    table: float
    figures: float
    busy: float
    peak: float

    @property
    def seconds(self) -> float:
        return self.table + self.figures


def measure(*, is_full: bool) -> list[Figure]:
    """Ordinal labels of five raters; in full also as many with a fifth of the cells missing."""
    tenth, whole = _taken(20_000), _taken(200_000)
    figures = [
        *_figures("labels.1m", whole),
        Figure("labels.1m_to_100k.growth", whole.busy / tenth.busy, "times", GROWTH_TARGET),
    ]
    return figures + (_figures("labels.1m.gaps", _taken(250_000, 0.2)) if is_full else [])


def _figures(name: str, taken: Taken) -> list[Figure]:
    return [
        Figure(f"{name}.seconds", taken.seconds, "s", SECONDS_TARGET),
        Figure(f"{name}.making_rows_s", taken.rows, "s"),
        Figure(f"{name}.table_s", taken.table, "s"),
        Figure(f"{name}.figures_s", taken.figures, "s"),
        Figure(f"{name}.processor_s", taken.busy, "s"),
        Figure(f"{name}.peak_mb", taken.peak, "MB", MEMORY_TARGET),
    ]


def _taken(items: int, missing: float = 0.0) -> Taken:
    command = [sys.executable, "-m", "tests.bench.million", str(items), str(missing)]
    answer = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return Taken(**json.loads(answer.stdout))


def _rows(items: int, missing: float) -> Iterator[tuple[str, str, str]]:
    """A row for each label given, made up one by one: nothing holds them all."""
    import numpy as np

    rng = np.random.default_rng(7)
    raters = [f"rater {number}" for number in range(RATERS)]
    for start in range(0, items, 1000):
        shape = (min(1000, items - start), RATERS)
        labels = np.clip(rng.integers(1, 6, size=(shape[0], 1)) + rng.integers(-1, 2, shape), 1, 5)
        labels[rng.random(shape) < missing] = 0
        for item, row in enumerate(labels.astype(str).tolist(), start):
            name = f"item {item}"
            for rater, label in zip(raters, row, strict=True):
                if label != "0":
                    yield name, rater, label


def _run(items: int, missing: float) -> Taken:
    import krippendorff  # noqa: F401
    import scipy.special  # noqa: F401

    from measurement.agreement import summarise
    from measurement.scale import Scale
    from measurement.table import RatingTable

    began = time.perf_counter()
    labels = sum(1 for _ in _rows(items, missing))
    made, busy = time.perf_counter(), time.process_time()
    table = RatingTable.build(_rows(items, missing))
    built = time.perf_counter()
    found = summarise(table, scale=Scale.points(1, 5))
    done, busy = time.perf_counter(), time.process_time() - busy
    assert found.alpha.interval is not None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Taken(labels, made - began, built - made, done - built, busy, peak)


if __name__ == "__main__":
    print(json.dumps(asdict(_run(int(sys.argv[1]), float(sys.argv[2])))))
