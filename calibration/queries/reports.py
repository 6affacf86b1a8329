"""Reports of runs on open data and development parts, as their pages read them."""

from __future__ import annotations

from accounts.models import Project
from annotation.models import ReferenceLabel
from annotation.states import Part
from calibration.models import CalibrationReport
from core.models import Job, JobState
from judges.models import JudgeVersion, Run
from judges.states import RunPurpose, RunState

MOST_LISTED = 100
REPORT_JOB = "calibration.report"
REPORTED = (RunPurpose.ORDINARY, RunPurpose.IMPORTED)


def newest_report(run: Run) -> CalibrationReport | None:
    """The newest report of a run on open data or a development part."""
    return (
        CalibrationReport.objects.select_related("dataset")
        .filter(run=run, request__isnull=True)
        .order_by("-pk")
        .first()
    )


def listed(project: Project) -> list[CalibrationReport]:
    """The project's newest reports that hide nothing, newest first."""
    return list(
        CalibrationReport.objects.filter(project=project, request__isnull=True)
        .select_related("run__version__judge", "dataset")
        .order_by("-pk")[:MOST_LISTED]
    )


def last_job(run: Run) -> Job | None:
    """The newest job that makes or made this run's report."""
    return Job.objects.filter(kind=REPORT_JOB, plan__run=run.pk).order_by("-pk").first()


def is_being_made(run: Run) -> bool:
    job = last_job(run)
    return job is not None and job.state in (JobState.WAITING, JobState.RUNNING)


def has_human_labels(run: Run) -> bool:
    """Whether anybody's labels are there to hold the run against."""
    version = run.version.guideline_version
    return ReferenceLabel.objects.filter(
        item__dataset=run.dataset_id,
        guideline=version.guideline_id,
        major=version.major,
        item__part=Part.DEVELOPMENT,
    ).exists()


def newest_reported_run(version: JudgeVersion) -> Run | None:
    """The newest finished run of a version on open data or a development part."""
    return (
        version.runs.filter(
            purpose__in=REPORTED,
            state=RunState.DONE,
            combined_at__isnull=False,
            dataset__isnull=False,
        )
        .select_related("dataset", "version__guideline_version")
        .order_by("-pk")
        .first()
    )


def dimension_names(version: JudgeVersion) -> dict[str, str]:
    return {one.key: one.name for one in version.guideline_version.dimensions.all()}


def short_fingerprint(version: JudgeVersion) -> str:
    """The first twelve digits in groups: enough to compare by eye."""
    digits = version.fingerprint[:12]
    return "·".join(digits[i : i + 4] for i in range(0, len(digits), 4))
