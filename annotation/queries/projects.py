"""A project at a glance: what comes next, and what was worked on last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q

from accounts.models import Project
from annotation.models import Dataset, Guideline, Round, whole
from annotation.queries import guidelines, rounds
from annotation.queries.guidelines import Card
from annotation.queries.rounds import RoundCard
from annotation.states import DatasetKind, Part, VersionState
from core.registry import Step

SHOWN = 5

VISIBLE = whole("items__") & Q(items__withdrawn_at__isnull=True)


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """A dataset in a list, with its items by part."""

    dataset: Dataset
    items: int
    sealed: int


@dataclass(frozen=True, slots=True)
class Overview:
    """What the project's first page shows beside the five steps."""

    datasets: list[DatasetRow]
    guidelines: list[Card]
    rounds: list[RoundCard]
    current_round: Round | None


def overview(project: Project) -> Overview:
    """Datasets and rounds, the newest first, and the first guidelines by name."""
    datasets = (
        Dataset.objects.filter(project=project, kind=DatasetKind.NORMAL)
        .annotate(
            item_count=Count("items", filter=VISIBLE),
            sealed_count=Count("items", filter=VISIBLE & Q(items__part=Part.SEALED)),
        )
        .order_by("-pk")[:SHOWN]
    )
    return Overview(
        datasets=[DatasetRow(one, one.item_count, one.sealed_count) for one in datasets],
        guidelines=guidelines.cards(guidelines.found(project_id=project.pk)[:SHOWN]),
        rounds=rounds.cards(rounds.found(project_id=project.pk)[:SHOWN]),
        current_round=rounds.current(project_id=project.pk),
    )


def guidelines_to_copy(project: Project) -> tuple[list[str], int]:
    """Names of guidelines of which something was published, at most five, and how many more."""
    drafts = Q(versions__state=VersionState.DRAFT)
    published = (
        Guideline.objects.filter(project=project)
        .annotate(published=Count("versions", filter=~drafts))
        .filter(published__gt=0)
        .order_by("name")
        .values_list("name", flat=True)
    )
    return list(published[:SHOWN]), max(0, published.count() - SHOWN)


def next_step(steps: Sequence[Step]) -> Step | None:
    """The first step that is not done; None when all are."""
    return next((step for step in steps if not step.is_done), None)
