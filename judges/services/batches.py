"""Runs through a batch API: calls that wait are put into pieces, written down and sent.

No worker stays while a provider works: the run rests, its pieces are looked after (`tending`), and
whoever brings their answers wakes it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from core import audit, jobs, stopping
from core.errors import DomainError
from judges.models import Call, Piece, Run
from judges.providers.base import Batch, BatchProvider, ProviderFailure, ProviderRequest
from judges.rules import pieces as rules
from judges.rules.retrying import FailureKind
from judges.services import asking, calls, combining, lease, ledger, pieces
from judges.services.calls import Plan, Prepared, Unaskable
from judges.services.lease import Claim
from judges.services.ledger import Sent, Taken
from judges.services.line import Line, Stopped
from judges.services.pace import Pace
from judges.states import CallState, PieceState

log = logging.getLogger(__name__)

REST_SECONDS = 60.0
"""A run that rests looks up that often, should nobody wake it."""


def send(run: Run, *, pace: Pace) -> None:
    """Send what waits, until nothing does or the budgets do not reach; then the run rests.

    Returns at once when somebody else holds it. Call it outside of any transaction.
    """
    owner = jobs.owner_name()
    claimed = lease.claim(run.pk, owner=owner, now=timezone.now(), seconds=pace.lease)
    if claimed is Claim.NONE:
        return
    plan = calls.plan_of(run, timeout_seconds=pace.timeout, most_failures=pace.most_failures)
    work = _Sending(plan=plan, pace=pace, owner=owner)
    try:
        is_done = work.go()
    except Stopped:
        lease.give_back(run.pk, owner=owner)
        return
    except (OperationalError, InterfaceError):
        # What left is looked for at the provider; the lease runs out.
        log.exception("Run %s lost its database", run.pk)
        return
    if is_done:
        combining.combine(run.pk, now=timezone.now())


@dataclass(slots=True)
class _Sending:
    """One owner's work on one run."""

    plan: Plan
    pace: Pace
    owner: str
    ready: list[Prepared] = field(default_factory=list)
    # What is on its way to the provider.
    leaving: Piece | None = None
    # Calls that are due stay: the budgets, the provider or the number of pieces are in the way.
    is_held_back: bool = False

    def go(self) -> bool:
        """True when this owner ended the run."""
        if not calls.due(self.plan.run_id, timezone.now()).exists() or self._waits_for_more():
            return self._finish_or_rest()
        provider, refusal = self._provider()
        if provider is None:
            lease.pause(self.plan.run_id, owner=self.owner, reason=refusal)
            return False
        line = Line(
            provider, tick=self._keep, every=self.pace.lease / 4, farewell=self.pace.farewell
        )
        with line:
            while self._keep() and self._send_one(line):
                if stopping.is_requested():
                    raise Stopped
        return self._finish_or_rest()

    def _provider(self) -> tuple[BatchProvider | None, str]:
        try:
            calls.check_price(self.plan, at=timezone.now())
            return asking.batches_for(self.plan.spec, project_id=self.plan.project_id), ""
        except DomainError as refusal:
            return None, refusal.sentence

    def _keep(self) -> bool:
        """False when the run was paused, cancelled or taken over."""
        if self.leaving is not None:
            pieces.keep(self.leaving, now=timezone.now(), seconds=self.pace.lease)
        return lease.renew(
            self.plan.run_id, owner=self.owner, now=timezone.now(), seconds=self.pace.lease
        )

    def _finish_or_rest(self) -> bool:
        """End the run when every call has ended; else rest until something can be done."""
        now = timezone.now()
        if not calls.open_of(self.plan.run_id).exists():
            return lease.finish(self.plan.run_id, owner=self.owner, now=now)
        lease.rest(self.plan.run_id, owner=self.owner, until=self._next_turn(now))
        if self._can_go_on():
            # What came just before the rest woke nobody.
            lease.wake(self.plan.run_id)
            jobs.send_hint("judges.run", self.plan.run_id)
        return False

    def _can_go_on(self) -> bool:
        if not calls.open_of(self.plan.run_id).exists():
            return True
        return not self.is_held_back and calls.due(self.plan.run_id, timezone.now()).exists()

    def _waits_for_more(self) -> bool:
        """Calls that wait a moment for their turn go with the others: a piece may take a day."""
        now = timezone.now()
        soon = now + timedelta(seconds=REST_SECONDS)
        self.is_held_back = self._later(now).filter(not_before__lte=soon).exists()
        return self.is_held_back

    def _next_turn(self, now: datetime) -> datetime:
        """When the last of those that wait a moment may be sent, else in a while."""
        latest = now + timedelta(seconds=REST_SECONDS)
        last = self._later(now).filter(not_before__lte=latest).aggregate(at=Max("not_before"))["at"]
        return last or latest

    def _later(self, now: datetime) -> QuerySet[Call]:
        return Call.objects.filter(
            run=self.plan.run_id, state=CallState.WAITING, not_before__gt=now
        )

    # One piece ------------------------------------------------------------------------------------

    def _send_one(self, line: Line) -> bool:
        """Write a piece down and send it. False when there is nothing more to send for now."""
        self.is_held_back = pieces.open_count(self.plan.run_id) >= rules.MOST_OPEN
        if self.is_held_back or not self._prepare():
            return False
        chosen = self.ready[: rules.fitting(map(_size, self.ready))]
        now = timezone.now()
        piece = pieces.new(
            self.plan.run_id, look_at=now + timedelta(seconds=self.pace.lease), now=now
        )
        taken = ledger.take(self.plan, chosen, owner=self.owner, now=now, piece=piece)
        del self.ready[: len(chosen)]
        is_taken = not taken.sent or self._submit(line, piece, taken.sent)
        self.is_held_back = not is_taken or taken.is_over_budget
        return self._may_go_on(taken) and is_taken

    def _prepare(self) -> bool:
        """Render ahead, a piece at most. False when no call is due."""
        wanted = rules.MOST_REQUESTS - len(self.ready)
        known = [one.call_id for one in self.ready]
        now = timezone.now()
        rows = calls.due(self.plan.run_id, now).exclude(pk__in=known)
        unaskable: list[Unaskable] = []
        for one in calls.prepare(
            self.plan, list(rows.select_related("item__content")[:wanted]), now=now
        ):
            if isinstance(one, Unaskable):
                unaskable.append(one)
            else:
                self.ready.append(one)
        if unaskable:
            ledger.end_unaskable(self.plan.run_id, unaskable, now=now)
        return bool(self.ready)

    def _may_go_on(self, taken: Taken) -> bool:
        if not taken.is_mine:
            return False
        if taken.objection:
            lease.pause(self.plan.run_id, owner=self.owner, reason=taken.objection)
            return False
        if not taken.is_over_budget:
            return True
        # What is reserved, by this run's own pieces or by other runs, is free again when it ends.
        if not taken.sent and not taken.is_held:
            lease.pause(self.plan.run_id, owner=self.owner, reason=taken.over_budget)
        return False

    def _submit(self, line: Line, piece: Piece, sent: Sequence[Sent]) -> bool:
        """The one request that carries a piece. False when the provider did not take it, or nobody
        knows: then the piece is looked for.
        """
        asked = {
            rules.request_id(piece.token, one.attempt_id): one.prepared.request for one in sent
        }
        self.leaving = piece
        try:
            batch = line.wait(self._in_time(line, piece, asked))
        except ProviderFailure as failure:
            self._refused(piece, sent, failure)
            return False
        finally:
            self.leaving = None
        now = timezone.now()
        look_at = now + timedelta(seconds=self.pace.poll)
        if not pieces.submitted(piece, provider_id=batch.id, look_at=look_at, now=now):
            self._came_late(line, piece, batch)
        return True

    async def _in_time(
        self, line: Line, piece: Piece, asked: Mapping[str, ProviderRequest]
    ) -> Batch:
        """Nothing leaves any more when it might be given up before it arrives."""
        seconds = self.pace.submitting
        until = piece.written_at + timedelta(seconds=seconds)
        try:
            async with asyncio.timeout((until - timezone.now()).total_seconds()):
                # A limit that has passed is noticed here, before anything is sent.
                await asyncio.sleep(0)
                return await line.provider.submit(asked, timeout_seconds=seconds)
        except TimeoutError:
            raise ProviderFailure(
                FailureKind.TRANSIENT,
                "The provider did not say in time that it has the batch.",
                possibly_paid=True,
            ) from None

    def _came_late(self, line: Line, piece: Piece, batch: Batch) -> None:
        """Its calls were sent again meanwhile: it is cancelled, and written down as what it is."""
        with transaction.atomic():
            is_late = pieces.came_late(piece, provider_id=batch.id)
            if is_late:
                audit.record(
                    actor="system",
                    verb="run.batch_came_late",
                    object_type="run",
                    object_id=piece.run_id,
                    project_id=self.plan.project_id,
                    data={"batch": batch.id, "requests": piece.requests},
                )
        if is_late:
            log.warning("Batch %s came after it was given up: it is cancelled", batch.id)
            with suppress(ProviderFailure):
                line.wait(line.provider.cancel(batch.id))

    def _refused(self, piece: Piece, sent: Sequence[Sent], failure: ProviderFailure) -> None:
        """Nothing is at the provider, or nobody knows: then the piece stays, and is looked for."""
        now = timezone.now()
        if failure.possibly_paid:
            soon = now + timedelta(seconds=self.pace.poll)
            pieces.look_later(piece, at=soon, problem=failure.message)
            return
        settled = [
            (one, calls.settlement(self.plan, one.prepared, failure, now=now)) for one in sent
        ]
        with transaction.atomic():
            ledger.settle(self.plan, settled, owner=piece.token, now=now)
            pieces.close(piece, state=PieceState.REFUSED, problem=failure.message, now=now)
        reason = next((one.pause for _, one in settled if one.pause), "")
        if reason:
            lease.pause(self.plan.run_id, owner=self.owner, reason=reason)


def _size(one: Prepared) -> int:
    """Bytes of the texts of a request, about as they are sent."""
    rendered = one.request.rendered
    texts = (rendered.system, *(turn.text for turn in rendered.turns), str(rendered.schema))
    return sum(len(text.encode("utf-8", "replace")) for text in texts)
