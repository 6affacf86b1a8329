"""Runs, verdicts, evidence and decisions, written as rows: no judge is asked."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from accounts.models import User
from annotation.models import (
    Dataset,
    Item,
)
from annotation.states import (
    Part,
)
from calibration.models import CalibrationReport
from calibration.services import measuring
from judges.models import (
    ApprovalRequest,
    Attempt,
    Call,
    Decision,
    EvidenceSnapshot,
    JudgeVersion,
    Look,
    Probe,
    Run,
    Standing,
    Variant,
    Verdict,
)
from judges.rules.policy import Policy
from judges.rules.probes import arms
from judges.services import combining, probemeasuring
from judges.states import (
    AttemptState,
    CallState,
    DecisionKind,
    GateDecision,
    ProbeKind,
    RequestState,
    RunPurpose,
    RunState,
)
from measurement.intervals import SEED
from tests.builders import NOON
from tests.guards.words import (
    NOW,
    OPEN_ANSWER,
    OPEN_VERDICT_WHY,
    SEALED_ANSWER,
    SEALED_VERDICT_WHY,
)


def finished_run(
    version: JudgeVersion,
    dataset: Dataset,
    items: Sequence[Item],
    *,
    why: str,
    answer: str,
    purpose: RunPurpose = RunPurpose.ORDINARY,
) -> Run:
    """A finished run: each pair in both orders, one attempt each, verdicts, combined labels."""
    run = Run.objects.create(
        project=version.judge.project,
        version=version,
        dataset=dataset,
        purpose=purpose,
        state=RunState.DONE,
        actor=version.author_actor,
        items_planned=len(items),
        calls_planned=2 * len(items),
        started_at=NOON,
        finished_at=NOON + timedelta(minutes=3),
    )
    _fill(run, items, why=why, answer=answer)
    return run


def _fill(run: Run, items: Sequence[Item], *, why: str, answer: str) -> None:
    """Both orders of each pair with an attempt and a verdict, and the combined labels."""
    labels = itertools.cycle(("A", "A", "B", "B", "A", "B"))
    for item, order in itertools.product(items, ("AB", "BA")):
        call = Call.objects.create(
            run=run,
            item=item,
            order=order,
            state=CallState.FINISHED,
            outcome="ok",
            finished_at=NOON + timedelta(minutes=1),
        )
        Attempt.objects.create(
            call=call,
            number=1,
            state=AttemptState.FINAL,
            owner="worker",
            cache_key=f"{call.pk:064d}",
            prompt_digest=f"{call.pk:064d}",
            outcome="ok",
            answer=answer,
            input_tokens=300,
            output_tokens=40,
            cost="0.001",
            latency_ms=250.0,
            sent_at=NOON,
            finished_at=NOON + timedelta(minutes=1),
        )
        Verdict.objects.create(
            call=call,
            dimension_key="preference",
            label=next(labels),
            confidence=0.8,
            rationale=why,
        )
    combining.combine(run.pk, now=NOON + timedelta(minutes=3))
    run.refresh_from_db()


def probe_of(version: JudgeVersion, dataset: Dataset, items: Sequence[Item]) -> Probe:
    """A measured probe of length with its two runs, on what everybody of the staff may read."""
    probe = Probe.objects.create(
        project=version.judge.project,
        version=version,
        dataset=dataset,
        kind=ProbeKind.LENGTH,
        parameters={"factor": 2.0},
        size=len(items),
        seed=1,
        sample=[[item.pk, "A", 0] for item in items],
        key="4" * 64,
        actor=version.author_actor,
    )
    for name, change in arms(ProbeKind.LENGTH, probe.parameters).items():
        run = Run.objects.create(
            project=version.judge.project,
            version=version,
            purpose=RunPurpose.PROBE,
            state=RunState.DONE,
            actor=version.author_actor,
            items_planned=len(items),
            calls_planned=2 * len(items),
            started_at=NOON,
            finished_at=NOON + timedelta(minutes=3),
        )
        Variant.objects.create(probe=probe, run=run, name=name, change=change.as_json())
        _fill(run, items, why=OPEN_VERDICT_WHY, answer=OPEN_ANSWER)
    assert probemeasuring.measure(probe.pk, now=NOON + timedelta(minutes=4))
    probe.refresh_from_db()
    return probe


def running_run(version: JudgeVersion, dataset: Dataset, items: Sequence[Item]) -> Run:
    """A run that a worker holds: every call still waits, but one that failed."""
    run = Run.objects.create(
        project=version.judge.project,
        version=version,
        dataset=dataset,
        state=RunState.RUNNING,
        actor=version.author_actor,
        owner="worker",
        lease_until=NOW + timedelta(minutes=1),
        items_planned=len(items),
        calls_planned=2 * len(items),
        started_at=NOW,
    )
    for item, order in itertools.product(items, ("AB", "BA")):
        Call.objects.create(run=run, item=item, order=order)
    failed = Call.objects.filter(run=run).earliest("pk")
    failed.state, failed.outcome, failed.finished_at = CallState.FINISHED, "invalid", NOW
    failed.problem = "The answer is not the JSON that was asked for."
    failed.save()
    return run


def approvals(
    versions: Sequence[JudgeVersion], dataset: Dataset, lead: User
) -> list[ApprovalRequest]:
    """Three looks: the first failed and was refused, the second stands, the third waits."""
    gates = (GateDecision.FAIL, GateDecision.PASS, GateDecision.PASS)
    made = []
    for number, (version, gate) in enumerate(zip(versions, gates, strict=True), start=1):
        request = _measured(version, dataset, lead, gate=gate, look=number)
        made.append(request)
        if number < len(versions):
            _decide(request, approved=gate is GateDecision.PASS)
    return made


def _measured(
    version: JudgeVersion, dataset: Dataset, lead: User, *, gate: GateDecision, look: int
) -> ApprovalRequest:
    items = list(Item.objects.filter(dataset=dataset, part=Part.SEALED).order_by("pk"))
    run = finished_run(
        version,
        dataset,
        items,
        why=SEALED_VERDICT_WHY,
        answer=SEALED_ANSWER,
        purpose=RunPurpose.APPROVAL,
    )
    request = ApprovalRequest.objects.create(
        project=version.judge.project,
        version=version,
        sealed_set=dataset.sealed_set,
        dimensions=["preference"],
        state=RequestState.MEASURED,
        run=run,
        asked_by=lead,
        actor=lead.actor,
    )
    content = _numbers(run, part=Part.SEALED, gate=gate)
    evidence = EvidenceSnapshot.objects.create(
        request=request,
        version=version,
        run=run,
        sealed_set=dataset.sealed_set,
        dimension_key="preference",
        major=1,
        fingerprint=version.fingerprint,
        gate=gate,
        rule=Policy().as_dict(),
        numbers={key: value for key, value in content.items() if key != "people"},
        seed=SEED,
        labels_digest="1" * 64,
        verdicts_digest="2" * 64,
    )
    Look.objects.create(
        sealed_set=dataset.sealed_set, dimension_key="preference", number=look, evidence=evidence
    )
    CalibrationReport.objects.create(
        project=request.project,
        dataset=dataset,
        run=run,
        request=request,
        content={
            "dimensions": {"preference": content},
            "looks": {"preference": look},
            "cost": {"cost": 0.008, "per_thousand": 2.0, "p95_seconds": 0.25, "calls": 8},
        },
        labels_digest="1" * 64,
        seed=SEED,
    )
    return request


def _numbers(run: Run, *, part: str, gate: GateDecision) -> dict[str, Any]:
    """What measuring gives, with the gate's word put in: few items never pass by themselves."""
    version = run.version.guideline_version
    assert run.dataset is not None
    dimension = version.dimensions.select_related("version").get()
    measured = measuring.measure(run=run, dataset=run.dataset, dimension=dimension, part=part)
    content = measured.content()
    content["gate"]["decision"] = gate
    return content


def _decide(request: ApprovalRequest, *, approved: bool) -> None:
    version = request.version
    decision = Decision.objects.create(
        judge=version.judge,
        version=version,
        request=request,
        kind=DecisionKind.APPROVE if approved else DecisionKind.REFUSE,
        dimensions={"preference": "approve" if approved else "refuse"},
        actor="u0",
        author_actor=version.author_actor,
        reason="Read the report and the single cases of the development part.",
        fingerprint=version.fingerprint,
        valid_until=NOON + timedelta(days=90) if approved else None,
    )
    decision.evidence.set(request.evidence.all())
    request.state = RequestState.DECIDED
    request.save()
    if approved:
        Standing.objects.create(
            judge=version.judge,
            version=version,
            decision=decision,
            dimensions=["preference"],
            since=NOON,
            valid_until=NOON + timedelta(days=90),
        )


def open_report(run: Run) -> CalibrationReport:
    assert run.dataset is not None
    return CalibrationReport.objects.create(
        project=run.project,
        dataset=run.dataset,
        run=run,
        content={
            "dimensions": {"preference": _numbers(run, part="", gate=GateDecision.INSUFFICIENT)},
            "cost": {"cost": 0.012, "per_thousand": 2.0, "p95_seconds": 0.25, "calls": 12},
        },
        labels_digest="3" * 64,
        seed=SEED,
    )
