"""Agreement on parts of the items: of a judge, for reading after a decision and never for making
it; and of people among themselves, by slice and over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from measurement import intervals
from measurement.arrays import Bools
from measurement.counts import NO_PAIR, agreeing_pairs, counts_of
from measurement.estimate import Estimate
from measurement.scale import Scale
from measurement.sheet import Sheet
from measurement.table import RatingTable
from measurement.verdicts import JudgeTable

LEAST_ITEMS = 30
MOST_BLOCKS = 12
TOO_FEW = f"fewer than {LEAST_ITEMS} items have two ratings"


def agreement_by_slice(
    people: RatingTable,
    judge: JudgeTable,
    *,
    scale: Scale,
    least_ratings: int,
    slices: Mapping[str, str],
    adjudicated: Mapping[str, str] | None = None,
) -> dict[str, Estimate]:
    """Agreement on the denominator by slice, in the order of their names; n = items.

    `slices` maps items to the name of their slice, `adjudicated` items to the label that a named
    person decided. Slices of fewer than 30 items are left out:
    their interval would say nothing. Raises OutsideScale.
    """
    sheet = Sheet.of(
        people, judge, scale=scale, least_ratings=least_ratings, adjudicated=adjudicated
    )
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


def pairs_by_slice(
    table: RatingTable, *, scale: Scale, slices: Mapping[str, str]
) -> dict[str, Estimate]:
    """People's pairs of votes that agree by slice, in the order of their names; n = pairs.

    `slices` maps items to the name of their slice. Not alpha: what chance would bring depends on
    how mixed the labels of a slice are, so alphas of slices do not compare. A slice of fewer than
    30 items with two ratings is undefined. Raises OutsideScale.
    """
    names = np.array([slices.get(item, "") for item in table.items])
    return dict(_pairs(table, scale, {name: names == name for name in set(names.tolist()) - {""}}))


def pairs_over_time(
    table: RatingTable, *, scale: Scale, ended: Mapping[str, float]
) -> list[tuple[float, Estimate]]:
    """The same for blocks of items in the order in which their ratings were all in.

    `ended` maps items to that moment (seconds). At most twelve equal blocks of at least 30 items
    with two ratings; the rest goes into the last. Each comes with the moment of its last item.
    """
    counts = counts_of(table, scale)
    has_ended = np.array([item in ended for item in table.items], dtype=np.bool_)
    places = np.flatnonzero((counts.sum(axis=1) >= 2) & has_ended)
    moments = np.array([ended[table.items[place]] for place in places])
    ordered = places[np.argsort(moments, kind="stable")]
    blocks = min(MOST_BLOCKS, len(ordered) // LEAST_ITEMS)
    found = []
    for block in np.array_split(ordered, blocks) if blocks else []:
        among = np.zeros(len(table.items), dtype=np.bool_)
        among[block] = True
        last = ended[table.items[block[-1]]]
        found += [(last, figure) for _, figure in _pairs(table, scale, {"": among})]
    return found


def _pairs(
    table: RatingTable, scale: Scale, parts: Mapping[str, Bools]
) -> Sequence[tuple[str, Estimate]]:
    counts = counts_of(table, scale)
    agreeing, pairs = agreeing_pairs(counts)
    found = []
    for name in sorted(parts):
        among = parts[name] & (pairs > 0)
        if among.sum() < LEAST_ITEMS:
            found.append((name, Estimate.undefined(TOO_FEW, n=int(pairs[among].sum()))))
            continue
        found.append(
            (
                name,
                intervals.share(
                    agreeing[among], pairs[among], table.cluster_codes[among], because=NO_PAIR
                ),
            )
        )
    return found
