"""The report of a run on open data or a development part: made once for a state of the labels."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from annotation.queries import labels
from annotation.states import Part
from calibration.models import CalibrationReport
from calibration.queries import reportprobes, reports, tables
from calibration.services import measuring
from calibration.services.measuring import Measured
from core import audit, jobs
from core.errors import Conflict, NotReady
from core.models import Job
from judges.models import Call, Run
from judges.states import RunPurpose, RunState
from measurement.intervals import SEED


def on_run_finished(run_id: int) -> None:
    """Plan the report of an ordinary or imported run as soon as it ends, if people labelled it."""
    run = Run.objects.select_related("version__guideline_version").get(pk=run_id)
    if _is_reported(run) and reports.has_human_labels(run):
        _enqueue(run, actor="system")


@transaction.atomic(durable=True)
def ask(*, run: Run, actor: str) -> None:
    """Plan the report (anew). Raises NotReady before the run's end and without human labels."""
    if not _is_reported(run):
        raise NotReady("run_not_over", "The run has not ended yet; its report follows its end.")
    if not reports.has_human_labels(run):
        raise NotReady(
            "no_human_labels",
            "Nobody has labelled these items yet with this guideline, so there is nothing to hold "
            "the judge against. Open a round on the dataset, or import labels.",
        )
    if reports.is_being_made(run):
        raise Conflict("report_in_the_making", "The report is being made already.")
    _enqueue(run, actor=actor)
    audit.record(
        actor=actor,
        verb="report.asked",
        object_type="run",
        object_id=run.pk,
        project_id=run.project_id,
    )


def make_job(job_id: int) -> None:
    """The handler of `calibration.report`: safe to run twice."""
    job = Job.objects.get(pk=job_id)
    report = make(run_id=job.plan["run"], now=timezone.now())
    jobs.finish(job_id, result={"report": report.pk}, now=timezone.now())


def make(*, run_id: int, now: datetime) -> CalibrationReport:
    """Measure every dimension of the run's guideline and freeze the numbers.

    The same labels and the same results of the bias laboratory give the report that is there
    already. The gate's answer in it is a dry run: nobody knows who saw these labels.
    """
    run = Run.objects.select_related(
        "project", "dataset", "version__judge", "version__guideline_version__guideline"
    ).get(pk=run_id)
    if not _is_reported(run):
        raise NotReady("run_not_over", "The run has not ended yet; its report follows its end.")
    assert run.dataset is not None
    items = _planned(run)
    guideline = run.version.guideline_version
    sources = labels.sources(
        dataset_id=run.dataset.pk,
        guideline_id=guideline.guideline_id,
        major=guideline.major,
        part=Part.DEVELOPMENT,
    )
    measured = {
        dimension.key: measuring.measure(
            run=run,
            dataset=run.dataset,
            dimension=dimension,
            part=Part.DEVELOPMENT,
            is_dry_run=True,
            items=items,
        )
        for dimension in run.version.guideline_version.dimensions.select_related("version")
    }
    probes = reportprobes.of_version(run.version)
    digest = _digest(measured, reportprobes.identity(probes))
    try:
        with transaction.atomic(durable=True):
            report = CalibrationReport.objects.create(
                project=run.project,
                dataset=run.dataset,
                run=run,
                content={
                    "dimensions": {key: found.content() for key, found in measured.items()},
                    "rule": measuring.policy_of(run.dataset).as_dict(),
                    "cost": tables.cost_and_speed(run),
                    "probes": probes,
                    "sources": sources,
                    "part": "" if run.dataset.is_open else str(Part.DEVELOPMENT),
                },
                labels_digest=digest,
                seed=SEED,
            )
            audit.record(
                actor="system",
                verb="report.made",
                object_type="report",
                object_id=report.pk,
                project_id=run.project_id,
                data={"run": run.pk, "labels": digest},
            )
    except IntegrityError:
        return CalibrationReport.objects.get(run=run, labels_digest=digest, request__isnull=True)
    return report


def _digest(measured: Mapping[str, Measured], probes: str) -> str:
    """What the report is made from: labels and verdicts of each dimension, and the probes."""
    lines = [
        f"{key}\t{found.labels_digest}\t{found.verdicts_digest}" for key, found in measured.items()
    ]
    return hashlib.sha256("\n".join([*lines, *filter(None, [probes])]).encode()).hexdigest()


def _is_reported(run: Run) -> bool:
    return (
        run.purpose in reports.REPORTED
        and run.state == RunState.DONE
        and run.combined_at is not None
        and run.dataset_id is not None
    )


def _planned(run: Run) -> set[str] | None:
    """The items that an ordinary run was asked about; imported verdicts answer for all items, so
    that what is missing in their file counts as a miss."""
    if run.purpose == RunPurpose.IMPORTED:
        return None
    planned = Call.objects.filter(run=run).values_list("item__external_id", flat=True)
    return set(planned.distinct())


def _enqueue(run: Run, *, actor: str) -> None:
    jobs.enqueue(
        kind=reports.REPORT_JOB, actor=actor, project_id=run.project_id, plan={"run": run.pk}
    )
