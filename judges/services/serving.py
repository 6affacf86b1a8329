"""An approved judge answers: what stands, the run that asks, and the answer that may be given."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.models import Project
from annotation.models import Dimension
from annotation.queries.labels import scale_of
from annotation.rules.itemrows import ItemDraft
from annotation.services import traffic
from core.errors import Conflict, DomainError, Invalid, NotHere, OverBudget
from judges.models import Attempt, Judge, JudgeLabel, JudgeVersion, Run, Standing
from judges.queries import endings
from judges.queries.items import judged_kinds
from judges.rules import budgets
from judges.rules.verdicts import Outcome
from judges.services import engine, runs
from judges.services.versions import spec_of
from judges.states import RunPurpose, RunState
from measurement.scale import NOT_APPLICABLE

MOST_ITEMS = 1000
PATIENCE_SECONDS = 60.0
NAP_SECONDS = 0.05

# Two calls may wait in this process; a third is given a run to follow.
_waiting = threading.BoundedSemaphore(2)


class NoVerdict(DomainError):
    """The judge was asked and said nothing that can be given on."""

    status = 502


class Unanswerable(DomainError):
    """The judge will not answer for this item, however often it is asked."""

    status = 422


@dataclass(frozen=True, slots=True)
class Asked:
    """A run that asks for verdicts, and the dimensions that are wanted."""

    run: Run
    dimensions: tuple[str, ...]


def standing_of(judge: Judge, *, now: datetime) -> Standing:
    """What stands for a judge just now. Raises Conflict: judge_not_approved, approval_suspended
    or approval_expired, each with what has to happen."""
    standing = (
        Standing.objects.select_related("version__guideline_version", "version__judge", "decision")
        .filter(judge=judge)
        .first()
    )
    if standing is None:
        raise Conflict(
            "judge_not_approved",
            f"No version of {judge.name!r} is approved. Ask for an approval on its page.",
        )
    if standing.is_suspended:
        raise Conflict(
            "approval_suspended",
            f"The approval of {judge.name!r} is suspended until somebody has looked into it.",
        )
    problem = endings.why_over(standing, now=now)
    if problem:
        raise Conflict("approval_expired", problem)
    return standing


def chosen(standing: Standing, wanted: Sequence[str] | None) -> tuple[str, ...]:
    """The dimensions to answer: all that the standing covers, or the named ones of them."""
    if wanted is None:
        return tuple(standing.dimensions)
    others = [key for key in wanted if key not in standing.dimensions]
    if others or not wanted:
        raise Conflict(
            "dimension_not_approved",
            f"The approval covers {', '.join(standing.dimensions)}; not {', '.join(others)}."
            if others
            else f"Name at least one of {', '.join(standing.dimensions)}.",
            {"dimensions": others},
        )
    return tuple(dict.fromkeys(wanted))


def judge_of(project: Project, slug: str) -> Judge:
    judge = Judge.objects.filter(project=project, slug=slug).first()
    if judge is None:
        raise NotHere("There is no such judge in this project.")
    return judge


def ask(
    *,
    judge: Judge,
    drafts: Sequence[ItemDraft],
    dimensions: Sequence[str] | None,
    actor: str,
    now: datetime,
) -> Asked:
    """Keep the items and plan a run of the version that stands over them.

    Raises Invalid, with nothing kept, for items of a kind that the version does not judge.
    """
    standing = standing_of(judge, now=now)
    wanted = chosen(standing, dimensions)
    _check_kinds(standing.version, drafts)
    items = traffic.keep(project=judge.project, drafts=drafts)
    run = runs.plan_run(
        version=standing.version,
        dataset=items[0].dataset,
        items=items,
        purpose=RunPurpose.SERVING,
        actor=actor,
        now=now,
    )
    return Asked(run, wanted)


def wait(asked: Asked) -> bool:
    """Work on the run in this process until it ends; False when that would take too long.

    A worker may have been quicker to take it: then this only waits for its end.
    """
    if not _waiting.acquire(blocking=False):
        return False
    try:
        engine.drain(asked.run.pk)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            asked.run.refresh_from_db()
            if _is_over(asked.run):
                return True
            time.sleep(NAP_SECONDS)
    finally:
        _waiting.release()
    return False


def answer(asked: Asked, *, now: datetime) -> dict[str, Any]:
    """The one answer of a run over one item; what stands is asked once more before it is given.

    Raises Conflict when the approval ended meanwhile, OverBudget when a budget does not reach,
    NoVerdict or Unanswerable when the judge gave no label: never a made-up one.
    """
    run = asked.run
    why_paused = run.pause_reason if run.state == RunState.PAUSED else ""
    if run.state == RunState.PAUSED:
        runs.cancel(run=run, actor="system", now=now)
    standing = standing_of(run.version.judge, now=now)
    _check_still(standing, run)
    if why_paused:
        short = budgets.short_of(why_paused)
        if short:
            raise OverBudget(
                "budget_reached",
                f"{short} does not reach for this call, so nothing was asked. Once it was raised "
                f"under {budgets.WHERE}, ask again.",
            )
        raise NoVerdict("judge_unavailable", f"The judge could not be asked: {why_paused}")
    labels = {row.dimension_key: row for row in JudgeLabel.objects.filter(run=run)}
    _check_labels(asked.dimensions, labels)
    _check_name(standing, run)
    tested = tested_labels(run.version)
    return {
        "verdicts": {key: _verdict(labels[key], tested[key]) for key in asked.dimensions},
        **signature(standing, run),
    }


def answers(run: Run, rows: Iterable[JudgeLabel], *, now: datetime) -> list[dict[str, Any]]:
    """The verdicts of a serving run's items: `rows` are the labels of whole items."""
    standing = standing_of(run.version.judge, now=now)
    _check_still(standing, run)
    _check_name(standing, run)
    tested = tested_labels(run.version)
    by_item: dict[str, dict[str, JudgeLabel]] = {}
    for row in rows:
        if row.dimension_key in standing.dimensions:
            by_item.setdefault(row.item.external_id, {})[row.dimension_key] = row
    return [
        {
            "item": item,
            "verdicts": {
                key: _verdict(row, tested[key]) for key, row in labels.items() if row.label
            },
            "no_verdict": {key: row.outcome for key, row in labels.items() if not row.label},
        }
        for item, labels in by_item.items()
    ]


def signature(standing: Standing, run: Run) -> dict[str, Any]:
    """Who answered, on whose decision, and for how much (US dollars)."""
    return {
        "judge": run.version.judge.slug,
        "version": run.version.number,
        "fingerprint": run.version.fingerprint,
        "decision": standing.decision_id,
        "decision_kind": standing.decision.kind,
        "cost": float(run.spent),
    }


def tested_labels(version: JudgeVersion) -> dict[str, Mapping[str, str]]:
    """For each dimension what a label is called in an answer: pass or fail where there is a cut."""
    return {
        dimension.key: _tested(dimension)
        for dimension in version.guideline_version.dimensions.all()
    }


def objection(run_id: int) -> str:
    """Why a serving run may ask no further: what stands is asked before each group of calls."""
    run = Run.objects.select_related("version__judge").get(pk=run_id)
    try:
        _check_still(standing_of(run.version.judge, now=timezone.now()), run)
    except Conflict as refusal:
        return refusal.sentence
    return ""


def _check_kinds(version: JudgeVersion, drafts: Sequence[ItemDraft]) -> None:
    is_pairwise = spec_of(version).is_pairwise
    kinds = judged_kinds(is_pairwise=is_pairwise)
    unfit = [place for place, draft in enumerate(drafts, 1) if draft.kind not in kinds]
    if unfit:
        wanted = (
            "pairs: send response_a and response_b"
            if is_pairwise
            else "single responses or conversations: send one response"
        )
        listed = ", ".join(map(str, unfit[:5])) + (", …" if len(unfit) > 5 else "")
        raise Invalid(
            "items_unfit",
            f"This judge takes {wanted}. Not so in item {listed}; nothing was asked.",
            {"items": [f"Item {place} is of another kind." for place in unfit[:20]]},
        )


def _check_still(standing: Standing, run: Run) -> None:
    if standing.version_id != run.version_id:
        raise Conflict(
            "judge_not_approved",
            f"Version {run.version.number} is no longer the approved one; ask again.",
        )


def _check_name(standing: Standing, run: Run) -> None:
    """An answer under another name than the measured one is not given."""
    names = set(
        Attempt.objects.filter(call__run=run, outcome=Outcome.OK)
        .exclude(model_answered="")
        .values_list("model_answered", flat=True)
    )
    measured = endings.measured_names([standing.decision_id])[standing.decision_id]
    if measured and names - measured:
        raise Conflict("approval_expired", endings.renamed(min(names - measured), measured))


def _check_labels(wanted: Sequence[str], labels: Mapping[str, JudgeLabel]) -> None:
    missing = {
        key: labels[key].outcome if key in labels else "missing"
        for key in wanted
        if key not in labels or not labels[key].label
    }
    if not missing:
        return
    fields = {key: [outcome] for key, outcome in missing.items()}
    outcomes = set(missing.values())
    if Outcome.REFUSED in outcomes:
        raise Unanswerable("judge_refused", "The judge refused to judge this item.", fields)
    if Outcome.CONTEXT in outcomes:
        raise Unanswerable("item_too_long", "The item is longer than the judge can read.", fields)
    said = ", ".join(f"{key}: {outcome}" for key, outcome in missing.items())
    raise NoVerdict("no_verdict", f"The judge gave no verdict that can be used ({said}).", fields)


def _is_over(run: Run) -> bool:
    if run.state == RunState.DONE:
        return run.combined_at is not None
    return run.state in (RunState.PAUSED, RunState.CANCELLED)


def _tested(dimension: Dimension) -> dict[str, str]:
    scale = scale_of(dimension)
    names = scale.tested().labels
    codes = scale.tested_codes()
    return {label: names[code] for label, code in zip(scale.labels, codes.tolist(), strict=True)}


def _verdict(row: JudgeLabel, tested: Mapping[str, str]) -> dict[str, Any]:
    label = row.label if row.label == NOT_APPLICABLE else tested.get(row.label, row.label)
    return {"label": label, "confidence": row.confidence}
