from __future__ import annotations

from django.urls import path

from judges.views import (
    baselines,
    differences,
    editor,
    judges,
    keys,
    money,
    probes,
    profiles,
    runs,
)

PROJECT = "projects/<slug:slug>"
RUN = f"{PROJECT}/runs/<int:run_id>"
VERSION = f"{PROJECT}/judges/versions/<int:version_id>"

urlpatterns = [
    path(f"{PROJECT}/judges/", judges.index, name="judges"),
    path(f"{PROJECT}/judges/new/", judges.new, name="judge_new"),
    path(f"{PROJECT}/judges/import/", judges.verdicts, name="verdicts_import"),
    path(f"{PROJECT}/judges/<int:judge_id>/", judges.judge, name="judge"),
    path(f"{PROJECT}/judges/<int:judge_id>/versions/new/", editor.version_new, name="version_new"),
    path(f"{PROJECT}/judges/<int:judge_id>/preview/", editor.preview, name="version_preview"),
    path(f"{PROJECT}/judges/<int:judge_id>/playground/", editor.ask, name="version_playground"),
    path(
        f"{PROJECT}/judges/<int:judge_id>/differences/",
        differences.of_versions,
        name="judge_differences",
    ),
    path(f"{PROJECT}/judges/<int:judge_id>/profile/", profiles.profile, name="version_profile"),
    path(f"{PROJECT}/judges/<int:judge_id>/baseline/", baselines.new, name="baseline_new"),
    path(f"{PROJECT}/keys/", keys.index, name="keys"),
    path(f"{PROJECT}/keys/<int:key_id>/remove/", keys.remove, name="key_remove"),
    path(f"{VERSION}/", judges.version, name="version"),
    path(f"{VERSION}/improve/", editor.improve, name="version_improve"),
    path(f"{VERSION}/run/", runs.new, name="run_new"),
    path(f"{RUN}/", runs.detail, name="run"),
    path(f"{RUN}/pause/", runs.pause, name="run_pause"),
    path(f"{RUN}/resume/", runs.resume, name="run_resume"),
    path(f"{RUN}/cancel/", runs.cancel, name="run_cancel"),
    path(f"{RUN}/budget/", runs.budget, name="run_budget"),
    path(f"{RUN}/retry/", runs.retry, name="run_retry"),
    path(f"{PROJECT}/judges/ledger/", money.ledger, name="ledger"),
    path(f"{PROJECT}/judges/budgets/", money.overview, name="budgets"),
    path(f"{PROJECT}/judges/budgets/month/", money.month, name="budget_month"),
    path(f"{PROJECT}/judges/<int:judge_id>/budget/", money.judge, name="budget_judge"),
    path(f"{PROJECT}/judges/prices/new/", money.price_new, name="price_new"),
    path(f"{PROJECT}/laboratory/", probes.index, name="laboratory"),
    path(f"{PROJECT}/laboratory/new/", probes.new, name="probe_new"),
    path(f"{PROJECT}/laboratory/<int:probe_id>/", probes.detail, name="probe"),
    path(f"{PROJECT}/laboratory/<int:probe_id>/cancel/", probes.cancel, name="probe_cancel"),
    path(f"{RUN}/differences/", differences.of_run, name="run_differences"),
    path(f"{PROJECT}/calls/<int:call_id>/", runs.call, name="call"),
]
