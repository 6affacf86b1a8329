from __future__ import annotations

from django.urls import path

from annotation.api import datasets, exports, guidelines, imports, ratings, rounds

PROJECT = "projects/<slug:slug>/"

urlpatterns = [
    path(PROJECT + "datasets", datasets.DatasetsView.as_view(), name="api_datasets"),
    path(
        PROJECT + "datasets/<int:dataset_id>/items",
        imports.DatasetItemsView.as_view(),
        name="api_dataset_items",
    ),
    path(
        PROJECT + "datasets/<int:dataset_id>/labels",
        imports.DatasetLabelsView.as_view(),
        name="api_dataset_labels",
    ),
    path(PROJECT + "imports/<int:job_id>", imports.ImportView.as_view(), name="api_import"),
    path(PROJECT + "items", datasets.ItemsView.as_view(), name="api_items"),
    path(PROJECT + "guidelines", guidelines.GuidelinesView.as_view(), name="api_guidelines"),
    path(
        PROJECT + "guidelines/<int:guideline_id>",
        guidelines.GuidelineFileView.as_view(),
        name="api_guideline",
    ),
    path(PROJECT + "export/<slug:table>", exports.ExportView.as_view(), name="api_export"),
    path(PROJECT + "rounds", rounds.RoundsView.as_view(), name="api_rounds"),
    path(PROJECT + "ratings", rounds.RatingsView.as_view(), name="api_ratings"),
    path(PROJECT + "rounds/<int:round_id>/next", ratings.NextView.as_view(), name="api_round_next"),
    path(
        "assignments/<int:assignment_id>/submit",
        ratings.SubmitView.as_view(),
        name="api_assignment_submit",
    ),
]
