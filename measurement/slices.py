"""The gate's agreement on parts of the items: for reading after a decision, never for making it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from measurement import intervals
from measurement.estimate import Estimate
from measurement.scale import Scale
from measurement.sheet import Sheet
from measurement.table import RatingTable
from measurement.verdicts import JudgeTable

LEAST_ITEMS = 30


def agreement_by_slice(
    people: RatingTable,
    judge: JudgeTable,
    *,
    scale: Scale,
    least_ratings: int,
    slices: Mapping[str, str],
) -> dict[str, Estimate]:
    """Agreement on the denominator by slice, in the order of their names; n = items.

    `slices` maps items to the name of their slice. Slices of fewer than 30 items are left out:
    their interval would say nothing. Raises OutsideScale.
    """
    sheet = Sheet.of(people, judge, scale=scale, least_ratings=least_ratings, adjudicated=None)
    names = np.array([slices.get(item, "") for item in people.items])
    found = {}
    for name in sorted(set(slices.values()) - {""}):
        among = sheet.denominator & (names == name)
        if among.sum() < LEAST_ITEMS:
            continue
        found[name] = intervals.share(
            (sheet.agrees & among).astype(np.float64),
            among.astype(np.float64),
            sheet.clusters,
            because="no item of the slice has a decided human label",
        )
    return found
