"""How far apart the labels of one item are: which items to talk about first."""

from __future__ import annotations

from measurement.arrays import Floats, Ints, np


def mean_distance(counts: Ints, *, has_order: bool) -> Floats:
    """For each item the mean distance of two of its labels, 0 to 1.

    `counts` (items x labels) holds how many raters gave each label, lowest first. With an order
    the distance is in points of the scale, as a part of its range; without one it is the share
    of pairs that differ. An item with fewer than two labels has none: 0.
    """
    votes = counts.sum(axis=1)
    pairs = votes * (votes - 1) / 2
    if has_order:
        below = counts.cumsum(axis=1)[:, :-1]
        # Between two neighbours on the scale lies every pair with one label on each side.
        apart = (below * (votes[:, None] - below)).sum(axis=1) / max(counts.shape[1] - 1, 1)
    else:
        apart = pairs - (counts * (counts - 1) / 2).sum(axis=1)
    return np.where(pairs > 0, apart / np.maximum(pairs, 1), 0.0)
