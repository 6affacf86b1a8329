"""Which items a session takes: named by hand, or those on which a round's raters differ most."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from accounts.models import User
from annotation.models import Dataset, Item, Round
from annotation.services import sessionrounds
from annotation.services.sessionrounds import MOST_ITEMS
from calibration.queries import differences
from calibration.queries.differences import DifferenceFilter
from calibration.services import roundfigures
from core.errors import Invalid, NotReady

SHOWN_IDS = 5


def named_items(*, dataset: Dataset, external_ids: Sequence[str]) -> list[int]:
    """The items of these ids that a session can take, in this order.

    Raises `Invalid` that names ids which are not there, and those that cannot be talked about:
    sealed, of a sealed prompt, gold, withdrawn, or without a text.
    """
    wanted = list(dict.fromkeys(external_ids))
    if len(wanted) > MOST_ITEMS:
        raise too_many(len(wanted))
    items = Item.objects.filter(dataset=dataset, external_id__in=wanted)
    there = dict(items.values_list("external_id", "pk"))
    _refuse_ids([name for name in wanted if name not in there], "Not in the dataset")
    free = set(sessionrounds.choosable(dataset=dataset, items=items).values_list("pk", flat=True))
    _refuse_ids(
        [name for name in wanted if there[name] not in free],
        "Sealed, of a sealed prompt, gold, withdrawn or without a text, so not for a session",
    )
    return [there[name] for name in wanted]


def differing_items(*, round_: Round, count: int, by: User, now: datetime) -> list[int]:
    """The items of a round on which its raters differ most on any dimension, widest apart first.

    Nothing sealed, and nothing that this person may yet rate. Raises `Invalid` without any,
    `NotReady` while a large round is measured.
    """
    if count > MOST_ITEMS:
        raise too_many(count)
    found = roundfigures.of_round(round_=round_, actor=by.actor, now=now)
    if found is None:
        raise NotReady("figures_missing", "This round is being measured; try again in a minute.")
    lines = differences.lines(round_, found, wanted=DifferenceFilter(), user_id=by.pk)
    ids = list(dict.fromkeys(line.difference.item_id for line in lines))
    items = Item.objects.filter(pk__in=ids)
    free = set(
        sessionrounds.choosable(dataset=round_.dataset, items=items).values_list("pk", flat=True)
    )
    chosen = [pk for pk in ids if pk in free][:count]
    if not chosen:
        sentence = (
            "Its raters differ on no item that may be shown: the others are sealed, or you may yet "
            "rate them."
        )
        raise Invalid("nothing_differs", sentence, {"round": [sentence]})
    return chosen


def too_many(count: int) -> Invalid:
    """The refusal of more items than a session takes."""
    sentence = f"A session takes at most {MOST_ITEMS} items, and these are {count:,}."
    return Invalid("too_many_items", sentence, {"ids": [sentence], "count": [sentence]})


def _refuse_ids(ids: Sequence[str], what: str) -> None:
    if not ids:
        return
    shown = ", ".join(ids[:SHOWN_IDS]) + (" …" if len(ids) > SHOWN_IDS else "")
    sentence = f"{what}: {shown}. Take {'it' if len(ids) == 1 else 'them'} off the list."
    raise Invalid("items_not_for_sessions", sentence, {"ids": [sentence]})
