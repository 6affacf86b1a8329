"""What closing or erasing an account would touch, and who has a say over it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from accounts.models import ApiToken, Membership, Project, Rater, User
from core import registry

LISTED_TOKENS = 50
LISTED_FORMER = 200


@dataclass(frozen=True, slots=True)
class Held:
    """A person's traces: `texts` are what they wrote, `names` where their name was kept."""

    projects: Sequence[Project]
    raters: int
    tokens: Sequence[ApiToken]
    texts: Sequence[tuple[str, int]]
    names: Sequence[tuple[str, int]]


def projects_of(user: User) -> list[Project]:
    """The projects that the person is in, in a fixed order."""
    return list(Project.objects.filter(memberships__user=user).order_by("pk"))


def concerned(user_id: int) -> QuerySet[Project]:
    """The projects that the person is in, or has rated in."""
    return Project.objects.filter(
        Q(pk__in=Membership.objects.filter(user=user_id).values("project"))
        | Q(pk__in=Rater.objects.filter(user=user_id).values("project"))
    )


def former(project: Project) -> list[User]:
    """Who has rated here and is no member any more, by name."""
    members = Membership.objects.filter(project=project).values("user")
    return list(
        User.objects.filter(raters__project=project, erased_at__isnull=True)
        .exclude(pk__in=members)
        .order_by("display_name", "username")[:LISTED_FORMER]
    )


def may_govern(by: User, user: User) -> bool:
    """Whether `by` administers every project that the person is in or has rated in, and at least
    one. Staff of the house are acted on by its superusers alone, who may act on everybody.
    """
    if by.is_superuser or user.is_superuser or user.is_staff:
        return by.is_superuser
    theirs = set(concerned(user.pk).values_list("pk", flat=True))
    own = Membership.objects.filter(
        user=by, user__is_active=True, is_admin=True, project__in=theirs
    )
    return bool(theirs) and theirs == set(own.values_list("project_id", flat=True))


def tokens_of(user: User, project_ids: Iterable[int]) -> list[ApiToken]:
    """Tokens in force that this person made, or that rate as this person, in these projects."""
    return list(
        ApiToken.objects.filter(
            Q(made_by=user) | Q(rater__user=user),
            project__in=list(project_ids),
            revoked_at__isnull=True,
        ).order_by("-pk")[:LISTED_TOKENS]
    )


def held(user: User) -> Held:
    """What an erasure of this person would take."""
    projects = concerned(user.pk)
    counts = [(trace, trace.count(user.pk)) for trace in registry.traces().values()]
    return Held(
        projects=list(projects.order_by("pk")),
        raters=Rater.objects.filter(user=user).count(),
        tokens=tokens_of(user, projects.values_list("pk", flat=True)),
        texts=[(trace.title, count) for trace, count in counts if trace.is_text and count],
        names=[(trace.title, count) for trace, count in counts if not trace.is_text and count],
    )
