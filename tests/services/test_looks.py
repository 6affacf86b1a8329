"""A look is counted once, at its level, or not taken at all; no request hangs."""

from __future__ import annotations

import pytest
from django.utils import timezone
from pytest_django import Settings

from annotation.models import Content, Item, ReferenceLabel, SealedSet
from annotation.states import Part, ReferenceState
from calibration.services import approvals
from core.models import Job, JobState
from judges.models import Look, Run
from judges.queries.items import item_view
from judges.rules.spec import ItemView
from judges.services import asking, baselines
from judges.states import BaselineRule, RequestState, RunState
from tests import approving, builders
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


def view_of(item: Item) -> ItemView:
    view = item_view(item)
    assert view is not None
    return view
