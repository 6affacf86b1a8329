"""What a round's labels say by rater and by item: made once for a state of the labels.

Small rounds are measured when somebody looks, large ones by a job whose figures a row keeps, so
that no page waits for a million items. Sealed items never enter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Max
from django.utils import timezone

from annotation.models import Assignment, Dimension, Item, Round
from annotation.queries import labels, raterwork
from annotation.queries.raterwork import Work
from annotation.states import AssignmentState
from calibration.models import RoundFigures
from calibration.queries import agreement
from calibration.queries.agreement import RoundAgreement
from measurement.arrays import np
from measurement.counts import counts_of
from measurement.raters import RaterQuality, rater_quality
from measurement.scale import Scale
from measurement.slices import pairs_by_slice, pairs_over_time
from measurement.spread import mean_distance
from measurement.table import RatingTable

KEPT_SECONDS = 24 * 3600
MOST_DIFFERING = 1000
"""Items listed for each dimension, the ones that differ most."""
SLICED = ("difficulty", "case", "source")
LEAST_AGE = timedelta(minutes=1)
SHARE = 0.05
"""Of a worker's time, at most this much goes into the figures of one round."""


@dataclass(frozen=True, slots=True)
class DimensionFigures:
    """One dimension: `quality` of each rater by id (the JSON form of measurement's), and its
    items that differ most, worst first, as (item id, mean distance 0–1, counts by point).

    `slices` holds the pairs that agree by property of the items and its value, `days` those of
    blocks of whole days, each with its last day.
    """

    key: str
    name: str
    points: tuple[str, ...]
    quality: Mapping[int, Mapping[str, Any]]
    differing: int
    listed: Sequence[tuple[int, float, Sequence[int]]]
    slices: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    days: Sequence[tuple[date, Mapping[str, Any]]] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "name": self.name,
            "points": list(self.points),
            "quality": {str(rater): found for rater, found in self.quality.items()},
            "differing": self.differing,
            "listed": self.listed,
            "slices": self.slices,
            "days": [(day.isoformat(), figure) for day, figure in self.days],
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> DimensionFigures:
        # What a job made before blocks were of whole days has none; the next job makes them.
        days = [(date.fromisoformat(day), figure) for day, figure in kept.get("days", ())]
        return cls(
            key=kept["key"],
            name=kept["name"],
            points=tuple(kept["points"]),
            quality={int(rater): found for rater, found in kept["quality"].items()},
            differing=kept["differing"],
            listed=[(item, far, tuple(counts)) for item, far, counts in kept["listed"]],
            slices=kept.get("slices", {}),
            days=days,
        )


@dataclass(frozen=True, slots=True)
class _About:
    slices: Mapping[str, Mapping[str, str]]
    ended: Mapping[str, date]


@dataclass(frozen=True, slots=True)
class Figures:
    """A round by rater and by item, as of `at`; `is_kept` marks figures of a job."""

    dimensions: Sequence[DimensionFigures]
    work: Mapping[int, Work]
    at: datetime
    is_kept: bool = False

    def dimension(self, key: str) -> DimensionFigures | None:
        """The named dimension, else the first."""
        named = next((one for one in self.dimensions if one.key == key), None)
        return named or next(iter(self.dimensions), None)


def live(round_: Round, *, now: datetime) -> Figures:
    """The figures of this moment; those of the labels are made once for a state of them."""
    key = f"round-figures/3/{round_.pk}/{agreement.state_of(round_)}"
    found: tuple[DimensionFigures, ...] | None = cache.get(key)
    if found is None:
        found = measured(round_)
        cache.set(key, found, KEPT_SECONDS)
    return Figures(found, raterwork.work_of(round_), now)


def kept(round_: Round) -> Figures | None:
    """What the last job made of a large round; None before the first one is done."""
    row = RoundFigures.objects.filter(round=round_).first()
    if row is None or row.made_at is None:
        return None
    content = row.content
    return Figures(
        tuple(DimensionFigures.from_dict(one) for one in content["dimensions"]),
        {int(rater): Work.from_dict(work) for rater, work in content["work"].items()},
        row.made_at,
        is_kept=True,
    )


def kept_agreement(round_: Round) -> RoundAgreement | None:
    """Agreement in a large round as the last job measured it; None before the first one is done."""
    row = RoundFigures.objects.filter(round=round_, made_at__isnull=False).first()
    found = row.content.get("agreement") if row is not None else None
    # What a job made when raters stood there by name is made anew by the next one.
    return RoundAgreement.restored(found) if found and "rater_ids" in found else None


def content_of(round_: Round) -> dict[str, Any]:
    """Everything that a row keeps of a large round."""
    return {
        "dimensions": [one.as_dict() for one in measured(round_)],
        "agreement": agreement.of_round(round_).stored(),
        "work": {str(rater): one.as_dict() for rater, one in raterwork.work_of(round_).items()},
    }


def is_old(row: RoundFigures, *, now: datetime) -> bool:
    """Whether it is time to make them anew: after a minute, or twenty times what they took."""
    if row.made_at is None:
        return True
    return now - row.made_at > max(LEAST_AGE, timedelta(seconds=row.seconds / SHARE))


def measured(round_: Round) -> tuple[DimensionFigures, ...]:
    """Every dimension of the round's guideline version, from its unsealed items."""
    dimensions = round_.guideline_version.dimensions.select_related("version")
    about = _about(round_)
    return tuple(_dimension(round_, dimension, about) for dimension in dimensions)


def _about(round_: Round) -> _About:
    """What tells the items of a round apart, by their ids: properties, and when they were done."""
    rows = Item.objects.filter(round_items__round=round_).values_list("pk", *SLICED)
    slices: dict[str, dict[str, str]] = {name: {} for name in SLICED}
    for pk, *values in rows.iterator(chunk_size=5000):
        for name, value in zip(SLICED, values, strict=True):
            if value:
                slices[name][str(pk)] = value.replace("_", " ")
    answers = Assignment.objects.filter(
        round=round_, state=AssignmentState.SUBMITTED, gold__isnull=True
    ).order_by()
    ended = answers.values_list("item").annotate(last=Max("submitted_at"))
    return _About(
        {name: found for name, found in slices.items() if len(set(found.values())) > 1},
        {
            str(item): timezone.localtime(last).date()
            for item, last in ended.iterator(chunk_size=5000)
            if last
        },
    )


def _dimension(round_: Round, dimension: Dimension, about: _About) -> DimensionFigures:
    scale = labels.scale_of(dimension)
    votes = labels.unsealed_votes(round_=round_, dimension_key=dimension.key)
    table = RatingTable.build(votes)
    differing, listed = _differences(table, scale)
    return DimensionFigures(
        key=dimension.key,
        name=dimension.name,
        points=scale.labels,
        quality={int(one.rater): _kept_of(one) for one in rater_quality(table, scale=scale)},
        differing=differing,
        listed=listed,
        slices={
            name: {
                value: figure.as_dict()
                for value, figure in pairs_by_slice(table, scale=scale, slices=slices).items()
            }
            for name, slices in about.slices.items()
        },
        days=[
            (day, figure.as_dict())
            for day, figure in pairs_over_time(table, scale=scale, ended=about.ended)
        ],
    )


def _kept_of(one: RaterQuality) -> dict[str, Any]:
    """What pages show of one rater."""
    found = one.as_dict()
    for name in ("rater", "confusion"):
        del found[name]
    return found


def _differences(
    table: RatingTable, scale: Scale
) -> tuple[int, list[tuple[int, float, tuple[int, ...]]]]:
    """How many items differ, and those that differ most; of equal ones the older first."""
    counts = counts_of(table, scale)
    far = mean_distance(counts, has_order=scale.has_order)
    items = np.array([int(item) for item in table.items], dtype=np.int64)
    order = np.lexsort((items, -far))
    differing = int(np.count_nonzero(far))
    return differing, [
        (int(items[at]), round(float(far[at]), 6), tuple(counts[at].tolist()))
        for at in order[: min(differing, MOST_DIFFERING)]
    ]
