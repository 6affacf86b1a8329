"""Running the lines: in parts with a seed each, so that the number of processes changes nothing."""

from __future__ import annotations

import multiprocessing
import os
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

import numpy as np

from tests.simulations.lines import Line, Result, Subject

SUBJECTS = (
    "shares",
    "alpha",
    "differences",
    "ppi",
    "gate_oneshot",
    "gate_looks",
    "gate_clusters",
)
SEED = 20_261_126
TRIALS = 4_000
_PART = 500
_SINGLE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class Part:
    """Some trials of one line, named by its place."""

    subject: str
    place: int
    number: int
    trials: int

    @property
    def line(self) -> Line:
        return subject_of(self.subject).lines[self.place]


def subject_of(name: str) -> Subject:
    found: Subject = import_module(f"tests.simulations.{name}").SUBJECT
    return found


def parts_of(name: str, trials: int) -> Iterator[Part]:
    """Every line of a subject with `trials` (times the line's own factor), cut into parts."""
    for place, line in enumerate(subject_of(name).lines):
        wanted = trials * line.times
        for number, start in enumerate(range(0, wanted, _PART)):
            yield Part(name, place, number, min(_PART, wanted - start))


def happened(part: Part) -> int:
    """Run one part. Its seed comes from its line's words: other lines never change it."""
    words = zlib.crc32(f"{part.subject}: {part.line.setting}".encode())
    rng = np.random.default_rng([SEED, words, part.number])
    return part.line.count(rng, part.trials)


def results(name: str, *, trials: int, processes: int) -> list[Result]:
    """The results of one subject's lines, in their order."""
    parts = list(parts_of(name, trials))
    counts = _counts(parts, processes)
    return [
        Result(
            line,
            sum(part.trials for part in parts if part.place == place),
            sum(n for part, n in zip(parts, counts, strict=True) if part.place == place),
        )
        for place, line in enumerate(subject_of(name).lines)
    ]


def _counts(parts: list[Part], processes: int) -> list[int]:
    if processes == 1:
        return [happened(part) for part in parts]
    os.environ.update({key: os.environ.get(key, value) for key, value in _SINGLE.items()})
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        found = []
        for done, count in enumerate(pool.imap(happened, parts), start=1):
            found.append(count)
            if sys.stderr.isatty():
                print(f"\r{done} of {len(parts)}", end="", file=sys.stderr, flush=True)
        return found
