"""What a certificate says of one decision: read from rows that never change.

The same decision gives the same certificate every time. Nothing in it is about one item: of a
look that passed it has what every member of the staff reads, of any other the short form only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from calibration.queries import reports
from calibration.queries.approvals import PROVENANCE_WORDS, most_looks
from calibration.rules import gatewords, visibility
from calibration.rules.decisionwords import DECIDED_WORDS
from calibration.rules.gatewords import CheckLine
from calibration.states import ReportForm
from core.figures import Figure, figure_of
from judges.models import Decision, EvidenceSnapshot, JudgeVersion
from judges.states import DecisionKind

FORMAT = "plumbline-certificate/1"


@dataclass(frozen=True, slots=True)
class DimensionLine:
    """One dimension of a certificate as its page shows it; `evidence` as the file has it."""

    name: str
    badge_kind: str
    badge: str
    evidence: Mapping[str, Any] | None
    gate: str
    agreement: Figure | None
    level: str
    checks: list[CheckLine]
    failed: list[str]


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate's content in words."""

    badge_kind: str
    badge: str
    dimensions: list[DimensionLine]
    sealed_sets: list[tuple[Mapping[str, Any], str]]


def content(decision: Decision) -> dict[str, Any]:
    """The certificate of a decision, ready to be signed.

    `decision` must be loaded with its judge's project and its version's guideline. Times are ISO
    8601 in UTC, shares are fractions, estimates are `{value, n, interval, undefined_because}`.
    """
    version = decision.version
    evidence = {
        row.dimension_key: row
        for row in decision.evidence.select_related("look", "sealed_set__dataset", "request")
    }
    return {
        "format": FORMAT,
        "decision": _decision(decision),
        "project": {"slug": decision.judge.project.slug, "name": decision.judge.project.name},
        "judge": _judge(version),
        "guideline": {
            "name": version.guideline_version.guideline.name,
            "version": version.guideline_version.number,
        },
        "sealed_sets": list(_sealed_sets(evidence)),
        "dimensions": list(_dimensions(decision, evidence)),
        "tested_besides": list(_tested_besides(decision, evidence)),
        "policy": _policy(decision, evidence),
    }


def shown(certificate: Mapping[str, Any]) -> Shown:
    """The content as its page shows it; reads no rows."""
    kind, words = DECIDED_WORDS[certificate["decision"]["kind"]]
    return Shown(
        badge_kind=kind,
        badge=words,
        dimensions=[_line(one) for one in certificate["dimensions"]],
        sealed_sets=[
            (one, PROVENANCE_WORDS[one["provenance"]]) for one in certificate["sealed_sets"]
        ],
    )


def _line(one: Mapping[str, Any]) -> DimensionLine:
    kind, words = DECIDED_WORDS[one["decided"]]
    evidence = one["evidence"]
    known: Mapping[str, Any] = evidence or {}
    return DimensionLine(
        name=one["name"],
        badge_kind=kind,
        badge=words,
        evidence=evidence,
        gate=gatewords.GATE_WORDS[known["gate"]][1] if known else "",
        agreement=figure_of(known["agreement"]) if "agreement" in known else None,
        level=gatewords.target_words(1 - known["level"]) if known else "",
        checks=gatewords.lines(known.get("checks", ())),
        failed=[gatewords.words(name) for name in known.get("failed", ())],
    )


def _decision(decision: Decision) -> dict[str, Any]:
    request = decision.request
    return {
        "id": decision.pk,
        "kind": decision.kind,
        "is_exception": decision.kind == DecisionKind.EXCEPTION,
        "at": decision.created_at.isoformat(),
        "valid_until": decision.valid_until.isoformat() if decision.valid_until else None,
        "actor": decision.actor,
        "reason": decision.reason,
        "request": request.pk if request else None,
        "asked_by": request.actor if request else None,
    }


def _policy(decision: Decision, evidence: Mapping[str, EvidenceSnapshot]) -> dict[str, Any]:
    """The constants that the evidence was measured by, and those of the decision's day."""
    measured = next(iter(evidence.values()), None)
    return {
        "measured_by": None if measured is None else measured.rule,
        "measured_by_number": None if measured is None else measured.policy_number,
        "decided_by": decision.policy or None,
    }


def _judge(version: JudgeVersion) -> dict[str, Any]:
    return {
        "slug": version.judge.slug,
        "name": version.judge.name,
        "version": version.number,
        "kind": version.kind,
        "model": str(version.spec.get("model", "")),
        "fingerprint": version.fingerprint,
        "author": version.author_actor,
        "is_simulated": version.is_simulated,
    }


def _sealed_sets(evidence: Mapping[str, EvidenceSnapshot]) -> Iterator[dict[str, Any]]:
    for one in {row.sealed_set_id: row.sealed_set for row in evidence.values()}.values():
        yield {
            "id": one.pk,
            "dataset": one.dataset.name,
            "provenance": one.provenance,
            "declared_by": one.declared_by or None,
            "is_one_shot": one.is_one_shot,
            "drawn_at": one.created_at.isoformat(),
            "is_simulated": one.dataset.is_simulated,
        }


def _dimensions(
    decision: Decision, evidence: Mapping[str, EvidenceSnapshot]
) -> Iterator[dict[str, Any]]:
    names = reports.dimension_names(decision.version)
    for key, decided in sorted(decision.dimensions.items()):
        row = evidence.get(key)
        yield {
            "key": key,
            "name": names.get(key, key),
            "decided": decided,
            "evidence": None if row is None else _evidence(row, decided),
        }


def _evidence(row: EvidenceSnapshot, decided: str) -> dict[str, Any]:
    numbers = row.numbers
    agreement = numbers["agreement"]
    form = visibility.form_of(gate=row.gate, is_sealed=True, is_admin=False, is_judge_author=False)
    told: dict[str, Any] = {
        "id": row.pk,
        "measured_at": row.created_at.isoformat(),
        "gate": row.gate,
        "sealed_set": row.sealed_set_id,
        "look": row.look.number,
        "looks": most_looks(row.sealed_set),
        "level": numbers["level"],
        "agrees": round((agreement["value"] or 0) * (agreement["n"] or 0)),
        "items": agreement["n"],
        "failed": [check["name"] for check in numbers["gate"]["checks"] if not check["passed"]],
        "labels_digest": row.labels_digest,
        "verdicts_digest": row.verdicts_digest,
    }
    if form is not ReportForm.SHORT:
        told |= {
            "agreement": agreement,
            "lower_bound": numbers["lower_bound"],
            "n_eff": numbers["n_eff"],
            "checks": numbers["gate"]["checks"],
        }
    if decided == DecisionKind.EXCEPTION:
        test = numbers["alt_test"]
        # What the exception rests on: missing verdicts scored worst.
        told["alt_test"] = {
            "omega": test["strict"]["omega"],
            "rho": test["strict"]["rho"],
            "epsilon": test["epsilon"],
            "missing_verdicts": "worst",
        }
    return told


def _tested_besides(
    decision: Decision, evidence: Mapping[str, EvidenceSnapshot]
) -> Iterator[dict[str, Any]]:
    """Looks of the same fingerprint in other requests: whoever tests much passes something."""
    others = (
        EvidenceSnapshot.objects.filter(
            fingerprint=decision.fingerprint,
            version__judge__project=decision.judge.project_id,
            created_at__lte=decision.created_at,
        )
        .exclude(pk__in=[row.pk for row in evidence.values()])
        .order_by("pk")
    )
    for key, gate, sealed_set in others.values_list("dimension_key", "gate", "sealed_set"):
        yield {"dimension": key, "gate": gate, "sealed_set": sealed_set}
