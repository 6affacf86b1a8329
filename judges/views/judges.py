"""Judges and their versions: the list, the editor with its preview, each version as it stands."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF, Role
from core.errors import DomainError
from core.http import go, page, posted
from judges import access, queries
from judges.forms.editor import TwoVersionsForm
from judges.forms.refusals import add_refusal, status_of
from judges.forms.verdicts import VerdictsForm
from judges.forms.versions import JudgeForm
from judges.queries import people
from judges.rules import capabilities, checklists, templates
from judges.services import verdicts_import, versions
from judges.views.differences import shown_differences

PAGE = ("GET", "HEAD", "POST")
STEP = {"current_step": "judge"}


@door(*STAFF)
@require_safe
def index(request: MemberRequest) -> HttpResponse:
    """Every judge with its versions, and the runs that are not over."""
    context = {
        **STEP,
        "judges": queries.judges_of(request.project),
        "runs": queries.open_runs(request.project, now=timezone.now()),
    }
    return page(request, "judges/judges.html", context)


@door(*STAFF)
@require_safe
def judge(request: MemberRequest, judge_id: int) -> HttpResponse:
    """One judge: its versions, newest first."""
    found = access.judge_of(request.project, judge_id)
    saved = queries.saved_versions(found)
    context = {
        **STEP,
        "judge": found,
        "lines": queries.lines_of(found),
        "two": TwoVersionsForm(saved, initial={"before": saved[1].pk, "after": saved[0].pk})
        if len(saved) > 1
        else None,
    }
    return page(request, "judges/judge.html", context)


@door(Role.LEAD)
@require_http_methods(PAGE)
def new(request: MemberRequest) -> HttpResponse:
    """Name a judge, choose its guideline, and go on to its first version."""
    form = JudgeForm(request.project, posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            made = versions.create_judge(
                project=request.project,
                name=form.cleaned_data["name"],
                guideline=form.cleaned_data["guideline"],
                actor=request.user.actor,
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            return go(request, "version_new", request.project.slug, made.pk)
    return page(request, "judges/judge_new.html", {**STEP, "form": form}, status=status_of(form))


@door(*STAFF)
@require_safe
def version(request: MemberRequest, version_id: int) -> HttpResponse:
    """One version: what it is made of, what changed, its runs."""
    found = access.version_of(request.project, version_id, with_drafts=True)
    former = queries.former_version(found)
    spec = versions.spec_of(found)
    compared = people.newest_compared_run(found)
    context = {
        **STEP,
        "version": found,
        "judge": found.judge,
        "spec": spec,
        "shows_reference": templates.shows_reference(spec),
        "mappings": [(one, checklists.spoken(one)) for one in spec.checklists],
        "compared_run": compared,
        "others": [one for one in queries.saved_versions(found.judge) if one != found],
        "former": former,
        "differences": shown_differences(request, former, found) if former else (),
        "runs": queries.runs_of(found),
        "line": queries.line_of(found),
        "profile": capabilities.shown(versions.spec_of(found).capabilities),
        "artefact": queries.artefact_of(found),
    }
    return page(request, "judges/version.html", context)


@door(Role.LEAD)
@require_http_methods(PAGE)
def verdicts(request: MemberRequest) -> HttpResponse:
    """Verdicts that a judge gave elsewhere."""
    form = VerdictsForm(request.project, posted(request), request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            done = _import(request, form)
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            said = f"{done.verdicts} verdicts on {done.items} items."
            messages.success(request, said if done.is_new else "These were imported before.")
            return go(request, "version", request.project.slug, done.run.version_id)
    context = {**STEP, "form": form, "judges": queries.judge_names(request.project)}
    return page(request, "judges/verdicts_import.html", context, status=status_of(form))


def _import(request: MemberRequest, form: VerdictsForm) -> verdicts_import.VerdictImport:
    data = form.cleaned_data
    return verdicts_import.import_verdicts(
        project=request.project,
        judge_name=data["judge"],
        dataset=data["dataset"],
        source=data["file"].file,
        name=data["file"].name,
        columns=form.columns(),
        values=form.codes(),
        guideline_name=data["guideline"].name if data["guideline"] else "",
        author=request.user,
        actor=request.user.actor,
        now=timezone.now(),
    )
