from __future__ import annotations

from django.urls import path

from judges.api import recorded, runs, verdicts

PROJECT = "projects/<slug:slug>/"
RUN = PROJECT + "runs/<int:run_id>"

urlpatterns = [
    path(PROJECT + "judges", verdicts.JudgesView.as_view(), name="api_judges"),
    path(
        PROJECT + "judges/<slug:judge>/verdicts",
        verdicts.VerdictsView.as_view(),
        name="api_verdicts",
    ),
    path(
        PROJECT + "datasets/<int:dataset_id>/verdicts",
        recorded.DatasetVerdictsView.as_view(),
        name="api_dataset_verdicts",
    ),
    path(PROJECT + "runs", runs.RunsView.as_view(), name="api_runs"),
    path(RUN, runs.RunView.as_view(), name="api_run"),
    path(RUN + "/verdicts", runs.RunVerdictsView.as_view(), name="api_run_verdicts"),
]
