"""What an admin decides about a measured version, and what then stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.models import Membership, User
from annotation.states import VersionState
from core import audit
from core.errors import Conflict, Invalid, NotAllowed
from judges.models import (
    ApprovalRequest,
    Decision,
    EvidenceSnapshot,
    Judge,
    JudgeVersion,
    Standing,
)
from judges.queries import authors, policies
from judges.rules import exceptions
from judges.rules.policy import Policy
from judges.states import DecisionKind, GateDecision, RequestState

MOST_REASON = 4000


@transaction.atomic(durable=True)
def decide(
    *,
    request_id: int,
    approve: frozenset[str],
    reason: str,
    by: User,
    now: datetime,
    may_shrink: bool = False,
    excepted: frozenset[str] = frozenset(),
) -> Decision:
    """Approve the named dimensions of a measured request and refuse its others, in one act.

    `excepted` are approved by exception: their target is out of reach with these labels, every
    guard holds and the alternative annotator test speaks for the judge.
    Raises Invalid without a reason; NotAllowed for whoever wrote this version, or its twin under
    another judge; Conflict when the request was decided already, when a dimension to approve did
    not pass the gate or carries no exception, when the guideline has a new major version, or when
    the approval would cover fewer dimensions than the one in force and `may_shrink` is not said.
    """
    request = ApprovalRequest.objects.select_related("version__judge").get(pk=request_id)
    version = request.version
    reason = checked_reason(reason)
    check_decider(by, version)
    # Requests of one judge stand in line: the second is held against what the first put in force.
    Judge.objects.select_for_update(no_key=True).only("pk").get(pk=version.judge_id)
    policy = policies.current(version.judge.project_id)
    evidence = {row.dimension_key: row for row in EvidenceSnapshot.objects.filter(request=request)}
    _check_approvable(approve, evidence)
    _check_exceptable(excepted, evidence, policy)
    covered = approve | excepted
    if covered:
        _check_guideline(version)
        _check_coverage(version, covered, may_shrink=may_shrink)
    _close_request(request)
    valid_until = now + timedelta(days=policy.valid_days) if covered else None
    decision = Decision.objects.create(
        judge=version.judge,
        version=version,
        request=request,
        kind=_kind(approve, excepted),
        dimensions={key: _said(key, approve, excepted) for key in sorted(evidence)},
        actor=by.actor,
        author_actor=version.author_actor,
        reason=reason,
        fingerprint=version.fingerprint,
        valid_until=valid_until,
        policy=policy_told(policy),
    )
    decision.evidence.set(evidence.values())
    if valid_until is not None:
        _put_in_force(decision, covered, now=now, valid_until=valid_until)
    record(decision, request)
    return decision


@transaction.atomic(durable=True)
def revoke(*, standing_id: int, reason: str, by: User, now: datetime) -> Decision:
    """End what stands. The API refuses from the next request on."""
    # Locked: an approval at the same moment puts another version on this row.
    standing = (
        Standing.objects.select_for_update(of=("self",))
        .select_related("judge", "version")
        .filter(pk=standing_id)
        .first()
    )
    if standing is None:
        raise Conflict("not_standing", "No approval stands for this judge any more.")
    check_decider(by, standing.version)
    decision = about_standing(
        standing, kind=DecisionKind.REVOKE, actor=by.actor, reason=checked_reason(reason)
    )
    standing.delete()
    return decision


def about_standing(standing: Standing, *, kind: DecisionKind, actor: str, reason: str) -> Decision:
    """Write a decision about what stands, on the evidence that it stands on, and its audit row.

    The standing must be loaded with its judge and version; the caller changes it.
    """
    decision = Decision.objects.create(
        judge=standing.judge,
        version=standing.version,
        kind=kind,
        dimensions=dict.fromkeys(standing.dimensions, kind.value),
        actor=actor,
        author_actor=standing.version.author_actor,
        reason=reason,
        fingerprint=standing.version.fingerprint,
        policy=policy_told(policies.current(standing.judge.project_id)),
    )
    decision.evidence.set(EvidenceSnapshot.objects.filter(decisions=standing.decision_id))
    record(decision, None)
    return decision


def policy_told(policy: Policy) -> dict[str, Any]:
    """The policy as a decision keeps it: its number and what it says of approvals."""
    return {
        "number": policy.number,
        "valid_days": policy.valid_days,
        "least_omega": policy.least_omega,
        "drift_drop": policy.drift_drop,
        "drift_limit": policy.drift_limit,
    }


def check_decider(by: User, version: JudgeVersion) -> None:
    is_admin = Membership.objects.filter(
        project=version.judge.project_id, user=by, user__is_active=True, is_admin=True
    ).exists()
    if not is_admin:
        raise NotAllowed("Only an admin of the project decides about a judge.")
    if authors.wrote_the_same(version, by.actor):
        raise NotAllowed("The author of a version never decides about it; ask another admin.")


def checked_reason(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise Invalid(
            "reason_missing",
            "A decision carries a reason: write what made you decide so.",
            {"reason": ["Write a reason."]},
        )
    if len(reason) > MOST_REASON:
        raise Invalid(
            "reason_too_long",
            f"The reason has {len(reason)} characters; at most {MOST_REASON} are kept.",
            {"reason": [f"At most {MOST_REASON} characters."]},
        )
    return reason


def _check_approvable(approve: frozenset[str], evidence: Mapping[str, EvidenceSnapshot]) -> None:
    for key in sorted(approve):
        measured = evidence.get(key)
        if measured is None:
            raise Conflict("no_evidence", f"The request has no evidence for {key!r}.")
        if measured.gate != GateDecision.PASS:
            raise Conflict(
                "gate_not_passed",
                f"{key!r} did not pass the gate, so it cannot be approved. Refuse it, or ask for "
                "a look at an improved version.",
            )


def _check_exceptable(
    excepted: frozenset[str], evidence: Mapping[str, EvidenceSnapshot], policy: Policy
) -> None:
    for key in sorted(excepted):
        measured = evidence.get(key)
        if measured is None:
            raise Conflict("no_evidence", f"The request has no evidence for {key!r}.")
        why_not = exceptions.why_not(measured.numbers, least_omega=policy.least_omega)
        if why_not:
            raise Conflict("no_exception", f"{key!r}: {why_not}")


def _kind(approve: frozenset[str], excepted: frozenset[str]) -> DecisionKind:
    if excepted:
        return DecisionKind.EXCEPTION
    return DecisionKind.APPROVE if approve else DecisionKind.REFUSE


def _said(key: str, approve: frozenset[str], excepted: frozenset[str]) -> str:
    if key in excepted:
        return DecisionKind.EXCEPTION.value
    return DecisionKind.APPROVE.value if key in approve else DecisionKind.REFUSE.value


def _check_guideline(version: JudgeVersion) -> None:
    judged_by = version.guideline_version
    in_force = judged_by.guideline.versions.filter(state=VersionState.PUBLISHED).first()
    if in_force is None or in_force.major != judged_by.major:
        raise Conflict(
            "guideline_moved_on",
            f"This version judges by guideline version {judged_by.number}, which a new major "
            "version replaced. Refuse it, and ask for a version that follows the new one.",
        )


def _check_coverage(version: JudgeVersion, approve: frozenset[str], *, may_shrink: bool) -> None:
    standing = Standing.objects.filter(judge=version.judge).first()
    lost = set(standing.dimensions) - approve if standing else set()
    if lost and not may_shrink:
        raise Conflict(
            "covers_less",
            f"The approval in force also covers {', '.join(sorted(lost))}; with this one the API "
            "would refuse them. Confirm this to go on.",
        )


def _close_request(request: ApprovalRequest) -> None:
    """Two admins decide at once: the row takes the first."""
    changed = ApprovalRequest.objects.filter(pk=request.pk, state=RequestState.MEASURED).update(
        state=RequestState.DECIDED
    )
    if changed != 1:
        raise Conflict(
            "not_waiting",
            "This request does not wait for a decision: it was decided already, or its numbers "
            "are not there yet.",
        )


def _put_in_force(
    decision: Decision, covered: frozenset[str], *, now: datetime, valid_until: datetime
) -> None:
    Standing.objects.update_or_create(
        judge=decision.judge,
        defaults={
            "version": decision.version,
            "decision": decision,
            "dimensions": sorted(covered),
            "is_suspended": False,
            "since": now,
            "valid_until": valid_until,
        },
    )


def record(decision: Decision, request: ApprovalRequest | None) -> None:
    audit.record(
        actor=decision.actor,
        verb=f"judge.{decision.kind}",
        object_type="decision",
        object_id=decision.pk,
        project_id=decision.judge.project_id,
        data={
            "judge": decision.judge.slug,
            "version": decision.version.number,
            "fingerprint": decision.fingerprint,
            "dimensions": decision.dimensions,
            "reason": decision.reason,
            "request": request.pk if request else None,
        },
    )
