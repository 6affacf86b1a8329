"""How far labels move by a guideline's new meaning: a round that rates a sample again, against the
labels that its items had before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db.models import Max

from annotation.models import Assignment, Dimension, Item, Round
from annotation.queries import labels
from annotation.queries.labels import FEEDING, LabelRow
from annotation.queries.sealed import touching_sealed
from annotation.states import AssignmentState, RoundKind
from measurement import intervals
from measurement.arrays import np
from measurement.estimate import Estimate
from measurement.reference import CONTESTED, reference
from measurement.scale import Scale
from measurement.table import RatingTable

KEPT_SECONDS = 24 * 3600
NOT_BEFORE = "the earlier version has no such dimension"
OTHER_SCALE = "the scale is another one, so the labels do not compare"
NO_ITEM = "no item has a settled label by both versions yet"


@dataclass(frozen=True, slots=True)
class LabelsMoved:
    """One dimension: the share of items whose label is another one now, an estimate in its JSON
    form. `open_items` were rated by both versions and have no settled label by one of them."""

    key: str
    name: str
    share: Any
    open_items: int


def labels_moved(round_: Round, *, digest: str) -> list[LabelsMoved]:
    """By dimension, from unsealed items alone; nothing for a round that rates no earlier meaning
    again. Made once for a state of the round's labels."""
    if round_.kind != RoundKind.RERATING:
        return []
    key = f"labels-moved/1/{round_.pk}/{digest}"
    found: list[LabelsMoved] | None = cache.get(key)
    if found is None:
        found = _measured(round_)
        cache.set(key, found, KEPT_SECONDS)
    return found


def _measured(round_: Round) -> list[LabelsMoved]:
    version = round_.guideline_version
    items = Item.objects.filter(round_items__round=round_)
    items = items.exclude(pk__in=touching_sealed(items, round_.project_id).values("pk"))
    ids = list(items.values_list("pk", flat=True))
    major = _major_before(round_)
    if major is None:
        return []
    before = labels.item_labels(
        dataset_id=round_.dataset_id,
        guideline_id=version.guideline_id,
        major=major,
        item_ids=ids,
    )
    shown = set(ids)
    return [
        _dimension(
            dimension,
            _dimension_before(dimension, major),
            before.get(dimension.key, []),
            [
                row
                for row in labels.round_labels(round_id=round_.pk, dimension_key=dimension.key)
                if row.item_id in shown
            ],
        )
        for dimension in version.dimensions.select_related("version")
    ]


def _major_before(round_: Round) -> int | None:
    """The newest earlier major version by which items of the round were rated."""
    version = round_.guideline_version
    answers = Assignment.objects.filter(
        item__round_items__round=round_,
        state=AssignmentState.SUBMITTED,
        gold__isnull=True,
        round__kind__in=FEEDING,
        round__guideline_version__guideline=version.guideline_id,
        round__guideline_version__major__lt=version.major,
    )
    found: int | None = answers.aggregate(newest=Max("round__guideline_version__major"))["newest"]
    return found


def _dimension_before(dimension: Dimension, major: int) -> Dimension | None:
    """As the newest version of the earlier major asked it."""
    found = Dimension.objects.filter(
        version__guideline=dimension.version.guideline_id, version__major=major, key=dimension.key
    )
    return found.select_related("version").order_by("-version__minor").first()


def _dimension(
    dimension: Dimension,
    former: Dimension | None,
    before: Sequence[LabelRow],
    now: Sequence[LabelRow],
) -> LabelsMoved:
    scale = labels.scale_of(dimension)
    because = _why_not(scale, former)
    if because:
        share, open_items = Estimate.undefined(because), 0
    else:
        share, open_items = _moved(labels.table(before), labels.table(now), scale)
    return LabelsMoved(dimension.key, dimension.name, share.as_dict(), open_items)


def _why_not(scale: Scale, former: Dimension | None) -> str:
    if former is None:
        return NOT_BEFORE
    return "" if labels.scale_of(former) == scale else OTHER_SCALE


def _moved(before: RatingTable, now: RatingTable, scale: Scale) -> tuple[Estimate, int]:
    """The share of moved labels, and how many items have none by one of the versions."""
    was = dict(zip(before.items, reference(before, scale=scale).labels.tolist(), strict=True))
    labels_now = reference(now, scale=scale).labels
    labels_was = np.array([was.get(item, CONTESTED) for item in now.items], dtype=np.int64)
    settled = (labels_now != CONTESTED) & (labels_was != CONTESTED)
    in_both = np.array([item in was for item in now.items], dtype=np.bool_)
    share = intervals.share(
        (settled & (labels_now != labels_was)).astype(np.float64),
        settled.astype(np.float64),
        now.cluster_codes,
        because=NO_ITEM,
    )
    return share, int((in_both & ~settled).sum())
