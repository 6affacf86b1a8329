"""How far agreement moved between two samples of different items: before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from measurement.agreement import percent_agreement
from measurement.alpha import alpha_replicates
from measurement.arrays import Ints, np
from measurement.counts import counts_of
from measurement.estimate import Estimate, Interval
from measurement.intervals import SEED, Replicates
from measurement.scale import Scale
from measurement.table import RatingTable

BEFORE, AFTER = "before: ", "after: "
NO_SPREAD = "all pairs of one sample agree, so resampling cannot show how far alpha may be from 1"
ONE_UNIT = "one sample has a single item (or cluster), so it shows no spread"
_OTHER_DRAWS = 1


@dataclass(frozen=True, slots=True)
class Change:
    """One dimension in two samples that share no item, and the difference after − before.

    The difference's n is the items (alpha) or pairs of votes (agreement) of both together.
    """

    alpha_before: Estimate
    alpha_after: Estimate
    alpha: Estimate
    agreement_before: Estimate
    agreement_after: Estimate
    agreement: Estimate

    def as_dict(self) -> dict[str, Any]:
        """Each figure in its JSON form, by its name."""
        return {name: getattr(self, name).as_dict() for name in self.__slots__}


def change(before: RatingTable, after: RatingTable, *, scale: Scale, seed: int = SEED) -> Change:
    """Alpha and percent agreement of both samples, and how far each moved.

    The items of the two samples have to be others (and of other clusters): only then are the two
    figures independent. Raises OutsideScale for a label that the scale does not have.
    """
    first, second = _counts(before, scale), _counts(after, scale)
    alphas = [
        alpha_replicates(
            counts,
            clusters,
            level=scale.level,
            numbers=scale.numbers(),
            # Other draws for the second sample: the same ones would move together with the first.
            seed=seed + place * _OTHER_DRAWS,
        )
        for place, (counts, clusters) in enumerate((first, second))
    ]
    (alpha_before, drawn_before), (alpha_after, drawn_after) = alphas
    agreed_before, agreed_after = percent_agreement(*first), percent_agreement(*second)
    return Change(
        alpha_before=alpha_before,
        alpha_after=alpha_after,
        alpha=resampled_difference(alpha_before, drawn_before, alpha_after, drawn_after),
        agreement_before=agreed_before,
        agreement_after=agreed_after,
        agreement=difference_of_shares(agreed_before, agreed_after),
    )


def resampled_difference(
    before: Estimate,
    drawn_before: Replicates | None,
    after: Estimate,
    drawn_after: Replicates | None,
) -> Estimate:
    """after − before of two independent samples, each resampled by itself.

    The interval is the middle 95 % of the differences of the replicates (percentile bootstrap of
    two independent samples; Efron and Tibshirani 1993, chapter 8); pairs of which one has no value
    are left out. No interval where one sample shows no spread; undefined where a figure is.
    """
    undefined = _undefined(before, after)
    if undefined is not None:
        return undefined
    assert before.value is not None
    assert after.value is not None
    moved, n = after.value - before.value, before.n + after.n
    if drawn_before is None or drawn_after is None:
        return Estimate(moved, n, None, ONE_UNIT)
    if 1.0 in (before.value, after.value):
        return Estimate(moved, n, None, NO_SPREAD)
    units = min(drawn_before.units, drawn_after.units)
    if units < 2:
        return Estimate(moved, n, None, ONE_UNIT)
    drawn = Replicates(drawn_after.values - drawn_before.values, units, "independent")
    return Estimate(moved, n, drawn.interval())


def difference_of_shares(before: Estimate, after: Estimate) -> Estimate:
    """after − before of two independent shares that come with Wilson's intervals.

    Newcombe's interval from the two (1998, method 10, doi 10.1002/(SICI)1097-0258(19980430)
    17:8<873::AID-SIM779>3.0.CO;2-I): it has a width also where one share is 0 or 1.
    """
    undefined = _undefined(before, after)
    if undefined is not None:
        return undefined
    assert before.value is not None
    assert after.value is not None
    moved, n = after.value - before.value, before.n + after.n
    one, other = before.interval, after.interval
    if one is None or other is None:
        return Estimate(moved, n, None, ONE_UNIT)
    down = float(np.hypot(after.value - other.low, one.high - before.value))
    up = float(np.hypot(other.high - after.value, before.value - one.low))
    low, high = max(-1.0, moved - down), min(1.0, moved + up)
    return Estimate(moved, n, Interval(low, high, one.level, "Newcombe"))


def _undefined(before: Estimate, after: Estimate) -> Estimate | None:
    for when, figure in ((BEFORE, before), (AFTER, after)):
        if not figure.is_defined:
            return Estimate.undefined(when + figure.undefined_because, n=before.n + after.n)
    return None


def _counts(table: RatingTable, scale: Scale) -> tuple[Ints, Ints]:
    return counts_of(table, scale), table.cluster_codes
