"""Agreement on parts of the items: of a judge, for reading after a decision and never for making
it; and of people among themselves, by slice and over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from measurement import intervals
from measurement.adjust import holm
from measurement.arrays import Bools, Ints, np
from measurement.counts import NO_PAIR, agreeing_pairs, counts_of
from measurement.estimate import Estimate
from measurement.scale import Scale
from measurement.sheet import Sheet
from measurement.table import RatingTable
from measurement.verdicts import JudgeTable

LEAST_ITEMS = 30
MOST_BLOCKS = 12
ONE_SIDE = 0.025
"""The error on one side of the interval that is shown: a slice is below the target where the
p-value, adjusted by Holm for all slices, is no more than this."""
TOO_FEW = f"fewer than {LEAST_ITEMS} items have two ratings"


@dataclass(frozen=True, slots=True)
class Slice:
    """A judge's agreement on one slice; n = items of the denominator.

    `p_below` is the chance of so few hits, were the true agreement of the slice the target
    (exact, one-sided); `holm` the same adjusted for all slices that were looked at.
    """

    agreement: Estimate
    p_below: float
    holm: float

    def as_dict(self) -> dict[str, Any]:
        """The estimate, with both p-values beside it."""
        return {**self.agreement.as_dict(), "p_below": self.p_below, "holm": self.holm}


@dataclass(frozen=True, slots=True)
class TooSmall:
    """Values of one property with fewer than 30 items: how many, and their items together."""

    values: int
    items: int


@dataclass(frozen=True, slots=True)
class Slices:
    """Agreement by property and value, in the order of their names, and what is too small."""

    found: Mapping[str, Mapping[str, Slice]]
    too_small: Mapping[str, TooSmall]

    def as_dict(self) -> dict[str, Any]:
        return {
            name: {value: one.as_dict() for value, one in by_value.items()}
            for name, by_value in self.found.items()
        }

    def too_small_as_dict(self) -> dict[str, Any]:
        return {name: asdict(one) for name, one in self.too_small.items()}


def agreement_by_slice(
    people: RatingTable,
    judge: JudgeTable,
    *,
    scale: Scale,
    least_ratings: int,
    properties: Mapping[str, Mapping[str, str]],
    target: float,
    adjudicated: Mapping[str, str] | None = None,
) -> Slices:
    """Agreement on the denominator by each property that tells two values or more apart.

    `properties` maps a property to its value by item, `adjudicated` items to the label that a named
    person decided. Values of fewer than 30 items get no figure: their interval would say nothing.
    Raises OutsideScale.
    """
    sheet = Sheet.of(
        people, judge, scale=scale, least_ratings=least_ratings, adjudicated=adjudicated
    )
    counted: dict[str, dict[str, tuple[Estimate, float]]] = {}
    too_small = {}
    for name, value_of in properties.items():
        values = np.array([value_of.get(item, "") for item in people.items])
        names, sizes = np.unique(values[sheet.denominator & (values != "")], return_counts=True)
        if len(names) < 2:
            continue
        small = sizes < LEAST_ITEMS
        if small.any():
            too_small[name] = TooSmall(int(small.sum()), int(sizes[small].sum()))
        counted[name] = {str(value): _on(sheet, values == value, target) for value in names[~small]}
    raw = [p for by_value in counted.values() for _, p in by_value.values()]
    adjusted = iter(holm(raw))
    found = {
        name: {value: Slice(share, p, next(adjusted)) for value, (share, p) in by_value.items()}
        for name, by_value in counted.items()
        if by_value
    }
    return Slices(found, too_small)


def _on(sheet: Sheet, among: Bools, target: float) -> tuple[Estimate, float]:
    """The agreement on these items of the denominator, and the chance of so few hits."""
    counts = (sheet.denominator & among).astype(np.float64)
    hits = (sheet.agrees & sheet.denominator & among).astype(np.float64)
    share = intervals.share(hits, counts, sheet.clusters, because="no item of the slice is decided")
    worth = intervals.effective(hits, counts, sheet.clusters, level=ONE_SIDE)
    return share, worth.p_of_so_few(true=target)


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
    table: RatingTable, *, scale: Scale, ended: Mapping[str, date]
) -> list[tuple[date, Estimate]]:
    """The same for blocks of whole days, each with its last day, so that no day stands twice.

    `ended` maps items to the day on which their ratings were all in. At most twelve blocks of at
    least 30 items with two ratings; fewer at the end go into the last.
    """
    counts = counts_of(table, scale)
    # Days are counted from the first year; 0 is no day.
    days = np.array(
        [ended[item].toordinal() if item in ended else 0 for item in table.items], dtype=np.int64
    )
    days[counts.sum(axis=1) < 2] = 0
    found = []
    first = 1
    for last in _last_days(days[days > 0]):
        among = (days >= first) & (days <= last)
        found += [
            (date.fromordinal(last), figure) for _, figure in _pairs(table, scale, {"": among})
        ]
        first = last + 1
    return found


def _last_days(days: Ints) -> list[int]:
    """The day on which each block ends: the first on which it holds enough of the items."""
    known, sizes = np.unique(days, return_counts=True)
    enough = max(LEAST_ITEMS, -(-len(days) // MOST_BLOCKS))
    ends: list[int] = []
    held = 0
    for day, size in zip(known.tolist(), sizes.tolist(), strict=True):
        held += size
        if held >= enough:
            ends.append(day)
            held = 0
    if held >= LEAST_ITEMS:
        ends.append(int(known[-1]))
    elif held and ends:
        ends[-1] = int(known[-1])
    return ends


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
