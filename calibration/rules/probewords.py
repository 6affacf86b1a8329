"""The frozen results of the bias laboratory as lines of a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.figures import Figure, figure_of
from judges.rules.probes import BADGES, PROBES, FigureSpec, in_words, reading
from judges.states import ProbeKind

Stored = Mapping[str, Any]

NOT_ON_IT = "not measured on this dimension"
UNKNOWN: Stored = {
    "dimensions": {},
    "because": "no such probe was there when this report was frozen",
}


@dataclass(frozen=True, slots=True)
class ProbeLine:
    """A figure that is held to a tolerance; `section` explains it, `probe` leads to its probe."""

    kind: str
    name: str
    note: str
    section: str
    figure: Figure
    tolerance: str
    badge_kind: str
    badge: str
    probe: int
    at: datetime


def probe_lines(probes: Stored | None, dimension: str) -> list[ProbeLine]:
    """In the order of the laboratory; nothing where the report is older than this part of it."""
    if probes is None:
        return []
    return [line for kind in ProbeKind for line in _lines(kind, _of(probes, kind), dimension)]


def why_none(probes: Stored | None, dimension: str) -> list[str]:
    """A sentence for each reason why a probe has no result, with the probes that share it."""
    if probes is None:
        return []
    kinds: dict[str, list[str]] = {}
    for kind in ProbeKind:
        found = _of(probes, kind)
        if dimension not in found["dimensions"]:
            kinds.setdefault(found["because"] or NOT_ON_IT, []).append(kind.label)
    return [f"{', '.join(names)}: {because}." for because, names in kinds.items()]


def figure(probes: Stored | None, kind: ProbeKind, key: str, dimension: str) -> Figure | None:
    """One frozen figure; None where there is none."""
    found = (probes or {}).get(kind.value, {}).get("dimensions", {}).get(dimension, {}).get(key)
    return None if found is None else figure_of(found)


def _of(probes: Stored, kind: ProbeKind) -> Stored:
    """What was frozen of one kind; the laboratory may have learnt it since."""
    found: Stored = probes.get(kind.value, UNKNOWN)
    return found


def _lines(kind: ProbeKind, found: Stored, dimension: str) -> Iterator[ProbeLine]:
    figures = found["dimensions"].get(dimension, {})
    for one in PROBES[kind].figures:
        tolerance = found["tolerances"][one.key] if one.key in figures else None
        if tolerance is not None:
            yield _line(kind, one, figures[one.key], tolerance, found)


def _line(
    kind: ProbeKind, one: FigureSpec, estimate: Stored, tolerance: list[float], found: Stored
) -> ProbeLine:
    # Where there is no figure its reason says so already.
    read = reading(estimate, tolerance)
    badge_kind, badge = BADGES["" if read == "undefined" else read]
    return ProbeLine(
        kind.label,
        one.name,
        one.note,
        one.section,
        figure_of(estimate),
        tolerance=in_words(tolerance),
        badge_kind=badge_kind,
        badge=badge,
        probe=found["probe"],
        at=datetime.fromisoformat(found["measured_at"]),
    )
