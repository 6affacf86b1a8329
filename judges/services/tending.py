"""Looking after pieces: how far the provider is, answers fetched once, what was lost given up.

Whatever state the run is in: what a provider has answered is paid for. `look_at` is the piece's own
lease, and every answer is booked by the same conditional update as a direct one, so that two who
fetch the same piece write each answer once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from core import jobs, stopping
from core.errors import DomainError
from judges.models import Attempt, Piece, Run
from judges.providers.base import Batch, ProviderFailure, ProviderReply
from judges.rules import pieces as rules
from judges.rules.retrying import FailureKind
from judges.services import asking, calls, lease, ledger, pieces
from judges.services.calls import Asked, Plan, Settlement
from judges.services.ledger import Open
from judges.services.line import Line, Stopped
from judges.services.pace import Pace
from judges.states import PieceState, RunState

log = logging.getLogger(__name__)

GROUP = 20
"""Answers that are booked together."""
NEVER_THERE = "The provider has no such batch: it was never made, and nothing was paid."
NOT_TOLD = "Nobody can say whether the provider has this batch: possibly paid."
LEFT_OUT = "The provider's results say nothing of this request: possibly paid."
GONE = "The provider has this batch no longer: possibly paid."
_NO_SUCH_PAGE = (404, 405, 410)


class Overtaken(Exception):
    """Somebody else looks after the piece by now: this one slept longer than its lease."""


def look_after(run: Run, *, pace: Pace) -> None:
    """Every piece of the run that is due. Call it outside of any transaction."""
    found = pieces.due(run.pk, now=timezone.now())
    if not found:
        return
    plan = calls.plan_of(run, timeout_seconds=pace.timeout, most_failures=pace.most_failures)
    for piece_id in found:
        if stopping.is_requested():
            return
        piece = pieces.claim(piece_id, now=timezone.now(), seconds=pace.lease)
        if piece is None:
            continue
        try:
            _look_after(piece, plan, pace)
        except Stopped:
            pieces.look_later(piece, at=timezone.now())
            return
        except Overtaken:
            log.warning("Piece %s of run %s is looked after by somebody else", piece.pk, run.pk)
        except (OperationalError, InterfaceError):
            log.exception("A piece of run %s lost its database", run.pk)
            return


def _look_after(piece: Piece, plan: Plan, pace: Pace) -> None:
    try:
        provider = asking.batches_for(plan.spec, project_id=plan.project_id)
    except DomainError as refusal:
        later = timezone.now() + timedelta(seconds=rules.LONGEST_LOOK_SECONDS)
        pieces.look_later(piece, at=later, problem=refusal.sentence)
        return

    def keep() -> None:
        if not pieces.keep(piece, now=timezone.now(), seconds=pace.lease):
            raise Overtaken

    with Line(provider, tick=keep, every=pace.lease / 4, farewell=pace.farewell) as line:
        _Tending(piece=piece, plan=plan, pace=pace, line=line).go()


@dataclass(slots=True)
class _Tending:
    """One look at one piece."""

    piece: Piece
    plan: Plan
    pace: Pace
    line: Line

    def go(self) -> None:
        try:
            if self.piece.state == PieceState.WRITTEN:
                self._seek()
            else:
                self._look()
        except ProviderFailure as failure:
            self._failed(failure)

    # What the provider never confirmed ------------------------------------------------------------

    def _seek(self) -> None:
        """Its answer never came: the batch may be there. Whose a batch is stands in its results."""
        # Asked before the list: what is made while the list is on its way is not in it.
        is_given_up = self._is_given_up()
        since = self.piece.written_at - rules.CLOCKS_APART
        listed = self.line.wait(self.line.provider.listed(since=since))
        known = pieces.known([one.id for one in listed])
        found = [one for one in listed if one.id not in known and self._may_be(one)]
        for batch in found:
            if batch.is_over and self._is_ours(batch):
                self._adopt(batch)
                return
        # A batch that still goes on may be it: its results will tell.
        if any(not batch.is_over for batch in found) or not is_given_up:
            self._later(self.piece.problem)
        else:
            self._never_there()

    def _may_be(self, batch: Batch) -> bool:
        return rules.may_be(
            created_at=batch.created_at,
            written_at=self.piece.written_at,
            total=batch.total,
            requests=self.piece.requests,
        )

    def _is_ours(self, batch: Batch) -> bool:
        try:
            first = next(self.line.some(self.line.provider.results(batch.id), most=1), [])
        except ProviderFailure as failure:
            if failure.status in _NO_SUCH_PAGE:
                return False
            raise
        return any(rules.attempt_of(key, self.piece.token) is not None for key, _ in first)

    def _adopt(self, batch: Batch) -> None:
        now = timezone.now()
        look_at = now + timedelta(seconds=self.pace.lease)
        if pieces.submitted(self.piece, provider_id=batch.id, look_at=look_at, now=now):
            pieces.ended(self.piece.pk, now=now)
            self._fetch()

    def _is_given_up(self) -> bool:
        return timezone.now() >= self.piece.written_at + timedelta(seconds=self.pace.lost)

    def _never_there(self) -> None:
        """The provider's own list is the proof: nothing was paid, and the calls are sent again."""
        now = timezone.now()
        failure = ProviderFailure(FailureKind.TRANSIENT, NEVER_THERE)
        unanswered = pieces.unanswered(self.piece)
        asked = calls.asked_of(self.plan, unanswered, at=now)
        settled: list[tuple[Open, Settlement]] = [
            (_open(one), calls.settlement(self.plan, asked[one.pk], failure, now=now))
            for one in unanswered
        ]
        with transaction.atomic():
            self._closed(PieceState.LOST, NEVER_THERE)
            if settled:
                ledger.settle(self.plan, settled, owner=self.piece.token, now=now)
            self._wake()

    # What the provider has ------------------------------------------------------------------------

    def _look(self) -> None:
        if self.piece.state == PieceState.SUBMITTED:
            self._cancel_with_its_run()
            batch = self.line.wait(self.line.provider.look(self.piece.provider_id))
            if not batch.is_over:
                self._later()
                return
            pieces.ended(self.piece.pk, now=timezone.now())
        self._fetch()

    def _cancel_with_its_run(self) -> None:
        """Once. A batch that ended meanwhile cannot be cancelled, and need not be."""
        is_cancelled = self.piece.run.state == RunState.CANCELLED
        if not is_cancelled or self.piece.cancelled_at is not None:
            return
        try:
            self.line.wait(self.line.provider.cancel(self.piece.provider_id))
        except ProviderFailure as failure:
            if failure.kind is not FailureKind.CONFIGURATION:
                raise
        self.piece.cancelled_at = timezone.now()
        pieces.cancelled(self.piece.pk, now=self.piece.cancelled_at)

    def _fetch(self) -> None:
        """Every answer is booked as it comes; what comes a second time changes nothing."""
        now = timezone.now()
        unanswered = {one.pk: one for one in pieces.unanswered(self.piece)}
        asked = calls.asked_of(self.plan, list(unanswered.values()), at=now)
        results = self.line.provider.results(self.piece.provider_id)
        try:
            for group in self.line.some(results, most=GROUP):
                self._book(group, unanswered, asked)
        except ProviderFailure as failure:
            if not failure.possibly_paid:
                raise
            self._fell_short(failure.message, unanswered.values())
            return
        if unanswered:
            self._fell_short(LEFT_OUT, unanswered.values())
        else:
            self._close(PieceState.FETCHED)

    def _book(
        self,
        group: Sequence[tuple[str, ProviderReply | ProviderFailure]],
        unanswered: dict[int, Attempt],
        asked: dict[int, Asked],
    ) -> None:
        now = timezone.now()
        settled: list[tuple[Open, Settlement]] = []
        for key, answer in group:
            number = rules.attempt_of(key, self.piece.token)
            attempt = unanswered.pop(number, None) if number is not None else None
            if attempt is not None:
                one = calls.settlement(self.plan, asked[attempt.pk], answer, now=now)
                settled.append((_open(attempt), _without_latency(one)))
        if settled:
            ledger.settle(self.plan, settled, owner=self.piece.token, now=now)
        reason = next((one.pause for _, one in settled if one.pause), "")
        if reason:
            lease.stop(self.piece.run_id, reason=reason)

    def _fell_short(self, problem: str, rest: Iterable[Attempt]) -> None:
        """Results that broke off, or left something out, are asked for again, and not for ever."""
        fetches = self.piece.fetches + 1
        Piece.objects.filter(pk=self.piece.pk).update(fetches=fetches)
        if fetches < rules.MOST_FETCHES:
            self._later(problem)
        else:
            self._give_up(rest, LEFT_OUT, PieceState.FETCHED)

    # What cannot be had ---------------------------------------------------------------------------

    def _failed(self, failure: ProviderFailure) -> None:
        """Nobody could be asked, or the batch is gone."""
        is_written = self.piece.state == PieceState.WRITTEN
        now = timezone.now()
        too_old = now > self.piece.written_at + timedelta(days=rules.KEPT_DAYS)
        is_gone = failure.status in _NO_SUCH_PAGE and (not is_written or self._is_given_up())
        if is_gone or too_old:
            problem = NOT_TOLD if is_written else GONE
            self._give_up(pieces.unanswered(self.piece), problem, PieceState.LOST)
        else:
            self._later(failure.message, least=failure.retry_after or 0.0)

    def _give_up(self, rest: Iterable[Attempt], problem: str, state: PieceState) -> None:
        """Possibly paid: booked at the reservation, and sent again."""
        now = timezone.now()
        with transaction.atomic():
            self._closed(state, problem)
            ids = [one.pk for one in rest]
            ledger.abandon(self.piece.run_id, ids, problem=problem, now=now)
            self._wake()

    def _later(self, problem: str = "", *, least: float = 0.0) -> None:
        now = timezone.now()
        began = self.piece.cancelled_at or self.piece.submitted_at or self.piece.written_at
        first = max(self.pace.poll, min(least, rules.LONGEST_LOOK_SECONDS))
        at = rules.next_look(began, now=now, first_seconds=first)
        pieces.look_later(self.piece, at=at, problem=problem)

    def _close(self, state: PieceState) -> None:
        with transaction.atomic():
            self._closed(state)
            self._wake()

    def _closed(self, state: PieceState, problem: str = "") -> None:
        """Inside of a transaction, before anything is concluded from it. Raises Overtaken.

        The run's row first, as everybody who locks both.
        """
        ledger.lock(self.piece.run_id)
        if not pieces.close(self.piece, state=state, problem=problem, now=timezone.now()):
            raise Overtaken

    def _wake(self) -> None:
        """There is something to send, or nothing is left to wait for."""
        lease.wake(self.piece.run_id)
        jobs.hint("judges.run", self.piece.run_id)


def _open(attempt: Attempt) -> Open:
    return Open(attempt_id=attempt.pk, sent_at=attempt.sent_at)


def _without_latency(one: Settlement) -> Settlement:
    """How long an answer took in a batch says nothing of the model."""
    return replace(one, fields={**one.fields, "latency_ms": None})
