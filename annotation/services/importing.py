"""Items in: streamed in chunks, hidden until the import is whole, then visible all at once."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import BinaryIO

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from annotation.models import Content, Dataset, Item, Response, SealedSet
from annotation.rules.itemrows import ItemDraft, content_hash, input_digest, item_rows
from annotation.rules.keys import digest
from annotation.rules.split import part_of
from annotation.states import Part
from core import audit, jobs
from core.errors import Conflict
from core.mapping import FieldPath
from core.models import Job, JobState
from core.tabular import BrokenRow, BrokenRows, read_records

CHUNK = 1000
TITLE_CHARS = 120
LISTED_NOTICES = 20
LEFTOVER_AFTER = timedelta(hours=1)
OPEN_ELSEWHERE = (
    "this prompt lies in another dataset of the project, so it cannot be sealed: its labels may be "
    "known. Leave the row out, or use a dataset without a sealed part."
)
SEALED_ELSEWHERE = "this prompt is sealed in another dataset of the project. Leave the row out."
ON_BOTH_SIDES = (
    "the same prompt stands in this dataset under another cluster, and one of the two is sealed. "
    "Give both rows the same cluster, or leave this one out."
)

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class _Fresh:
    """A draft to store, with its digests."""

    draft: ItemDraft
    content_hash: str
    input_digest: str


@dataclass(slots=True)
class ItemImport:
    """What an import did; `broken` rows were left out or stopped it."""

    added: int = 0
    known: int = 0
    notices: int = 0
    listed_notices: list[str] = field(default_factory=list)
    broken: BrokenRows = field(default_factory=BrokenRows)

    @property
    def rows(self) -> int:
        """How many rows were read so far."""
        return self.added + self.known + self.broken.total

    def as_dict(self) -> dict[str, object]:
        return {
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
    skip_bad: bool = False,
    dry_run: bool = False,
    job_id: int | None = None,
    progress: Progress | None = None,
) -> ItemImport:
    """Read a file of items into a dataset; memory does not grow with the file.

    Rows that cannot be read, and rows that contradict what is there, are named by number and
    nothing is kept, unless `skip_bad`. Items that are there already (same content hash) are
    counted and left alone. With `is_exact` only the columns that are mapped are read. With a job
    its end is written in the transaction that makes the items visible. Raises Invalid for the
    file, its columns or its rows, Conflict when another import got in the way.
    """
    done = ItemImport()
    tag = _tag(job_id)
    _clear_leftovers(dataset, tag)
    records = read_records(source, name=name)
    drafts = done.broken.sift(item_rows(records, columns=columns, is_exact=is_exact))
    try:
        for chunk in _chunks(drafts):
            _take(dataset, chunk, done, tag=tag)
            if progress is not None:
                progress(done.rows)
        done.broken.listed.sort(key=lambda broken: broken.row)
        if not skip_bad:
            done.broken.refuse()
        if dry_run:
            _drop_hidden(dataset, tag)
        else:
            _publish(dataset, done, name=name, actor=actor, tag=tag, job_id=job_id)
    except BaseException:
        _drop_hidden(dataset, tag)
        raise
    return done


def add_items(
    *, dataset: Dataset, drafts: Iterable[ItemDraft], actor: str, name: str
) -> ItemImport:
    """Items that were made here and not read from a file (the demo)."""
    done = ItemImport()
    tag = _tag(None)
    try:
        for chunk in _chunks(drafts):
            _take(dataset, chunk, done, tag=tag)
        done.broken.refuse()
        _publish(dataset, done, name=name, actor=actor, tag=tag, job_id=None)
    except BaseException:
        _drop_hidden(dataset, tag)
        raise
    return done


def _tag(job_id: int | None) -> int:
    """What marks the hidden rows of one import: its job, or a number below 0 without one."""
    return job_id if job_id is not None else -1 - secrets.randbelow(2**62)


def _chunks(drafts: Iterable[ItemDraft]) -> Iterator[list[ItemDraft]]:
    remaining = iter(drafts)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk


def _take(dataset: Dataset, chunk: list[ItemDraft], done: ItemImport, *, tag: int) -> None:
    _note(chunk, done)
    fresh = _fresh(dataset, chunk, done, tag=tag)
    if fresh:
        _store(dataset, fresh, tag)
    done.added += len(fresh)


def _note(chunk: list[ItemDraft], done: ItemImport) -> None:
    for draft in chunk:
        done.notices += len(draft.notices)
        room = LISTED_NOTICES - len(done.listed_notices)
        done.listed_notices += [
            f"{draft.unit.capitalize()} {draft.row}: {text}" for text in draft.notices[:room]
        ]


def _fresh(dataset: Dataset, chunk: list[ItemDraft], done: ItemImport, *, tag: int) -> list[_Fresh]:
    """The drafts to store; doubles are counted, contradictions are broken rows."""
    there = _there(dataset, chunk, tag)
    inputs = [input_digest(draft) for draft in chunk]
    keys = {*inputs, *(draft.cluster_key for draft in chunk)}
    elsewhere, open_there = sealed_elsewhere(dataset, keys), open_elsewhere(dataset, keys)
    salt = _salt(dataset)
    sides = _sides(dataset, inputs) if salt else {}
    fresh: list[_Fresh] = []
    for draft, input_hashed in zip(chunk, inputs, strict=True):
        hashed = content_hash(draft)
        part = _part(dataset, draft.cluster_key, salt)
        known = there.get(draft.external_id)
        if known == hashed:
            done.known += 1
        elif known is not None:
            done.broken.add(BrokenRow(draft.row, _other_text(draft), draft.unit))
        elif draft.cluster_key in elsewhere or input_hashed in elsewhere:
            done.broken.add(BrokenRow(draft.row, SEALED_ELSEWHERE, draft.unit))
        elif part == Part.SEALED and (
            draft.cluster_key in open_there or input_hashed in open_there
        ):
            done.broken.add(BrokenRow(draft.row, OPEN_ELSEWHERE, draft.unit))
        elif salt and sides.setdefault(input_hashed, part) != part:
            done.broken.add(BrokenRow(draft.row, ON_BOTH_SIDES, draft.unit))
        else:
            there[draft.external_id] = hashed
            fresh.append(_Fresh(draft, hashed, input_hashed))
    return fresh


def _sides(dataset: Dataset, inputs: Iterable[str]) -> dict[str, str]:
    """digest of an input -> the part in which it lies in this dataset already."""
    found = Item.objects.filter(
        project_id=dataset.project_id, input_digest__in=set(inputs), dataset=dataset
    )
    return dict(found.values_list("input_digest", "part"))


def _there(dataset: Dataset, chunk: list[ItemDraft], tag: int) -> dict[str, str]:
    """id -> content hash of what the dataset has already (the hash takes in the id)."""
    found = Item.objects.filter(
        dataset=dataset, external_id__in={draft.external_id for draft in chunk}
    ).values_list("external_id", "content_hash", "is_visible", "import_job_id")
    there = {}
    for external_id, hashed, is_visible, its_tag in found:
        if not is_visible and its_tag != tag:
            # It may yet be dropped: calling it "there already" could lose it.
            raise _meanwhile()
        there[external_id] = hashed
    return there


def _meanwhile() -> Conflict:
    return Conflict(
        "imported_meanwhile",
        "Another import into this dataset brings some of the same items at this moment. Start "
        "this one again when the other is over: what is there already is left alone.",
    )


def _other_text(draft: ItemDraft) -> str:
    return (
        f"the id {draft.external_id[:60]!r} belongs to an item with other texts or systems. Give "
        "it an id of its own, or leave the row out."
    )


def sealed_elsewhere(dataset: Dataset, keys: set[str]) -> set[str]:
    """Those of the keys (of clusters, digests of inputs) that are sealed in another dataset."""
    if (
        not SealedSet.objects.filter(
            dataset__project_id=dataset.project_id, retired_at__isnull=True
        )
        .exclude(dataset=dataset)
        .exists()
    ):
        return set()
    found = (
        Item.objects.filter(project_id=dataset.project_id, part=Part.SEALED)
        .exclude(dataset=dataset)
        .filter(Q(cluster_key__in=keys) | Q(input_digest__in=keys))
        .values_list("cluster_key", "input_digest")
    )
    return {key for pair in found for key in pair} & keys


def open_elsewhere(dataset: Dataset, keys: set[str]) -> set[str]:
    """Those of the keys that lie in another dataset: what is known there cannot be sealed here."""
    if dataset.is_open:
        return set()
    found = (
        Item.objects.filter(project_id=dataset.project_id)
        .exclude(dataset=dataset)
        .filter(Q(cluster_key__in=keys) | Q(input_digest__in=keys))
        .values_list("cluster_key", "input_digest")
    )
    return {key for pair in found for key in pair} & keys


def _part(dataset: Dataset, cluster_key: str, salt: str) -> Part:
    return Part(part_of(cluster_key, salt=salt, share=dataset.share)) if salt else Part.DEVELOPMENT


def _store(dataset: Dataset, fresh: list[_Fresh], tag: int) -> None:
    salt = _salt(dataset)
    try:
        with transaction.atomic():
            contents = Content.objects.bulk_create(
                [Content(project_id=dataset.project_id, body=_body(one.draft)) for one in fresh]
            )
            items = Item.objects.bulk_create(
                [
                    _item(dataset, one, content, salt, tag)
                    for one, content in zip(fresh, contents, strict=True)
                ]
            )
            Response.objects.bulk_create(
                [
                    response
                    for item, one in zip(items, fresh, strict=True)
                    for response in _responses(item, one.draft)
                ]
            )
    except IntegrityError as error:
        raise _meanwhile() from error


def check_takes_items(dataset: Dataset) -> None:
    """Raise Conflict where the sealed part was looked at: new items would change it."""
    sealed = SealedSet.objects.filter(dataset=dataset, retired_at__isnull=True).first()
    if sealed is not None and sealed.frozen_at is not None:
        raise Conflict(
            "set_frozen",
            "The sealed part of this dataset has been looked at, so it takes no new items. "
            "Import them into a new dataset.",
        )


def _salt(dataset: Dataset) -> str:
    """The salt of the live sealed part; empty when every new item is for development."""
    if dataset.share == 0:
        return ""
    check_takes_items(dataset)
    sealed = SealedSet.objects.get(dataset=dataset)
    return "" if sealed.retired_at is not None else sealed.salt


def _body(draft: ItemDraft) -> dict[str, object]:
    return {
        "input": draft.input,
        "context": draft.context,
        "reference": draft.reference,
        "messages": [{"role": turn.role, "text": turn.text} for turn in draft.messages],
        "responses": [response.text for response in draft.responses],
    }


def _item(dataset: Dataset, fresh: _Fresh, content: Content, salt: str, tag: int) -> Item:
    draft = fresh.draft
    first = draft.input or (draft.messages[0].text if draft.messages else draft.context)
    return Item(
        project_id=dataset.project_id,
        dataset_id=dataset.pk,
        content_id=content.pk,
        external_id=draft.external_id,
        kind=draft.kind,
        title=" ".join(first.split())[:TITLE_CHARS],
        prompt_key=draft.prompt_key,
        cluster_key=draft.cluster_key,
        content_hash=fresh.content_hash,
        input_digest=fresh.input_digest,
        part=_part(dataset, draft.cluster_key, salt),
        difficulty=draft.difficulty,
        case=draft.case,
        source=draft.source,
        tags=list(draft.tags),
        extra=draft.extra,
        import_job_id=tag,
        is_visible=False,
    )


def _responses(item: Item, draft: ItemDraft) -> Iterator[Response]:
    for position, response in enumerate(draft.responses):
        yield Response(
            item_id=item.pk,
            position=position,
            system=response.system,
            digest=digest(response.text),
            length=len(response.text),
            latency_ms=response.latency_ms,
            cost=response.cost,
        )


@transaction.atomic
def _publish(
    dataset: Dataset, done: ItemImport, *, name: str, actor: str, tag: int, job_id: int | None
) -> None:
    """All rows of the import become visible at once, or none.

    A worker that was taken for dead may come back while another does its job anew: then the
    rows are not those that this one stored, and it gives way.
    """
    changed = Item.objects.filter(dataset=dataset, is_visible=False, import_job_id=tag).update(
        is_visible=True
    )
    if changed != done.added:
        raise _meanwhile()
    _check_sealing(dataset, tag)
    counts = {"added": done.added, "known": done.known, "broken": done.broken.total}
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


def _check_sealing(dataset: Dataset, tag: int) -> None:
    """Once more at the end: another import may have brought the same prompts, or a look was
    taken, since the rows were read."""
    if dataset.is_open:
        return
    _salt(dataset)
    others = Item.objects.filter(project_id=dataset.project_id).exclude(dataset=dataset)
    known = (
        Item.objects.filter(dataset=dataset, import_job_id=tag, part=Part.SEALED)
        .filter(
            Exists(others.filter(cluster_key=OuterRef("cluster_key")))
            | Exists(others.filter(input_digest=OuterRef("input_digest")))
        )
        .exists()
    )
    if known:
        raise _meanwhile()


def _clear_leftovers(dataset: Dataset, tag: int) -> None:
    """Drop hidden rows that a crash left: this job's own earlier try, and imports long over."""
    hidden = Item.objects.filter(dataset=dataset, is_visible=False, import_job_id__isnull=False)
    old = hidden.filter(created_at__lt=timezone.now() - LEFTOVER_AFTER)
    running = set(
        Job.objects.filter(state__in=(JobState.WAITING, JobState.RUNNING)).values_list(
            "pk", flat=True
        )
    )
    tags = set(old.values_list("import_job_id", flat=True).distinct()) - running
    for leftover in tags | {tag}:
        if leftover is not None:
            _drop_hidden(dataset, leftover)


def _drop_hidden(dataset: Dataset, tag: int) -> None:
    while True:
        batch = list(
            Item.objects.filter(dataset=dataset, is_visible=False, import_job_id=tag)
            .order_by("pk")
            .values_list("pk", "content_id")[:CHUNK]
        )
        if not batch:
            return
        with transaction.atomic():
            Item.objects.filter(pk__in=[item for item, _ in batch]).delete()
            Content.objects.filter(pk__in=[content for _, content in batch]).delete()
