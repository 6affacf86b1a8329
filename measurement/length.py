"""Does the judge go by length, more than people do on the same pairs?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from measurement import intervals, logistic
from measurement.arrays import Bools, Floats, Ints, np
from measurement.baselines import Lengths
from measurement.estimate import Estimate, Interval
from measurement.scale import PAIRWISE, TIE
from measurement.sheet import Sheet

NO_PREFERENCE = "no pair of different lengths has a preference"
NO_SHARED = "no pair of different lengths has a preference of both"
SAME_LENGTHS = "the two responses differ by the same length in every pair"
_TIE = PAIRWISE.index(TIE)


@dataclass(frozen=True, slots=True)
class LengthModel:
    """logit P(A) = intercept + slope · tanh(ΔL / sd), ties as half a preference.

    `raw` is the share of A, `length_controlled` what the model expects of A at equal lengths.
    n = items with a label.
    """

    intercept: Estimate
    slope: Estimate
    raw: Estimate
    length_controlled: Estimate

    def as_dict(self) -> dict[str, Any]:
        return {
            "intercept": self.intercept.as_dict(),
            "slope": self.slope.as_dict(),
            "raw": self.raw.as_dict(),
            "length_controlled": self.length_controlled.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class LengthEffect:
    """How far length goes with preference, for the judge and for people.

    `people_longer` and `judge_longer` are the shares of preferences for the longer response, each
    over its own preferences; `…_same_items` over the pairs on which both have one, with the
    paired `difference` judge − people: only that is bias. `judge_own_slope` is the slope that is
    left to the judge when the human label is known. `pairs` have two known lengths, in
    characters or whatever they were counted in; `sd` is that of their differences.
    """

    pairs: int
    sd: float | None
    people_longer: Estimate
    judge_longer: Estimate
    people_same_items: Estimate
    judge_same_items: Estimate
    difference: Estimate
    people: LengthModel
    judge: LengthModel
    judge_own_slope: Estimate

    def as_dict(self) -> dict[str, Any]:
        return {
            "pairs": self.pairs,
            "sd": self.sd,
            "longer": {
                "people": self.people_longer.as_dict(),
                "judge": self.judge_longer.as_dict(),
                "people_same_items": self.people_same_items.as_dict(),
                "judge_same_items": self.judge_same_items.as_dict(),
                "difference": self.difference.as_dict(),
            },
            "people": self.people.as_dict(),
            "judge": self.judge.as_dict(),
            "judge_own_slope": self.judge_own_slope.as_dict(),
        }


def length_effect(sheet: Sheet, lengths: Lengths | None, *, seed: int) -> LengthEffect | None:
    """The length effect of pairs whose lengths are known; None for other labels or without any.

    Verdicts that are missing, contested items and "not applicable" are out. Definitions: Dubois
    et al. 2024, arXiv 2404.04475, without its term for the instruction and without a penalty.
    """
    if lengths is None or not sheet.tested.is_pairwise:
        return None
    differences = np.array(
        [np.subtract(*lengths[item]) if item in lengths else np.nan for item in sheet.people.items],
        dtype=np.float64,
    )
    known = ~np.isnan(differences)
    sd = float(differences[known].std(ddof=1)) if known.sum() > 1 else 0.0
    longer = _Longer(sheet, differences)
    return LengthEffect(
        pairs=int(known.sum()),
        sd=sd or None,
        people_longer=longer.share(longer.people, longer.people_prefer, NO_PREFERENCE),
        judge_longer=longer.share(longer.judge, longer.judge_prefers, NO_PREFERENCE),
        people_same_items=longer.share(longer.people, longer.both, NO_SHARED),
        judge_same_items=longer.share(longer.judge, longer.both, NO_SHARED),
        difference=longer.difference(seed),
        people=_model(sheet, sheet.human >= 0, _share_of_a(sheet.human), differences, sd),
        judge=_model(sheet, sheet.judge >= 0, _share_of_a(sheet.judge), differences, sd),
        judge_own_slope=_own_slope(sheet, differences, sd),
    )


class _Longer:
    """Whose preference goes to the longer response, pair by pair."""

    def __init__(self, sheet: Sheet, differences: Floats) -> None:
        self.sheet = sheet
        longer = np.where(differences > 0, PAIRWISE.index("A"), PAIRWISE.index("B"))
        with np.errstate(invalid="ignore"):
            unequal = np.abs(differences) > 0
        self.people: Bools = sheet.human == longer
        self.judge: Bools = sheet.judge == longer
        self.people_prefer: Bools = unequal & (sheet.human >= 0) & (sheet.human != _TIE)
        self.judge_prefers: Bools = unequal & (sheet.judge >= 0) & (sheet.judge != _TIE)
        self.both: Bools = self.people_prefer & self.judge_prefers

    def share(self, hits: Bools, among: Bools, because: str) -> Estimate:
        counted = (hits & among).astype(np.float64)
        return intervals.share(counted, among.astype(float), self.sheet.clusters, because=because)

    def difference(self, seed: int) -> Estimate:
        differences = self.judge.astype(np.float64) - self.people
        clusters = self.sheet.clusters[self.both]
        return intervals.mean_difference(
            differences[self.both], clusters, seed=seed, because=NO_SHARED
        )


def _share_of_a(labels: Ints) -> Floats:
    """1 for A, ½ for a tie, 0 for B."""
    return np.asarray(1 - labels / 2, dtype=np.float64)


def _model(
    sheet: Sheet, labelled: Bools, outcomes: Floats, differences: Floats, sd: float
) -> LengthModel:
    among = labelled & ~np.isnan(differences)
    y, clusters = outcomes[among], sheet.clusters[among]
    raw = intervals.share(y, np.ones(len(y)), clusters, because=logistic.NO_OUTCOME)
    if sd == 0:
        none = Estimate.undefined(SAME_LENGTHS, n=len(y))
        return LengthModel(none, none, raw, none)
    fitted = logistic.fit(_design(differences[among], sd), y, clusters)
    intercept = fitted.estimate(0)
    return LengthModel(intercept, fitted.estimate(1), raw, _as_share(intercept))


def _own_slope(sheet: Sheet, differences: Floats, sd: float) -> Estimate:
    """The slope beside the human label, which enters as 1 for A, 0 for a tie and −1 for B.

    One coefficient is enough: by symmetry a tie of people moves the judge to neither side.
    """
    among = (sheet.judge >= 0) & (sheet.human >= 0) & ~np.isnan(differences)
    if sd == 0:
        return Estimate.undefined(SAME_LENGTHS, n=int(among.sum()))
    design = _design(differences[among], sd)
    human = (1 - sheet.human[among]).astype(np.float64)
    fitted = logistic.fit(
        np.column_stack([design, human]), _share_of_a(sheet.judge[among]), sheet.clusters[among]
    )
    return fitted.estimate(1)


def _design(differences: Floats, sd: float) -> Floats:
    return np.column_stack([np.ones(len(differences)), np.tanh(differences / sd)])


def _as_share(odds: Estimate) -> Estimate:
    """The share that the intercept stands for; the interval is carried over."""
    if odds.value is None:
        return odds
    bounds = odds.interval
    ends = (odds.value,) if bounds is None else (odds.value, bounds.low, bounds.high)
    value, *shares = logistic.logistic(np.array(ends)).tolist()
    interval = None
    if bounds is not None:
        interval = Interval(shares[0], shares[1], bounds.level, bounds.method)
    return Estimate(value, odds.n, interval)
