"""The gate with one look at a sealed set of independent items."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from tests.simulations.lines import Line, Subject
from tests.simulations.sealed import RULE, Sealed, preference, rating, yes_no

LEVEL = RULE.level_of(look=1, one_shot=True)
MANY = 3
"""True rates are close to 5 %: more trials, so that chance alone fails no line."""
EVEN, MOSTLY, NEARLY = yes_no(0.5, right=0.9), yes_no(0.7, right=0.9), yes_no(0.85, right=0.95)


def passed(rng: np.random.Generator, trials: int, *, sealed: Sealed) -> int:
    """How often the gate lets the judge through."""
    batch = sealed.drawn(rng, trials)
    return int(batch.passes(batch.judged(rng), level=LEVEL).sum())


def looked_good(rng: np.random.Generator, trials: int, *, sealed: Sealed) -> int:
    """How often the observed agreement alone is above the target."""
    batch = sealed.drawn(rng, trials)
    observed = batch.agrees(batch.judged(rng)).sum(axis=1) / batch.inside().sum(axis=1)
    return int((observed > RULE.target).sum())


def _words(sealed: Sealed) -> str:
    follows = ", judge follows the truth" if sealed.follows_truth else ""
    return f"{sealed.items} items, {sealed.question.name}{follows}"


def _line(sealed: Sealed) -> Line:
    run = partial(passed, sealed=sealed)
    return Line(f"true 80 %, {_words(sealed)}", run, most=0.05, times=MANY)


def _power(sealed: Sealed, share: float) -> Line:
    run = partial(passed, sealed=replace(sealed, share=share))
    return Line(f"true {100 * share:g} %, {_words(sealed)}", run)


SUBJECT = Subject(
    title="The gate, one look",
    text=(
        "Three raters label each item, the strict plurality is the label, and the judge agrees "
        "with that label in truly 80 % (for ratings: on the same side of the cut; for pairs: where "
        "people prefer A or B). The gate should refuse it. Two lines say what the same gate does "
        "with better judges, and one what a rule without a bound (observed agreement above 80 %) "
        "would have done."
    ),
    counted="trials in which the judge passes",
    lines=(
        *(_line(Sealed(EVEN, n)) for n in (200, 300, 400, 500)),
        _line(Sealed(MOSTLY, 300)),
        _line(Sealed(NEARLY, 500)),
        _line(Sealed(EVEN, 400, follows_truth=True)),
        _line(Sealed(yes_no(0.7, right=0.8), 500, follows_truth=True)),
        _line(Sealed(preference(), 400)),
        _line(Sealed(rating(), 300)),
        _power(Sealed(EVEN, 200), 0.9),
        _power(Sealed(EVEN, 400), 0.85),
        Line(
            f"without a bound: observed above 80 %, true 80 %, {_words(Sealed(EVEN, 400))}",
            partial(looked_good, sealed=Sealed(EVEN, 400)),
        ),
    ),
)
