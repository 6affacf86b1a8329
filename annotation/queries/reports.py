"""What raters report of a round's items: flags, and skips by several. No label is read here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from annotation.models import Assignment, Flag, Item, Round, RoundItem
from annotation.queries.workbench import ShownItem, shown_item
from annotation.states import AssignmentState, FlagOutcome, Part

LEAST_SKIPS = 2
"""A single skip may be about the rater; from here on it is about the item."""
PAGE_ITEMS = 10
OWN_LISTED = 50
KINDS = ("", "flags", "skips", "settled")
UNNAMED = "A rater"
UNSAID = "in words of their own"


@dataclass(frozen=True, slots=True)
class Said:
    """What one rater said of an item; `outcome` and `note` are there once it is settled."""

    rater: str
    reason: str
    is_flag: bool
    outcome: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """An item with everything that was reported of it; the texts in its own order."""

    item: Item
    shown: ShownItem
    said: Sequence[Said]
    is_open: bool
    missing: int = 0
    left: int = 0
    """Slots that are open, and raters of the round who may still be given the item."""

    @property
    def is_sealed(self) -> bool:
        """Then nothing tells who said what, only which of the offered reasons."""
        return self.item.part == Part.SEALED

    @property
    def flags(self) -> int:
        return sum(one.is_flag for one in self.said)

    @property
    def skips(self) -> int:
        return len(self.said) - self.flags


def count(round_: Round) -> int:
    """How many items wait for a lead's word."""
    return _waiting(round_).count()


def page(round_: Round, *, kind: str, number: object, plain: Collection[str] = ()) -> Page[Report]:
    """One page of reports, the first reported first. `plain` are the reasons that were offered:
    of a sealed item only these are repeated, since a rater's own words may tell the label."""
    places = _settled(round_) if kind == "settled" else _waiting(round_, kind)
    paginator: Paginator[Any] = Paginator(
        places.select_related("item__content").order_by("pk"), PAGE_ITEMS
    )
    found = paginator.get_page(number)  # type: ignore[arg-type]
    made = _reports(
        round_, list(found.object_list), plain=frozenset(plain), is_open=kind != "settled"
    )
    return Page(made, found.number, paginator)


def own(*, round_id: int, rater_id: int) -> QuerySet[Flag]:
    """What came of what this rater reported in a round, the newest first."""
    settled = Flag.objects.filter(round=round_id, rater=rater_id, settled_at__isnull=False)
    return settled.select_related("item").order_by("-settled_at")[:OWN_LISTED]


def _waiting(round_: Round, kind: str = "") -> QuerySet[RoundItem]:
    flagged = Flag.objects.filter(round=round_, settled_at__isnull=True).values("item_id")
    skipped = Assignment.objects.filter(round=round_, state=AssignmentState.SKIPPED)
    reported = flagged.union(skipped.values("item_id"))
    counted = (
        Assignment.objects.filter(
            round=OuterRef("round"), item=OuterRef("item"), state=AssignmentState.SKIPPED
        )
        .order_by()
        .values("item")
        .annotate(n=Count("pk"))
        .values("n")
    )
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


def _reports(
    round_: Round, places: Sequence[RoundItem], *, plain: frozenset[str], is_open: bool
) -> list[Report]:
    items = [place.item_id for place in places]
    flags: dict[int, list[Flag]] = defaultdict(list)
    for flag in (
        Flag.objects.filter(round=round_, item__in=items, settled_at__isnull=is_open)
        .select_related("rater")
        .order_by("pk")
    ):
        flags[flag.item_id].append(flag)
    skips: dict[int, list[Assignment]] = defaultdict(list)
    for row in (
        Assignment.objects.filter(round=round_, item__in=items, state=AssignmentState.SKIPPED)
        .exclude(skip_reason__startswith="flagged: ")
        .select_related("rater")
        .order_by("pk")
    ):
        skips[row.item_id].append(row)
    return [_report(place, flags, skips, plain=plain, is_open=is_open) for place in places]


def _report(
    place: RoundItem,
    flags: Mapping[int, Sequence[Flag]],
    skips: Mapping[int, Sequence[Assignment]],
    *,
    plain: frozenset[str],
    is_open: bool,
) -> Report:
    said = [
        Said(
            flag.rater.name, flag.reason, is_flag=True, outcome=_words(flag.outcome), note=flag.note
        )
        for flag in flags.get(place.item_id, ())
    ]
    said += [
        Said(row.rater.name if row.rater else UNNAMED, row.skip_reason, is_flag=False)
        for row in skips.get(place.item_id, ())
    ]
    if place.item.part == Part.SEALED:
        said = [
            Said(
                UNNAMED,
                one.reason if one.reason in plain else UNSAID,
                one.is_flag,
                one.outcome,
                one.note,
            )
            for one in said
        ]
    return Report(place.item, shown_item(place.item, is_swapped=False), said, is_open)


def _words(outcome: str) -> str:
    return {
        FlagOutcome.NOTHING_WRONG.value: "nothing wrong",
        FlagOutcome.CORRECTED.value: "corrected",
        FlagOutcome.WITHDRAWN.value: "withdrawn",
    }.get(outcome, "")
