"""Mounts the rooms; nothing else."""

from __future__ import annotations

from django.urls import include, path

handler404 = "core.views.not_here"
handler500 = "core.views.broken"

urlpatterns = [
    # First: machines ask most often, and every pattern that is tried before theirs costs them.
    path("api/v1/", include("annotation.api.urls")),
    path("api/v1/", include("judges.api.urls")),
    path("api/v1/", include("calibration.api.urls")),
    path("", include("core.urls")),
    path("", include("accounts.urls")),
    path("", include("annotation.urls")),
    path("", include("judges.urls")),
    path("", include("calibration.urls")),
]
