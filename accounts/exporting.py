"""The audit trail on its way out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from django.db.models import QuerySet

from accounts.models import Project, User
from accounts.queries import AuditFilter, audit_events
from core import audit
from core.exporting import Format, Row, columns_of, written
from core.models import AuditEvent
from core.registry import ExportScope, ExportTable

_COLUMNS = columns_of(
    "event", "at", "actor", "verb", "object_type", "object", "data", "request", "link", "digest",
    event="integer", data="json", link="integer",
)  # fmt: skip
_PIECE = 2000


def audit_rows(scope: ExportScope) -> Iterator[Row]:
    """The project's trail, oldest first; people and machines by their pseudonymous ids.

    `link` is the row's place in the project's chain and `digest` what holds it there; rows of the
    last seconds have neither yet.
    """
    wanted = AuditFilter(since=scope.since, until=scope.until)
    return _rows(audit_events(scope.project_id, wanted))


def export(*, project: Project, wanted: AuditFilter, form: Format, by: User) -> Iterator[bytes]:
    """The rows that a filter leaves, in pieces, streamed; who took them stands in the trail.

    The first piece is made before this returns, so that a refusal comes before anything is sent.
    """
    pieces = written(_rows(audit_events(project.pk, wanted)), _COLUMNS, form)
    first = next(pieces, b"")
    audit.record(
        actor=by.actor,
        verb="data.exported",
        object_type="project",
        object_id=project.pk,
        project_id=project.pk,
        data={"table": AUDIT.name, "format": form, **wanted.as_dict()},
    )
    return chain([first], pieces)


def _rows(events: QuerySet[AuditEvent]) -> Iterator[Row]:
    events = events.select_related("link").order_by("pk")
    last = 0
    while piece := list(events.filter(pk__gt=last)[:_PIECE]):
        last = piece[-1].pk
        for event in piece:
            link = getattr(event, "link", None)
            yield {
                "event": event.pk,
                "at": event.at,
                "actor": event.actor,
                "verb": event.verb,
                "object_type": event.object_type,
                "object": event.object_id,
                "data": event.data,
                "request": event.request_id or None,
                "link": link.number if link else None,
                "digest": link.digest if link else None,
            }


AUDIT = ExportTable(
    name="audit",
    title="Audit trail",
    about="Who did what, when, with each row's place in the chain. People stand there by number.",
    columns=lambda _scope: _COLUMNS,
    rows=audit_rows,
    narrowed_by=frozenset({"since", "until"}),
)
