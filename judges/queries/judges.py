"""Judges and their versions, with the figures of each version's last run."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Max, Q, Sum

from accounts.models import Project
from judges.models import Attempt, Judge, JudgeLabel, JudgeVersion, Run
from judges.rules.verdicts import Outcome
from judges.states import RunPurpose


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


def lines_of(judge: Judge) -> list[VersionLine]:
    """One judge's versions, newest first."""
    last = _last_runs(judge.project)
    versions = judge.versions.select_related("guideline_version").order_by("-number")
    return [version_line(version, last.get(version.pk)) for version in versions]


def line_of(version: JudgeVersion) -> VersionLine:
    return version_line(version, _last_runs(version.judge.project).get(version.pk))


def former_version(version: JudgeVersion) -> JudgeVersion | None:
    """The version before this one."""
    before = JudgeVersion.objects.filter(judge=version.judge_id, number__lt=version.number)
    return before.order_by("number").last()


def judge_names(project: Project) -> list[str]:
    return list(
        Judge.objects.filter(project=project).order_by("name").values_list("name", flat=True)
    )


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
