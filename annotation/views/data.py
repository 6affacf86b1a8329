"""Datasets: the list, one dataset with its composition and items, and what is imported into it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.views.decorators.http import require_http_methods, require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF, Role
from annotation import access
from annotation.forms.datasets import DatasetForm
from annotation.forms.imports import UploadForm, item_form, label_form
from annotation.forms.lists import DatasetsFilter, ImportsFilter, ItemFilterForm
from annotation.forms.refusals import add_refusal, status_of
from annotation.models import Dataset, Upload
from annotation.queries import changes, sight
from annotation.queries import datasets as queries
from annotation.queries import gold as gold_queries
from annotation.queries import imports as import_queries
from annotation.queries import items as item_queries
from annotation.rules.shapes import AUTO, PLAIN
from annotation.services import datasets, uploads
from core import filters
from core.errors import DomainError
from core.http import go, page
from core.models import Job, JobState

PAGE = ("GET", "HEAD", "POST")
STEP = {"current_step": "data"}
PAGE_DATASETS = 25
PAGE_IMPORTS = 50


@door(*STAFF)
@require_safe
def index(request: MemberRequest) -> HttpResponse:
    """The datasets of the project, newest first, a page at a time."""
    form = DatasetsFilter(request.GET)
    project_id = request.project.pk
    found = queries.found(project_id=project_id, text=form.asked("q"))
    listed = filters.paged(found, request.GET.get("page"), size=PAGE_DATASETS)
    cards = queries.cards(listed.object_list, project_id=project_id)
    context = {**STEP, "form": form, "page_obj": listed, "cards": cards}
    return page(request, "annotation/datasets.html", context)


@door(Role.LEAD)
@require_http_methods(PAGE)
def new(request: MemberRequest) -> HttpResponse:
    """Name it and say whether a part is sealed; that cannot be changed later."""
    form = DatasetForm(_sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            made = datasets.create(
                project=request.project,
                name=form.cleaned_data["name"],
                share=form.share(),
                provenance=form.chosen_provenance(),
                actor=request.user.actor,
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            return go(request, "import_items", request.project.slug, made.pk)
    context = {**STEP, "form": form}
    return page(request, "annotation/dataset_new.html", context, status=status_of(form))


@door(*STAFF)
@require_safe
def dataset(request: MemberRequest, dataset_id: int) -> HttpResponse:
    """What is in a dataset, and what is missing."""
    found = access.dataset_of(request.project, dataset_id)
    form = ItemFilterForm(request.GET)
    reader = {"project_id": request.project.pk, "user_id": request.user.pk}
    items = item_queries.items_page(
        dataset=found,
        wanted=form.wanted(),
        number=request.GET.get("page"),
        is_barred=sight.is_barred(**reader),
    )
    context = {
        **STEP,
        "dataset": found,
        "sealed_set": queries.sealed_set_of(found),
        "takes_labels": not uploads.why_closed(dataset=found, is_labels=True),
        "parts": queries.parts_of(found),
        "composition": queries.composition_of(found, source=request.GET.get("of")),
        "form": form,
        "wanted": form.wanted(),
        "page_obj": items,
        "rows": sight.titled(items.object_list, **reader),
        "imports": import_queries.imports_of(found),
    }
    return page(request, "annotation/dataset.html", context, fragment="annotation/_items.html")


@door(*STAFF)
@require_safe
def item(request: MemberRequest, item_id: int) -> HttpResponse:
    """One item as leads see it."""
    found = access.item_of(request.project, item_id)
    seen = sight.sight_on([found.pk], project_id=request.project.pk, user_id=request.user.pk)
    is_read = seen.shows_texts(found.pk)
    context = {
        **STEP,
        "item": found,
        "title": seen.title_of(found),
        "is_closed_to": not is_read,
        "dataset": found.dataset,
        "body": found.content.body if found.content and is_read else {},
        "responses": item_queries.responses_of(found) if is_read else [],
        "labels": item_queries.labels_of(found, user_id=request.user.pk),
        "siblings": item_queries.siblings_of(found),
        "extra": item_queries.extra_of(found) if is_read else [],
        "is_gold": gold_queries.is_gold(found),
        "running": changes.running_rounds_of(found) if _leads(request) else [],
    }
    return page(request, "annotation/item.html", context)


@door(Role.LEAD)
@require_http_methods(PAGE)
def import_items(request: MemberRequest, dataset_id: int) -> HttpResponse:
    """Bring a file of items."""
    found = access.dataset_of(request.project, dataset_id)
    return _upload(request, found, kind="items", following="import_map")


@door(Role.LEAD)
@require_http_methods(PAGE)
def import_labels(request: MemberRequest, dataset_id: int) -> HttpResponse:
    """Bring a table of labels that people gave elsewhere."""
    found = access.dataset_of(request.project, dataset_id)
    return _upload(request, found, kind="labels", following="import_labels_map")


def _upload(request: MemberRequest, found: Dataset, *, kind: str, following: str) -> HttpResponse:
    is_sent = request.method == "POST"
    form = UploadForm(request.POST, request.FILES) if is_sent else UploadForm()
    if is_sent and form.is_valid():
        try:
            kept = uploads.store(
                dataset=found,
                file=form.cleaned_data["file"],
                is_labels=kind == "labels",
                actor=request.user.actor,
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            return go(request, following, request.project.slug, found.pk, kept.pk)
    context = {
        **STEP,
        "form": form,
        "dataset": found,
        "kind": kind,
        "limit": uploads.limit_in_words(),
        "closed_because": uploads.why_closed(dataset=found, is_labels=kind == "labels"),
    }
    return page(request, "annotation/import_upload.html", context, status=status_of(form))


@door(Role.LEAD)
@require_http_methods(PAGE)
def import_map(request: MemberRequest, dataset_id: int, upload_id: int) -> HttpResponse:
    """Say which column is which field of an item, and start."""
    found = access.dataset_of(request.project, dataset_id)
    kept = access.upload_of(request.project, upload_id)
    plan = _earlier_plan(request, kept)
    shape = _wanted_shape(request, plan)
    try:
        preview = uploads.preview(kept, aim="items", shape=shape)
    except DomainError as refusal:
        return _choose_again(request, refusal, "import_items", found)
    form = item_form(_sent(request), preview=preview, plan=plan)
    if request.method == "POST" and form.is_valid():
        try:
            job = uploads.start_items(
                dataset=found,
                upload=kept,
                columns=form.columns(),
                skip_bad=form.skip_bad(),
                personal=form.cleaned_data["personal"],
                region=form.cleaned_data["region"],
                shape=shape,
                actor=request.user.actor,
            )
        except DomainError as refusal:
            form.add_mapping_refusal(refusal)
        else:
            return go(request, "import_job", request.project.slug, job.pk)
    context = {**STEP, "form": form, "dataset": found, "upload": kept, "preview": preview}
    return page(request, "annotation/import_map.html", context, status=status_of(form))


@door(Role.LEAD)
@require_http_methods(PAGE)
def import_labels_map(request: MemberRequest, dataset_id: int, upload_id: int) -> HttpResponse:
    """Say which column is whose label, and start."""
    found = access.dataset_of(request.project, dataset_id)
    kept = access.upload_of(request.project, upload_id)
    plan = _earlier_plan(request, kept)
    shape = _wanted_shape(request, plan)
    try:
        preview = uploads.preview(kept, aim="labels", shape=shape)
    except DomainError as refusal:
        return _choose_again(request, refusal, "import_labels", found)
    form = label_form(
        _sent(request),
        preview=preview,
        plan=plan,
        guidelines=import_queries.published_guidelines(project_id=request.project.pk),
    )
    if request.method == "POST" and form.is_valid():
        try:
            job = uploads.start_labels(
                dataset=found,
                upload=kept,
                columns=form.columns(),
                values=form.value_codes(),
                wide=form.wide_columns(),
                guideline_name=form.guideline_name(),
                shape=shape,
                actor=request.user.actor,
            )
        except DomainError as refusal:
            form.add_mapping_refusal(refusal)
        else:
            return go(request, "import_job", request.project.slug, job.pk)
    context = {**STEP, "form": form, "dataset": found, "upload": kept, "preview": preview}
    return page(request, "annotation/import_labels_map.html", context, status=status_of(form))


@door(*STAFF)
@require_safe
def imports(request: MemberRequest) -> HttpResponse:
    """What was brought into the project's datasets, newest first, a page at a time."""
    form = ImportsFilter(request.GET)
    found = import_queries.imports_in(
        project_id=request.project.pk,
        text=form.asked("q"),
        what=form.asked("what"),
        state=form.asked("state"),
    )
    listed = filters.paged(found, request.GET.get("page"), size=PAGE_IMPORTS)
    context = {
        **STEP,
        "form": form,
        "page_obj": listed,
        "imports": listed.object_list,
        "most": import_queries.MOST_IMPORTS,
    }
    return page(request, "annotation/imports.html", context)


@door(*STAFF)
@require_safe
def import_job(request: MemberRequest, job_id: int) -> HttpResponse:
    """How far an import is, and what came of it."""
    job = access.import_job_of(request.project, job_id)
    found = access.dataset_of(request.project, job.plan["dataset"])
    context = {
        **STEP,
        "job": job,
        "dataset": found,
        "is_labels": job.kind == uploads.LABELS,
        "is_over": job.state in (JobState.DONE, JobState.FAILED),
        # The rows are listed below it, the first of them too.
        "problem": job.problem.partition(" First, ")[0],
        "pace": import_queries.pace_of(job),
        "personal": import_queries.personal_of(job),
        "can_retry": uploads.is_kept(job),
    }
    return page(
        request, "annotation/import_job.html", context, fragment="annotation/_import_job.html"
    )


def _leads(request: MemberRequest) -> bool:
    return Role.LEAD in request.membership.roles


def _sent(request: MemberRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _choose_again(
    request: MemberRequest, refusal: DomainError, back: str, found: Dataset
) -> HttpResponse:
    messages.error(request, refusal.sentence)
    return go(request, back, request.project.slug, found.pk)


def _wanted_shape(request: MemberRequest, plan: dict[str, Any]) -> str:
    """As the address says; the mapping of an earlier try is kept only for the same reading."""
    earlier = str(plan.get("shape", PLAIN)) if plan else AUTO
    wanted = request.GET.get("shape", earlier)
    if wanted != earlier:
        plan.pop("columns", None)
    return wanted


def _earlier_plan(request: MemberRequest, kept: Upload) -> dict[str, Any]:
    """The mapping of the last try with this file, so that it need not be made again."""
    job: Job | None = import_queries.last_try(upload=kept)
    return dict(job.plan) if job is not None else {}
