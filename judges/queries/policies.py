"""Which gate policy holds: for the next look at a set, for the next decision."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Min

from accounts import queries as people_queries
from accounts.models import Project
from annotation.models import SealedSet
from judges.models import GatePolicy, Look
from judges.rules import policy as rules
from judges.rules.policy import Changed, Policy

SHOWN = 50


@dataclass(frozen=True, slots=True)
class PolicyLine:
    """One policy of a project: who chose it, why, and what it changed."""

    number: int
    policy: GatePolicy
    who: str
    changed: list[Changed]


@dataclass(frozen=True, slots=True)
class BoundSet:
    """A live sealed set that was looked at: it keeps the policy of its first look."""

    sealed_set: SealedSet
    number: int


def current(project_id: int) -> Policy:
    """The newest policy of a project; the defaults where nobody has chosen any."""
    newest = GatePolicy.objects.filter(project=project_id).order_by("-number").first()
    if newest is None:
        return Policy()
    return rules.policy_of(newest.constants, number=newest.number)


def of_set(sealed_set: SealedSet, *, project_id: int) -> Policy:
    """The policy of the next look at a set: that of its first look, before it the project's.

    A rule that is chosen once figures are known could be chosen for them
    (docs/adr/0022-a-set-keeps-its-policy.md).
    """
    first = (
        Look.objects.filter(sealed_set=sealed_set).select_related("evidence").order_by("pk").first()
    )
    if first is None:
        return current(project_id)
    return rules.policy_of(first.evidence.rule, number=first.evidence.policy_number)


def history(project: Project) -> list[PolicyLine]:
    """The newest policies, newest first, each with what it changed of the one before."""
    rows = list(GatePolicy.objects.filter(project=project).order_by("-number")[: SHOWN + 1])
    names = people_queries.actor_names(row.actor for row in rows)
    befores = [row.constants for row in rows[1:]]
    if len(rows) <= SHOWN:
        befores.append(rules.chosen(Policy()))
    return [
        PolicyLine(
            row.number,
            row,
            names[row.actor],
            rules.changes(
                rules.chosen(rules.policy_of(before, number=0)),
                rules.chosen(rules.policy_of(row.constants, number=0)),
            ),
        )
        for row, before in zip(rows, befores, strict=False)
    ]


def bound_sets(project: Project) -> list[BoundSet]:
    """Live sets that keep the policy of their first look, whatever the project chooses now."""
    sets = SealedSet.objects.filter(dataset__project=project, retired_at__isnull=True)
    firsts = dict(
        Look.objects.filter(sealed_set__in=sets)
        .values_list("sealed_set")
        .annotate(first=Min("pk"))
        .values_list("sealed_set", "first")
    )
    numbers = dict(
        Look.objects.filter(pk__in=firsts.values()).values_list(
            "sealed_set", "evidence__policy_number"
        )
    )
    return [
        BoundSet(one, numbers[one.pk])
        for one in sets.filter(pk__in=numbers).select_related("dataset").order_by("pk")[:SHOWN]
    ]
