"""A wrong text mended while a round goes on.

Wording: the item has the new text, its ratings stay. Meaning: an item with the new text takes its
place in the round and is rated from the beginning; the old one keeps its text and its ratings as
history. Nobody is asked twice about one item, and no rating stands under a text it was not about.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import User
from annotation.models import (
    Assignment,
    Content,
    Correction,
    Item,
    Response,
    Round,
    RoundItem,
    SealedSet,
)
from annotation.queries.sealed import sealed_elsewhere
from annotation.rules.display import shuffle_key
from annotation.rules.itemrows import (
    ItemDraft,
    Message,
    ResponseDraft,
    content_hash,
    input_digest,
)
from annotation.rules.keys import KEY_CHARS, digest
from annotation.rules.overlap import slots
from annotation.services import itemstore, roundacts, settling, withdrawing
from annotation.states import AssignmentState, FlagOutcome, Part
from core.errors import Conflict, Invalid, NotHere

TEXT_CHARS = 500_000


@dataclass(frozen=True, slots=True)
class Texts:
    """All texts of an item: what was asked, the turns before, the responses in the own order."""

    input: str
    context: str
    reference: str
    turns: tuple[str, ...]
    responses: tuple[str, ...]

    @classmethod
    def of(cls, body: dict[str, Any]) -> Texts:
        """As they are now."""
        return cls(
            input=str(body.get("input") or ""),
            context=str(body.get("context") or ""),
            reference=str(body.get("reference") or ""),
            turns=tuple(str(turn.get("text", "")) for turn in body.get("messages") or []),
            responses=tuple(str(text) for text in body.get("responses") or []),
        )


@dataclass(frozen=True, slots=True)
class Corrected:
    """The item that has the new text, and how many answers were given on the old one."""

    item_id: int
    answers: int


@transaction.atomic(durable=True)
def correct(
    *,
    round_id: int,
    item_id: int,
    texts: Texts,
    keep_answers: bool,
    reason: str,
    note: str = "",
    seen: str = "",
    by: User,
    now: datetime,
) -> Corrected:
    """Give an item of the round a new text; with `keep_answers` only the wording changed.

    `seen` is the content hash that the new text was made from. Raises `Invalid` for the texts or
    the reason, `Conflict` when the round is closed or revealed, the item is out of it, somebody
    corrected it since it was seen, or its labels are frozen as evidence.
    """
    said = roundacts.reason_of(reason)
    round_ = roundacts.held(round_id)
    place = withdrawing.place_of(round_, item_id)
    if place.withdrawal_id is not None:
        raise Conflict("item_withdrawn", "This item is out of the round; take it back first.")
    roundacts.demand_unfrozen(
        dataset_id=round_.dataset_id,
        items=Item.objects.filter(pk=item_id),
        what="This item has to stay as it is",
    )
    item = _held_item(item_id)
    if seen and item.content_hash != seen:
        raise Conflict(
            "corrected_meanwhile",
            "Somebody corrected this item meanwhile. Open this page anew and look at its text.",
        )
    before = _draft(item)
    after = _changed(item, before, texts)
    answers = Assignment.objects.filter(
        round=round_, item=item, state=AssignmentState.SUBMITTED
    ).count()
    if keep_answers:
        made = _reword(item, after, said, by.actor)
    else:
        made = _replace(round_, place, item, after, said, by.actor, now)
    settling.end_reports(round_, item_id, FlagOutcome.CORRECTED, note=note, actor=by.actor, now=now)
    roundacts.record(
        round_,
        "round.item_corrected",
        by.actor,
        {
            "item": item_id,
            "successor": made.successor_id,
            "before": made.hash_before,
            "after": content_hash(after),
            "reason": said,
            "answers_kept" if keep_answers else "answers_withdrawn": answers,
        },
    )
    return Corrected(made.successor_id or item_id, answers)


def _held_item(item_id: int) -> Item:
    item = (
        Item.objects.select_for_update(of=("self",), no_key=True)
        .select_related("content", "dataset")
        .get(pk=item_id)
    )
    if item.content is None or item.content.erased_at is not None:
        raise NotHere("This item has no text to correct.")
    return item


def _draft(item: Item) -> ItemDraft:
    """The item as an import would have read it."""
    assert item.content is not None
    body = item.content.body
    texts = Texts.of(body)
    return ItemDraft(
        row=0,
        external_id=item.external_id,
        kind=item.kind,
        input=texts.input,
        context=texts.context,
        reference=texts.reference,
        messages=tuple(
            Message(str(turn.get("role", "")), text)
            for turn, text in zip(body.get("messages") or [], texts.turns, strict=True)
        ),
        responses=tuple(
            ResponseDraft(text, row.system, row.latency_ms, row.cost)
            for text, row in zip(texts.responses, item.responses.order_by("position"), strict=True)
        ),
        prompt_key=item.prompt_key,
        cluster_key=item.cluster_key,
        difficulty=item.difficulty,
        case=item.case,
        source=item.source,
        tags=tuple(item.tags),
        extra=item.extra,
    )


def _changed(item: Item, before: ItemDraft, texts: Texts) -> ItemDraft:
    """The draft with the new texts, or why it cannot have them."""
    if len(texts.turns) != len(before.messages) or len(texts.responses) != len(before.responses):
        raise Invalid("texts_missing", "A correction has every text of the item, in its order.")
    after = replace(
        before,
        input=_text(texts.input, before.input),
        context=_text(texts.context, before.context),
        reference=_text(texts.reference, before.reference),
        messages=tuple(
            replace(turn, text=_text(text, turn.text))
            for text, turn in zip(texts.turns, before.messages, strict=True)
        ),
        responses=tuple(
            replace(response, text=_text(text, response.text))
            for text, response in zip(texts.responses, before.responses, strict=True)
        ),
    )
    if after == before:
        raise Invalid("nothing_changed", "No text is different from what it was.")
    if not after.input and not any(turn.text for turn in after.messages):
        raise Invalid("input_missing", "What was asked cannot be empty.", {"input": ["Missing."]})
    if input_digest(after) != input_digest(before):
        _demand_movable(item, after)
    return after


def _text(new: str, old: str) -> str:
    """The new text; one that differs only in how a browser ends lines is the old one."""
    plain = new.replace("\r\n", "\n").replace("\x00", "")
    if len(plain) > TEXT_CHARS:
        raise Invalid("text_too_long", f"A text has at most {TEXT_CHARS:,} characters.")
    return old if plain == old.replace("\r\n", "\n") else plain


def _demand_movable(item: Item, after: ItemDraft) -> None:
    """Which part a prompt lies in hangs on its text: it does not move over a seal."""
    live = SealedSet.objects.filter(dataset=item.dataset_id, retired_at__isnull=True)
    if item.part == Part.SEALED or live.exists():
        raise Conflict(
            "prompt_is_drawn",
            "This dataset has a sealed part, and which part an item is in hangs on what was "
            "asked, so only its responses and its reference can be corrected. Withdraw the item, "
            "and import it anew.",
        )
    if sealed_elsewhere(item.dataset, {input_digest(after)}):
        raise Conflict(
            "sealed_elsewhere",
            "The corrected prompt is sealed in another dataset of the project.",
        )


def _reword(item: Item, after: ItemDraft, reason: str, actor: str) -> Correction:
    """The old text stays beside the item: ratings until now were given on it."""
    before, hash_before = item.content, item.content_hash
    item.content = Content.objects.create(project_id=item.project_id, body=itemstore.body_of(after))
    item.title = itemstore.title_of(after)
    item.content_hash = content_hash(after)
    item.input_digest = input_digest(after)
    item.save(update_fields=["content", "title", "content_hash", "input_digest"])
    for position, response in enumerate(after.responses):
        Response.objects.filter(item=item, position=position).update(
            digest=digest(response.text), length=len(response.text)
        )
    return Correction.objects.create(
        item=item, before=before, hash_before=hash_before, reason=reason, actor=actor
    )


def _replace(
    round_: Round,
    place: RoundItem,
    item: Item,
    after: ItemDraft,
    reason: str,
    actor: str,
    now: datetime,
) -> Correction:
    """An item of its own takes the place of the old one, with every slot open."""
    withdrawing.out(round_, place, reason=reason, actor=actor, now=now)
    successor = _successor(item, after)
    RoundItem.objects.create(
        round=round_, item=successor, shuffle=shuffle_key(round_.salt, item=successor.pk)
    )
    Assignment.objects.bulk_create(
        Assignment(round=round_, item=successor, slot=slot) for slot in slots(round_.overlap)
    )
    if not RoundItem.objects.filter(item=item).exclude(round=round_).exists():
        # Nobody else asked about the old text: no judge and no later round takes it.
        Item.objects.filter(pk=item.pk).update(withdrawn_at=now)
    return Correction.objects.create(
        item=item,
        hash_before=item.content_hash,
        successor=successor,
        reason=reason,
        actor=actor,
    )


def _successor(item: Item, after: ItemDraft) -> Item:
    named = replace(after, external_id=_next_id(item))
    fresh = itemstore.Fresh(named, content_hash(named), input_digest(named), Part(item.part))
    try:
        with transaction.atomic():
            [made] = itemstore.write(item.dataset, [fresh])
    except IntegrityError:
        raise Conflict(
            "corrected_meanwhile", "Somebody brought an item with this id just now; try again."
        ) from None
    # Texts that are kept for a while only are so in their corrected form too.
    Item.objects.filter(pk=made).update(
        judged_span=item.judged_span, retained_since=item.retained_since
    )
    return Item.objects.get(pk=made)


def _next_id(item: Item) -> str:
    """The id with the number of the correction behind it: `q17~2`."""
    stem = item.external_id
    head, _, tail = stem.rpartition("~")
    if head and tail.isdigit():
        stem = head
    taken = set(
        Item.objects.filter(
            dataset=item.dataset_id, external_id__startswith=f"{stem[: KEY_CHARS - 8]}~"
        ).values_list("external_id", flat=True)
    )
    number = 2
    while (name := f"{stem[: KEY_CHARS - 8]}~{number}") in taken:
        number += 1
    return name
