"""A table of the project on its way out, written down in the audit trail."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from core import audit, registry
from core.errors import NotHere
from core.exporting import Format, written
from core.registry import ExportScope, ExportTable


def table_of(name: str) -> ExportTable:
    """Raises NotHere for a table that there is not."""
    found = registry.export_tables().get(name)
    if found is None:
        known = ", ".join(registry.export_tables())
        raise NotHere(f"There is no table {name!r} to export. Tables: {known}.")
    return found


def export(*, table: ExportTable, form: Format, scope: ExportScope, actor: str) -> Iterator[bytes]:
    """The table in pieces, streamed; who took it stands in the trail.

    Nothing sealed is in it. The first piece is made before this returns, so that a refusal
    (Parquet that is not installed) comes before anything was sent.
    """
    pieces = written(table.rows(scope), table.columns(scope), form)
    first = next(pieces, b"")
    audit.record(
        actor=actor,
        verb="data.exported",
        object_type="project",
        object_id=scope.project_id,
        project_id=scope.project_id,
        data={"table": table.name, "format": form, **_narrowed(scope)},
    )
    return chain([first], pieces)


def _narrowed(scope: ExportScope) -> dict[str, int | str]:
    chosen = {
        "dataset": scope.dataset_id,
        "round": scope.round_id,
        "run": scope.run_id,
        "judge": scope.judge_id,
        "model": scope.model or None,
        "since": scope.since.isoformat() if scope.since else None,
        "until": scope.until.isoformat() if scope.until else None,
    }
    return {name: value for name, value in chosen.items() if value is not None}
