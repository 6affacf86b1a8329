"""Notices of this room."""

from __future__ import annotations

from django.urls import reverse

from accounts.models import Membership
from accounts.services import notices
from judges.models import Decision, Standing

SUSPENDED = "judge.suspended"
SUSPENDED_SENTENCE = "The approval of {subject} is suspended: somebody has to look into it."


def is_suspended(standing: Standing, decision: Decision) -> None:
    """Inside the transaction that suspends: every admin but the one who did it is told, once."""
    project = standing.judge.project
    admins = Membership.objects.filter(project=project, is_admin=True).select_related("user")
    notices.notify(
        users=[one.user_id for one in admins if one.user.actor != decision.actor],
        project=project,
        kind=SUSPENDED,
        key=f"{SUSPENDED}:{decision.pk}",
        subject=f"{standing.judge.name} {standing.version}",
        address=reverse("standing", args=[project.slug, standing.judge_id]),
    )
