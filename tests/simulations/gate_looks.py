"""The gate over three looks at one sealed set, by authors who learn from what a look returns."""

from __future__ import annotations

from functools import partial

import numpy as np

from measurement.arrays import Bools, Ints
from tests.simulations.authors import (
    Author,
    Calculator,
    Climber,
    Leaner,
    Plan,
    Polisher,
    Returned,
    Sibling,
)
from tests.simulations.lines import Line, Subject
from tests.simulations.sealed import RULE, Batch, Sealed, preference, yes_no

EVEN, SKEWED = yes_no(0.5, right=0.9), yes_no(0.8, right=0.9)
HARDEST = Sealed(EVEN, 440)
"""One of the numbers of items that suit the calculating author best: here the whole numbers of
the needed counts leave little of the three levels unused."""


def passed(
    rng: np.random.Generator,
    trials: int,
    *,
    sealed: Sealed,
    author: Author,
    level: float | None = None,
) -> int:
    """In how many trials one of three looks passes.

    `level` replaces the levels of the looks and their hits to spare, to show what these are good
    for.
    """
    batch = sealed.drawn(rng, trials)
    lean = author.first_lean(trials)
    judges, seen = [batch.judged(rng, lean)], list[Returned]()
    done = np.zeros(trials, dtype=np.bool_)
    start, order = np.zeros(trials, dtype=np.int64), _order(rng, batch)
    for look in range(1, RULE.most_looks + 1):
        used = level or RULE.level_of(look=look, one_shot=False)
        spare = 0 if level else RULE.spare_of(look=look, one_shot=False)
        done |= batch.passes(judges[-1], level=used, spare=spare)
        if look == RULE.most_looks:
            break
        seen.append(_returned(batch, judges[-1], done, used, reads_checks=author.reads_checks))
        plan = author.plan(seen)
        judges.append(_next(rng, batch, judges, plan, start, order))
        start = start + plan.anew
    return int(done.sum())


def _order(rng: np.random.Generator, batch: Batch) -> Ints:
    """A random order of the items for each trial: answers are changed in this order, so a change
    never undoes the one before it."""
    return np.asarray(rng.random(batch.labels.shape).argsort(axis=1))


def _next(
    rng: np.random.Generator,
    batch: Batch,
    judges: list[Ints],
    plan: Plan,
    start: Ints,
    order: Ints,
) -> Ints:
    """The judge that a plan asks for."""
    places = (order - start[:, None]) % order.shape[1]
    base = np.stack(judges)[plan.base, np.arange(batch.trials)]
    return np.where(places < plan.anew[:, None], batch.judged(rng, plan.lean), base)


def _returned(
    batch: Batch, verdicts: Ints, done: Bools, level: float, *, reads_checks: bool
) -> Returned:
    """Counts of every trial; the names of failed checks where the set is still open."""
    failed = None
    if reads_checks:
        failed = tuple(
            frozenset() if done[trial] else _failed(batch, trial, verdicts, level)
            for trial in range(batch.trials)
        )
    return Returned(batch.agrees(verdicts).sum(axis=1), batch.inside().sum(axis=1), failed)


def _failed(batch: Batch, trial: int, verdicts: Ints, level: float) -> frozenset[str]:
    return frozenset(batch.decision(trial, verdicts, level=level).failed)


def _line(words: str, author: Author, sealed: Sealed, *, times: int = 2) -> Line:
    run = partial(passed, sealed=sealed, author=author)
    setting = f"{words}, {sealed.items} items, {sealed.question.name}"
    return Line(setting, run, most=0.05, times=times)


def _lines() -> tuple[Line, ...]:
    sets = {n: Sealed(EVEN, n) for n in (200, 300, 500)}
    climbs = {0.05: "5 %", 0.2: "20 %", 0.5: "half"}
    return (
        *(_line("independent judges", Author(), sealed) for sealed in sets.values()),
        _line("independent judges", Author(), Sealed(preference(), 400)),
        _line("siblings, 30 % of the first judge's answers anew", Sibling(), sets[300]),
        _line("siblings, 70 % of the first judge's answers anew", Sibling(changed=0.7), sets[300]),
        *(
            _line(f"{words} of the best judge's answers anew", Climber(changed=share), sets[300])
            for share, words in climbs.items()
        ),
        _line("20 % of the best judge's answers anew", Climber(changed=0.2), Sealed(SKEWED, 400)),
        *(_line("polishes a near miss, else starts anew", Polisher(), sets[n]) for n in (200, 500)),
        *(
            _line("changes what makes the next pass likeliest", Calculator(), sealed)
            for sealed in sets.values()
        ),
        _line("changes what makes the next pass likeliest", Calculator(), Sealed(SKEWED, 400)),
        _line("changes what makes the next pass likeliest", Calculator(), HARDEST, times=10),
        _line("leans by the names of failed checks", Leaner(), Sealed(SKEWED, 400), times=1),
        Line(
            "for comparison, every look at level .05: changes what makes the next pass likeliest,"
            f" 300 items, {EVEN.name}",
            partial(passed, sealed=sets[300], author=Calculator(), level=RULE.level),
        ),
    )


SUBJECT = Subject(
    title="The gate, three looks",
    text=(
        "Up to three judges, each truly at 80 %, look at the same sealed set one after the other; "
        "the trial counts when any of them passes. The levels of the three looks are 2.5, 1.25 "
        "and 0.625 %, and the second and third have to pass with one item fewer. Authors see what "
        "the product returns after a look that did not pass: the overall count and the names of "
        "failed checks. They keep the answers of an earlier judge and change some, as new wording "
        "of a prompt does. The strictest test is the author who knows all of the gate's "
        "arithmetic and changes just as many answers as give the best chance of passing next; at "
        "440 items this author came through in 5.4 % while the levels stood alone."
    ),
    counted="trials in which one of three looks passes",
    lines=_lines(),
)
