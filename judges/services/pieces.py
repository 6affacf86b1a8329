"""The rows of pieces: each change is one conditional update, so that two who look after the same
piece do no harm.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max

from judges.models import Attempt, Piece
from judges.states import AttemptState, PieceState

OPEN = (PieceState.WRITTEN, PieceState.SUBMITTED, PieceState.ENDED)


def new(run_id: int, *, look_at: datetime, now: datetime) -> Piece:
    """The next piece of a run; saved with its attempts, by whoever holds the run."""
    last = Piece.objects.filter(run=run_id).aggregate(last=Max("number"))["last"] or 0
    return Piece(
        run_id=run_id,
        number=last + 1,
        token=secrets.token_hex(8),
        written_at=now,
        look_at=look_at,
    )


def claim(piece_id: int, *, now: datetime, seconds: float) -> Piece | None:
    """Look after a piece that is due; None when somebody else does."""
    due = Piece.objects.filter(pk=piece_id, look_at__lte=now)
    if not due.update(look_at=now + timedelta(seconds=seconds)):
        return None
    return Piece.objects.select_related("run__version", "run__project").get(pk=piece_id)


def submitted(piece_id: int, *, provider_id: str, look_at: datetime, now: datetime) -> bool:
    """The provider has it. False when it was given up meanwhile."""
    written = Piece.objects.filter(pk=piece_id, state=PieceState.WRITTEN)
    return bool(
        written.update(
            state=PieceState.SUBMITTED,
            provider_id=provider_id,
            submitted_at=now,
            look_at=look_at,
            problem="",
        )
    )


def ended(piece_id: int, *, now: datetime) -> None:
    """The provider has done with it."""
    Piece.objects.filter(pk=piece_id, state=PieceState.SUBMITTED).update(
        state=PieceState.ENDED, ended_at=now, problem=""
    )


def cancelled(piece_id: int, *, now: datetime) -> None:
    """The provider was told to leave out what it has not begun."""
    Piece.objects.filter(pk=piece_id, cancelled_at__isnull=True).update(cancelled_at=now)


def close(piece_id: int, *, state: PieceState, now: datetime, problem: str = "") -> None:
    """Nothing has to be looked for any more."""
    changes: dict[str, object] = {"state": state, "look_at": None, "problem": problem[:400]}
    if state == PieceState.FETCHED:
        changes["fetched_at"] = now
    Piece.objects.filter(pk=piece_id, state__in=OPEN).update(**changes)


def look_later(piece_id: int, *, at: datetime, problem: str = "") -> None:
    """Nothing new, or nobody to be asked just now."""
    Piece.objects.filter(pk=piece_id, state__in=OPEN).update(look_at=at, problem=problem[:400])


def keep(piece_id: int, *, now: datetime, seconds: float) -> None:
    """Still looked after."""
    Piece.objects.filter(pk=piece_id, state__in=OPEN).update(
        look_at=now + timedelta(seconds=seconds)
    )


@transaction.atomic
def hurry(run_id: int, *, now: datetime) -> int:
    """Look at a run's open pieces at once; how many there are."""
    return Piece.objects.filter(run=run_id, state__in=OPEN).update(look_at=now)


def due(run_id: int, *, now: datetime) -> list[int]:
    """The pieces of a run that have to be looked at."""
    rows = Piece.objects.filter(run=run_id, look_at__lte=now).order_by("look_at")
    return list(rows.values_list("pk", flat=True))


def open_count(run_id: int) -> int:
    return Piece.objects.filter(run=run_id, state__in=OPEN).count()


def known(provider_ids: list[str]) -> set[str]:
    """Those of a provider's batches that are some piece's."""
    rows = Piece.objects.filter(provider_id__in=provider_ids)
    return set(rows.values_list("provider_id", flat=True))


def unanswered(piece: Piece) -> list[Attempt]:
    """Its attempts that have no answer yet, with their calls."""
    rows = Attempt.objects.filter(piece=piece, state=AttemptState.SENT)
    return list(rows.select_related("call").order_by("pk"))


def runs_due(now: datetime, *, limit: int) -> list[int]:
    """Runs with pieces that have to be looked at, whatever state the runs are in."""
    rows = Piece.objects.filter(look_at__lte=now).order_by("run_id")
    return list(rows.values_list("run_id", flat=True).distinct()[:limit])
