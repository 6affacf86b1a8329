"""The audit trail on its way out."""

from __future__ import annotations

from collections.abc import Iterator

from core.exporting import Row, columns_of
from core.models import AuditEvent
from core.registry import ExportScope, ExportTable

_COLUMNS = columns_of(
    "event", "at", "actor", "verb", "object_type", "object", "data", "request",
    event="integer", data="json",
)  # fmt: skip
_PIECE = 2000


def audit_rows(scope: ExportScope) -> Iterator[Row]:
    """The project's trail, oldest first; people and machines by their pseudonymous ids."""
    events = AuditEvent.objects.filter(project_id=scope.project_id).order_by("pk")
    last = 0
    while piece := list(events.filter(pk__gt=last)[:_PIECE]):
        last = piece[-1].pk
        for event in piece:
            yield {
                "event": event.pk,
                "at": event.at,
                "actor": event.actor,
                "verb": event.verb,
                "object_type": event.object_type,
                "object": event.object_id,
                "data": event.data,
                "request": event.request_id or None,
            }


AUDIT = ExportTable(
    name="audit",
    title="Audit trail",
    about="Who did what, when. People stand there by number, not by name.",
    columns=lambda _scope: _COLUMNS,
    rows=audit_rows,
)
