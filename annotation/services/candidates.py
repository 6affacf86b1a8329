"""Which items of a round may come next for a rater, best first, at the same cost in any round."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from django.db.models import OuterRef, QuerySet, Subquery

from accounts import services as accounts
from accounts.models import Rater
from annotation.models import Assignment, Item, Round, RoundItem, RoundRater, SealedSet
from annotation.queries.labels import FEEDING
from annotation.rules import display
from annotation.states import Part
from core import registry
from core.prepared import Prepared

WINDOW = 64
FEW = 8
"""Of items that nobody has begun nearly all can be given. In a large round each of them lies
somewhere else on the disk, so a whole window of them costs more than all the rest of a claim."""
ASKED_LATER = 4
SAME_START = 16
"""So many answers long a rater's windows begin at the same point, on a page that was read already.
Then at another one: what a rater passed by would fill a window in time."""


def best_items(member: RoundRater, tried: Collection[int]) -> list[int]:
    """Items to try, best first: those nearest to completion, in the rater's own order.

    The items that somebody has begun are few as a rule, and one look shows them all. Where they
    are many, each level of `taken` is looked at through a window that begins at a point of the
    rater's own, so that neither the round's size nor what the rater did before makes it longer:
    of what nobody has begun first a narrow one. Only when all windows hold nothing new is
    everything searched.
    """
    round_, rater_id = member.round, member.rater_id
    place = _Place(round_.pk, rater_id, _sees_no_sealed(round_, rater_id))

    def givable(rows: Sequence[_Row]) -> list[int]:
        return _givable(rows, tried, lambda ids: _in_own_order(round_, rater_id, ids))

    begun = [_Row(*row) for row in _begun.rows(**place._asdict())]
    highest = 0
    if len(begun) == WINDOW:
        highest = begun[0].taken
    elif found := givable(begun):
        return found
    # It changes with answers and with nothing else: a reload shows the same item.
    turn = member.answered // SAME_START
    start = display.starting_point(round_.salt, rater=rater_id, turn=turn)
    for taken, most in [
        *((level, WINDOW) for level in range(highest, 0, -1)),
        (0, FEW),
        (0, WINDOW),
    ]:
        if found := givable(_window(place, taken, start, most)):
            return found
    # No EXISTS: for one PostgreSQL would read all items into a hash to look up a few.
    shown = Subquery(_shown_items().filter(pk=OuterRef("item")).values("pk")[:1])
    rest = _free(**place._asdict()).alias(shown=shown).filter(shown__isnull=False)
    rest = rest.filter(mine__isnull=True).exclude(item_id__in=list(tried))
    return givable([_Row(*row) for row in rest.order_by("-taken", "shuffle")[:WINDOW]])


def kept_items(member: RoundRater, tried: Collection[int]) -> list[int]:
    """Items that a lead keeps for the rater, the first ones of them: they come before all others.

    As a rule there are none, so that this is one look into an index of what is kept anywhere.
    """
    round_, rater_id = member.round, member.rater_id
    kept = _kept.rows(round_id=round_.pk, rater_id=rater_id)
    if not kept:
        return []
    sees_no_sealed = _sees_no_sealed(round_, rater_id)
    return [
        item
        for item, part in kept
        if item not in tried and not (sees_no_sealed and part == Part.SEALED)
    ]


def may_have_sealed(*, project_id: int, rater_id: int) -> bool:
    """Inside a transaction, before the rater's place in the round is held: whether the rater may
    be given a sealed item. Whoever saves a judge version stands in the same line, so that one of
    both comes second and is refused."""
    user_id = _user_of(rater_id)
    if user_id is None:
        return True
    accounts.hold_member(project_id=project_id, user_id=user_id)
    return not registry.is_barred_from_sealed(project_id=project_id, user_id=user_id)


class _Place(NamedTuple):
    """Whose next item is looked for, and where."""

    round_id: int
    rater_id: int
    sees_no_sealed: bool


class _Row(NamedTuple):
    """An item of the round with a free slot: `mine` where the rater has a row for it already."""

    item_id: int
    taken: int
    mine: int | None


def _givable(
    rows: Sequence[_Row],
    tried: Collection[int],
    in_order: Callable[[Sequence[int]], Sequence[int]],
) -> list[int]:
    """Of rows with the fullest first, some new items that are as near to completion as any that
    may be shown, in the rater's order.

    Whether one may be shown lies with its texts, on other pages of the disk: only the first is
    asked for it, a few where others were faster, and the rest when those may not.
    """
    first = ASKED_LATER if tried else 1
    fresh = [row for row in rows if not row.mine and row.item_id not in tried]
    for _, level in groupby(fresh, key=attrgetter("taken")):
        ids = in_order([row.item_id for row in level])
        for some in (ids[:first], ids[first:]):
            shown = {key for (key,) in _shown.rows(ids=some)} if some else set()
            if shown:
                return [item for item in some if item in shown]
    return []


def _window(place: _Place, taken: int, start: int, most: int) -> list[_Row]:
    """Up to `most` items of one level from `start` on, going on at the beginning."""
    level = {**place._asdict(), "taken": taken, "start": start, "is_narrow": most == FEW}
    rows = _level.rows(**level, is_before=False)
    if len(rows) < most:
        rows += _level.rows(**level, is_before=True)[: most - len(rows)]
    return [_Row(*row) for row in rows]


def _free(*, round_id: int, rater_id: int, sees_no_sealed: bool) -> QuerySet[Any, Any]:
    """Items of the round that have a slot left, and what the rater has to do with them."""
    mine = Assignment.objects.filter(round=round_id, rater=rater_id, item=OuterRef("item"))
    rows = RoundItem.objects.filter(round=round_id, is_full=False)
    if sees_no_sealed:
        rows = rows.exclude(item__part=Part.SEALED)
    return rows.annotate(mine=Subquery(mine.values("pk")[:1])).values_list(
        "item_id", "taken", "mine"
    )


def _shown_items() -> QuerySet[Item]:
    """Those that a rater may be shown: nobody withdrew them, and their texts are there."""
    return Item.objects.filter(withdrawn_at__isnull=True, content__erased_at__isnull=True).exclude(
        content__isnull=True
    )


@Prepared
def _shown(*, ids: Sequence[int]) -> QuerySet[Any, Any]:
    return _shown_items().filter(pk__in=ids).values_list("pk")


@Prepared
def _kept(*, round_id: int, rater_id: int) -> QuerySet[Any, Any]:
    kept = Assignment.objects.filter(
        kept_for=rater_id,
        round=round_id,
        item__withdrawn_at__isnull=True,
        item__content__erased_at__isnull=True,
        item__content__isnull=False,
    )
    return kept.order_by("pk").values_list("item_id", "item__part")[:FEW]


@Prepared
def _begun(*, round_id: int, rater_id: int, sees_no_sealed: bool) -> QuerySet[Any, Any]:
    begun = _free(round_id=round_id, rater_id=rater_id, sees_no_sealed=sees_no_sealed).filter(
        taken__gt=0
    )
    return begun.order_by("-taken", "shuffle")[:WINDOW]


@Prepared
def _level(
    *,
    round_id: int,
    rater_id: int,
    sees_no_sealed: bool,
    taken: int,
    start: int,
    is_before: bool,
    is_narrow: bool,
) -> QuerySet[Any, Any]:
    level = (
        _free(round_id=round_id, rater_id=rater_id, sees_no_sealed=sees_no_sealed)
        .filter(taken=taken)
        .order_by("shuffle")
    )
    part = level.filter(shuffle__lt=start) if is_before else level.filter(shuffle__gte=start)
    return part[: FEW if is_narrow else WINDOW]


def _sees_no_sealed(round_: Round, rater_id: int) -> bool:
    return not round_.dataset.is_open and (_is_frozen(round_) or _is_barred(round_, rater_id))


def _is_frozen(round_: Round) -> bool:
    """Whether a look has frozen the sealed labels: no rating of theirs counts any more."""
    frozen = SealedSet.objects.filter(
        dataset=round_.dataset_id, frozen_at__isnull=False, retired_at__isnull=True
    )
    return round_.kind in FEEDING and frozen.exists()


def _is_barred(round_: Round, rater_id: int) -> bool:
    """Whoever authored a judge version here gets no sealed item."""
    user_id = _user_of(rater_id)
    return user_id is not None and registry.is_barred_from_sealed(
        project_id=round_.project_id, user_id=user_id
    )


def _user_of(rater_id: int) -> int | None:
    """The rater's account; someone known from a file has none."""
    return Rater.objects.filter(pk=rater_id).values_list("user_id", flat=True).first()


def _in_own_order(round_: Round, rater_id: int, item_ids: Sequence[int]) -> list[int]:
    return sorted(
        item_ids, key=lambda item: display.item_order_key(round_.salt, rater=rater_id, item=item)
    )
