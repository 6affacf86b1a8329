"""What every act of a lead on a running round begins with: the round held, and why it may not be.

The acts on one round stand in line at its row. Raters do not wait for it: what they write is held
by the assignments, which an act locks before the round items, as they do.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from annotation.models import Assignment, Item, Round, SealedSet
from annotation.rules import split
from annotation.states import LIVE_ASSIGNMENTS, Part, RoundKind, RoundState
from core import audit
from core.errors import Conflict, Invalid
from core.words import number_of

REASON_CHARS = 400
CHUNK = 1000


def held(round_id: int) -> Round:
    """Inside a transaction: the round, locked against other acts, its end and its reveal.

    Raises `Conflict` once it is closed or revealed.
    """
    round_ = Round.objects.select_for_update(no_key=True).get(pk=round_id)
    refusal = refusal_of(round_)
    if refusal is not None:
        raise refusal
    return round_


def refusal_of(round_: Round) -> Conflict | None:
    """Why nothing that the round holds can be changed any more."""
    if round_.revealed_at is not None:
        return Conflict(
            "round_revealed",
            "The ratings of this round were revealed, so what it holds can no longer be changed.",
        )
    if round_.kind == RoundKind.SESSION:
        return Conflict(
            "session_frozen",
            "This round belongs to a calibration session: its items and raters stay as they were "
            "when it went blind.",
        )
    if round_.state == RoundState.CLOSED:
        return Conflict(
            "round_closed", "This round is closed, so what it holds can no longer be changed."
        )
    return None


def live_rows(*, round_id: int, item_id: int) -> list[Assignment]:
    """Inside a transaction: the item's open, leased and submitted rows, all of them locked.

    A skip that was under way puts a new row beside the one that it was seen to hold, so the rows
    are read until none is new: from then on nobody can make another.
    """
    seen: set[int] = set()
    while True:
        rows = list(
            Assignment.objects.select_for_update(no_key=True)
            .filter(round=round_id, item=item_id, state__in=LIVE_ASSIGNMENTS)
            .order_by("pk")
        )
        fresh = {row.pk for row in rows} - seen
        if not fresh:
            return rows
        seen |= fresh


def demand_unfrozen(*, dataset_id: int, items: QuerySet[Item], what: str) -> None:
    """Inside a transaction: refuse to touch labels that a look has frozen; `what` is refused.

    A first look, which freezes, comes before this act or after it. Also labels of a set that has
    retired since stay as they were measured.
    """
    sealed = (
        SealedSet.objects.select_for_update(of=("self",), no_key=True)
        .select_related("dataset")
        .filter(dataset=dataset_id)
        .first()
    )
    if sealed is None or sealed.frozen_at is None:
        return
    frozen = sum(
        part == Part.SEALED
        or split.part_of(key, salt=sealed.salt, share=sealed.dataset.share) == "sealed"
        for key, part in items.values_list("cluster_key", "part").iterator(chunk_size=CHUNK)
    )
    if frozen:
        raise Conflict(
            "labels_frozen",
            f"{what}: a judge was measured against the sealed labels of this dataset on "
            f"{sealed.frozen_at:%d %B %Y}, and {number_of(frozen, 'item')} of it would change.",
        )


def reason_of(text: str) -> str:
    """The reason of an act, or `Invalid`: somebody will ask for it a year from now."""
    said = text.strip()
    if not said:
        raise Invalid("reason_missing", "Say why, in a few words.", {"reason": ["Say why."]})
    if len(said) > REASON_CHARS:
        sentence = f"A reason has at most {REASON_CHARS} characters; this one has {len(said)}."
        raise Invalid("reason_too_long", sentence, {"reason": [sentence]})
    return said


def record(round_: Round, verb: str, actor: str, data: dict[str, object]) -> None:
    """One row of the audit trail about the round."""
    audit.record(
        actor=actor,
        verb=verb,
        object_type="round",
        object_id=round_.pk,
        project_id=round_.project_id,
        data={"round": round_.name, **data},
    )


def ids(rows: Iterable[Assignment]) -> list[int]:
    return [row.pk for row in rows]
