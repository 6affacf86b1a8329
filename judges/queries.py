"""What pages, runs and reports read of judges, their versions, runs and verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, Q, QuerySet, Sum

from accounts.models import Project
from annotation.models import Dataset, Item
from annotation.states import ItemKind, Part
from judges.models import Attempt, Call, Judge, JudgeLabel, JudgeVersion, Run, Verdict
from judges.rules.spec import ItemView
from judges.rules.verdicts import Outcome, to_item_labelling
from judges.states import CallState, RunPurpose, RunState

RATE_WINDOW = timedelta(seconds=10)
SHOWN_RUNS = 20


# Items --------------------------------------------------------------------------------------------


def item_view(item: Item) -> ItemView | None:
    """The texts that a judge may see; None when there are none (labels only, or erased)."""
    if item.content is None or item.content.erased_at is not None:
        return None
    body = item.content.body
    responses = [_text(text) for text in body.get("responses", [])]
    is_pair = item.kind == ItemKind.PAIR
    if is_pair and len(responses) < 2:
        return None
    return ItemView(
        id=item.external_id,
        kind=item.kind,  # type: ignore[arg-type]  # the model's constraint allows these only
        input=_text(body.get("input")),
        context=_text(body.get("context")),
        messages=tuple(
            (_text(turn.get("role")), _text(turn.get("text"))) for turn in body.get("messages", [])
        ),
        reference=_text(body.get("reference")),
        response="" if is_pair or not responses else responses[0],
        response_a=responses[0] if is_pair else "",
        response_b=responses[1] if is_pair else "",
    )


def _text(value: object) -> str:
    if isinstance(value, list):
        return "\n\n".join(_text(part) for part in value)
    return "" if value is None else str(value)


def touching_sealed(items: QuerySet[Item], project_id: int) -> QuerySet[Item]:
    """Those that are sealed, or share a cluster or an input with a sealed item of the project.

    A retired set has no sealed items left: its items became development items.
    """
    sealed = Item.objects.filter(project=project_id, part=Part.SEALED)
    return items.filter(
        Q(part=Part.SEALED)
        | Q(cluster_key__in=sealed.values("cluster_key"))
        | Q(input_digest__in=sealed.exclude(input_digest="").values("input_digest"))
    )


def judged_kinds(*, is_pairwise: bool) -> list[str]:
    """The kinds of items that a version can judge."""
    if is_pairwise:
        return [ItemKind.PAIR]
    return [ItemKind.SINGLE, ItemKind.CONVERSATION]


def with_texts(project_id: int, *, is_pairwise: bool) -> QuerySet[Item]:
    """Items of the project that a version can judge: visible, with texts, of its kind."""
    return Item.objects.filter(
        project=project_id,
        is_visible=True,
        withdrawn_at__isnull=True,
        content__isnull=False,
        content__erased_at__isnull=True,
        kind__in=judged_kinds(is_pairwise=is_pairwise),
    )


def ordinary_items(dataset: Dataset, *, is_pairwise: bool) -> QuerySet[Item]:
    """What an ordinary run over a dataset judges: nothing sealed, and nothing beside it."""
    items = with_texts(dataset.project_id, is_pairwise=is_pairwise).filter(dataset=dataset)
    touching = touching_sealed(items, dataset.project_id).values("pk")
    return items.exclude(pk__in=touching).order_by("pk")


# Labels for measurement ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class JudgeLabelRow:
    """The judge's label of one item on one dimension. `label` is None unless the outcome is ok."""

    item_id: int
    external_id: str
    cluster_key: str
    label: str | None
    outcome: str
    is_consistent: bool | None
    confidence: float | None
    first_shown: tuple[str, ...] = ()


def judge_label_rows(run: Run, dimension_key: str) -> list[JudgeLabelRow]:
    """One row for each item of a combined run, by item; `first_shown` holds, for pairs, which
    place each call named: "first", "second" or "tie".
    """
    shown = _places_named(run, dimension_key)
    labels = (
        JudgeLabel.objects.filter(run=run, dimension_key=dimension_key)
        .select_related("item")
        .order_by("item_id")
    )
    return [
        JudgeLabelRow(
            item_id=label.item_id,
            external_id=label.item.external_id,
            cluster_key=label.item.cluster_key,
            label=label.label or None,
            outcome=label.outcome,
            is_consistent=label.is_consistent,
            confidence=label.confidence,
            first_shown=tuple(shown.get(label.item_id, ())),
        )
        for label in labels
    ]


def _places_named(run: Run, dimension_key: str) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    rows = (
        Verdict.objects.filter(call__run=run, dimension_key=dimension_key)
        .exclude(call__order="")
        .order_by("call_id")
        .values_list("call__item_id", "call__order", "label")
    )
    for item_id, order, label in rows:
        place = {"A": "first", "B": "second"}.get(to_item_labelling(label, order)[:1], "tie")
        found.setdefault(item_id, []).append(place)
    return found


# Runs ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. `rate` is answers a second just now, `seconds_left` None when unknown."""

    planned: int
    waiting: int
    in_flight: int
    cached: int
    outcomes: Mapping[str, int] = field(default_factory=dict)
    rate: float = 0.0
    seconds_left: int | None = None

    @property
    def finished(self) -> int:
        return self.planned - self.waiting - self.in_flight

    @property
    def judged(self) -> int:
        """Calls with a verdict, asked in this run."""
        return self.outcomes.get(Outcome.OK, 0) - self.cached

    @property
    def failed(self) -> int:
        """Calls that ended without a verdict, each with its outcome."""
        return self.finished - self.outcomes.get(Outcome.OK, 0)


def progress(run: Run, *, now: datetime) -> Progress:
    """Counted from the calls: nothing is kept beside them that could differ."""
    counted = (
        Call.objects.filter(run=run)
        .values("state", "outcome")
        .annotate(calls=Count("pk"), cached=Count("pk", filter=Q(is_cached=True)))
    )
    states: dict[str, int] = {}
    outcomes: dict[str, int] = {}
    cached = 0
    for row in counted:
        states[row["state"]] = states.get(row["state"], 0) + row["calls"]
        cached += row["cached"]
        if row["state"] == CallState.FINISHED:
            outcomes[row["outcome"]] = outcomes.get(row["outcome"], 0) + row["calls"]
    waiting = states.get(CallState.WAITING, 0)
    in_flight = states.get(CallState.IN_FLIGHT, 0)
    rate = _rate(run, now=now) if run.state == RunState.RUNNING else 0.0
    left = round((waiting + in_flight) / rate) if rate else None
    return Progress(
        planned=sum(states.values()),
        waiting=waiting,
        in_flight=in_flight,
        cached=cached,
        outcomes=dict(sorted(outcomes.items())),
        rate=rate,
        seconds_left=left,
    )


def _rate(run: Run, *, now: datetime) -> float:
    """Answers a second over the last ten seconds, or since the start of a younger run."""
    since = now - RATE_WINDOW
    if run.started_at is not None and run.started_at > since:
        since = run.started_at
    span = (now - since).total_seconds()
    answered = Call.objects.filter(run=run, is_cached=False, finished_at__gt=since).count()
    return answered / span if span > 0.5 else 0.0


def ledger_sums(run: Run) -> dict[str, Any]:
    """What the attempts of a run add up to: cost, tokens, and how many were left unknown."""
    return Attempt.objects.filter(call__run=run).aggregate(
        attempts=Count("pk"),
        cost=Sum("cost"),
        input_tokens=Sum("input_tokens"),
        cache_read_tokens=Sum("cache_read_tokens"),
        cache_write_tokens=Sum("cache_write_tokens"),
        output_tokens=Sum("output_tokens"),
        unknown=Count("pk", filter=Q(outcome=Outcome.UNKNOWN)),
    )


def runs_of(version: JudgeVersion) -> QuerySet[Run]:
    """The version's runs, newest first, with what their list shows."""
    return version.runs.select_related("dataset").order_by("-pk")[:SHOWN_RUNS]


def open_runs(project: Project) -> QuerySet[Run]:
    """Runs of the project that are not over; an approval's belongs to its request's page too."""
    return (
        Run.objects.filter(
            project=project, state__in=[RunState.PLANNED, RunState.RUNNING, RunState.PAUSED]
        )
        .exclude(purpose=RunPurpose.SERVING)
        .select_related("version__judge", "dataset")
        .order_by("-pk")[:SHOWN_RUNS]
    )


# Judges -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One version in the list of judges: its last run and what a thousand items cost."""

    version: JudgeVersion
    run: Run | None
    flips: float | None
    flips_of: int
    cost_per_thousand: Decimal | None
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class JudgeLines:
    """A judge with its versions, newest first."""

    judge: Judge
    lines: tuple[VersionLine, ...]


def judges_of(project: Project) -> list[JudgeLines]:
    """Every judge of the project with the figures of each version's last finished run."""
    judges = list(
        Judge.objects.filter(project=project).select_related("guideline").order_by("name")
    )
    versions = JudgeVersion.objects.filter(judge__project=project).order_by("-number")
    lines: dict[int, list[VersionLine]] = {}
    last = _last_runs(project)
    for version in versions.select_related("guideline_version"):
        lines.setdefault(version.judge_id, []).append(version_line(version, last.get(version.pk)))
    return [JudgeLines(judge, tuple(lines.get(judge.pk, ()))) for judge in judges]


def _last_runs(project: Project) -> dict[int, Run]:
    """The last combined run of each version that is not sealed from its readers."""
    newest = (
        Run.objects.filter(project=project, combined_at__isnull=False)
        .filter(purpose__in=[RunPurpose.ORDINARY, RunPurpose.IMPORTED])
        .values("version_id")
        .annotate(newest=Max("pk"))
        .values("newest")
    )
    runs = Run.objects.filter(pk__in=newest).select_related("dataset")
    return {run.version_id: run for run in runs}


def version_line(version: JudgeVersion, run: Run | None) -> VersionLine:
    if run is None:
        return VersionLine(version, None, None, 0, None, None)
    consistency = JudgeLabel.objects.filter(run=run, is_consistent__isnull=False).aggregate(
        both=Count("pk"), flips=Count("pk", filter=Q(is_consistent=False))
    )
    both = consistency["both"]
    return VersionLine(
        version=version,
        run=run,
        flips=consistency["flips"] / both if both else None,
        flips_of=both,
        cost_per_thousand=_cost_per_thousand(run),
        p95_ms=_p95(run),
    )


def _cost_per_thousand(run: Run) -> Decimal | None:
    """What a thousand items would cost at the price of those that were asked, cached ones apart."""
    paid = Attempt.objects.filter(call__run=run).aggregate(
        cost=Sum("cost"), items=Count("call__item", distinct=True)
    )
    if not paid["items"] or run.purpose == RunPurpose.IMPORTED:
        return None
    return Decimal(paid["cost"] or 0) / int(paid["items"]) * 1000


def _p95(run: Run) -> float | None:
    """The 95th percentile of the answers' time in milliseconds (nearest rank)."""
    answered = Attempt.objects.filter(
        call__run=run, outcome=Outcome.OK, latency_ms__isnull=False
    ).order_by("latency_ms")
    count = answered.count()
    if not count or run.version.kind != "prompt":
        return None
    rank = max(0, -(-count * 95 // 100) - 1)
    return answered.values_list("latency_ms", flat=True)[rank] or 0.0


def failed_calls(run: Run) -> QuerySet[Call]:
    """Calls that ended without a verdict."""
    return (
        Call.objects.filter(run=run, state=CallState.FINISHED)
        .exclude(outcome=Outcome.OK)
        .select_related("item")
        .order_by("pk")
    )


def calls_of(run: Run, *, outcome: str = "") -> QuerySet[Call]:
    """The calls of a run for its table, with their verdicts."""
    calls = Call.objects.filter(run=run).select_related("item").prefetch_related("verdicts")
    if outcome:
        calls = calls.filter(outcome=outcome)
    return calls.order_by("item_id", "sample", "order")


def development_items(project: Project, *, is_pairwise: bool, limit: int = 50) -> list[Item]:
    """Items for a preview: of a development part, and beside nothing sealed."""
    items = with_texts(project.pk, is_pairwise=is_pairwise).filter(part=Part.DEVELOPMENT)
    touching = touching_sealed(items, project.pk).values("pk")
    return list(items.exclude(pk__in=touching).select_related("content").order_by("pk")[:limit])
