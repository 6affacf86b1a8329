"""Two adjudicators at one item: each number is given once, and the second is told.

The race is run first with its guard taken away, where it has to go wrong.
"""

from __future__ import annotations

import threading
from functools import partial

import pytest

from accounts.models import User
from accounts.roles import Role
from annotation.models import ReferenceLabel
from annotation.services import adjudication
from annotation.states import Method, ReferenceState
from core.errors import Conflict
from tests import builders
from tests.concurrency.racing import PATIENCE, at_once
from tests.contested import Scene, make_scene

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]

AGAIN = range(6)
one_writer = threading.Lock()


def adjudicators(scene: Scene) -> list[User]:
    return [
        builders.join(scene.project, builders.make_user(username=f"ad{n}"), Role.ADJUDICATOR)
        for n in range(4)
    ]


def naive_decide(scene: Scene, label: str, by: User, looked: threading.Barrier) -> None:
    """What a decision must not be: the next number, whatever came since the look."""
    seen = ReferenceLabel.objects.filter(method=Method.ADJUDICATED).count()
    looked.wait()
    with one_writer:
        newest = ReferenceLabel.objects.filter(method=Method.ADJUDICATED).count()
        ReferenceLabel.objects.create(
            item=scene.item,
            guideline=scene.dimension.version.guideline,
            dimension_key=scene.dimension.key,
            major=1,
            method=Method.ADJUDICATED,
            version=max(seen, newest) + 1,
            state=ReferenceState.DECIDED,
            label=label,
            actor=by.actor,
            reason="Read again.",
            ratings_digest="0" * 64,
        )


def decided(scene: Scene, label: str, by: User) -> bool:
    try:
        adjudication.decide(
            item_id=scene.item.pk,
            dimension=scene.dimension,
            label=label,
            reason="Read again.",
            seen=0,
            by=by,
        )
    except Conflict as refusal:
        if refusal.code != "decided_meanwhile":
            raise
        return False
    return True


def test_control_without_the_guard_the_second_overrules_a_word_that_they_never_saw() -> None:
    scene = make_scene()
    looked = threading.Barrier(2, timeout=PATIENCE)
    first, second = adjudicators(scene)[:2]
    at_once(
        [
            partial(naive_decide, scene, "A", first, looked),
            partial(naive_decide, scene, "B", second, looked),
        ]
    )
    assert ReferenceLabel.objects.filter(method=Method.ADJUDICATED).count() == 2


@pytest.mark.parametrize("_", AGAIN)
def test_of_several_adjudicators_one_decides_and_the_others_are_told(_: int) -> None:
    scene = make_scene()
    people = adjudicators(scene)
    done = at_once([partial(decided, scene, "AB"[n % 2], by) for n, by in enumerate(people)])
    assert sum(done) == 1
    made = ReferenceLabel.objects.get(method=Method.ADJUDICATED)
    assert made.version == 1
    assert made.actor == people[done.index(True)].actor
