"""The judge's labels as measurement reads them."""

from __future__ import annotations

from dataclasses import dataclass

from judges.models import JudgeLabel, Run, Verdict
from judges.rules.verdicts import to_item_labelling


@dataclass(frozen=True, slots=True)
class JudgeLabelRow:
    """The judge's label of one item on one dimension. `label` is None unless the outcome is ok."""

    item_id: int
    external_id: str
    cluster_key: str
    label: str | None
    outcome: str
    is_consistent: bool | None
    confidence: float | None
    first_shown: tuple[str, ...] = ()


def judge_label_rows(run: Run, dimension_key: str) -> list[JudgeLabelRow]:
    """One row for each item of a combined run, by item; `first_shown` holds, for pairs, which
    place each call named: "first", "second" or "tie".
    """
    shown = _places_named(run, dimension_key)
    labels = (
        JudgeLabel.objects.filter(run=run, dimension_key=dimension_key)
        .select_related("item")
        .order_by("item_id")
    )
    return [
        JudgeLabelRow(
            item_id=label.item_id,
            external_id=label.item.external_id,
            cluster_key=label.item.cluster_key,
            label=label.label or None,
            outcome=label.outcome,
            is_consistent=label.is_consistent,
            confidence=label.confidence,
            first_shown=tuple(shown.get(label.item_id, ())),
        )
        for label in labels
    ]


def _places_named(run: Run, dimension_key: str) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    rows = (
        Verdict.objects.filter(call__run=run, dimension_key=dimension_key)
        .exclude(call__order="")
        .order_by("call_id")
        .values_list("call__item_id", "call__order", "label")
    )
    for item_id, order, label in rows:
        place = {"A": "first", "B": "second"}.get(to_item_labelling(label, order)[:1], "tie")
        found.setdefault(item_id, []).append(place)
    return found
