"""The rows of pieces: each change is one conditional update, so that two who look after the same
piece do no harm.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, QuerySet

from judges.models import Attempt, Piece
from judges.states import AttemptState, PieceState

OPEN = (PieceState.WRITTEN, PieceState.SUBMITTED, PieceState.ENDED)
CAME_LATE = (
    "The provider took this batch after it had been given up and its calls were sent again. It was "
    "cancelled at once; what was answered before that is paid for and in no attempt's cost."
)


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
    until = now + timedelta(seconds=seconds)
    if not Piece.objects.filter(pk=piece_id, look_at__lte=now).update(look_at=until):
        return None
    held = Piece.objects.filter(pk=piece_id, look_at=until)
    return held.select_related("run__version", "run__project").first()


def submitted(piece: Piece, *, provider_id: str, look_at: datetime, now: datetime) -> bool:
    """The provider has it: a fact, whoever looks after it. False when it was given up or found."""
    changes = {
        "state": PieceState.SUBMITTED,
        "provider_id": provider_id,
        "submitted_at": now,
        "look_at": look_at,
        "problem": "",
    }
    if not Piece.objects.filter(pk=piece.pk, state=PieceState.WRITTEN).update(**changes):
        return False
    piece.provider_id, piece.look_at = provider_id, look_at
    return True


def ended(piece_id: int, *, now: datetime) -> None:
    """The provider has done with it."""
    Piece.objects.filter(pk=piece_id, state=PieceState.SUBMITTED).update(
        state=PieceState.ENDED, ended_at=now, problem=""
    )


def cancelled(piece_id: int, *, now: datetime) -> None:
    """The provider was told to leave out what it has not begun."""
    Piece.objects.filter(pk=piece_id, cancelled_at__isnull=True).update(cancelled_at=now)


def close(piece: Piece, *, state: PieceState, now: datetime, problem: str = "") -> bool:
    """Nothing has to be looked for any more. False when somebody else looks after it by now."""
    changes: dict[str, object] = {"state": state, "look_at": None, "problem": problem[:400]}
    if state == PieceState.FETCHED:
        changes["fetched_at"] = now
    return bool(_held(piece).update(**changes))


def look_later(piece: Piece, *, at: datetime, problem: str = "") -> None:
    """Nothing new, or nobody to be asked just now."""
    _held(piece).update(look_at=at, problem=problem[:400])


def keep(piece: Piece, *, now: datetime, seconds: float) -> bool:
    """Still looked after. False when somebody else does so by now."""
    until = now + timedelta(seconds=seconds)
    if not _held(piece).update(look_at=until):
        return False
    piece.look_at = until
    return True


def _held(piece: Piece) -> QuerySet[Piece]:
    """The piece while nobody has taken it over: whoever takes it moves `look_at`.

    One who slept meanwhile knows what was true before: what it concludes from that is not done.
    """
    return Piece.objects.filter(pk=piece.pk, state__in=OPEN, look_at=piece.look_at)


def came_late(piece: Piece, *, provider_id: str) -> bool:
    """The provider took a piece that had been given up: its row says so. False when it was found
    there and is looked after.
    """
    lost = Piece.objects.filter(pk=piece.pk, state=PieceState.LOST, provider_id="")
    return bool(lost.update(provider_id=provider_id, problem=CAME_LATE))


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
