"""Members, tokens and the audit trail of one project, for screens."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.db.models import F, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from accounts.models import ApiToken, Membership, Project, Rater, User
from core import chain
from core.models import AuditEvent

AUDIT_PAGE = 50
SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What is looked for; empty fields ask for everything. `before` is a row's id.

    `object` is a kind of object (`round`) or one of them (`round 12`); `q` stands somewhere in
    what the act said about itself; both days are included.
    """

    q: str = ""
    verb: str = ""
    actor: str = ""
    object: str = ""
    since: date | None = None
    until: date | None = None
    before: int | None = None

    def as_dict(self) -> dict[str, str]:
        """What is asked for, as the address has it; without the place in the list."""
        asked = {
            "q": self.q,
            "verb": self.verb,
            "actor": self.actor,
            "object": self.object,
            "since": self.since.isoformat() if self.since else "",
            "until": self.until.isoformat() if self.until else "",
        }
        return {name: value for name, value in asked.items() if value}


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row with its actor's name as it is today; `is_held` by its link, None without one."""

    event: AuditEvent
    actor_name: str
    is_held: bool | None
    facts: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Rows, newest first; `older` is the cursor of the next page, None at the end."""

    rows: list[AuditRow]
    older: int | None


def memberships(project: Project) -> list[Membership]:
    """The project's members by name."""
    return list(
        Membership.objects.filter(project=project)
        .select_related("user")
        .order_by("user__display_name", "user__username")
    )


def api_tokens(project: Project) -> list[ApiToken]:
    """The project's tokens, those in force first, newest first."""
    return list(
        ApiToken.objects.filter(project=project)
        .select_related("made_by", "rater")
        .order_by(F("revoked_at").asc(nulls_first=True), "-pk")
    )


def raters_with_account(project: Project) -> QuerySet[Rater]:
    """Raters of the project who are people, by name."""
    return Rater.objects.filter(project=project, user__is_active=True).order_by("name")


def actor_names(actors: Iterable[str]) -> dict[str, str]:
    """The names behind actor ids (`u3`, `t4`, `system`), in at most two queries.

    An id whose account is gone, and a word that is no such id, stand for themselves.
    """
    wanted = set(actors)
    names = {actor: actor for actor in wanted}
    users = _numbers(wanted, "u")
    if users:
        found = User.objects.filter(pk__in=users.values())
        known = {user.pk: user.shown_name for user in found}
        names |= {actor: known[pk] for actor, pk in users.items() if pk in known}
    tokens = _numbers(wanted, "t")
    if tokens:
        labels = dict(ApiToken.objects.filter(pk__in=tokens.values()).values_list("pk", "name"))
        names |= {actor: f"token {labels[pk]}" for actor, pk in tokens.items() if pk in labels}
    if SYSTEM in names:
        names[SYSTEM] = "Plumbline itself"
    return names


def audit_page(*, project: Project, wanted: AuditFilter, size: int = AUDIT_PAGE) -> AuditPage:
    """One page of a project's audit trail."""
    events = audit_events(project.pk, wanted).order_by("-pk")
    if wanted.before is not None:
        events = events.filter(pk__lt=wanted.before)
    found = list(events[: size + 1])
    shown = found[:size]
    names = actor_names([event.actor for event in shown] + _people_in(shown))
    marks = chain.marks(shown)
    rows = [
        AuditRow(event, names[event.actor], marks[event.pk], _facts(event, names))
        for event in shown
    ]
    return AuditPage(rows, shown[-1].pk if len(found) > size else None)


def audit_events(project_id: int, wanted: AuditFilter) -> QuerySet[AuditEvent]:
    """The project's rows that a filter leaves, in no order, wherever in the list it stands."""
    events = AuditEvent.objects.filter(project_id=project_id)
    if wanted.verb:
        events = events.filter(verb=wanted.verb)
    if wanted.actor:
        events = events.filter(actor=wanted.actor)
    if wanted.object:
        kind, _, number = wanted.object.partition(" ")
        events = events.filter(object_type=kind)
        events = events.filter(object_id=number.strip()) if number.strip() else events
    if wanted.since is not None:
        events = events.filter(at__gte=_midnight(wanted.since))
    if wanted.until is not None:
        events = events.filter(at__lt=_midnight(wanted.until) + timedelta(days=1))
    if wanted.q:
        # SQLite keeps JSON as it was written, with other letters than English ones escaped.
        escaped = json.dumps(wanted.q)[1:-1]
        text = events.annotate(text=Cast("data", TextField()))
        events = text.filter(Q(text__icontains=wanted.q) | Q(text__icontains=escaped))
    return events


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def audit_verbs(project: Project) -> list[str]:
    """Every verb that stands in the project's trail."""
    verbs = AuditEvent.objects.filter(project_id=project.pk).values_list("verb", flat=True)
    return sorted(verbs.distinct().order_by())


def audit_actors(project: Project) -> list[tuple[str, str]]:
    """(actor, name) of all who stand in the project's trail, by name."""
    actors = AuditEvent.objects.filter(project_id=project.pk).values_list("actor", flat=True)
    names = actor_names(actors.distinct().order_by())
    return sorted(names.items(), key=lambda pair: pair[1].casefold())


def _facts(event: AuditEvent, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """What the act said about itself, readable; a person's id is a name."""
    facts = []
    if event.object_type == "user":
        facts.append(("person", names.get(f"u{event.object_id}", event.object_id)))
    facts += [(_words(key), _written(value)) for key, value in event.data.items()]
    return [(name, text) for name, text in facts if text]


def _people_in(events: Iterable[AuditEvent]) -> list[str]:
    return [f"u{event.object_id}" for event in events if event.object_type == "user"]


def _words(key: str) -> str:
    return key.replace("_", " ")


def _written(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_written(one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{_words(str(key))} {_written(one)}" for key, one in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _numbers(actors: Iterable[str], letter: str) -> dict[str, int]:
    return {
        actor: int(actor[1:])
        for actor in actors
        if actor.startswith(letter) and actor[1:].isascii() and actor[1:].isdecimal()
    }
