"""What raters report of a round's items: flags, and skips by several. No label is read here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import (
    Count,
    DateTimeField,
    F,
    IntegerField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Coalesce

from annotation.models import Assignment, Flag, Round, RoundItem
from annotation.queries.items import items_yet_rated_by
from annotation.queries.sight import Sight, has_sealed, is_barred, sight_on
from annotation.queries.workbench import ShownItem, shown_item
from annotation.states import AssignmentState, FlagOutcome

LEAST_SKIPS = 2
"""A single skip may be about the rater; from here on it is about the item."""
PAGE_ITEMS = 25
OWN_LISTED = 50
KINDS = ("", "flags", "skips", "settled")
MOST = "most"
UNNAMED = "A rater"
UNSAID = "in words of their own"
FLAGGED = "flagged: "
"""So begins the reason of a skip that a flag stands beside."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which reports, in which order; empty fields ask for all that wait, the newest first."""

    text: str = ""
    kind: str = ""
    sort: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What one rater said of an item; `outcome` and `note` are there once it is settled."""

    rater: str
    reason: str
    is_flag: bool
    at: datetime | None = None
    outcome: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """An item with what was reported of it, the first first."""

    place: RoundItem
    title: str
    said: Sequence[Said]
    is_in_words: bool
    """Otherwise nothing tells who said what, only which of the offered reasons."""

    @property
    def flags(self) -> int:
        return sum(one.is_flag for one in self.said)

    @property
    def skips(self) -> int:
        return len(self.said) - self.flags

    @property
    def newest_at(self) -> datetime | None:
        return max((one.at for one in self.said if one.at is not None), default=None)

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Each reason with how many gave it, the commonest first."""
        counted: dict[str, int] = defaultdict(int)
        for one in self.said:
            counted[one.reason] += 1
        return sorted(counted.items(), key=lambda pair: -pair[1])

    @property
    def settled(self) -> Said | None:
        """The last one that is settled."""
        return next((one for one in reversed(self.said) if one.outcome), None)


def count(round_: Round) -> int:
    """How many items wait for a lead's word."""
    return _waiting(round_).count()


def page(
    round_: Round, *, wanted: Wanted, number: object, user_id: int, plain: Collection[str] = ()
) -> Page[Report]:
    """One page of reports. `plain` are the reasons that were offered: only these are repeated of
    an item where a rater's own words might tell the label."""
    is_settled = wanted.kind == "settled"
    places = _settled(round_) if is_settled else _waiting(round_, wanted.kind)
    if wanted.text:
        places = places.filter(_found(round_, wanted.text, user_id=user_id))
    order = ["-reported", "-newest"] if wanted.sort == MOST else ["-newest"]
    ordered = _counted(round_, places, is_settled=is_settled).order_by(
        *(F(name[1:]).desc(nulls_last=True) for name in order), "-pk"
    )
    paginator: Paginator[Any] = Paginator(ordered.select_related("item"), PAGE_ITEMS)
    found = paginator.get_page(number)  # type: ignore[arg-type]
    listed = list(found.object_list)
    sight = sight_on(
        [place.item_id for place in listed], project_id=round_.project_id, user_id=user_id
    )
    made = _reports(round_, listed, sight, plain=frozenset(plain), is_open=not is_settled)
    return Page(made, found.number, paginator)


def of_place(place: RoundItem, *, sight: Sight, plain: Collection[str] = ()) -> Report:
    """Everything that was ever reported of one item of a round."""
    [made] = _reports(place.round, [place], sight, plain=frozenset(plain), is_open=None)
    return made


def is_waiting(place: RoundItem) -> bool:
    """Whether anything is there to be settled, be it a single skip."""
    skips = Assignment.objects.filter(
        round=place.round_id, item=place.item_id, state=AssignmentState.SKIPPED
    )
    return is_flagged(place) or skips.count() > place.skips_settled


def is_flagged(place: RoundItem) -> bool:
    """Whether somebody waits for a word about the item."""
    return Flag.objects.filter(
        round=place.round_id, item=place.item_id, settled_at__isnull=True
    ).exists()


def shown(place: RoundItem, sight: Sight) -> ShownItem | None:
    """The item's texts in its own order, where they are read."""
    content = place.item.content
    if content is None or content.erased_at is not None or not sight.shows_texts(place.item_id):
        return None
    return shown_item(place.item, is_swapped=False)


def own(*, round_id: int, rater_id: int) -> QuerySet[Flag]:
    """What came of what this rater reported in a round, the newest first."""
    settled = Flag.objects.filter(round=round_id, rater=rater_id, settled_at__isnull=False)
    return settled.select_related("item").order_by("-settled_at")[:OWN_LISTED]


def _waiting(round_: Round, kind: str = "") -> QuerySet[RoundItem]:
    flagged = Flag.objects.filter(round=round_, settled_at__isnull=True).values("item_id")
    skipped = Assignment.objects.filter(round=round_, state=AssignmentState.SKIPPED)
    reported = flagged.union(skipped.values("item_id"))
    counted = _of_item(Assignment.objects.filter(state=AssignmentState.SKIPPED), Count("pk"))
    places = RoundItem.objects.filter(
        round=round_, withdrawal__isnull=True, item_id__in=reported
    ).annotate(skips=Coalesce(Subquery(counted, output_field=IntegerField()), 0))
    by_flag = Q(item_id__in=flagged)
    by_skip = Q(skips__gte=F("skips_settled") + LEAST_SKIPS)
    return places.filter({"flags": by_flag, "skips": by_skip}.get(kind, by_flag | by_skip))


def _settled(round_: Round) -> QuerySet[RoundItem]:
    settled = Flag.objects.filter(round=round_, settled_at__isnull=False)
    return RoundItem.objects.filter(
        Q(item_id__in=settled.values("item_id")) | Q(skips_settled__gt=0), round=round_
    )


def _found(round_: Round, text: str, *, user_id: int) -> Q:
    """Items by id, title and what was said of them. What the reader does not read is not found
    by its words either."""
    by_id = Q(item__external_id__icontains=text)
    if is_barred(round_.project_id, user_id):
        return by_id
    by_title = by_id | Q(item__title__icontains=text)
    if has_sealed(round_.project_id):
        return by_title
    said = Flag.objects.filter(round=round_, reason__icontains=text).exclude(
        item__in=items_yet_rated_by(user_id)
    )
    return by_title | Q(item_id__in=said.values("item_id"))


def _counted(
    round_: Round, places: QuerySet[RoundItem], *, is_settled: bool
) -> QuerySet[RoundItem]:
    """With `reported`, how often, and `newest`, when last."""
    flags = Flag.objects.filter(settled_at__isnull=not is_settled)
    skips = Assignment.objects.filter(state=AssignmentState.SKIPPED).exclude(
        skip_reason__startswith=FLAGGED
    )
    when = "settled_at" if is_settled else "created_at"
    number, moment = IntegerField(), DateTimeField()
    return places.annotate(
        reported=Coalesce(Subquery(_of_item(flags, Count("pk")), output_field=number), 0)
        + Coalesce(Subquery(_of_item(skips, Count("pk")), output_field=number), 0),
        newest=Coalesce(
            Subquery(_of_item(flags, Max(when)), output_field=moment),
            Subquery(_of_item(skips, Max("leased_at")), output_field=moment),
        ),
    )


def _of_item(rows: QuerySet[Any], figure: Any) -> QuerySet[Any]:
    """One figure of the rows of the place's own item."""
    mine: QuerySet[Any] = rows.filter(round=OuterRef("round"), item=OuterRef("item")).order_by()
    figured: QuerySet[Any] = mine.values("item").annotate(figure=figure).values("figure")
    return figured


def _reports(
    round_: Round,
    places: Sequence[RoundItem],
    sight: Sight,
    *,
    plain: frozenset[str],
    is_open: bool | None,
) -> list[Report]:
    items = [place.item_id for place in places]
    flags: dict[int, list[Flag]] = defaultdict(list)
    rows = Flag.objects.filter(round=round_, item__in=items)
    if is_open is not None:
        rows = rows.filter(settled_at__isnull=is_open)
    for flag in rows.select_related("rater").order_by("pk"):
        flags[flag.item_id].append(flag)
    skips: dict[int, list[Assignment]] = defaultdict(list)
    for row in (
        Assignment.objects.filter(round=round_, item__in=items, state=AssignmentState.SKIPPED)
        .exclude(skip_reason__startswith=FLAGGED)
        .select_related("rater")
        .order_by("pk")
    ):
        skips[row.item_id].append(row)
    return [_report(place, flags, skips, sight, plain=plain) for place in places]


def _report(
    place: RoundItem,
    flags: Mapping[int, Sequence[Flag]],
    skips: Mapping[int, Sequence[Assignment]],
    sight: Sight,
    *,
    plain: frozenset[str],
) -> Report:
    said = [
        Said(
            flag.rater.name,
            flag.reason,
            is_flag=True,
            at=flag.created_at,
            outcome=_words(flag.outcome),
            note=flag.note,
        )
        for flag in flags.get(place.item_id, ())
    ]
    said += [
        Said(
            row.rater.name if row.rater else UNNAMED,
            row.skip_reason,
            is_flag=False,
            at=row.leased_at,
        )
        for row in skips.get(place.item_id, ())
    ]
    is_in_words = sight.shows_words(place.item_id)
    if not is_in_words:
        said = [_unnamed(one, plain) for one in said]
    return Report(place, sight.title_of(place.item), said, is_in_words)


def _unnamed(said: Said, plain: frozenset[str]) -> Said:
    """Without who and when, and only what everybody could have said."""
    reason = said.reason if said.reason in plain else UNSAID
    return Said(UNNAMED, reason, said.is_flag, outcome=said.outcome, note=said.note)


def _words(outcome: str) -> str:
    return {
        FlagOutcome.NOTHING_WRONG.value: "nothing wrong",
        FlagOutcome.CORRECTED.value: "corrected",
        FlagOutcome.WITHDRAWN.value: "withdrawn",
    }.get(outcome, "")
