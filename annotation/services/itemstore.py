"""Items as rows: written under an import's tag, seen once it is over, dropped when it fails."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from annotation.models import Content, Dataset, Item, PendingImport, Response
from annotation.rules.itemrows import ItemDraft
from annotation.rules.keys import digest
from annotation.states import Part
from core import bulk
from core.errors import Conflict
from core.models import Job, JobState

PIECE = 500
TITLE_CHARS = 120
LEFTOVER_AFTER = timedelta(hours=1)

# Columns that are null at first are not named: writing a null costs more than leaving it out.
_CONTENT = ("id", "project", "body")
_ITEM = (
    "id", "project", "dataset", "content", "external_id", "kind", "title", "prompt_key",
    "cluster_key", "content_hash", "input_digest", "part", "judged_span", "difficulty", "case",
    "source", "tags", "extra", "import_job_id", "created_at",
)  # fmt: skip
_RESPONSE = ("id", "item", "position", "system", "digest", "length", "latency_ms", "cost")


@dataclass(frozen=True, slots=True)
class Fresh:
    """A draft to store, with its digests and the part that it is drawn into."""

    draft: ItemDraft
    content_hash: str
    input_digest: str
    part: Part


def meanwhile() -> Conflict:
    """The refusal of an import whose items another one brings as well."""
    return Conflict(
        "imported_meanwhile",
        "Another import into this dataset brings some of the same items at this moment. Start "
        "this one again when the other is over: what is there already is left alone.",
    )


def begin(dataset: Dataset, *, job_id: int | None = None) -> PendingImport:
    """Announce an import: nobody sees its items before `end`.

    What an earlier try of the same job wrote is dropped; a process that is still at it finds the
    import taken over and gives way.
    """
    _clear_leftovers(dataset)
    if job_id is not None:
        earlier = PendingImport.objects.filter(pk=job_id).first()
        if earlier is not None:
            if not (_taken_over(earlier) and _dropped(earlier)):
                raise meanwhile()
            return earlier
    return PendingImport.objects.create(
        tag=job_id if job_id is not None else -1 - secrets.randbelow(2**62),
        dataset=dataset,
        owner=_new_owner(),
        after_item=Item.objects.aggregate(last=Max("pk"))["last"] or 0,
        touched_at=timezone.now(),
    )


def end(pending: PendingImport) -> None:
    """Its items are visible from here on, all at once. Raises Conflict where it was taken over."""
    mine = PendingImport.objects.filter(pk=pending.pk, owner=pending.owner)
    if not mine.delete()[0]:
        raise meanwhile()


def give_up(pending: PendingImport) -> None:
    """Drop what it wrote, unless somebody else has taken it over."""
    if _dropped(pending):
        PendingImport.objects.filter(pk=pending.pk, owner=pending.owner).delete()


def store(pending: PendingImport, fresh: Sequence[Fresh]) -> None:
    """Write items with their texts and responses, hidden until the import ends.

    Raises Conflict where another import brought one of them at this moment, and where this one
    was taken over.
    """
    try:
        with transaction.atomic():
            if not _touched(pending):
                raise meanwhile()
            write(pending.dataset, fresh, tag=pending.pk)
    except IntegrityError as error:
        raise meanwhile() from error


def write(dataset: Dataset, fresh: Sequence[Fresh], *, tag: int | None = None) -> Sequence[int]:
    """The rows of these drafts, inside a transaction of the caller's; the keys of the items.

    Without a tag they are visible at once. Raises IntegrityError for an id that is taken.
    """
    contents = bulk.reserved_ids(Content, len(fresh))
    items = bulk.reserved_ids(Item, len(fresh))
    bulk.insert(Content, _CONTENT, _contents(dataset, fresh, contents))
    bulk.insert(Item, _ITEM, _items(dataset, fresh, items, contents, tag))
    count = sum(len(one.draft.responses) for one in fresh)
    bulk.insert(Response, _RESPONSE, _responses(fresh, items, bulk.reserved_ids(Response, count)))
    return items


def _contents(
    dataset: Dataset, fresh: Iterable[Fresh], ids: Iterable[int]
) -> Iterator[list[object]]:
    project_id = dataset.project_id
    for pk, one in zip(ids, fresh, strict=True):
        yield [pk, project_id, body_of(one.draft)]


def body_of(draft: ItemDraft) -> dict[str, object]:
    """The texts as a Content holds them."""
    return {
        "input": draft.input,
        "context": draft.context,
        "reference": draft.reference,
        "messages": [{"role": turn.role, "text": turn.text} for turn in draft.messages],
        "responses": [response.text for response in draft.responses],
    }


def _items(
    dataset: Dataset,
    fresh: Iterable[Fresh],
    ids: Iterable[int],
    contents: Iterable[int],
    tag: int | None,
) -> Iterator[list[object]]:
    now = timezone.now()
    project_id, dataset_id = dataset.project_id, dataset.pk
    for pk, content, one in zip(ids, contents, fresh, strict=True):
        draft = one.draft
        yield [
            pk, project_id, dataset_id, content, draft.external_id, draft.kind,
            title_of(draft), draft.prompt_key, draft.cluster_key, one.content_hash,
            one.input_digest, one.part.value, "", draft.difficulty, draft.case, draft.source,
            list(draft.tags), draft.extra, tag, now,
        ]  # fmt: skip


def title_of(draft: ItemDraft) -> str:
    """The beginning of what was asked, in one line."""
    first = draft.input or (draft.messages[0].text if draft.messages else draft.context)
    return " ".join(first.split(None, TITLE_CHARS)[:TITLE_CHARS])[:TITLE_CHARS]


def _responses(
    fresh: Iterable[Fresh], items: Iterable[int], ids: Iterable[int]
) -> Iterator[list[object]]:
    numbers = iter(ids)
    for item, one in zip(items, fresh, strict=True):
        for position, response in enumerate(one.draft.responses):
            text = response.text
            yield [
                next(numbers), item, position, response.system, digest(text), len(text),
                response.latency_ms, response.cost,
            ]  # fmt: skip


def _clear_leftovers(dataset: Dataset) -> None:
    """Drop what crashed imports left: those that nobody worked on for an hour."""
    running = Job.objects.filter(state__in=(JobState.WAITING, JobState.RUNNING))
    old = PendingImport.objects.filter(
        dataset=dataset, touched_at__lt=timezone.now() - LEFTOVER_AFTER
    ).exclude(tag__in=running.values("pk"))
    for pending in old:
        if _taken_over(pending):
            give_up(pending)


def _taken_over(pending: PendingImport) -> bool:
    """Make an import one's own; False where somebody else was quicker."""
    owner, pending.owner = pending.owner, _new_owner()
    return (
        PendingImport.objects.filter(pk=pending.pk, owner=owner).update(
            owner=pending.owner, touched_at=timezone.now()
        )
        == 1
    )


def _new_owner() -> str:
    return secrets.token_hex(16)


def _dropped(pending: PendingImport) -> bool:
    """Delete what an import wrote, a piece at a time; False where it is no longer one's own."""
    last = pending.after_item
    hidden = Item.objects.filter(dataset=pending.dataset_id, import_job_id=pending.pk)
    while piece := list(
        hidden.filter(pk__gt=last).order_by("pk").values_list("pk", "content_id")[:PIECE]
    ):
        last = piece[-1][0]
        with transaction.atomic():
            if not _touched(pending):
                return False
            Item.objects.filter(pk__in=[item for item, _ in piece]).delete()
            Content.objects.filter(pk__in=[content for _, content in piece]).delete()
    return True


def _touched(pending: PendingImport) -> bool:
    """Whether the import is still one's own; writes, so that nobody can take it meanwhile."""
    mine = PendingImport.objects.filter(pk=pending.pk, owner=pending.owner)
    return mine.update(touched_at=timezone.now()) == 1
