"""Runs: the estimate, live progress, steering, and one page for each call."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF, Role
from core import charts
from core.errors import DomainError
from core.http import go, page, posted, wants_fragment
from judges import access, queries
from judges.forms.refusals import add_refusal, status_of
from judges.forms.runs import BudgetForm, RunForm
from judges.models import JudgeVersion, Run
from judges.queries import Progress
from judges.queries.people import READABLE_RUNS
from judges.rules import budgets
from judges.rules.budgets import PotKind
from judges.rules.pricing import PriceUnknown
from judges.rules.verdicts import Outcome
from judges.services import examples, previews, runs, versions
from judges.services.calls import change_of
from judges.states import RunMode, RunPurpose, RunState

PAGE = ("GET", "HEAD", "POST")
STEP = {"current_step": "judge"}
CALLS_ON_A_PAGE = 25
LIVE = (RunState.PLANNED, RunState.RUNNING)
CLOSED_BECAUSE = {
    RunPurpose.APPROVAL: (
        "This run serves an approval. What the judge said of single items stays closed until the "
        "set is retired; the report has the numbers."
    ),
    RunPurpose.SERVING: (
        "These items came over the API and may be sealed ones. What the judge said of them went "
        "to whoever asked, and is on no page."
    ),
}
LEFT_OF = {PotKind.JUDGE: "Left of the judge's budget", PotKind.MONTH: "Left of the month's budget"}
OUTCOMES = frozenset(outcome.value for outcome in Outcome)


@door(Role.LEAD)
@require_http_methods(PAGE)
def new(request: MemberRequest, version_id: int) -> HttpResponse:
    """What the run will take, then its start."""
    found = access.version_of(request.project, version_id)
    may_batch = runs.may_batch(found)
    form = RunForm(
        request.project, posted(request), may_batch=may_batch, initial=_usual(request, found)
    )
    is_start = request.POST.get("act") == "start"
    if request.method == "POST" and form.is_valid() and is_start:
        try:
            run = runs.plan_run(
                version=found,
                dataset=form.cleaned_data["dataset"],
                budget=form.cleaned_data["budget"],
                concurrency=form.cleaned_data["concurrency"],
                mode=form.cleaned_data["mode"],
                actor=request.user.actor,
                now=timezone.now(),
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            return go(request, "run", request.project.slug, run.pk)
    context = {**STEP, "version": found, "judge": found.judge, "form": form}
    context["may_batch"] = may_batch
    context |= _estimate(request, found, form)
    return page(
        request,
        "judges/run_new.html",
        context,
        fragment="judges/_estimate.html",
        status=status_of(form),
    )


@door(*STAFF)
@require_safe
def detail(request: MemberRequest, run_id: int) -> HttpResponse:
    """How far the run is; while it goes the page asks again every second."""
    run = access.run_of(request.project, run_id)
    if "live" in request.GET and run.state not in LIVE:
        # Whoever watched it to its end gets the whole page, with labels and calls.
        return HttpResponseClientRefresh()
    context = _progress(request, run, BudgetForm(initial={"budget": run.budget}))
    return page(request, "judges/run.html", context, fragment="judges/_run_progress.html")


@door(Role.LEAD)
@require_POST
def pause(request: MemberRequest, run_id: int) -> HttpResponse:
    run = access.run_of(request.project, run_id)
    runs.pause(run=run, actor=request.user.actor)
    return go(request, "run", request.project.slug, run.pk)


@door(Role.LEAD)
@require_POST
def resume(request: MemberRequest, run_id: int) -> HttpResponse:
    run = access.run_of(request.project, run_id)
    runs.resume(run=run, actor=request.user.actor)
    return go(request, "run", request.project.slug, run.pk)


@door(Role.LEAD)
@require_http_methods(PAGE)
def cancel(request: MemberRequest, run_id: int) -> HttpResponse:
    """Asks once, then ends the run."""
    run = access.run_of(request.project, run_id)
    if request.method == "POST":
        runs.cancel(run=run, actor=request.user.actor, now=timezone.now())
        return go(request, "run", request.project.slug, run.pk)
    context = {**STEP, "run": run, "progress": queries.progress(run, now=timezone.now())}
    return page(request, "judges/run_cancel.html", context)


@door(Role.LEAD)
@require_POST
def budget(request: MemberRequest, run_id: int) -> HttpResponse:
    """A new budget; a run that paused for want of money goes on when it is resumed."""
    run = access.run_of(request.project, run_id)
    form = BudgetForm(request.POST)
    if form.is_valid():
        try:
            runs.set_budget(run=run, budget=form.cleaned_data["budget"], actor=request.user.actor)
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            return go(request, "run", request.project.slug, run.pk)
    context = _progress(request, run, form)
    return page(
        request,
        "judges/run.html",
        context,
        fragment="judges/_run_progress.html",
        status=status_of(form),
    )


@door(Role.LEAD)
@require_POST
def retry(request: MemberRequest, run_id: int) -> HttpResponse:
    """Ask again what brought no verdict, and only that."""
    run = access.run_of(request.project, run_id)
    again = runs.retry_failed(run=run, actor=request.user.actor)
    messages.success(request, f"{again} {'call is' if again == 1 else 'calls are'} asked again.")
    return go(request, "run", request.project.slug, run.pk)


@door(*STAFF)
@require_safe
def call(request: MemberRequest, call_id: int) -> HttpResponse:
    """One call: what was sent, what came back, what it cost. Closed for sealed items."""
    found = access.open_call_of(request.project, call_id, user_id=request.user.pk)
    context = {
        **STEP,
        "call": found,
        "run": found.run,
        "version": found.run.version,
        "shown": previews.of_call(found),
        "hides_system": examples.are_hidden(
            versions.spec_of(found.run.version),
            project_id=request.project.pk,
            user_id=request.user.pk,
        ),
        "verdicts": queries.verdicts_of(found),
    }
    return page(request, "judges/call.html", context)


def _usual(request: MemberRequest, version: JudgeVersion) -> dict[str, Any]:
    """The dataset that was asked for, else the newest that has something for this version."""
    asked = request.GET.get("dataset", "")
    if not asked:
        is_pairwise = versions.spec_of(version).is_pairwise
        newest = queries.newest_to_judge(request.project.pk, is_pairwise=is_pairwise)
        asked = str(newest.pk) if newest is not None else ""
    return {"concurrency": settings.RUN_CONCURRENCY, "dataset": asked}


def _estimate(request: MemberRequest, version: JudgeVersion, form: RunForm) -> dict[str, Any]:
    """The estimate for what is chosen, or for what stands chosen before anything is."""
    listed = list(form.fields["dataset"].queryset)  # type: ignore[attr-defined]
    named = (one for one in listed if str(one.pk) == form.initial["dataset"])
    dataset = next(named, listed[0] if listed else None)
    concurrency, mode = settings.RUN_CONCURRENCY, RunMode.DIRECT
    if form.is_bound:
        if not form.is_valid():
            return {"estimate": None, "problem": ""}
        dataset = form.cleaned_data["dataset"]
        concurrency, mode = form.cleaned_data["concurrency"], form.cleaned_data["mode"]
    if dataset is None:
        return {"estimate": None, "problem": "There is no dataset yet; import items first."}
    try:
        reckoned = runs.estimate(
            version=version,
            dataset=dataset,
            concurrency=concurrency,
            may_count=form.is_bound,
            now=timezone.now(),
        )
    except DomainError as refusal:
        unpriced = _unpriced(version, refusal)
        return {"estimate": None, "problem": refusal.sentence, "unpriced": unpriced}
    is_batch = mode == RunMode.BATCH and reckoned.batch is not None
    price = reckoned.batch if is_batch and reckoned.batch else reckoned
    return {
        "estimate": reckoned,
        "is_batch": is_batch,
        "price": price,
        "problem": "",
        "dataset": dataset,
        **_left(version, price),
    }


def _left(version: JudgeVersion, reckoned: runs.RunEstimate | runs.BatchPrice) -> dict[str, Any]:
    """What is left of the budgets beside the run's own, and which of them may not reach."""
    pots = queries.pots_for(version.judge, now=timezone.now())
    said = [
        budgets.warning(pot, likely=reckoned.likely, most=reckoned.most, judge=version.judge.name)
        for pot in pots
    ]
    return {
        "left": [
            {"name": LEFT_OF[pot.kind], "left": pot.left} for pot in pots if pot.left is not None
        ],
        "warnings": [text for text in said if text],
    }


def _unpriced(version: JudgeVersion, refusal: DomainError) -> str:
    """What the page on which a price is entered starts with, when that is what is missing."""
    if not isinstance(refusal, PriceUnknown):
        return ""
    spec = versions.spec_of(version)
    return urlencode({"provider": spec.provider, "model": spec.model})


def _progress(request: MemberRequest, run: Run, form: BudgetForm) -> dict[str, Any]:
    progress = queries.progress(run, now=timezone.now())
    context = {
        **STEP,
        "run": run,
        "version": run.version,
        "judge": run.version.judge,
        "progress": progress,
        "segments": _segments(progress),
        "is_live": run.state in LIVE,
        # On its own page the ledger goes on beside it; on the list of judges it stands alone.
        "is_whole": "whole" in request.GET or not wants_fragment(request),
        "is_beside": "whole" in request.GET and wants_fragment(request),
        "is_steered": run.purpose != RunPurpose.PLAYGROUND,
        "is_compared": run.purpose in READABLE_RUNS and run.combined_at is not None,
        "closed_because": _closed_because(run),
        "form": form,
        "spent_share": _share(run),
        "sums": queries.ledger_sums(run),
        "at_provider": queries.at_provider(run),
        "late_batches": queries.late_batches(run),
    }
    if not context["closed_because"]:
        context |= _calls(request, run)
    return context


def _closed_because(run: Run) -> str:
    """Why no single call is shown; what an approval judged is open once its set is retired."""
    if run.purpose == RunPurpose.APPROVAL and not queries.judged_sealed(run):
        return ""
    return CLOSED_BECAUSE.get(RunPurpose(run.purpose), "")


def _segments(progress: Progress) -> list[charts.Segment]:
    """From the cache, judged here, ended without a verdict, on its way."""
    return [
        charts.Segment("from cache", progress.cached, kind="kept"),
        charts.Segment("judged", progress.judged, kind="done"),
        charts.Segment("no verdict", progress.failed, kind="poor"),
        charts.Segment("in flight", progress.in_flight, kind="waiting"),
    ]


def _share(run: Run) -> Decimal | None:
    return run.spent / run.budget if run.budget else None


def _calls(request: MemberRequest, run: Run) -> dict[str, Any]:
    asked = request.GET.get("outcome", "")
    outcome = asked if asked in OUTCOMES else ""
    user_id = request.user.pk
    calls = queries.calls_of(run, user_id=user_id, outcome=outcome)
    paginator = Paginator(calls, CALLS_ON_A_PAGE)
    return {
        "hides_calls": queries.closed_calls(run, user_id=user_id).exists(),
        "calls": paginator.get_page(request.GET.get("page")),
        "outcome": outcome,
        "labels": queries.label_counts(run, user_id=user_id) if run.combined_at else [],
        "spec": change_of(run).asked(versions.spec_of(run.version)),
    }
