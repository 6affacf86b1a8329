"""Rules that need no judge: what a judge has to beat to be one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from measurement import intervals
from measurement.arrays import Bools, Ints, np
from measurement.estimate import Estimate
from measurement.scale import PREFERRED, TIE
from measurement.sheet import Sheet
from measurement.verdicts import OK, JudgeTable

COMMONEST = "commonest_label"
LONGER = "longer_response"
Lengths = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Baseline:
    """A rule that needs no judge: its agreement, and judge − baseline on the same items."""

    name: str
    agreement: Estimate
    difference: Estimate

    def as_dict(self) -> dict[str, Any]:
        return {"agreement": self.agreement.as_dict(), "difference": self.difference.as_dict()}

    @property
    def is_cleared(self) -> bool:
        """The judge is better than the baseline, the whole interval says."""
        interval = self.difference.interval
        return interval is not None and interval.low > 0


def baselines(
    sheet: Sheet,
    lengths: Lengths | None,
    predictions: Mapping[str, Mapping[str, str]],
    *,
    seed: int,
) -> Iterator[Baseline]:
    """The commonest label, the longer response where lengths are known, and what was predicted.

    `predictions` maps a name to labels of the tested scale by item. All on the denominator.
    """
    inside = sheet.denominator
    if inside.any():
        commonest = int(np.bincount(sheet.human[inside]).argmax())
        yield _baseline(COMMONEST, sheet, np.full(len(sheet.human), commonest), inside, seed=seed)
    if lengths is not None and sheet.tested.is_pairwise:
        predictions = {LONGER: _longer(lengths), **predictions}
    for name, labels in predictions.items():
        table = JudgeTable(labels, dict.fromkeys(labels, OK))
        codes = table.coded(sheet.people.items, sheet.tested)
        known = np.array([item in labels for item in sheet.people.items], dtype=np.bool_)
        yield _baseline(name, sheet, codes, inside & known, seed=seed)


def _longer(lengths: Lengths) -> dict[str, str]:
    """The longer response of each pair; equal lengths are a tie."""
    one, other = PREFERRED
    return {
        item: TIE if length_a == length_b else one if length_a > length_b else other
        for item, (length_a, length_b) in lengths.items()
    }


def _baseline(
    name: str,
    sheet: Sheet,
    codes: Ints,
    among: Bools,
    *,
    seed: int,
) -> Baseline:
    right = (codes == sheet.human)[among].astype(np.float64)
    judge = sheet.agrees[among].astype(np.float64)
    clusters = sheet.clusters[among]
    because = "no decided item has what the baseline needs"
    return Baseline(
        name,
        intervals.share(right, np.ones(len(right)), clusters, because=because),
        intervals.mean_difference(judge - right, clusters, seed=seed, because=because),
    )
