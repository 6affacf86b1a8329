from __future__ import annotations

from django.urls import path

from calibration.views import agreement, approvals, explanations, reports, rounds, versions

PROJECT = "projects/<slug:slug>/"
ROUND = PROJECT + "rounds/<int:round_id>/"
RUN = PROJECT + "runs/<int:run_id>/"
VERSION = PROJECT + "judges/versions/<int:version_id>/"

urlpatterns = [
    path("help/statistics/", explanations.statistics, name="statistics"),
    path(PROJECT + "agreement/", agreement.index, name="agreement"),
    path(ROUND + "agreement/", agreement.of_round, name="round_agreement"),
    path(ROUND + "agreement/now/", agreement.now, name="round_agreement_now"),
    path(ROUND + "quality/", rounds.raters, name="round_quality"),
    path(ROUND + "differences/", rounds.differing, name="round_differences"),
    path(RUN + "report/", reports.of_run, name="run_report"),
    path(RUN + "report/make/", reports.make, name="run_report_make"),
    path(VERSION + "alignment/", reports.of_version, name="version_alignment"),
    path(VERSION + "report/", reports.newest, name="version_report"),
    path(PROJECT + "judges/<int:judge_id>/compare/", versions.side_by_side, name="judge_compare"),
    path(PROJECT + "approvals/", approvals.index, name="approvals"),
    path(PROJECT + "approvals/<int:request_id>/", approvals.show, name="approval"),
    path(PROJECT + "approvals/<int:request_id>/decide/", approvals.decide, name="approval_decide"),
    path(VERSION + "approval/", approvals.ask, name="approval_ask"),
    path(PROJECT + "judges/<int:judge_id>/revoke/", approvals.revoke, name="approval_revoke"),
]
