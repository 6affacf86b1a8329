"""Reports of runs on open data and development parts: every figure, and what the gate would say."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF, Role
from annotation.states import RoundKind
from calibration import access
from calibration.models import CalibrationReport
from calibration.queries import approvals, pictures, reports
from calibration.queries.pictures import DimensionView
from calibration.services import reports as services
from core import charts
from core.errors import NotHere
from core.http import go, page
from core.models import Job, JobState
from judges import access as judges_access
from judges.models import JudgeVersion, Run
from judges.queries import policies
from judges.states import RunState

STEP = {"current_step": "judge"}
SOURCE_WORDS: dict[str, str] = {
    RoundKind.STANDARD: "collected here, blind",
    RoundKind.IMPORTED: "imported, nobody knows who saw them",
}


@door(*STAFF)
@require_safe
def of_run(request: MemberRequest, run_id: int) -> HttpResponse:
    """The newest report of a run; while it is being made the page asks again."""
    run = access.run_of(request.project, run_id)
    job = reports.last_job(run)
    context = {**STEP, **_shown(run, job), "run": run, "version": run.version}
    return page(
        request, "calibration/run_report.html", context, fragment="calibration/_run_report.html"
    )


@door(Role.LEAD, Role.ADMIN)
@require_POST
def make(request: MemberRequest, run_id: int) -> HttpResponse:
    """Have the report made (anew): labels may have come since."""
    run = access.run_of(request.project, run_id)
    services.ask(run=run, actor=request.user.actor)
    messages.success(request, "The report is being made.")
    return go(request, "run_report", request.project.slug, run.pk)


@door(*STAFF)
@require_safe
def newest(request: MemberRequest, version_id: int) -> HttpResponse:
    """The report of a version's newest finished run."""
    version = judges_access.version_of(request.project, version_id)
    run = reports.newest_reported_run(version)
    if run is None:
        raise NotHere("No run of this version over a development part has ended yet.")
    return redirect("run_report", request.project.slug, run.pk)


@door(*STAFF)
@require_safe
def of_version(request: MemberRequest, version_id: int) -> HttpResponse:
    """One version's alignment for the list of judges: a fragment, from a report already made."""
    version = judges_access.version_of(request.project, version_id)
    run = reports.newest_reported_run(version)
    report = reports.newest_report(run) if run is not None else None
    views = _views(version, report) if report is not None else []
    state = approvals.state_of(version, now=timezone.now())
    context = {
        "version": version,
        "run": run,
        "views": views,
        "is_axis": "axis" in request.GET,
        "scale": charts.Scale(
            0.5,
            1.0,
            target=policies.current(request.project.pk).gate.target,
            ceiling=_ceiling(views),
        ),
        "asked": state.asked,
        "standing_until": state.standing_until,
        "may_ask": Role.LEAD in request.membership.roles and state.may_be_asked,
    }
    return page(request, "calibration/_version_alignment.html", context)


def _views(version: JudgeVersion, report: CalibrationReport) -> list[DimensionView]:
    content = report.content
    return pictures.views_of(version, content["dimensions"], probes=content.get("probes"))


def _ceiling(views: list[DimensionView]) -> float | None:
    """People's line is drawn where there is one dimension; several have one each."""
    return views[0].people.value if len(views) == 1 else None


def _shown(run: Run, job: Job | None) -> dict[str, Any]:
    report = reports.newest_report(run)
    is_made = job is not None and job.state in (JobState.WAITING, JobState.RUNNING)
    shown: dict[str, Any] = {
        "report": report,
        "is_being_made": is_made,
        "problem": job.problem if job is not None and job.state == JobState.FAILED else "",
        "is_over": run.state == RunState.DONE and run.combined_at is not None,
        "has_labels": reports.has_human_labels(run),
        "fingerprint": reports.short_fingerprint(run.version),
    }
    if report is not None:
        shown["views"] = _views(run.version, report)
        shown["cost"] = report.content["cost"]
        shown["sources"] = [
            f"{SOURCE_WORDS[kind]}: {n:,} ratings"
            for kind, n in report.content.get("sources", {}).items()
        ]
    return shown
