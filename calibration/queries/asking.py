"""Which sealed sets could be asked about a version, and what each has still to give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count

from annotation.models import Dataset, ReferenceLabel, SealedSet, whole
from annotation.states import Part
from calibration.queries import reports
from calibration.queries.approvals import most_looks
from calibration.rules import gatewords
from judges.models import JudgeVersion, Look
from judges.queries import policies
from measurement.gate import GateRule


@dataclass(frozen=True, slots=True)
class NextLook:
    """The looks that one dimension has used at a set, and the level of the bound at its next one:
    nothing where none is left."""

    name: str
    used: int
    most: int
    level: str

    @property
    def number(self) -> int:
        return self.used + 1


@dataclass(frozen=True, slots=True)
class SealedChoice:
    """A sealed set that could be asked, with the looks of each dimension of the version."""

    sealed_set: SealedSet
    sealed_items: int
    most: int
    looks: list[NextLook]


def sealed_choices(version: JudgeVersion) -> list[SealedChoice]:
    """The project's live sealed sets with labels for the version's guideline."""
    guideline = version.guideline_version
    project_id = version.judge.project_id
    sets = list(
        SealedSet.objects.filter(dataset__project=project_id, retired_at__isnull=True)
        .select_related("dataset")
        .order_by("pk")
    )
    names = reports.dimension_names(version)
    choices = []
    for one in sets:
        if not _has_sealed_labels(one.dataset, guideline.guideline_id, guideline.major):
            continue
        choices.append(
            SealedChoice(
                sealed_set=one,
                sealed_items=one.dataset.items.filter(
                    whole(), part=Part.SEALED, withdrawn_at__isnull=True
                ).count(),
                most=most_looks(one),
                looks=_next_looks(one, names, policies.of_set(one, project_id=project_id).gate),
            )
        )
    return choices


def _next_looks(one: SealedSet, names: Mapping[str, str], rule: GateRule) -> list[NextLook]:
    """`rule` is that of the set's next look: once looked at it keeps the rule of its first one."""
    taken = dict(
        Look.objects.filter(sealed_set=one).values_list("dimension_key").annotate(n=Count("pk"))
    )
    most = most_looks(one)
    found = []
    for key, name in names.items():
        used = taken.get(key, 0)
        level = ""
        if used < most:
            error = rule.level_of(look=used + 1, one_shot=one.is_one_shot)
            level = gatewords.target_words(1 - error)
        found.append(NextLook(name, used, most, level))
    return found


def _has_sealed_labels(dataset: Dataset, guideline_id: int, major: int) -> bool:
    return ReferenceLabel.objects.filter(
        item__dataset=dataset, item__part=Part.SEALED, guideline=guideline_id, major=major
    ).exists()
