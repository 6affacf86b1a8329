"""Items that come from API calls: kept in the project's traffic dataset, part none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Project
from annotation.models import Content, Dataset, Item, Response
from annotation.rules.itemrows import ItemDraft, content_hash, input_digest, item_rows
from annotation.rules.keys import digest
from annotation.states import DatasetKind, Part
from core.errors import Conflict, Invalid
from core.reading.rows import unstorable
from core.tabular import BrokenRow, Record

NAME = "API traffic"
TITLE_CHARS = 120
TRIES = 3
TOLD_AGAIN_AFTER = timedelta(days=1)
"""What comes again is kept anew; to the day, so that what always comes writes seldom."""


def drafts(rows: Sequence[Mapping[str, object]]) -> list[ItemDraft]:
    """Each row as an import reads it. Raises Invalid that names every broken one by number."""
    found: list[ItemDraft] = []
    broken: list[str] = []
    for place, row in enumerate(rows, 1):
        problem = unstorable(row)
        read = None if problem else next(iter(_read(place, row)))
        if isinstance(read, ItemDraft):
            found.append(read)
        else:
            broken.append(f"Item {place}: {problem or (read.sentence if read else '')}")
    if broken:
        raise Invalid("items_unreadable", " ".join(broken[:5]), {"items": broken})
    return found


def keep(*, project: Project, drafts: Sequence[ItemDraft]) -> list[Item]:
    """The rows of these items, made where they are not there yet, in the given order.

    Whether a sealed set holds the same prompt does not matter here: a judge in use answers what
    comes, and an item of part none enters no reference label and no development part. Raises
    Conflict when an id belongs to another text.
    """
    for _ in range(TRIES):
        try:
            with transaction.atomic():
                return [_kept(_dataset(project), draft) for draft in drafts]
        except IntegrityError:
            # The same item came twice at once: the second finds the row of the first.
            continue
    raise Conflict("items_contended", "The same items are being stored just now; send them again.")


def _read(place: int, row: Mapping[str, object]) -> list[ItemDraft | BrokenRow]:
    try:
        return list(item_rows([Record(place, dict(row))], columns={}))
    except Invalid as error:
        return [BrokenRow(place, error.sentence)]


def _dataset(project: Project) -> Dataset:
    found = Dataset.objects.filter(project=project, kind=DatasetKind.TRAFFIC).order_by("pk").first()
    if found is not None:
        return found
    taken = set(Dataset.objects.filter(project=project).values_list("name", flat=True))
    name, number = NAME, 2
    while name in taken:
        name, number = f"{NAME} {number}", number + 1
    return Dataset.objects.create(project=project, name=name, kind=DatasetKind.TRAFFIC)


def _kept(dataset: Dataset, draft: ItemDraft) -> Item:
    hashed = content_hash(draft)
    there = Item.objects.filter(dataset=dataset, external_id=draft.external_id).first()
    if there is None:
        return _made(dataset, draft, hashed)
    if there.content_hash != hashed:
        raise Conflict(
            "item_id_taken",
            f"The id {draft.external_id[:60]!r} came before with other texts or systems. Give the "
            "item an id of its own, or leave the id out.",
            {"id": ["Belongs to another item."]},
        )
    since = there.retained_since
    if since is None or since < timezone.now() - TOLD_AGAIN_AFTER:
        _keep_anew(there, draft)
    return there


def _keep_anew(item: Item, draft: ItemDraft) -> None:
    """Its term begins again; texts that were erased at the end of one are here once more."""
    Item.objects.filter(pk=item.pk).update(
        title=_title(draft), extra=draft.extra, retained_since=timezone.now()
    )
    Content.objects.filter(item=item).update(body=_body(draft), erased_at=None)


def _made(dataset: Dataset, draft: ItemDraft, hashed: str) -> Item:
    content = Content.objects.create(project_id=dataset.project_id, body=_body(draft))
    item = Item.objects.create(
        project_id=dataset.project_id,
        dataset=dataset,
        content=content,
        external_id=draft.external_id,
        kind=draft.kind,
        title=_title(draft),
        prompt_key=draft.prompt_key,
        cluster_key=draft.cluster_key,
        content_hash=hashed,
        input_digest=input_digest(draft),
        part=Part.NONE,
        tags=list(draft.tags),
        extra=draft.extra,
        retained_since=timezone.now(),
    )
    Response.objects.bulk_create(
        Response(
            item=item,
            position=position,
            system=response.system,
            digest=digest(response.text),
            length=len(response.text),
            latency_ms=response.latency_ms,
            cost=response.cost,
        )
        for position, response in enumerate(draft.responses)
    )
    return item


def _title(draft: ItemDraft) -> str:
    first = draft.input or (draft.messages[0].text if draft.messages else draft.context)
    return " ".join(first.split())[:TITLE_CHARS]


def _body(draft: ItemDraft) -> dict[str, object]:
    return {
        "input": draft.input,
        "context": draft.context,
        "reference": draft.reference,
        "messages": [{"role": turn.role, "text": turn.text} for turn in draft.messages],
        "responses": [response.text for response in draft.responses],
    }
