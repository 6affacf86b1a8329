"""What nobody pressed a button for is in the audit trail too, under the system's name."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from accounts.roles import Role
from annotation.models import SealedSet
from annotation.services import datasets, guidelines
from annotation.states import GuidelineForm
from calibration.services import approvals
from core.models import AuditEvent
from judges.models import Run
from judges.services import engine, lease
from judges.states import RunState
from tests import approving, builders, judging
from tests.builders import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


def test_the_first_look_records_once_that_it_froze_the_labels(settings: Settings) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    scene = approving.make_scene()
    for version in (scene.version, scene.another()):
        asked = scene.ask(version)
        assert asked.run is not None
        approving.finish(asked.run, misses=4)
        approvals.measure_finished(run_id=asked.run.pk, now=NOON)
    event = AuditEvent.objects.get(verb="sealed_set.frozen")
    assert event.actor == "system"
    assert event.object_id == str(scene.dataset.sealed_set.pk)
    assert event.project_id == scene.project.pk


def test_a_set_that_is_frozen_already_adds_no_row() -> None:
    dataset = builders.make_dataset(builders.make_project(), share=0.5)
    sealed_set = SealedSet.objects.create(dataset=dataset, frozen_at=NOON)
    datasets.freeze(sealed_set=sealed_set, now=NOON)
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_run_that_pauses_itself_records_why(settings: Settings) -> None:
    scene = judging.make_scene(pairs=1)
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    run = judging.make_run(scene.version, dataset=scene.dataset)
    settings.SIMULATOR_URL = ""
    engine.drain(run.pk)
    event = AuditEvent.objects.get(verb="run.paused")
    assert event.actor == "system"
    assert (event.object_type, event.object_id) == ("run", str(run.pk))
    assert event.project_id == scene.project.pk
    assert event.data["reason"] == Run.objects.get(pk=run.pk).pause_reason


def test_a_run_that_somebody_else_holds_is_not_recorded_as_paused(settings: Settings) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    scene = judging.make_scene(pairs=1)
    run = judging.make_run(scene.version, dataset=scene.dataset)
    lease.claim(run.pk, owner="other", now=NOON, seconds=60)
    assert not lease.pause(run.pk, owner="me", reason="no key")
    assert not AuditEvent.objects.filter(verb="run.paused").exists()
    assert Run.objects.get(pk=run.pk).state == RunState.RUNNING


def test_drafts_of_a_guideline_are_recorded_from_first_to_last() -> None:
    project = builders.make_project()
    lea = builders.join(project, builders.make_user(username="lea"), Role.LEAD)
    first = guidelines.create(project=project, name="Tone", form=GuidelineForm.POINTWISE, by=lea)
    guidelines.save_draft(
        version_id=first.pk, text="Mind the tone.", examples=(), dimensions=(), by=lea
    )
    guidelines.discard_draft(version_id=first.pk, by=lea)
    published = builders.make_guideline(project)
    draft = guidelines.new_draft(guideline=published.guideline, by=lea)
    guidelines.publish(version_id=draft.pk, what_changed="Clearer words.", by=lea, now=NOON)
    events = AuditEvent.objects.filter(object_type="guideline_version", actor=lea.actor)
    assert [event.verb for event in events.order_by("pk")] == [
        "guideline.created",
        "guideline.draft_discarded",
        "guideline.drafted",
        "guideline.published",
    ]
