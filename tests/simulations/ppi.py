"""People's mean over all items, from a labelled part and a judge on the rest (PPI++)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from measurement.correction import corrected_mean
from tests.simulations.lines import Line, Subject, coverage, covers

Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class World:
    """People's label of an item (a number) by `shares`, the judge's by `judged`, given people's."""

    name: str
    numbers: tuple[float, ...]
    shares: tuple[float, ...]
    judged: Rows

    def mean(self) -> float:
        """What people would say on average over all the items there could be."""
        return float(np.array(self.numbers) @ np.array(self.shares))


def judge_of(share: float, *, catches: float, spares: float) -> World:
    """Pass or fail: the judge passes `catches` of what people pass, fails `spares` of the rest."""
    right = f"judge right in {100 * catches:g} % of those and {100 * spares:g} % of the others"
    rows = ((spares, 1 - spares), (1 - catches, catches))
    return World(f"{100 * share:g} % pass, {right}", (0.0, 1.0), (1 - share, share), rows)


POINTS = World(
    "1 – 5, judge one point too kind in a third",
    (1.0, 2.0, 3.0, 4.0, 5.0),
    (0.1, 0.2, 0.3, 0.25, 0.15),
    (
        (0.60, 0.30, 0.10, 0.00, 0.00),
        (0.05, 0.55, 0.35, 0.05, 0.00),
        (0.00, 0.10, 0.50, 0.35, 0.05),
        (0.00, 0.00, 0.10, 0.55, 0.35),
        (0.00, 0.00, 0.05, 0.15, 0.80),
    ),
)


def covered(
    rng: np.random.Generator, trials: int, *, world: World, labelled: int, rest: int
) -> int:
    """How often the interval holds people's mean, among corrections that are shown.

    Where the labelled part holds too little of a label nothing is shown: it is drawn anew.
    """
    truth, held = world.mean(), 0
    for _ in range(trials):
        found = corrected_mean(*_drawn(rng, world, labelled, rest), is_random_sample=True)
        while not found.estimate.is_defined:
            found = corrected_mean(*_drawn(rng, world, labelled, rest), is_random_sample=True)
        held += covers(found.estimate, truth)
    return held


def _drawn(
    rng: np.random.Generator, world: World, labelled: int, rest: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """People's and the judge's labels of the labelled items, and the judge's of the others."""
    numbers = np.array(world.numbers)
    people = rng.choice(len(numbers), p=world.shares, size=labelled + rest)
    steps = np.cumsum(np.array(world.judged), axis=1)[:, :-1]
    judge = numbers[(rng.random(len(people))[:, None] > steps[people]).sum(axis=1)]
    return numbers[people[:labelled]], judge[:labelled], judge[labelled:]


def _line(world: World, labelled: int, rest: int, *, is_required: bool = True) -> Line:
    run = partial(covered, world=world, labelled=labelled, rest=rest)
    setting = f"{labelled} labelled, {rest:,} by the judge alone, {world.name}"
    return coverage(setting, run, is_required=is_required)


GOOD, KIND, BLIND = (
    judge_of(0.6, catches=0.9, spares=0.85),
    judge_of(0.7, catches=0.95, spares=0.6),
    judge_of(0.6, catches=0.5, spares=0.5),
)

SUBJECT = Subject(
    title="Means corrected by a labelled part",
    text=(
        "People label a random part, the judge labels everything; PPI++ gives the mean that people "
        "would have come to. The judge may be good, kind or blind: the interval has to hold in any "
        "case. Fewer than 20 labelled items of the rarer label are not shown, hence not counted."
    ),
    counted="trials whose interval holds people's mean over all items",
    lines=(
        *(_line(GOOD, n, 1000) for n in (100, 200, 500)),
        _line(GOOD, 100, 100),
        *(_line(KIND, n, 2000) for n in (100, 200)),
        _line(BLIND, 100, 1000),
        _line(judge_of(0.85, catches=0.9, spares=0.8), 200, 2000),
        *(_line(POINTS, n, 1000) for n in (100, 200)),
        _line(GOOD, 60, 1000, is_required=False),
        _line(POINTS, 40, 1000, is_required=False),
    ),
)
