"""Where the drift alarm of an approval stands: recomputed from its labels each time."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from judges.models import Decision, DriftLabel, EvidenceSnapshot, Standing
from judges.states import DecisionKind
from measurement.arrays import np
from measurement.drift import DROP, LIMIT, Drift, cusum
from measurement.scale import TableError


@dataclass(frozen=True, slots=True)
class DriftState:
    """One dimension's alarm: `labels` fresh labels since the approval, or since it was reinstated.

    `drift` is None where there is nothing to compute, `because` says why.
    """

    dimension_key: str
    labels: int
    agreeing: int
    drift: Drift | None
    because: str = ""

    @property
    def is_alarmed(self) -> bool:
        return self.drift is not None and self.drift.is_alarmed


def state_of(standing: Standing, dimension_key: str) -> DriftState:
    """The standing must be loaded with its decision."""
    hits = list(_counted(standing, dimension_key).values_list("agrees", flat=True))
    approved = _approved_rate(standing, dimension_key)
    if approved is None:
        return DriftState(dimension_key, len(hits), sum(hits), None, "no approved rate is known")
    if not hits:
        return DriftState(dimension_key, 0, 0, None, "no fresh label has come yet")
    policy = standing.decision.policy
    try:
        found = cusum(
            np.asarray(hits, dtype=np.bool_),
            approved=approved,
            drop=policy.get("drift_drop", DROP),
            limit=policy.get("drift_limit", LIMIT),
        )
    except TableError as error:
        return DriftState(dimension_key, len(hits), sum(hits), None, str(error))
    return DriftState(dimension_key, len(hits), sum(hits), found)


def labels_of(standing: Standing, dimension_key: str) -> QuerySet[DriftLabel]:
    """Every fresh label of the approval in force, in order."""
    return DriftLabel.objects.filter(
        approval=standing.decision_id, dimension_key=dimension_key
    ).order_by("number")


def _counted(standing: Standing, dimension_key: str) -> QuerySet[DriftLabel]:
    """Those since it was last reinstated: what was looked into does not alarm again."""
    reinstated = (
        Decision.objects.filter(
            judge=standing.judge_id,
            version=standing.version_id,
            kind=DecisionKind.REINSTATE,
            pk__gt=standing.decision_id,
        )
        .order_by("-pk")
        .first()
    )
    labels = labels_of(standing, dimension_key)
    return labels if reinstated is None else labels.filter(at__gt=reinstated.created_at)


def _approved_rate(standing: Standing, dimension_key: str) -> float | None:
    """The agreement that the decision in force rests on."""
    evidence = EvidenceSnapshot.objects.filter(
        decisions=standing.decision_id, dimension_key=dimension_key
    ).first()
    return None if evidence is None else evidence.numbers["agreement"]["value"]
