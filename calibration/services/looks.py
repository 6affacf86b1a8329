"""Looks: a finished sealed run becomes frozen evidence, counted, at the level of its number.

The sealed set's row is locked wherever a look is prepared or written, so that two requests,
a retirement and an amended rating stand in one line.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from annotation.models import Dimension, SealedSet
from annotation.services import datasets
from annotation.states import Part
from calibration.models import CalibrationReport
from calibration.queries import reportprobes, tables
from calibration.services import measuring
from calibration.services.measuring import Measured
from core import audit
from judges.models import ApprovalRequest, Call, EvidenceSnapshot, Look, Run
from judges.states import RequestState
from measurement.intervals import SEED

MOST_LOOKS = 3
TRIES = MOST_LOOKS + 1


def take(request: ApprovalRequest, dimensions: list[Dimension], *, now: datetime) -> None:
    """Measure a request whose run is done; or end it with the reason why there is no look.

    The request must be loaded with its run, version and sealed set. Safe to run twice.
    """
    ended = _prepare(request, dimensions, now=now)
    # One-shot may be declared until the labels are frozen, which they are from here on.
    request.sealed_set.refresh_from_db(fields=["is_one_shot"])
    for _ in range(TRIES):
        if ended:
            return
        numbers = {dimension.key: _next_number(request, dimension) for dimension in dimensions}
        why_not = _why_no_look(request, dimensions, numbers)
        if why_not:
            end(request, RequestState.WITHDRAWN, why_not)
            return
        measured = _measured(request, dimensions, numbers)
        unready = [key for key, one in measured.items() if _is_insufficient(one)]
        if unready:
            end(request, RequestState.INSUFFICIENT, measured[unready[0]].alignment.gate.because)
            return
        ended = _write(request, numbers, measured, now=now)


def end(request: ApprovalRequest, state: RequestState, problem: str) -> None:
    """End a request that gets no evidence, with its reason; no look is counted."""
    with transaction.atomic(durable=True):
        changed = ApprovalRequest.objects.filter(pk=request.pk, state=RequestState.JUDGING).update(
            state=state, problem=problem
        )
        if changed:
            audit.record(
                actor="system",
                verb=f"approval.{state.value}",
                object_type="approval_request",
                object_id=request.pk,
                project_id=request.project_id,
                data={"problem": problem},
            )


def why_insufficient(sealed_set: SealedSet, dimensions: list[Dimension]) -> str:
    """What is missing before a look is worth it, known without a verdict; empty: nothing."""
    sentences = []
    for dimension in dimensions:
        ready = measuring.readiness(
            dataset=sealed_set.dataset, dimension=dimension, part=Part.SEALED
        )
        if not ready.is_sufficient:
            sentences.append(f"{dimension.name}: {ready.because}")
    return " ".join(sentences)


def _prepare(request: ApprovalRequest, dimensions: list[Dimension], *, now: datetime) -> bool:
    """Check once more without a verdict, then freeze the labels; true when the request ended."""
    with transaction.atomic(durable=True):
        sealed_set = _locked(request)
        missing = ""
        if sealed_set.retired_at is None:
            missing = _grown(request) or why_insufficient(sealed_set, dimensions)
        if sealed_set.retired_at is None and not missing:
            datasets.freeze(sealed_set=sealed_set, now=now)
            return False
    if missing:
        end(request, RequestState.INSUFFICIENT, missing)
    else:
        end(request, RequestState.WITHDRAWN, "The sealed set was retired meanwhile.")
    return True


def _locked(request: ApprovalRequest) -> SealedSet:
    return (
        SealedSet.objects.select_for_update(of=("self",))
        .select_related("dataset")
        .get(pk=request.sealed_set_id)
    )


def _grown(request: ApprovalRequest) -> str:
    """Items that came into the sealed part after the run was planned have no verdict."""
    judged = Call.objects.filter(run=request.run).values("item_id")
    late = tables.judgeable(request.sealed_set.dataset, Part.SEALED).exclude(pk__in=judged).count()
    if not late:
        return ""
    return (
        f"{late} sealed items came in after the judge's run was planned. Ask again: the next run "
        "takes them in."
    )


def _next_number(request: ApprovalRequest, dimension: Dimension) -> int:
    taken = Look.objects.filter(sealed_set=request.sealed_set_id, dimension_key=dimension.key)
    return taken.count() + 1


def _why_no_look(
    request: ApprovalRequest, dimensions: list[Dimension], numbers: Mapping[str, int]
) -> str:
    sealed_set = SealedSet.objects.get(pk=request.sealed_set_id)
    most = 1 if sealed_set.is_one_shot else MOST_LOOKS
    if sealed_set.retired_at is not None:
        return "The sealed set was retired meanwhile."
    for dimension in dimensions:
        if numbers[dimension.key] > most:
            return f"Other requests took the last look at {dimension.name} meanwhile."
    same = _same_fingerprint(request, list(numbers)).first()
    if same is not None:
        return (
            f"The same version was measured meanwhile in request {same.request_id}; its answer "
            "stands."
        )
    return ""


def _same_fingerprint(request: ApprovalRequest, keys: list[str]) -> QuerySet[EvidenceSnapshot]:
    return EvidenceSnapshot.objects.filter(
        sealed_set=request.sealed_set_id,
        fingerprint=request.version.fingerprint,
        major=request.version.guideline_version.major,
        dimension_key__in=keys,
    ).order_by("pk")


def _measured(
    request: ApprovalRequest, dimensions: list[Dimension], numbers: Mapping[str, int]
) -> dict[str, Measured]:
    return {
        dimension.key: measuring.measure(
            run=_run(request),
            dataset=request.sealed_set.dataset,
            dimension=dimension,
            part=Part.SEALED,
            look=numbers[dimension.key],
            one_shot=request.sealed_set.is_one_shot,
        )
        for dimension in dimensions
    }


def _run(request: ApprovalRequest) -> Run:
    assert request.run is not None
    return request.run


def _is_insufficient(one: Measured) -> bool:
    return one.alignment.gate.decision == "insufficient"


def _write(
    request: ApprovalRequest,
    numbers: Mapping[str, int],
    measured: Mapping[str, Measured],
    *,
    now: datetime,
) -> bool:
    """Evidence, looks, report and, when it is used up, the set's retirement: one transaction.

    False when another request took a look meanwhile, or somebody changed the policy before the
    set's first look: measure again, at the next level or by the new rule.
    """
    with transaction.atomic(durable=True):
        sealed_set = _locked(request)
        taken = {
            key: Look.objects.filter(sealed_set=sealed_set, dimension_key=key).count()
            for key in numbers
        }
        is_stale = any(number != taken[key] + 1 for key, number in numbers.items())
        is_taken = _same_fingerprint(request, list(numbers)).exists()
        in_force = measuring.policy_of(sealed_set.dataset)
        is_stale = is_stale or any(found.policy != in_force for found in measured.values())
        if is_stale or is_taken or sealed_set.retired_at is not None:
            return False
        changed = ApprovalRequest.objects.filter(pk=request.pk, state=RequestState.JUDGING).update(
            state=RequestState.MEASURED
        )
        if changed != 1:
            return True
        for key, found in measured.items():
            evidence = _evidence(request, key, found)
            Look.objects.create(
                sealed_set=sealed_set, dimension_key=key, number=numbers[key], evidence=evidence
            )
        _report(request, numbers, measured)
        if _is_used_up(request, sealed_set):
            datasets.retire(sealed_set=sealed_set, actor="system", now=now)
    return True


def _evidence(request: ApprovalRequest, key: str, found: Measured) -> EvidenceSnapshot:
    return EvidenceSnapshot.objects.create(
        request=request,
        version=request.version,
        run=_run(request),
        sealed_set_id=request.sealed_set_id,
        dimension_key=key,
        major=request.version.guideline_version.major,
        fingerprint=request.version.fingerprint,
        gate=found.alignment.gate.decision,
        rule=found.policy.as_dict(),
        policy_number=found.policy.number,
        numbers=found.alignment.as_dict(),
        seed=SEED,
        labels_digest=found.labels_digest,
        verdicts_digest=found.verdicts_digest,
    )


def _report(
    request: ApprovalRequest, numbers: Mapping[str, int], measured: Mapping[str, Measured]
) -> None:
    CalibrationReport.objects.create(
        project=request.project,
        dataset=request.sealed_set.dataset,
        run=_run(request),
        request=request,
        content={
            "dimensions": {key: found.content() for key, found in measured.items()},
            "looks": dict(numbers),
            "cost": tables.cost_and_speed(_run(request)),
            "probes": reportprobes.of_version(request.version),
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
            "looks": dict(numbers),
            "decisions": {key: found.alignment.gate.decision for key, found in measured.items()},
        },
    )


def _is_used_up(request: ApprovalRequest, sealed_set: SealedSet) -> bool:
    """A one-shot set is spent by its one request; any set when no dimension has a look left."""
    if sealed_set.is_one_shot:
        return True
    return all(
        Look.objects.filter(sealed_set=sealed_set, dimension_key=dimension.key).count()
        >= MOST_LOOKS
        for dimension in request.version.guideline_version.dimensions.all()
    )
