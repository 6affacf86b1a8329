"""A look is counted once, at its level, or not taken at all; no request hangs."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from annotation.models import Content, Item, ReferenceLabel, SealedSet
from annotation.services import datasets
from annotation.states import Part, ReferenceState
from calibration.queries import asking as asking_queries
from calibration.services import approvals, looks
from core.errors import Conflict
from core.models import Job, JobState
from judges.models import JudgeVersion, Look, Run
from judges.queries.items import item_view
from judges.rules.spec import ItemView
from judges.services import asking, baselines
from judges.states import BaselineRule, RequestState, RunState
from tests import approving, builders, judging
from tests.approving import Scene
from tests.builders import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture(autouse=True)
def _a_simulator_is_named(settings: Settings) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"


@pytest.fixture
def scene() -> Scene:
    return approving.make_scene()


def test_a_cancelled_run_withdraws_its_request_and_costs_no_look(scene: Scene) -> None:
    asked = scene.ask()
    Run.objects.filter(approval_request=asked).update(state=RunState.CANCELLED)
    approvals.reconcile(timezone.now())
    job = Job.objects.get(kind=approvals.MEASURE)
    approvals.measure_finished(run_id=job.plan["run"], now=NOON)
    asked.refresh_from_db()
    assert asked.state == RequestState.WITHDRAWN
    assert "cancelled" in asked.problem
    assert not Look.objects.exists()
    assert scene.ask().state == RequestState.JUDGING


def test_a_measuring_that_was_lost_is_planned_again(scene: Scene) -> None:
    asked = scene.ask()
    assert asked.run is not None
    approving.finish(asked.run, misses=12)
    assert approvals.reconcile(timezone.now()) == 1
    assert approvals.reconcile(timezone.now()) == 0


def test_a_measuring_that_keeps_failing_ends_the_request(scene: Scene) -> None:
    asked = scene.ask()
    assert asked.run is not None
    approving.finish(asked.run, misses=12)
    for _ in range(approvals.MOST_FAILURES):
        approvals.reconcile(timezone.now())
        Job.objects.filter(kind=approvals.MEASURE, state=JobState.WAITING).update(
            state=JobState.FAILED
        )
    approvals.reconcile(timezone.now())
    asked.refresh_from_db()
    assert asked.state == RequestState.WITHDRAWN


def test_items_sealed_after_the_plan_cost_no_look(scene: Scene) -> None:
    asked = scene.ask()
    assert asked.run is not None
    approving.finish(asked.run, misses=12)
    builders.make_pair(scene.dataset, external_id="late", part=Part.SEALED)
    approvals.measure_finished(run_id=asked.run.pk, now=NOON)
    asked.refresh_from_db()
    assert asked.state == RequestState.INSUFFICIENT
    assert "Ask again" in asked.problem
    assert not Look.objects.exists()
    assert SealedSet.objects.get(dataset=scene.dataset).frozen_at is None


def test_a_one_shot_set_gives_no_second_look_to_a_request_that_waited(scene: Scene) -> None:
    SealedSet.objects.filter(dataset=scene.dataset).update(is_one_shot=True)
    scene.dataset.sealed_set.refresh_from_db()
    first, second = scene.ask(), scene.ask(scene.another())
    for asked in (first, second):
        assert asked.run is not None
        approving.finish(asked.run, misses=12)
    for asked in (first, second):
        assert asked.run is not None
        approvals.measure_finished(run_id=asked.run.pk, now=NOON)
        asked.refresh_from_db()
    assert [first.state, second.state] == [RequestState.MEASURED, RequestState.WITHDRAWN]
    assert Look.objects.count() == 1
    assert SealedSet.objects.get(dataset=scene.dataset).retired_at == NOON


def test_one_shot_counts_that_is_declared_until_the_labels_are_frozen(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request has been read already when somebody declares it."""
    prepare = looks._prepare

    def declared_meanwhile(*args: Any, **kwargs: Any) -> bool:
        datasets.declare_one_shot(sealed_set=scene.dataset.sealed_set, actor="u1")
        return prepare(*args, **kwargs)

    monkeypatch.setattr(looks, "_prepare", declared_meanwhile)
    asked = approving.measured(scene)
    assert asked.evidence.get().numbers["level"] == 0.05
    assert SealedSet.objects.get(dataset=scene.dataset).retired_at == NOON


def test_the_third_look_at_the_last_dimension_retires_the_set(scene: Scene) -> None:
    sealed_set = SealedSet.objects.get(dataset=scene.dataset)
    levels = []
    for number in (1, 2, 3):
        asked = scene.ask(version_of(scene, samples=number))
        assert asked.run is not None
        approving.finish(asked.run, misses=4)
        sealed_set.refresh_from_db()
        assert sealed_set.retired_at is None
        approvals.measure_finished(run_id=asked.run.pk, now=NOON)
        evidence = asked.evidence.get()
        assert (evidence.look.number, evidence.gate) == (number, "fail")
        levels.append(evidence.numbers["level"])
    assert levels == [0.025, 0.0125, 0.00625]
    sealed_set.refresh_from_db()
    assert sealed_set.retired_at == NOON
    assert not scene.dataset.items.filter(part=Part.SEALED).exists()


def test_looks_are_counted_for_each_dimension_and_an_open_one_keeps_the_set(scene: Scene) -> None:
    first = scene.guideline.dimensions.get()
    first.pk, first.key, first.name, first.position = None, "tone", "Tone", 1
    first.save(force_insert=True)
    for number in (1, 2, 3):
        asked = scene.ask(version_of(scene, samples=number))
        assert asked.run is not None
        approving.finish(asked.run, misses=4)
        approvals.measure_finished(run_id=asked.run.pk, now=NOON)
    taken = Look.objects.values_list("dimension_key", "number").order_by("number")
    assert list(taken) == [("preference", 1), ("preference", 2), ("preference", 3)]
    sealed_set = SealedSet.objects.get(dataset=scene.dataset)
    assert sealed_set.retired_at is None
    (choice,) = asking_queries.sealed_choices(scene.version)
    assert [(look.name, look.used, look.level) for look in choice.looks] == [
        ("Preference", 3, ""),
        ("Tone", 0, "97.5\N{NO-BREAK SPACE}%"),
    ]
    with pytest.raises(Conflict) as refusal:
        scene.ask(version_of(scene, samples=4))
    assert refusal.value.code == "no_look_left"


def test_an_erased_item_is_left_out_on_both_sides(scene: Scene) -> None:
    gone = scene.sealed()[0]
    Content.objects.filter(item=gone).update(body={}, erased_at=NOON)
    asked = scene.ask()
    assert asked.run is not None
    assert not asked.run.calls.filter(item=gone).exists()
    approving.finish(asked.run, misses=12)
    approvals.measure_finished(run_id=asked.run.pk, now=NOON)
    asked.refresh_from_db()
    assert asked.state == RequestState.MEASURED
    assert (
        asked.evidence.get().numbers["items"]
        == Item.objects.filter(dataset=scene.dataset, part=Part.SEALED).count() - 1
    )


def test_a_look_holds_the_judge_against_the_trained_baseline() -> None:
    scene = approving.make_scene(pairs=300, share=0.85)
    saved = baselines.save(
        judge=scene.judge,
        guideline_version=scene.guideline,
        rule=BaselineRule.TRAINED,
        author=scene.cast.lea,
    )
    asked = approving.measured(scene)
    found = asked.evidence.get().numbers
    trained = asking.trained(saved.version.spec["artefact"], project_id=scene.project.pk)
    people = ReferenceLabel.objects.filter(
        item__in=scene.sealed(), state=ReferenceState.DECIDED, label__in=("A", "B")
    ).select_related("item__content")
    said = [(trained.label(view_of(label.item), "preference"), label.label) for label in people]
    expected = found["baselines"]["trained_words"]
    assert expected["agreement"]["n"] == found["agreement"]["n"] == len(said)
    assert expected["agreement"]["value"] == pytest.approx(
        sum(one == other for one, other in said) / len(said)
    )
    assert expected["difference"]["interval"] is not None


def test_without_a_trained_baseline_a_look_has_none(scene: Scene) -> None:
    asked = approving.measured(scene)
    assert "trained_words" not in asked.evidence.get().numbers["baselines"]


def version_of(scene: Scene, *, samples: int) -> JudgeVersion:
    return judging.make_version(
        scene.judge, scene.guideline, author=scene.cast.lea, samples=samples
    )


def view_of(item: Item) -> ItemView:
    view = item_view(item)
    assert view is not None
    return view
