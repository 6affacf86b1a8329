"""What is sent, shown: for a version that is being written, and for a call that was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from annotation.models import Item
from core.errors import Invalid
from judges import queries
from judges.models import Attempt, Call, Judge
from judges.rules import prompting, replay
from judges.rules.spec import Order, RenderedRequest, VersionSpec
from judges.services import calls
from judges.services.calls import Plan


@dataclass(frozen=True, slots=True)
class Preview:
    """The rendered request, or why there is none."""

    problems: Sequence[str] = ()
    request: RenderedRequest | None = None
    order: str = ""


@dataclass(frozen=True, slots=True)
class ShownAttempt:
    """One attempt with the last turn that was sent; empty when it cannot be shown again."""

    attempt: Attempt
    sent: str


@dataclass(frozen=True, slots=True)
class ShownCall:
    """A call as its page shows it. `problem` says why its prompt is not there."""

    request: RenderedRequest | None
    attempts: Sequence[ShownAttempt]
    cached_from: Attempt | None
    problem: str = ""


def of_spec(judge: Judge, spec: VersionSpec, *, item: Item | None) -> Preview:
    """What this version would send for an item, and what keeps it from being saved."""
    problems = prompting.lint(spec)
    view = queries.item_view(item) if item is not None else None
    if problems or view is None:
        return Preview(problems)
    order: Order = "AB" if spec.is_pairwise else ""
    try:
        request = prompting.render(
            spec, view, order=order, sample=0, fence_key=judge.project.fence_key.encode()
        )
    except Invalid as refusal:
        return Preview([refusal.sentence])
    return Preview(request=request, order=order)


def of_call(call: Call) -> ShownCall:
    """The prompt rendered again, and for each attempt whether it is what was sent."""
    attempts = list(call.attempts.order_by("number"))
    plan = calls.plan_of(call.run)
    view = calls.shown_item(plan, call.item)
    if view is None:
        bare = [ShownAttempt(attempt, "") for attempt in attempts]
        return ShownCall(None, bare, None, "The item's texts are gone: they were erased.")
    try:
        base = calls.base_request(plan, view, order=call.order, sample=call.sample)
    except Invalid as refusal:
        bare = [ShownAttempt(attempt, "") for attempt in attempts]
        return ShownCall(None, bare, None, refusal.sentence)
    past = [(calls.past_of(attempt), attempt.prompt_digest) for attempt in attempts]
    sent = replay.sent_requests(base, past)
    shown = [ShownAttempt(*pair) for pair in zip(attempts, sent, strict=True)]
    return ShownCall(base, shown, _source(call, plan, base) if call.is_cached else None)


def _source(call: Call, plan: Plan, request: RenderedRequest) -> Attempt | None:
    """The attempt whose kept answer this call took."""
    key = calls.cache_key(plan.spec, request, sample=call.sample)
    kept = Attempt.objects.filter(cache_key=key, is_cache_source=True)
    return kept.select_related("call").order_by("pk").last()
