"""Drift rounds of what stands: how far each is, and by which rule."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, QuerySet

from annotation.models import GuidelineVersion, Item, Round, RoundItem
from annotation.queries import rounds
from annotation.queries.rounds import RoundCard
from annotation.queries.sealed import touching_sealed
from annotation.states import RoundKind, VersionState
from judges.models import Call, DriftLabel, EvidenceSnapshot, JudgeLabel, Standing
from judges.queries import authors
from judges.rules import policy as rules
from judges.states import RunPurpose, RunState

ANSWERS = (RunPurpose.SERVING, RunPurpose.ORDINARY)
"""Runs whose verdicts a fresh label may be held against; none of them touches what is sealed."""
SHOWN = 10


@dataclass(frozen=True, slots=True)
class DriftRound:
    """A drift round beside one standing: items that the approved version judged, that an open run
    of it is judging, and that the alarm has counted."""

    card: RoundCard
    judged: int
    waiting: int
    counted: int

    @property
    def round(self) -> Round:
        return self.card.round

    @property
    def unjudged(self) -> int:
        """Items that the version has no verdict on and is not asked about."""
        return max(0, self.card.items - self.judged - self.waiting)


def of_standing(standing: Standing) -> list[DriftRound]:
    """The newest drift rounds that feed the alarm of this standing, in a fixed number of
    queries."""
    by = standing.version.guideline_version
    found = Round.objects.filter(
        project=standing.judge.project_id,
        kind=RoundKind.DRIFT,
        guideline_version__guideline=by.guideline_id,
        guideline_version__major=by.major,
    ).select_related("dataset", "guideline_version__guideline")
    cards = rounds.cards(found.order_by("-pk")[:SHOWN])
    places = RoundItem.objects.filter(
        round__in=[card.round.pk for card in cards], withdrawal__isnull=True
    )
    labels = DriftLabel.objects.filter(approval=standing.decision_id, item=OuterRef("item"))
    judged = _by_round(places.filter(Exists(_labels(standing))))
    waiting = _by_round(places.filter(~Exists(_labels(standing)), Exists(_calls(standing))))
    counted = _by_round(places.filter(Exists(labels)))
    return [
        DriftRound(
            card,
            judged=judged.get(card.round.pk, 0),
            waiting=waiting.get(card.round.pk, 0),
            counted=counted.get(card.round.pk, 0),
        )
        for card in cards
    ]


def unjudged(standing: Standing, round_: Round) -> QuerySet[Item]:
    """Items of the round that the approved version has not judged, and no run of it is to."""
    places = RoundItem.objects.filter(
        ~Exists(_labels(standing)),
        ~Exists(_calls(standing)),
        round=round_,
        withdrawal__isnull=True,
    )
    items = Item.objects.filter(
        pk__in=places.values("item"),
        withdrawn_at__isnull=True,
        content__isnull=False,
        content__erased_at__isnull=True,
    )
    sealed = touching_sealed(items, round_.project_id)
    return items.exclude(pk__in=sealed.values("pk")).order_by("pk")


def version_in_force(standing: Standing) -> GuidelineVersion | None:
    """The version that people label by now: of the same major as the judge, so labels compare."""
    by = standing.version.guideline_version
    return by.guideline.versions.filter(state=VersionState.PUBLISHED, major=by.major).first()


def standings_by(version: GuidelineVersion) -> list[Standing]:
    """What stands by a guideline, and a drift round by it watches: same labels, comparable over
    minor versions."""
    found = Standing.objects.filter(
        version__guideline_version__guideline=version.guideline_id,
        version__guideline_version__major=version.major,
    )
    return list(found.select_related("version").order_by("pk"))


def authors_watched(version: GuidelineVersion) -> set[int]:
    """The users who wrote what a drift round by this guideline watches: they rate in none, as their
    labels would be held against their own work (docs/adr/0032-authors-and-drift.md)."""
    found = [authors.of_judge_up_to(one.version) for one in standings_by(version)]
    return set[int]().union(*found)


def barred(round_id: int) -> set[int]:
    """The same for a drift round that is there."""
    return authors_watched(GuidelineVersion.objects.get(rounds=round_id))


def least_overlap(standing: Standing) -> int:
    """Raters an item that the rule of the approval asks for, on any of its dimensions."""
    return max(least_ratings(standing, key) for key in standing.dimensions)


def least_ratings(standing: Standing, key: str) -> int:
    """Raters an item, by the rule of the approval itself."""
    evidence = EvidenceSnapshot.objects.filter(
        decisions=standing.decision_id, dimension_key=key
    ).first()
    rule = evidence.rule if evidence is not None else {}
    return rules.policy_of(rule, number=0).gate.least_ratings


def _labels(standing: Standing) -> QuerySet[JudgeLabel]:
    return JudgeLabel.objects.filter(
        item=OuterRef("item"), run__version=standing.version_id, run__purpose__in=ANSWERS
    )


def _calls(standing: Standing) -> QuerySet[Call]:
    """Calls of runs whose labels are still to come."""
    return Call.objects.filter(
        item=OuterRef("item"),
        run__version=standing.version_id,
        run__purpose__in=ANSWERS,
        run__combined_at__isnull=True,
    ).exclude(run__state=RunState.CANCELLED)


def _by_round(places: QuerySet[RoundItem]) -> dict[int, int]:
    return dict(places.values_list("round").annotate(Count("pk")))
