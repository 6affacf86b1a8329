"""The doors to rows of this room: each returns the row of this project, or raises."""

from __future__ import annotations

from accounts.models import Project
from annotation.models import Round
from annotation.states import RoundKind
from calibration.models import CalibrationReport
from core.errors import NotHere
from judges.models import ApprovalRequest, Run, Standing
from judges.states import RunPurpose

REPORTED = (RunPurpose.ORDINARY, RunPurpose.IMPORTED)
"""Runs that never touch anything sealed, so that their reports hide nothing."""


def round_of(project: Project, round_id: int) -> Round:
    """A round whose agreement can be shown; a session has a page of its own."""
    found = (
        Round.objects.select_related("guideline_version__guideline", "dataset")
        .filter(project=project, pk=round_id)
        .exclude(kind=RoundKind.SESSION)
        .first()
    )
    if found is None:
        raise NotHere("There is no such round in this project.")
    return found


def run_of(project: Project, run_id: int) -> Run:
    """A run with a report of its own; those of approvals belong to their requests."""
    found = (
        Run.objects.select_related("version__judge", "version__guideline_version", "dataset")
        .filter(project=project, pk=run_id, purpose__in=REPORTED, dataset__isnull=False)
        .first()
    )
    if found is None:
        raise NotHere("There is no such run in this project.")
    return found


def report_of(project: Project, report_id: int) -> CalibrationReport:
    """A report of an open dataset or a development part; sealed ones are read as approvals."""
    found = (
        CalibrationReport.objects.select_related("run__version__judge", "dataset")
        .filter(project=project, pk=report_id, request__isnull=True)
        .first()
    )
    if found is None:
        raise NotHere("There is no such report in this project.")
    return found


def approval_of(project: Project, request_id: int) -> ApprovalRequest:
    found = (
        ApprovalRequest.objects.select_related(
            "project",
            "version__judge",
            "version__guideline_version__guideline",
            "sealed_set__dataset",
            "run",
        )
        .filter(project=project, pk=request_id)
        .first()
    )
    if found is None:
        raise NotHere("There is no such approval request in this project.")
    return found


def standing_of(project: Project, judge_id: int) -> Standing:
    found = (
        Standing.objects.select_related("judge", "version")
        .filter(judge__project=project, judge=judge_id)
        .first()
    )
    if found is None:
        raise NotHere("No approval stands for this judge.")
    return found
