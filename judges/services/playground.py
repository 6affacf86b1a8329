"""The playground: one real call with an edit that nobody has saved (docs/adr/0018-playground.md).

It goes through the ledger as every call does: a run with a budget of its own, an attempt that is
written before the request leaves and finalised once. It is one call and no more: nothing is
repaired, lengthened or tried again, and no other run ever takes its answer.
"""

from __future__ import annotations

import dataclasses
import threading
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Project, User
from annotation.models import GuidelineVersion, Item
from annotation.queries.items import may_yet_rate
from annotation.states import Part
from core import audit
from core.errors import Conflict, DomainError, Invalid, NotAllowed, OverBudget
from judges import queries
from judges.models import Attempt, Call, Judge, JudgeVersion, Run, Verdict
from judges.providers.base import Provider
from judges.rules import pricing
from judges.rules.spec import Order, RenderedRequest, VersionSpec
from judges.rules.verdicts import Outcome
from judges.services import asking, calls, ledger, runs, versions
from judges.services.calls import Plan, Prepared, Settlement
from judges.services.ledger import Sent
from judges.services.versions import Choices, spec_of
from judges.services.wire import Answer, Wire
from judges.states import RunPurpose, RunState

TIMEOUT_SECONDS = 45.0
GRACE_SECONDS = 10.0
OWNER = "playground "
NOT_REPEATED = (
    "The process that asked ended before the answer was recorded. A try in the playground is one "
    "call: it is booked as possibly paid, and not sent again."
)

# A try holds a thread of the web process while it waits: never all of them.
_room = threading.BoundedSemaphore(2)


@dataclass(frozen=True, slots=True)
class TryEstimate:
    """What one call will cost, in US dollars: likely, and at most; or why it cannot be made."""

    likely: Decimal | None = None
    most: Decimal | None = None
    input_tokens: int = 0
    price_source: str = ""
    price_as_of: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a try: its call with the one attempt, and what it said by dimension."""

    call: Call
    attempt: Attempt
    verdicts: list[Verdict]


def estimate(
    project: Project, spec: VersionSpec, request: RenderedRequest, *, at: datetime
) -> TryEstimate:
    """The cost of a rendered request, before it is sent."""
    plan = calls.plan_without_run(project, spec, purpose=RunPurpose.PLAYGROUND)
    try:
        asking.check(spec, project_id=project.pk)
        price = calls.check_price(plan, at=at)
        most = calls.most_cost(plan, request, at=at).amount
        usage = pricing.Usage(
            input_tokens=pricing.likely_tokens((request.system, request.user)),
            output_tokens=min(spec.max_tokens, runs.USUAL_ANSWER_TOKENS * len(spec.dimensions)),
        )
        likely = calls.cost_of(plan, usage, at=at)
    except DomainError as refusal:
        return TryEstimate(problem=refusal.sentence)
    return TryEstimate(
        likely=calls.money(likely.amount),
        most=most,
        input_tokens=usage.input_tokens,
        price_source=price.source,
        price_as_of=price.as_of.isoformat(),
    )


def ask(
    *,
    judge: Judge,
    guideline_version: GuidelineVersion,
    choices: Choices,
    item: Item,
    author: User,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Tried:
    """Ask once about a development item. Call it outside of any transaction.

    Raises Invalid for an edit that could not be saved, NotAllowed for an item that is not of an
    open development part, NotReady without a key, PriceUnknown without a price, Conflict while
    another try of this person is on its way, OverBudget where the money does not reach.
    """
    _check_item(judge, item, author)
    spec = versions.prompt_spec(guideline_version=guideline_version, choices=choices)
    versions.check(spec)
    plan = calls.plan_without_run(judge.project, spec, purpose=RunPurpose.PLAYGROUND)
    calls.check_price(plan, at=timezone.now())
    provider = asking.provider_for(spec, project_id=judge.project_id)
    if not _room.acquire(blocking=False):
        raise Conflict("playground_full", "Others are trying prompts just now; try again soon.")
    try:
        draft = versions.keep_draft(
            judge=judge, guideline_version=guideline_version, choices=choices, author=author
        )
        return _ask(draft, item, author, provider, timeout_seconds)
    finally:
        _room.release()


def objection(run_id: int) -> str:
    """Why an engine may not go on with a try that its process left behind."""
    owner = Run.objects.values_list("owner", flat=True).get(pk=run_id)
    return "" if owner.startswith(OWNER) else NOT_REPEATED


def _ask(
    draft: JudgeVersion, item: Item, author: User, provider: Provider, timeout_seconds: float
) -> Tried:
    owner = f"{OWNER}{uuid.uuid4().hex}"
    run, plan, prepared = _open(draft, item, author, owner, timeout_seconds)
    taken = ledger.take(plan, [prepared], owner=owner, now=timezone.now())
    if not taken.sent:
        _close(run.pk, owner, RunState.CANCELLED)
        raise OverBudget(
            "playground_budget",
            taken.objection
            or taken.over_budget
            or "The money set aside does not reach for this call; nothing was sent.",
        )
    sent = taken.sent[0]
    answer = _answer(provider, sent, timeout_seconds)
    now = timezone.now()
    ledger.settle(
        plan, [(sent, _final(calls.settlement(plan, prepared, answer, now=now)))],
        owner=owner, now=now,
    )  # fmt: skip
    _close(run.pk, owner, RunState.DONE)
    call = Call.objects.select_related("run__version").get(pk=prepared.call_id)
    return Tried(
        call=call,
        attempt=call.attempts.get(),
        verdicts=list(queries.verdicts_of(call)),
    )


def _check_item(judge: Judge, item: Item, author: User) -> None:
    """Only an open development item of the right kind, whoever sends its number."""
    is_pairwise = judge.guideline.form == "pairwise"
    fit = queries.with_texts(judge.project_id, is_pairwise=is_pairwise).filter(pk=item.pk)
    if queries.touching_sealed(fit, judge.project_id).exists():
        raise NotAllowed(
            "This item is sealed, or stands beside a sealed one: the playground asks about "
            "development items only.",
            code="sealed_items",
        )
    if not fit.filter(part=Part.DEVELOPMENT).exists():
        raise Invalid(
            "item_unfit",
            "The playground asks about development items of the judge's kind, with their texts. "
            "Choose another item.",
            {"item": ["Choose a development item."]},
        )
    if may_yet_rate(item, author.pk):
        raise NotAllowed(
            "You rate in a round that holds this item. What a judge says of it would not leave "
            "your own rating blind: choose another item, or wait until that round is closed.",
            code="still_rating",
        )


def _open(
    draft: JudgeVersion, item: Item, author: User, owner: str, timeout_seconds: float
) -> tuple[Run, Plan, Prepared]:
    """The run and its one call, held by nobody else; one at a time for each person."""
    now = timezone.now()
    spec = spec_of(draft)
    order: Order = "AB" if spec.is_pairwise else ""
    try:
        with transaction.atomic():
            run = Run.objects.create(
                project_id=draft.judge.project_id,
                version=draft,
                purpose=RunPurpose.PLAYGROUND,
                state=RunState.RUNNING,
                actor=author.actor,
                owner=owner,
                lease_until=now + timedelta(seconds=timeout_seconds + 2 * GRACE_SECONDS),
                started_at=now,
                concurrency=1,
                items_planned=1,
                calls_planned=1,
            )
            call = Call.objects.create(run=run, item=item, order=order)
            plan = dataclasses.replace(
                calls.plan_of(run, timeout_seconds=timeout_seconds, most_failures=1), spec=spec
            )
            prepared = _prepared(plan, call)
            budget = prepared.reserved.amount + calls.CENT_OF_A_CENT
            Run.objects.filter(pk=run.pk).update(budget=budget)
            audit.record(
                actor=author.actor,
                verb="playground.asked",
                object_type="run",
                object_id=run.pk,
                project_id=run.project_id,
                data={"judge": draft.judge.slug, "fingerprint": draft.fingerprint},
            )
    except IntegrityError:
        raise Conflict(
            "playground_busy",
            "A try of yours is still on its way. Wait for its answer, then try again.",
        ) from None
    return run, plan, prepared


def _prepared(plan: Plan, call: Call) -> Prepared:
    (one,) = calls.prepare(plan, [call], now=timezone.now())
    if not isinstance(one, Prepared):
        raise Invalid("item_unfit", one.problem)
    return one


def _answer(provider: Provider, sent: Sent, timeout_seconds: float) -> Answer:
    """The one answer, or that none came in time."""
    with Wire(provider) as wire:
        wire.send(sent.attempt_id, sent.prepared.request)
        for _, answer in wire.collect(seconds=timeout_seconds + GRACE_SECONDS):
            return answer
    return TimeoutError()


def _final(one: Settlement) -> Settlement:
    """However it ended, it is over: no repair, no longer answer, no second try."""
    if one.call_outcome is not None:
        return one
    known = {outcome.value for outcome in Outcome}
    outcome = Outcome(one.outcome) if one.outcome in known else Outcome.FAILED
    return dataclasses.replace(one, call_outcome=outcome, not_before=None)


def _close(run_id: int, owner: str, state: RunState) -> None:
    """The run is over. Its one call is no label of an item: there is nothing to combine."""
    now = timezone.now()
    combined = {"combined_at": now} if state is RunState.DONE else {}
    Run.objects.filter(pk=run_id, owner=owner, state=RunState.RUNNING).update(
        state=state, owner="", lease_until=None, finished_at=now, **combined
    )
