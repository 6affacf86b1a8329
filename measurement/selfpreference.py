"""Does the judge find the responses of its own family better than people do?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from measurement import intervals
from measurement.arrays import Bools, Floats, np
from measurement.estimate import Estimate
from measurement.scale import PREFERRED
from measurement.sheet import Sheet

LEAST_ITEMS = 50


@dataclass(frozen=True, slots=True)
class SelfPreference:
    """How often the judge follows people to its own family, and to the others.

    `own` is P(judge prefers its own family | people do), `other` P(judge prefers the other |
    people do); n = items on which people have that preference. `difference` is own − other.
    """

    own: Estimate
    other: Estimate
    difference: Estimate

    def as_dict(self) -> dict[str, Any]:
        return {
            "own": self.own.as_dict(),
            "other": self.other.as_dict(),
            "difference": self.difference.as_dict(),
        }


def self_preference(
    sheet: Sheet, own: Mapping[str, str] | None, *, seed: int
) -> SelfPreference | None:
    """The difference of two recalls (Wataoka et al. 2024, arXiv 2410.21819); None without `own`.

    `own` says by item which side, A or B, comes from the judge's own family; items of which both
    or neither do are left out of it. Ties and missing verdicts of the judge are misses on both
    sides. Below 50 items on either side all three are undefined: they would mislead.
    """
    if own is None or not sheet.tested.is_pairwise:
        return None
    sides = np.array([own.get(item, "") for item in sheet.people.items])
    known = np.isin(sides, PREFERRED) & sheet.denominator
    human = np.array(sheet.tested.labels)[np.maximum(sheet.human, 0)]
    for_own: Bools = known & (human == sides)
    for_other: Bools = known & (human != sides)
    least = min(int(for_own.sum()), int(for_other.sum()))
    if least < LEAST_ITEMS:
        because = f"fewer than {LEAST_ITEMS} items on which people prefer either side"
        hidden = Estimate.undefined(because, n=least)
        return SelfPreference(hidden, hidden, hidden)
    return SelfPreference(
        _recall(sheet, for_own),
        _recall(sheet, for_other),
        _difference(sheet, for_own, for_other, seed),
    )


def _recall(sheet: Sheet, among: Bools) -> Estimate:
    hits = (sheet.agrees & among).astype(np.float64)
    return intervals.share(hits, among.astype(np.float64), sheet.clusters, because="no item")


def _difference(sheet: Sheet, for_own: Bools, for_other: Bools, seed: int) -> Estimate:
    either = for_own | for_other
    features = np.column_stack(
        [sheet.agrees & for_own, for_own, sheet.agrees & for_other, for_other]
    )[either].astype(np.float64)
    return intervals.bootstrapped(
        features, sheet.clusters[either], _gap, n=int(either.sum()), seed=seed
    )


def _gap(sums: Floats) -> Floats:
    return np.asarray(sums[:, 0] / sums[:, 1] - sums[:, 2] / sums[:, 3])
