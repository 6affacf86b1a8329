"""The bias laboratory: its list, a probe before it starts, and one page for each probe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.doors import MemberRequest, door
from accounts.roles import STAFF, Role
from core import charts
from core.errors import DomainError
from core.http import go, page, posted
from judges import access, queries
from judges.forms.probes import USUAL, ProbeForm, asked_of
from judges.forms.refusals import add_refusal, status_of
from judges.models import Probe, Run
from judges.queries import probes as reads
from judges.queries.probes import ProbeFigure, ProbeResult
from judges.queries.runs import RunLine
from judges.rules.probes import BADGES, PROBES, FigureSpec, in_words
from judges.services import probes, probesamples, versions
from judges.states import ProbeKind, ProbeState, RunState

PAGE = ("GET", "HEAD", "POST")
STEP = {"current_step": "judge"}
PROBES_ON_A_PAGE = 20
OVER = (RunState.DONE, RunState.CANCELLED)


@dataclass(frozen=True, slots=True)
class ProbeLine:
    """A probe in the list, with what it came to."""

    probe: Probe
    state: str
    first: Sequence[ProbeFigure]


@dataclass(frozen=True, slots=True)
class FigurePlot:
    """One figure of a probe, drawn: a row for each dimension, or for each version."""

    name: str
    note: str
    section: str
    tolerance: str
    plot: charts.IntervalPlot


@door(*STAFF)
@require_safe
def index(request: MemberRequest) -> HttpResponse:
    """Every probe of the project, and how its versions compare on each bias."""
    slug = request.project.slug
    paginator = Paginator(reads.probes_of(request.project), PROBES_ON_A_PAGE)
    shown = paginator.get_page(request.GET.get("page"))
    results = [
        (PROBES[kind], found)
        for kind in ProbeKind
        if (found := reads.newest_by_version(request.project, kind))
    ]
    context = {
        **STEP,
        "probes": shown,
        "lines": [_line(probe) for probe in shown],
        "histories": [_history(spec.first, found, slug=slug) for spec, found in results],
        "is_simulated": any(probe.version.is_simulated for probe in shown),
    }
    return page(request, "judges/laboratory.html", context)


@door(Role.LEAD)
@require_http_methods(PAGE)
def new(request: MemberRequest) -> HttpResponse:
    """What a probe does and takes, then its start."""
    form = ProbeForm(request.project, posted(request), initial=_usual(request))
    _offer_a_dataset(request, form)
    if request.method == "POST" and form.is_valid() and request.POST.get("act") == "start":
        try:
            started = probes.start(
                form.asked(),
                budget=form.cleaned_data["budget"],
                concurrency=form.cleaned_data["concurrency"],
                actor=request.user.actor,
                now=timezone.now(),
            )
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            if not started.is_new:
                messages.info(request, "This probe was made before; here is what it came to.")
            return go(request, "probe", request.project.slug, started.probe.pk)
    context = {**STEP, "form": form} | _preview(request, form)
    return page(
        request,
        "judges/probe_new.html",
        context,
        fragment="judges/_probe_preview.html",
        status=status_of(form),
    )


@door(*STAFF)
@require_safe
def detail(request: MemberRequest, probe_id: int) -> HttpResponse:
    """What was done, to what, and what it came to."""
    probe = access.probe_of(request.project, probe_id)
    variants = list(probe.variants.all())
    lines = _run_lines([one.run for one in variants])
    context = {
        **STEP,
        "probe": probe,
        "spec": reads.spec_of(probe),
        "version": probe.version,
        "judge": probe.version.judge,
        "state": _state(probe),
        "variants": list(zip(variants, lines, strict=True)),
        "is_being_made": _is_being_made(probe),
        "plots": _plots(reads.result_of(probe)),
        "example": probesamples.example(probe, user_id=request.user.pk),
    }
    return page(request, "judges/probe.html", context, fragment="judges/_probe_result.html")


@door(Role.LEAD)
@require_POST
def cancel(request: MemberRequest, probe_id: int) -> HttpResponse:
    """End its runs; nothing is lost that the same probe could not ask again."""
    probe = access.probe_of(request.project, probe_id)
    probes.cancel(probe=probe, actor=request.user.actor, now=timezone.now())
    messages.success(request, "The probe is cancelled. Answers that came are kept in the ledger.")
    return go(request, "probe", request.project.slug, probe.pk)


def _usual(request: MemberRequest) -> dict[str, Any]:
    names = ("version", "kind", "dataset")
    asked = {name: request.GET[name] for name in names if name in request.GET}
    return {**USUAL, "concurrency": settings.RUN_CONCURRENCY, **asked}


def _offer_a_dataset(request: MemberRequest, form: ProbeForm) -> None:
    """Where none was asked for, the newest that has something for the version that is offered."""
    version = _one_of(form, "version", form.initial.get("version"))
    if form.is_bound or version is None or "dataset" in form.initial:
        return
    is_pairwise = versions.spec_of(version).is_pairwise
    newest = queries.newest_to_judge(request.project.pk, is_pairwise=is_pairwise)
    if newest is not None:
        form.initial["dataset"] = str(newest.pk)


def _preview(request: MemberRequest, form: ProbeForm) -> dict[str, Any]:
    """What the chosen probe does and takes, or the usual one before anything is chosen."""
    chosen = _chosen(form)
    if chosen is None:
        return {"problem": "" if form.is_bound else "There is no version or no dataset yet."}
    asked = asked_of(chosen)
    context: dict[str, Any] = {"asked": asked, "spec": PROBES[asked.kind], "problem": ""}
    try:
        found = probes.preview(asked, concurrency=chosen["concurrency"], now=timezone.now())
    except DomainError as refusal:
        return context | {"problem": refusal.sentence}
    return context | {
        "items": len(found.sample.targets),
        "estimate": found.estimate,
        "runs": len(found.estimates),
        "undefined_because": found.sample.undefined_because,
        "example": probesamples.example_of(asked, found.sample, user_id=request.user.pk),
    }


def _chosen(form: ProbeForm) -> dict[str, Any] | None:
    if form.is_bound:
        return form.cleaned_data if form.is_valid() else None
    usual = {name: form.get_initial_for_field(form.fields[name], name) for name in form.fields}
    version = _one_of(form, "version", usual["version"])
    dataset = _one_of(form, "dataset", usual["dataset"])
    if version is None or dataset is None:
        return None
    kind = usual["kind"] if usual["kind"] in ProbeKind.values else ProbeKind.ORDER
    return {
        **usual,
        "version": version,
        "dataset": dataset,
        "kind": kind,
        "factor": float(usual["factor"]),
        "samples": int(usual["samples"]),
    }


def _one_of(form: ProbeForm, name: str, asked: object) -> Any:
    """The row that the address names, else the first that is offered."""
    offered = form.fields[name].queryset  # type: ignore[attr-defined]
    text = str(asked or "")
    found = offered.filter(pk=int(text)).first() if text.isdecimal() and len(text) < 18 else None
    return found or offered.first()


def _state(probe: Probe) -> str:
    if probe.state == ProbeState.RUNNING and reads.is_cancelled(probe):
        return "cancelled"
    if probe.state == ProbeState.RUNNING and any(
        one.run.state == RunState.PAUSED for one in probe.variants.all()
    ):
        return "paused"
    return ProbeState(probe.state).label.lower()


def _is_being_made(probe: Probe) -> bool:
    """All runs have ended, and the figures are on their way."""
    runs = [one.run for one in probe.variants.all()]
    return probe.state == ProbeState.RUNNING and all(run.state == RunState.DONE for run in runs)


def _run_lines(runs: Sequence[Run]) -> list[RunLine]:
    found = queries.progress_of(runs, now=timezone.now())
    return [RunLine(run, found[run.pk]) for run in runs]


def _line(probe: Probe) -> ProbeLine:
    first = reads.result_of(probe).first if probe.state == ProbeState.MEASURED else ()
    return ProbeLine(probe, _state(probe), first)


def _plots(result: ProbeResult) -> list[FigurePlot]:
    """One plot for each figure of the probe, with a row for each dimension."""
    specs = {one.spec.key: one.spec for one in result.figures}
    return [
        _plot(spec, [(one.dimension, "", "", one) for one in result.figures if one.spec is spec])
        for spec in specs.values()
    ]


def _history(spec: FigureSpec, results: Sequence[ProbeResult], *, slug: str) -> FigurePlot:
    """The figure that stands for a probe, by version: the newest result of each."""
    rows = [
        (
            f"{result.probe.version.judge.name} {result.probe.version}",
            figure.dimension if len(result.first) > 1 else "",
            reverse("probe", args=[slug, result.probe.pk]),
            figure,
        )
        for result in results
        for figure in result.first
    ]
    return _plot(spec, rows)


def _plot(spec: FigureSpec, rows: Sequence[tuple[str, str, str, ProbeFigure]]) -> FigurePlot:
    tolerance = rows[0][3].tolerance
    scale = charts.Scale(spec.low, spec.high, tolerance=tolerance)
    drawn = []
    for label, note, href, figure in rows:
        kind, words = BADGES[figure.reading]
        drawn.append(
            charts.IntervalRow(
                label, figure.estimate, note=note, href=href, badge_kind=kind, badge=words
            )
        )
    return FigurePlot(
        spec.name,
        spec.note,
        spec.section,
        "" if tolerance is None else in_words(tolerance),
        charts.interval_plot(drawn, scale),
    )
