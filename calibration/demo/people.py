"""Simulated raters: they know the latent truth and err in their own, published ways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from annotation.models import Item
from annotation.rules.labeltable import LabelRow
from judges.simulator import truth


@dataclass(frozen=True, slots=True)
class SimulatedRater:
    """`accuracy` of preferences; `ties` is the share of pairs called a tie; scores lie one
    point off with probability `one_off`, shifted by `lean` points in one of five cases."""

    name: str
    accuracy: float
    ties: float
    one_off: float
    lean: int


RATERS = (
    SimulatedRater("Rater one (simulated)", accuracy=0.93, ties=0.03, one_off=0.25, lean=0),
    SimulatedRater("Rater two (simulated)", accuracy=0.91, ties=0.04, one_off=0.28, lean=0),
    SimulatedRater("Rater three (simulated)", accuracy=0.89, ties=0.05, one_off=0.32, lean=-1),
)


def preferences(items: Iterable[Item]) -> Iterator[LabelRow]:
    """Every simulated rater's preference on every pair, in the item's own labelling."""
    for item in items:
        question, (a, b) = _texts(item)
        better = "A" if truth.latent_preference(question, a, b) == "x" else "B"
        for rater in RATERS:
            yield LabelRow(
                row=0,
                item=item.external_id,
                rater=rater.name,
                label=_preference(rater, item, better),
                dimension="preference",
            )


def scores(items: Iterable[Item], dimensions: Iterable[str]) -> Iterator[LabelRow]:
    """Every simulated rater's 1–5 score of every response on every dimension."""
    keys = tuple(dimensions)
    for item in items:
        question, (response,) = _texts(item)
        for key in keys:
            latent = truth.latent_score(question, response, key)
            for rater in RATERS:
                yield LabelRow(
                    row=0,
                    item=item.external_id,
                    rater=rater.name,
                    label=str(_score(rater, item, key, latent)),
                    dimension=key,
                )


def _texts(item: Item) -> tuple[str, list[str]]:
    assert item.content is not None
    return item.content.body["input"], item.content.body["responses"]


def _preference(rater: SimulatedRater, item: Item, better: str) -> str:
    drawn = truth.unit("demo preference", rater.name, item.external_id)
    if drawn < rater.ties:
        return "tie"
    is_right = truth.unit("demo accuracy", rater.name, item.external_id) < rater.accuracy
    worse = "B" if better == "A" else "A"
    return better if is_right else worse


def _score(rater: SimulatedRater, item: Item, key: str, latent: int) -> int:
    drawn = truth.unit("demo score", rater.name, item.external_id, key)
    score = latent
    if drawn < rater.one_off:
        score += 1 if drawn < rater.one_off / 2 else -1
    if rater.lean and truth.unit("demo lean", rater.name, item.external_id, key) < 0.2:
        score += rater.lean
    return min(5, max(1, score))
