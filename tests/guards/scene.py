"""Two projects side by side, and the same scene with other labels in it.

A label cannot be told by a planted word: `other_labels` and `swap_sealed` turn round what was
said, so that a page may be compared with itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from accounts.models import ApiToken, Invitation, Project, User
from accounts.roles import Role, Scope
from annotation.models import (
    Item,
    Rating,
    ReferenceLabel,
    Response,
    Round,
    RoundRater,
    SealedSet,
)
from calibration.models import CalibrationReport
from judges.models import (
    EvidenceSnapshot,
    JudgeLabel,
    ProviderKey,
    Verdict,
)
from judges.states import (
    GateDecision,
)
from tests import builders
from tests.cast import Cast, make_cast
from tests.guards.planting import Rows, plant
from tests.guards.words import API_KEY, NOTICE_OF

TURNED = {"A": "B", "B": "tie", "tie": "A"}


@dataclass(frozen=True, slots=True)
class Scene:
    """`own` is the project of the cast, `foreign` the one beside it; secrets by scope.

    `ray` leads and administers the own project, and rates in its open round too.
    """

    own: Rows
    foreign: Rows
    cast: Cast
    ray: User
    secrets: dict[Scope, str]
    foreign_secrets: dict[Scope, str]

    def hidden_from_all(self) -> frozenset[str]:
        """What no answer contains, whoever asks."""
        found = {API_KEY, f"{NOTICE_OF}{self.foreign.project.slug}"}
        for rows in (self.own, self.foreign):
            found.add(rows.project.fence_key)
            found |= set(
                ApiToken.objects.filter(project=rows.project).values_list("digest", flat=True)
            )
            found |= set(
                Invitation.objects.filter(project=rows.project).values_list("digest", flat=True)
            )
            found |= set(Round.objects.filter(project=rows.project).values_list("salt", flat=True))
            found |= set(
                ProviderKey.objects.filter(project=rows.project).values_list("secret", flat=True)
            )
            sets = SealedSet.objects.filter(dataset__project=rows.project)
            found |= set(sets.values_list("salt", flat=True))
        found |= {person.password for person in User.objects.all()}
        return frozenset(found)


def make_scene() -> Scene:
    """Both projects; olu belongs to none of them, the foreign one has members of its own."""
    project = builders.make_project()
    cast = make_cast(project)
    ray = builders.join(
        project, builders.make_user(username="ray"), Role.RATER, Role.LEAD, Role.ADMIN
    )
    own, secrets = plant(project, raters=(cast.ana, cast.ben, cast.cem), lead=cast.lea)
    RoundRater.objects.create(round=own.open_round, rater=builders.rater_of(project, ray))
    beside = builders.make_project(slug="beside")
    names = ("fay", "gus", "hal")
    strangers = [
        builders.join(beside, builders.make_user(username=name), Role.RATER) for name in names
    ]
    boss = builders.join(beside, builders.make_user(username="ivy"), Role.LEAD, Role.ADMIN)
    foreign, foreign_secrets = plant(beside, raters=strangers, lead=boss)
    return Scene(own, foreign, cast, ray, secrets, foreign_secrets)


def other_labels(project: Project) -> None:
    """Turn round all that ana did not say herself: every other label, verdict and figure."""
    for rating in Rating.objects.filter(assignment__round__project=project).exclude(
        assignment__rater__user__username="ana"
    ):
        rating.label = TURNED.get(rating.label) or str(6 - int(rating.label))
        rating.rationale += " and more"
        rating.save()
    for label in ReferenceLabel.objects.filter(item__project=project, state="decided"):
        label.label = TURNED.get(label.label, "pass")
        label.save()
    for verdict in Verdict.objects.filter(call__run__project=project):
        verdict.label = TURNED[verdict.label]
        verdict.save()
    for judged in JudgeLabel.objects.filter(run__project=project, outcome="ok"):
        judged.label = TURNED[judged.label]
        judged.save()
    Response.objects.filter(item__project=project).update(system="another system")
    Item.objects.filter(project=project).update(extra={})
    EvidenceSnapshot.objects.filter(version__judge__project=project).update(
        gate=GateDecision.UNATTAINABLE, numbers={}
    )
    CalibrationReport.objects.filter(project=project).update(content={})


def swap_sealed(rows: Rows) -> None:
    """Exchange all that was said about the two sealed items of each cluster, and by whom.

    Whatever is pooled over the sealed part stays the same to the last digit; whatever is told
    by item or by rater does not.
    """
    first, second = rows.sealed_items[:2]
    for model in (Rating, Verdict):
        _swap_values(model, first, second)
    _swap_rows(ReferenceLabel, first, second)
    _swap_rows(JudgeLabel, first, second)
    _swap_raters(rows.sealed_items[2])


def turn_served(rows: Rows) -> None:
    """Turn round what a machine was answered about a prompt of the sealed part."""
    said: list[Verdict | JudgeLabel] = [
        *Verdict.objects.filter(call__run=rows.served_run),
        *JudgeLabel.objects.filter(run=rows.served_run, outcome="ok"),
    ]
    for one in said:
        one.label = TURNED[one.label]
        one.save()


def _swap_values(model: Any, first: Item, second: Item) -> None:
    """Labels move between the two items' rows that stand at the same place."""
    path = "assignment" if model is Rating else "call"
    order = (f"{path}__slot",) if model is Rating else ("call__run", "call__order", "call__sample")
    pairs = zip(
        model.objects.filter(**{f"{path}__item": first}).order_by(*order),
        model.objects.filter(**{f"{path}__item": second}).order_by(*order),
        strict=True,
    )
    for one, other in pairs:
        one.label, other.label = other.label, one.label
        one.save()
        other.save()


def _swap_rows(model: Any, first: Item, second: Item) -> None:
    order = ("run",) if model is JudgeLabel else ("version",)
    pairs = zip(
        model.objects.filter(item=first).order_by(*order),
        model.objects.filter(item=second).order_by(*order),
        strict=True,
    )
    for one, other in pairs:
        one.label, other.label = other.label, one.label
        one.save()
        other.save()


def _swap_raters(item: Item) -> None:
    """The first two raters exchange their labels of one item."""
    one, other = Rating.objects.filter(assignment__item=item).order_by("assignment__slot")[:2]
    one.label, other.label = other.label, one.label
    one.save()
    other.save()
