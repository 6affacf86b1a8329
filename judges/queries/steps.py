"""The last of a project's five steps: the judge."""

from __future__ import annotations

from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import timezone

from annotation.models import GuidelineVersion
from annotation.states import VersionState
from core.registry import Step
from judges.models import ApprovalRequest, JudgeVersion, Standing
from judges.states import RequestState, RunState

NOTHING = "–"


def judge(project_id: int, slug: str) -> Step:
    """Done while an approved version stands. What a model did to an approval the judge's own page
    tells: every page of the project asks here."""
    number, note, is_done = _how_far(project_id)
    return Step(
        key="judge",
        title="Judge",
        url=reverse("judges", args=[slug]),
        number=number,
        note=note,
        is_done=is_done,
    )


def _how_far(project_id: int) -> tuple[str, str, bool]:
    moved_on = GuidelineVersion.objects.filter(
        guideline=OuterRef("version__guideline_version__guideline"),
        state=VersionState.PUBLISHED,
        major__gt=OuterRef("version__guideline_version__major"),
    )
    standing = (
        Standing.objects.filter(
            ~Exists(moved_on), judge__project=project_id, valid_until__gt=timezone.now()
        )
        .select_related("version")
        .order_by("is_suspended", "-since")
        .first()
    )
    if standing is not None:
        words = "suspended" if standing.is_suspended else "approved"
        return str(standing.version), words, not standing.is_suspended
    newest = JudgeVersion.objects.filter(judge__project=project_id).order_by("-pk").first()
    if newest is None:
        return NOTHING, "write the first version", False
    return str(newest), _what_next(newest), False


def _what_next(version: JudgeVersion) -> str:
    asked = ApprovalRequest.objects.filter(
        version=version, state__in=[RequestState.JUDGING, RequestState.MEASURED]
    )
    if asked.exists():
        return "asks for approval"
    states = set(version.runs.values_list("state", flat=True))
    if states & {RunState.PLANNED, RunState.RUNNING}:
        return "is judging"
    return "ask for approval" if RunState.DONE in states else "run it"
