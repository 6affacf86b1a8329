"""The editor of a judge version: its levers, its prompt as it is sent, the playground, and what
Improve proposes from the differences with people."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import Role
from annotation.models import GuidelineVersion, Item
from core.errors import DomainError, Invalid, NotHere
from core.http import go, page, posted
from judges import access, queries
from judges.forms.editor import ExamplesForm, chosen_in_post, ids_in
from judges.forms.refusals import add_refusal, status_of
from judges.forms.versions import PreviewItemForm, VersionForm, offered_models, version_initial
from judges.models import Judge, JudgeVersion
from judges.queries import people
from judges.rules import improving, templates
from judges.rules.spec import VersionSpec
from judges.services import examples, playground, previews, versions
from judges.services.examples import Chosen
from judges.services.playground import Tried
from judges.services.versions import Choices
from judges.states import VersionKind
from judges.views import profiles

PAGE = ("GET", "HEAD", "POST")
STEP = {"current_step": "judge"}


@dataclass(slots=True)
class _Sheet:
    """What stands in the editor: its form, the chosen examples, and the version that they make.

    `built` is None while the form or the examples have to be mended; `lost` counts examples of the
    version that it starts from which cannot be used any more.
    """

    form: VersionForm
    chosen: list[Chosen]
    guideline_version: GuidelineVersion | None
    choices: Choices | None = None
    built: VersionSpec | None = None
    lost: int = 0
    base: JudgeVersion | None = None
    rules: list[str] = field(default_factory=list)


@door(Role.LEAD)
@require_http_methods(PAGE)
def version_new(request: MemberRequest, judge_id: int) -> HttpResponse:
    """The editor: it starts from a version or from what Improve proposes, and shows what will be
    sent. Only `act=save` saves; the other acts show the same form again."""
    judge = access.judge_of(request.project, judge_id)
    is_save = request.POST.get("act", "save") == "save"
    if request.method == "POST":
        sheet = _posted_sheet(request, judge, is_kept=is_save)
    else:
        sheet = _fresh(request, judge)
    if is_save and sheet.choices is not None and sheet.guideline_version is not None:
        try:
            saved = versions.save_version(
                judge=judge,
                guideline_version=sheet.guideline_version,
                choices=sheet.choices,
                author=request.user,
                note=sheet.form.cleaned_data["note"],
            )
        except DomainError as refusal:
            add_refusal(sheet.form, refusal)
        else:
            if not saved.is_new:
                messages.info(request, f"Nothing differs from {saved.version}: here it is.")
            return go(request, "version", request.project.slug, saved.version.pk)
    return page(
        request,
        "judges/version_new.html",
        _context(request, judge, sheet),
        status=status_of(sheet.form) if is_save else 200,
    )


@door(Role.LEAD)
@require_POST
def preview(request: MemberRequest, judge_id: int) -> HttpResponse:
    """The prompt of the form as it stands, on a development item."""
    judge = access.judge_of(request.project, judge_id)
    sheet = _posted_sheet(request, judge)
    context = {"judge": judge, "form": sheet.form, **_preview(request, judge, sheet)}
    return page(request, "judges/_preview.html", context)


@door(Role.LEAD)
@require_POST
def ask(request: MemberRequest, judge_id: int) -> HttpResponse:
    """The playground: one real call with the form as it stands, saved or not."""
    judge = access.judge_of(request.project, judge_id)
    sheet = _posted_sheet(request, judge, is_kept=True)
    tried = _try(request, judge, sheet)
    context = {**_context(request, judge, sheet), "tried": tried}
    return page(
        request,
        "judges/version_new.html",
        context,
        fragment="judges/_playground.html",
        status=status_of(sheet.form),
    )


@door(Role.LEAD)
@require_safe
def improve(request: MemberRequest, version_id: int) -> HttpResponse:
    """What the newest run of a version got wrong on development items, and what to try."""
    version = access.version_of(request.project, version_id)
    run = people.newest_compared_run(version)
    cases = people.compared(run, user_id=request.user.pk) if run is not None else []
    proposed = improving.examples(cases)
    labelled = people.labelled(
        version.guideline_version,
        [case.item_id for case in proposed],
        project_id=request.project.pk,
        user_id=request.user.pk,
    )
    by_item = {case.item_id: case for case in proposed}
    context = {
        **STEP,
        "version": version,
        "judge": version.judge,
        "run": run,
        "compared": len(cases),
        "misses": sum(case.is_miss for case in cases),
        "patterns": improving.patterns(cases),
        "examples": [(by_item[one.item.pk], one) for one in labelled],
        "is_prompt": version.kind == VersionKind.PROMPT,
    }
    return page(request, "judges/version_improve.html", context)


# What stands in the editor ------------------------------------------------------------------------


def _fresh(request: MemberRequest, judge: Judge) -> _Sheet:
    """A form that starts from a version, with the rules and examples that were ticked."""
    base = _base(request, judge)
    start = versions.spec_of(base) if base is not None else _start(judge)
    rules = _ticked_rules(request, base)
    start = dataclasses.replace(
        start, system_template=improving.with_rules(start.system_template, rules)
    )
    form = VersionForm(judge, None, initial=version_initial(start))
    guideline_version = form.fields["guideline_version"].queryset.first()  # type: ignore[attr-defined]
    stored, lost = examples.chosen_in(start, project_id=request.project.pk)
    known = {pk for pk, _ in stored}
    added = [(pk, "") for pk in ids_in(request.GET, "example") if pk not in known]
    sheet = _Sheet(form, stored + added, guideline_version, lost=lost, base=base, rules=rules)
    _keep_usable(request, sheet)
    if guideline_version is not None:
        sheet.built = _as_built(request, sheet, start)
    return sheet


def _posted_sheet(request: MemberRequest, judge: Judge, *, is_kept: bool = False) -> _Sheet:
    """What was sent, with one more example where one was asked for. For what is kept the model's
    own server says what it can; a preview does not wait for the network."""
    form = VersionForm(judge, posted(request))
    is_valid = form.is_valid()
    guideline_version = form.cleaned_data.get("guideline_version")
    sheet = _Sheet(form, chosen_in_post(request.POST), guideline_version)
    if request.POST.get("act") == "add":
        known = {pk for pk, _ in sheet.chosen}
        sheet.chosen += [(pk, "") for pk in ids_in(request.POST, "add_example") if pk not in known]
        _keep_usable(request, sheet)
    if is_valid and guideline_version is not None:
        try:
            found = profiles.told(request, form.asked()) if is_kept else None
            sheet.choices = dataclasses.replace(
                form.choices(found), examples=_examples(request, sheet, guideline_version)
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            sheet.built = versions.prompt_spec(
                guideline_version=guideline_version, choices=sheet.choices
            )
    return sheet


def _examples(request: MemberRequest, sheet: _Sheet, version: GuidelineVersion) -> Any:
    return examples.build(
        version=version,
        project_id=request.project.pk,
        user_id=request.user.pk,
        chosen=sheet.chosen,
    )


def _as_built(request: MemberRequest, sheet: _Sheet, start: VersionSpec) -> VersionSpec | None:
    """The version that the form starts from, with the examples that may be shown to this person."""
    assert sheet.guideline_version is not None
    try:
        shown = _examples(request, sheet, sheet.guideline_version)
    except Invalid:
        return None
    return dataclasses.replace(start, examples=shown)


def _keep_usable(request: MemberRequest, sheet: _Sheet) -> None:
    """Take out what may not be an example, and give those without a why what people wrote."""
    if sheet.guideline_version is None:
        return
    chosen = sheet.chosen[: examples.MOST_EXAMPLES]
    found = {one.item.pk: one for one in _labelled(request, sheet.guideline_version, chosen)}
    sheet.lost += len([pk for pk, _ in sheet.chosen if pk not in found])
    sheet.chosen = [(pk, why or found[pk].rationale) for pk, why in chosen if pk in found]


def _labelled(
    request: MemberRequest, version: GuidelineVersion, chosen: list[Chosen]
) -> list[people.Labelled]:
    return people.labelled(
        version,
        [pk for pk, _ in chosen],
        project_id=request.project.pk,
        user_id=request.user.pk,
    )


def _base(request: MemberRequest, judge: Judge) -> JudgeVersion | None:
    """The version that the address names, if any."""
    named = ids_in(request.GET, "base")
    if not named:
        return None
    base = access.version_of(request.project, named[0])
    if base.judge_id != judge.pk or base.kind != VersionKind.PROMPT:
        raise NotHere("This judge has no such version to start from.")
    return base


def _ticked_rules(request: MemberRequest, base: JudgeVersion | None) -> list[str]:
    """The sentences of the rules that were ticked, counted anew."""
    wanted = set(request.GET.getlist("rule")[:20])
    run = people.newest_compared_run(base) if base is not None and wanted else None
    if run is None:
        return []
    found = improving.patterns(people.compared(run, user_id=request.user.pk))
    return [pattern.rule for pattern in found if pattern.key in wanted]


def _start(judge: Judge) -> VersionSpec:
    return versions.starting_point(judge, model=offered_models()[0])


# What the page shows ------------------------------------------------------------------------------


def _context(request: MemberRequest, judge: Judge, sheet: _Sheet) -> dict[str, Any]:
    return {
        **STEP,
        "judge": judge,
        "form": sheet.form,
        "models": offered_models(),
        "examples": _examples_form(request, sheet),
        "lost": sheet.lost,
        "base": sheet.base,
        "rules": sheet.rules,
        **_preview(request, judge, sheet),
        **profiles.known(sheet.form, _start(judge)),
    }


def _examples_form(request: MemberRequest, sheet: _Sheet) -> ExamplesForm:
    version = sheet.guideline_version
    if version is None:
        return ExamplesForm([], {}, [])
    offered = people.offered(version, project_id=request.project.pk, user_id=request.user.pk)
    shown = _labelled(request, version, sheet.chosen[: examples.MOST_EXAMPLES])
    return ExamplesForm(shown, dict(sheet.chosen), offered)


def _preview(request: MemberRequest, judge: Judge, sheet: _Sheet) -> dict[str, Any]:
    """The prompt that the form makes, on the chosen development item, or why there is none."""
    items, chosen, item = _item(request, judge)
    shown = None
    estimate = None
    if sheet.built is not None:
        shown = previews.of_spec(judge, sheet.built, item=item)
        if shown.request is not None:
            estimate = playground.estimate(
                request.project, sheet.built, shown.request, at=timezone.now()
            )
    return {
        "preview": shown,
        "problems": _problems(sheet),
        "estimate": estimate,
        "item_form": chosen if items else None,
    }


def _item(request: MemberRequest, judge: Judge) -> tuple[list[Item], PreviewItemForm, Item | None]:
    """The development items to choose from, and the chosen one: the first while none is."""
    items = queries.development_items(
        request.project, is_pairwise=judge.guideline.form == "pairwise"
    )
    chosen = PreviewItemForm(items, request.POST or None)
    item = chosen.cleaned_data.get("item") if chosen.is_bound and chosen.is_valid() else None
    return items, chosen, item or (items[0] if items else None)


def _problems(sheet: _Sheet) -> list[tuple[str, str]]:
    """What has to be mended, each with the name of its field; the lint's words go to theirs."""
    if sheet.built is None:
        named = sheet.form.errors.items() if sheet.form.is_bound else ()
        return [(_label(sheet.form, name), str(text)) for name, texts in named for text in texts]
    found = templates.findings(sheet.built)
    return [(_label(sheet.form, name), sentence) for name, sentence in found]


def _label(form: VersionForm, name: str) -> str:
    return str(form.fields[name].label) if name in form.fields else ""


# The playground -----------------------------------------------------------------------------------


def _try(request: MemberRequest, judge: Judge, sheet: _Sheet) -> Tried | None:
    """Ask once, or put the refusal at the field that it is about."""
    _, _, item = _item(request, judge)
    if sheet.choices is None or sheet.guideline_version is None:
        return None
    if item is None:
        sheet.form.add_error(None, "There is no development item of the right kind to ask about.")
        return None
    try:
        return playground.ask(
            judge=judge,
            guideline_version=sheet.guideline_version,
            choices=sheet.choices,
            item=item,
            author=request.user,
        )
    except DomainError as refusal:
        add_refusal(sheet.form, refusal)
        return None
