"""Where the texts of an item are, besides the item itself: what an erasure meets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from annotation.models import Assignment, Correction, GuidelineVersion, Item, Round
from annotation.queries.items import NOT_CLOSED, visible_items
from annotation.rules.quoting import quotes, texts_of
from annotation.states import AssignmentState
from core import registry

LOOKED_THROUGH = 1000
"""Versions of guidelines, or of judges, in which a quote is looked for: the newest ones."""
PIECE = 50
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Outlook:
    """What erasing the texts of an item would do: what goes, and which places keep them. `rounds`
    go on without the item, `twins` are others that may have the same texts."""

    goes: Sequence[str]
    kept: Sequence[str]
    rounds: Sequence[Round]
    twins: Sequence[Item]


def outlook(item: Item) -> Outlook:
    rooms = registry.item_texts().values()
    return Outlook(
        goes=[one for room in rooms for one in room.goes],
        kept=kept(item.pk),
        rounds=_without_it(item),
        twins=_twins(item),
    )


def kept(item_id: int) -> list[str]:
    """The places that keep texts of the item, in every room."""
    return [one for room in registry.item_texts().values() for one in room.kept(item_id)]


def why_held(item_id: int) -> str:
    """Why the texts of the item cannot be erased just now; '' when they can."""
    said = (room.why_held(item_id) for room in registry.item_texts().values())
    return next((sentence for sentence in said if sentence), "")


def free(items: QuerySet[Item]) -> QuerySet[Item]:
    """Those of the items whose texts can be erased now.

    Each room leaves out its own by a NOT EXISTS, which a database looks up item by item; of one
    condition with OR it would read whole tables.
    """
    for room in registry.item_texts().values():
        items = room.free(items)
    return items


def not_being_rated(items: QuerySet[Item]) -> QuerySet[Item]:
    """This room's part of it: nobody has the item before them."""
    return items.filter(~Exists(_leases().filter(item=OuterRef("pk"))))


def why_being_rated(item_id: int) -> str:
    row = _leases().filter(item=item_id).select_related("round").order_by("lease_until").last()
    if row is None or row.lease_until is None:
        return ""
    return (
        f"A rater has this item before them in the round {row.round.name!r}, until "
        f"{row.lease_until:%H:%M} UTC if nothing is heard of them. Wait for the answer, or "
        "withdraw the item from the round; then come back."
    )


def guidelines_quoting(item_id: int) -> list[str]:
    """Guideline versions whose text or examples quote the item."""
    item = Item.objects.select_related("content").get(pk=item_id)
    texts = texts_of(item.content.body) if item.content else frozenset()
    rows = (
        GuidelineVersion.objects.filter(guideline__project=item.project_id)
        .order_by("-pk")
        .values_list("guideline__name", "major", "minor", "text", "examples")
    )
    return [
        f"Guideline {name} {major}.{minor} quotes it."
        for name, major, minor, text, examples in rows[:LOOKED_THROUGH].iterator(chunk_size=PIECE)
        if quotes([text, examples], texts)
    ]


def _leases() -> QuerySet[Assignment]:
    return Assignment.objects.filter(state=AssignmentState.LEASED)


def _without_it(item: Item) -> list[Round]:
    """Rounds that have not closed and wait for answers on the item."""
    waiting = Round.objects.filter(
        state__in=NOT_CLOSED, round_items__item=item, round_items__is_full=False
    )
    return list(waiting.order_by("pk")[:SHOWN])


def _twins(item: Item) -> list[Item]:
    """Others of the same prompt, and those that a correction links it to."""
    corrected = Correction.objects.filter(Q(item=item) | Q(successor=item))
    linked = corrected.filter(successor__isnull=False).values_list("item_id", "successor_id")
    keys = {key for pair in linked for key in pair}
    same = Q(pk__in=keys) | Q(dataset=item.dataset_id, prompt_key=item.prompt_key)
    rows = visible_items(project_id=item.project_id).filter(same, content__erased_at__isnull=True)
    return list(rows.exclude(pk=item.pk).order_by("pk")[:SHOWN])
