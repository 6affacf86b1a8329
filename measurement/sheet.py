"""People's votes, their human label and the judge's label of one dimension, item by item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from measurement.arrays import Bools, Floats, Ints, np
from measurement.reference import CONTESTED, OUTSIDE, Reference, reference
from measurement.scale import TIE, Scale
from measurement.table import RatingTable
from measurement.verdicts import NO_VERDICT, JudgeTable


@dataclass(frozen=True)
class Sheet:
    """Arrays that all alignment figures share.

    One entry an item: `human` and `judge` on the tested labels, `human_points` and
    `judge_points` on the whole scale (negative: contested, outside, not applicable or no
    verdict), `clusters`. `counts` (items x tested labels) are the votes. One entry a vote with a
    label: `vote_items`, `vote_raters`, `votes` (tested) and `vote_points`.
    """

    people: RatingTable
    scale: Scale
    tested: Scale
    reference: Reference
    human: Ints
    human_points: Ints
    judge: Ints
    judge_points: Ints
    clusters: Ints
    counts: Ints
    vote_items: Ints
    vote_raters: Ints
    votes: Ints
    vote_points: Ints

    @classmethod
    def of(
        cls,
        people: RatingTable,
        judge: JudgeTable,
        *,
        scale: Scale,
        least_ratings: int,
        adjudicated: Mapping[str, str] | None,
    ) -> Sheet:
        """Put people and judge side by side. Raises OutsideScale."""
        found = reference(people, scale=scale, least_ratings=least_ratings, adjudicated=adjudicated)
        to_tested = scale.tested_codes()
        points = judge.coded(people.items, scale)
        codes = people.coded(scale)
        given = codes >= 0
        return cls(
            people=people,
            scale=scale,
            tested=scale.tested(),
            reference=found,
            human=found.labels,
            human_points=found.points,
            judge=_mapped(points, to_tested),
            judge_points=points,
            clusters=people.cluster_codes,
            counts=found.counts,
            vote_items=people.item_codes[given],
            vote_raters=people.rater_codes[given],
            votes=to_tested[codes[given]] if len(to_tested) else codes[given],
            vote_points=codes[given],
        )

    @cached_property
    def decided(self) -> Bools:
        """Items with a human label, ties of people among them."""
        return np.asarray(self.human >= 0)

    @cached_property
    def contested(self) -> Bools:
        return np.asarray(self.human == CONTESTED)

    @cached_property
    def outside(self) -> Bools:
        """Items of which most raters say that the question does not apply."""
        return np.asarray(self.human == OUTSIDE)

    @cached_property
    def answered(self) -> Bools:
        """Items with a verdict ("not applicable" is one)."""
        return np.asarray(self.judge != NO_VERDICT)

    @cached_property
    def has_mean(self) -> Bools:
        """Items of which somebody's vote is a label: a person may decide one without any."""
        return np.asarray(self.counts.sum(axis=1) > 0)

    @cached_property
    def denominator(self) -> Bools:
        """What the gate counts: decided items; for pairs those on which people prefer A or B."""
        if self.tested.is_pairwise:
            return np.asarray(self.decided & (self.human != self.tested.labels.index(TIE)))
        return self.decided

    @cached_property
    def agrees(self) -> Bools:
        """The judge's tested label is the human one; no verdict never agrees."""
        return np.asarray(self.decided & (self.judge == self.human))

    @cached_property
    def gate_labels(self) -> tuple[str, ...]:
        """The labels that the denominator can hold."""
        return tuple(
            label for label in self.tested.labels if not (self.tested.is_pairwise and label == TIE)
        )

    def human_means(self) -> Floats:
        """The mean of people's points for each item; nan without a vote."""
        numbers = self.scale.numbers()[self.vote_points]
        n = len(self.people.items)
        sizes = np.bincount(self.vote_items, minlength=n)
        with np.errstate(invalid="ignore"):
            return np.bincount(self.vote_items, weights=numbers, minlength=n) / sizes


def _mapped(codes: Ints, to_tested: Ints) -> Ints:
    if len(to_tested) == 0:
        return codes
    return np.where(codes >= 0, to_tested[np.maximum(codes, 0)], codes)
