from __future__ import annotations

from django.urls import path

from annotation.views import guidelines, projects, rounds

PROJECT = "projects/<slug:slug>/"
GUIDELINE = PROJECT + "guidelines/<int:guideline_id>/"
ROUND = PROJECT + "rounds/<int:round_id>/"

urlpatterns = [
    path(PROJECT, projects.overview, name="project"),
    path(PROJECT + "guidelines/", guidelines.index, name="guidelines"),
    path(PROJECT + "guidelines/new/", guidelines.new, name="guideline_new"),
    path(
        PROJECT + "guidelines/versions/<int:version_id>/",
        guidelines.version,
        name="guideline_version",
    ),
    path(GUIDELINE, guidelines.history, name="guideline"),
    path(GUIDELINE + "draft/", guidelines.draft, name="guideline_draft"),
    path(GUIDELINE + "edit/", guidelines.edit, name="guideline_edit"),
    path(GUIDELINE + "preview/", guidelines.preview, name="guideline_preview"),
    path(GUIDELINE + "publish/", guidelines.publish, name="guideline_publish"),
    path(GUIDELINE + "discard/", guidelines.discard, name="guideline_discard"),
    path(PROJECT + "rounds/", rounds.index, name="rounds"),
    path(PROJECT + "rounds/new/", rounds.new, name="round_new"),
    path(ROUND, rounds.show, name="round"),
    path(ROUND + "open/", rounds.open_round, name="round_open"),
    path(ROUND + "pause/", rounds.pause, name="round_pause"),
    path(ROUND + "resume/", rounds.resume, name="round_resume"),
    path(ROUND + "close/", rounds.close, name="round_close"),
    path(ROUND + "raters/", rounds.add_raters, name="round_raters"),
]
