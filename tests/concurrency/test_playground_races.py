"""Tries and saves of one edit at the same time, on either database. See test_claim_races."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from core.errors import Conflict
from judges import simulator
from judges.models import Attempt, JudgeVersion, Run
from judges.services import playground, versions
from judges.services.versions import SIMULATOR, Choices
from judges.simulator import Simulator
from tests import builders, judging
from tests.concurrency.racing import at_once
from tests.judging import Scene

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]

EDIT = Choices(provider=SIMULATOR, model="sim-slant-1")


@pytest.fixture
def sim(settings: Settings) -> Iterator[Simulator]:
    with simulator.start() as running:
        settings.SIMULATOR_URL = running.url
        yield running


def lead(scene: Scene, name: str) -> User:
    return builders.join(scene.project, builders.make_user(username=name), Role.LEAD)


def try_once(scene: Scene, author: User) -> str:
    try:
        found = playground.ask(
            judge=scene.judge,
            guideline_version=scene.guideline,
            choices=EDIT,
            item=scene.dataset.items.earliest("pk"),
            author=author,
        )
    except Conflict as refusal:
        return refusal.code
    return str(found.call.outcome)


def save(scene: Scene, author: User) -> str:
    saved = versions.save_version(
        judge=scene.judge, guideline_version=scene.guideline, choices=EDIT, author=author
    )
    return str(saved.version)


def test_one_person_who_asks_twice_at_once_is_answered_once(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1)
    lea = lead(scene, "lea")
    sim.script({"do": "slow", "seconds": 1.0, "times": 2})
    told = at_once([partial(try_once, scene, lea)] * 2)
    assert sorted(told) == ["ok", "playground_busy"]
    assert sim.stats()["requests"] == Attempt.objects.count() == Run.objects.count() == 1


def test_two_people_who_try_and_save_the_same_edit_make_one_row(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1)
    lea, noor = lead(scene, "lea"), lead(scene, "noor")
    told = at_once(
        [
            partial(try_once, scene, lea),
            partial(try_once, scene, noor),
            partial(save, scene, lea),
            partial(save, scene, noor),
        ]
    )
    assert told == ["ok", "ok", "v2", "v2"]
    assert JudgeVersion.with_drafts.count() == 2
    assert set(Run.objects.values_list("version__number", flat=True)) == {2}
