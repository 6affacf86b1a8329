"""The people that tests are about: one of each role, and somebody who does not belong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.test import Client

from accounts.models import Project, User
from accounts.roles import Role
from tests import builders

ClientFor = Callable[[User | None], Client]


@dataclass(frozen=True, slots=True)
class Cast:
    """Members of one project; `olu` has an account and belongs to no project."""

    ana: User
    ben: User
    cem: User
    lea: User
    noor: User
    ada: User
    olu: User


def make_cast(project: Project) -> Cast:
    """Everybody in their role: ana, ben, cem rate; lea leads; noor adjudicates; ada is admin."""

    def person(username: str, *roles: Role) -> User:
        user = builders.make_user(username=username)
        return builders.join(project, user, *roles) if roles else user

    return Cast(
        ana=person("ana", Role.RATER),
        ben=person("ben", Role.RATER),
        cem=person("cem", Role.RATER),
        lea=person("lea", Role.LEAD),
        noor=person("noor", Role.ADJUDICATOR),
        ada=person("ada", Role.ADMIN),
        olu=person("olu"),
    )


def client_for(person: User | None) -> Client:
    """A browser that this person is signed in with; None is somebody without an account."""
    client = Client()
    if person is not None:
        client.force_login(person)
    return client
