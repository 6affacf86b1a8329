"""Guidelines: the list, the editor with its preview, publishing, and each version as it stands."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF, Role
from annotation import access
from annotation.forms.guidelineeditor import Editor, dimension_row, example_row, reshaped
from annotation.forms.guidelines import GuidelineNewForm, PublishForm
from annotation.forms.lists import GuidelinesFilter
from annotation.forms.refusals import add_refusal, status_of
from annotation.models import GuidelineVersion
from annotation.queries import affected
from annotation.queries import guidelines as queries
from annotation.rules.rubric import meaning_changes
from annotation.services import guidelines as services
from annotation.states import GuidelineForm, VersionState
from core import filters
from core.errors import DomainError
from core.http import go, page, posted

PAGE = ("GET", "HEAD", "POST")
STEP = {"current_step": "guideline"}
PAGE_GUIDELINES = 25


@door(*STAFF)
@require_safe
def index(request: MemberRequest) -> HttpResponse:
    """The guidelines of the project, a page at a time."""
    form = GuidelinesFilter(request.GET)
    found = queries.found(
        project_id=request.project.pk, text=form.asked("q"), state=form.asked("state")
    )
    listed = filters.paged(found, request.GET.get("page"), size=PAGE_GUIDELINES)
    cards = queries.cards(listed.object_list)
    context = {**STEP, "form": form, "page_obj": listed, "cards": cards}
    return page(request, "annotation/guidelines.html", context)


@door(Role.LEAD)
@require_http_methods(PAGE)
def new(request: MemberRequest) -> HttpResponse:
    """Name it, choose what to start from, and go on in the editor."""
    form = GuidelineNewForm(posted(request), source=_to_copy(request))
    if request.method == "POST" and form.is_valid():
        start = form.writing()
        try:
            draft = services.create(
                project=request.project,
                name=form.cleaned_data["name"],
                form=form.chosen_form(),
                dimensions=start.dimensions,
                text=start.text,
                examples=start.examples,
                by=request.user,
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            return go(request, "guideline_edit", request.project.slug, draft.guideline_id)
    context = {**STEP, "form": form}
    return page(request, "annotation/guideline_new.html", context, status=status_of(form))


def _to_copy(request: MemberRequest) -> GuidelineVersion | None:
    """The version of this project that `copy` in the address names."""
    number = request.GET.get("copy", "")
    if not number:
        return None
    is_number = number.isascii() and number.isdecimal() and len(number) < 19
    return access.guideline_version_of(request.project, int(number) if is_number else 0)


@door(*STAFF)
@require_safe
def history(request: MemberRequest, guideline_id: int) -> HttpResponse:
    """The versions of one guideline, newest first."""
    guideline = access.guideline_of(request.project, guideline_id)
    context = {**STEP, "history": queries.history(guideline), "guideline": guideline}
    return page(request, "annotation/guideline.html", context)


@door(*STAFF)
@require_safe
def version(request: MemberRequest, version_id: int) -> HttpResponse:
    """One version: text, examples, and the rubric as raters see it."""
    found = access.guideline_version_of(request.project, version_id)
    context = {
        **STEP,
        "version": found,
        "guideline": found.guideline,
        "specs": queries.specs_of(found),
        "has_others": queries.has_others(found),
        "affected": affected.affected(found.guideline, before=found.major)
        if found.state == VersionState.PUBLISHED and found.major > 1
        else None,
    }
    return page(request, "annotation/guideline_version.html", context)


@door(Role.LEAD)
@require_POST
def draft(request: MemberRequest, guideline_id: int) -> HttpResponse:
    """Start a new draft from the published version."""
    guideline = access.guideline_of(request.project, guideline_id)
    services.new_draft(guideline=guideline, by=request.user)
    return go(request, "guideline_edit", request.project.slug, guideline.pk)


@door(Role.LEAD)
@require_http_methods(PAGE)
def edit(request: MemberRequest, guideline_id: int) -> HttpResponse:
    """The editor. Buttons inside it add, remove and move rows without saving anything."""
    found = access.draft_of(request.project, guideline_id)
    if request.method != "POST":
        return _editor(request, found, _stored(found))
    form = GuidelineForm(found.guideline.form)
    act = request.POST.get("act", "save")
    if act.endswith(("_example", "_dimension")) or ":" in act:
        return _editor(request, found, reshaped(request.POST, act, form=form))
    editor = Editor(form=form, data=request.POST)
    is_valid = editor.is_valid()
    if act == "preview" or not is_valid:
        return _editor(request, found, editor, status=200 if is_valid else 422)
    services.save_draft(
        version_id=found.pk,
        text=editor.text(),
        examples=editor.worked_examples(),
        dimensions=editor.specs(),
        by=request.user,
    )
    if act == "publish":
        return go(request, "guideline_publish", request.project.slug, guideline_id)
    messages.success(request, "The draft is saved.")
    return go(request, "guideline_edit", request.project.slug, guideline_id)


@door(Role.LEAD)
@require_POST
def preview(request: MemberRequest, guideline_id: int) -> HttpResponse:
    """What raters would see of the text and the rubric as they stand in the form."""
    found = access.draft_of(request.project, guideline_id)
    editor = Editor(form=GuidelineForm(found.guideline.form), data=request.POST)
    context = {"guideline": found.guideline, "shown": editor.shown()}
    return page(request, "annotation/_guideline_preview.html", context)


@door(Role.LEAD)
@require_http_methods(PAGE)
def publish(request: MemberRequest, guideline_id: int) -> HttpResponse:
    """Asks once what the change means, then puts the draft in force."""
    found = access.draft_of(request.project, guideline_id)
    former = queries.published_of(found.guideline)
    form = PublishForm(posted(request), initial={"what_changed": found.what_changed})
    if former is None:
        form.fields.clear()
    if request.method == "POST" and form.is_valid():
        try:
            published = services.publish(
                version_id=found.pk,
                is_major=former is not None and form.is_major(),
                what_changed=form.cleaned_data.get("what_changed"),
                by=request.user,
                now=timezone.now(),
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, f"Version {published.number} is in force.")
            return go(request, "guideline", request.project.slug, guideline_id)
    specs = queries.specs_of(found)
    context = {
        **STEP,
        "form": form,
        "draft": found,
        "guideline": found.guideline,
        "former": former,
        "changes": meaning_changes(queries.specs_of(former), specs) if former else [],
        "rounds": queries.rounds_being_rated(found.guideline),
        "affected": affected.affected(found.guideline, before=former.major + 1) if former else None,
    }
    return page(request, "annotation/guideline_publish.html", context, status=status_of(form))


@door(Role.LEAD)
@require_http_methods(PAGE)
def discard(request: MemberRequest, guideline_id: int) -> HttpResponse:
    """Asks once, then throws the draft away."""
    found = access.draft_of(request.project, guideline_id)
    if request.method == "POST":
        services.discard_draft(version_id=found.pk, by=request.user)
        messages.success(request, "The draft is gone.")
        return go(request, "guidelines", request.project.slug)
    context = {
        **STEP,
        "draft": found,
        "guideline": found.guideline,
        "former": queries.newest_of(found.guideline),
    }
    return page(request, "annotation/guideline_discard.html", context)


def _stored(found: GuidelineVersion) -> Editor:
    return Editor(
        form=GuidelineForm(found.guideline.form),
        text=found.text,
        examples=[example_row(example) for example in found.examples],
        dimensions=[dimension_row(spec) for spec in queries.specs_of(found)],
    )


def _editor(
    request: MemberRequest, found: GuidelineVersion, editor: Editor, *, status: int = 200
) -> HttpResponse:
    context = {
        **STEP,
        "version": found,
        "guideline": found.guideline,
        "editor": editor,
        "shown": editor.shown(),
    }
    return page(
        request,
        "annotation/guideline_edit.html",
        context,
        fragment="annotation/_guideline_editor.html",
        status=status,
    )
