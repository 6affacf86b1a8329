"""Fresh human labels held against an approved judge; when it has got worse, it is suspended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from judges.models import Decision, DriftLabel, Standing
from judges.queries import drift as queries
from judges.queries.drift import DriftState
from judges.services import suspending


@dataclass(frozen=True, slots=True)
class FreshLabel:
    """One item that people labelled after the approval: does the judge say the same?

    No verdict of the judge is a miss, as it is at the gate.
    """

    item_id: int
    agrees: bool


@transaction.atomic(durable=True)
def take(
    *, standing_id: int, dimension_key: str, labels: Sequence[FreshLabel], now: datetime
) -> Decision | None:
    """Add labels in their order; the `suspend` decision when they raise the alarm, else None.

    An item counts once for each approval. Labels of a dimension that the standing does not cover,
    or of one that ended, are left out. While it is suspended labels are kept and raise no alarm.
    """
    # Locked: two batches of labels get numbers one after the other, and one of them suspends.
    standing = (
        Standing.objects.select_for_update(of=("self",))
        .select_related("judge", "version", "decision")
        .filter(pk=standing_id)
        .first()
    )
    if standing is None or dimension_key not in standing.dimensions:
        return None
    _keep(standing, dimension_key, labels, now=now)
    state = queries.state_of(standing, dimension_key)
    if not state.is_alarmed:
        return None
    return suspending.suspend_for_drift(standing, reason=_reason(state))


def _keep(
    standing: Standing, dimension_key: str, labels: Sequence[FreshLabel], *, now: datetime
) -> None:
    known = queries.labels_of(standing, dimension_key)
    seen = set(
        known.filter(item__in=[one.item_id for one in labels]).values_list("item_id", flat=True)
    )
    last = known.last()
    number = 0 if last is None else last.number
    rows = []
    for one in labels:
        if one.item_id in seen:
            continue
        seen.add(one.item_id)
        number += 1
        rows.append(
            DriftLabel(
                approval=standing.decision,
                dimension_key=dimension_key,
                item_id=one.item_id,
                number=number,
                agrees=one.agrees,
                at=now,
            )
        )
    DriftLabel.objects.bulk_create(rows)


def _reason(state: DriftState) -> str:
    drift = state.drift
    assert drift is not None, "without a statistic there is no alarm"
    return (
        f"Drift on {state.dimension_key!r}: of {state.labels:,} fresh labels the judge agrees "
        f"with {state.agreeing:,}. The alarm's statistic went above {drift.limit:g} at label "
        f"{drift.alarm_at:,}; it weighs {drift.feared:.1%} against the approved "
        f"{drift.approved:.1%}."
    )
