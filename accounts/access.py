"""The doors to rows of this room: each returns the row of this project, or raises."""

from __future__ import annotations

from django.db.models import Q

from accounts.models import ApiToken, Invitation, Membership, Project, User
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


def person_of(project: Project, user_id: int) -> User:
    """Somebody who is a member of the project, or has rated in it; who is erased is nobody."""
    known = Q(memberships__project=project) | Q(raters__project=project)
    person = User.objects.filter(known, pk=user_id, erased_at__isnull=True).distinct().first()
    if person is None:
        raise NotHere("There is no such person in this project.")
    return person


def invitation_of(project: Project, invitation_id: int) -> Invitation:
    invitation = Invitation.objects.filter(project=project, pk=invitation_id).first()
    if invitation is None:
        raise NotHere("There is no such invitation in this project.")
    return invitation
