"""The human label of an item: strict plurality, or the median of an odd number of labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from measurement.arrays import Ints
from measurement.counts import label_counts
from measurement.scale import Scale
from measurement.table import RatingTable

CONTESTED = -1
OUTSIDE = -2


def plurality(counts: Ints) -> Ints:
    """The label that more raters gave than any other, −1 where the first place is shared.

    `counts` (items x labels). One vote alone is no plurality of independent votes: −1.
    """
    if counts.shape[1] == 0:
        return np.full(len(counts), CONTESTED, dtype=np.int64)
    most = counts.max(axis=1)
    is_alone = (counts == most[:, None]).sum(axis=1) == 1
    return np.where(is_alone & (counts.sum(axis=1) >= 2), counts.argmax(axis=1), CONTESTED)


def median(counts: Ints) -> Ints:
    """The middle label of an ordered scale, −1 where two different labels share the middle."""
    votes = counts.sum(axis=1)
    cumulated = counts.cumsum(axis=1)
    low = (cumulated > ((votes - 1) // 2)[:, None]).argmax(axis=1)
    high = (cumulated > (votes // 2)[:, None]).argmax(axis=1)
    return np.where((low == high) & (votes >= 2), low, CONTESTED)


@dataclass(frozen=True, slots=True)
class Reference:
    """What people say about each item of a table.

    `labels` (one an item): the place on the tested scale, CONTESTED, or OUTSIDE when most raters
    found that the question does not apply. `points` the same on the whole scale (a rating's
    median). `counts` (items x tested labels) are the votes behind `labels`. `adjudicated` marks
    items that a named person decided.
    """

    labels: Ints
    points: Ints
    counts: Ints
    ratings: Ints
    adjudicated: Ints


def reference(
    table: RatingTable,
    *,
    scale: Scale,
    least_ratings: int = 2,
    adjudicated: Mapping[str, str] | None = None,
) -> Reference:
    """The human label of every item: by the cut if the scale has one, else on the scale itself.

    Nominal and pairwise labels and pass/fail: strict plurality. Ratings without a cut: median.
    Items with fewer than `least_ratings` are contested. A decision in `adjudicated` (item to
    label of the scale) stands above the votes.
    """
    codes = table.coded(scale)
    tested, to_tested = scale.tested(), scale.tested_codes()
    n = len(table.items)
    whole = label_counts(table.item_codes, codes, n_items=n, n_labels=len(scale.labels))
    mapped = np.where(codes >= 0, to_tested[codes], -1) if len(to_tested) else codes
    counts = label_counts(table.item_codes, mapped, n_items=n, n_labels=len(tested.labels))
    ratings = np.bincount(table.item_codes, minlength=n)
    points = median(whole) if scale.is_rating else plurality(whole)
    by_median = scale.is_rating and scale.cut is None
    labels = points if by_median else plurality(counts)
    first, given = counts.max(axis=1, initial=0), counts.sum(axis=1)
    points = _settled(points, given if scale.is_rating else first, ratings, given, least_ratings)
    labels = _settled(labels, given if by_median else first, ratings, given, least_ratings)
    by_hand = np.zeros(n, dtype=np.int64)
    places = {item: place for place, item in enumerate(table.items)} if adjudicated else {}
    for item, label in (adjudicated or {}).items():
        if item in places:
            place, code = places[item], scale.code(label)
            points[place] = code if code >= 0 else OUTSIDE
            labels[place] = to_tested[code] if code >= 0 else OUTSIDE
            by_hand[place] = 1
    return Reference(labels, points, counts, ratings, by_hand)


def _settled(found: Ints, rival: Ints, ratings: Ints, given: Ints, least_ratings: int) -> Ints:
    """Contested when too thin, or when "not applicable" has as many as its `rival`.

    The rival is the first label of a plurality, all labels of a median. Most raters together
    put an item outside.
    """
    inapplicable = ratings - given
    settled = np.where(inapplicable >= rival, CONTESTED, found)
    settled = np.where(2 * inapplicable > ratings, OUTSIDE, settled)
    return np.where(ratings < least_ratings, CONTESTED, settled)
