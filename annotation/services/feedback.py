"""Tell a rater how far own labels agree. What was told about can no longer be changed."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import Rater
from annotation.models import Assignment, Round
from annotation.queries import feedback
from annotation.states import AssignmentState
from core.errors import Conflict


@transaction.atomic(durable=True)
def tell(*, round_id: int, rater: Rater, now: datetime) -> int:
    """End the editing of own answers that the figures rest on from now on; returns how many.

    Raises `Conflict` `not_shown` (the lead does not let raters see it) or `too_few` (fewer
    answers are new than would hide what the others said of one).
    """
    round_ = Round.objects.get(pk=round_id)
    if not round_.shows_own_agreement:
        raise Conflict("not_shown", "The lead of this round does not show raters their agreement.")
    count = 0
    for found in feedback.tellable(round_, rater).values():
        if feedback.enough(found):
            # An amendment at the same moment comes before this statement or finds it done.
            count += Assignment.objects.filter(
                pk__in=list(found.values_list("pk", flat=True)),
                state=AssignmentState.SUBMITTED,
                told_at__isnull=True,
            ).update(told_at=now)
    if not count:
        raise Conflict(
            "too_few",
            f"There is nothing new to show: at least {feedback.LEAST_NEW} more of your answers "
            "have to stand beside those of others.",
        )
    return count
