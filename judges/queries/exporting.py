"""Verdicts, the ledger and decisions on their way out; of a sealed item nothing but its cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from annotation.queries.exporting import always, pieces, without_hidden
from annotation.states import DatasetKind
from core.exporting import Row, columns_of
from core.registry import ExportScope, ExportTable
from judges.models import Attempt, Call, Decision, EvidenceSnapshot, JudgeVersion, Verdict
from judges.queries.spending import Period
from judges.states import CallState, RunPurpose

VERDICT_COLUMNS = columns_of(
    "item", "label", "dimension", "order", "sample", "confidence", "outcome", "cluster",
    "dataset", "judge", "version", "fingerprint", "run", "is_cached", "rationale", "at",
    sample="integer", confidence="number", version="integer", run="integer", is_cached="boolean",
)  # fmt: skip
LEDGER_COLUMNS = columns_of(
    "run", "judge", "version", "model", "purpose", "item", "order", "sample", "attempt", "state",
    "outcome", "cost", "reserved", "price_source", "price_as_of", "input_tokens",
    "cache_read_tokens", "cache_write_tokens", "output_tokens", "latency_ms", "model_answered",
    "request_id", "sent_at", "finished_at",
    run="integer", version="integer", sample="integer", attempt="integer", cost="number",
    reserved="number", input_tokens="integer", cache_read_tokens="integer",
    cache_write_tokens="integer", output_tokens="integer", latency_ms="number",
)  # fmt: skip
DECISION_COLUMNS = columns_of(
    "decision", "judge", "version", "fingerprint", "kind", "dimensions", "gate", "reason",
    "decided_by", "author", "valid_until", "at",
    decision="integer", version="integer", dimensions="json", gate="json",
)  # fmt: skip
_CALL_FIELDS = (
    "item__external_id", "item__cluster_key", "item__dataset__name", "order", "sample",
    "outcome", "is_cached", "finished_at", "run_id", "run__version_id",
    "run__version__judge__name", "run__version__number", "run__version__fingerprint",
)  # fmt: skip
_LEDGER_PATHS = {
    "call": "call_id",
    "run": "call__run_id",
    "judge": "call__run__version__judge__name",
    "version": "call__run__version__number",
    "model": "call__run__version__spec__model",
    "purpose": "call__run__purpose",
    "order": "call__order",
    "sample": "call__sample",
    "attempt": "number",
    "state": "state",
    "outcome": "outcome",
    "cost": "cost",
    "reserved": "reserved",
    "price_source": "price_source",
    "price_as_of": "price_as_of",
    "input_tokens": "input_tokens",
    "cache_read_tokens": "cache_read_tokens",
    "cache_write_tokens": "cache_write_tokens",
    "output_tokens": "output_tokens",
    "latency_ms": "latency_ms",
    "model_answered": "model_answered",
    "request_id": "request_id",
    "sent_at": "sent_at",
    "finished_at": "finished_at",
}
_MONEY = ("cost", "reserved")
_OF_THE_ITEM = frozenset(
    {
        "order", "sample", "attempt", "state", "outcome", "input_tokens", "cache_read_tokens",
        "cache_write_tokens", "output_tokens", "latency_ms", "request_id", "finished_at",
    }
)  # fmt: skip
_DECISION_PATHS = {
    "decision": "pk",
    "judge": "judge__name",
    "version": "version__number",
    "fingerprint": "fingerprint",
    "kind": "kind",
    "dimensions": "dimensions",
    "reason": "reason",
    "decided_by": "actor",
    "author": "author_actor",
    "valid_until": "valid_until",
    "at": "created_at",
}


def verdict_rows(scope: ExportScope) -> Iterator[Row]:
    """One row a call and dimension, as `align` reads them; a call that failed has its outcome."""
    # A probe's verdicts are partly on changed copies, and what an unsaved edit said in the
    # playground is no version's: neither is an item's label.
    calls = _open_calls(scope).filter(state=CallState.FINISHED)
    calls = calls.exclude(run__purpose__in=(RunPurpose.PROBE, RunPurpose.PLAYGROUND))
    if scope.dataset_id is not None:
        calls = calls.filter(item__dataset=scope.dataset_id)
    if scope.run_id is not None:
        calls = calls.filter(run=scope.run_id)
    keys: dict[int, list[str]] = {}
    for piece in pieces(calls, _CALL_FIELDS):
        said = _verdicts([row[0] for row in piece])
        for row in piece:
            yield from _call_rows(row, said.get(row[0], {}), keys)


def _open_calls(scope: ExportScope) -> QuerySet[Call]:
    """Calls on items of the project's own datasets; what came over the API is in no export."""
    calls = Call.objects.filter(
        run__project=scope.project_id,
        item__dataset__kind=DatasetKind.NORMAL,
    )
    return without_hidden(calls, scope, item="item")


def _verdicts(call_ids: list[int]) -> dict[int, dict[str, Verdict]]:
    found: dict[int, dict[str, Verdict]] = {}
    for verdict in Verdict.objects.filter(call__in=call_ids):
        found.setdefault(verdict.call_id, {})[verdict.dimension_key] = verdict
    return found


def _call_rows(
    row: tuple[Any, ...], said: dict[str, Verdict], keys: dict[int, list[str]]
) -> Iterator[Row]:
    (_, item, cluster, dataset, order, sample, outcome, is_cached, at, run, version_id, judge,
     number, fingerprint) = row  # fmt: skip
    for key in _keys_of(version_id, keys):
        verdict = said.get(key)
        yield {
            "item": item,
            "label": verdict.label if verdict else None,
            "dimension": key,
            "order": order or None,
            "sample": sample,
            "confidence": verdict.confidence if verdict else None,
            "outcome": outcome,
            "cluster": cluster,
            "dataset": dataset,
            "judge": judge,
            "version": number,
            "fingerprint": fingerprint,
            "run": run,
            "is_cached": is_cached,
            "rationale": (verdict.rationale or None) if verdict else None,
            "at": at,
        }


def _keys_of(version_id: int, known: dict[int, list[str]]) -> list[str]:
    """The dimensions that a version judges, asked for once."""
    if version_id not in known:
        version = JudgeVersion.objects.select_related("guideline_version").get(pk=version_id)
        known[version_id] = [one.key for one in version.guideline_version.dimensions.all()]
    return known[version_id]


def ledger_rows(scope: ExportScope) -> Iterator[Row]:
    """Every attempt with its cost; the item is named only where its verdicts may be read."""
    attempts = Attempt.objects.filter(call__run__project=scope.project_id)
    if scope.run_id is not None:
        attempts = attempts.filter(call__run=scope.run_id)
    if scope.judge_id is not None:
        attempts = attempts.filter(call__run__version__judge=scope.judge_id)
    if scope.model:
        attempts = attempts.filter(call__run__version__spec__model=scope.model)
    if scope.since is not None:
        attempts = attempts.filter(sent_at__gte=Period(scope.since, scope.since).begins)
    if scope.until is not None:
        attempts = attempts.filter(sent_at__lt=Period(scope.until, scope.until).ends)
    for piece in pieces(attempts, list(_LEDGER_PATHS.values())):
        rows = [dict(zip(_LEDGER_PATHS, row[1:], strict=True)) for row in piece]
        named = _item_names(scope, [row["call"] for row in rows])
        for row in rows:
            yield _ledger_row(row, named.get(row.pop("call")))


def _item_names(scope: ExportScope, call_ids: list[int]) -> dict[int, str]:
    calls = _open_calls(scope).filter(pk__in=call_ids)
    return dict(calls.values_list("pk", "item__external_id"))


def _ledger_row(row: dict[str, Any], item: str | None) -> Row:
    money = {name: None if row[name] is None else float(row[name]) for name in _MONEY}
    if item is None:
        # The order of its rows and the size of a text could tell which item it was.
        row = {name: value for name, value in row.items() if name not in _OF_THE_ITEM}
    texts = {name: value for name, value in row.items() if value != ""}
    return {**texts, **money, "item": item}


def decision_rows(scope: ExportScope) -> Iterator[Row]:
    """Who decided what, on which evidence; people by their pseudonymous ids."""
    decisions = Decision.objects.filter(judge__project=scope.project_id)
    for piece in pieces(decisions, list(_DECISION_PATHS.values())):
        gates = _gates([row[0] for row in piece])
        for row in piece:
            told = dict(zip(_DECISION_PATHS, row[1:], strict=True))
            yield told | {"gate": gates.get(row[0], {})}


def _gates(decision_ids: list[int]) -> dict[int, dict[str, str]]:
    """For each decision what the gate had said of each dimension."""
    found: dict[int, dict[str, str]] = {}
    evidence = EvidenceSnapshot.objects.filter(decisions__in=decision_ids)
    for decision, key, gate in evidence.values_list("decisions", "dimension_key", "gate"):
        found.setdefault(decision, {})[key] = gate
    return found


VERDICTS = ExportTable(
    name="verdicts",
    title="Verdicts",
    about="What judges said, call by call in both orders; failed calls with their outcome.",
    columns=always(VERDICT_COLUMNS),
    rows=verdict_rows,
    narrowed_by=frozenset({"dataset", "run"}),
)
LEDGER = ExportTable(
    name="ledger",
    title="Ledger",
    about="Every attempt that was sent: tokens, cost with the price's source, time.",
    columns=always(LEDGER_COLUMNS),
    rows=ledger_rows,
    narrowed_by=frozenset({"run", "judge", "model", "since", "until"}),
)
DECISIONS = ExportTable(
    name="decisions",
    title="Decisions",
    about="Approvals, refusals and what followed, with reasons.",
    columns=always(DECISION_COLUMNS),
    rows=decision_rows,
)
