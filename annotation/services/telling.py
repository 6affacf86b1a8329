"""Notices of this room."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.urls import reverse

from accounts.services import notices
from annotation.models import Round

ROUND_OPEN = "round.open"
ROUND_OPEN_SENTENCE = "The round {subject} is open to you."
ITEM_KEPT = "round.item_kept"
ITEM_KEPT_SENTENCE = "An item of the round {subject} is kept for you."


def round_is_open(round_: Round, *, rater_ids: Iterable[int]) -> None:
    """Inside the transaction that opens it, or lets these raters into it: they are told once."""
    _tell(round_, rater_ids, kind=ROUND_OPEN, key=f"{ROUND_OPEN}:{round_.pk}")


def item_is_kept(round_: Round, *, rater_id: int, slot: int, until: datetime) -> None:
    """Inside the transaction that keeps it: whoever believed to be through comes back."""
    _tell(round_, [rater_id], kind=ITEM_KEPT, key=f"{ITEM_KEPT}:{slot}:{until:%Y%m%d%H%M}")


def _tell(round_: Round, rater_ids: Iterable[int], *, kind: str, key: str) -> None:
    people = round_.project.raters.filter(pk__in=list(rater_ids), user__isnull=False)
    notices.notify(
        users=people.values_list("user__pk", flat=True),
        project=round_.project,
        kind=kind,
        key=key,
        subject=round_.name,
        address=reverse("rate", args=[round_.project.slug, round_.pk]),
    )
