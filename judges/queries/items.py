"""Which items a judge may be shown, and what it sees of them."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import Project
from annotation.models import Dataset, Item, whole
from annotation.queries.sealed import touching_sealed
from annotation.states import DatasetKind, ItemKind, Part
from judges.rules.spec import ItemView


def item_view(item: Item) -> ItemView | None:
    """The texts that a judge may see; None when there are none (labels only, or erased)."""
    if item.content is None or item.content.erased_at is not None:
        return None
    body = item.content.body
    responses = [_text(text) for text in body.get("responses", [])]
    is_pair = item.kind == ItemKind.PAIR
    if is_pair and len(responses) < 2:
        return None
    return ItemView(
        id=item.external_id,
        kind=item.kind,  # type: ignore[arg-type]  # the model's constraint allows these only
        input=_text(body.get("input")),
        context=_text(body.get("context")),
        messages=tuple(
            (_text(turn.get("role")), _text(turn.get("text"))) for turn in body.get("messages", [])
        ),
        reference=_text(body.get("reference")),
        response="" if is_pair or not responses else responses[0],
        response_a=responses[0] if is_pair else "",
        response_b=responses[1] if is_pair else "",
    )


def _text(value: object) -> str:
    if isinstance(value, list):
        return "\n\n".join(_text(part) for part in value)
    return "" if value is None else str(value)


def judged_kinds(*, is_pairwise: bool) -> list[str]:
    """The kinds of items that a version can judge."""
    if is_pairwise:
        return [ItemKind.PAIR]
    return [ItemKind.SINGLE, ItemKind.CONVERSATION]


def with_texts(project_id: int, *, is_pairwise: bool) -> QuerySet[Item]:
    """Items of the project that a version can judge: visible, with texts, of its kind."""
    return Item.objects.filter(
        whole(),
        project=project_id,
        withdrawn_at__isnull=True,
        content__isnull=False,
        content__erased_at__isnull=True,
        kind__in=judged_kinds(is_pairwise=is_pairwise),
    )


def ordinary_items(dataset: Dataset, *, is_pairwise: bool) -> QuerySet[Item]:
    """What an ordinary run over a dataset judges: nothing sealed, and nothing beside it."""
    items = with_texts(dataset.project_id, is_pairwise=is_pairwise).filter(dataset=dataset)
    touching = touching_sealed(items, dataset.project_id).values("pk")
    return items.exclude(pk__in=touching).order_by("pk")


def newest_to_judge(project_id: int, *, is_pairwise: bool) -> Dataset | None:
    """The newest dataset with items that a version can judge in an ordinary run."""
    fit = with_texts(project_id, is_pairwise=is_pairwise).exclude(part=Part.SEALED)
    return (
        Dataset.objects.filter(
            Exists(fit.filter(dataset=OuterRef("pk"))), project=project_id, kind=DatasetKind.NORMAL
        )
        .order_by("-pk")
        .first()
    )


def development_items(project: Project, *, is_pairwise: bool, limit: int = 50) -> list[Item]:
    """Items for a preview: of a development part, and beside nothing sealed."""
    items = with_texts(project.pk, is_pairwise=is_pairwise).filter(part=Part.DEVELOPMENT)
    touching = touching_sealed(items, project.pk).values("pk")
    return list(items.exclude(pk__in=touching).select_related("content").order_by("pk")[:limit])
