"""The report of work done as a file; who took it stands in the trail."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from annotation.queries import work
from core import audit
from core.exporting import Row, columns_of, written

COLUMNS = columns_of(
    "rater", "since", "from", "to", "accepted", "taken_out", "skipped", "flagged",
    "accepted_hours", "active_hours",
    accepted="integer", taken_out="integer", skipped="integer", flagged="integer",
    accepted_hours="number", active_hours="number",
)  # fmt: skip
DIGITS = 3


def report(
    *,
    project_id: int,
    period: work.Period,
    each: work.Each,
    round_id: int | None,
    text: str = "",
    actor: str,
) -> Iterator[bytes]:
    """Work by rater as CSV; `since` is empty unless the period is parted."""
    lines = work.by_rater(
        project_id=project_id, period=period, each=each, round_id=round_id, text=text
    )
    pieces = written((_row(line, period) for line in lines), COLUMNS, "csv")
    first = next(pieces)
    audit.record(
        actor=actor,
        verb="data.exported",
        object_type="project",
        object_id=project_id,
        project_id=project_id,
        data={"table": "work", "format": "csv", "from": str(period.first), "to": str(period.last)},
    )
    return chain([first], pieces)


def _row(line: work.Line, period: work.Period) -> Row:
    done = line.done
    return {
        "rater": line.name,
        "since": line.since and line.since.isoformat(),
        "from": period.first.isoformat(),
        "to": period.last.isoformat(),
        "accepted": done.accepted,
        "taken_out": done.taken_out,
        "skipped": done.skipped,
        "flagged": done.flagged,
        "accepted_hours": round(done.accepted_hours, DIGITS),
        "active_hours": round(done.hours, DIGITS),
    }
