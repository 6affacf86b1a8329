"""Items in: streamed in chunks, hidden until the import is whole, then visible all at once."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import BinaryIO

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from annotation.models import Content, Dataset, Item, Response, SealedSet
from annotation.rules.itemrows import ItemDraft, content_hash, input_digest, item_rows
from annotation.rules.keys import digest
from annotation.rules.split import part_of
from annotation.states import Part
from core import audit
from core.errors import Conflict
from core.mapping import FieldPath
from core.models import Job, JobState
from core.tabular import BrokenRow, BrokenRows, read_records

CHUNK = 500
TITLE_CHARS = 120
LISTED_NOTICES = 20
LEFTOVER_AFTER = timedelta(hours=1)

Progress = Callable[[int], None]


@dataclass(slots=True)
class ItemImport:
    """What an import did; `broken` rows were left out or stopped it."""

    added: int = 0
    known: int = 0
    sealed: int = 0
    notices: int = 0
    listed_notices: list[str] = field(default_factory=list)
    broken: BrokenRows = field(default_factory=BrokenRows)

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
    skip_bad: bool = False,
    dry_run: bool = False,
    job_id: int | None = None,
    progress: Progress | None = None,
) -> ItemImport:
    """Read a file of items into a dataset; memory does not grow with the file.

    Rows that cannot be read, and rows that contradict what is there, are named by number and
    nothing is kept, unless `skip_bad`. Items that are there already (same content hash) are
    counted and left alone. Raises Invalid for the file, its columns or its rows.
    """
    done = ItemImport()
    tag = _tag(job_id)
    _clear_leftovers(dataset, tag)
    drafts = done.broken.sift(item_rows(read_records(source, name=name), columns=columns))
    try:
        for chunk in _chunks(drafts):
            _take(dataset, chunk, done, tag=tag, is_kept=not dry_run)
            if progress is not None:
                progress(done.added + done.known)
        if not skip_bad:
            done.broken.refuse()
    except BaseException:
        _drop_hidden(dataset, tag)
        raise
    if not dry_run:
        _publish(dataset, done, name=name, actor=actor, tag=tag)
    return done


def add_items(
    *, dataset: Dataset, drafts: Iterable[ItemDraft], actor: str, name: str
) -> ItemImport:
    """Items that were made here and not read from a file (the demo)."""
    done = ItemImport()
    tag = _tag(None)
    for chunk in _chunks(drafts):
        _take(dataset, chunk, done, tag=tag, is_kept=True)
    done.broken.refuse()
    _publish(dataset, done, name=name, actor=actor, tag=tag)
    return done


def _tag(job_id: int | None) -> int:
    """What marks the hidden rows of one import: its job, or a number below 0 without one."""
    return job_id if job_id is not None else -1 - secrets.randbelow(2**62)


def _chunks(drafts: Iterable[ItemDraft]) -> Iterator[list[ItemDraft]]:
    remaining = iter(drafts)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk


def _take(
    dataset: Dataset, chunk: list[ItemDraft], done: ItemImport, *, tag: int, is_kept: bool
) -> None:
    _note(chunk, done)
    fresh = _fresh(dataset, chunk, done)
    if is_kept and fresh:
        _store(dataset, fresh, tag)
    done.added += len(fresh)


def _note(chunk: list[ItemDraft], done: ItemImport) -> None:
    for draft in chunk:
        done.notices += len(draft.notices)
        room = LISTED_NOTICES - len(done.listed_notices)
        done.listed_notices += [f"Row {draft.row}: {text}" for text in draft.notices[:room]]


def _fresh(
    dataset: Dataset, chunk: list[ItemDraft], done: ItemImport
) -> list[tuple[str, ItemDraft]]:
    """The drafts to store, with their hashes; doubles are counted, contradictions are broken."""
    hashes = {content_hash(draft): draft for draft in reversed(chunk)}
    done.known += len(chunk) - len(hashes)
    there = dict(
        Item.objects.filter(dataset=dataset)
        .filter(
            Q(content_hash__in=hashes)
            | Q(external_id__in=[draft.external_id for draft in hashes.values()])
        )
        .values_list("external_id", "content_hash")
    )
    elsewhere = _sealed_elsewhere(dataset, hashes.values())
    fresh: list[tuple[str, ItemDraft]] = []
    for hashed, draft in sorted(hashes.items(), key=lambda pair: pair[1].row):
        if there.get(draft.external_id) == hashed:
            done.known += 1
        elif draft.external_id in there:
            done.broken.add(BrokenRow(draft.row, _other_text(draft)))
        elif draft.cluster_key in elsewhere or input_digest(draft) in elsewhere:
            done.broken.add(
                BrokenRow(draft.row, "this prompt is sealed in another dataset of the project.")
            )
        else:
            there[draft.external_id] = hashed
            fresh.append((hashed, draft))
    return fresh


def _other_text(draft: ItemDraft) -> str:
    return (
        f"the id {draft.external_id[:60]!r} belongs to an item with other texts or systems. Give "
        "it an id of its own, or leave the row out."
    )


def _sealed_elsewhere(dataset: Dataset, drafts: Iterable[ItemDraft]) -> set[str]:
    """Cluster keys and input digests of these drafts that a live sealed set holds elsewhere."""
    if (
        not SealedSet.objects.filter(
            dataset__project_id=dataset.project_id, retired_at__isnull=True
        )
        .exclude(dataset=dataset)
        .exists()
    ):
        return set()
    known = list(drafts)
    clusters = {draft.cluster_key for draft in known}
    inputs = {input_digest(draft) for draft in known}
    found = (
        Item.objects.filter(project_id=dataset.project_id, part=Part.SEALED)
        .exclude(dataset=dataset)
        .filter(Q(cluster_key__in=clusters) | Q(input_digest__in=inputs))
        .values_list("cluster_key", "input_digest")
    )
    return {key for pair in found for key in pair} & (clusters | inputs)


def _store(dataset: Dataset, fresh: list[tuple[str, ItemDraft]], tag: int) -> None:
    salt = _salt(dataset)
    try:
        with transaction.atomic():
            contents = Content.objects.bulk_create(
                [Content(project_id=dataset.project_id, body=_body(draft)) for _, draft in fresh]
            )
            items = Item.objects.bulk_create(
                [
                    _item(dataset, hashed, draft, content, salt, tag)
                    for (hashed, draft), content in zip(fresh, contents, strict=True)
                ]
            )
            Response.objects.bulk_create(
                [
                    response
                    for item, (_, draft) in zip(items, fresh, strict=True)
                    for response in _responses(item, draft)
                ]
            )
    except IntegrityError as error:
        raise Conflict(
            "imported_meanwhile",
            "Another import added some of these items at the same moment. Start it again: what "
            "is there already is left alone.",
        ) from error


def _salt(dataset: Dataset) -> str:
    """The salt of the live sealed part; empty when every new item is for development."""
    if dataset.share == 0:
        return ""
    sealed = SealedSet.objects.get(dataset=dataset)
    if sealed.frozen_at is not None and sealed.retired_at is None:
        raise Conflict(
            "set_frozen",
            "The sealed part of this dataset has been looked at, so it takes no new items. "
            "Import them into a new dataset.",
        )
    return "" if sealed.retired_at is not None else sealed.salt


def _body(draft: ItemDraft) -> dict[str, object]:
    return {
        "input": draft.input,
        "context": draft.context,
        "reference": draft.reference,
        "messages": [{"role": turn.role, "text": turn.text} for turn in draft.messages],
        "responses": [response.text for response in draft.responses],
    }


def _item(
    dataset: Dataset,
    hashed: str,
    draft: ItemDraft,
    content: Content,
    salt: str,
    tag: int,
) -> Item:
    first = draft.input or (draft.messages[0].text if draft.messages else draft.context)
    return Item(
        project_id=dataset.project_id,
        dataset=dataset,
        content=content,
        external_id=draft.external_id,
        kind=draft.kind,
        title=" ".join(first.split())[:TITLE_CHARS],
        prompt_key=draft.prompt_key,
        cluster_key=draft.cluster_key,
        content_hash=hashed,
        input_digest=input_digest(draft),
        part=part_of(draft.cluster_key, salt=salt, share=dataset.share)
        if salt
        else Part.DEVELOPMENT,
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
            item=item,
            position=position,
            system=response.system,
            digest=digest(response.text),
            length=len(response.text),
            latency_ms=response.latency_ms,
            cost=response.cost,
        )


@transaction.atomic
def _publish(dataset: Dataset, done: ItemImport, *, name: str, actor: str, tag: int) -> None:
    Item.objects.filter(dataset=dataset, is_visible=False, import_job_id=tag).update(
        is_visible=True
    )
    audit.record(
        actor=actor,
        verb="items.imported",
        object_type="dataset",
        object_id=dataset.pk,
        project_id=dataset.project_id,
        data={"file": name, **done.as_dict(), "listed_notices": [], "listed_broken": []},
    )


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
