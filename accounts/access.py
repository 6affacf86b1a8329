"""The doors to rows of this room: each returns the row of this project, or raises."""

from __future__ import annotations

from accounts.models import ApiToken, Membership, Project
from core.errors import NotHere


def member_of(project: Project, user_id: int) -> Membership:
    membership = (
        Membership.objects.select_related("user").filter(project=project, user=user_id).first()
    )
    if membership is None:
        raise NotHere("There is no such member in this project.")
    return membership


def token_of(project: Project, token_id: int) -> ApiToken:
    token = ApiToken.objects.filter(project=project, pk=token_id).first()
    if token is None:
        raise NotHere("There is no such token in this project.")
    return token
