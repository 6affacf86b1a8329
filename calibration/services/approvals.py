"""From "may this judge be used?" to frozen evidence: readiness, run, looks, report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, User
from accounts.services import notices
from annotation.models import Assignment, Dimension, SealedSet
from annotation.states import Part
from calibration.queries import tables
from calibration.services import looks
from core import audit, jobs
from core.errors import Conflict, Invalid
from core.models import Job, JobState
from judges.models import ApprovalRequest, EvidenceSnapshot, JudgeVersion, Look
from judges.services import asking, runs, versions
from judges.states import RequestState, RunPurpose, RunState, VersionKind

MEASURE = "calibration.measure"
MOST_FAILURES = 3
ASKED = "approval.asked"
ASKED_SENTENCE = "Approval is asked for {subject}."


def ask(
    *,
    version: JudgeVersion,
    sealed_set: SealedSet,
    dimensions: Sequence[str],
    by: User,
    now: datetime,
) -> ApprovalRequest:
    """Ask whether a version may answer for these dimensions; the sealed run starts by itself.

    What makes the labels insufficient is checked first, without a verdict, and costs no look:
    the request then ends as insufficient and says what is missing. Raises Conflict when the
    set is retired, a dimension has no look left, the author rated sealed items, or the same
    fingerprint was measured before (its recorded answer stands).
    """
    chosen = _chosen(version, dimensions)
    _check_askable(version, sealed_set)
    _check_looks(sealed_set, chosen)
    _check_not_measured(version, sealed_set, chosen)
    missing = looks.why_insufficient(sealed_set, chosen)
    # Who will be asked is settled before the transaction: it may import the SDK, which is slow.
    asking.provider_for(versions.spec_of(version), project_id=version.judge.project_id)
    try:
        with transaction.atomic(durable=True):
            request = ApprovalRequest.objects.create(
                project=version.judge.project,
                version=version,
                sealed_set=sealed_set,
                dimensions=[dimension.key for dimension in chosen],
                state=RequestState.INSUFFICIENT if missing else RequestState.JUDGING,
                asked_by=by,
                actor=by.actor,
                problem=missing,
            )
            if not missing:
                _start_run(request, by, now=now)
            audit.record(
                actor=by.actor,
                verb="approval.asked",
                object_type="approval_request",
                object_id=request.pk,
                project_id=request.project_id,
                data={
                    "judge": version.judge.slug,
                    "version": version.number,
                    "dimensions": request.dimensions,
                    "insufficient": missing,
                },
            )
            if not missing:
                _tell_admins(request)
    except IntegrityError:
        raise Conflict(
            "already_asked", "This version waits already for an answer on this sealed set."
        ) from None
    return request


def _tell_admins(request: ApprovalRequest) -> None:
    """Something will wait for their decision, but for whoever asked, who knows. Neither a verdict
    nor a label is in the notice."""
    admins = Membership.objects.filter(project=request.project_id, is_admin=True)
    admins = admins.exclude(user=request.asked_by)
    notices.notify(
        users=admins.values_list("user_id", flat=True),
        project=request.project,
        kind=ASKED,
        key=f"{ASKED}:{request.pk}",
        subject=f"{request.version.judge.name} v{request.version.number}",
        address=reverse("approval", args=[request.project.slug, request.pk]),
    )


def on_run_finished(run_id: int) -> None:
    """Plan the measuring of an approval's run, in the transaction that ends the run."""
    request = ApprovalRequest.objects.filter(run_id=run_id, state=RequestState.JUDGING).first()
    if request is not None:
        _plan_measuring(request)


def measure_job(job_id: int) -> None:
    """The handler of `calibration.measure`: safe to run twice."""
    job = Job.objects.get(pk=job_id)
    measure_finished(run_id=job.plan["run"], now=timezone.now())
    jobs.finish(job_id, result={}, now=timezone.now())


def measure_finished(*, run_id: int, now: datetime) -> None:
    """The request that planned this run gets its evidence, or the reason why there is none."""
    request = (
        ApprovalRequest.objects.select_related(
            "version__judge",
            "version__guideline_version__guideline",
            "sealed_set__dataset",
            "run",
            "project",
        )
        .filter(run_id=run_id, state=RequestState.JUDGING)
        .first()
    )
    if request is None or request.run is None:
        return
    if request.run.state == RunState.CANCELLED:
        looks.end(request, RequestState.WITHDRAWN, "The judge's run was cancelled.")
    elif request.run.state == RunState.DONE:
        looks.take(request, _chosen(request.version, request.dimensions), now=now)


def reconcile(now: datetime) -> int:
    """Requests whose run has ended and that no job is measuring; returns how many were moved.

    A measuring that failed three times ends its request: otherwise nobody could ask again.
    """
    ended = ApprovalRequest.objects.select_related("run").filter(
        Q(run__state=RunState.CANCELLED) | Q(run__combined_at__isnull=False),
        state=RequestState.JUDGING,
    )
    moved = 0
    for request in ended.order_by("pk")[:50]:
        tries = Job.objects.filter(kind=MEASURE, plan__run=request.run_id)
        if tries.filter(state__in=(JobState.WAITING, JobState.RUNNING)).exists():
            continue
        moved += 1
        if tries.filter(state=JobState.FAILED).count() >= MOST_FAILURES:
            looks.end(
                request,
                RequestState.WITHDRAWN,
                "Measuring failed three times; the log has the details. Ask again.",
            )
        else:
            _plan_measuring(request)
    return moved


def _plan_measuring(request: ApprovalRequest) -> None:
    jobs.enqueue(
        kind=MEASURE,
        actor="system",
        project_id=request.project_id,
        plan={"run": request.run_id},
    )


def _chosen(version: JudgeVersion, keys: Iterable[str]) -> list[Dimension]:
    known = {
        dimension.key: dimension
        for dimension in version.guideline_version.dimensions.select_related("version")
    }
    wanted = list(dict.fromkeys(keys))
    unknown = [key for key in wanted if key not in known]
    if unknown or not wanted:
        raise Invalid(
            "dimension_unknown",
            f"Choose among the dimensions of the version: {', '.join(known)}.",
            {"dimensions": ["Choose at least one of the version's dimensions."]},
        )
    return [known[key] for key in wanted]


def _check_askable(version: JudgeVersion, sealed_set: SealedSet) -> None:
    if version.kind == VersionKind.RECORDED:
        raise Conflict(
            "recorded_cannot_answer",
            "Recorded verdicts cannot answer new items, so there is nothing to approve. "
            "Save the judge as a prompt version first.",
        )
    if sealed_set.retired_at is not None:
        raise Conflict("set_retired", "This sealed set is retired; seal a new dataset.")
    rated_sealed = Assignment.objects.filter(
        rater__user__isnull=False,
        rater__user=version.author,
        item__part=Part.SEALED,
        item__project_id=version.judge.project_id,
    ).exists()
    if rated_sealed:
        raise Conflict(
            "author_rated_sealed",
            "The author of this version has rated sealed items of the project; somebody else "
            "has to write the version.",
        )


def _check_looks(sealed_set: SealedSet, chosen: list[Dimension]) -> None:
    most = 1 if sealed_set.is_one_shot else looks.MOST_LOOKS
    for dimension in chosen:
        taken = Look.objects.filter(sealed_set=sealed_set, dimension_key=dimension.key).count()
        if taken >= most:
            raise Conflict(
                "no_look_left",
                f"{dimension.name} has used its {most} looks at this sealed set. Seal fresh "
                "labelled items to ask again.",
            )


def _check_not_measured(
    version: JudgeVersion, sealed_set: SealedSet, chosen: list[Dimension]
) -> None:
    measured = (
        EvidenceSnapshot.objects.filter(
            sealed_set=sealed_set,
            fingerprint=version.fingerprint,
            major=version.guideline_version.major,
            dimension_key__in=[dimension.key for dimension in chosen],
        )
        .order_by("pk")
        .first()
    )
    if measured is not None:
        raise Conflict(
            "already_measured",
            f"This version was measured on {measured.dimension_key!r} in request "
            f"{measured.request_id}; the recorded answer stands. Asking again would tell no more.",
        )


def _start_run(request: ApprovalRequest, by: User, *, now: datetime) -> None:
    run = runs.plan_run(
        version=request.version,
        dataset=request.sealed_set.dataset,
        items=tables.judgeable(request.sealed_set.dataset, Part.SEALED),
        purpose=RunPurpose.APPROVAL,
        actor=by.actor,
        now=now,
    )
    request.run = run
    request.save(update_fields=["run"])
