"""Who wrote judges: they touch no sealed item while it is sealed."""

from __future__ import annotations

from judges.models import JudgeVersion
from judges.states import VersionKind

WRITTEN = (VersionKind.PROMPT, VersionKind.PANEL, VersionKind.CASCADE)


def has_authored(project_id: int, user_id: int) -> bool:
    """Whether this person saved a version that somebody could have tuned to labels."""
    return JudgeVersion.objects.filter(
        judge__project_id=project_id, author_id=user_id, kind__in=WRITTEN
    ).exists()
