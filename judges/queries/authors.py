"""Who wrote judges: they touch no sealed item while it is sealed."""

from __future__ import annotations

from judges.models import JudgeVersion
from judges.states import VersionKind

WRITTEN = (VersionKind.PROMPT, VersionKind.PANEL, VersionKind.CASCADE)


def of_judge_up_to(version: JudgeVersion) -> set[int]:
    """The people who wrote this version, or one of the same judge before it."""
    wrote = JudgeVersion.objects.filter(
        judge=version.judge_id,
        number__lte=version.number,
        kind__in=WRITTEN,
        author__isnull=False,
    )
    return set(wrote.values_list("author_id", flat=True))


def wrote_the_same(version: JudgeVersion, actor: str) -> bool:
    """Whether this actor wrote the version, or its twin: one with the same fingerprint under
    another judge of the project. Whoever did never decides about it."""
    same = JudgeVersion.objects.filter(
        judge__project=version.judge.project_id, fingerprint=version.fingerprint
    )
    return actor == version.author_actor or same.filter(author_actor=actor).exists()


def has_authored(project_id: int, user_id: int) -> bool:
    """Whether this person saved a version that somebody could have tuned to labels."""
    return JudgeVersion.objects.filter(
        judge__project_id=project_id, author_id=user_id, kind__in=WRITTEN
    ).exists()
