"""What an admin decides about a measured version, and what then stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Membership, User
from annotation.states import VersionState
from core import audit
from core.errors import Conflict, Invalid, NotAllowed
from judges.models import ApprovalRequest, Decision, EvidenceSnapshot, JudgeVersion, Standing
from judges.states import DecisionKind, GateDecision, RequestState

VALID_FOR = timedelta(days=90)
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
) -> Decision:
    """Approve the named dimensions of a measured request and refuse its others, in one act.

    Raises Invalid without a reason; NotAllowed for whoever wrote this version, or its twin under
    another judge; Conflict when the request was decided already, when a dimension to approve did
    not pass the gate, when the guideline has a new major version, or when the approval would cover
    fewer dimensions than the one in force and `may_shrink` is not said.
    """
    request = ApprovalRequest.objects.select_related("version__judge").get(pk=request_id)
    version = request.version
    reason = _checked_reason(reason)
    _check_decider(by, version)
    evidence = {row.dimension_key: row for row in EvidenceSnapshot.objects.filter(request=request)}
    _check_approvable(approve, evidence)
    if approve:
        _check_guideline(version)
        _check_coverage(version, approve, may_shrink=may_shrink)
    _close_request(request)
    decision = Decision.objects.create(
        judge=version.judge,
        version=version,
        request=request,
        kind=DecisionKind.APPROVE if approve else DecisionKind.REFUSE,
        dimensions={key: "approve" if key in approve else "refuse" for key in sorted(evidence)},
        actor=by.actor,
        author_actor=version.author_actor,
        reason=reason,
        fingerprint=version.fingerprint,
        valid_until=now + VALID_FOR if approve else None,
    )
    decision.evidence.set(evidence.values())
    if approve:
        _put_in_force(decision, approve, now=now)
    _record(decision, request)
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
    _check_decider(by, standing.version)
    decision = Decision.objects.create(
        judge=standing.judge,
        version=standing.version,
        kind=DecisionKind.REVOKE,
        dimensions=dict.fromkeys(standing.dimensions, "revoke"),
        actor=by.actor,
        author_actor=standing.version.author_actor,
        reason=_checked_reason(reason),
        fingerprint=standing.version.fingerprint,
    )
    standing.delete()
    _record(decision, None)
    return decision


def _check_decider(by: User, version: JudgeVersion) -> None:
    is_admin = Membership.objects.filter(
        project=version.judge.project_id, user=by, user__is_active=True, is_admin=True
    ).exists()
    if not is_admin:
        raise NotAllowed("Only an admin of the project decides about a judge.")
    same = JudgeVersion.objects.filter(
        judge__project=version.judge.project_id, fingerprint=version.fingerprint
    )
    if by.actor == version.author_actor or same.filter(author_actor=by.actor).exists():
        raise NotAllowed("The author of a version never decides about it; ask another admin.")


def _checked_reason(reason: str) -> str:
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


def _put_in_force(decision: Decision, approve: frozenset[str], *, now: datetime) -> None:
    Standing.objects.update_or_create(
        judge=decision.judge,
        defaults={
            "version": decision.version,
            "decision": decision,
            "dimensions": sorted(approve),
            "is_suspended": False,
            "since": now,
            "valid_until": now + VALID_FOR,
        },
    )


def _record(decision: Decision, request: ApprovalRequest | None) -> None:
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
