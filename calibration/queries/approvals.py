"""Approval requests and what stands, as their pages read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, QuerySet, prefetch_related_objects
from django.utils.dateformat import format as date_format

from accounts import queries as people_queries
from accounts.models import Project, User
from annotation.models import SealedSet
from annotation.states import Provenance
from calibration.models import CalibrationReport
from calibration.queries import pictures, reports
from calibration.queries.pictures import DimensionView
from calibration.rules import visibility
from calibration.states import ReportForm
from judges.models import (
    ApprovalRequest,
    Decision,
    EvidenceSnapshot,
    JudgeVersion,
    Standing,
)
from judges.queries import endings, policies
from judges.rules import exceptions
from judges.states import DecisionKind, GateDecision, RequestState, VersionKind

MOST_LOOKS = 3
OPEN_STATES = (RequestState.ASKED, RequestState.JUDGING, RequestState.MEASURED)
SHOWN_ANSWERED = 50
IN_FORCE = "in force"
SHOWN_WAITING = 500
PROVENANCE_WORDS: dict[str, str] = {
    Provenance.COLLECTED: "collected here, blind",
    Provenance.DECLARED: "imported, declared unused in writing a judge",
    Provenance.SIMULATED: "simulated raters",
}


@dataclass(frozen=True, slots=True)
class LookLine:
    """One dimension's look: which one it was, how many there are, at what level."""

    name: str
    number: int
    most: int

    @property
    def left(self) -> int:
        return max(0, self.most - self.number)


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """A decision with the name of its person as it is today."""

    decision: Decision
    who: str
    approved: tuple[str, ...]
    refused: tuple[str, ...]
    excepted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExceptionLine:
    """A dimension whose target is out of reach: what speaks for an exception, or against it.

    ω and ρ with missing verdicts scored worst, and the number of raters that they rest on;
    `least_omega` is what the policy asks. `why_not` is empty where it is possible.
    """

    key: str
    name: str
    omega: float | None
    rho: float | None
    epsilon: float
    raters: int
    least_omega: float
    why_not: str


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """What one person may read of one request. `dimensions` are cut to `form` in the template:
    `full` holds only those whose whole report this person reads."""

    request: ApprovalRequest
    asked_by: str
    dimensions: list[tuple[DimensionView, ReportForm, LookLine]]
    report: CalibrationReport | None
    decisions: list[DecisionLine]
    standing: Standing | None
    provenance: str
    declared_by: str
    cost: Mapping[str, Any]
    exceptions: list[ExceptionLine]

    @property
    def passed(self) -> list[DimensionView]:
        return [view for view, _, _ in self.dimensions if view.is_passed]

    @property
    def is_waiting(self) -> bool:
        return self.request.state == RequestState.MEASURED


def approval(request: ApprovalRequest, *, is_admin: bool, is_judge_author: bool) -> ApprovalView:
    """One request with its evidence, in the forms that this person may read."""
    (view,) = approval_views([request], is_admin=is_admin, is_judge_author=is_judge_author)
    return view


def approval_views(
    requests: Sequence[ApprovalRequest], *, is_admin: bool, is_judge_author: bool
) -> list[ApprovalView]:
    """The same of several requests, in as many queries as one takes."""
    prefetch_related_objects(
        requests,
        Prefetch(
            "evidence", queryset=EvidenceSnapshot.objects.select_related("look").order_by("pk")
        ),
        "report",
        "sealed_set__dataset",
        Prefetch("decisions", queryset=Decision.objects.order_by("pk")),
        "version__guideline_version__dimensions",
        "version__judge__standing",
    )
    actors = people_queries.actor_names(
        actor
        for request in requests
        for actor in (
            request.actor,
            request.sealed_set.declared_by,
            *(decision.actor for decision in request.decisions.all()),
        )
    )
    return [
        _approval(request, actors, is_admin=is_admin, is_judge_author=is_judge_author)
        for request in requests
    ]


def _approval(
    request: ApprovalRequest, actors: Mapping[str, str], *, is_admin: bool, is_judge_author: bool
) -> ApprovalView:
    evidence = list(request.evidence.all())
    report: CalibrationReport | None = getattr(request, "report", None)
    content = report.content if report is not None else {}
    stored = content.get("dimensions", {})
    numbers = {
        row.dimension_key: {**stored.get(row.dimension_key, {}), **row.numbers} for row in evidence
    }
    looks = {row.dimension_key: row.look.number for row in evidence}
    most = most_looks(request.sealed_set)
    drawn = [
        (
            view,
            visibility.form_of(
                gate=view.gate,
                is_sealed=True,
                is_admin=is_admin,
                is_judge_author=is_judge_author,
            ),
            LookLine(view.name, looks[view.key], most),
        )
        for view in pictures.views_of(request.version, numbers, probes=content.get("probes"))
    ]
    return ApprovalView(
        request=request,
        asked_by=actors.get(request.actor, request.actor),
        dimensions=drawn,
        report=report,
        decisions=_decision_lines(request, actors),
        standing=getattr(request.version.judge, "standing", None),
        provenance=request.sealed_set.provenance,
        declared_by=actors.get(request.sealed_set.declared_by, ""),
        cost=content.get("cost", {}),
        exceptions=_exceptions(request, evidence),
    )


def _exceptions(request: ApprovalRequest, evidence: list[EvidenceSnapshot]) -> list[ExceptionLine]:
    """For whoever decides: while a request waits, its dimensions that nobody could have passed."""
    rows = [row for row in evidence if row.gate == GateDecision.UNATTAINABLE]
    if not rows or request.state != RequestState.MEASURED:
        return []
    names = reports.dimension_names(request.version)
    least = policies.current(request.project_id).least_omega
    lines = []
    for row in rows:
        found = row.numbers["alt_test"]
        lines.append(
            ExceptionLine(
                key=row.dimension_key,
                name=names.get(row.dimension_key, row.dimension_key),
                omega=found["strict"]["omega"],
                rho=found["strict"]["rho"],
                epsilon=found["epsilon"],
                raters=len(found["raters"]),
                least_omega=least,
                why_not=exceptions.why_not(row.numbers, least_omega=least),
            )
        )
    return lines


def _decision_lines(request: ApprovalRequest, actors: Mapping[str, str]) -> list[DecisionLine]:
    names = reports.dimension_names(request.version)

    def those(row: Decision, word: str) -> tuple[str, ...]:
        return tuple(names.get(key, key) for key, said in row.dimensions.items() if said == word)

    return [
        DecisionLine(
            row,
            actors[row.actor],
            those(row, "approve"),
            those(row, "refuse"),
            those(row, "exception"),
        )
        for row in request.decisions.all()
    ]


def most_looks(sealed_set: SealedSet) -> int:
    """How many looks each dimension of a set has in all."""
    return 1 if sealed_set.is_one_shot else MOST_LOOKS


def has_authored(project: Project, user: User) -> bool:
    """Whether this person wrote any judge version of the project."""
    return JudgeVersion.objects.filter(judge__project=project, author_actor=user.actor).exists()


@dataclass(frozen=True, slots=True)
class VersionState:
    """Where one version stands, for the list of judges; `standing_until` in words, or nothing."""

    asked: ApprovalRequest | None
    standing_until: str
    may_be_asked: bool


def state_of(version: JudgeVersion, *, now: datetime) -> VersionState:
    asked = version.approval_requests.order_by("-pk").first()
    found = (
        Standing.objects.filter(version=version, is_suspended=False, valid_until__gt=now)
        .select_related("version__guideline_version")
        .first()
    )
    if found is not None and endings.why_over(found, now=now):
        found = None
    is_open = asked is not None and asked.state in OPEN_STATES
    return VersionState(
        asked=asked,
        standing_until=f"approved until {date_format(found.valid_until, 'j M')}" if found else "",
        may_be_asked=version.kind != VersionKind.RECORDED
        and not is_open
        and not _is_measured(version),
    )


def _is_measured(version: JudgeVersion) -> bool:
    """Whether asking would tell nothing new: on every live set each dimension has its answer."""
    evidence = EvidenceSnapshot.objects.filter(
        fingerprint=version.fingerprint,
        major=version.guideline_version.major,
        sealed_set__dataset__project=version.judge.project_id,
    )
    answered = set(evidence.values_list("sealed_set", "dimension_key"))
    if not answered:
        return False
    live = SealedSet.objects.filter(
        dataset__project=version.judge.project_id, retired_at__isnull=True
    )
    keys = reports.dimension_names(version)
    return all((one, key) in answered for one in live.values_list("pk", flat=True) for key in keys)


# Approvals of a project ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RequestLine:
    """One request in the list, with what the gate said where it was asked."""

    request: ApprovalRequest
    asked_by: str
    gates: tuple[tuple[str, str], ...]
    decision: DecisionLine | None


@dataclass(frozen=True, slots=True)
class StandingLine:
    standing: Standing
    dimensions: tuple[str, ...]
    state: str
    because: str
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class Approvals:
    waiting: list[RequestLine]
    standing: list[StandingLine]
    answered: list[RequestLine]
    revoked: list[DecisionLine]

    @property
    def in_force(self) -> int:
        """How many judges may answer now."""
        return sum(line.state == IN_FORCE for line in self.standing)

    @property
    def is_empty(self) -> bool:
        return not (self.waiting or self.standing or self.answered)


def approvals(project: Project, *, now: datetime) -> Approvals:
    """What waits, what stands until when, what was answered and why."""
    waiting, answered = _request_lines(
        waiting_of(project)[:SHOWN_WAITING], answered_of(project)[:SHOWN_ANSWERED]
    )
    return Approvals(
        waiting=waiting,
        standing=_standings(project, now=now),
        answered=answered,
        revoked=_revoked(project),
    )


def waiting_of(project: Project) -> QuerySet[ApprovalRequest]:
    """Requests without an answer, newest first: none is hidden behind answered ones."""
    return _requests(project).filter(state__in=OPEN_STATES)


def answered_of(project: Project) -> QuerySet[ApprovalRequest]:
    return _requests(project).exclude(state__in=OPEN_STATES)


def _requests(project: Project) -> QuerySet[ApprovalRequest]:
    return (
        ApprovalRequest.objects.filter(project=project)
        .select_related("version__judge", "version__guideline_version", "sealed_set__dataset")
        .order_by("-pk")
    )


def _request_lines(*groups: Iterable[ApprovalRequest]) -> list[list[RequestLine]]:
    """The lines of each group, in as many queries as one request takes."""
    listed = [list(group) for group in groups]
    rows = [row for group in listed for row in group]
    prefetch_related_objects(
        rows,
        Prefetch(
            "evidence", queryset=EvidenceSnapshot.objects.defer("numbers", "rule").order_by("pk")
        ),
        Prefetch("decisions", queryset=Decision.objects.order_by("pk")),
        "version__guideline_version__dimensions",
    )
    actors = people_queries.actor_names(
        actor
        for row in rows
        for actor in (row.actor, *(decision.actor for decision in row.decisions.all()))
    )
    return [[_request_line(row, actors) for row in group] for group in listed]


def _request_line(row: ApprovalRequest, actors: Mapping[str, str]) -> RequestLine:
    names = reports.dimension_names(row.version)
    decided = _decision_lines(row, actors)
    return RequestLine(
        request=row,
        asked_by=actors.get(row.actor, row.actor),
        gates=tuple(
            (names.get(found.dimension_key, found.dimension_key), found.gate)
            for found in row.evidence.all()
        ),
        decision=decided[0] if decided else None,
    )


def _standings(project: Project, *, now: datetime) -> list[StandingLine]:
    rows = list(
        Standing.objects.filter(judge__project=project)
        .select_related("judge__guideline", "version__guideline_version", "decision")
        .prefetch_related("version__guideline_version__dimensions")
        .order_by("judge__name")
    )
    actors = people_queries.actor_names(row.decision.actor for row in rows)
    over = endings.why_over_each(rows, now=now)
    lines = []
    for row in rows:
        names = reports.dimension_names(row.version)
        lines.append(
            StandingLine(
                standing=row,
                dimensions=tuple(names.get(key, key) for key in row.dimensions),
                state=_standing_state(row, over[row.pk]),
                because=over[row.pk],
                who=actors[row.decision.actor],
                reason=row.decision.reason,
            )
        )
    return lines


def _standing_state(row: Standing, over: str) -> str:
    if row.is_suspended:
        return "suspended"
    return "ended" if over else IN_FORCE


def _revoked(project: Project) -> list[DecisionLine]:
    rows = list(
        Decision.objects.filter(judge__project=project, kind=DecisionKind.REVOKE)
        .select_related("judge", "version")
        .order_by("-pk")[:SHOWN_ANSWERED]
    )
    actors = people_queries.actor_names(row.actor for row in rows)
    return [DecisionLine(row, actors[row.actor], (), ()) for row in rows]
