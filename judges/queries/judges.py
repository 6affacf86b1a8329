"""Judges and their versions, with the figures of each version's last run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, F, Max, Q, Sum, Window
from django.db.models.functions import RowNumber

from accounts.models import Project
from judges.models import Artefact, Attempt, Judge, JudgeLabel, JudgeVersion, Run
from judges.rules.verdicts import Outcome
from judges.states import RunPurpose, VersionKind
from measurement.arrays import np
from measurement.estimate import Estimate
from measurement.intervals import share

NOT_RUN = "it was not run yet"
NO_ORDERS = "it was not asked in both orders"
# A query of our own goes between the brackets; its values stay parameters.
_ALIKE = 'SELECT "run", "changed", "given", COUNT(*) FROM ({}) AS "of_cluster" GROUP BY 1, 2, 3'


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One version in the list of judges: its last run and what a thousand items cost.

    `flips` are verdicts that change with the order, of all dimensions; n = those given both ways.
    """

    version: JudgeVersion
    run: Run | None
    flips: Estimate
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
    for line in _lines(list(versions.select_related("guideline_version"))):
        lines.setdefault(line.version.judge_id, []).append(line)
    return [JudgeLines(judge, tuple(lines.get(judge.pk, ()))) for judge in judges]


def lines_of(judge: Judge) -> list[VersionLine]:
    """One judge's versions, newest first."""
    return _lines(list(judge.versions.select_related("guideline_version").order_by("-number")))


def line_of(version: JudgeVersion) -> VersionLine:
    return _lines([version])[0]


def former_version(version: JudgeVersion) -> JudgeVersion | None:
    """The saved version before this one; for a draft the newest."""
    if version.number is None:
        return version.judge.versions.order_by("number").last()
    before = JudgeVersion.objects.filter(judge=version.judge_id, number__lt=version.number)
    return before.order_by("number").last()


def artefact_of(version: JudgeVersion) -> Artefact | None:
    """What a trained baseline was trained to; its content is not read."""
    digest = version.spec.get("artefact", "")
    if version.kind != VersionKind.BASELINE or not digest:
        return None
    found = Artefact.objects.filter(project=version.judge.project_id, digest=digest)
    return found.defer("content").first()


def saved_versions(judge: Judge) -> list[JudgeVersion]:
    """A judge's versions for a choice, newest first."""
    return list(judge.versions.order_by("-number"))


def judge_names(project: Project) -> list[str]:
    return list(
        Judge.objects.filter(project=project).order_by("name").values_list("name", flat=True)
    )


def _lines(versions: Sequence[JudgeVersion]) -> list[VersionLine]:
    """The lines of these versions, in a handful of queries however many they are."""
    runs = _last_runs(versions)
    figures = _figures(list(runs.values()))
    return [
        VersionLine(version, run, *figures[run.pk])
        if run
        else VersionLine(version, None, Estimate.undefined(NOT_RUN), None, None)
        for version in versions
        for run in [runs.get(version.pk)]
    ]


def _last_runs(versions: Sequence[JudgeVersion]) -> dict[int, Run]:
    """The last combined run of each version that is not sealed from its readers."""
    newest = (
        Run.objects.filter(version__in=versions, combined_at__isnull=False)
        .filter(purpose__in=[RunPurpose.ORDINARY, RunPurpose.IMPORTED])
        .values("version_id")
        .annotate(newest=Max("pk"))
        .values("newest")
    )
    runs = Run.objects.filter(pk__in=newest).select_related("dataset", "version")
    return {run.version_id: run for run in runs}


def _figures(
    runs: Sequence[Run],
) -> dict[int, tuple[Estimate, Decimal | None, float | None]]:
    """By run: the share of flips, the price of a thousand items, the P95."""
    flips = _flips(runs)
    asked = [run for run in runs if run.purpose != RunPurpose.IMPORTED]
    paid = {
        row["call__run"]: Decimal(row["cost"] or 0) / int(row["items"]) * 1000
        for row in Attempt.objects.filter(call__run__in=asked)
        .values("call__run")
        .annotate(cost=Sum("cost"), items=Count("call__item", distinct=True))
    }
    slowest = _p95([run for run in runs if run.version.kind == VersionKind.PROMPT])
    found = {}
    for run in runs:
        found[run.pk] = (flips[run.pk], paid.get(run.pk), slowest.get(run.pk))
    return found


def _flips(runs: Sequence[Run]) -> dict[int, Estimate]:
    """By run the share of verdicts that change with the order, by cluster.

    Clusters that are alike are counted in the database: a run may have as many as items.
    """
    of_cluster = (
        JudgeLabel.objects.filter(run__in=runs, is_consistent__isnull=False)
        .values("run", "item__cluster_key")
        .annotate(given=Count("pk"), changed=Count("pk", filter=Q(is_consistent=False)))
        .order_by()
    )
    alike: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    if runs:
        inner, values = of_cluster.query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(_ALIKE.format(inner), values)
            for run, *numbers in cursor.fetchall():
                alike[run].append(tuple(numbers))
    found = {}
    for run in runs:
        counted = np.array(alike[run.pk], dtype=np.int64).reshape(-1, 3)
        changed, given = (np.repeat(counted[:, place], counted[:, 2]) for place in (0, 1))
        found[run.pk] = share(
            changed.astype(np.float64),
            given.astype(np.float64),
            np.arange(len(given)),
            because=NO_ORDERS,
        )
    return found


def _p95(runs: Sequence[Run]) -> dict[int, float]:
    """The 95th percentile of the answers' time in milliseconds (nearest rank), by run."""
    of_run: dict[str, Any] = {"partition_by": [F("call__run")]}
    ranked = (
        Attempt.objects.filter(call__run__in=runs, outcome=Outcome.OK, latency_ms__isnull=False)
        .annotate(
            rank=Window(RowNumber(), order_by=[F("latency_ms").asc(), F("pk").asc()], **of_run),
            answers=Window(Count("pk"), **of_run),
        )
        .annotate(rank_of_95=(F("answers") * 95 + 99) / 100)
        .filter(rank=F("rank_of_95"))
    )
    return {
        run: latency
        for run, latency in ranked.values_list("call__run", "latency_ms")
        if latency is not None
    }
