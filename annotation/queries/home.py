"""What a person finds after signing in: own rounds, and the projects they help to run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.models import Membership, Project
from accounts.roles import STAFF
from annotation.queries import progress, work
from annotation.queries.progress import OwnRound
from annotation.queries.work import Done


@dataclass(frozen=True, slots=True)
class RunProject:
    """A project that this person leads, administers or adjudicates in."""

    project: Project
    roles: str


@dataclass(frozen=True, slots=True)
class RatedProject:
    """A project that this person rates in, with what they did there in the last seven days."""

    project: Project
    done: Done


@dataclass(frozen=True, slots=True)
class Home:
    """`is_rater`: somewhere; then the page has a list of rounds, even an empty one."""

    rounds: Sequence[OwnRound]
    work: Sequence[RatedProject]
    projects: Sequence[RunProject]
    is_rater: bool

    @property
    def is_nobody_yet(self) -> bool:
        """In no project at all."""
        return not self.is_rater and not self.projects


def home(*, user_id: int, now: datetime) -> Home:
    """Everything on the first page, in three queries."""
    memberships = list(
        Membership.objects.filter(user=user_id).select_related("project").order_by("project__name")
    )
    rated = [member.project for member in memberships if member.is_rater]
    done = work.recent_by_project(user_id=user_id, now=now) if rated else {}
    return Home(
        rounds=progress.own_rounds(user_id=user_id),
        work=[RatedProject(project, done.get(project.pk, Done())) for project in rated],
        projects=[
            RunProject(member.project, _roles(member))
            for member in memberships
            if member.roles & frozenset(STAFF)
        ],
        is_rater=bool(rated),
    )


def _roles(member: Membership) -> str:
    names = [role.value for role in STAFF if role in member.roles]
    return ", ".join(names).capitalize()
