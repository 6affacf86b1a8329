"""Judges and their versions: the list, the editor with its preview, each version as it stands."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF, Role
from core.errors import DomainError
from core.http import go, page, posted
from judges import access, queries
from judges.forms.refusals import add_refusal, status_of
from judges.forms.verdicts import VerdictsForm
from judges.forms.versions import (
    JudgeForm,
    PreviewItemForm,
    VersionForm,
    offered_models,
    version_initial,
)
from judges.models import Judge
from judges.rules import capabilities
from judges.rules.spec import VersionSpec
from judges.services import previews, verdicts_import, versions
from judges.views import profiles

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
    context = {**STEP, "judge": found, "lines": queries.lines_of(found)}
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


@door(Role.LEAD)
@require_http_methods(PAGE)
def version_new(request: MemberRequest, judge_id: int) -> HttpResponse:
    """The editor: it starts from the newest version, and shows what will be sent."""
    found = access.judge_of(request.project, judge_id)
    form = VersionForm(found, posted(request), initial=version_initial(_start(found)))
    if request.method == "POST" and form.is_valid():
        try:
            saved = versions.save_version(
                judge=found,
                guideline_version=form.cleaned_data["guideline_version"],
                choices=form.choices(profiles.told(request, form.asked())),
                author=request.user,
                note=form.cleaned_data["note"],
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            if not saved.is_new:
                messages.info(request, f"Nothing differs from {saved.version}: here it is.")
            return go(request, "version", request.project.slug, saved.version.pk)
    context = {**STEP, "judge": found, "form": form, "models": offered_models()}
    context |= _preview(request, found, form) | profiles.known(form, _start(found))
    return page(request, "judges/version_new.html", context, status=status_of(form))


@door(Role.LEAD)
@require_POST
def preview(request: MemberRequest, judge_id: int) -> HttpResponse:
    """The prompt of the form as it stands, on a development item."""
    found = access.judge_of(request.project, judge_id)
    form = VersionForm(found, request.POST)
    context = {"judge": found, **_preview(request, found, form)}
    return page(request, "judges/_preview.html", context)


@door(*STAFF)
@require_safe
def version(request: MemberRequest, version_id: int) -> HttpResponse:
    """One version: what it is made of, what changed, its runs."""
    found = access.version_of(request.project, version_id)
    former = queries.former_version(found)
    context = {
        **STEP,
        "version": found,
        "judge": found.judge,
        "spec": versions.spec_of(found),
        "former": former,
        "differences": versions.differences(found, former) if former else (),
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
        now=timezone.now(),
    )


def _preview(request: MemberRequest, judge: Judge, form: VersionForm) -> dict[str, Any]:
    """The prompt that the form makes, on the chosen development item, or why there is none."""
    items = queries.development_items(
        request.project, is_pairwise=judge.guideline.form == "pairwise"
    )
    chosen = PreviewItemForm(items, request.POST or None)
    item = chosen.cleaned_data.get("item") if chosen.is_bound and chosen.is_valid() else None
    shown = item or (items[0] if items else None)
    preview = None
    if not form.is_bound:
        preview = previews.of_spec(judge, _start(judge), item=shown)
    elif form.is_valid():
        built = versions.prompt_spec(
            guideline_version=form.cleaned_data["guideline_version"], choices=form.choices()
        )
        preview = previews.of_spec(judge, built, item=shown)
    return {"preview": preview, "item_form": chosen if items else None}


def _start(judge: Judge) -> VersionSpec:
    return versions.starting_point(judge, model=offered_models()[0])
