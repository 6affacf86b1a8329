"""Existing human labels in: a round that was rated elsewhere, with its raters."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO

from django.db import transaction
from django.utils.timezone import is_naive, make_aware

from accounts.models import Project, Rater
from annotation.models import (
    Assignment,
    Dataset,
    Dimension,
    GuidelineVersion,
    Rating,
    Round,
    RoundItem,
    SealedSet,
)
from annotation.queries import labels as label_queries
from annotation.rules import shapes
from annotation.rules.display import shuffle_key
from annotation.rules.keys import NAME_CHARS, digest
from annotation.rules.labeltable import DEFAULT_DIMENSION, LabelRow, people_rows
from annotation.services import datasets, label_guideline, label_items, reference
from annotation.states import (
    AssignmentState,
    Provenance,
    RoundKind,
    RoundState,
)
from core import audit, jobs
from core.errors import Conflict, Invalid
from core.mapping import FieldPath
from core.models import AuditEvent
from core.tabular import BrokenRow, BrokenRows, read_records
from measurement.scale import NOT_APPLICABLE, OutsideScale, Scale

BATCH = 1000


@dataclass(frozen=True, slots=True)
class NewDataset:
    """A dataset that is made, open, in the transaction that stores its labels."""

    project: Project
    name: str


@dataclass(slots=True)
class LabelImport:
    """What an import of labels did; `known` labels came with an earlier import of the same."""

    labels: int = 0
    known: int = 0
    repeats: int = 0
    items: int = 0
    new_items: int = 0
    raters: int = 0
    rounds: list[int] = field(default_factory=list)
    guideline: str = ""
    shape: str = ""

    def as_dict(self) -> dict[str, object]:
        return {
            "labels": self.labels,
            "known": self.known,
            "repeats": self.repeats,
            "items": self.items,
            "new_items": self.new_items,
            "raters": self.raters,
            "rounds": self.rounds,
            "guideline": self.guideline,
            **({"shape": self.shape} if self.shape else {}),
        }


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a row goes: its round as named in the file, and how often it was said before."""

    round: str
    repeat: int


@dataclass(frozen=True, slots=True)
class _Measure:
    """A dimension with its scale, made once for all rows."""

    dimension: Dimension
    scale: Scale

    def problem(self, label: str) -> str:
        """Why this label cannot be taken, as a sentence; '' when it can."""
        try:
            code = self.scale.code(label)
        except OutsideScale as error:
            return f"{error}"
        if code < 0 and not (label == NOT_APPLICABLE and self.dimension.allow_na):
            return f"{self.dimension.name} does not take “not applicable”."
        return ""

    def written(self, label: str) -> str:
        """The label as the scale writes it: `4.0` becomes `4`."""
        code = self.scale.code(label)
        return self.scale.labels[code] if code >= 0 else NOT_APPLICABLE


@dataclass(frozen=True, slots=True)
class _Said:
    """A row with the dimension that it is about."""

    row: LabelRow
    measure: _Measure


def import_labels(
    *,
    dataset: Dataset | NewDataset,
    source: BinaryIO,
    name: str,
    columns: Mapping[str, FieldPath],
    values: Mapping[str, str],
    wide: Sequence[str] = (),
    guideline_name: str = "",
    actor: str,
    now: datetime,
    is_exact: bool = False,
    shape: str = shapes.AUTO,
    is_simulated: bool = False,
    job_id: int | None = None,
) -> LabelImport:
    """Read a label table into imported rounds, all or nothing.

    Items of an empty dataset are made without texts; in any other an unknown item is a broken
    row. Without a guideline of that name one is made from the labels. A rater's second label
    on the same item, dimension and round is a repeat and goes to a re-rating round; the same
    table again adds nothing. With `is_exact` only the columns that are mapped are read. Rows of a
    foreign `shape` (`rules/shapes.py`) are read as what they mean.
    Raises Invalid for the file, its columns, its rows or a label outside the scale.
    """
    if isinstance(dataset, Dataset):
        check_takes_labels(dataset)
    broken = BrokenRows()
    reading = shapes.read_as(
        read_records(source, name=name), "labels", wanted=shape, columns=columns
    )
    said = people_rows(reading.rows, columns=columns, values=values, wide=wide, is_exact=is_exact)
    rows = list(broken.sift(said))
    broken.refuse()
    return add_labels(
        dataset=dataset,
        rows=rows,
        name=name,
        guideline_name=guideline_name,
        actor=actor,
        now=now,
        is_simulated=is_simulated,
        shape=reading.shape.name if reading.shape is not None else "",
        job_id=job_id,
    )


@transaction.atomic(durable=True)
def add_labels(
    *,
    dataset: Dataset | NewDataset,
    rows: Sequence[LabelRow],
    name: str,
    guideline_name: str,
    actor: str,
    now: datetime,
    is_simulated: bool = False,
    shape: str = "",
    job_id: int | None = None,
) -> LabelImport:
    """Store rows that were read already (see `import_labels`).

    With a job its end is written in the same transaction: a job that runs again after a crash
    never stores the labels twice.
    """
    if not rows:
        raise Invalid("no_labels", "The file holds no label: every label cell is empty.")
    if isinstance(dataset, NewDataset):
        dataset = datasets.create(project=dataset.project, name=dataset.name, actor=actor)
    # Two imports of one file stand in line here, and the second finds the first one's digest.
    Dataset.objects.select_for_update().get(pk=dataset.pk)
    check_takes_labels(dataset)
    guideline_name = guideline_name or f"Labels of {dataset.name}"[:NAME_CHARS]
    digest = _digest(guideline_name, rows)
    if _was_imported(dataset, digest):
        done = LabelImport(known=len(rows), guideline=guideline_name)
    else:
        done = _add(dataset, rows, name, guideline_name, actor, now, is_simulated=is_simulated)
    done.shape = shape
    audit.record(
        actor=actor,
        verb="labels.imported",
        object_type="dataset",
        object_id=dataset.pk,
        project_id=dataset.project_id,
        data={
            "file": name,
            **done.as_dict(),
            "digest": digest,
            **({} if job_id is None else {"job": job_id}),
        },
    )
    if job_id is not None:
        jobs.progress(job_id, done=len(rows), total=len(rows))
        jobs.finish(job_id, result=done.as_dict(), now=now)
    return done


def _add(
    dataset: Dataset,
    rows: Sequence[LabelRow],
    name: str,
    guideline_name: str,
    actor: str,
    now: datetime,
    *,
    is_simulated: bool,
) -> LabelImport:
    done = LabelImport(labels=len(rows), guideline=guideline_name)
    items, done.new_items = label_items.found_or_made(dataset, rows)
    version = label_guideline.published(
        project_id=dataset.project_id,
        name=guideline_name,
        labels=((row.dimension, row.label) for row in rows),
        actor=actor,
        now=now,
    )
    places = _places(rows, _checked_dimensions(version, rows), done)
    raters = _raters(dataset, rows, is_simulated=is_simulated)
    done.items, done.raters = len({row.item for row in rows}), len(raters)
    for place, members in places.items():
        round_ = _round(dataset, version, place, name, now, is_simulated=is_simulated)
        done.rounds.append(round_.pk)
        _store(round_, members, items, raters, now)
    reference.refresh(item_ids=[items[item] for item in {row.item for row in rows}])
    return done


def _digest(guideline_name: str, rows: Iterable[LabelRow]) -> str:
    """What makes two tables one: the same labels in the same order under the same guideline."""
    hashed = hashlib.sha256(digest(guideline_name).encode())
    for row in rows:
        fields = (row.item, row.rater, row.label, row.dimension, row.round, row.cluster, row.at)
        hashed.update(digest(*fields).encode())
    return hashed.hexdigest()


def _was_imported(dataset: Dataset, digest_of_rows: str) -> bool:
    return AuditEvent.objects.filter(
        project_id=dataset.project_id,
        verb="labels.imported",
        object_type="dataset",
        object_id=str(dataset.pk),
        data__digest=digest_of_rows,
    ).exists()


def check_takes_labels(dataset: Dataset) -> None:
    """Raise Conflict where labels are collected here, blind, or were looked at already."""
    sealed = SealedSet.objects.filter(dataset=dataset, retired_at__isnull=True).first()
    if sealed is None:
        return
    if sealed.provenance == Provenance.COLLECTED:
        raise Conflict(
            "labels_are_collected_here",
            "This dataset has a sealed part whose labels are collected here, blind. Import the "
            "labels into an open dataset (sealed share 0).",
        )
    if sealed.frozen_at is not None:
        raise Conflict(
            "set_frozen",
            "The sealed part of this dataset has been looked at, so its labels are frozen. "
            "Import these into a new dataset.",
        )


def _checked_dimensions(version: GuidelineVersion, rows: Sequence[LabelRow]) -> dict[str, _Measure]:
    """The dimension of each name in the file; a label outside its scale is a broken row."""
    dimensions = list(version.dimensions.all())
    by_name = {
        name: _Measure(dimension, label_queries.scale_of(dimension))
        for dimension in dimensions
        for name in (dimension.name, dimension.key)
    }
    if len(dimensions) == 1:
        by_name.setdefault(DEFAULT_DIMENSION, by_name[dimensions[0].key])
    keys = ", ".join(dimension.key for dimension in dimensions)
    broken = BrokenRows()
    for row in rows:
        measure = by_name.get(row.dimension)
        if measure is None:
            problem = f"the guideline has no dimension {row.dimension!r}; it has {keys}."
        else:
            problem = measure.problem(row.label)
        if problem:
            broken.add(BrokenRow(row.row, problem, row.unit))
    broken.refuse()
    return by_name


def _raters(dataset: Dataset, rows: Sequence[LabelRow], *, is_simulated: bool) -> dict[str, Rater]:
    """The row of each name in the file. A member of the same name is somebody else: labels that
    were brought in must not stand as a person's own."""
    names = {row.rater for row in rows}
    of_members = set(
        Rater.objects.filter(
            project_id=dataset.project_id, name__in=names, user__isnull=False
        ).values_list("name", flat=True)
    )
    stored = {name: f"{name} (imported)" if name in of_members else name for name in names}
    found = {
        rater.name: rater
        for rater in Rater.objects.filter(
            project_id=dataset.project_id, name__in=stored.values(), user__isnull=True
        )
    }
    made = Rater.objects.bulk_create(
        Rater(project_id=dataset.project_id, name=name, is_simulated=is_simulated)
        for name in sorted(set(stored.values()) - found.keys())
    )
    found.update((rater.name, rater) for rater in made)
    return {name: found[kept] for name, kept in stored.items()}


def _places(
    rows: Sequence[LabelRow], measures: Mapping[str, _Measure], done: LabelImport
) -> dict[_Place, list[_Said]]:
    """The rows of each round to make; the first in file order counts, later ones are repeats."""
    seen: Counter[tuple[str, str, str, str]] = Counter()
    places: dict[_Place, list[_Said]] = defaultdict(list)
    for row in rows:
        measure = measures[row.dimension]
        key = (row.item, row.rater, measure.dimension.key, row.round)
        places[_Place(row.round, seen[key])].append(_Said(row, measure))
        done.repeats += seen[key] > 0
        seen[key] += 1
    return places


def _round(
    dataset: Dataset,
    version: GuidelineVersion,
    place: _Place,
    file: str,
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
    said: Iterable[_Said],
    items: Mapping[str, int],
    raters: Mapping[str, Rater],
    now: datetime,
) -> None:
    slots: dict[str, dict[str, Assignment]] = defaultdict(dict)
    ratings: list[Rating] = []
    for one in said:
        row = one.row
        of_item = slots[row.item]
        if row.rater not in of_item:
            of_item[row.rater] = Assignment(
                round=round_,
                item_id=items[row.item],
                slot=len(of_item),
                rater=raters[row.rater],
                guideline_version_id=round_.guideline_version_id,
                state=AssignmentState.SUBMITTED,
                submitted_at=_when(row, now),
            )
        ratings.append(
            Rating(
                assignment=of_item[row.rater],
                dimension=one.measure.dimension,
                label=one.measure.written(row.label),
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
                item_id=items[item],
                shuffle=shuffle_key(round_.salt, item=items[item]),
                taken=len(of_item),
                is_full=True,
            )
            for item, of_item in slots.items()
        ],
        batch_size=BATCH,
    )
    round_.overlap = max(len(of_item) for of_item in slots.values())
    round_.save(update_fields=["overlap"])


def _when(row: LabelRow, now: datetime) -> datetime:
    if not row.at:
        return now
    said = datetime.fromisoformat(row.at)
    # A moment to come would stand behind a freeze that comes before it.
    return min(make_aware(said) if is_naive(said) else said, now)
