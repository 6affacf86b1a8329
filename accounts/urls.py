from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from accounts import views
from accounts.doors import public

urlpatterns = [
    path("sign-in/", public(views.SignIn.as_view()), name="login"),
    path("sign-out/", public(LogoutView.as_view()), name="logout"),
    path("projects/new/", views.project_new, name="project_new"),
    path("projects/<slug:slug>/people/", views.people, name="people"),
    path("projects/<slug:slug>/people/add/", views.person_add, name="person_add"),
    path("projects/<slug:slug>/people/new/", views.person_new, name="person_new"),
    path("projects/<slug:slug>/people/<int:user_id>/", views.person, name="person"),
    path(
        "projects/<slug:slug>/people/<int:user_id>/remove/",
        views.person_remove,
        name="person_remove",
    ),
    path("projects/<slug:slug>/tokens/", views.tokens, name="tokens"),
    path(
        "projects/<slug:slug>/tokens/<int:token_id>/revoke/",
        views.token_revoke,
        name="token_revoke",
    ),
    path("projects/<slug:slug>/audit/", views.audit, name="audit"),
]
