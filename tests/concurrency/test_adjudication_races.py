"""Two adjudicators at one item: each number is given once, and the second is told. One person who
begins to read sealed ratings and saves a judge version at the same moment: one of both is refused.

Each race is run first with its guard taken away, where it has to go wrong.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial

import pytest

from accounts.models import User
from accounts.roles import Role
from annotation.models import GuidelineVersion, ReferenceLabel, SealedReading, SealedSet
from annotation.services import adjudication
from annotation.states import Method, Part, ReferenceState
from core.errors import Conflict, NotAllowed
from judges.models import Judge, JudgeVersion
from judges.queries import authors
from tests import builders, judging
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


# Reading what is sealed, and writing judges -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Both:
    """Noor may do either: she adjudicates, and leads."""

    sealed_set: SealedSet
    judge: Judge
    version: GuidelineVersion
    noor: User

    def reads(self) -> bool:
        try:
            return adjudication.read_sealed(sealed_set=self.sealed_set, by=self.noor)
        except NotAllowed:
            return False

    def writes(self) -> bool:
        try:
            judging.make_version(self.judge, self.version, author=self.noor)
        except NotAllowed:
            return False
        return True


def make_both() -> Both:
    scene = make_scene(part=Part.SEALED)
    version = scene.dimension.version
    judge = judging.make_judge(scene.project, version)
    noor = builders.join(scene.project, scene.cast.noor, Role.ADJUDICATOR, Role.LEAD)
    return Both(SealedSet.objects.get(dataset=scene.dataset), judge, version, noor)


def test_control_without_the_common_row_somebody_reads_and_writes() -> None:
    """Each looks before the other has written: with the line taken away both go on."""
    both = make_both()
    looked = threading.Barrier(2, timeout=PATIENCE)

    def naive_read() -> None:
        is_author = authors.has_authored(both.judge.project_id, both.noor.pk)
        looked.wait()
        with one_writer:
            if not is_author:
                SealedReading.objects.create(sealed_set=both.sealed_set, user=both.noor)

    def naive_write() -> None:
        is_reader = SealedReading.objects.filter(user=both.noor).exists()
        looked.wait()
        with one_writer:
            if not is_reader:
                judging.naive_version(both.judge, both.version, both.noor)

    at_once([naive_read, naive_write])
    assert SealedReading.objects.count() == 1
    assert JudgeVersion.objects.count() == 1


@pytest.mark.parametrize("_", AGAIN)
def test_nobody_begins_to_read_sealed_ratings_and_writes_a_judge_at_once(_: int) -> None:
    both = make_both()
    done = at_once([both.reads, both.writes])
    assert sorted(done) == [False, True]
    assert SealedReading.objects.count() == int(done[0])
    assert JudgeVersion.objects.count() == int(done[1])
    assert both.reads() is False
    assert both.writes() is done[1]
