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
LOOKED_THROUGH = 100_000
"""So many rows of a trail are looked through for one page: what narrows it stands in no index."""
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
    """Rows, newest first; `older` is the cursor of the next page, None at the end.

    `reached` is set where only a part of the trail was looked through: the time of its oldest row.
    """

    rows: list[AuditRow]
    older: int | None
    reached: datetime | None = None


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
    """One page of a project's audit trail: of the newest rows before the cursor that are looked
    through, those that the filter leaves."""
    events = audit_events(project.pk, wanted).order_by("-pk")
    if wanted.before is not None:
        events = events.filter(pk__lt=wanted.before)
    last = _last_looked_at(project, before=wanted.before) if wanted.as_dict() else None
    if last is not None:
        events = events.filter(pk__gte=last.pk)
    found = list(events[: size + 1])
    shown = found[:size]
    names = actor_names([event.actor for event in shown] + _people_in(shown))
    marks = chain.marks(shown)
    rows = [
        AuditRow(event, names[event.actor], marks[event.pk], _facts(event, names))
        for event in shown
    ]
    if len(found) > size:
        return AuditPage(rows, shown[-1].pk)
    return AuditPage(rows, *((last.pk, last.at) if last is not None else (None, None)))


def _last_looked_at(project: Project, *, before: int | None = None) -> AuditEvent | None:
    """The oldest row of those that are looked through at once; None where that is all there are."""
    events = AuditEvent.objects.filter(project_id=project.pk).order_by("-pk")
    if before is not None:
        events = events.filter(pk__lt=before)
    # Found in the index alone: the one row is read by its number.
    place = events.values_list("pk", flat=True)[LOOKED_THROUGH - 1 : LOOKED_THROUGH + 1]
    numbers = list(place)
    return AuditEvent.objects.get(pk=numbers[0]) if len(numbers) > 1 else None


def _newest(project: Project) -> QuerySet[AuditEvent]:
    """The rows of a trail that are looked through first."""
    events = AuditEvent.objects.filter(project_id=project.pk)
    last = _last_looked_at(project)
    return events if last is None else events.filter(pk__gte=last.pk)


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


def audit_choices(
    project: Project, *, verb: str = "", actor: str = ""
) -> tuple[list[str], list[tuple[str, str]]]:
    """The verbs of the newest rows of the project's trail, and (actor, name) of those who stand
    there, by name. The ones that are asked for besides, if they stand in any row."""
    newest = _newest(project)
    verbs = _said(project, newest, "verb", verb)
    names = actor_names(_said(project, newest, "actor", actor))
    return sorted(verbs), sorted(names.items(), key=lambda pair: pair[1].casefold())


def _said(project: Project, rows: QuerySet[AuditEvent], name: str, asked: str) -> set[str]:
    found = set(rows.values_list(name, flat=True).distinct().order_by())
    # A zero character stands in no row, and PostgreSQL refuses to look for one.
    if asked and asked not in found and "\0" not in asked:
        older = AuditEvent.objects.filter(project_id=project.pk, **{name: asked})
        found |= {asked} if older.exists() else set()
    return found


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
