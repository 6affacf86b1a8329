"""Which gold items a round could hand out."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet

from annotation.models import Assignment, GoldItem, GoldLabel, GuidelineVersion, Round, RoundItem


def shown_ring(*, guideline: int | OuterRef, major: int | OuterRef) -> QuerySet[GoldItem]:
    """The gold items of a guideline's major version that are in force and have a text."""
    return GoldItem.objects.filter(
        guideline=guideline,
        major=major,
        withdrawn_at__isnull=True,
        item__withdrawn_at__isnull=True,
        item__content__erased_at__isnull=True,
        item__content__isnull=False,
    )


def labelled(version: GuidelineVersion) -> QuerySet[GoldItem]:
    """Those of the version's major that say what is right on one of its dimensions."""
    labels = GoldLabel.objects.filter(
        gold=OuterRef("pk"),
        is_current=True,
        label__gt="",
        dimension_key__in=version.dimensions.values("key"),
    )
    ring = shown_ring(guideline=version.guideline_id, major=version.major)
    return ring.filter(Exists(labels))


def beside(version: GuidelineVersion, *, qualification: Round | None) -> QuerySet[GoldItem]:
    """Those left for a round whose raters come out of the qualification: nobody is given a gold
    item twice."""
    found = labelled(version)
    if qualification is None:
        return found
    used = RoundItem.objects.filter(round=qualification, item=OuterRef("item"))
    return found.exclude(Exists(used))


def in_qualification(round_: Round) -> QuerySet[GoldItem]:
    """What a qualification is made of, as far as it may still be handed out."""
    inside = RoundItem.objects.filter(round=round_, item=OuterRef("item"), withdrawal__isnull=True)
    return labelled(round_.guideline_version).filter(Exists(inside))


def fresh_for_member() -> QuerySet[GoldItem, Any]:
    """For a subquery beside `RoundRater`: what a qualification still has for the rater."""
    inside = RoundItem.objects.filter(
        round=OuterRef(OuterRef("round")), item=OuterRef("item"), withdrawal__isnull=True
    )
    had = Assignment.objects.filter(gold=OuterRef("pk"), rater=OuterRef(OuterRef("rater")))
    ring = shown_ring(
        guideline=OuterRef("round__guideline_version__guideline"),
        major=OuterRef("round__guideline_version__major"),
    )
    return ring.filter(Exists(inside)).exclude(Exists(had)).values(counts=F("pk"))
