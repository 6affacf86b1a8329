"""Labels counted by item: what every agreement figure starts from."""

from __future__ import annotations

from measurement.arrays import Floats, Ints, np
from measurement.scale import Scale
from measurement.table import RatingTable

NO_PAIR = "no item has two labels"
ONE_LABEL = "all labels are the same, so there is no disagreement to compare with"


def label_counts(items: Ints, codes: Ints, *, n_items: int, n_labels: int) -> Ints:
    """How many raters gave each label on each item, (items x labels); negative codes are none."""
    given = codes >= 0
    flat = items[given] * n_labels + codes[given]
    return np.bincount(flat, minlength=n_items * n_labels).reshape(n_items, n_labels)


def counts_of(table: RatingTable, scale: Scale) -> Ints:
    """The counts of a table on a scale, (items x labels of the scale)."""
    return label_counts(
        table.item_codes,
        table.coded(scale),
        n_items=len(table.items),
        n_labels=len(scale.labels),
    )


def agreeing_pairs(counts: Ints) -> tuple[Floats, Floats]:
    """For each item the pairs of votes that agree, and all its pairs."""
    votes = counts.sum(axis=1)
    return (counts * (counts - 1) / 2).sum(axis=1), votes * (votes - 1) / 2


def majority_of_others(counts: Ints, items: Ints, labels: Ints) -> Ints:
    """For each vote the strict majority of the item's other votes, −1 where they have none.

    `counts` (items x labels) hold all votes, `items` and `labels` the item and label of each.
    Only an item's two most frequent labels can be such a majority.
    """
    if counts.size == 0:
        return np.empty(0, dtype=np.int64)
    rows = np.arange(len(counts))
    first = counts.argmax(axis=1)
    rest = counts.copy()
    rest[rows, first] = 0
    second = rest.argmax(axis=1)
    most, next_most = counts[rows, first][items], rest[rows, second][items]
    is_first = labels == first[items]
    falls_back = is_first & (next_most >= most)
    candidate = np.where(falls_back, second[items], first[items])
    votes = np.where(falls_back, next_most, most - is_first)
    others = counts.sum(axis=1)[items] - 1
    return np.where(2 * votes > others, candidate, -1)
