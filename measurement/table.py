"""The labels of one dimension as arrays: what agreement is computed from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, NamedTuple

from measurement.arrays import Bools, Ints, distinct, np
from measurement.scale import Scale, TableError, label_text

_RATER_BITS = 31
_ROWS_AT_ONCE = 500
_TEXTS = frozenset({str, type(None)})


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

        The first label of a rater on an item counts. Any iterable of tuples does: rows are read
        in portions and kept as numbers only. Raises TableError when two rows put one item into
        different clusters.
        """
        items, raters, labels, clusters = _Column(str), _Column(str), _Column(), _Column()
        for portion in _portions(rows):
            items.read([row[0] for row in portion])
            raters.read([row[1] for row in portion])
            labels.read([row[2] for row in portion])
            clusters.read([row[3] if len(row) > 3 else None for row in portion])
        label_names, label_codes = labels.coded()
        kept = label_codes >= 0
        item_names, item_codes = items.coded(kept)
        rater_names, rater_codes = raters.coded(kept)
        cluster_names, in_cluster = clusters.coded(kept)
        _refuse_two_clusters(item_names, item_codes, cluster_names, in_cluster)
        rows_first, retests = _first_and_later(item_codes, rater_codes, label_codes[kept])
        return cls(
            items=item_names,
            raters=rater_names,
            labels=label_names,
            item_codes=item_codes[rows_first],
            rater_codes=rater_codes[rows_first],
            label_codes=label_codes[kept][rows_first],
            cluster_codes=_cluster_codes(len(item_names), item_codes, in_cluster),
            has_clusters=bool(cluster_names),
            retests=retests,
        )

    @property
    def repeats(self) -> int:
        """How many labels were left out because the rater had labelled the item before."""
        return len(self.retests)

    @property
    def clusters(self) -> int:
        """How many clusters the items fall into; without clusters each item is its own."""
        return distinct(self.cluster_codes)

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


class _Column:
    """One column of the rows: each value's number in the order of first sight."""

    def __init__(self, text: Callable[[object], str] = label_text) -> None:
        self._text = text
        self._numbers = _Numbers()
        self._codes: list[Ints] = []

    def read(self, values: list[object]) -> None:
        """Take in the next values. Only texts are told apart as they are: 1 and True are equal."""
        if not _TEXTS.issuperset(map(type, values)):
            values = [self._text(value) for value in values]
        found = map(self._numbers.__getitem__, values)
        self._codes.append(np.fromiter(found, dtype=np.int64, count=len(values)))

    def coded(self, kept: Bools | None = None) -> tuple[tuple[str, ...], Ints]:
        """The distinct texts of the rows kept, in order, and each row's place among them.

        A label or cluster without a text has the place −1.
        """
        codes = np.concatenate([np.empty(0, dtype=np.int64), *self._codes])
        codes = codes if kept is None else codes[kept]
        is_used = np.bincount(codes, minlength=len(self._numbers)) > 0
        texts = [self._text(value) for value in self._numbers]
        wanted = {text for text, used in zip(texts, is_used, strict=True) if used}
        names = tuple(sorted(wanted - {""} if self._text is label_text else wanted))
        places = {name: place for place, name in enumerate(names)}
        place_of = np.array([places.get(text, -1) for text in texts], dtype=np.int64)
        return names, place_of[codes]


class _Numbers(dict[object, int]):
    """A number for each key, given at first sight."""

    def __missing__(self, key: object) -> int:
        self[key] = number = len(self)
        return number


def _portions(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    remaining = iter(rows)
    while portion := list(islice(remaining, _ROWS_AT_ONCE)):
        yield portion


def _refuse_two_clusters(
    items: Sequence[str], item_codes: Ints, clusters: Sequence[str], in_cluster: Ints
) -> None:
    named = in_cluster >= 0
    item_codes, in_cluster = item_codes[named], in_cluster[named]
    first = _first_clusters(len(items), item_codes, in_cluster)
    moved = first[item_codes] != in_cluster
    if moved.any():
        row = int(moved.argmax())
        item, other = item_codes[row], clusters[in_cluster[row]]
        raise TableError(
            f"Item {items[item]} is in cluster {clusters[first[item]]} in one row "
            f"and in {other} in another."
        )


def _first_clusters(n_items: int, item_codes: Ints, in_cluster: Ints) -> Ints:
    """Each item's cluster in the first row that names one; −1 without any."""
    named = in_cluster >= 0
    first = np.full(n_items, -1, dtype=np.int64)
    first[item_codes[named][::-1]] = in_cluster[named][::-1]
    return first


def _cluster_codes(n_items: int, item_codes: Ints, in_cluster: Ints) -> Ints:
    """One code an item, in the order of items: siblings share one, others have their own."""
    first = _first_clusters(n_items, item_codes, in_cluster)
    alone = first < 0
    if alone.all():
        return np.arange(n_items)
    first[alone] = first.max() + 1 + np.flatnonzero(alone)
    _, seen_at, places = np.unique(first, return_index=True, return_inverse=True)
    rank = np.empty(len(seen_at), dtype=np.int64)
    rank[np.argsort(seen_at)] = np.arange(len(seen_at))
    return rank[places]


def _first_and_later(item_codes: Ints, rater_codes: Ints, label_codes: Ints) -> tuple[Ints, Ints]:
    """The rows that count, by item and rater; and item, first and later label of the repeats.

    The repeats stand in the order of the rows.
    """
    keys = item_codes << _RATER_BITS | rater_codes
    order = np.argsort(keys, kind="stable")
    is_first = np.concatenate([[True], np.diff(keys[order]) != 0])[: len(order)]
    rows = order[is_first]
    counted = rows[np.cumsum(is_first) - 1]
    later = order[~is_first]
    firsts = label_codes[counted[~is_first]]
    retests = np.column_stack([item_codes[later], firsts, label_codes[later]])
    return rows, retests[np.argsort(later)]
