"""Passing a qualification: settled with the answer that reaches the mark, and once more whenever
somebody would be refused for it, so that no change of gold labels in between is lost.

An admission stands: what was passed by the labels of its day is not taken away by later ones.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from accounts.models import Rater, User
from annotation.models import Admission, Round, RoundRater
from annotation.queries import admissions
from annotation.services import roundacts
from annotation.states import RoundKind, RoundState
from core.errors import Conflict, Invalid

SYSTEM = "system"


def admitted(*, qualification_id: int, rater_id: int) -> bool:
    """Whether the rater may rate where this qualification is demanded; admits who may by now."""
    if admissions.is_admitted(qualification_id=qualification_id, rater_id=rater_id):
        return True
    members = RoundRater.objects.filter(round=qualification_id, rater=rater_id, answered__gt=0)
    if not members.exists():
        return False
    with transaction.atomic(durable=True):
        return settle(qualification=_round(qualification_id), rater_id=rater_id)


def settle(*, qualification: Round, rater_id: int) -> bool:
    """Inside a transaction: admit the rater when the answers reach the mark; whether admitted.

    Of two answers at once the later one, which waited for the rater's place in the round, sees
    both; the constraint makes it one admission.
    """
    if admissions.is_admitted(qualification_id=qualification.pk, rater_id=rater_id):
        return True
    score = admissions.scores(round_=qualification, rater_ids=[rater_id])[rater_id]
    if not score.reaches(qualification):
        return False
    figures = {"items": score.items, "share": score.share.as_dict()}
    if _write(qualification, rater_id, figures=figures):
        said: dict[str, object] = {"rater": rater_id, **figures}
        roundacts.record(qualification, "round.qualification_passed", SYSTEM, said)
    return True


@transaction.atomic(durable=True)
def let_in(*, round_id: int, rater_id: int, reason: str, by: User) -> None:
    """Let a rater rate without having passed. Also when the qualification is closed.

    Raises `Invalid` without a reason, `Conflict` for who is let in or passed already.
    """
    said = roundacts.reason_of(reason)
    round_ = _round(round_id)
    if round_.kind != RoundKind.QUALIFICATION:
        raise Conflict("no_qualification", "This round is no qualification: nobody passes it.")
    if not Rater.objects.filter(pk=rater_id, project=round_.project_id).exists():
        raise Invalid("foreign_rater", "A rater of another project cannot be let in here.")
    if not _write(round_, rater_id, actor=by.actor, reason=said):
        raise Conflict("admitted_already", "This rater has passed, or was let in, already.")
    roundacts.record(round_, "round.rater_let_in", by.actor, {"rater": rater_id, "reason": said})


def enrol(*, round_: Round, raters: Collection[Rater], by: User) -> None:
    """Inside a transaction: who has to pass the round's qualification first comes into that one
    too, unless it is over. Whoever was taken out of it stays out."""
    qualification = round_.qualification
    if qualification is None or qualification.state == RoundState.CLOSED:
        return
    known = Exists(RoundRater.objects.filter(round=qualification, rater=OuterRef("pk")))
    passed = Exists(Admission.objects.filter(qualification=qualification, rater=OuterRef("pk")))
    wanted = Rater.objects.filter(~known & ~passed, pk__in=[one.pk for one in raters])
    ids = list(wanted.order_by("pk").values_list("pk", flat=True))
    RoundRater.objects.bulk_create(
        [RoundRater(round=qualification, rater_id=pk) for pk in ids], ignore_conflicts=True
    )
    if ids:
        roundacts.record(qualification, "round.raters_added", by.actor, {"raters": ids})


def may_rate(rater_id: int) -> Q:
    """For an update of assignments: their round demands nothing that the rater did not pass."""
    passed = Admission.objects.filter(
        qualification=OuterRef("round__qualification"), rater=rater_id
    )
    return Q(round__qualification__isnull=True) | Q(Exists(passed))


def _write(round_: Round, rater_id: int, **more: Any) -> bool:
    """Whether it is this act that admits the rater."""
    try:
        with transaction.atomic():
            Admission.objects.create(qualification=round_, rater_id=rater_id, **more)
    except IntegrityError:
        return False
    return True


def _round(round_id: int) -> Round:
    return Round.objects.select_related("guideline_version").get(pk=round_id)
