"""The human label of an item, by one of three methods.

`plurality`: the label that more raters gave than any other. `median`: the middle of an odd number
of labels in order. `dawid_skene`: the likeliest label once each rater's errors are known, for many
or weak raters. Whatever the method, it decides an item or leaves it contested.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from measurement.arrays import Ints, np
from measurement.counts import label_counts
from measurement.dawidskene import DawidSkene, Votes, dawid_skene
from measurement.scale import Scale, TableError
from measurement.table import RatingTable

Method = Literal["plurality", "median", "dawid_skene"]

METHODS: tuple[Method, ...] = get_args(Method)
CONTESTED = -1
OUTSIDE = -2
_TIED = 1e-6


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


def likeliest(model: DawidSkene, counts: Ints) -> Ints:
    """The label with the highest posterior, −1 where two share it or fewer than two votes say.

    `counts` (items x labels) are the votes that the model was fitted on. Where the model says
    nothing, as when everybody gave one label, the plurality does.
    """
    if not model.is_defined:
        return plurality(counts)
    second, first = np.sort(model.posterior, axis=1)[:, -2:].T
    is_settled = (first - second > _TIED) & (counts.sum(axis=1) >= 2)
    return np.where(is_settled, model.posterior.argmax(axis=1), CONTESTED)


@dataclass(frozen=True, slots=True)
class Reference:
    """What people say about each item of a table.

    `labels` (one an item): the place on the tested scale, CONTESTED, or OUTSIDE when most raters
    found that the question does not apply. `points` the same on the whole scale. `counts` (items
    x tested labels) are the votes behind `labels`. `adjudicated` marks items that a named person
    decided.
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
    method: Method | None = None,
) -> Reference:
    """The human label of every item: by the cut if the scale has one, else on the scale itself.

    Unless a `method` is named, ratings without a cut go by the median, everything else (nominal
    and pairwise labels, pass/fail) by plurality. Items with fewer than `least_ratings` are
    contested. A decision in `adjudicated` (item to label of the scale) stands above the votes.
    Raises OutsideScale, and TableError for the median of labels without order.
    """
    codes = table.coded(scale)
    tested, to_tested = scale.tested(), scale.tested_codes()
    n = len(table.items)
    whole = label_counts(table.item_codes, codes, n_items=n, n_labels=len(scale.labels))
    mapped = np.where(codes >= 0, to_tested[codes], -1) if len(to_tested) else codes
    counts = label_counts(table.item_codes, mapped, n_items=n, n_labels=len(tested.labels))
    ratings = np.bincount(table.item_codes, minlength=n)
    for_points, for_labels = _methods(scale, method)
    points = _found(for_points, table, codes, whole)
    is_same = for_points == for_labels and tested.labels == scale.labels
    labels = points if is_same else _found(for_labels, table, mapped, counts)
    first, given = counts.max(axis=1, initial=0), counts.sum(axis=1)
    rivals = {"median": given}
    points = _settled(points, rivals.get(for_points, first), ratings, given, least_ratings)
    labels = _settled(labels, rivals.get(for_labels, first), ratings, given, least_ratings)
    by_hand = np.zeros(n, dtype=np.int64)
    places = {item: place for place, item in enumerate(table.items)} if adjudicated else {}
    for item, label in (adjudicated or {}).items():
        if item in places:
            place, code = places[item], scale.code(label)
            points[place] = code if code >= 0 else OUTSIDE
            labels[place] = to_tested[code] if code >= 0 else OUTSIDE
            by_hand[place] = 1
    return Reference(labels, points, counts, ratings, by_hand)


@dataclass(frozen=True, slots=True)
class SideBySide:
    """The tested labels of a table by each method that fits its scale, and Dawid-Skene's model.

    `labels` (method to one code an item) as in `Reference`; `counts` (items x tested labels).
    """

    labels: Mapping[Method, Ints]
    counts: Ints
    model: DawidSkene


def side_by_side(table: RatingTable, *, scale: Scale, least_ratings: int = 2) -> SideBySide:
    """Every item's label by plurality, by median where labels have an order, and by Dawid-Skene.

    Raises OutsideScale.
    """
    codes = on_tested_scale(table, scale)
    tested = scale.tested()
    n = len(table.items)
    counts = label_counts(table.item_codes, codes, n_items=n, n_labels=len(tested.labels))
    ratings = np.bincount(table.item_codes, minlength=n)
    model = dawid_skene(Votes.of_codes(table, codes, labels=len(tested.labels)))
    found: dict[Method, Ints] = {"plurality": plurality(counts)}
    if scale.has_order or scale.is_rating:
        found["median"] = median(counts)
    found["dawid_skene"] = likeliest(model, counts)
    first, given = counts.max(axis=1, initial=0), counts.sum(axis=1)
    labels = {
        name: _settled(one, given if name == "median" else first, ratings, given, least_ratings)
        for name, one in found.items()
    }
    return SideBySide(labels, counts, model)


def on_tested_scale(table: RatingTable, scale: Scale) -> Ints:
    """Each vote's place on the tested scale, -1 for "not applicable". Raises OutsideScale."""
    codes, to_tested = table.coded(scale), scale.tested_codes()
    return np.where(codes >= 0, to_tested[codes], -1) if len(to_tested) else codes


def _methods(scale: Scale, method: Method | None) -> tuple[Method, Method]:
    """How the point on the whole scale is found, and how the tested label."""
    if method == "median" and not (scale.has_order or scale.is_rating):
        raise TableError("A median needs labels in order.")
    if method is not None:
        return method, method
    of_points: Method = "median" if scale.is_rating else "plurality"
    return of_points, of_points if scale.cut is None else "plurality"


def _found(method: Method, table: RatingTable, codes: Ints, counts: Ints) -> Ints:
    """The label of each item by one method, −1 where it finds none."""
    if method == "median":
        return median(counts)
    if method == "dawid_skene":
        return likeliest(dawid_skene(Votes.of_codes(table, codes, labels=counts.shape[1])), counts)
    return plurality(counts)


def _settled(found: Ints, rival: Ints, ratings: Ints, given: Ints, least_ratings: int) -> Ints:
    """Contested when too thin, or when "not applicable" has as many as its `rival`.

    The rival is the most frequent label, for a median all labels. Most raters together put an
    item outside.
    """
    inapplicable = ratings - given
    settled = np.where(inapplicable >= rival, CONTESTED, found)
    settled = np.where(2 * inapplicable > ratings, OUTSIDE, settled)
    return np.where(ratings < least_ratings, CONTESTED, settled)
