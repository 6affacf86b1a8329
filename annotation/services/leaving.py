"""What somebody holds goes back to the others when a project is shut to them."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db import transaction

from annotation.models import Assignment
from annotation.services import claim, roundacts
from annotation.states import AssignmentState


def hand_back(project_id: int, user_id: int, actor: str, now: datetime) -> None:
    """Inside the transaction that shuts the project: every lease of the person is open again, and
    what was kept for them.

    A lease that is given in this very moment is not seen; it runs out by itself, and its answer
    is refused at the door.
    """
    held = Assignment.objects.filter(
        round__project=project_id, rater__user=user_id, state=AssignmentState.LEASED
    )
    for row in held.select_related("round").order_by("pk"):
        rater = row.rater_id
        if claim.empty(row, now=now):
            roundacts.record(
                row.round, "round.item_handed_back", actor, {"rater": rater, "item": row.item_id}
            )
            transaction.on_commit(partial(claim.after_emptying, row))
    kept = Assignment.objects.filter(round__project=project_id, kept_for__user=user_id)
    for row in kept.select_related("round").order_by("pk"):
        claim.let_go(row)
