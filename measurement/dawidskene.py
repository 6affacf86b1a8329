"""Dawid and Skene's model (1979, doi 10.2307/2346806): labels and raters' errors found together.

Each item has one true label, and each rater confuses labels in a way of their own. EM starts
from the shares of the votes and alternates: which labels the items are likely to have, given the
raters' confusion, and the other way round. All in logarithms, and no step goes item by item.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from measurement.arrays import Bools, Floats, Ints, np
from measurement.scale import Scale
from measurement.table import RatingTable

SMOOTHING = 0.01
"""Added to each cell of a rater's confusion, so that no single vote rules a label out."""
MOST_STEPS = 2000
LEAST_ITEMS = 20
"""Items a rater below which their confusion is a guess."""
NO_VOTE = "there is no label"
ONE_RATER = "one rater alone shows nothing of their own errors"
ONE_LABEL = "all labels are the same, so nobody confuses any"
_CONVERGED = 1e-7


class Votes(NamedTuple):
    """Who gave which label to which item, and how often: arrays of one length, codes from 0.

    `shape` counts items, raters and labels.
    """

    items: Ints
    raters: Ints
    labels: Ints
    times: Floats
    shape: tuple[int, int, int]

    @classmethod
    def of_counts(cls, counts: Ints) -> Votes:
        """From counts (items x raters x labels): a rater may vote on an item several times."""
        items, raters, labels = np.nonzero(counts)
        times = counts[items, raters, labels].astype(np.float64)
        n, people, k = counts.shape
        return cls(items, raters, labels, times, (n, people, k))

    @classmethod
    def of_codes(cls, table: RatingTable, codes: Ints, *, labels: int) -> Votes:
        """From one code for each vote of a table; a negative one is no label."""
        given = codes >= 0
        return cls(
            table.item_codes[given],
            table.rater_codes[given],
            codes[given],
            np.ones(int(given.sum())),
            (len(table.items), len(table.raters), labels),
        )

    def shares(self) -> Floats:
        """The share of each label on each item, (items x labels); 0 without a vote."""
        n, _, k = self.shape
        flat = np.bincount(self.items * k + self.labels, weights=self.times, minlength=n * k)
        counts = flat.reshape(n, k)
        return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0))

    def voted(self) -> Bools:
        """Which items have a vote."""
        return np.asarray(np.bincount(self.items, minlength=self.shape[0]) > 0)


@dataclass(frozen=True, slots=True)
class DawidSkene:
    """What the model says, or why it says nothing (then the arrays are empty).

    `posterior` (items x labels): how likely each label is for the item, the prior for an item
    without a vote. `prior` (labels) is the share of each true label, `confusion` (raters x true
    labels x labels given) has rows that sum to 1. `log_likelihood` is that of the votes without
    the multinomial constant.
    """

    posterior: Floats
    prior: Floats
    confusion: Floats
    log_likelihood: float | None
    steps: int
    has_converged: bool
    notes: tuple[str, ...] = ()
    undefined_because: str = ""

    @classmethod
    def undefined(cls, because: str) -> DawidSkene:
        none, table, cube = np.empty(0), np.empty((0, 0)), np.empty((0, 0, 0))
        return cls(table, none, cube, None, 0, has_converged=False, undefined_because=because)

    @property
    def is_defined(self) -> bool:
        return not self.undefined_because

    def as_dict(self) -> dict[str, Any]:
        """The summary; the posterior has a row for each item and is left out."""
        return {
            "prior": self.prior.tolist(),
            "confusion": self.confusion.tolist(),
            "log_likelihood": self.log_likelihood,
            "steps": self.steps,
            "has_converged": self.has_converged,
            "notes": list(self.notes),
            "undefined_because": self.undefined_because,
        }


def dawid_skene(
    votes: Votes, *, smoothing: float = SMOOTHING, most_steps: int = MOST_STEPS
) -> DawidSkene:
    """Fit the model by EM until no posterior moves by more than 1e-7.

    Use it for many or weak raters; with a few good ones the majority says the same. Without
    `smoothing` it is the maximum likelihood of the 1979 paper.
    """
    because = _why_none(votes)
    if because:
        return DawidSkene.undefined(because)
    voted = votes.voted()
    found = votes.shares()
    model = _Model.of(votes, found, voted, smoothing=smoothing)
    posterior, likelihood = model.posterior(votes, voted)
    steps = 1
    while (moved := np.abs(posterior - found)[voted].max()) > _CONVERGED and steps < most_steps:
        found = posterior
        model = _Model.of(votes, found, voted, smoothing=smoothing)
        posterior, likelihood = model.posterior(votes, voted)
        steps += 1
    has_converged = bool(moved <= _CONVERGED)
    notes = tuple(_notes(votes, model, has_converged=has_converged, steps=steps))
    return DawidSkene(
        posterior, model.prior, model.confusion, likelihood, steps, has_converged, notes
    )


def posterior(prior: Floats, confusion: Floats, votes: Votes) -> Floats:
    """How likely each label is for further items, (items x labels), by a model that was fitted.

    `prior` (labels) and `confusion` (raters x true labels x labels given) are those of the model;
    the raters of `votes` are its raters. An item without a vote gets the prior.
    """
    likely, _ = _Model(prior, confusion).posterior(votes, votes.voted())
    return likely


def of_table(table: RatingTable, scale: Scale, *, smoothing: float = SMOOTHING) -> DawidSkene:
    """The model of a table on the labels of a scale. Raises OutsideScale."""
    votes = Votes.of_codes(table, table.coded(scale), labels=len(scale.labels))
    return dawid_skene(votes, smoothing=smoothing)


class _Model(NamedTuple):
    prior: Floats
    confusion: Floats

    @classmethod
    def of(cls, votes: Votes, posterior: Floats, voted: Bools, *, smoothing: float) -> _Model:
        """The M step: shares of labels and of errors, given how likely each label is."""
        _, raters, k = votes.shape
        cells = votes.raters * k + votes.labels
        by_label = [
            np.bincount(cells, weights=votes.times * likely[votes.items], minlength=raters * k)
            for likely in posterior.T
        ]
        given = np.stack(by_label, axis=1).reshape(raters, k, k).swapaxes(1, 2) + smoothing
        total = given.sum(axis=2, keepdims=True)
        # A rater who never met a label says nothing about it.
        confusion = np.where(total > 0, given / np.where(total > 0, total, 1.0), 1 / k)
        return cls(posterior[voted].mean(axis=0), confusion)

    def posterior(self, votes: Votes, voted: Bools) -> tuple[Floats, float]:
        """The E step, with the log-likelihood of the votes."""
        with np.errstate(divide="ignore"):
            prior, confusion = np.log(self.prior), np.log(self.confusion)
        cells = votes.raters * votes.shape[2] + votes.labels
        by_label = [
            np.bincount(votes.items, weights=votes.times * said[cells], minlength=votes.shape[0])
            for said in confusion.swapaxes(0, 1).reshape(votes.shape[2], -1)
        ]
        logs = np.stack(by_label, axis=1)
        logs += prior
        most = logs.max(axis=1, keepdims=True)
        likely = np.exp(logs - most)
        total = likely.sum(axis=1, keepdims=True)
        likelihood = (most + np.log(total))[voted].sum()
        return likely / total, float(likelihood)


def _why_none(votes: Votes) -> str:
    if len(votes.items) == 0:
        return NO_VOTE
    if len(np.unique(votes.raters)) == 1:
        return ONE_RATER
    return ONE_LABEL if len(np.unique(votes.labels)) == 1 else ""


def _notes(votes: Votes, model: _Model, *, has_converged: bool, steps: int) -> Iterator[str]:
    """What has to stand beside the model so that nobody trusts it too far."""
    if not has_converged:
        yield f"The model was still moving after {steps} steps."
    pairs = np.unique(votes.raters * votes.shape[0] + votes.items)
    _, rated = np.unique(pairs // votes.shape[0], return_counts=True)
    if len(rated) == 2:
        yield "With two raters nothing shows whose errors are whose."
    few = int((rated < LEAST_ITEMS).sum())
    if few:
        yield f"{few} raters have fewer than {LEAST_ITEMS} items: their confusion is a guess."
    swapped = int(_swapped(votes, model).sum())
    if swapped:
        yield f"{swapped} labels are mostly given as another one: labels may have changed places."


def _swapped(votes: Votes, model: _Model) -> Bools:
    """The true labels that raters together call by another label more often than by their own."""
    weights = np.bincount(votes.raters, weights=votes.times, minlength=votes.shape[1])
    together = np.tensordot(weights, model.confusion, axes=1)
    is_seen = model.prior * votes.shape[0] >= 1
    return np.asarray(is_seen & (together.max(axis=1) > np.diagonal(together) + 1e-9))
