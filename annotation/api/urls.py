from __future__ import annotations

from django.urls import path

from annotation.api import datasets, exports, guidelines, ratings

PROJECT = "projects/<slug:slug>/"

urlpatterns = [
    path(PROJECT + "datasets", datasets.DatasetsView.as_view(), name="api_datasets"),
    path(PROJECT + "items", datasets.ItemsView.as_view(), name="api_items"),
    path(PROJECT + "guidelines", guidelines.GuidelinesView.as_view(), name="api_guidelines"),
    path(
        PROJECT + "guidelines/<int:guideline_id>",
        guidelines.GuidelineFileView.as_view(),
        name="api_guideline",
    ),
    path(PROJECT + "export/<slug:table>", exports.ExportView.as_view(), name="api_export"),
    path(PROJECT + "rounds/<int:round_id>/next", ratings.NextView.as_view(), name="api_round_next"),
    path(
        "assignments/<int:assignment_id>/submit",
        ratings.SubmitView.as_view(),
        name="api_assignment_submit",
    ),
]
