"""The audit trail, written inside the service's transaction: act and row stand or fall together."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from core.models import AuditEvent

current_request_id: ContextVar[str] = ContextVar("current_request_id", default="")


def record(
    *,
    actor: str,
    verb: str,
    object_type: str,
    object_id: int | str = "",
    project_id: int | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Append one row. `actor` is a pseudonymous id (`u…`, `t…`, `system`), never a name."""
    AuditEvent.objects.create(
        actor=actor,
        verb=verb,
        object_type=object_type,
        object_id=str(object_id),
        project_id=project_id,
        data=data or {},
        request_id=current_request_id.get(),
    )
