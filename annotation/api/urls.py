from __future__ import annotations

from django.urls import path

from annotation.api import ratings

PROJECT = "projects/<slug:slug>/"

urlpatterns = [
    path(PROJECT + "rounds/<int:round_id>/next", ratings.NextView.as_view(), name="api_round_next"),
    path(
        "assignments/<int:assignment_id>/submit",
        ratings.SubmitView.as_view(),
        name="api_assignment_submit",
    ),
]
