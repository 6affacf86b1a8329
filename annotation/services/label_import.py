"""Existing human labels in: a round that was rated elsewhere, with its raters."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO

from django.db import transaction
from django.utils.text import slugify
from django.utils.timezone import is_naive, make_aware

from accounts.models import Rater
from annotation.models import (
    Assignment,
    Dataset,
    Dimension,
    Guideline,
    GuidelineVersion,
    Item,
    Rating,
    Round,
    RoundItem,
)
from annotation.queries import labels as label_queries
from annotation.rules.display import shuffle_key
from annotation.rules.keys import digest
from annotation.rules.labeltable import LabelRow, people_rows
from annotation.services import reference
from annotation.states import (
    AssignmentState,
    DimensionKind,
    GuidelineForm,
    ItemKind,
    Level,
    Part,
    Provenance,
    RationaleRule,
    RoundKind,
    RoundState,
    VersionState,
)
from core import audit, jobs
from core.errors import Conflict, Invalid
from core.mapping import FieldPath
from core.tabular import BrokenRow, BrokenRows, read_records
from measurement.table import NOT_APPLICABLE, OutsideScale, Scale

BATCH = 1000
WIDEST_SCALE = 12


@dataclass(slots=True)
class LabelImport:
    """What an import of labels did."""

    labels: int = 0
    repeats: int = 0
    items: int = 0
    new_items: int = 0
    raters: int = 0
    rounds: list[int] = field(default_factory=list)
    guideline: str = ""

    def as_dict(self) -> dict[str, object]:
        return {
            "labels": self.labels,
            "repeats": self.repeats,
            "items": self.items,
            "new_items": self.new_items,
            "raters": self.raters,
            "rounds": self.rounds,
            "guideline": self.guideline,
        }


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a row goes: its round as named in the file, and how often it was said before."""

    round: str
    repeat: int


def import_labels(
    *,
    dataset: Dataset,
    source: BinaryIO,
    name: str,
    columns: Mapping[str, FieldPath],
    values: Mapping[str, str],
    wide: Sequence[str] = (),
    guideline_name: str = "",
    actor: str,
    now: datetime,
    is_simulated: bool = False,
    job_id: int | None = None,
) -> LabelImport:
    """Read a label table into imported rounds, all or nothing.

    Items of an empty dataset are made without texts; in any other an unknown item is a broken
    row. Without a guideline of that name one is made from the labels. A rater's second label
    on the same item, dimension and round is a repeat and goes to a re-rating round.
    Raises Invalid for the file, its columns, its rows or a label outside the scale.
    """
    _check_open(dataset)
    broken = BrokenRows()
    rows = list(
        broken.sift(
            people_rows(read_records(source, name=name), columns=columns, values=values, wide=wide)
        )
    )
    broken.refuse()
    return add_labels(
        dataset=dataset,
        rows=rows,
        name=name,
        guideline_name=guideline_name,
        actor=actor,
        now=now,
        is_simulated=is_simulated,
        job_id=job_id,
    )


@transaction.atomic(durable=True)
def add_labels(
    *,
    dataset: Dataset,
    rows: Sequence[LabelRow],
    name: str,
    guideline_name: str,
    actor: str,
    now: datetime,
    is_simulated: bool = False,
    job_id: int | None = None,
) -> LabelImport:
    """Store rows that were read already (see `import_labels`).

    With a job its end is written in the same transaction: a job that runs again after a crash
    never stores the labels twice.
    """
    if not rows:
        raise Invalid("no_labels", "The file holds no label: every label cell is empty.")
    done = LabelImport(labels=len(rows))
    items = _items(dataset, rows, done)
    version = _guideline(dataset, rows, guideline_name or f"Labels of {dataset.name}", actor, now)
    done.guideline = version.guideline.name
    dimensions = _checked_dimensions(version, rows)
    raters = _raters(dataset, rows, is_simulated=is_simulated)
    done.items, done.raters = len({row.item for row in rows}), len(raters)
    for place, members in _places(rows, done).items():
        round_ = _round(dataset, version, place, name, actor, now, is_simulated=is_simulated)
        done.rounds.append(round_.pk)
        _store(round_, members, items, raters, dimensions, now)
    reference.refresh(item_ids=[items[row.item].pk for row in rows])
    audit.record(
        actor=actor,
        verb="labels.imported",
        object_type="dataset",
        object_id=dataset.pk,
        project_id=dataset.project_id,
        data={"file": name, **done.as_dict()},
    )
    if job_id is not None:
        jobs.finish(job_id, result=done.as_dict(), now=now)
    return done


def _check_open(dataset: Dataset) -> None:
    sealed = getattr(dataset, "sealed_set", None)
    if sealed is not None and sealed.provenance == Provenance.COLLECTED:
        raise Conflict(
            "labels_are_collected_here",
            "This dataset has a sealed part whose labels are collected here, blind. Import the "
            "labels into an open dataset (sealed share 0).",
        )


def _items(dataset: Dataset, rows: Sequence[LabelRow], done: LabelImport) -> dict[str, Item]:
    known = {
        item.external_id: item for item in Item.objects.filter(dataset=dataset, is_visible=True)
    }
    missing = {row.item: row for row in reversed(rows) if row.item not in known}
    if not missing:
        return known
    if known:
        broken = BrokenRows()
        for row in sorted(missing.values(), key=lambda row: row.row):
            broken.add(
                BrokenRow(row.row, f"there is no item {row.item[:60]!r} in {dataset.name!r}.")
            )
        broken.refuse()
    clusters = {row.item: row.cluster for row in rows if row.cluster}
    Item.objects.bulk_create(
        [
            Item(
                project_id=dataset.project_id,
                dataset=dataset,
                external_id=external_id,
                kind=ItemKind.SINGLE,
                title=external_id,
                prompt_key=clusters.get(external_id, external_id),
                cluster_key=clusters.get(external_id, external_id),
                content_hash=digest("label/1", external_id),
                part=Part.DEVELOPMENT,
            )
            for external_id in missing
        ],
        batch_size=BATCH,
    )
    done.new_items = len(missing)
    return {
        item.external_id: item for item in Item.objects.filter(dataset=dataset, is_visible=True)
    }


def _guideline(
    dataset: Dataset, rows: Sequence[LabelRow], name: str, actor: str, now: datetime
) -> GuidelineVersion:
    """The published version of the named guideline, made from the labels where there is none."""
    found = Guideline.objects.filter(project_id=dataset.project_id, name=name).first()
    if found is not None:
        version = found.versions.filter(state=VersionState.PUBLISHED).first()
        if version is None:
            raise Conflict(
                "guideline_not_published",
                f"The guideline {name!r} has no published version yet; publish it first.",
            )
        return version
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        seen[row.dimension][row.label] += 1
    scales = {key: Scale.seen(labels) for key, labels in seen.items()}
    is_pairwise = all(scale.is_pairwise for scale in scales.values())
    guideline = Guideline.objects.create(
        project_id=dataset.project_id,
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
        _dimension(version, place, key, scale)
        for place, (key, scale) in enumerate(sorted(scales.items()))
    )
    audit.record(
        actor=actor,
        verb="guideline.made_from_labels",
        object_type="guideline",
        object_id=guideline.pk,
        project_id=dataset.project_id,
        data={"dimensions": sorted(scales)},
    )
    return version


def _dimension(version: GuidelineVersion, place: int, key: str, scale: Scale) -> Dimension:
    kind, level, labels = DimensionKind.CATEGORY, Level.NOMINAL, list(scale.labels)
    if scale.is_pairwise:
        kind = DimensionKind.PAIRWISE if len(labels) == 3 else DimensionKind.PAIRWISE_GRADED
    elif scale.is_numeric and len(labels) <= WIDEST_SCALE:
        kind, level, labels = DimensionKind.SCALE, Level.ORDINAL, _points(labels)
    return Dimension(
        version=version,
        position=place,
        key=slugify(key)[:60] or f"dimension-{place + 1}",
        name=key[:80],
        kind=kind,
        level=level,
        points=[{"value": label, "anchor": ""} for label in labels],
        rationale=RationaleRule.NONE,
    )


def _points(labels: list[str]) -> list[str]:
    """Whole points without gaps: a point that nobody gave is still on the scale."""
    if all(re.fullmatch(r"-?\d+", label) for label in labels):
        low, high = int(labels[0]), int(labels[-1])
        if high - low < WIDEST_SCALE:
            return [str(point) for point in range(low, high + 1)]
    return labels


def _checked_dimensions(
    version: GuidelineVersion, rows: Sequence[LabelRow]
) -> dict[str, Dimension]:
    """The dimension of each name in the file; a label outside its scale is a broken row."""
    dimensions = list(version.dimensions.all())
    by_name = {
        **{dimension.name: dimension for dimension in dimensions},
        **{dimension.key: dimension for dimension in dimensions},
    }
    if len(dimensions) == 1:
        by_name.setdefault("overall", dimensions[0])
    broken = BrokenRows()
    for row in rows:
        if row.dimension not in by_name:
            broken.add(
                BrokenRow(
                    row.row,
                    f"the guideline has no dimension {row.dimension[:60]!r}; it has "
                    f"{', '.join(dimension.key for dimension in dimensions)}.",
                )
            )
    broken.refuse()
    scales = {name: label_queries.scale_of(dimension) for name, dimension in by_name.items()}
    for row in rows:
        dimension = by_name[row.dimension]
        try:
            code = scales[row.dimension].code(row.label)
        except OutsideScale as error:
            broken.add(BrokenRow(row.row, f"{error}"))
            continue
        if code < 0 and not (row.label == NOT_APPLICABLE and dimension.allow_na):
            broken.add(BrokenRow(row.row, f"{dimension.name} does not take “not applicable”."))
    broken.refuse()
    return by_name


def _raters(dataset: Dataset, rows: Sequence[LabelRow], *, is_simulated: bool) -> dict[str, Rater]:
    names = {row.rater for row in rows}
    found = {
        rater.name: rater
        for rater in Rater.objects.filter(project_id=dataset.project_id, name__in=names)
    }
    for name in sorted(names - found.keys()):
        found[name] = Rater.objects.create(
            project_id=dataset.project_id, name=name, is_simulated=is_simulated
        )
    return found


def _places(rows: Sequence[LabelRow], done: LabelImport) -> dict[_Place, list[LabelRow]]:
    """The rows of each round to make; the first in file order counts, later ones are repeats."""
    said: Counter[tuple[str, str, str, str]] = Counter()
    places: dict[_Place, list[LabelRow]] = defaultdict(list)
    for row in rows:
        key = (row.item, row.rater, row.dimension, row.round)
        places[_Place(row.round, said[key])].append(row)
        done.repeats += said[key] > 0
        said[key] += 1
    return places


def _round(
    dataset: Dataset,
    version: GuidelineVersion,
    place: _Place,
    file: str,
    actor: str,
    now: datetime,
    *,
    is_simulated: bool,
) -> Round:
    base = f"{dataset.name}: {place.round or file}"[:100]
    name = base if not place.repeat else f"{base} (repeat {place.repeat})"
    taken = set(
        Round.objects.filter(project_id=dataset.project_id, name__startswith=name).values_list(
            "name", flat=True
        )
    )
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name} #{number}", number + 1
    return Round.objects.create(
        project_id=dataset.project_id,
        dataset=dataset,
        guideline_version=version,
        name=unique,
        kind=RoundKind.RERATING if place.repeat else RoundKind.IMPORTED,
        state=RoundState.CLOSED,
        overlap=1,
        opened_at=now,
        closed_at=now,
        is_simulated=is_simulated,
    )


def _store(
    round_: Round,
    rows: Iterable[LabelRow],
    items: Mapping[str, Item],
    raters: Mapping[str, Rater],
    dimensions: Mapping[str, Dimension],
    now: datetime,
) -> None:
    slots: dict[str, dict[str, Assignment]] = defaultdict(dict)
    ratings: list[Rating] = []
    for row in rows:
        of_item = slots[row.item]
        if row.rater not in of_item:
            of_item[row.rater] = Assignment(
                round=round_,
                item=items[row.item],
                slot=len(of_item),
                rater=raters[row.rater],
                guideline_version_id=round_.guideline_version_id,
                state=AssignmentState.SUBMITTED,
                submitted_at=_when(row, now),
            )
        ratings.append(
            Rating(
                assignment=of_item[row.rater],
                dimension=dimensions[row.dimension],
                label=_label(row, dimensions[row.dimension]),
            )
        )
    Assignment.objects.bulk_create(
        [slot for of_item in slots.values() for slot in of_item.values()], batch_size=BATCH
    )
    Rating.objects.bulk_create(ratings, batch_size=BATCH)
    RoundItem.objects.bulk_create(
        [
            RoundItem(
                round=round_,
                item=items[item],
                shuffle=shuffle_key(round_.salt, item=items[item].pk),
                taken=len(of_item),
                is_full=True,
            )
            for item, of_item in slots.items()
        ],
        batch_size=BATCH,
    )
    round_.overlap = max(len(of_item) for of_item in slots.values())
    round_.save(update_fields=["overlap"])


def _label(row: LabelRow, dimension: Dimension) -> str:
    """The label as the scale writes it: `4.0` becomes `4`."""
    scale = label_queries.scale_of(dimension)
    code = scale.code(row.label)
    return scale.labels[code] if code >= 0 else NOT_APPLICABLE


def _when(row: LabelRow, now: datetime) -> datetime:
    if not row.at:
        return now
    said = datetime.fromisoformat(row.at)
    return make_aware(said) if is_naive(said) else said
