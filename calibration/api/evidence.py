"""Agreement, reports and approvals for machines: what any member may read, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Project
from accounts.permissions import TokenDoor, token_of
from accounts.roles import Scope
from annotation.models import Round
from annotation.queries.rounds import is_large
from calibration import access
from calibration.api import serializers
from calibration.models import CalibrationReport
from calibration.queries import agreement, approvals, reports
from calibration.queries.agreement import RoundAgreement
from calibration.queries.approvals import ApprovalView, LookLine
from calibration.queries.pictures import DimensionView
from calibration.services import certificates, roundfigures
from calibration.states import ReportForm
from core.api import ErrorOutput
from core.errors import NotHere, NotReady
from judges.models import ApprovalRequest


class ReadView(APIView):
    """Every operation here reads with a token of the project."""

    permission_classes = (TokenDoor,)
    scope = Scope.READ


class NewestAgreementView(ReadView):
    @extend_schema(
        operation_id="agreement",
        tags=["calibration"],
        responses={200: serializers.AgreementOutput, 404: ErrorOutput, 409: ErrorOutput},
    )
    def get(self, request: Request, slug: str) -> Response:
        """Every agreement figure of the newest round with labels, as `rounds_agreement` has it."""
        round_ = agreement.newest(project_id=_project(request).pk)
        if round_ is None:
            raise NotHere("No round of this project holds labels yet.")
        return Response(_agreement(request, round_))


class AgreementView(ReadView):
    @extend_schema(
        operation_id="rounds_agreement",
        tags=["calibration"],
        responses={200: serializers.AgreementOutput, 404: ErrorOutput, 409: ErrorOutput},
    )
    def get(self, request: Request, slug: str, round_id: int) -> Response:
        """Every agreement figure of a round; of sealed items only what is pooled.

        A round of more than 20,000 items is measured in the background: the figures are those of a
        while ago, and before the first ones are made the answer is 409 `figures_missing`.
        """
        return Response(_agreement(request, access.round_of(_project(request), round_id)))


class ReportsView(ReadView):
    @extend_schema(
        operation_id="reports_list",
        tags=["calibration"],
        responses={200: serializers.ReportLineOutput(many=True), 404: ErrorOutput},
    )
    def get(self, request: Request, slug: str) -> Response:
        """The newest 100 reports of open datasets and development parts."""
        return Response([_line(report) for report in reports.listed(_project(request))])


class ReportView(ReadView):
    @extend_schema(
        operation_id="reports_retrieve",
        tags=["calibration"],
        responses={200: serializers.ReportOutput, 404: ErrorOutput},
    )
    def get(self, request: Request, slug: str, report_id: int) -> Response:
        """One report with every figure and the newest probes of the judge version; its gate is a
        dry run."""
        report = access.report_of(_project(request), report_id)
        return Response(
            {
                **_line(report),
                "seed": report.seed,
                "labels_digest": report.labels_digest,
                "dimensions": report.content["dimensions"],
                "probes": report.content.get("probes"),
            }
        )


class ApprovalsView(ReadView):
    @extend_schema(
        operation_id="approvals_list",
        tags=["calibration"],
        responses={200: serializers.ApprovalOutput(many=True), 404: ErrorOutput},
    )
    def get(self, request: Request, slug: str) -> Response:
        """Approval requests that wait, and the newest that were answered; newest first."""
        project = _project(request)
        asked = [
            *approvals.waiting_of(project)[: approvals.SHOWN_WAITING],
            *approvals.answered_of(project)[: approvals.SHOWN_ANSWERED],
        ]
        asked.sort(key=lambda one: one.pk, reverse=True)
        return Response([_told(view) for view in _views(asked)])


class ApprovalRequestView(ReadView):
    @extend_schema(
        operation_id="approvals_retrieve",
        tags=["calibration"],
        responses={200: serializers.ApprovalOutput, 404: ErrorOutput},
    )
    def get(self, request: Request, slug: str, request_id: int) -> Response:
        """One approval request, with what its looks may say to everybody."""
        (view,) = _views([access.approval_of(_project(request), request_id)])
        return Response(_told(view))


class CertificateView(ReadView):
    @extend_schema(
        operation_id="decisions_certificate",
        tags=["calibration"],
        responses={200: serializers.CertificateOutput, 404: ErrorOutput},
    )
    def get(self, request: Request, slug: str, decision_id: int) -> Response:
        """The signed certificate of a decision, as `manage.py certificate` writes it."""
        decision = access.decision_of(_project(request), decision_id)
        return Response(certificates.issue(decision).document)


def _project(request: Request) -> Project:
    return token_of(request).project


def _agreement(request: Request, round_: Round) -> dict[str, Any]:
    found = _measured(request, round_)
    return {
        "round": round_.pk,
        "name": round_.name,
        "items": found.items,
        "sealed_items": found.sealed_items,
        **found.as_dict(),
    }


def _measured(request: Request, round_: Round) -> RoundAgreement:
    if not is_large(round_):
        return agreement.of_round(round_)
    found = roundfigures.agreement_of(
        round_=round_, actor=token_of(request).actor, now=timezone.now()
    )
    if found is None:
        raise NotReady("figures_missing", "This round is being measured; ask again in a minute.")
    return found


def _line(report: CalibrationReport) -> dict[str, Any]:
    return {
        "id": report.pk,
        "run": report.run_id,
        "judge": report.run.version.judge.slug,
        "version": report.run.version.number,
        "dataset": report.dataset.name,
        "made_at": report.created_at,
    }


def _views(asked: Sequence[ApprovalRequest]) -> list[ApprovalView]:
    """A token is no admin: it reads the brief form after a pass, else the short one."""
    return approvals.approval_views(asked, is_admin=False, is_judge_author=False)


def _told(view: ApprovalView) -> dict[str, Any]:
    asked = view.request
    return {
        "id": asked.pk,
        "judge": asked.version.judge.slug,
        "version": asked.version.number,
        "fingerprint": asked.version.fingerprint,
        "dataset": asked.sealed_set.dataset.name,
        "state": asked.state,
        "asked_by": asked.actor,
        "asked_at": asked.created_at,
        "problem": asked.problem,
        "dimensions": [_dimension(*row) for row in view.dimensions],
        "decisions": _decisions(view),
    }


def _dimension(shown: DimensionView, form: ReportForm, look: LookLine) -> dict[str, Any]:
    body: dict[str, Any] = {
        "key": shown.key,
        "gate": shown.gate,
        "look": look.number,
        "looks_left": look.left,
        "agrees": shown.hits,
        "items": shown.agreement.n or 0,
        "failed": [
            check["name"] for check in shown.numbers["gate"]["checks"] if not check["passed"]
        ],
        "needed": shown.numbers.get("needed"),
    }
    if form is not ReportForm.SHORT:
        body["agreement"] = shown.numbers["agreement"]
        body["checks"] = shown.numbers["gate"]["checks"]
    return body


def _decisions(view: ApprovalView) -> list[dict[str, Any]]:
    return [
        {
            "id": line.decision.pk,
            "kind": line.decision.kind,
            "dimensions": line.decision.dimensions,
            "actor": line.decision.actor,
            "reason": line.decision.reason,
            "at": line.decision.created_at,
            "valid_until": line.decision.valid_until,
        }
        for line in view.decisions
    ]
