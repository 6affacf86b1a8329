"""Items in: streamed in chunks, hidden until the import is whole, then visible all at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from django.db import transaction
from django.db.models import Exists, Max, OuterRef
from django.utils import timezone

from annotation.models import Content, Dataset, Item, PendingImport, Response
from annotation.rules import shapes
from annotation.rules.itemrows import ItemDraft, item_rows
from annotation.rules.personal import Personal, check_region, looked_through
from annotation.services.itemsift import live_salt, sift
from annotation.services.itemstore import begin, end, give_up, meanwhile, store
from annotation.states import Part
from core import audit, bulk, jobs
from core.mapping import FieldPath
from core.tabular import BrokenRows, read_records

CHUNK = 1000
CHUNK_CHARS = 2_000_000
LISTED_NOTICES = 20
REPORT, MASK = "report", "mask"

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Look:
    """Texts are looked through for personal data; `region` reads phone numbers without a code."""

    is_masking: bool
    region: str = ""


def look_of(wish: str, region: str) -> Look | None:
    """`report`, `mask`, or nothing. Raises Invalid for a region that there is not."""
    chosen = check_region(region)
    return Look(is_masking=wish == MASK, region=chosen) if wish else None


@dataclass(slots=True)
class ItemImport:
    """What an import did; `broken` rows were left out or stopped it."""

    added: int = 0
    known: int = 0
    notices: int = 0
    listed_notices: list[str] = field(default_factory=list)
    broken: BrokenRows = field(default_factory=BrokenRows)
    personal: Personal | None = None
    shape: str = ""

    @property
    def rows(self) -> int:
        """How many rows were read so far."""
        return self.added + self.known + self.broken.total

    def as_dict(self) -> dict[str, object]:
        personal = {} if self.personal is None else {"personal": self.personal.as_dict()}
        shape = {"shape": self.shape} if self.shape else {}
        return {
            **personal,
            **shape,
            "added": self.added,
            "known": self.known,
            "notices": self.notices,
            "listed_notices": self.listed_notices,
            "broken": self.broken.total,
            "listed_broken": self.broken.sentences(),
        }


def import_items(
    *,
    dataset: Dataset,
    source: BinaryIO,
    name: str,
    columns: Mapping[str, FieldPath],
    actor: str,
    is_exact: bool = False,
    shape: str = shapes.AUTO,
    skip_bad: bool = False,
    dry_run: bool = False,
    personal: Look | None = None,
    job_id: int | None = None,
    progress: Progress | None = None,
) -> ItemImport:
    """Read a file of items into a dataset; memory does not grow with the file.

    Rows that cannot be read, and rows that contradict what is there, are named by number and
    nothing is kept, unless `skip_bad`. Items that are there already (same content hash) are
    counted and left alone. With `is_exact` only the columns that are mapped are read. Rows of a
    foreign `shape` (`rules/shapes.py`) are read as what they mean. With
    `personal` the texts are looked through for personal data, and masked when it says so: hashes
    are then those of the masked texts, so the same file masked again adds nothing. With a job
    its end is written in the transaction that makes the items visible. Raises Invalid for the
    file, its columns or its rows, Conflict when another import got in the way.
    """
    done = ItemImport()
    records = read_records(source, name=name)
    reading = shapes.read_as(records, "items", wanted=shape, columns=columns)
    done.shape = reading.shape.name if reading.shape is not None else ""
    drafts = done.broken.sift(item_rows(reading.rows, columns=columns, is_exact=is_exact))
    if personal is not None:
        drafts = _looked_through(drafts, done, personal)
    pending = begin(dataset, job_id=job_id)
    try:
        with bulk.seldom_checkpointed():
            for chunk in _chunks(drafts):
                _take(pending, chunk, done)
                if progress is not None:
                    progress(done.rows)
        done.broken.listed.sort(key=lambda broken: broken.row)
        if not skip_bad:
            done.broken.refuse()
        if dry_run:
            give_up(pending)
        else:
            if done.added >= bulk.MANY:
                bulk.weigh(Item, Content, Response)
            _publish(pending, done, name=name, actor=actor, job_id=job_id)
    except BaseException:
        give_up(pending)
        raise
    return done


def _looked_through(
    drafts: Iterable[ItemDraft], done: ItemImport, look: Look
) -> Iterator[ItemDraft]:
    report = done.personal = Personal(is_masked=look.is_masking)
    return (looked_through(draft, report, region=look.region) for draft in drafts)


def add_items(
    *, dataset: Dataset, drafts: Iterable[ItemDraft], actor: str, name: str
) -> ItemImport:
    """Items that were made here and not read from a file (the demo)."""
    done = ItemImport()
    pending = begin(dataset)
    try:
        for chunk in _chunks(drafts):
            _take(pending, chunk, done)
        done.broken.refuse()
        _publish(pending, done, name=name, actor=actor, job_id=None)
    except BaseException:
        give_up(pending)
        raise
    return done


def _chunks(drafts: Iterable[ItemDraft]) -> Iterator[list[ItemDraft]]:
    """As many as are written at once: a bound on memory, and on how long others wait to write."""
    chunk: list[ItemDraft] = []
    room = CHUNK_CHARS
    for draft in drafts:
        chunk.append(draft)
        room -= draft.chars
        if len(chunk) >= CHUNK or room <= 0:
            yield chunk
            chunk, room = [], CHUNK_CHARS
    if chunk:
        yield chunk


def _take(pending: PendingImport, chunk: Sequence[ItemDraft], done: ItemImport) -> None:
    _note(chunk, done)
    sifted = sift(pending, chunk)
    for broken in sifted.broken:
        done.broken.add(broken)
    if sifted.fresh:
        store(pending, sifted.fresh)
    done.added += len(sifted.fresh)
    done.known += sifted.known


def _note(chunk: Sequence[ItemDraft], done: ItemImport) -> None:
    for draft in chunk:
        done.notices += len(draft.notices)
        room = LISTED_NOTICES - len(done.listed_notices)
        done.listed_notices += [
            f"{draft.unit.capitalize()} {draft.row}: {text}" for text in draft.notices[:room]
        ]


def _publish(
    pending: PendingImport, done: ItemImport, *, name: str, actor: str, job_id: int | None
) -> None:
    """All rows of the import become visible at once, or none."""
    dataset = pending.dataset
    seen = Item.objects.aggregate(last=Max("pk"))["last"] or 0
    _check_sealing(pending)
    with transaction.atomic():
        end(pending)
        _check_sealing(pending, after=seen)
        counts = {"added": done.added, "known": done.known, "broken": done.broken.total}
        if done.personal is not None:
            counts["personal_items"] = done.personal.touched
            counts["personal_masked"] = done.personal.is_masked
        audit.record(
            actor=actor,
            verb="items.imported",
            object_type="dataset",
            object_id=dataset.pk,
            project_id=dataset.project_id,
            data={"file": name, **counts, **({} if job_id is None else {"job": job_id})},
        )
        if job_id is not None:
            jobs.progress(job_id, done=done.rows, total=done.rows)
            jobs.finish(job_id, result=done.as_dict(), now=timezone.now())


def _check_sealing(pending: PendingImport, after: int = 0) -> None:
    """Once more at the end: another import may have brought the same prompts, or a look was
    taken, since the rows were read. `after`: only what came after this item is looked at, so
    that the check is quick where it holds up whoever wants to write."""
    dataset = pending.dataset
    if dataset.is_open:
        return
    live_salt(dataset)
    others = Item.objects.filter(project_id=dataset.project_id).exclude(dataset=dataset)
    if after:
        others = others.filter(pk__gt=after)
        if not others.exists():
            return
    known = (
        Item.objects.filter(dataset=dataset, import_job_id=pending.pk, part=Part.SEALED)
        .filter(pk__gt=pending.after_item)
        .filter(
            Exists(others.filter(cluster_key=OuterRef("cluster_key")))
            | Exists(others.filter(input_digest=OuterRef("input_digest")))
        )
        .exists()
    )
    if known:
        raise meanwhile()
