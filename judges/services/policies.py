"""Choosing a project's gate policy: a new row each time, never a change of what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import Membership, Project, User
from core import audit
from core.errors import Conflict, Invalid, NotAllowed
from judges.models import GatePolicy
from judges.queries import policies as queries
from judges.rules import policy as rules
from judges.services.decisions import checked_reason


def change(
    *, project: Project, constants: Mapping[str, Any], seen: int, reason: str, by: User
) -> GatePolicy:
    """Put new constants in force for sets that nobody has looked at, and for later decisions.

    `seen` is the number of the policy that the person saw. Raises NotAllowed for whoever is no
    admin, Invalid with a sentence for each constant that cannot be taken or without a reason,
    Conflict when nothing differs or somebody else was quicker.
    """
    _check_admin(project, by)
    reason = checked_reason(reason)
    found = rules.problems(constants)
    if found:
        sentences = " ".join(
            f"{rules.TITLES.get(name, 'Constants')}: {' '.join(said)}"
            for name, said in found.items()
        )
        raise Invalid("policy_out_of_bounds", sentences, found)
    before = queries.current(project.pk)
    if before.number != seen:
        raise _overtaken()
    differing = rules.changes(rules.chosen(before), constants)
    if not differing:
        raise Conflict("policy_unchanged", "Nothing differs from the policy in force.")
    try:
        with transaction.atomic(durable=True):
            row = GatePolicy.objects.create(
                project=project,
                number=seen + 1,
                constants=dict(constants),
                actor=by.actor,
                reason=reason,
            )
            audit.record(
                actor=by.actor,
                verb="policy.changed",
                object_type="gate_policy",
                object_id=row.pk,
                project_id=project.pk,
                data={
                    "number": row.number,
                    "reason": reason,
                    "changed": {one.title: f"{one.before} → {one.after}" for one in differing},
                },
            )
    except IntegrityError:
        raise _overtaken() from None
    return row


def _check_admin(project: Project, by: User) -> None:
    if not Membership.objects.filter(
        project=project, user=by, user__is_active=True, is_admin=True
    ).exists():
        raise NotAllowed("Only an admin of the project changes its gate policy.")


def _overtaken() -> Conflict:
    return Conflict(
        "policy_changed_meanwhile",
        "Somebody changed the policy meanwhile. Read what holds now, then choose again.",
    )
