"""The items of a round that differ most, as far as this person may see them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from annotation.models import Item, Round
from annotation.queries import adjudication
from annotation.queries.items import items_yet_rated_by, visible_items
from annotation.queries.sealed import touching_sealed
from calibration.queries import agreement
from calibration.queries.agreement import RoundAgreement
from calibration.queries.roundfigures import DimensionFigures, Figures


@dataclass(frozen=True, slots=True)
class DifferenceFilter:
    """What is looked for; empty fields ask for everything, `raters` for at least so many."""

    text: str = ""
    dimension: str = ""
    label: str = ""
    raters: int = 0
    difficulty: str = ""
    tag: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """One item on one dimension: how far apart its labels are (0–1), and how many gave each
    point of the scale."""

    item_id: int
    dimension: DimensionFigures
    distance: float
    counts: Sequence[int]

    @property
    def votes(self) -> int:
        return sum(self.counts)

    @property
    def labels(self) -> list[str]:
        """Every label given, lowest first."""
        pairs = zip(self.dimension.points, self.counts, strict=True)
        return [label for label, n in pairs for _ in range(n)]


@dataclass(frozen=True, slots=True)
class DifferenceLine:
    """A difference with what tells its item from others; `state` is how far it is settled, ""
    while its ratings are not all in."""

    difference: Difference
    title: str
    external_id: str
    difficulty: str
    tags: Sequence[str]
    state: str = ""


def lines(
    round_: Round, found: Figures, *, wanted: DifferenceFilter, user_id: int
) -> list[DifferenceLine]:
    """What fits the filter, the widest apart first. Nothing that touches the sealed part, and
    nothing that this person may yet rate."""
    fitting = [one for one in _listed(found, wanted) if _fits(one, wanted)]
    about = _about(round_, {one.item_id for one in fitting}, wanted=wanted, user_id=user_id)
    version = round_.guideline_version
    states = adjudication.states_of(
        list(about), guideline_id=version.guideline_id, major=version.major
    )
    shown = [
        one
        for one in fitting
        if one.item_id in about
        and wanted.state in ("", states.get((one.item_id, one.dimension.key), ""))
    ]
    shown.sort(key=lambda one: (-one.distance, one.item_id, one.dimension.key))
    return [
        DifferenceLine(
            one,
            title=about[one.item_id].title or about[one.item_id].external_id,
            external_id=about[one.item_id].external_id,
            difficulty=about[one.item_id].difficulty,
            tags=about[one.item_id].tags,
            state=states.get((one.item_id, one.dimension.key), ""),
        )
        for one in shown
    ]


def first(
    round_: Round, found: RoundAgreement, *, most: int, user_id: int
) -> list[tuple[agreement.Difference, str]]:
    """The items widest apart that this person may see, each with its title as it is now."""
    ids = {one.item_id for one in found.differences}
    about = _about(round_, ids, wanted=DifferenceFilter(), user_id=user_id)
    shown = [one for one in found.differences if one.item_id in about][:most]
    return [(one, about[one.item_id].title or about[one.item_id].external_id) for one in shown]


def _listed(found: Figures, wanted: DifferenceFilter) -> list[Difference]:
    return [
        Difference(item_id, dimension, distance, counts)
        for dimension in found.dimensions
        if wanted.dimension in ("", dimension.key)
        for item_id, distance, counts in dimension.listed
    ]


def _fits(one: Difference, wanted: DifferenceFilter) -> bool:
    return one.votes >= wanted.raters and (not wanted.label or wanted.label in one.labels)


def _about(
    round_: Round, ids: Collection[int], *, wanted: DifferenceFilter, user_id: int
) -> dict[int, Item]:
    """The items among `ids` that may be shown and fit, in three queries."""
    items = visible_items(project_id=round_.project_id).filter(pk__in=ids)
    hidden = set(touching_sealed(items, round_.project_id).values_list("pk", flat=True))
    hidden |= set(items_yet_rated_by(user_id, among=ids))
    text, tag = wanted.text.casefold(), wanted.tag.casefold()
    return {
        item.pk: item
        for item in items.only("title", "external_id", "difficulty", "tags")
        if item.pk not in hidden
        and text in f"{item.title} {item.external_id}".casefold()
        and wanted.difficulty in ("", item.difficulty)
        and (not tag or tag in (str(one).casefold() for one in item.tags))
    }
