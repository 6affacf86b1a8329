"""From "may this judge be used?" to frozen evidence: readiness, run, looks, report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from annotation.models import Assignment, Dimension, SealedSet
from annotation.services import datasets
from annotation.states import Part
from calibration.models import CalibrationReport
from calibration.queries import tables
from calibration.services import measuring
from core import audit, jobs
from core.errors import Conflict, Invalid
from core.models import Job
from judges.models import ApprovalRequest, EvidenceSnapshot, JudgeVersion, Look
from judges.services import runs
from judges.states import RequestState, RunPurpose, RunState, VersionKind
from measurement.intervals import SEED

MOST_LOOKS = 3
TRIES = 3


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
    missing = _why_insufficient(sealed_set, chosen)
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
    except IntegrityError:
        raise Conflict(
            "already_asked", "This version waits already for an answer on this sealed set."
        ) from None
    return request


def on_run_finished(run_id: int) -> None:
    """Plan the measuring of an approval's run, in the transaction that ends the run."""
    request = ApprovalRequest.objects.filter(run_id=run_id, state=RequestState.JUDGING).first()
    if request is not None:
        jobs.enqueue(
            kind="calibration.measure",
            actor="system",
            project_id=request.project_id,
            plan={"run": run_id},
        )


def measure_job(job_id: int) -> None:
    """The handler of `calibration.measure`: safe to run twice."""
    job = Job.objects.get(pk=job_id)
    measure_finished(run_id=job.plan["run"], now=timezone.now())
    jobs.finish(job_id, result={}, now=timezone.now())


def measure_finished(*, run_id: int, now: datetime) -> None:
    """The request that planned this run gets its evidence, or the reason why there is none."""
    request = (
        ApprovalRequest.objects.select_related("version__judge", "sealed_set__dataset", "run")
        .filter(run_id=run_id, state=RequestState.JUDGING)
        .first()
    )
    if request is None or request.run is None or request.run.state != RunState.DONE:
        return
    chosen = _chosen(request.version, request.dimensions)
    missing = _why_insufficient(request.sealed_set, chosen)
    if missing:
        ApprovalRequest.objects.filter(pk=request.pk, state=RequestState.JUDGING).update(
            state=RequestState.INSUFFICIENT, problem=missing
        )
        return
    datasets.freeze(sealed_set_id=request.sealed_set_id, now=now)
    for _ in range(TRIES):
        try:
            _look(request, chosen)
            break
        except IntegrityError:
            # Another request took this look's number meanwhile: measure again at the next level.
            continue
    else:
        raise Conflict("looks_contended", "Other requests took the looks; ask again.")
    _retire_when_used_up(request, now=now)


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
    most = 1 if sealed_set.is_one_shot else MOST_LOOKS
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


def _why_insufficient(sealed_set: SealedSet, chosen: list[Dimension]) -> str:
    sentences = []
    for dimension in chosen:
        ready = measuring.readiness(
            dataset=sealed_set.dataset, dimension=dimension, part=Part.SEALED
        )
        if not ready.is_sufficient:
            sentences.append(f"{dimension.name}: {ready.because}")
    return " ".join(sentences)


def _start_run(request: ApprovalRequest, by: User, *, now: datetime) -> None:
    run = runs.plan_run(
        version=request.version,
        dataset=request.sealed_set.dataset,
        items=tables.items_of(request.sealed_set.dataset, Part.SEALED),
        purpose=RunPurpose.APPROVAL,
        actor=by.actor,
        now=now,
    )
    request.run = run
    request.save(update_fields=["run"])


def _look(request: ApprovalRequest, chosen: list[Dimension]) -> None:
    """Measure each dimension at the level of its next look, then write all of it at once."""
    sealed_set, run = request.sealed_set, request.run
    assert run is not None
    numbers = {
        dimension.key: Look.objects.filter(
            sealed_set=sealed_set, dimension_key=dimension.key
        ).count()
        + 1
        for dimension in chosen
    }
    measured = {
        dimension.key: measuring.measure(
            run=run,
            dataset=sealed_set.dataset,
            dimension=dimension,
            part=Part.SEALED,
            look=numbers[dimension.key],
            one_shot=sealed_set.is_one_shot,
        )
        for dimension in chosen
    }
    with transaction.atomic(durable=True):
        changed = ApprovalRequest.objects.filter(pk=request.pk, state=RequestState.JUDGING).update(
            state=RequestState.MEASURED
        )
        if changed != 1:
            return
        for key, found in measured.items():
            evidence = EvidenceSnapshot.objects.create(
                request=request,
                version=request.version,
                run=run,
                sealed_set=sealed_set,
                dimension_key=key,
                major=request.version.guideline_version.major,
                fingerprint=request.version.fingerprint,
                gate=found.alignment.gate.decision,
                rule=measuring.rule_of(request.project_id).as_dict(),
                numbers=found.alignment.as_dict(),
                seed=SEED,
                labels_digest=found.labels_digest,
                verdicts_digest=found.verdicts_digest,
            )
            Look.objects.create(
                sealed_set=sealed_set,
                dimension_key=key,
                number=numbers[key],
                evidence=evidence,
            )
        CalibrationReport.objects.create(
            project=request.project,
            dataset=sealed_set.dataset,
            run=run,
            request=request,
            content={
                "dimensions": {key: found.content() for key, found in measured.items()},
                "looks": numbers,
                "cost": tables.cost_and_speed(run),
            },
            labels_digest=next(iter(measured.values())).labels_digest,
            seed=SEED,
        )
        audit.record(
            actor="system",
            verb="approval.measured",
            object_type="approval_request",
            object_id=request.pk,
            project_id=request.project_id,
            data={
                "looks": numbers,
                "decisions": {
                    key: found.alignment.gate.decision for key, found in measured.items()
                },
            },
        )


def _retire_when_used_up(request: ApprovalRequest, *, now: datetime) -> None:
    """A one-shot set is spent by its one request; any set when no dimension has a look left."""
    sealed_set = request.sealed_set
    used_up = sealed_set.is_one_shot or all(
        Look.objects.filter(sealed_set=sealed_set, dimension_key=dimension.key).count()
        >= MOST_LOOKS
        for dimension in request.version.guideline_version.dimensions.all()
    )
    if used_up:
        with transaction.atomic(durable=True):
            datasets.retire(sealed_set=sealed_set, actor="system", now=now)
