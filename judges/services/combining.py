"""After the end of a run: the one label of each item and dimension, then the watchers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby

from django.db import transaction

from core import stopping
from judges.models import Call, JudgeLabel, Run, Verdict
from judges.rules import verdicts
from judges.rules.spec import VersionSpec
from judges.rules.verdicts import CallVerdict, Combined, Outcome, to_item_labelling
from judges.services import calls, hooks
from judges.services.versions import spec_of
from judges.states import RunState

CHUNK = 500
PATIENCE = timedelta(seconds=5)


def combine(run_id: int, *, now: datetime) -> None:
    """Write the labels of an ended run and tell the watchers; a second call changes nothing.

    A process that is asked to end leaves it to the next one: nothing is half-written.
    """
    run = Run.objects.select_related("version").get(pk=run_id)
    if run.state != RunState.DONE or run.combined_at is not None:
        return
    labels = list(_labels(run, calls.change_of(run).asked(spec_of(run.version))))
    with transaction.atomic():
        # Retried and ended once more meanwhile, it has verdicts that were not looked at.
        stamped = Run.objects.filter(
            pk=run_id,
            state=RunState.DONE,
            combined_at__isnull=True,
            finished_at=run.finished_at,
        ).update(combined_at=now)
        if not stamped:
            return
        for start in range(0, len(labels), CHUNK):
            if stopping.is_requested():
                transaction.set_rollback(True)
                return
            write_labels(labels[start : start + CHUNK])
        for tell in hooks.watchers():
            tell(run_id)


def write_labels(labels: list[JudgeLabel]) -> None:
    """The labels of a run; those of an earlier end, before a retry, are put right."""
    JudgeLabel.objects.bulk_create(
        labels,
        batch_size=CHUNK,
        update_conflicts=True,
        unique_fields=["run", "item", "dimension_key"],
        update_fields=["label", "outcome", "is_consistent", "confidence"],
    )


def forgotten(now: datetime) -> list[int]:
    """Ended runs whose labels nobody is combining."""
    ended = Run.objects.filter(
        state=RunState.DONE, combined_at__isnull=True, finished_at__lt=now - PATIENCE
    )
    return list(ended.order_by("pk").values_list("pk", flat=True)[:50])


def _labels(run: Run, spec: VersionSpec) -> Iterator[JudgeLabel]:
    said = _verdicts_by_call(run)
    asked = (
        Call.objects.filter(run=run)
        .order_by("item_id", "pk")
        .values_list("pk", "item_id", "order", "sample", "outcome")
    )
    for item_id, rows in groupby(asked.iterator(), key=lambda row: row[1]):
        views = [
            CallVerdict(
                order=order,
                sample=sample,
                outcome=Outcome(outcome or Outcome.PENDING),
                labels={
                    key: to_item_labelling(label, order) for key, label in said.get(pk, {}).items()
                },
            )
            for pk, _, order, sample, outcome in rows
        ]
        for key, combined in verdicts.combine(views, spec).items():
            yield _row(run.pk, item_id, key, combined)


def _verdicts_by_call(run: Run) -> dict[int, dict[str, str]]:
    said: dict[int, dict[str, str]] = {}
    rows = Verdict.objects.filter(call__run=run).values_list("call_id", "dimension_key", "label")
    for call_id, key, label in rows.iterator():
        said.setdefault(call_id, {})[key] = label
    return said


def _row(run_id: int, item_id: int, key: str, combined: Combined) -> JudgeLabel:
    return JudgeLabel(
        run_id=run_id,
        item_id=item_id,
        dimension_key=key,
        label=combined.label or "",
        outcome=combined.outcome,
        is_consistent=combined.consistent,
    )
