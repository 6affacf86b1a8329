"""Items as rows: written hidden under the tag of their import, and dropped when it fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from annotation.models import Content, Dataset, Item, Response
from annotation.rules.itemrows import ItemDraft
from annotation.rules.keys import digest
from annotation.states import Part
from core.errors import Conflict
from core.models import Job, JobState

PIECE = 1000
TITLE_CHARS = 120
LEFTOVER_AFTER = timedelta(hours=1)


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


def store(dataset: Dataset, fresh: Sequence[Fresh], *, tag: int) -> None:
    """Write items with their texts and responses, hidden under the import's tag.

    Raises Conflict where another import brought one of them at this moment.
    """
    try:
        with transaction.atomic():
            contents = Content.objects.bulk_create(
                [Content(project_id=dataset.project_id, body=body_of(one.draft)) for one in fresh]
            )
            items = Item.objects.bulk_create(
                [
                    row_of(dataset, one, content, tag)
                    for one, content in zip(fresh, contents, strict=True)
                ]
            )
            Response.objects.bulk_create(
                [
                    response
                    for item, one in zip(items, fresh, strict=True)
                    for response in responses_of(item, one.draft)
                ]
            )
    except IntegrityError as error:
        raise meanwhile() from error


def body_of(draft: ItemDraft) -> dict[str, object]:
    """The texts as a Content holds them."""
    return {
        "input": draft.input,
        "context": draft.context,
        "reference": draft.reference,
        "messages": [{"role": turn.role, "text": turn.text} for turn in draft.messages],
        "responses": [response.text for response in draft.responses],
    }


def row_of(dataset: Dataset, fresh: Fresh, content: Content, tag: int | None) -> Item:
    """The item of a draft, not stored yet; visible at once when no import brings it."""
    draft = fresh.draft
    return Item(
        project_id=dataset.project_id,
        dataset_id=dataset.pk,
        content_id=content.pk,
        external_id=draft.external_id,
        kind=draft.kind,
        title=title_of(draft),
        prompt_key=draft.prompt_key,
        cluster_key=draft.cluster_key,
        content_hash=fresh.content_hash,
        input_digest=fresh.input_digest,
        part=fresh.part,
        difficulty=draft.difficulty,
        case=draft.case,
        source=draft.source,
        tags=list(draft.tags),
        extra=draft.extra,
        import_job_id=tag,
        is_visible=tag is None,
    )


def title_of(draft: ItemDraft) -> str:
    """The beginning of what was asked, in one line."""
    first = draft.input or (draft.messages[0].text if draft.messages else draft.context)
    return " ".join(first.split())[:TITLE_CHARS]


def responses_of(item: Item, draft: ItemDraft) -> Iterator[Response]:
    """Who made each response, not stored yet."""
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


def clear_leftovers(dataset: Dataset, tag: int) -> None:
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
            drop_hidden(dataset, leftover)


def drop_hidden(dataset: Dataset, tag: int) -> None:
    """Delete what an import wrote and nobody has seen, a piece at a time."""
    while True:
        batch = list(
            Item.objects.filter(dataset=dataset, is_visible=False, import_job_id=tag)
            .order_by("pk")
            .values_list("pk", "content_id")[:PIECE]
        )
        if not batch:
            return
        with transaction.atomic():
            Item.objects.filter(pk__in=[item for item, _ in batch]).delete()
            Content.objects.filter(pk__in=[content for _, content in batch]).delete()
