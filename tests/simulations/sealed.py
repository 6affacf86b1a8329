"""A sealed set whose truth is known, and the product's own decision on a judge of it.

The gate's agreement is with the human label, so that is what "a true 80 % judge" means here: over
all the items that could have been drawn, its verdict is the label that three raters come to in
80 of 100. Raters may be wrong about the item; the label is what they say.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from measurement import gate, intervals
from measurement.arrays import Bools, Floats, Ints
from measurement.figures import Figures, facts_of
from measurement.gate import GateDecision, GateRule
from measurement.reference import plurality
from measurement.scale import TIE, Scale
from measurement.sheet import Sheet
from measurement.table import RatingTable
from measurement.verdicts import NO_VERDICT, Call, JudgeTable
from tests.simulations.people import People

RULE = GateRule()
RATERS = 3
Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked on `scale`, how people answer, and what a judge says.

    `right` has for each tested label the chances of the judge's labels when it agrees, `wrong`
    when it does not; the last column of both is "no verdict".
    """

    name: str
    scale: Scale
    people: People
    right: Rows
    wrong: Rows


@dataclass(frozen=True, slots=True)
class Sealed:
    """A set of `items` in clusters of these sizes (repeated), and a judge's true agreement.

    `icc` correlates the judge's agreement inside a cluster. With `follows_truth` the judge hits
    and misses the true label instead, and the raters' errors count against it; its agreement
    with the human label is still `share`.
    """

    question: Question
    items: int
    share: float = 0.8
    sizes: tuple[int, ...] = (1,)
    icc: float = 0.0
    follows_truth: bool = False

    def clusters(self) -> Ints:
        """The cluster of each item."""
        sizes = np.resize(self.sizes, self.items)
        return np.repeat(np.arange(self.items), sizes)[: self.items]

    def drawn(self, rng: np.random.Generator, trials: int) -> Batch:
        """So many sets, each with its people's votes."""
        people, scale = self.question.people, self.question.scale
        truth = rng.choice(len(people.prior), p=people.prior, size=(trials, self.items))
        votes = people.rated(rng, truth, RATERS)
        tested = scale.tested_codes()[votes]
        k = len(scale.tested().labels)
        counts = (tested[..., None] == np.arange(k)).sum(axis=2)
        labels = plurality(counts.reshape(-1, k)).reshape(trials, self.items)
        return Batch(self, truth, votes, labels, self.clusters())


@dataclass(frozen=True)
class Batch:
    """Many drawings of one set: `truth`, `labels` (tested; −1 contested) are trials x items,
    `votes` trials x items x raters, `clusters` one an item."""

    sealed: Sealed
    truth: Ints
    votes: Ints
    labels: Ints
    clusters: Ints

    @property
    def trials(self) -> int:
        return len(self.labels)

    def inside(self) -> Bools:
        """The gate's denominator: decided, and for pairs no tie of people."""
        tested = self.sealed.question.scale.tested()
        decided = self.labels >= 0
        if tested.is_pairwise:
            decided &= self.labels != tested.labels.index(TIE)
        return np.asarray(decided)

    def chances(self, rng: np.random.Generator, lean: Floats | None = None) -> Floats:
        """Each item's chance that a new judge agrees (trials x items), `share` on average.

        `lean` (one a trial) favours the higher of two labels at the cost of the lower one.
        """
        share, icc = self.sealed.share, self.sealed.icc
        if icc:
            total = 1 / icc - 1
            groups = int(self.clusters.max()) + 1
            drawn = rng.beta(share * total, (1 - share) * total, size=(self.trials, groups))
            return np.asarray(drawn[:, self.clusters])
        if self.sealed.follows_truth:
            right = accuracy_for(self.sealed.question.people, share)
            return np.where(self.truth == self.labels, right, 1 - right)
        if lean is None:
            return np.full(self.labels.shape, share)
        high = share_of_higher(self.sealed.question.people)
        shift = np.where(self.labels == 1, 1 - high, -high)
        return np.asarray(share + lean[:, None] * shift)

    def judged(self, rng: np.random.Generator, lean: Floats | None = None) -> Ints:
        """A new judge's verdicts on the scale (trials x items), −2 for none."""
        question = self.sealed.question
        agrees = rng.random(self.labels.shape) < self.chances(rng, lean)
        rows = np.array([question.wrong, question.right])
        steps = np.cumsum(rows, axis=2)[..., :-1]
        drawn = rng.random(self.labels.shape)
        cells = steps[agrees.astype(np.int64), np.maximum(self.labels, 0)]
        verdicts = (drawn[..., None] > cells).sum(axis=-1)
        return np.where(verdicts < len(question.scale.labels), verdicts, NO_VERDICT)

    def agrees(self, verdicts: Ints) -> Bools:
        """Where a judge counts as agreeing."""
        tested = self.sealed.question.scale.tested_codes()
        same = tested[np.maximum(verdicts, 0)] == self.labels
        return np.asarray(same & (verdicts >= 0) & self.inside())

    def bounds(self, verdicts: Ints, *, level: float, spare: int = 0) -> Floats:
        """The gate's lower bound in each trial, without the rest of the evidence."""
        agrees, inside = self.agrees(verdicts), self.inside()
        if len(np.unique(self.clusters)) == len(self.clusters):
            pairs = zip(agrees.sum(axis=1).tolist(), inside.sum(axis=1).tolist(), strict=True)
            return np.array([bound_of(max(0, hits - spare), n, level) for hits, n in pairs])
        rows = zip(agrees.astype(np.float64), inside.astype(np.float64), strict=True)
        found = (intervals.effective(*row, self.clusters, level=level) for row in rows)
        return np.array([one.lower_bound(level=level, spare=spare) for one in found])

    def decision(self, trial: int, verdicts: Ints, *, level: float, spare: int = 0) -> GateDecision:
        """What the product decides on one trial, from all of the evidence."""
        people, judge = self.tables(trial, verdicts)
        sheet = Sheet.of(
            people,
            judge,
            scale=self.sealed.question.scale,
            least_ratings=RULE.least_ratings,
            adjudicated=None,
        )
        evidence = Figures(sheet, level=level, seed=intervals.SEED, spare=spare).evidence()
        return gate.decide(facts_of(sheet, 0), evidence, RULE)

    def tables(self, trial: int, verdicts: Ints) -> tuple[RatingTable, JudgeTable]:
        """One trial as the tables that every command and report starts from."""
        scale = self.sealed.question.scale
        names = [f"item{place:04}" for place in range(self.sealed.items)]
        people = RatingTable.build(
            (name, f"rater{rater}", scale.labels[code], f"cluster{cluster}")
            for name, codes, cluster in zip(names, self.votes[trial], self.clusters, strict=True)
            for rater, code in enumerate(codes)
        )
        calls = (
            Call(name, scale.labels[code]) if code >= 0 else Call(name, "", outcome="refused")
            for name, code in zip(names, verdicts[trial], strict=True)
        )
        return people, JudgeTable.build(calls, scale=scale)

    def passes(self, verdicts: Ints, *, level: float, spare: int = 0) -> Bools:
        """Which trials the gate lets through.

        A pass needs the bound above the target with its hits to spare, so the bootstrap and the
        guards are only run where it is.
        """
        passed = self.bounds(verdicts, level=level, spare=spare) > RULE.target
        for trial in np.flatnonzero(passed):
            found = self.decision(int(trial), verdicts, level=level, spare=spare)
            passed[trial] = found.decision == "pass"
        return passed


@cache
def bound_of(hits: int, n: int, level: float) -> float:
    return intervals.lower_bound(hits, n, level=level) if n else 0.0


def majority_of_higher(people: People) -> Floats:
    """For each true label (of two) the chance that most raters give the higher one."""
    given = np.array(people.given)[:, 1]
    return np.asarray(given**3 + 3 * given**2 * (1 - given))


def share_of_higher(people: People) -> float:
    """How often the human label is the higher of two labels."""
    return float(np.array(people.prior) @ majority_of_higher(people))


def accuracy_for(people: People, share: float) -> float:
    """How often a judge must name the true label to agree with the human one in `share`."""
    higher = majority_of_higher(people)
    right = float(np.array(people.prior) @ np.array([1 - higher[0], higher[1]]))
    return (share - (1 - right)) / (2 * right - 1)


SILENT = 0.02
"""Of the misses, this share has no verdict at all."""


def yes_no(share: float, *, right: float) -> Question:
    """Two labels; raters name the true one so often."""
    people = People((1 - share, share), ((right, 1 - right), (1 - right, right)))
    wrong = ((0.0, 1 - SILENT, SILENT), (1 - SILENT, 0.0, SILENT))
    name = f"yes/no, {100 * share:g} % yes, raters right in {100 * right:g} %"
    scale = Scale(("no", "yes"))
    return Question(name, scale, people, ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)), wrong)


def preference() -> Question:
    """A, tie or B; the judge's misses are ties as often as the other side."""
    people = People((0.45, 0.1, 0.45), ((0.86, 0.07, 0.07), (0.15, 0.70, 0.15), (0.07, 0.07, 0.86)))
    right = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0))
    miss = (1 - SILENT) / 2
    wrong = ((0.0, miss, miss, SILENT), (miss, 0.0, miss, SILENT), (miss, miss, 0.0, SILENT))
    return Question("A or B with ties", Scale.pairwise(), people, right, wrong)


def rating() -> Question:
    """Points 1 to 5, acceptable from 4; the judge's misses lie next to the cut."""
    people = People(
        (0.08, 0.17, 0.25, 0.3, 0.2),
        (
            (0.80, 0.15, 0.05, 0.00, 0.00),
            (0.10, 0.70, 0.17, 0.03, 0.00),
            (0.02, 0.13, 0.72, 0.13, 0.00),
            (0.00, 0.02, 0.13, 0.70, 0.15),
            (0.00, 0.00, 0.03, 0.17, 0.80),
        ),
    )
    right = ((0.16, 0.34, 0.5, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.6, 0.4, 0.0))
    wrong = ((0.0, 0.0, 0.0, 1 - SILENT, 0.0, SILENT), (0.0, 0.0, 1 - SILENT, 0.0, 0.0, SILENT))
    return Question("1 – 5, acceptable from 4", Scale.points(1, 5, cut=4), people, right, wrong)
