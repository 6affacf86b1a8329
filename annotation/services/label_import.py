"""Existing human labels in: a round that was rated elsewhere, with its raters.

A table is read onto disk first (`labelspool`): memory does not grow with it, and whoever rates
meanwhile waits only while its rows are written.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import BinaryIO

from django.db import transaction
from django.utils.timezone import is_naive, make_aware

from accounts.models import Project, Rater
from annotation.models import (
    Assignment,
    Dataset,
    Dimension,
    GuidelineVersion,
    Item,
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
from annotation.services import datasets, label_guideline, label_items, reference, rounds
from annotation.services.labelspool import LabelSpool, Place, Said
from annotation.states import (
    AssignmentState,
    Provenance,
    RoundKind,
    RoundState,
)
from core import audit, bulk, jobs
from core.errors import Conflict, Invalid
from core.mapping import FieldPath
from core.models import AuditEvent
from core.tabular import BrokenRow, BrokenRows, read_records
from measurement.scale import NOT_APPLICABLE, OutsideScale, Scale

TOLD_EVERY = 5000
PIECE = 2000
"""Assignments that are written at once."""

Progress = Callable[[int], None]
Written = Mapping[tuple[str, str], tuple[int, str]]
"""A dimension and a label of the table -> the dimension's key, and the label as it is stored."""

_ASSIGNMENT = (
    "id", "round", "item", "slot", "rater", "guideline_version", "state", "is_swapped",
    "active_seconds", "skip_reason", "submitted_at",
)  # fmt: skip
_RATING = (
    "assignment", "dimension", "revision", "is_current", "label", "rationale", "created_at",
)  # fmt: skip
_ROUND_ITEM = ("round", "item", "shuffle", "taken", "is_full")


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
        said = asdict(self)
        if not self.shape:
            del said["shape"]
        return said


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
class _Table:
    """A file of labels as it stands on disk, and what names it."""

    spool: LabelSpool
    digest: str
    file: str
    guideline: str
    shape: str
    is_simulated: bool


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
    progress: Progress | None = None,
) -> LabelImport:
    """Read a label table into imported rounds, all or nothing; memory does not grow with it.

    Items of an empty dataset are made without texts; in any other an unknown item is a broken
    row. Without a guideline of that name one is made from the labels. A rater's second label
    on the same item, dimension and round is a repeat and goes to a re-rating round; the same
    table again adds nothing. With `is_exact` only the columns that are mapped are read. Rows of a
    foreign `shape` (`rules/shapes.py`) are read as what they mean. With a job its end is written
    with the rows, and the reference labels follow in the background.
    Raises Invalid for the file, its columns, its rows or a label outside the scale.
    """
    if isinstance(dataset, Dataset):
        check_takes_labels(dataset)
    broken = BrokenRows()
    reading = shapes.read_as(
        read_records(source, name=name), "labels", wanted=shape, columns=columns
    )
    said = people_rows(reading.rows, columns=columns, values=values, wide=wide, is_exact=is_exact)
    guideline = guideline_name or _usual_guideline(dataset)
    hashed = _begun(guideline)
    rows = _told(broken.sift(said), progress)
    with LabelSpool(_hashed(rows, hashed)) as spool:
        broken.refuse()
        table = _Table(
            spool,
            digest=hashed.hexdigest(),
            file=name,
            guideline=guideline,
            shape=reading.shape.name if reading.shape is not None else "",
            is_simulated=is_simulated,
        )
        return _taken(dataset, table, actor=actor, now=now, job_id=job_id)


def add_labels(
    *,
    dataset: Dataset | NewDataset,
    rows: Iterable[LabelRow],
    name: str,
    guideline_name: str,
    actor: str,
    now: datetime,
    is_simulated: bool = False,
) -> LabelImport:
    """Store rows that were made here and not read from a file (see `import_labels`)."""
    guideline = guideline_name or _usual_guideline(dataset)
    hashed = _begun(guideline)
    with LabelSpool(_hashed(rows, hashed)) as spool:
        table = _Table(
            spool,
            digest=hashed.hexdigest(),
            file=name,
            guideline=guideline,
            shape="",
            is_simulated=is_simulated,
        )
        return _taken(dataset, table, actor=actor, now=now, job_id=None)


def _taken(
    dataset: Dataset | NewDataset,
    table: _Table,
    *,
    actor: str,
    now: datetime,
    job_id: int | None,
) -> LabelImport:
    """What can be looked up before the transaction is, so that nobody waits for it."""
    spool = table.spool
    if not spool.labels:
        raise Invalid("no_labels", "The file holds no label: every label cell is empty.")
    called: Mapping[str, str] = {}
    if isinstance(dataset, Dataset):
        label_items.find(dataset, spool)
        called = _called(label_guideline.in_force(dataset.project_id, table.guideline), spool)
        if called:
            spool.place(called)
    with transaction.atomic(durable=True):
        if isinstance(dataset, NewDataset):
            dataset = datasets.create(project=dataset.project, name=dataset.name, actor=actor)
        # Two imports of one file stand in line here, and the second finds the first one's digest.
        Dataset.objects.select_for_update().get(pk=dataset.pk)
        check_takes_labels(dataset)
        done = _stored(dataset, table, called, actor=actor, now=now, job_id=job_id)
    if spool.labels >= bulk.MANY:
        bulk.weigh(Item, RoundItem, Assignment, Rating)
    if job_id is None:
        # Also of labels that came before: a process that ended in between left them without.
        for keys in spool.item_keys():
            reference.refresh(item_ids=keys)
    return done


def _stored(
    dataset: Dataset,
    table: _Table,
    called: Mapping[str, str],
    *,
    actor: str,
    now: datetime,
    job_id: int | None,
) -> LabelImport:
    """Inside a transaction that holds the dataset: the rows, the trail and the job's end.

    A job that runs again after a crash finds its digest, and stores nothing twice.
    """
    if _was_imported(dataset, table.digest):
        done = LabelImport(known=table.spool.labels, guideline=table.guideline)
    else:
        done = _add(dataset, table, called, actor=actor, now=now)
    done.shape = table.shape
    audit.record(
        actor=actor,
        verb="labels.imported",
        object_type="dataset",
        object_id=dataset.pk,
        project_id=dataset.project_id,
        data={
            "file": table.file,
            **done.as_dict(),
            "digest": table.digest,
            **({} if job_id is None else {"job": job_id}),
        },
    )
    if job_id is not None:
        rounds.make_labels_later(project_id=dataset.project_id, ids=done.rounds, actor=actor)
        jobs.progress(job_id, done=table.spool.labels, total=table.spool.labels)
        jobs.finish(job_id, result=done.as_dict(), now=now)
    return done


def _add(
    dataset: Dataset, table: _Table, called: Mapping[str, str], *, actor: str, now: datetime
) -> LabelImport:
    spool = table.spool
    done = LabelImport(labels=spool.labels, guideline=table.guideline, items=spool.items)
    done.new_items = label_items.make_missing(dataset, spool)
    version = label_guideline.published(
        project_id=dataset.project_id,
        name=table.guideline,
        labels=spool.different,
        actor=actor,
        now=now,
    )
    measures = _checked_dimensions(version, spool)
    by_key = {name: measure.dimension.key for name, measure in measures.items()}
    # Placed already, unless the guideline came, or another version of it, since the rows were.
    if not _same(called, by_key):
        spool.place(by_key)
    done.repeats = spool.repeats
    raters = _raters(dataset, spool.raters(), is_simulated=table.is_simulated)
    done.raters = len(raters)
    # Made once for each, not for each row: others wait meanwhile.
    written = {
        (name, label): (measures[name].dimension.pk, measures[name].written(label))
        for name, label in spool.different
    }
    for place in spool.places:
        round_ = _round(dataset, version, place, table, now)
        done.rounds.append(round_.pk)
        _store(round_, spool.said_in(place), written, raters, now)
    return done


def _usual_guideline(dataset: Dataset | NewDataset) -> str:
    return f"Labels of {dataset.name}"[:NAME_CHARS]


def _told(rows: Iterable[LabelRow], progress: Progress | None) -> Iterator[LabelRow]:
    """The rows, and how many there were, now and then."""
    for number, row in enumerate(rows, 1):
        if progress is not None and number % TOLD_EVERY == 0:
            progress(number)
        yield row


def _begun(guideline: str) -> hashlib._Hash:
    """What makes two tables one: the same labels in the same order under the same guideline."""
    return hashlib.sha256(digest(guideline).encode())


def _hashed(rows: Iterable[LabelRow], hashed: hashlib._Hash) -> Iterator[LabelRow]:
    for row in rows:
        said = (row.item, row.rater, row.label, row.dimension, row.round, row.cluster, row.at)
        hashed.update(digest(*said).encode())
        yield row


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


def _called(version: GuidelineVersion | None, spool: LabelSpool) -> dict[str, str]:
    """What each dimension of the table is called: by its key, or as it stands where the guideline
    is yet to be made from them. Empty where the guideline does not know one of them."""
    names = {dimension for dimension, _ in spool.different}
    if version is None:
        return {name: name for name in names}
    measures = _measures(version)
    if not names <= measures.keys():
        return {}
    return {name: measures[name].dimension.key for name in names}


def _same(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether both call the same dimensions one."""
    if not one:
        return False
    together = {(key, other[name]) for name, key in one.items()}
    return len(together) == len({key for key, _ in together}) == len({key for _, key in together})


def _measures(version: GuidelineVersion) -> dict[str, _Measure]:
    """The dimension of each name that a table may call it by."""
    dimensions = list(version.dimensions.all())
    by_name = {
        name: _Measure(dimension, label_queries.scale_of(dimension))
        for dimension in dimensions
        for name in (dimension.name, dimension.key)
    }
    if len(dimensions) == 1:
        by_name.setdefault(DEFAULT_DIMENSION, by_name[dimensions[0].key])
    return by_name


def _checked_dimensions(version: GuidelineVersion, spool: LabelSpool) -> dict[str, _Measure]:
    """The dimension of each name in the file; a label outside its scale is a broken row."""
    by_name = _measures(version)
    keys = ", ".join(dimension.key for dimension in version.dimensions.all())
    total, first = 0, list[BrokenRow]()
    for name, label in spool.different:
        measure = by_name.get(name)
        if measure is None:
            problem = f"the guideline has no dimension {name!r}; it has {keys}."
        else:
            problem = measure.problem(label)
        if problem:
            count, found = spool.rows_of(name, label)
            total += count
            first += [BrokenRow(row, problem, unit) for row, unit in found]
    _refuse(first, total)
    return {name: by_name[name] for name, _ in spool.different}


def _refuse(first: Iterable[BrokenRow], total: int) -> None:
    """Raise Invalid that names the rows in the order of the file, if there are any."""
    broken = BrokenRows()
    for row in sorted(first, key=attrgetter("row")):
        broken.add(row)
    broken.total = total
    broken.refuse()


def _raters(dataset: Dataset, names: Sequence[str], *, is_simulated: bool) -> dict[str, int]:
    """The key of each name in the file. A member of the same name is somebody else: labels that
    were brought in must not stand as a person's own."""
    of_members = set(
        Rater.objects.filter(
            project_id=dataset.project_id, name__in=names, user__isnull=False
        ).values_list("name", flat=True)
    )
    stored = {name: f"{name} (imported)" if name in of_members else name for name in names}
    known = Rater.objects.filter(
        project_id=dataset.project_id, name__in=stored.values(), user__isnull=True
    )
    found = dict(known.values_list("name", "pk"))
    made = Rater.objects.bulk_create(
        Rater(project_id=dataset.project_id, name=name, is_simulated=is_simulated)
        for name in sorted(set(stored.values()) - found.keys())
    )
    found |= {rater.name: rater.pk for rater in made}
    return {name: found[kept] for name, kept in stored.items()}


def _round(
    dataset: Dataset,
    version: GuidelineVersion,
    place: Place,
    table: _Table,
    now: datetime,
) -> Round:
    base = f"{dataset.name}: {place.round or table.file}"[:100]
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
        is_simulated=table.is_simulated,
    )


@dataclass(slots=True)
class _Rows:
    """What is written next: for each slot of an item what its rater said, and the items."""

    slots: list[tuple[int, int, Sequence[Said]]] = field(default_factory=list)
    items: list[tuple[int, int]] = field(default_factory=list)


def _store(
    round_: Round,
    said: Iterable[Said],
    written: Written,
    raters: Mapping[str, int],
    now: datetime,
) -> None:
    """The rows of a round, some thousand slots at a time."""
    rows, most = _Rows(), 1
    for item, of_item in groupby(said, key=attrgetter("item")):
        by_rater: dict[str, list[Said]] = defaultdict(list)
        for one in of_item:
            by_rater[one.rater].append(one)
        rows.slots += [(item, slot, given) for slot, given in enumerate(by_rater.values())]
        rows.items.append((item, len(by_rater)))
        most = max(most, len(by_rater))
        if len(rows.slots) >= PIECE:
            _write(round_, rows, written, raters, now)
            rows = _Rows()
    _write(round_, rows, written, raters, now)
    Round.objects.filter(pk=round_.pk).update(overlap=most)


def _write(
    round_: Round,
    rows: _Rows,
    written: Written,
    raters: Mapping[str, int],
    now: datetime,
) -> None:
    ids = bulk.reserved_ids(Assignment, len(rows.slots))
    version_id, state = round_.guideline_version_id, AssignmentState.SUBMITTED.value
    bulk.insert(
        Assignment,
        _ASSIGNMENT,
        (
            [
                *(pk, round_.pk, item, slot, raters[given[0].rater], version_id),
                *(state, False, 0.0, "", _when(given[0].at, now)),
            ]
            for pk, (item, slot, given) in zip(ids, rows.slots, strict=True)
        ),
    )
    bulk.insert(
        Rating,
        _RATING,
        (
            [pk, dimension_id, 1, True, label, "", _when(one.at, now)]
            for pk, (_, _, given) in zip(ids, rows.slots, strict=True)
            for one in given
            for dimension_id, label in (written[one.dimension, one.label],)
        ),
    )
    bulk.insert(
        RoundItem,
        _ROUND_ITEM,
        (
            [round_.pk, item, shuffle_key(round_.salt, item=item), taken, True]
            for item, taken in rows.items
        ),
    )


def _when(at: str, now: datetime) -> datetime:
    if not at:
        return now
    said = datetime.fromisoformat(at)
    # A moment to come would stand behind a freeze that comes before it.
    return min(make_aware(said) if is_naive(said) else said, now)
