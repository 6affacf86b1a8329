"""Runs: the estimate, the frozen plan, and the ways to steer one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import islice

from django.conf import settings
from django.db import transaction
from django.db.models import Avg, QuerySet

from annotation.models import Dataset, Item
from core import audit, jobs
from core.errors import Conflict, Invalid, NotAllowed, OverBudget
from judges import queries
from judges.models import Attempt, Call, JudgeVersion, Run, Verdict
from judges.rules import pricing, prompting, verdicts
from judges.rules.changes import AS_IT_IS, Change
from judges.rules.spec import RenderedRequest, VersionSpec
from judges.rules.verdicts import Outcome
from judges.services import asking, calls, counting, examples, ledger, pieces
from judges.services.calls import Plan
from judges.services.versions import spec_of
from judges.states import RUN_HERE, CallState, RunMode, RunPurpose, RunState, VersionKind

CHUNK = 500
SAMPLED_ITEMS = 200
MOST_CONCURRENT = 64
USUAL_ANSWER_TOKENS = 120
USUAL_LATENCY_MS = 3000.0
NO_BATCHES = (
    "This run cannot go through a batch API: the profile of the version does not say that its "
    "server has one, or the run is no ordinary one. Choose to send its calls one by one."
)
NO_CACHE = {RunPurpose.APPROVAL, RunPurpose.PLAYGROUND}
"""Purposes that take no answer from the cache: an approval rests on its own answers, and a try in
the playground is a real call."""
MAY_TOUCH_SEALED = {RunPurpose.APPROVAL, RunPurpose.SERVING}
"""An approval is made on sealed items; a judge in use answers whatever prompt comes."""


@dataclass(frozen=True, slots=True)
class BatchPrice:
    """What the calls of an estimate cost in batches, in US dollars."""

    likely: Decimal
    most: Decimal
    price_source: str
    price_as_of: str


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """What a run will take. Money in US dollars; `most` is what the reservations add up to.

    Reckoned from at most 200 of the items, spread evenly, when `is_sampled`. Tokens in are taken
    from the texts' lengths, corrected by the server's own count of a few when `is_counted`.
    """

    items: int
    calls: int
    cached: int
    input_tokens: int
    output_tokens: int
    likely: Decimal
    most: Decimal
    price_source: str
    price_as_of: str
    seconds: float
    is_sampled: bool
    is_counted: bool = False
    # The same calls through the batch API, where the endpoint has one.
    batch: BatchPrice | None = None
    # Items of the dataset that the version was told the labels of.
    examples_left_out: int = 0

    @property
    def to_send(self) -> int:
        return self.calls - self.cached


@dataclass(frozen=True, slots=True)
class Planned:
    """One call of the plan, and the answer that was given to the same request before."""

    item_id: int
    order: str
    sample: int
    parsed: verdicts.Parsed | None = None


def estimate(
    *,
    version: JudgeVersion,
    dataset: Dataset | None = None,
    items: Iterable[Item] | None = None,
    purpose: RunPurpose = RunPurpose.ORDINARY,
    concurrency: int | None = None,
    change: Change = AS_IT_IS,
    may_count: bool = False,
    now: datetime,
) -> RunEstimate:
    """Calls, tokens and money before anything is sent. Raises PriceUnknown, Invalid, NotAllowed.

    With `may_count` the provider is shown a few of the requests to count their tokens: for people
    who ask for it. What is sealed is never sent for that.
    """
    spec = change.asked(spec_of(version))
    plan = _plan(version, spec, purpose, change)
    price = calls.check_price(plan, at=now)
    ids = _chosen(version, spec, dataset, items, purpose)
    sampled = _spread(ids, SAMPLED_ITEMS)
    may_hit = _may_hit(version, purpose, change)
    cached = _cached_calls(plan, sampled, may_hit=may_hit)
    sums = _reckon(plan, sampled, cached, _answer_tokens(version, spec), now, may_count=may_count)
    factor = len(ids) / len(sampled)
    planned = len(ids) * len(prompting.calls_for(spec))
    hits = min(planned, round(len(cached) * factor))
    waves = (planned - hits) / (concurrency or settings.RUN_CONCURRENCY)
    return RunEstimate(
        items=len(ids),
        calls=planned,
        cached=hits,
        input_tokens=round(sums.input_tokens * factor),
        output_tokens=round(sums.output_tokens * factor),
        likely=calls.money(sums.likely * Decimal(factor)),
        most=calls.money(sums.most * Decimal(factor)),
        price_source=price.source,
        price_as_of=price.as_of.isoformat(),
        seconds=waves * _latency_ms(version) / 1000,
        is_sampled=len(sampled) < len(ids),
        is_counted=sums.is_counted,
        batch=_in_batches(plan, sums, factor, now) if may_batch(version, purpose, spec) else None,
        examples_left_out=_examples_in(spec, dataset) if items is None else 0,
    )


def _examples_in(spec: VersionSpec, dataset: Dataset | None) -> int:
    if dataset is None:
        return 0
    rows = queries.ordinary_items(dataset, is_pairwise=spec.is_pairwise)
    return len(examples.shown_in(spec, rows))


def may_batch(
    version: JudgeVersion,
    purpose: RunPurpose = RunPurpose.ORDINARY,
    spec: VersionSpec | None = None,
) -> bool:
    """Whether a run may go through a batch API: the version's endpoint has one, and nobody waits.

    Only ordinary runs: sealed items stay at the provider no longer than a call takes.
    """
    is_prompt = version.kind == VersionKind.PROMPT and purpose == RunPurpose.ORDINARY
    return is_prompt and asking.has_batches(spec or spec_of(version))


def plan_run(
    *,
    version: JudgeVersion,
    actor: str,
    dataset: Dataset | None = None,
    items: Iterable[Item] | None = None,
    purpose: RunPurpose = RunPurpose.ORDINARY,
    budget: Decimal | None = None,
    concurrency: int | None = None,
    mode: RunMode = RunMode.DIRECT,
    now: datetime,
) -> Run:
    """Freeze the plan and wake a worker after the commit.

    Items come from the dataset (left out are what is sealed, and the version's own worked examples)
    or are named (a sealed one among them is refused, unless the purpose is an approval). Cached
    answers are filled at once.
    """
    draft = draft_run(
        version=version,
        actor=actor,
        dataset=dataset,
        items=items,
        purpose=purpose,
        budget=budget,
        concurrency=concurrency,
        mode=mode,
        now=now,
    )
    with transaction.atomic():
        return write_run(draft, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A plan that is not written yet: all that takes long was done without a transaction."""

    version: JudgeVersion
    dataset: Dataset | None
    purpose: RunPurpose
    actor: str
    budget: Decimal | None
    concurrency: int | None
    items: int
    planned: Sequence[Planned]
    mode: RunMode = RunMode.DIRECT


def draft_run(
    *,
    version: JudgeVersion,
    actor: str,
    dataset: Dataset | None = None,
    items: Iterable[Item] | None = None,
    purpose: RunPurpose = RunPurpose.ORDINARY,
    budget: Decimal | None = None,
    concurrency: int | None = None,
    change: Change = AS_IT_IS,
    mode: RunMode = RunMode.DIRECT,
    now: datetime,
) -> Draft:
    """Everything of `plan_run` but its rows, for whoever writes several runs at once."""
    spec = change.asked(spec_of(version))
    plan = _plan(version, spec, purpose, change)
    _check(version, plan, budget, concurrency, now)
    if mode == RunMode.BATCH and not may_batch(version, purpose, spec):
        raise Invalid("no_batches", NO_BATCHES, {"mode": [NO_BATCHES]})
    ids = _chosen(version, spec, dataset, items, purpose)
    may_hit = _may_hit(version, purpose, change)
    return Draft(
        version=version,
        dataset=dataset,
        purpose=purpose,
        actor=actor,
        budget=budget,
        concurrency=concurrency,
        items=len(ids),
        planned=list(_planned(plan, ids, may_hit=may_hit)),
        mode=mode,
    )


def write_run(draft: Draft, *, now: datetime) -> Run:
    """The rows of a draft; call it inside a transaction."""
    run = Run.objects.create(
        project=draft.version.judge.project,
        version=draft.version,
        dataset=draft.dataset,
        purpose=draft.purpose,
        mode=draft.mode,
        actor=draft.actor,
        concurrency=draft.concurrency or settings.RUN_CONCURRENCY,
        items_planned=draft.items,
        calls_planned=len(draft.planned),
        budget=draft.budget,
    )
    add_calls(run, draft.planned, now=now)
    planned = {"calls": len(draft.planned), "purpose": str(draft.purpose), "mode": str(draft.mode)}
    _record(run, "run.planned", draft.actor, planned)
    jobs.hint("judges.run", run.pk)
    return run


def add_calls(run: Run, planned: Sequence[Planned], *, now: datetime) -> None:
    """The rows of the plan; what is there already stays, so planning twice adds nothing."""
    for start in range(0, len(planned), CHUNK):
        chunk = planned[start : start + CHUNK]
        Call.objects.bulk_create((_call(run, one, now) for one in chunk), ignore_conflicts=True)
        cached = {(one.item_id, one.order, one.sample): one for one in chunk if one.parsed}
        if cached:
            _fill(run, cached)


def _call(run: Run, one: Planned, now: datetime) -> Call:
    call = Call(run=run, item_id=one.item_id, order=one.order, sample=one.sample)
    if one.parsed is not None:
        call.state, call.outcome = CallState.FINISHED, Outcome.OK
        call.is_cached, call.finished_at = True, now
    return call


def _fill(run: Run, cached: dict[tuple[int, str, int], Planned]) -> None:
    """The verdicts of cached answers; several runs over the same rows write each once."""
    items = {item_id for item_id, _, _ in cached}
    rows = Call.objects.filter(run=run, item__in=items, is_cached=True)
    filled: list[Verdict] = []
    for call in rows:
        one = cached.get((call.item_id, call.order, call.sample))
        if one is not None and one.parsed is not None:
            filled += ledger.verdict_rows(call.pk, one.parsed, order=call.order)
    Verdict.objects.bulk_create(filled, batch_size=CHUNK, ignore_conflicts=True)


# Steering -----------------------------------------------------------------------------------------


@transaction.atomic
def pause(*, run: Run, actor: str, reason: str = "") -> None:
    """Nothing more is sent; what is in flight is still taken in."""
    said = reason or "Paused by a person."
    changed = Run.objects.filter(pk=run.pk, state__in=[RunState.PLANNED, RunState.RUNNING]).update(
        state=RunState.PAUSED, owner="", lease_until=None, pause_reason=said[:400]
    )
    if not changed:
        raise Conflict("run_not_running", "This run is not running, so it cannot be paused.")
    _record(run, "run.paused", actor, {"reason": said})


@transaction.atomic
def resume(*, run: Run, actor: str) -> None:
    """Go on where it stopped."""
    changed = Run.objects.filter(pk=run.pk, state=RunState.PAUSED).update(
        state=RunState.PLANNED, pause_reason="", wake_at=None
    )
    if not changed:
        raise Conflict("run_not_paused", "Only a paused run can be resumed.")
    _record(run, "run.resumed", actor, {})
    jobs.hint("judges.run", run.pk)


@transaction.atomic
def cancel(*, run: Run, actor: str, now: datetime) -> None:
    """End it for good; answers that came stay, calls in flight are still recorded.

    What waits in batches is cancelled at the provider; what it answered before is fetched.
    """
    changed = Run.objects.filter(
        pk=run.pk, state__in=[RunState.PLANNED, RunState.RUNNING, RunState.PAUSED]
    ).update(state=RunState.CANCELLED, owner="", lease_until=None, pause_reason="", finished_at=now)
    if not changed:
        raise Conflict("run_over", "This run is over already.")
    _record(run, "run.cancelled", actor, {})
    if pieces.hurry(run.pk, now=now):
        jobs.hint("judges.run", run.pk)


@transaction.atomic
def set_budget(*, run: Run, budget: Decimal | None, actor: str) -> None:
    """A new budget (None: no limit), never below what is spent and reserved. Does not resume."""
    locked = Run.objects.select_for_update().get(pk=run.pk)
    if budget is not None and budget <= locked.spent + locked.reserved:
        raise OverBudget(
            "budget_below_spending",
            f"${locked.spent + locked.reserved:.2f} is spent or reserved already; the budget must "
            "be higher.",
            {"budget": ["Higher than what is spent and reserved."]},
        )
    Run.objects.filter(pk=run.pk).update(budget=budget)
    _record(run, "run.budget_set", actor, {"budget": "" if budget is None else str(budget)})


@transaction.atomic
def retry_failed(*, run: Run, actor: str) -> int:
    """Offer calls without a verdict again, past the cache; how many. Raises Conflict for none."""
    locked = Run.objects.select_for_update().get(pk=run.pk)
    if locked.purpose in {RunPurpose.APPROVAL, RunPurpose.IMPORTED, RunPurpose.PLAYGROUND}:
        raise NotAllowed("The calls of this run are closed: they cannot be tried again.")
    if locked.state not in {RunState.DONE, RunState.PAUSED}:
        raise Conflict("run_not_over", "Wait until the run is done or paused, then retry.")
    again = (
        Call.objects.filter(run=run, state=CallState.FINISHED)
        .exclude(outcome=Outcome.OK)
        .update(
            state=CallState.WAITING,
            outcome="",
            problem="",
            tries=0,
            not_before=None,
            finished_at=None,
        )
    )
    if not again:
        raise Conflict("nothing_failed", "Every call of this run has a verdict.")
    Run.objects.filter(pk=run.pk).update(
        state=RunState.PLANNED,
        pause_reason="",
        finished_at=None,
        combined_at=None,
        wake_at=None,
    )
    _record(run, "run.retried", actor, {"calls": again})
    jobs.hint("judges.run", run.pk)
    return again


def _record(run: Run, verb: str, actor: str, data: dict[str, object]) -> None:
    audit.record(
        actor=actor,
        verb=verb,
        object_type="run",
        object_id=run.pk,
        project_id=run.project_id,
        data=data,
    )


# The plan -----------------------------------------------------------------------------------------


def _check(
    version: JudgeVersion,
    plan: Plan,
    budget: Decimal | None,
    concurrency: int | None,
    now: datetime,
) -> None:
    """Refuse before anything is written what could never run."""
    if version.kind not in RUN_HERE:
        raise Invalid(
            "version_not_run",
            "The verdicts of this version were made elsewhere; import them instead of running it.",
        )
    if budget is not None and budget <= 0:
        raise Invalid(
            "budget", "A budget is more than nothing.", {"budget": ["More than 0, or empty."]}
        )
    if concurrency is not None and not 1 <= concurrency <= MOST_CONCURRENT:
        raise Invalid("concurrency", f"Between 1 and {MOST_CONCURRENT} calls fly at once.")
    calls.check_price(plan, at=now)
    asking.check(plan.spec, project_id=version.judge.project_id)


def _chosen(
    version: JudgeVersion,
    spec: VersionSpec,
    dataset: Dataset | None,
    items: Iterable[Item] | None,
    purpose: RunPurpose,
) -> list[int]:
    """The items of the run, by id. Raises Invalid when there are none, NotAllowed for sealed."""
    project_id = version.judge.project_id
    if items is not None:
        ids = sorted({item.pk for item in items})
        if purpose not in MAY_TOUCH_SEALED:
            _refuse_sealed(ids, project_id)
        fit = queries.with_texts(project_id, is_pairwise=spec.is_pairwise)
        _refuse_unfit(ids, fit)
    elif dataset is not None and purpose is not RunPurpose.APPROVAL:
        if dataset.project_id != project_id:
            raise Invalid("dataset_elsewhere", "The dataset belongs to another project.")
        rows = queries.ordinary_items(dataset, is_pairwise=spec.is_pairwise)
        shown = examples.shown_in(spec, rows)
        ids = [pk for pk in rows.values_list("pk", flat=True) if pk not in shown]
    else:
        raise Invalid("no_items", "A run needs a dataset, or items by name.")
    if not ids:
        kind = "pairs" if spec.is_pairwise else "single responses or conversations"
        raise Invalid(
            "no_items",
            f"There is nothing to judge: this version judges {kind} with their texts, outside of "
            "sealed parts. Choose another dataset.",
        )
    return ids


def _refuse_sealed(ids: Sequence[int], project_id: int) -> None:
    for some in _chunks(ids):
        if queries.touching_sealed(Item.objects.filter(pk__in=some), project_id).exists():
            raise NotAllowed(
                "Some of these items are sealed, or stand beside a sealed one. Only an approval "
                "request runs a judge on them; take items of a development part.",
                code="sealed_items",
            )


def _refuse_unfit(ids: Sequence[int], fit: QuerySet[Item]) -> None:
    known = sum(fit.filter(pk__in=some).count() for some in _chunks(ids))
    if known < len(ids):
        raise Invalid(
            "items_unfit",
            f"{len(ids) - known} of the {len(ids)} items cannot be judged by this version: they "
            "have no text, are withdrawn, or are of another kind.",
        )


def _plan(version: JudgeVersion, spec: VersionSpec, purpose: RunPurpose, change: Change) -> Plan:
    return calls.plan_without_run(version.judge.project, spec, purpose=purpose, change=change)


def _planned(plan: Plan, ids: Sequence[int], *, may_hit: bool) -> Iterator[Planned]:
    """Every call of the plan, with the cached answer where the same request has one."""
    orders = prompting.calls_for(plan.spec)
    if not may_hit:
        for item_id in ids:
            for order, sample in orders:
                yield Planned(item_id, order, sample)
        return
    for some in _chunks(ids):
        keys = dict(_keys(plan, some))
        answers = _cached_answers(set(keys.values()))
        for item_id in some:
            for order, sample in orders:
                stored = answers.get(keys.get((item_id, order, sample), ""))
                yield Planned(item_id, order, sample, _parsed(plan.spec, stored))


def _may_hit(version: JudgeVersion, purpose: RunPurpose, change: Change) -> bool:
    """Whether an answer can be in the cache at all: a project's first run renders nothing in vain.

    Prompts hold the project's own fence, so no project finds another's answers.
    """
    if purpose in NO_CACHE or change.is_fresh or version.kind != VersionKind.PROMPT:
        return False
    earlier = Run.objects.filter(project=version.judge.project_id, started_at__isnull=False)
    return earlier.exists()


def _keys(plan: Plan, ids: Sequence[int]) -> Iterator[tuple[tuple[int, str, int], str]]:
    for item in Item.objects.filter(pk__in=ids).select_related("content"):
        view = calls.shown_item(plan, item)
        if view is None:
            continue
        for order, sample in prompting.calls_for(plan.spec):
            request = calls.base_request(plan, view, order=order, sample=sample)
            key = calls.cache_key(plan.spec, request, sample=sample)
            yield (item.pk, order, sample), key


def _cached_answers(keys: set[str]) -> dict[str, tuple[str, str]]:
    """The newest kept answer of each request, with its stop reason."""
    rows = Attempt.objects.filter(cache_key__in=keys, is_cache_source=True).order_by("pk")
    return {row.cache_key: (row.answer, row.stop_reason) for row in rows}


def _parsed(spec: VersionSpec, stored: tuple[str, str] | None) -> verdicts.Parsed | None:
    """A stored answer is parsed anew; one that today's parser does not take is asked again."""
    if stored is None:
        return None
    parsed = verdicts.parse(*stored, spec)
    return parsed if parsed.outcome is Outcome.OK else None


# The estimate -------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Sums:
    sends: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    likely: Decimal = Decimal(0)
    most: Decimal = Decimal(0)
    most_in_batches: Decimal = Decimal(0)
    is_counted: bool = False


def _cached_calls(plan: Plan, ids: Sequence[int], *, may_hit: bool) -> set[tuple[int, str, int]]:
    planned = _planned(plan, ids, may_hit=may_hit)
    return {(one.item_id, one.order, one.sample) for one in planned if one.parsed}


def _reckon(
    plan: Plan,
    ids: Sequence[int],
    cached: set[tuple[int, str, int]],
    answer_tokens: int,
    now: datetime,
    *,
    may_count: bool,
) -> _Sums:
    sums = _Sums()
    spec, batch = plan.spec, replace(plan, is_batch=True)
    requests: list[RenderedRequest] = []
    for item in Item.objects.filter(pk__in=ids).select_related("content"):
        view = calls.shown_item(plan, item)
        if view is None:
            continue
        for order, sample in prompting.calls_for(spec):
            if (item.pk, order, sample) in cached:
                continue
            request = calls.base_request(plan, view, order=order, sample=sample)
            requests.append(request)
            sums.sends += 1
            sums.input_tokens += pricing.likely_tokens((request.system, request.user))
            sums.output_tokens += answer_tokens
            sums.most += calls.most_cost(plan, request, at=now).amount
            sums.most_in_batches += calls.most_cost(batch, request, at=now).amount
    correction = None
    if may_count and plan.purpose != RunPurpose.APPROVAL:
        correction = counting.correction(spec, requests, project_id=plan.project_id)
    if correction is not None:
        sums.input_tokens, sums.is_counted = round(sums.input_tokens * correction), True
    sums.likely = _likely(plan, sums, now)
    return sums


def _likely(plan: Plan, sums: _Sums, now: datetime) -> Decimal:
    """Priced as requests of equal size: some prices rise with the size of a request."""
    if not sums.sends:
        return Decimal(0)
    one = pricing.Usage(
        input_tokens=sums.input_tokens // sums.sends, output_tokens=sums.output_tokens // sums.sends
    )
    return calls.cost_of(plan, one, at=now).amount * sums.sends


def _in_batches(plan: Plan, sums: _Sums, factor: float, now: datetime) -> BatchPrice:
    batch = replace(plan, is_batch=True)
    price = calls.check_price(batch, at=now)
    return BatchPrice(
        likely=calls.money(_likely(batch, sums, now) * Decimal(factor)),
        most=calls.money(sums.most_in_batches * Decimal(factor)),
        price_source=price.source,
        price_as_of=price.as_of.isoformat(),
    )


def _answer_tokens(version: JudgeVersion, spec: VersionSpec) -> int:
    """Tokens of an answer, as this version's were, else a usual number for each dimension."""
    if spec.provider in pricing.NO_MODEL_PROVIDERS:
        return 0
    seen = _answered(version).aggregate(mean=Avg("output_tokens"))["mean"]
    usual = USUAL_ANSWER_TOKENS * len(spec.dimensions)
    return min(spec.max_tokens, round(seen) if seen else usual)


def _latency_ms(version: JudgeVersion) -> float:
    if version.kind == VersionKind.BASELINE:
        return 1.0
    seen = _answered(version).aggregate(mean=Avg("latency_ms"))["mean"]
    return float(seen or USUAL_LATENCY_MS)


def _answered(version: JudgeVersion) -> QuerySet[Attempt]:
    return Attempt.objects.filter(call__run__version=version, outcome=Outcome.OK)


def _spread(ids: Sequence[int], most: int) -> list[int]:
    """At most so many of the ids, evenly spread."""
    step = max(1, len(ids) / most)
    return [ids[int(place * step)] for place in range(min(most, len(ids)))]


def _chunks(ids: Sequence[int]) -> Iterator[list[int]]:
    rest = iter(ids)
    while some := list(islice(rest, CHUNK)):
        yield some
