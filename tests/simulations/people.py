"""People who label items by known chances, so that every true figure of them is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from measurement.arrays import Floats, Ints
from measurement.scale import Level


@dataclass(frozen=True, slots=True)
class People:
    """How labels come about: an item has a true label by `prior`; a rater gives label j of an
    item that is truly i with chance `given[i][j]`."""

    prior: tuple[float, ...]
    given: tuple[tuple[float, ...], ...]

    def votes(self, rng: np.random.Generator, shape: tuple[int, int], raters: int) -> Ints:
        """Labels (*shape x raters) of independent items."""
        return self.rated(rng, rng.choice(len(self.prior), p=self.prior, size=shape), raters)

    def rated(self, rng: np.random.Generator, truth: Ints, raters: int) -> Ints:
        """Labels (*truth x raters) of items with this true label."""
        steps = np.cumsum(np.array(self.given), axis=1)[:, :-1]
        drawn = rng.random((*truth.shape, raters))
        return np.asarray((drawn[..., None] > steps[truth][..., None, :]).sum(axis=-1))

    def true_alpha(self, level: Level) -> float:
        """1 − D_o / D_e of the whole population, from the chance of each pair of labels.

        Not the product's formula: it has no table, only probabilities.
        """
        prior, given = np.array(self.prior), np.array(self.given)
        joint = np.einsum("t,ti,tj->ij", prior, given, given)
        margin = joint.sum(axis=1)
        distance = _squared_distances(margin, level)
        return float(1 - (joint * distance).sum() / (margin @ distance @ margin))


def _squared_distances(margin: Floats, level: Level) -> Floats:
    places = np.arange(len(margin), dtype=np.float64)
    if level == "ordinal":
        places = np.cumsum(margin) - margin / 2
    gaps = (places[:, None] - places[None, :]) ** 2
    return (gaps > 0).astype(np.float64) if level == "nominal" else gaps


def keepers(prior: tuple[float, ...], *, truth_alpha: float) -> People:
    """Raters who keep the true label with chance √alpha and otherwise draw from the prior: any
    two of them then have this alpha at every level of measurement."""
    kept = truth_alpha**0.5
    rows = np.outer(np.ones(len(prior)), prior) * (1 - kept) + np.eye(len(prior)) * kept
    return People(prior, tuple(tuple(row) for row in rows.tolist()))
