"""Items in from JSONL, by the command as people run it, and what a rater notices meanwhile."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench import callers
from tests.bench.callers import Seen, percentile
from tests.bench.commands import cost_of, run_python
from tests.bench.figures import Figure
from tests.harness.house import House, fresh_database
from tests.harness.postgres import NoPostgres, postgres

ITEMS, MANY = 200_000, 1_000_000
PAIRS = 50_000
RATED = 5_000
PAUSE = 0.05
"""Seconds between two answers of the rater, who is no machine that does nothing else."""
PER_SECOND, PEAK_MB = 10_000.0, 300.0
WORDS = ("invoice", "address", "customer", "account", "change", "please", "order", "number", "page")


def measure(*, is_full: bool) -> list[Figure]:
    """Items of one response of about 300 characters, pairs of two; a million when full."""
    with _house() as (house, rounds, secrets):
        figures = _alone(house, MANY if is_full else ITEMS)
        figures += _beside_a_rater(house, rounds, secrets)
    try:
        with postgres(durable=True) as server, fresh_database(server) as address:
            return [*figures, _on_postgres(address)]
    except NoPostgres as problem:
        print(f"!!! NOT MEASURED on PostgreSQL: {problem}", flush=True)
        return figures


@contextmanager
def _house(address: str = "") -> Iterator[tuple[House, int, list[str]]]:
    """A house that is not started, a round that waits in it, and the tokens of its raters."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="plumbline-bench-"))
        servers = {"DATABASE_URL": address} if address else {}
        house = House(Path(folder), demo=False, servers=servers)
        stack.callback(house.clear)
        house.prepare()
        lay = f"filling.waiting([{RATED}], raters=3, overlap=3)"
        plan = json.loads(run_python(house, ["from tests.bench import filling", lay]))
        yield house, plan["rounds"][str(RATED)], plan["secrets"]


def _alone(house: House, items: int) -> list[Figure]:
    singles = _written(house.folder / "singles.jsonl", items, is_pair=False)
    cost = cost_of(house, "import_items", "bench", str(singles))
    pairs = _written(house.folder / "pairs.jsonl", PAIRS, is_pair=True)
    twice = cost_of(house, "import_items", "bench", str(pairs))
    return [
        Figure("import.jsonl.items_per_s", items / cost.seconds, "1/s", PER_SECOND, "higher"),
        Figure("import.jsonl.peak_mb", cost.peak_mb, "MB", PEAK_MB),
        Figure("import.jsonl.pairs_per_s", PAIRS / twice.seconds, "1/s"),
    ]


def _beside_a_rater(house: House, round_id: int, secrets: list[str]) -> list[Figure]:
    """An import once more, while somebody rates in another dataset of the project."""
    file = _written(house.folder / "again.jsonl", ITEMS, is_pair=False)
    house.start()
    seen = Seen()
    with callers.calling(house.port, secrets) as raters, ThreadPoolExecutor(1) as pool:
        work = pool.submit(cost_of, house, "import_items", "bench", str(file))
        while not work.done():
            raters[0].cycle(round_id, seen)
            time.sleep(PAUSE)
    requests = seen.nexts + seen.submits
    return [
        Figure("import.rater.request_p50_ms", percentile(requests, 0.5), "ms"),
        Figure("import.rater.request_p95_ms", percentile(requests, 0.95), "ms"),
        Figure("import.rater.longest_ms", percentile(requests, 1.0), "ms", 1000.0),
        Figure("import.rater.errors", len(seen.errors), "", 0),
    ]


def _on_postgres(address: str) -> Figure:
    with _house(address) as (house, _, _):
        file = _written(house.folder / "singles.jsonl", PAIRS, is_pair=False)
        cost = cost_of(house, "import_items", "bench", str(file))
    return Figure("import.jsonl.postgres.items_per_s", PAIRS / cost.seconds, "1/s")


def _written(file: Path, items: int, *, is_pair: bool) -> Path:
    """A file of items that all differ."""
    with file.open("w", encoding="utf-8") as target:
        for number in range(items):
            target.write(json.dumps(_row(number, is_pair=is_pair)) + "\n")
    return file


def _row(number: int, *, is_pair: bool) -> dict[str, object]:
    row: dict[str, object] = {
        "id": f"item-{number:07}",
        "input": f"Question {number}: {_text(number, 12)}?",
        "tags": ["billing"],
        "difficulty": ("easy", "medium", "hard")[number % 3],
    }
    if is_pair:
        return row | {
            "response_a": _text(number, 40),
            "response_b": _text(number + 1, 40),
            "system_a": "alpha",
            "system_b": "beta",
        }
    return row | {"response": _text(number, 40), "system": "alpha"}


def _text(number: int, words: int) -> str:
    return f"{number} " + " ".join(WORDS[(number * 7 + at * at) % 9] for at in range(words))
