"""What a call asks next and what its answer means: no row is written here."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_UP, Decimal
from functools import lru_cache
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import Project
from annotation.models import Item
from core.errors import Invalid
from core.prepared import Prepared as PreparedQuery
from judges import queries
from judges.models import Attempt, Call, Run, Variant
from judges.providers.base import ProviderFailure, ProviderReply, ProviderRequest
from judges.rules import changes, fingerprint, pricing, prompting, replay, retrying, verdicts
from judges.rules.changes import Change, Target
from judges.rules.pricing import PriceRow, Usage
from judges.rules.retrying import Step
from judges.rules.spec import ItemView, Order, RenderedRequest, VersionSpec
from judges.rules.verdicts import Outcome, Parsed
from judges.services.versions import spec_of
from judges.states import AttemptState, CallState, RunMode, RunPurpose

log = logging.getLogger(__name__)

MOST_UNKNOWN = 5
PROBLEM_CHARS = 400
CENT_OF_A_CENT = Decimal("0.000001")
_TOKEN_STEP = 512
NO_ANSWER_KEPT = {RunPurpose.APPROVAL, RunPurpose.PLAYGROUND}
"""Purposes whose answers are nobody's cache: they judged what is sealed, or were only a try."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the engine knows of a run from its start to its end."""

    run_id: int
    purpose: str
    spec: VersionSpec
    fence_key: bytes
    timeout_seconds: float = 120.0
    most_failures: int = retrying.MAX_TRANSIENT
    # The project's own prices of the version's model: they win over the list.
    prices: tuple[PriceRow, ...] = ()
    project_id: int = 0
    judge_id: int = 0
    change: Change = changes.AS_IT_IS
    # Batches have a price of their own.
    is_batch: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What has to be known of a request to read its answer, and the most that it can cost."""

    call_id: int
    order: Order
    tried: replay.Tried
    reserved: pricing.Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared(Asked):
    """A call with the request that it sends next."""

    number: int
    request: ProviderRequest
    cache_key: str


@dataclass(frozen=True, slots=True)
class Unaskable:
    """A call that cannot be asked at all, and why."""

    call_id: int
    outcome: Outcome
    problem: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """What an answer means for its attempt and its call.

    `call_outcome` is None while the call is not over; `pause` says why the whole run stops.
    """

    prepared: Asked
    outcome: str
    problem: str
    cost: Decimal
    call_outcome: Outcome | None
    not_before: datetime | None = None
    pause: str = ""
    parsed: Parsed | None = None
    answer: str = ""
    fields: Mapping[str, object] = field(default_factory=dict)


def plan_of(
    run: Run, *, timeout_seconds: float = 120.0, most_failures: int = retrying.MAX_TRANSIENT
) -> Plan:
    change = change_of(run)
    spec = change.asked(spec_of(run.version))
    return Plan(
        run_id=run.pk,
        purpose=run.purpose,
        spec=spec,
        fence_key=run.project.fence_key.encode(),
        timeout_seconds=timeout_seconds,
        most_failures=most_failures,
        prices=queries.own_prices(run.project_id, spec),
        project_id=run.project_id,
        judge_id=run.version.judge_id,
        change=change,
        is_batch=run.mode == RunMode.BATCH,
    )


def change_of(run: Run) -> Change:
    """What a run of a probe changes of its items and of the way they are asked; else nothing."""
    if run.purpose != RunPurpose.PROBE:
        return changes.AS_IT_IS
    variant = Variant.objects.select_related("probe").get(run=run)
    return changes.from_json(variant.change, targets_of(variant.probe.sample))


def targets_of(sample: Sequence[Sequence[Any]]) -> dict[int, Target]:
    """A probe's sample as its row keeps it: item, side and number of the injection."""
    return {item: Target(side, pick) for item, side, pick in sample}


def shown_item(plan: Plan, item: Item) -> ItemView | None:
    """What the judge sees of an item in this run; None when its texts are gone."""
    view = queries.item_view(item)
    return None if view is None else plan.change.shown(item.pk, view)


def open_of(run_id: int) -> QuerySet[Call]:
    """Calls of a run that have not ended."""
    return Call.objects.filter(run=run_id).exclude(state=CallState.FINISHED)


def due(run_id: int, now: datetime) -> QuerySet[Call]:
    """Waiting calls that may be sent now, in the order of the plan."""
    ready = Q(not_before__isnull=True) | Q(not_before__lte=now)
    return Call.objects.filter(ready, run=run_id, state=CallState.WAITING).order_by("pk")


def waiting(ids: Sequence[int]) -> list[Call]:
    """Those of these calls (one at least) that still wait, with item and content, in order."""
    return _waiting.rows(ids=ids)


def prepare(plan: Plan, calls: Sequence[Call], *, now: datetime) -> list[Prepared | Unaskable]:
    """The next request of each call; `calls` come with item and content."""
    attempts: dict[int, list[Attempt]] = {}
    for attempt in _attempts_of.rows(call_ids=[call.pk for call in calls]) if calls else ():
        attempts.setdefault(attempt.call_id, []).append(attempt)
    return [_prepared(plan, call, attempts.get(call.pk, []), now) for call in calls]


@PreparedQuery
def _waiting(*, ids: Sequence[int]) -> QuerySet[Call]:
    rows = Call.objects.filter(pk__in=ids, state=CallState.WAITING)
    # What `prepare` reads of them: the other columns would cost as much again.
    needed = ("item__kind", "item__external_id", "item__content__body", "item__content__erased_at")
    mine = ("item", "item__content", "order", "sample", "tries")
    return rows.select_related("item__content").only(*mine, *needed).order_by("pk")


@PreparedQuery
def _attempts_of(*, call_ids: Sequence[int]) -> QuerySet[Attempt]:
    return Attempt.objects.filter(call__in=call_ids).order_by("call_id", "number")


def _prepared(
    plan: Plan, call: Call, attempts: Sequence[Attempt], now: datetime
) -> Prepared | Unaskable:
    series = attempts[len(attempts) - call.tries :] if call.tries else []
    if sum(a.outcome == Outcome.UNKNOWN for a in series) >= MOST_UNKNOWN:
        return Unaskable(
            call.pk, Outcome.FAILED, f"The worker died {MOST_UNKNOWN} times while it waited."
        )
    item = shown_item(plan, call.item)
    if item is None:
        return Unaskable(call.pk, Outcome.FAILED, "The item's texts are gone: they were erased.")
    try:
        base = base_request(plan, item, order=call.order, sample=call.sample)
    except Invalid as refusal:
        return Unaskable(call.pk, Outcome.FAILED, refusal.sentence[:PROBLEM_CHARS])
    place = replay.place(base, [past_of(attempt) for attempt in series])
    return Prepared(
        call_id=call.pk,
        order=call.order,  # type: ignore[arg-type]  # the model's constraint allows these only
        number=len(attempts) + 1,
        tried=place.tried,
        request=ProviderRequest(
            rendered=place.request,
            timeout_seconds=plan.timeout_seconds,
            prompt_cache=bool(plan.spec.capabilities.get("prompt_cache", False)),
            item=item,
            order=call.order,  # type: ignore[arg-type]
        ),
        cache_key=cache_key(plan.spec, place.request, sample=call.sample),
        reserved=most_cost(plan, place.request, at=now),
    )


def asked_of(plan: Plan, attempts: Sequence[Attempt], *, at: datetime) -> dict[int, Asked]:
    """What attempts that wait for their answers asked, by primary key; nothing is rendered again.

    `attempts` come with their calls, and each is the newest one of its call.
    """
    price = check_price(plan, at=at)
    earlier: dict[int, list[str]] = {}
    rows = Attempt.objects.filter(
        call__in=[one.call_id for one in attempts], state=AttemptState.FINAL
    )
    for call_id, outcome in rows.order_by("call_id", "number").values_list("call_id", "outcome"):
        earlier.setdefault(call_id, []).append(outcome)
    return {
        one.pk: Asked(
            call_id=one.call_id,
            order=one.call.order,  # type: ignore[arg-type]  # the model's constraint
            tried=replay.tried(_last(earlier.get(one.call_id, []), one.call.tries - 1)),
            reserved=pricing.Cost(one.reserved, price.source, price.as_of),
        )
        for one in attempts
    }


def _last(outcomes: Sequence[str], count: int) -> Sequence[str]:
    """A series begins anew where somebody tried the call again."""
    return outcomes[-count:] if count > 0 else []


def base_request(plan: Plan, item: ItemView, *, order: str, sample: int) -> RenderedRequest:
    """The plain request of a call, before any repair. Raises Invalid for the wrong kind of item."""
    return prompting.render(
        plan.spec,
        item,
        order=order,  # type: ignore[arg-type]
        sample=sample,
        fence_key=plan.fence_key,
    )


def cache_key(spec: VersionSpec, request: RenderedRequest, *, sample: int) -> str:
    return fingerprint.request_digest(
        request, provider=spec.provider, base_url=spec.base_url, sample=sample
    )


def past_of(attempt: Attempt) -> replay.Past:
    return replay.Past(attempt.outcome, attempt.answer, attempt.problem)


def most_cost(plan: Plan, request: RenderedRequest, *, at: datetime) -> pricing.Cost:
    """What is reserved for a request: never less than it can cost. Raises PriceUnknown."""
    texts = [request.system, *(turn.text for turn in request.turns), str(request.schema)]
    tokens = pricing.most_tokens(texts)
    steps = -(-tokens // _TOKEN_STEP) * _TOKEN_STEP
    # Prices change with the day at most, and reckoning one costs more than sending the request.
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    spec = plan.spec
    return _most_cost(
        spec.provider, spec.model, steps, request.max_tokens, day, plan.prices, plan.is_batch
    )


@lru_cache(maxsize=4096)
def _most_cost(
    provider: str,
    model: str,
    tokens: int,
    max_tokens: int,
    day: datetime,
    prices: tuple[PriceRow, ...],
    is_batch: bool,  # noqa: FBT001
) -> pricing.Cost:
    cost = pricing.reserve(
        (),
        max_tokens=max_tokens,
        provider=provider,
        model=model,
        at=day,
        overrides=prices,
        input_tokens=tokens,
        is_batch=is_batch,
    )
    return pricing.Cost(money(cost.amount), cost.source, cost.as_of)


def plan_without_run(
    project: Project,
    spec: VersionSpec,
    *,
    purpose: str,
    change: Change = changes.AS_IT_IS,
    is_batch: bool = False,
) -> Plan:
    """The plan of a version that may not be saved yet: what estimates are made from."""
    return Plan(
        run_id=0,
        purpose=purpose,
        spec=spec,
        fence_key=project.fence_key.encode(),
        prices=queries.own_prices(project.pk, spec),
        project_id=project.pk,
        change=change,
        is_batch=is_batch,
    )


def check_price(plan: Plan, *, at: datetime) -> pricing.Cost:
    """The price's source and date. Raises PriceUnknown: nothing is sent without a price."""
    return cost_of(plan, Usage(input_tokens=1, output_tokens=1), at=at)


def cost_of(plan: Plan, usage: Usage, *, at: datetime) -> pricing.Cost:
    """What tokens cost a version's project: by its own price, else by the list."""
    spec = plan.spec
    return pricing.cost(
        usage,
        provider=spec.provider,
        model=spec.model,
        at=at,
        overrides=plan.prices,
        is_batch=plan.is_batch,
    )


def money(amount: Decimal) -> Decimal:
    """Rounded up to a millionth of a dollar, so that sums of rows are exact."""
    return amount.quantize(CENT_OF_A_CENT, ROUND_UP)


def settlement(
    plan: Plan, prepared: Asked, answer: ProviderReply | Exception, *, now: datetime
) -> Settlement:
    """What an answer, or its absence, means."""
    if isinstance(answer, ProviderReply):
        return _of_reply(plan, prepared, answer, now)
    if isinstance(answer, ProviderFailure):
        return _of_failure(plan, prepared, answer, now)
    if isinstance(answer, TimeoutError):
        late = ProviderFailure(
            retrying.FailureKind.TRANSIENT, "No answer in time.", possibly_paid=True
        )
        return _of_failure(plan, prepared, late, now)
    log.error("Call %s broke", prepared.call_id, exc_info=answer)
    return Settlement(
        prepared=prepared,
        outcome=Outcome.FAILED,
        problem="Something broke on our side; the log has the details.",
        cost=prepared.reserved.amount,
        call_outcome=Outcome.FAILED,
    )


def _of_reply(plan: Plan, prepared: Asked, reply: ProviderReply, now: datetime) -> Settlement:
    text = storable(reply.text)
    parsed = verdicts.parse(text, reply.stop_reason, plan.spec)
    step = retrying.after_answer(
        parsed.outcome, repaired=prepared.tried.repaired, lengthened=prepared.tried.lengthened
    )
    usage = reply.usage or Usage()
    cost, said = prepared.reserved, "; no usage said, booked at the reservation"
    if reply.usage is not None:
        cost, said = cost_of(plan, usage, at=now), ""
    return Settlement(
        prepared=prepared,
        outcome=parsed.outcome,
        problem=storable(parsed.problem)[:PROBLEM_CHARS],
        cost=money(cost.amount),
        call_outcome=parsed.outcome if step is Step.FINAL else None,
        parsed=parsed,
        answer=text,
        fields={
            "stop_reason": storable(reply.stop_reason)[:40],
            "request_id": storable(reply.request_id)[:120],
            "model_answered": storable(reply.model)[:120],
            "input_tokens": usage.input_tokens,
            "cache_read_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write_5m + usage.cache_write_1h,
            "output_tokens": usage.output_tokens,
            "price_source": f"{cost.source}{said}"[:120],
            "price_as_of": cost.as_of.isoformat(),
            "latency_ms": reply.latency_ms,
        },
    )


def _of_failure(plan: Plan, prepared: Asked, failure: ProviderFailure, now: datetime) -> Settlement:
    failures = prepared.tried.failures + 1
    step = retrying.after_failure(failure.kind, failures=failures, limit=plan.most_failures)
    problem = storable(failure.message)[:PROBLEM_CHARS]
    wait = retrying.delay(failures, seed=str(prepared.call_id), retry_after=failure.retry_after)
    paid = failure.possibly_paid
    return Settlement(
        prepared=prepared,
        outcome=str(failure.kind),
        problem=problem,
        cost=prepared.reserved.amount if paid else Decimal(0),
        call_outcome=retrying.final_outcome(failure.kind) if step is Step.FINAL else None,
        not_before=now + timedelta(seconds=wait) if step is Step.RETRY else None,
        pause=_why_paused(step, problem),
        fields={
            "request_id": storable(failure.request_id)[:120],
            "price_source": prepared.reserved.source[:120] if paid else "",
            "price_as_of": prepared.reserved.as_of.isoformat() if paid else "",
            "latency_ms": failure.latency_ms,
        },
    )


def _why_paused(step: Step, problem: str) -> str:
    if step is Step.PAUSE_CONFIGURATION:
        return f"The provider does not take the request: {problem}"
    if step is Step.PAUSE_MONEY:
        return f"The provider asks for money or has reached a limit of spending: {problem}"
    return ""


def storable(text: str) -> str:
    """What every database takes: no NUL and no half of a character."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
