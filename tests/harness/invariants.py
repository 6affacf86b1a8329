"""What must hold of a run that has ended, whatever died, broke off or lied on the way.

The ledger is held against the simulator's own count of the bodies that it served.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from judges.models import Attempt, Call, Run
    from judges.rules.spec import RenderedRequest
    from judges.services.calls import Plan

ANSWERED = ("ok", "invalid", "truncated", "refused")
"""Outcomes of attempts whose answer came and was read: the simulator must have served each."""
OPEN = ("unknown", "transient")
"""Outcomes of attempts that the server may have served or not."""
LAST = ("ok", "refused", "context", "failed")
"""Outcomes after which a call is over, whatever its attempts were before."""
AT_MOST_TWICE = ("invalid", "truncated")
"""Outcomes that are mended once: by a repair, or by more room."""
# SQLite sums amounts as floating-point numbers.
DUST = Decimal("0.0000001")


@dataclass(slots=True)
class _Ledger:
    """What the ledger says of each request, by the digest of the body that left."""

    answered: Counter[str] = field(default_factory=Counter)
    open: Counter[str] = field(default_factory=Counter)


def broken(run_id: int, served: Mapping[str, int], *, repeated: int) -> list[str]:
    """Sentences, none when everything holds.

    `served`: how often the simulator served each body; only this run may have asked it.
    `repeated`: how many attempts may be unknown: as many as were in flight when something died.
    """
    from judges.models import Attempt, Call, Run

    run = Run.objects.select_related("version", "project").get(pk=run_id)
    calls = list(Call.objects.filter(run=run).select_related("item__content").order_by("pk"))
    attempts: dict[int, list[Attempt]] = {call.pk: [] for call in calls}
    for one in Attempt.objects.filter(call__run=run).order_by("call_id", "number"):
        attempts[one.call_id].append(one)
    everything = [one for some in attempts.values() for one in some]
    ledger = _Ledger()
    for call in calls:
        _enter(ledger, run, call, attempts[call.pk])
    unknown = sum(one.outcome == "unknown" for one in everything)
    return [
        *_of_the_run(run, calls),
        *(said for call in calls for said in _of_a_call(call, attempts[call.pk])),
        *_of_what_was_asked_again(run, calls, attempts),
        *_of_the_money(run, everything),
        *_of_the_purses(run),
        *_of_the_server(ledger, served),
        *([f"{unknown} attempts are unknown, not {repeated} at most"] * (unknown > repeated)),
    ]


def _of_the_run(run: Run, calls: Sequence[Call]) -> Iterator[str]:
    from judges.models import JudgeLabel

    if run.state != "done" or run.combined_at is None:
        yield f"the run is {run.state} ({run.pause_reason}), combined at {run.combined_at}"
    if len(calls) != run.calls_planned:
        yield f"{run.calls_planned} calls were planned and there are {len(calls)}"
    labels = JudgeLabel.objects.filter(run=run).count()
    wanted = run.items_planned * run.version.guideline_version.dimensions.count()
    if labels != wanted:
        yield f"{labels} labels instead of {wanted}"


def _of_a_call(call: Call, attempts: Sequence[Attempt]) -> Iterator[str]:
    """One verdict or one named failure, and nothing asked after it."""
    verdicts = call.verdicts.count()
    outcomes = [one.outcome for one in attempts]
    if call.state != "finished" or not call.outcome:
        yield f"call {call.pk} is {call.state} without an outcome"
    if (call.outcome == "ok") != bool(verdicts):
        yield f"call {call.pk} is {call.outcome!r} with {verdicts} verdicts"
    if call.outcome != "ok" and not call.problem:
        yield f"call {call.pk} failed ({call.outcome}) and nobody says why"
    if any(one.state != "final" for one in attempts):
        yield f"call {call.pk} has attempts that were never finalised"
    if [one.number for one in attempts] != list(range(1, len(attempts) + 1)):
        yield f"the attempts of call {call.pk} are not numbered one after the other"
    if not call.is_cached and call.outcome == "ok" and outcomes[-1:] != ["ok"]:
        yield f"call {call.pk} is ok and its last attempt is not: {outcomes}"
    if "ok" in outcomes[:-1]:
        yield f"call {call.pk} was asked again after its answer: {outcomes}"
    yield from _of_a_series(call, outcomes[-call.tries :] if call.tries else [])


def _of_a_series(call: Call, series: Sequence[str]) -> Iterator[str]:
    """What was asked since somebody tried the call anew, or ever."""
    if any(one in LAST for one in series[:-1]):
        yield f"call {call.pk} was over and was asked again: {series}"
    for outcome in AT_MOST_TWICE:
        if series.count(outcome) > 2:
            yield f"call {call.pk} was mended more than once: {series}"


def _of_what_was_asked_again(
    run: Run, calls: Sequence[Call], attempts: Mapping[int, Sequence[Attempt]]
) -> Iterator[str]:
    """A series of attempts begins anew only where a person said so."""
    from core.models import AuditEvent

    anew = [call.pk for call in calls if len(attempts[call.pk]) != call.tries]
    said = AuditEvent.objects.filter(verb="run.retried", object_id=str(run.pk))
    if anew and not said.exists():
        yield f"calls {anew} were begun anew and nobody asked for it"


def _of_the_money(run: Run, attempts: Sequence[Attempt]) -> Iterator[str]:
    booked = sum((one.cost or Decimal(0) for one in attempts), Decimal(0))
    if abs(run.spent - booked) > DUST:
        yield f"the run spent {run.spent} and its attempts cost {booked}"
    if abs(run.reserved) > DUST:
        yield f"{run.reserved} is still reserved"
    if run.budget is not None and run.spent + run.reserved > run.budget:
        yield f"{run.spent} + {run.reserved} exceeds the budget of {run.budget}"


def _of_the_purses(run: Run) -> Iterator[str]:
    """The budgets of the judge and of each month hold what the attempts cost that they pay for."""
    from core.models import AuditEvent
    from judges.models import Attempt, Purse

    paid: dict[int | date, Decimal] = {run.version.judge_id: Decimal(0)}
    rows = Attempt.objects.filter(call__run__project=run.project_id)
    for sent_at, judge_id, cost in rows.values_list("sent_at", "call__run__version__judge", "cost"):
        for key in (sent_at.astimezone(UTC).date().replace(day=1), judge_id):
            paid[key] = paid.get(key, Decimal(0)) + (cost or 0)
    purses = {
        purse.month or purse.judge_id or 0: purse
        for purse in Purse.objects.filter(project=run.project_id)
    }
    for key in paid.keys() | purses.keys():
        purse, cost = purses.get(key), paid.get(key, Decimal(0))
        spent, reserved = (purse.spent, purse.reserved) if purse else (Decimal(0), Decimal(0))
        if abs(spent - cost) > DUST:
            yield f"{purse or key} has {spent} spent and its attempts cost {cost}"
        if abs(reserved) > DUST:
            yield f"{purse} has {reserved} still reserved"
        if purse and purse.limit is not None and spent + reserved > purse.limit:
            yield f"{purse} has {spent} + {reserved}, above {purse.limit}"
    lifted = AuditEvent.objects.filter(project_id=run.project_id, verb__endswith=".overcharged")
    if lifted.exists():
        yield "a budget was lifted, because a call cost more than was reserved for it"


def _of_the_server(ledger: _Ledger, served: Mapping[str, int]) -> Iterator[str]:
    """No body was served more often than the ledger can say why, nor less often than it claims."""
    for digest in {*served, *ledger.answered, *ledger.open}:
        count, answered = served.get(digest, 0), ledger.answered[digest]
        if not answered <= count <= answered + ledger.open[digest]:
            yield (
                f"a body was served {count} times; the ledger has {answered} answers to it and "
                f"{ledger.open[digest]} attempts that are open"
            )
    difference = abs(sum(served.values()) - ledger.answered.total())
    if difference > ledger.open.total():
        yield f"the simulator and the ledger differ by {difference} calls"


def _enter(ledger: _Ledger, run: Run, call: Call, attempts: Sequence[Attempt]) -> None:
    """Render each request again, check that it is the one of the ledger, and count it."""
    from judges import queries
    from judges.rules import replay
    from judges.services import calls as engine_calls

    view = queries.item_view(call.item)
    if view is None or not attempts:
        return
    plan = engine_calls.plan_of(run, timeout_seconds=1.0, most_failures=1)
    base = engine_calls.base_request(plan, view, order=call.order, sample=call.sample)
    series: list[replay.Past] = []
    for one in attempts:
        request = replay.place(base, series).request
        if request.digest != one.prompt_digest:
            # Tried again by a person: the series starts anew.
            series, request = [], base
        series.append(engine_calls.past_of(one))
        digest = _digest(plan, request)
        if one.outcome in ANSWERED:
            ledger.answered[digest] += 1
        elif one.outcome in OPEN:
            ledger.open[digest] += 1


def _digest(plan: Plan, request: RenderedRequest) -> str:
    """The simulator's digest of the body that the provider sends for a request."""
    from judges.providers import anthropic, openai
    from judges.providers.base import ProviderRequest
    from judges.simulator import chat, messages

    spec = plan.spec
    cached = bool(spec.capabilities.get("prompt_cache", False))
    asked = ProviderRequest(request, timeout_seconds=1.0, prompt_cache=cached)
    if spec.provider == "openai":
        body = chat.as_message(openai.parameters(asked, base_url=spec.base_url))
    else:
        body = anthropic.parameters(asked)
    return messages.digest(json.loads(json.dumps(body)))
