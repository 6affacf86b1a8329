from __future__ import annotations

from django.urls import path

from calibration.views import (
    adjudication,
    agreement,
    approvals,
    certificates,
    driftrounds,
    explanations,
    policies,
    reference,
    reports,
    reviews,
    rounds,
    sessionitems,
    sessions,
    standings,
    versions,
)

PROJECT = "projects/<slug:slug>/"
ROUND = PROJECT + "rounds/<int:round_id>/"
RUN = PROJECT + "runs/<int:run_id>/"
JUDGE = PROJECT + "judges/<int:judge_id>/"
DECISION = PROJECT + "decisions/<int:decision_id>/"
VERSION = PROJECT + "judges/versions/<int:version_id>/"
SESSION = PROJECT + "sessions/<int:session_id>/"
SESSION_ITEM = SESSION + "items/<int:item_id>/"
REVIEW = PROJECT + "reviews/<int:review_id>/"
REVIEW_ITEM = REVIEW + "items/<int:position>/"
TODO = PROJECT + "guidelines/<int:guideline_id>/todo/"

urlpatterns = [
    path("help/statistics/", explanations.statistics, name="statistics"),
    path(PROJECT + "agreement/", agreement.index, name="agreement"),
    path(ROUND + "agreement/", agreement.of_round, name="round_agreement"),
    path(ROUND + "agreement/now/", agreement.now, name="round_agreement_now"),
    path(ROUND + "quality/", rounds.raters, name="round_quality"),
    path(ROUND + "agreement/parts/", rounds.parts, name="round_parts"),
    path(ROUND + "differences/", rounds.differing, name="round_differences"),
    path("sessions/", sessions.mine, name="my_sessions"),
    path(PROJECT + "sessions/", sessions.index, name="sessions"),
    path(PROJECT + "sessions/new/", sessions.new, name="session_new"),
    path(PROJECT + "sessions/trend/", sessions.trend, name="session_trend"),
    path(SESSION, sessions.show, name="session"),
    path(SESSION + "edit/", sessions.edit, name="session_edit"),
    path(SESSION + "discard/", sessions.discard, name="session_discard"),
    path(SESSION + "start/", sessions.start, name="session_start"),
    path(SESSION + "reveal/", sessions.reveal, name="session_reveal"),
    path(SESSION + "second/", sessions.second, name="session_second"),
    path(SESSION + "close/", sessions.close, name="session_close"),
    path(SESSION_ITEM, sessionitems.show, name="session_item"),
    path(SESSION_ITEM + "comment/", sessionitems.comment, name="session_comment"),
    path(SESSION_ITEM + "settle/<str:key>/", sessionitems.settle, name="session_settle"),
    path(SESSION_ITEM + "clause/", sessionitems.clause, name="session_clause"),
    path(TODO, sessionitems.todo, name="guideline_todo"),
    path(TODO + "<int:note_id>/", sessionitems.todo_mark, name="guideline_todo_mark"),
    path(ROUND + "session/", sessions.of_round, name="session_of_round"),
    path(
        ROUND + "differences/<int:item_id>/<slug:key>/",
        adjudication.of_round,
        name="round_difference",
    ),
    path(PROJECT + "reference/", reference.show, name="reference_labels"),
    path(PROJECT + "adjudication/", adjudication.index, name="adjudication"),
    path(
        PROJECT + "adjudication/sealed/<int:dataset_id>/",
        adjudication.read_sealed,
        name="adjudication_sealed",
    ),
    path(PROJECT + "adjudication/<int:label_id>/", adjudication.one, name="adjudicate"),
    path(
        PROJECT + "adjudication/<int:label_id>/gold/",
        adjudication.make_gold,
        name="adjudicated_gold",
    ),
    path(PROJECT + "reviews/", reviews.index, name="reviews"),
    path(VERSION + "review/", reviews.new, name="review_new"),
    path(REVIEW, reviews.show, name="review"),
    path(REVIEW + "close/", reviews.close, name="review_close"),
    path(REVIEW_ITEM, reviews.one, name="review_item"),
    path(REVIEW_ITEM + "correct/", reviews.correct, name="review_correct"),
    path(REVIEW_ITEM + "clause/", reviews.clause, name="review_clause"),
    path(RUN + "report/", reports.of_run, name="run_report"),
    path(RUN + "report/make/", reports.make, name="run_report_make"),
    path(VERSION + "alignment/", reports.of_version, name="version_alignment"),
    path(VERSION + "report/", reports.newest, name="version_report"),
    path(JUDGE + "compare/", versions.side_by_side, name="judge_compare"),
    path(PROJECT + "approvals/", approvals.index, name="approvals"),
    path(PROJECT + "approvals/<int:request_id>/", approvals.show, name="approval"),
    path(PROJECT + "approvals/<int:request_id>/decide/", approvals.decide, name="approval_decide"),
    path(DECISION + "certificate/", certificates.show, name="certificate"),
    path(DECISION + "certificate/file/", certificates.download, name="certificate_download"),
    path(VERSION + "approval/", approvals.ask, name="approval_ask"),
    path(JUDGE + "revoke/", approvals.revoke, name="approval_revoke"),
    path(JUDGE + "standing/", standings.show, name="standing"),
    path(JUDGE + "drift/", driftrounds.new, name="drift_new"),
    path(JUDGE + "drift/<int:round_id>/", driftrounds.judge, name="drift_judge"),
    path(JUDGE + "suspend/", standings.suspend, name="standing_suspend"),
    path(JUDGE + "reinstate/", standings.reinstate, name="standing_reinstate"),
    path(PROJECT + "policy/", policies.show, name="policy"),
    path(PROJECT + "policy/change/", policies.change, name="policy_change"),
]
