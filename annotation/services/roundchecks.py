"""How a round checks its raters, changed after it was set up, as far as that is safe."""

from __future__ import annotations

from django.db import transaction

from accounts.models import Rater, User
from annotation.models import Round
from annotation.services import admissions, goldplans, roundacts
from annotation.services.goldplans import LEAST_GOLD, GoldPlan
from annotation.states import RoundKind, RoundState
from core.errors import Conflict, Invalid

RATED_HERE = (
    RoundKind.STANDARD,
    RoundKind.QUALIFICATION,
    RoundKind.RERATING,
    RoundKind.DRIFT,
)


def why_not(round_: Round) -> str:
    """A sentence when nothing of it can be changed, else nothing."""
    if round_.kind not in RATED_HERE:
        return "Raters are not checked in a round of this kind."
    refusal = roundacts.refusal_of(round_)
    return refusal.sentence if refusal is not None else ""


@transaction.atomic(durable=True)
def change(*, round_id: int, plan: GoldPlan, by: User) -> bool:
    """Check raters by this plan from the next claim on; whether anything changed.

    What a rater holds may be finished. The pass mark of a qualification that was opened stays:
    raters were measured by it. Raises `Invalid` for what the round cannot have, `Conflict` when it
    is closed or revealed.
    """
    round_ = roundacts.held(round_id)
    if round_.kind not in RATED_HERE:
        raise Conflict("not_checked", why_not(round_))
    before = goldplans.of_round(round_)
    if plan == before:
        return False
    goldplans.demand_sound(plan, kind=RoundKind(round_.kind), version=round_.guideline_version)
    if round_.kind == RoundKind.QUALIFICATION:
        _demand_same_mark(round_, plan, before)
    else:
        _demand_possible(round_, plan, before)
    Round.objects.filter(pk=round_.pk).update(**goldplans.as_fields(plan))
    _let_pass(round_, plan, before, by)
    roundacts.record(
        round_,
        "round.checks_changed",
        by.actor,
        {"before": goldplans.as_data(before), "after": goldplans.as_data(plan)},
    )
    return True


def _demand_same_mark(round_: Round, plan: GoldPlan, before: GoldPlan) -> None:
    if round_.state == RoundState.DRAFT:
        goldplans.demand_passable(plan, items=round_.round_items.count())
        return
    if (plan.pass_share, plan.pass_items) != (before.pass_share, before.pass_items):
        sentence = (
            "The pass mark stays as it was when the qualification was opened: raters are measured "
            "by it. Let single raters in, or set up another qualification."
        )
        raise Invalid("pass_mark_fixed", sentence, {"pass_share": [sentence]})


def _demand_possible(round_: Round, plan: GoldPlan, before: GoldPlan) -> None:
    if plan.gold_every is not None:
        # More items than that ask for no more gold.
        enough = LEAST_GOLD * plan.gold_every
        for_each = len(round_.round_items.values_list("pk", flat=True)[:enough])
        goldplans.demand_enough(plan, version=round_.guideline_version, for_each=for_each)
    demanded = plan.qualification
    if demanded is None or demanded == before.qualification or round_.state == RoundState.DRAFT:
        return
    if demanded.state == RoundState.DRAFT:
        sentence = f"{demanded.name} is not open yet, so nobody could pass it. Open it first."
        raise Invalid("qualification_not_open", sentence, {"qualification": [sentence]})


def _let_pass(round_: Round, plan: GoldPlan, before: GoldPlan, by: User) -> None:
    if plan.qualification is None or plan.qualification == before.qualification:
        return
    round_.qualification = plan.qualification
    raters = Rater.objects.filter(round_raters__round=round_, round_raters__removed_at__isnull=True)
    admissions.enrol(round_=round_, raters=list(raters), by=by)
