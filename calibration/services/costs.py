"""What a run that this room asks for will take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone

from annotation.models import Item, SealedSet
from annotation.states import Part
from calibration.queries import tables
from core.errors import DomainError
from judges.models import JudgeVersion
from judges.services import runs
from judges.services.runs import RunEstimate
from judges.states import RunPurpose


@dataclass(frozen=True, slots=True)
class Cost:
    """The estimate of the run, or the sentence that says why it could not start."""

    estimate: RunEstimate | None
    refusal: str = ""


def of_asking(version: JudgeVersion, sealed_set: SealedSet) -> Cost:
    """Calls, money and time of a run over the whole sealed part, before anything is sent."""
    try:
        found = runs.estimate(
            version=version,
            dataset=sealed_set.dataset,
            items=tables.judgeable(sealed_set.dataset, Part.SEALED),
            purpose=RunPurpose.APPROVAL,
            now=timezone.now(),
        )
    except DomainError as refusal:
        return Cost(None, refusal.sentence)
    return Cost(found)


def of_judging(version: JudgeVersion, items: Iterable[Item]) -> Cost:
    """Calls, money and time of an ordinary run over these items."""
    try:
        found = runs.estimate(version=version, items=items, now=timezone.now())
    except DomainError as refusal:
        return Cost(None, refusal.sentence)
    return Cost(found)
