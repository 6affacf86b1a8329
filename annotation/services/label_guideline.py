"""The guideline that imported labels are held against: the named one, or one made from them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.utils.text import slugify

from annotation.models import Dimension, Guideline, GuidelineVersion
from annotation.rules.keys import DIMENSION_CHARS
from annotation.states import DimensionKind, GuidelineForm, Level, RationaleRule, VersionState
from core import audit
from core.errors import Conflict, Invalid
from measurement.scale import NOT_APPLICABLE, Scale

WIDEST_SCALE = 12


def published(
    *, project_id: int, name: str, labels: Iterable[tuple[str, str]], actor: str, now: datetime
) -> GuidelineVersion:
    """The published version of the named guideline, made where there is none.

    `labels` are (dimension, label) as the file has them. Raises Conflict for a guideline that
    has only a draft.
    """
    found = Guideline.objects.filter(project=project_id, name=name).first()
    if found is None:
        return _made(project_id, name, labels, actor, now)
    version = in_force(project_id, name)
    if version is None:
        raise Conflict(
            "guideline_not_published",
            f"The guideline {name!r} has no published version yet; publish it first.",
        )
    return version


def in_force(project_id: int, name: str) -> GuidelineVersion | None:
    """The published version of the named guideline, if it has one."""
    return GuidelineVersion.objects.filter(
        guideline__project=project_id, guideline__name=name, state=VersionState.PUBLISHED
    ).first()


def _made(
    project_id: int, name: str, labels: Iterable[tuple[str, str]], actor: str, now: datetime
) -> GuidelineVersion:
    seen: dict[str, set[str]] = defaultdict(set)
    for dimension, label in labels:
        seen[dimension].add(label)
    keys = _keys(seen)
    scales = {dimension: Scale.seen(found) for dimension, found in seen.items()}
    is_pairwise = all(scale.is_pairwise for scale in scales.values())
    guideline = Guideline.objects.create(
        project_id=project_id,
        name=name,
        form=GuidelineForm.PAIRWISE if is_pairwise else GuidelineForm.POINTWISE,
    )
    version = GuidelineVersion.objects.create(
        guideline=guideline,
        state=VersionState.PUBLISHED,
        text="Made from imported labels. The wording that the raters had is not known here.",
        published_at=now,
    )
    Dimension.objects.bulk_create(
        _dimension(
            version, place, keys[name], name, scales[name], has_na=NOT_APPLICABLE in seen[name]
        )
        for place, name in enumerate(sorted(scales))
    )
    audit.record(
        actor=actor,
        verb="guideline.made_from_labels",
        object_type="guideline",
        object_id=guideline.pk,
        project_id=project_id,
        data={"dimensions": sorted(scales)},
    )
    return version


def _keys(names: Iterable[str]) -> dict[str, str]:
    """A key for each dimension's name; names that would share one are refused."""
    keys: dict[str, str] = {}
    for place, name in enumerate(sorted(names), 1):
        key = slugify(name).replace("-", "_")[:DIMENSION_CHARS] or f"dimension_{place}"
        key = key if key[0].isalpha() else f"d_{key}"[:DIMENSION_CHARS]
        twin = next((other for other, taken in keys.items() if taken == key), None)
        if twin is not None:
            raise Invalid(
                "dimensions_alike",
                f"The dimensions “{twin}” and “{name}” differ only in case or signs. Give both "
                "the same name in the file, or names that differ in letters or digits.",
            )
        keys[name] = key
    return keys


def _dimension(
    version: GuidelineVersion, place: int, key: str, name: str, scale: Scale, *, has_na: bool
) -> Dimension:
    kind, level, labels = DimensionKind.CATEGORY, Level.NOMINAL, list(scale.labels)
    if scale.is_pairwise:
        kind = DimensionKind.PAIRWISE if len(labels) == 3 else DimensionKind.PAIRWISE_GRADED
    elif scale.is_numeric and 2 <= len(_points(labels)) <= WIDEST_SCALE:
        kind, level, labels = DimensionKind.SCALE, Level.ORDINAL, _points(labels)
    return Dimension(
        version=version,
        position=place,
        key=key,
        name=name,
        kind=kind,
        level=level,
        points=[{"value": label, "anchor": ""} for label in labels],
        allow_na=has_na,
        rationale=RationaleRule.NONE,
    )


def _points(labels: list[str]) -> list[str]:
    """Whole points without gaps: a point that nobody gave is still on the scale."""
    if all(re.fullmatch(r"-?\d+", label) for label in labels):
        low, high = int(labels[0]), int(labels[-1])
        if high - low < WIDEST_SCALE:
            return [str(point) for point in range(low, high + 1)]
    return labels
