"""What a new meaning of a guideline leaves behind: ratings that no longer compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet

from annotation.models import Assignment, Dataset, Guideline, GuidelineVersion, Item, Round
from annotation.queries import rounds
from annotation.queries.labels import FEEDING
from annotation.queries.rounds import RoundCard
from annotation.states import AssignmentState, DatasetKind, Part, RoundState

SHOWN_ROUNDS = 25


@dataclass(frozen=True, slots=True)
class Affected:
    """Rounds that were rated by an earlier major version, the newest first; `more` are not
    listed, and their ratings are not in `ratings`."""

    cards: Sequence[RoundCard]
    more: int

    @property
    def ratings(self) -> int:
        """Answers that are in, each on every dimension."""
        return sum(card.submitted for card in self.cards)


def affected(guideline: Guideline, *, before: int) -> Affected:
    """What was rated by a major version below `before`; imported rounds count."""
    found = Round.objects.filter(
        Exists(_answers(OuterRef("pk"))),
        guideline_version__guideline=guideline,
        guideline_version__major__lt=before,
        kind__in=FEEDING,
    ).exclude(state=RoundState.DRAFT)
    listed = found.select_related("dataset", "guideline_version__guideline").order_by("-pk")
    return Affected(rounds.cards(listed[:SHOWN_ROUNDS]), max(0, found.count() - SHOWN_ROUNDS))


def rated_before(version: GuidelineVersion, items: QuerySet[Item]) -> QuerySet[Item]:
    """The unsealed among the items that were rated by an earlier major of the guideline."""
    answers = Assignment.objects.filter(
        item=OuterRef("pk"),
        state=AssignmentState.SUBMITTED,
        gold__isnull=True,
        round__kind__in=FEEDING,
        round__guideline_version__guideline=version.guideline_id,
        round__guideline_version__major__lt=version.major,
    )
    return items.filter(Exists(answers)).exclude(part=Part.SEALED)


def datasets_rated_before(version: GuidelineVersion) -> QuerySet[Dataset]:
    """The datasets in which a round was rated by an earlier major, the newest first."""
    older = Round.objects.filter(
        Exists(_answers(OuterRef("pk"))),
        dataset=OuterRef("pk"),
        kind__in=FEEDING,
        guideline_version__guideline=version.guideline_id,
        guideline_version__major__lt=version.major,
    ).exclude(state=RoundState.DRAFT)
    return Dataset.objects.filter(
        Exists(older), project=version.guideline.project_id, kind=DatasetKind.NORMAL
    ).order_by("-pk")


def _answers(round_id: OuterRef) -> QuerySet[Assignment]:
    return Assignment.objects.filter(
        round=round_id, state=AssignmentState.SUBMITTED, gold__isnull=True
    )
