"""Runs as their pages show them: counted from the calls, summed from the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from accounts.models import Project
from annotation.models import Item
from annotation.queries.items import items_yet_rated_by
from annotation.queries.sealed import touching_sealed
from judges.models import Attempt, Call, JudgeLabel, JudgeVersion, Piece, Run, Verdict
from judges.rules.verdicts import Outcome
from judges.states import AttemptState, CallState, PieceState, RunMode, RunPurpose, RunState

RATE_WINDOW = timedelta(seconds=10)
SHOWN_RUNS = 20


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
    return progress_of([run], now=now)[run.pk]


def progress_of(runs: Sequence[Run], *, now: datetime) -> dict[int, Progress]:
    """How far each of these runs is: one query, and one more for each that is running."""
    counted = (
        Call.objects.filter(run__in=runs)
        .values("run", "state", "outcome")
        .annotate(calls=Count("pk"), cached=Count("pk", filter=Q(is_cached=True)))
    )
    by_run: dict[int, list[dict[str, Any]]] = {run.pk: [] for run in runs}
    for row in counted:
        by_run[row["run"]].append(dict(row))
    return {run.pk: _progress(run, by_run[run.pk], now=now) for run in runs}


def _progress(run: Run, counted: Sequence[Mapping[str, Any]], *, now: datetime) -> Progress:
    states: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    for row in counted:
        states[row["state"]] += row["calls"]
        if row["state"] == CallState.FINISHED:
            outcomes[row["outcome"]] += row["calls"]
    waiting = states[CallState.WAITING]
    in_flight = states[CallState.IN_FLIGHT]
    rate = _rate(run, now=now) if run.state == RunState.RUNNING else 0.0
    return Progress(
        planned=states.total(),
        waiting=waiting,
        in_flight=in_flight,
        cached=sum(row["cached"] for row in counted),
        outcomes=dict(sorted(outcomes.items())),
        rate=rate,
        seconds_left=round((waiting + in_flight) / rate) if rate else None,
    )


def _rate(run: Run, *, now: datetime) -> float:
    """Answers a second over the last ten seconds, or since the start of a younger run."""
    since = now - RATE_WINDOW
    if run.started_at is not None and run.started_at > since:
        since = run.started_at
    span = (now - since).total_seconds()
    answered = Call.objects.filter(run=run, is_cached=False, finished_at__gt=since).count()
    return answered / span if span > 0.5 else 0.0


@dataclass(frozen=True, slots=True)
class AtProvider:
    """What of a run waits in batches: calls, the oldest piece's time, and what is in the way.

    `sought`: pieces of which the provider never said that it has them.
    """

    pieces: int
    calls: int
    since: datetime
    sought: int
    problem: str
    is_cancelled: bool


def at_provider(run: Run) -> AtProvider | None:
    """What waits in batches, or None; also of a run that is paused or cancelled."""
    if run.mode != RunMode.BATCH:
        return None
    found = list(Piece.objects.filter(run=run, look_at__isnull=False).order_by("number"))
    if not found:
        return None
    calls = Attempt.objects.filter(piece__in=found, state=AttemptState.SENT).count()
    return AtProvider(
        pieces=len(found),
        calls=calls,
        since=min(one.submitted_at or one.written_at for one in found),
        sought=sum(one.state == PieceState.WRITTEN for one in found),
        problem=next((one.problem for one in reversed(found) if one.problem), ""),
        is_cancelled=any(one.cancelled_at for one in found),
    )


def late_batches(run: Run) -> int:
    """Batches that the provider took after they were given up: cancelled there, in no cost here."""
    if run.mode != RunMode.BATCH:
        return 0
    late = Piece.objects.filter(run=run, state=PieceState.LOST, submitted_at__isnull=True)
    return late.exclude(provider_id="").count()


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
    runs = version.runs.exclude(purpose=RunPurpose.PLAYGROUND).select_related("dataset")
    return runs.order_by("-pk")[:SHOWN_RUNS]


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run that is not over, with how far it is."""

    run: Run
    progress: Progress


def open_runs(project: Project, *, now: datetime) -> list[RunLine]:
    """Runs of the project that are not over; those of the API have their own place, and tries in
    the playground are over when their page is there."""
    runs = (
        Run.objects.filter(
            project=project, state__in=[RunState.PLANNED, RunState.RUNNING, RunState.PAUSED]
        )
        .exclude(purpose__in=[RunPurpose.SERVING, RunPurpose.PLAYGROUND])
        .select_related("version__judge", "dataset")
        .order_by("-pk")[:SHOWN_RUNS]
    )
    found = progress_of(list(runs), now=now)
    return [RunLine(run, found[run.pk]) for run in runs]


@dataclass(frozen=True, slots=True)
class LabelCount:
    """How often a judge gave a label on one dimension; `label` is the outcome where none was."""

    dimension_key: str
    label: str
    count: int


def label_counts(run: Run, *, user_id: int) -> list[LabelCount]:
    """The labels of a combined run by dimension, those without a label under their outcome; what
    this person may not read of single items is not counted either: it could be reckoned back."""
    closed = closed_calls(run, user_id=user_id).values("item")
    rows = (
        JudgeLabel.objects.filter(run=run)
        .exclude(item__in=closed)
        .values("dimension_key", "label", "outcome")
        .annotate(items=Count("pk"))
        .order_by("dimension_key", "label")
    )
    return [
        LabelCount(
            row["dimension_key"], row["label"] or f"no label: {row['outcome']}", row["items"]
        )
        for row in rows
    ]


def closed_calls(run: Run, *, user_id: int) -> QuerySet[Call]:
    """Calls of a run whose verdicts this person may not read: on items that are sealed by now or
    stand beside a sealed one, and on items that the person may yet rate."""
    beside = touching_sealed(Item.objects.filter(calls__run=run), run.project_id)
    rated = items_yet_rated_by(user_id)
    return Call.objects.filter(Q(item__in=beside.values("pk")) | Q(item__in=rated), run=run)


def judged_sealed(run: Run) -> bool:
    """Whether an item of the run is sealed, or stands beside a sealed one."""
    return touching_sealed(Item.objects.filter(calls__run=run), run.project_id).exists()


def calls_of(run: Run, *, user_id: int, outcome: str = "") -> QuerySet[Call]:
    """The calls of a run for its table, with their verdicts; what is closed is left out."""
    calls = Call.objects.filter(run=run).select_related("item").prefetch_related("verdicts")
    calls = calls.exclude(pk__in=closed_calls(run, user_id=user_id).values("pk"))
    if outcome:
        calls = calls.filter(outcome=outcome)
    return calls.order_by("item_id", "sample", "order")


def verdicts_of(call: Call) -> QuerySet[Verdict]:
    """What a call said, by dimension."""
    return call.verdicts.order_by("dimension_key")
