"""What a lead's acts on a running round would do, and what they did: who, when, why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import CharField, Count, Exists, F, OuterRef, Q, QuerySet, Value

from accounts.queries import actor_names
from annotation.models import (
    Assignment,
    Correction,
    Draft,
    Item,
    Round,
    RoundItem,
    RoundRater,
    SealedSet,
    Withdrawal,
)
from annotation.queries.items import NOT_CLOSED
from annotation.queries.sight import Sight, is_barred, sight_on
from annotation.states import AssignmentState, Part, RoundKind
from core.models import AuditEvent

PAGE_CHANGES = 25
LISTED_ROUNDS = 10
SHOWN_SESSIONS = 5
OUT, BACK = "out", "back"
ITEM, RATER, REMOVAL, CORRECTION = "item", "rater", "removal", "correction"
Row = Withdrawal | RoundRater | Correction


@dataclass(frozen=True, slots=True)
class Holding:
    """What a round holds of one item: answers that count, people at it now, work begun; and the
    sessions' rounds that hold it too."""

    answers: int
    leases: int
    drafts: int
    sessions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RaterPart:
    """One rater's part in a round, and what they hold now."""

    answers: int
    withdrawn: int
    skipped: int
    drafts: int
    held: Assignment | None
    held_title: str
    withdrawal: Withdrawal | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which changes are looked for; empty fields ask for everything."""

    text: str = ""
    what: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was taken out of a round or corrected in it.

    `answers` are those that it concerns. A withdrawal with `stays_because` is not taken back.
    """

    kind: str
    at: datetime | None
    by: str
    reason: str
    title: str
    item_id: int | None = None
    rater_id: int | None = None
    answers: int = 0
    withdrawal_id: int | None = None
    undone_at: datetime | None = None
    undone_by: str = ""
    stays_because: str = ""
    successor_id: int | None = None

    @property
    def may_go_back(self) -> bool:
        return self.withdrawal_id is not None and self.undone_at is None and not self.stays_because


def holding(place: RoundItem) -> Holding:
    """In three queries."""
    rows = Assignment.objects.filter(round=place.round_id, item=place.item_id).aggregate(
        answers=Count("pk", filter=Q(state=AssignmentState.SUBMITTED)),
        leases=Count("pk", filter=Q(state=AssignmentState.LEASED)),
    )
    drafts = Draft.objects.filter(round=place.round_id, item=place.item_id).count()
    sessions = Round.objects.filter(
        kind=RoundKind.SESSION, round_items__item=place.item_id, project=place.round.project_id
    )
    names = tuple(sessions.order_by("-pk").values_list("name", flat=True)[:SHOWN_SESSIONS])
    return Holding(drafts=drafts, sessions=names, **rows)


def answers_of(withdrawal: Withdrawal) -> int:
    """How many answers a withdrawal took out and would bring back."""
    return _answers(withdrawal.round_id, [withdrawal]).get(withdrawal.pk, 0)


def successor_of(item_id: int) -> int | None:
    """The item that took this one's place with another meaning."""
    return (
        Correction.objects.filter(item=item_id, successor__isnull=False)
        .values_list("successor_id", flat=True)
        .first()
    )


def prompt_is_drawn(item: Item) -> bool:
    """Whether the part of the dataset's items hangs on what was asked, so that it must stay."""
    live = SealedSet.objects.filter(dataset=item.dataset_id, retired_at__isnull=True)
    return item.part == Part.SEALED or live.exists()


def part_of(member: RoundRater, *, user_id: int) -> RaterPart:
    """What this rater did and holds, in a handful of queries."""
    rows = Assignment.objects.filter(round=member.round_id, rater=member.rater_id)
    counted = rows.aggregate(
        answers=Count("pk", filter=Q(state=AssignmentState.SUBMITTED)),
        withdrawn=Count("pk", filter=Q(state=AssignmentState.WITHDRAWN)),
        skipped=Count("pk", filter=Q(state=AssignmentState.SKIPPED)),
    )
    held = held_by(member)
    title = ""
    if held is not None:
        sight = sight_on([held.item_id], project_id=held.item.project_id, user_id=user_id)
        title = sight.title_of(held.item)
    return RaterPart(
        drafts=Draft.objects.filter(round=member.round_id, rater=member.rater_id).count(),
        held=held,
        held_title=title,
        withdrawal=Withdrawal.objects.filter(
            round=member.round_id, rater=member.rater_id, undone_at__isnull=True
        ).first(),
        **counted,
    )


def held_by(member: RoundRater) -> Assignment | None:
    """What the rater has at hand in the round, with its item."""
    return (
        Assignment.objects.filter(
            round=member.round_id, rater=member.rater_id, state=AssignmentState.LEASED
        )
        .select_related("item")
        .first()
    )


def running_rounds_of(item: Item) -> list[Round]:
    """Rounds that are not over and hold the item, the newest first."""
    return list(
        Round.objects.filter(
            Exists(RoundItem.objects.filter(round=OuterRef("pk"), item=item)),
            project=item.project_id,
            state__in=NOT_CLOSED,
            revealed_at__isnull=True,
        )
        .exclude(kind=RoundKind.IMPORTED)
        .order_by("-pk")[:LISTED_ROUNDS]
    )


def page(round_: Round, *, wanted: Wanted, number: object, user_id: int) -> Page[Change]:
    """One page of what was taken out and corrected, the newest first."""
    listed = _listed(round_, wanted, user_id=user_id)
    paginator: Paginator[Any] = Paginator(listed.order_by("-at", "kind", "-row"), PAGE_CHANGES)
    found = paginator.get_page(number)  # type: ignore[arg-type]
    keys = [(row["kind"], row["row"]) for row in found.object_list]
    return Page(_changes(round_, keys, user_id=user_id), found.number, paginator)


def _listed(round_: Round, wanted: Wanted, *, user_id: int) -> QuerySet[Any]:
    """(kind, row, at) of each change."""
    taken_out = _withdrawals(round_, wanted, user_id=user_id)
    parts: list[tuple[str, str, QuerySet[Any], str]] = [
        ("items", ITEM, taken_out.filter(item__isnull=False), "created_at"),
        ("raters", RATER, taken_out.filter(rater__isnull=False), "created_at"),
    ]
    if wanted.state != BACK:
        parts.append(("raters", REMOVAL, _removals(round_, wanted), "removed_at"))
    if not wanted.state:
        corrections = _corrections(round_, wanted, user_id=user_id)
        parts.append(("corrections", CORRECTION, corrections, "created_at"))
    rows = [
        found.order_by()
        .annotate(kind=Value(kind, CharField()), row=F("pk"), at=F(moment))
        .values("kind", "row", "at")
        for what, kind, found, moment in parts
        if wanted.what in ("", what)
    ]
    return rows[0].union(*rows[1:], all=True) if rows else Withdrawal.objects.none()


def _withdrawals(round_: Round, wanted: Wanted, *, user_id: int) -> QuerySet[Withdrawal]:
    found = Withdrawal.objects.filter(round=round_)
    if wanted.state:
        found = found.filter(undone_at__isnull=wanted.state == OUT)
    if wanted.text:
        found = found.filter(
            Q(reason__icontains=wanted.text)
            | Q(rater__name__icontains=wanted.text)
            | _in_item(round_, wanted.text, user_id=user_id)
        )
    return found


def _removals(round_: Round, wanted: Wanted) -> QuerySet[RoundRater]:
    """Raters who were taken out and whose answers stayed."""
    withdrawn = Withdrawal.objects.filter(
        round=round_, rater=OuterRef("rater"), undone_at__isnull=True
    )
    found = RoundRater.objects.filter(~Exists(withdrawn), round=round_, removed_at__isnull=False)
    return found.filter(rater__name__icontains=wanted.text) if wanted.text else found


def _corrections(round_: Round, wanted: Wanted, *, user_id: int) -> QuerySet[Correction]:
    """Of the round's items, also those that another round led to."""
    found = Correction.objects.filter(item__round_items__round=round_)
    if wanted.text:
        found = found.filter(
            Q(reason__icontains=wanted.text) | _in_item(round_, wanted.text, user_id=user_id)
        )
    return found


def _in_item(round_: Round, text: str, *, user_id: int) -> Q:
    by_id = Q(item__external_id__icontains=text)
    if is_barred(round_.project_id, user_id):
        return by_id
    return by_id | Q(item__title__icontains=text)


def _changes(round_: Round, keys: Sequence[tuple[str, int]], *, user_id: int) -> list[Change]:
    rows: dict[tuple[str, int], Row] = {}
    for one in _found_withdrawals(_ids(keys, ITEM, RATER)):
        rows[_kind_of(one), one.pk] = one
    for member in _found_removals(_ids(keys, REMOVAL)):
        rows[REMOVAL, member.pk] = member
    for correction in _found_corrections(_ids(keys, CORRECTION)):
        rows[CORRECTION, correction.pk] = correction
    removed = [row.rater_id for row in rows.values() if isinstance(row, RoundRater)]
    acts = _removal_acts(round_, removed)
    people = {act.actor for act in acts.values()}
    for row in rows.values():
        if isinstance(row, Withdrawal | Correction):
            people.add(row.actor)
        if isinstance(row, Withdrawal):
            people.add(row.undone_by)
    known = _Known(
        sight=sight_on(
            _items_of(rows.values()),
            project_id=round_.project_id,
            user_id=user_id,
        ),
        names=actor_names(people - {""}),
        acts=acts,
        answers=_answers(round_.pk, [row for row in rows.values() if isinstance(row, Withdrawal)]),
        kept=_kept_answers(round_, removed),
        replaced=_replaced(_items_of(rows.values())),
    )
    return [_change(rows[key], known) for key in keys if key in rows]


@dataclass(frozen=True, slots=True)
class _Known:
    """What the rows of a page need beside themselves."""

    sight: Sight
    names: Mapping[str, str]
    acts: Mapping[int, AuditEvent]
    answers: Mapping[int, int]
    kept: Mapping[int, int]
    replaced: Mapping[int, int]


def _change(row: Row, known: _Known) -> Change:
    if isinstance(row, RoundRater):
        act = known.acts.get(row.rater_id)
        return Change(
            REMOVAL,
            row.removed_at,
            known.names.get(act.actor, "") if act else "",
            str(act.data.get("reason", "")) if act else "",
            row.rater.name,
            rater_id=row.rater_id,
            answers=known.kept.get(row.rater_id, 0),
        )
    if isinstance(row, Correction):
        return Change(
            CORRECTION,
            row.created_at,
            known.names.get(row.actor, row.actor),
            row.reason,
            known.sight.title_of(row.item),
            item_id=row.item_id,
            successor_id=row.successor_id,
        )
    is_replaced = row.item_id in known.replaced and row.undone_at is None
    return Change(
        _kind_of(row),
        row.created_at,
        known.names.get(row.actor, row.actor),
        row.reason,
        known.sight.title_of(row.item) if row.item else row.rater.name if row.rater else "",
        item_id=row.item_id,
        rater_id=row.rater_id,
        answers=known.answers.get(row.pk, 0),
        withdrawal_id=row.pk,
        undone_at=row.undone_at,
        undone_by=known.names.get(row.undone_by, row.undone_by),
        stays_because="A corrected item took its place." if is_replaced else "",
        successor_id=known.replaced.get(row.item_id) if row.item_id else None,
    )


def _kind_of(row: Withdrawal) -> str:
    return ITEM if row.item_id is not None else RATER


def _items_of(rows: Iterable[Row]) -> list[int]:
    return [
        row.item_id
        for row in rows
        if isinstance(row, Withdrawal | Correction) and row.item_id is not None
    ]


def _ids(keys: Sequence[tuple[str, int]], *kinds: str) -> list[int]:
    return [pk for kind, pk in keys if kind in kinds]


def _found_withdrawals(ids: Sequence[int]) -> QuerySet[Withdrawal]:
    return Withdrawal.objects.filter(pk__in=ids).select_related("item", "rater")


def _found_removals(ids: Sequence[int]) -> QuerySet[RoundRater]:
    return RoundRater.objects.filter(pk__in=ids).select_related("rater")


def _found_corrections(ids: Sequence[int]) -> QuerySet[Correction]:
    return Correction.objects.filter(pk__in=ids).select_related("item")


def _answers(round_id: int, withdrawals: Sequence[Withdrawal]) -> dict[int, int]:
    """By withdrawal. Its rows are found by item or rater: they have no index of their own."""
    items = [row.item_id for row in withdrawals if row.item_id is not None]
    raters = [row.rater_id for row in withdrawals if row.rater_id is not None]
    rows = Assignment.objects.filter(
        round=round_id,
        state=AssignmentState.WITHDRAWN,
        withdrawal__in=withdrawals,
        submitted_at__isnull=False,
    )
    found: dict[int, int] = {}
    for mine in (rows.filter(item__in=items), rows.filter(rater__in=raters)):
        found |= dict(mine.order_by().values_list("withdrawal").annotate(Count("pk")))
    return found


def _kept_answers(round_: Round, raters: Sequence[int]) -> dict[int, int]:
    rows = Assignment.objects.filter(
        round=round_, rater__in=raters, state=AssignmentState.SUBMITTED
    )
    found: dict[int, int] = dict(rows.values_list("rater").annotate(Count("pk")))
    return found


def _replaced(items: Sequence[int]) -> dict[int, int]:
    """Items that another took the place of, and which."""
    rows = Correction.objects.filter(item__in=items, successor__isnull=False)
    return {row.item_id: row.successor_id for row in rows if row.successor_id is not None}


def _removal_acts(round_: Round, raters: Sequence[int]) -> dict[int, AuditEvent]:
    """The newest act that took each of these raters out: it alone holds who and why."""
    if not raters:
        return {}
    acts = AuditEvent.objects.filter(
        project_id=round_.project_id,
        verb="round.rater_removed",
        object_type="round",
        object_id=str(round_.pk),
        data__rater__in=list(raters),
    )
    return {int(act.data["rater"]): act for act in acts.order_by("pk")}
