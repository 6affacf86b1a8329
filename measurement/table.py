"""The labels of one dimension as arrays: what agreement is computed from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from measurement.arrays import Ints
from measurement.scale import Scale, TableError, label_text

_RATER_BITS = 31


class Vote(NamedTuple):
    """One rater's label on one item; `cluster` names what the item shares with its siblings."""

    item: str
    rater: str
    label: object
    cluster: str | None = None


@dataclass(frozen=True, slots=True)
class RatingTable:
    """The labels of one dimension, one row a vote, as arrays.

    `item_codes`, `rater_codes` and `label_codes` (all of length votes) point into `items`,
    `raters` and `labels`; `cluster_codes` has one entry an item. Items and raters stand in the
    order of their names, so the order of the rows changes no figure and no interval.
    A rater's later labels on an item are kept apart in `retests` (rows of item, first, later).
    """

    items: tuple[str, ...]
    raters: tuple[str, ...]
    labels: tuple[str, ...]
    item_codes: Ints
    rater_codes: Ints
    label_codes: Ints
    cluster_codes: Ints
    has_clusters: bool = False
    retests: Ints = field(default_factory=lambda: np.empty((0, 3), dtype=np.int64))

    @classmethod
    def build(cls, rows: Iterable[Vote | tuple[Any, ...]]) -> RatingTable:
        """Read rows of (item, rater, label[, cluster]); an empty label is a missing one.

        The first label of a rater on an item counts. Raises TableError when two rows put one
        item into different clusters.
        """
        items: dict[str, int] = {}
        raters: dict[str, int] = {}
        labels: dict[str, int] = {}
        clusters: dict[int, str] = {}
        first: dict[int, int] = {}
        later: list[tuple[int, int, int]] = []
        for row in rows:
            text = label_text(row[2])
            if not text:
                continue
            item = items.setdefault(str(row[0]), len(items))
            rater = raters.setdefault(str(row[1]), len(raters))
            label = labels.setdefault(text, len(labels))
            _note_cluster(clusters, item, row)
            key = item << _RATER_BITS | rater
            if key in first:
                later.append((item, first[key], label))
            else:
                first[key] = label
        return _assemble(items, raters, labels, clusters, first, later)

    @property
    def repeats(self) -> int:
        """How many labels were left out because the rater had labelled the item before."""
        return len(self.retests)

    @property
    def clusters(self) -> int:
        """How many clusters the items fall into; without clusters each item is its own."""
        return len(np.unique(self.cluster_codes))

    def with_at_least(self, ratings: int) -> RatingTable:
        """The items that this many raters rated ("not applicable" counts), with their rows."""
        enough = np.bincount(self.item_codes, minlength=len(self.items)) >= ratings
        if enough.all():
            return self
        kept = enough[self.item_codes]
        place = np.cumsum(enough) - 1
        retests = self.retests[enough[self.retests[:, 0]]]
        return replace(
            self,
            items=tuple(name for name, keep in zip(self.items, enough, strict=True) if keep),
            item_codes=place[self.item_codes[kept]],
            rater_codes=self.rater_codes[kept],
            label_codes=self.label_codes[kept],
            cluster_codes=self.cluster_codes[enough],
            retests=np.column_stack([place[retests[:, 0]], retests[:, 1:]]),
        )

    def coded(self, scale: Scale) -> Ints:
        """Each vote's place on the scale; −1 for "not applicable". Raises OutsideScale."""
        if not self.labels:
            return np.empty(0, dtype=np.int64)
        return scale.codes(self.labels)[self.label_codes]


def _note_cluster(clusters: dict[int, str], item: int, row: Sequence[Any]) -> None:
    cluster = label_text(row[3]) if len(row) > 3 else ""
    if cluster and clusters.setdefault(item, cluster) != cluster:
        raise TableError(
            f"Item {row[0]} is in cluster {clusters[item]} in one row and in {cluster} in another."
        )


def _assemble(
    items: dict[str, int],
    raters: dict[str, int],
    labels: dict[str, int],
    clusters: dict[int, str],
    first: dict[int, int],
    later: list[tuple[int, int, int]],
) -> RatingTable:
    item_names, item_rank = _sorted_names(items)
    rater_names, rater_rank = _sorted_names(raters)
    label_names, label_rank = _sorted_names(labels)
    keys = np.fromiter(first.keys(), dtype=np.int64, count=len(first))
    codes = np.fromiter(first.values(), dtype=np.int64, count=len(first))
    item_codes = item_rank[keys >> _RATER_BITS]
    rater_codes = rater_rank[keys & (1 << _RATER_BITS) - 1]
    order = np.lexsort((rater_codes, item_codes))
    retests = np.array(later, dtype=np.int64).reshape(-1, 3)
    return RatingTable(
        items=item_names,
        raters=rater_names,
        labels=label_names,
        item_codes=item_codes[order],
        rater_codes=rater_codes[order],
        label_codes=label_rank[codes][order],
        cluster_codes=cluster_codes(
            item_names, {n: clusters[i] for n, i in items.items() if i in clusters}
        ),
        has_clusters=bool(clusters),
        retests=np.column_stack([item_rank[retests[:, 0]], label_rank[retests[:, 1:]]]),
    )


def _sorted_names(codes: Mapping[str, int]) -> tuple[tuple[str, ...], Ints]:
    """Names in order, and for each code given at first sight its place in that order."""
    names = tuple(sorted(codes))
    rank = np.empty(len(names), dtype=np.int64)
    for place, name in enumerate(names):
        rank[codes[name]] = place
    return names, rank


def cluster_codes(items: Sequence[str], clusters: Mapping[str, str]) -> Ints:
    """One code an item: siblings share one; an item without a cluster is its own."""
    seen: dict[tuple[bool, str], int] = {}
    keys = [(item in clusters, clusters.get(item, item)) for item in items]
    return np.array([seen.setdefault(key, len(seen)) for key in keys], dtype=np.int64)
