"""Health, and the description of the API. (Doors stand in accounts, so these are public here.)"""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from core import styleguide, views

urlpatterns = [
    path("healthz", login_not_required(views.healthz), name="healthz"),
    path("readyz", login_not_required(views.readyz), name="readyz"),
    path("metrics", login_not_required(views.metrics), name="metrics"),
    path("favicon.ico", login_not_required(views.favicon), name="favicon"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),  # staff only, by itself
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
]
