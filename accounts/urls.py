from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

# `schema` describes the API, and is found by its being imported: a worker has no use for it.
from accounts import schema, views  # noqa: F401
from accounts.doors import public
from accounts.views import invitations, leaving, notices, passwords

PERSON = "projects/<slug:slug>/people/<int:user_id>/"

urlpatterns = [
    path("sign-in/", public(passwords.SignIn.as_view()), name="login"),
    path("sign-out/", public(LogoutView.as_view()), name="logout"),
    path("password/", passwords.change, name="password_change"),
    path("password/forgotten/", passwords.forgotten, name="password_forgotten"),
    path("password/new/", passwords.set_anew, name="password_set"),
    path("join/", invitations.join, name="join"),
    path("notices/", notices.notices, name="notices"),
    path("projects/new/", views.project_new, name="project_new"),
    path("projects/<slug:slug>/people/", views.people, name="people"),
    path("projects/<slug:slug>/people/add/", views.person_add, name="person_add"),
    path("projects/<slug:slug>/people/new/", views.person_new, name="person_new"),
    path(PERSON, views.person, name="person"),
    path(PERSON + "remove/", views.person_remove, name="person_remove"),
    path(PERSON + "account/", leaving.account, name="person_account"),
    path(PERSON + "account/link/", leaving.reset_link, name="person_reset_link"),
    path(PERSON + "account/close/", leaving.close, name="person_close"),
    path(PERSON + "account/open/", leaving.reopen, name="person_open"),
    path(PERSON + "account/erase/", leaving.erase, name="person_erase"),
    path("projects/<slug:slug>/invitations/", invitations.invitations, name="invitations"),
    path(
        "projects/<slug:slug>/invitations/<int:invitation_id>/revoke/",
        invitations.revoke,
        name="invitation_revoke",
    ),
    path("projects/<slug:slug>/tokens/", views.tokens, name="tokens"),
    path(
        "projects/<slug:slug>/tokens/<int:token_id>/revoke/",
        views.token_revoke,
        name="token_revoke",
    ),
    path("projects/<slug:slug>/audit/", views.audit, name="audit"),
    path("projects/<slug:slug>/audit/check/", views.audit_check, name="audit_check"),
    path(
        "projects/<slug:slug>/audit/<slug:extension>/",
        views.audit_download,
        name="audit_download",
    ),
]
