"""What the bias laboratory has found of a version, as a report freezes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from annotation.states import GuidelineForm
from judges.models import JudgeVersion
from judges.queries import probes
from judges.queries.probes import ProbeResult
from judges.rules.probes import PROBES
from judges.states import ProbeKind, ProbeState, VersionKind

NO_ORDER = "single responses stand in no order"
RECORDED = "recorded verdicts cannot be asked again"
RUNNING = "still being probed when this report was frozen"
NEVER = "not probed in this version before this report was frozen"

Frozen = Mapping[str, Mapping[str, Any]]


def of_version(version: JudgeVersion) -> dict[str, dict[str, Any]]:
    """By kind of probe the newest result of this very version, or why there is none.

    Values and no keys alone: a probe is measured anew after a retry, and the report stays.
    """
    found = probes.latest(version)
    return {
        kind.value: _result(found[kind]) if kind in found else _none(_why_none(version, kind))
        for kind in ProbeKind
    }


def identity(frozen: Frozen) -> str:
    """What tells one state of the results from another; nothing where there is none."""
    return "\n".join(
        f"{kind}\t{found['probe']}\t{found['measured_at']}"
        for kind, found in frozen.items()
        if found["probe"] is not None
    )


def _result(found: ProbeResult) -> dict[str, Any]:
    probe = found.probe
    stored = probe.result
    assert stored is not None
    assert probe.measured_at is not None
    return {
        "probe": probe.pk,
        "measured_at": probe.measured_at.isoformat(),
        "parameters": probe.parameters,
        "dimensions": stored["dimensions"],
        "tolerances": stored["tolerances"],
        "because": "",
    }


def _none(because: str) -> dict[str, Any]:
    return {
        "probe": None,
        "measured_at": None,
        "parameters": {},
        "dimensions": {},
        "tolerances": {},
        "because": because,
    }


def _why_none(version: JudgeVersion, kind: ProbeKind) -> str:
    if version.kind == VersionKind.RECORDED:
        return RECORDED
    form = version.guideline_version.guideline.form
    if PROBES[kind].needs_pairs and form != GuidelineForm.PAIRWISE:
        return NO_ORDER
    if version.probes.filter(kind=kind, state=ProbeState.RUNNING).exists():
        return RUNNING
    return NEVER
