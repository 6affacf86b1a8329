"""Approval requests, what stands, and what could be asked, as their pages read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.utils.dateformat import format as date_format

from accounts import queries as people_queries
from accounts.models import Project, User
from annotation.models import Dataset, ReferenceLabel, SealedSet, whole
from annotation.states import Part, Provenance
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
    Look,
    Standing,
)
from judges.queries import endings, policies
from judges.rules import exceptions
from judges.states import DecisionKind, GateDecision, RequestState, VersionKind

MOST_LOOKS = 3
OPEN_STATES = (RequestState.ASKED, RequestState.JUDGING, RequestState.MEASURED)
SHOWN_ANSWERED = 50
IN_FORCE = "in force"


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

    ω and ρ with the number of raters that they rest on; `why_not` is empty where it is possible.
    """

    key: str
    name: str
    omega: float | None
    rho: float | None
    epsilon: float
    raters: int
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
    evidence = list(
        EvidenceSnapshot.objects.filter(request=request).select_related("look").order_by("pk")
    )
    report = CalibrationReport.objects.filter(request=request).first()
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
    actors = people_queries.actor_names([request.actor, request.sealed_set.declared_by])
    return ApprovalView(
        request=request,
        asked_by=actors.get(request.actor, request.actor),
        dimensions=drawn,
        report=report,
        decisions=decision_lines(request.decisions.order_by("pk"), request.version),
        standing=Standing.objects.filter(judge=request.version.judge_id).first(),
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
                omega=found["omega"],
                rho=found["rho"],
                epsilon=found["epsilon"],
                raters=len(found["raters"]),
                why_not=exceptions.why_not(row.numbers, least_omega=least),
            )
        )
    return lines


def decision_lines(decisions: Iterable[Decision], version: JudgeVersion) -> list[DecisionLine]:
    rows = list(decisions)
    actors = people_queries.actor_names(row.actor for row in rows)
    names = reports.dimension_names(version)

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
        for row in rows
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
    is_measured = EvidenceSnapshot.objects.filter(version=version).exists()
    return VersionState(
        asked=asked,
        standing_until=f"approved until {date_format(found.valid_until, 'j M')}" if found else "",
        may_be_asked=version.kind != VersionKind.RECORDED and not (is_open or is_measured),
    )


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
    requests = (
        ApprovalRequest.objects.filter(project=project)
        .select_related("version__judge", "version__guideline_version", "sealed_set__dataset")
        .prefetch_related("evidence", "decisions", "version__guideline_version__dimensions")
        .order_by("-pk")[:SHOWN_ANSWERED]
    )
    rows = list(requests)
    actors = people_queries.actor_names(row.actor for row in rows)
    lines = [_request_line(row, actors) for row in rows]
    return Approvals(
        waiting=[line for line in lines if line.request.state in OPEN_STATES],
        standing=_standings(project, now=now),
        answered=[line for line in lines if line.request.state not in OPEN_STATES],
        revoked=_revoked(project),
    )


def _request_line(row: ApprovalRequest, actors: Mapping[str, str]) -> RequestLine:
    names = {one.key: one.name for one in row.version.guideline_version.dimensions.all()}
    decided = decision_lines(row.decisions.all(), row.version)
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


# Asking -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SealedChoice:
    """A sealed set that could be asked, and how many looks each dimension has used."""

    sealed_set: SealedSet
    items: int
    used: dict[str, int]
    most: int

    @property
    def next_levels(self) -> dict[str, tuple[int, str]]:
        """For each dimension with a look left: its number and the level of its bound."""
        return {
            key: (used + 1, self.level(used + 1))
            for key, used in self.used.items()
            if used < self.most
        }

    def level(self, look: int) -> str:
        error = 0.05 if self.most == 1 else 0.05 / 2**look
        return f"{(1 - error) * 100:g}\N{NO-BREAK SPACE}%"


def sealed_choices(version: JudgeVersion) -> list[SealedChoice]:
    """The project's live sealed sets with labels for the version's guideline."""
    guideline = version.guideline_version
    sets = list(
        SealedSet.objects.filter(dataset__project=version.judge.project_id, retired_at__isnull=True)
        .select_related("dataset")
        .order_by("pk")
    )
    keys = list(reports.dimension_names(version))
    choices = []
    for one in sets:
        if not _has_sealed_labels(one.dataset, guideline.guideline_id, guideline.major):
            continue
        looks = dict(
            Look.objects.filter(sealed_set=one).values_list("dimension_key").annotate(n=Count("pk"))
        )
        choices.append(
            SealedChoice(
                sealed_set=one,
                items=one.dataset.items.filter(
                    whole(), part=Part.SEALED, withdrawn_at__isnull=True
                ).count(),
                used={key: looks.get(key, 0) for key in keys},
                most=most_looks(one),
            )
        )
    return choices


def _has_sealed_labels(dataset: Dataset, guideline_id: int, major: int) -> bool:
    return ReferenceLabel.objects.filter(
        item__dataset=dataset, item__part=Part.SEALED, guideline=guideline_id, major=major
    ).exists()


PROVENANCE_WORDS: dict[str, str] = {
    Provenance.COLLECTED: "collected here, blind",
    Provenance.DECLARED: "imported, declared unused in writing a judge",
    Provenance.SIMULATED: "simulated raters",
}
