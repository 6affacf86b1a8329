"""Drain a run: look at the rows, let requests fly, take in answers, look again.

Every attempt is in the ledger before its request leaves, and is finalised once. Whatever dies,
whoever takes the run over reads from the rows what is left to do.
"""

from __future__ import annotations

import gc
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from django.db import InterfaceError, OperationalError, connection
from django.db.models import Q
from django.utils import timezone

from core import jobs, stopping
from core.errors import DomainError
from judges.models import Run
from judges.providers.base import Provider, ProviderFailure, ProviderReply
from judges.rules import retrying
from judges.services import asking, batches, calls, combining, lease, ledger, pieces, tending
from judges.services.calls import Plan, Prepared, Settlement, Unaskable
from judges.services.lease import Claim
from judges.services.ledger import Sent, Taken
from judges.services.pace import Pace
from judges.services.wire import Answer, Wire
from judges.states import RunMode, RunState

log = logging.getLogger(__name__)

IDS_AHEAD = 1000
MOST_WOKEN = 50
NAP_SECONDS = 0.1
LINGER_SHARE = 0.05
"""Of what an answer takes, at most: so much slower than the provider a run may be, to cost half of
it."""
LINGER_ANSWERS = 1.6
"""So many more are waited for. With many in flight they come sooner."""
DEAD_WORKER = "The worker ended between sending and recording: possibly paid."
STOPPED_WORKER = "The worker was stopped before the answer came: possibly paid."
HELD_SECONDS = 0.5
HELD_TOO_LONG = " What is left of it is reserved by other runs."

# Each run holds a thread of the worker for as long as it lasts; one stays free for jobs and clock.
_room = threading.BoundedSemaphore(3)


def work_off(run_id: int) -> None:
    """For the task: drain when this process has room, else leave it to the next wake-up."""
    if not _room.acquire(blocking=False):
        return
    try:
        drain(run_id)
    finally:
        _room.release()


@cache
def _settle_down(_kind: type[Provider]) -> None:
    """Once for each kind of provider: what it loaded stays, so the collector need not look again.

    It would do so twice in a thousand calls, for a third of a second each time.
    """
    gc.collect()
    gc.freeze()


def drain(run_id: int, *, pace: Pace | None = None) -> None:
    """Work on the run until it ends, pauses, is taken over or this process stops.

    Returns at once when somebody else holds it. Call it outside of any transaction.
    """
    pace = pace or Pace.of_settings()
    run = Run.objects.select_related("version", "project").filter(pk=run_id).first()
    if run is None:
        return
    if run.mode == RunMode.BATCH:
        tending.look_after(run, pace=pace)
        batches.send(run, pace=pace)
        return
    if run.state not in {RunState.PLANNED, RunState.RUNNING}:
        return
    plan = calls.plan_of(run, timeout_seconds=pace.timeout, most_failures=pace.most_failures)
    # Nobody is asked, and nothing has to be loaded, when the cache had every answer.
    has_work = calls.open_of(run_id).exists()
    provider, refusal = _provider(plan) if has_work else (None, "")
    owner = jobs.owner_name()
    claimed = lease.claim(run_id, owner=owner, now=timezone.now(), seconds=pace.lease)
    if claimed is Claim.NONE:
        return
    if not has_work:
        lease.finish(run_id, owner=owner, now=timezone.now())
        combining.combine(run_id, now=timezone.now())
        return
    if provider is None:
        lease.pause(run_id, owner=owner, reason=refusal)
        return
    _settle_down(type(provider))
    with Wire(provider) as wire:
        work = _Drain(
            plan=plan,
            pace=pace,
            owner=owner,
            wire=wire,
            is_takeover=claimed is Claim.TAKEOVER,
            flow=retrying.starting_at(run.concurrency, ceiling=run.concurrency),
        )
        is_done = work.go()
    # The client and its connections hold each other: without this they stay until much later.
    gc.collect()
    if is_done:
        combining.combine(run_id, now=timezone.now())


def _provider(plan: Plan) -> tuple[Provider | None, str]:
    """Who is asked, or why nobody can be: no key, no price, no simulator."""
    try:
        calls.check_price(plan, at=timezone.now())
        return asking.provider_for(plan.spec, project_id=plan.project_id), ""
    except DomainError as refusal:
        return None, refusal.sentence


@dataclass(slots=True)
class _Drain:
    """One owner's work on one run."""

    plan: Plan
    pace: Pace
    owner: str
    wire: Wire
    is_takeover: bool
    flow: retrying.Concurrency
    flying: dict[int, Sent] = field(default_factory=dict)
    # Answers that came and are not in the ledger yet.
    unbooked: list[tuple[Sent, Settlement]] = field(default_factory=list)
    ready: deque[Prepared] = field(default_factory=deque)
    ids: deque[int] = field(default_factory=deque)
    # Once this owner claims no more it only waits for what flies.
    is_leaving: bool = False
    is_over_budget: bool = False
    pause_reason: str = ""
    # Seconds that an answer takes, of late.
    latency: float = 0.0
    renewed_at: float = 0.0
    looked_back_at: float = 0.0
    hold_until: float = 0.0
    rest_until: float = 0.0
    held_since: float | None = None
    farewell_until: float | None = None

    def go(self) -> bool:
        """True when this owner ended the run."""
        try:
            self._give_up_the_dead(is_takeover=self.is_takeover)
            return self._work()
        except (OperationalError, InterfaceError):
            log.exception("Run %s lost its database", self.plan.run_id)
            self._save_what_comes()
            return False

    def _work(self) -> bool:
        while True:
            self._settle_and_send(self.wire.collect(seconds=self._nap(), linger=self._linger()))
            self._keep_lease()
            self._look_for_the_stop()
            if self.is_leaving:
                if not self.flying:
                    return False
                continue
            if self.pause_reason:
                self._pause()
                continue
            self._prepare_more()
            if not self.flying and not self.ready and self._is_over():
                return True

    # Answers --------------------------------------------------------------------------------------

    def _nap(self) -> float:
        """Wait for answers when nothing else can be done; otherwise only look."""
        if self.is_leaving or self.flying or self.pause_reason:
            return NAP_SECONDS
        rest = max(self.rest_until, self.hold_until) - time.monotonic()
        return min(max(rest, 0.0), NAP_SECONDS)

    def _linger(self) -> float:
        """A little longer for more answers: a transaction for each would cost more than to ask."""
        share = min(LINGER_SHARE, LINGER_ANSWERS / self.flow.slots)
        return min(share * self.latency, NAP_SECONDS)

    def _settle_and_send(self, answers: list[tuple[int, Answer]]) -> None:
        """Book what came and claim what goes next in one transaction; then that may leave."""
        self._read(answers)
        if not self.unbooked and not self._may_send():
            return
        if self.unbooked:
            self.is_over_budget, self.rest_until = False, 0.0
        room = min(self.flow.slots - len(self.flying), len(self.ready)) if self._may_send() else 0
        chosen = [self.ready.popleft() for _ in range(room)]
        taken = ledger.exchange(
            self.plan, self.unbooked, chosen, owner=self.owner, now=timezone.now()
        )
        self.unbooked.clear()
        if chosen:
            self._send(chosen, taken)

    def _read(self, answers: list[tuple[int, Answer]]) -> None:
        """What the answers mean: nothing is written yet."""
        now = timezone.now()
        for number, answer in answers:
            sent = self.flying.pop(number)
            one = calls.settlement(self.plan, sent.prepared, answer, now=now)
            self.unbooked.append((sent, one))
            self._learn(answer)
            self.pause_reason = self.pause_reason or one.pause

    def _save_what_comes(self) -> None:
        """The database is away. What flies may be paid for: it is booked once the database is back.

        Nothing else is done, and the lease is left to run out: the last thing that was written may
        be there or not, and whoever takes the run over names what has no answer. Booking twice
        changes nothing, and so does booking what was given up meanwhile.
        """
        until = time.monotonic() + self.pace.timeout + self.pace.farewell
        while (self.flying or self.unbooked) and time.monotonic() < until:
            if stopping.is_requested():
                until = min(until, time.monotonic() + self.pace.farewell)
            self._read(self.wire.collect(seconds=NAP_SECONDS))
            try:
                ledger.settle(self.plan, self.unbooked, owner=self.owner, now=timezone.now())
                self.unbooked.clear()
            except (OperationalError, InterfaceError):
                connection.close()

    def _learn(self, answer: Answer) -> None:
        """More in flight after an answer, half after an overload, none before retry-after ends."""
        if isinstance(answer, ProviderReply):
            self.latency += (answer.latency_ms / 1000 - self.latency) / 16
            self.flow = self.flow.grown().within(answer.requests_remaining)
        elif isinstance(answer, ProviderFailure) and answer.kind == "transient":
            now = time.monotonic()
            self.flow = self.flow.halved(now=now)
            if answer.retry_after:
                wait = min(answer.retry_after, retrying.RETRY_AFTER_CAP_SECONDS)
                self.hold_until = max(self.hold_until, now + wait)

    # Lease ----------------------------------------------------------------------------------------

    def _keep_lease(self) -> None:
        due = self.renewed_at + self.pace.lease / 4
        if self.is_leaving or time.monotonic() < due:
            return
        self.renewed_at = time.monotonic()
        self.is_leaving = not lease.renew(
            self.plan.run_id, owner=self.owner, now=timezone.now(), seconds=self.pace.lease
        )

    def _look_for_the_stop(self) -> None:
        """The process ends: give answers a moment, name what stays open, hand the run on."""
        if not stopping.is_requested():
            return
        now = time.monotonic()
        if self.farewell_until is None:
            self.farewell_until = now + self.pace.farewell
            self.hold_until = math.inf
        if self.flying and now < self.farewell_until:
            return
        if self.flying:
            self._abandon([sent.attempt_id for sent in self.flying.values()], STOPPED_WORKER)
            self.flying.clear()
        lease.give_back(self.plan.run_id, owner=self.owner)
        self.is_leaving = True

    def _pause(self) -> None:
        """Stop here and say why; what flies is still taken in."""
        lease.pause(self.plan.run_id, owner=self.owner, reason=self.pause_reason)
        self.is_leaving = True

    def _give_up_the_dead(self, *, is_takeover: bool) -> None:
        self.looked_back_at = time.monotonic()
        lost = ledger.left_behind(
            self.plan.run_id,
            owner=self.owner,
            is_takeover=is_takeover,
            timeout_seconds=self.pace.timeout,
            now=timezone.now(),
        )
        if lost:
            self._abandon(lost, DEAD_WORKER)

    def _abandon(self, attempt_ids: list[int], problem: str) -> None:
        ledger.abandon(self.plan.run_id, attempt_ids, problem=problem, now=timezone.now())

    # Calls ----------------------------------------------------------------------------------------

    def _may_send(self) -> bool:
        if self.is_leaving or self.pause_reason or stopping.is_requested():
            return False
        if self.is_over_budget and self.flying:
            return False
        has_room = len(self.flying) < self.flow.slots
        return has_room and bool(self.ready) and time.monotonic() >= self.hold_until

    def _send(self, chosen: Sequence[Prepared], taken: Taken) -> None:
        """What is claimed flies; what the budget does not reach for stays ready."""
        for sent in taken.sent:
            self.flying[sent.attempt_id] = sent
            self.wire.send(sent.attempt_id, sent.prepared.request)
        self.wire.flush()
        self.is_leaving = not taken.is_mine
        self.pause_reason = taken.objection
        self.is_over_budget = taken.is_over_budget
        if taken.sent:
            self.held_since = None
        if taken.is_over_budget:
            claimed = {sent.prepared.call_id for sent in taken.sent}
            self.ready.extendleft(one for one in reversed(chosen) if one.call_id not in claimed)
            if not self.flying and taken.is_held:
                self._wait_for_money(taken.over_budget)
            elif not self.flying:
                self.pause_reason = taken.over_budget

    def _wait_for_money(self, over_budget: str) -> None:
        """What other runs reserved, or a former owner of this one, is free again when it ends.

        Longer than any answer takes nobody is waited for: a worker has few places.
        """
        now = time.monotonic()
        self.held_since = self.held_since or now
        if now > self.held_since + 2 * self.pace.timeout:
            self.pause_reason = over_budget + HELD_TOO_LONG
            return
        self.hold_until = max(self.hold_until, now + HELD_SECONDS)
        if now > self.looked_back_at + self.pace.lease:
            self._give_up_the_dead(is_takeover=False)

    def _prepare_more(self) -> None:
        """Render ahead while answers are on their way: enough for all of them coming at once."""
        if len(self.ready) >= self.flow.slots or time.monotonic() < self.rest_until:
            return
        ids = self._next_ids(self.flow.slots)
        if not ids:
            self.rest_until = time.monotonic() + NAP_SECONDS
            return
        now = timezone.now()
        unaskable: list[Unaskable] = []
        for one in calls.prepare(self.plan, calls.waiting(ids), now=now):
            if isinstance(one, Unaskable):
                unaskable.append(one)
            else:
                self.ready.append(one)
        if unaskable:
            ledger.end_unaskable(self.plan.run_id, unaskable, now=now)

    def _next_ids(self, wanted: int) -> list[int]:
        if not self.ids:
            known = [one.call_id for one in self.ready]
            self.ids.extend(
                calls.due(self.plan.run_id, timezone.now())
                .exclude(pk__in=known)
                .values_list("pk", flat=True)[:IDS_AHEAD]
            )
        return [self.ids.popleft() for _ in range(min(wanted, len(self.ids)))]

    def _is_over(self) -> bool:
        """End the run when every call has ended; else rest until one is due."""
        if self.ids or stopping.is_requested():
            return False
        if not calls.open_of(self.plan.run_id).exists():
            return lease.finish(self.plan.run_id, owner=self.owner, now=timezone.now())
        if time.monotonic() > self.looked_back_at + self.pace.lease:
            self._give_up_the_dead(is_takeover=False)
        return False


def reconcile(now: datetime) -> int:
    """Wake runs that nobody holds or whose batches are due, and ended runs whose labels were never
    combined.
    """
    planned = Q(state=RunState.PLANNED) & lease.is_awake(now)
    unheld = planned | Q(state=RunState.RUNNING, lease_until__lt=now)
    found = Run.objects.filter(unheld).order_by("pk").values_list("pk", flat=True)
    waiting = sorted({*found[:MOST_WOKEN], *pieces.runs_due(now, limit=MOST_WOKEN)})
    for run_id in waiting:
        jobs.send_hint("judges.run", run_id)
    ended = combining.forgotten(now)
    for run_id in ended:
        jobs.send_hint("judges.combine", run_id)
    patience = Pace.of_settings().forgotten
    for run_id, attempt_ids in ledger.forgotten(now, patience_seconds=patience).items():
        ledger.abandon(run_id, attempt_ids, problem=DEAD_WORKER, now=now)
    return len(waiting) + len(ended)
