"""Who was right? What a review draws, in which order, and what its answers come to. Pure."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

UNCLEAR = ""
"""What is answered where the guideline does not settle which label is right."""


class Outcome(StrEnum):
    """What the answers on an item come to."""

    JUDGE_WRONG = "judge_wrong"
    PEOPLE_WRONG = "people_wrong"
    BOTH_WRONG = "both_wrong"
    UPHELD = "upheld"
    UNCLEAR = "unclear"
    APART = "apart"
    OPEN = "open"


WORDS = {
    Outcome.JUDGE_WRONG: "the judge was wrong",
    Outcome.PEOPLE_WRONG: "people were wrong",
    Outcome.BOTH_WRONG: "both were wrong",
    Outcome.UPHELD: "both were right",
    Outcome.UNCLEAR: "the guideline is unclear",
    Outcome.APART: "reviewers differ",
    Outcome.OPEN: "not answered",
}
CORRECTABLE = frozenset({Outcome.PEOPLE_WRONG, Outcome.BOTH_WRONG})
"""Where the human label is not the one that was found right."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What judge and people say of an item, as they are held against each other."""

    item_id: int
    judge: str
    people: str

    @property
    def is_difference(self) -> bool:
        return self.judge != self.people


@dataclass(frozen=True, slots=True)
class Drawn:
    """An item of a review: its labels, the foil where they agree, and whether sides change."""

    labels: Labels
    foil: str
    is_swapped: bool


def draw(cases: Sequence[Labels], *, most: int, scale: Sequence[str], seed: int) -> list[Drawn]:
    """At most so many differences and as many agreements, both at random, in one random order.

    Beside a label that both gave stands a foil: drawn from what stands beside that label in the
    differences, so that a pair of labels does not tell what it is; else any other of the scale.
    """
    rng = random.Random(seed)  # noqa: S311 - an order to be told again, no secret
    differing = [case for case in cases if case.is_difference]
    agreeing = [case for case in cases if not case.is_difference]
    chosen = rng.sample(differing, min(most, len(differing)))
    sample = rng.sample(agreeing, min(len(chosen), len(agreeing)))
    beside: dict[str, list[str]] = defaultdict(list)
    for case in differing:
        beside[case.judge].append(case.people)
        beside[case.people].append(case.judge)
    drawn = [Drawn(case, "", rng.random() < 0.5) for case in chosen]
    for case in sample:
        foils = beside[case.judge] or [label for label in scale if label != case.judge]
        drawn.append(Drawn(case, rng.choice(foils), rng.random() < 0.5))
    rng.shuffle(drawn)
    return drawn


def found_right(answers: Collection[str]) -> str | None:
    """The label that more reviewers than any other call right (UNCLEAR is one), or None."""
    counted = Counter(answers).most_common(2)
    if not counted or (len(counted) > 1 and counted[0][1] == counted[1][1]):
        return None
    return counted[0][0]


def outcome(labels: Labels, answers: Collection[str]) -> Outcome:
    """What the reviewers' answers on one item, one each, come to."""
    if not answers:
        return Outcome.OPEN
    right = found_right(answers)
    if right is None:
        return Outcome.APART
    if right == UNCLEAR:
        return Outcome.UNCLEAR
    if right == labels.judge == labels.people:
        return Outcome.UPHELD
    if right == labels.judge:
        return Outcome.PEOPLE_WRONG
    return Outcome.JUDGE_WRONG if right == labels.people else Outcome.BOTH_WRONG
