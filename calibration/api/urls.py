from __future__ import annotations

from django.urls import path

from calibration.api import evidence

PROJECT = "projects/<slug:slug>/"

urlpatterns = [
    path(PROJECT + "agreement", evidence.NewestAgreementView.as_view(), name="api_agreement"),
    path(
        PROJECT + "rounds/<int:round_id>/agreement",
        evidence.AgreementView.as_view(),
        name="api_round_agreement",
    ),
    path(PROJECT + "reports", evidence.ReportsView.as_view(), name="api_reports"),
    path(PROJECT + "reports/<int:report_id>", evidence.ReportView.as_view(), name="api_report"),
    path(PROJECT + "approvals", evidence.ApprovalsView.as_view(), name="api_approvals"),
    path(
        PROJECT + "approvals/<int:request_id>",
        evidence.ApprovalRequestView.as_view(),
        name="api_approval",
    ),
    path(
        PROJECT + "decisions/<int:decision_id>/certificate",
        evidence.CertificateView.as_view(),
        name="api_certificate",
    ),
]
