"""One look only, declared before the first; and a seal that is given up."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from annotation.models import Item, SealedSet
from annotation.services import datasets
from annotation.states import Part
from calibration.services import approvals
from core.models import AuditEvent
from judges.models import ApprovalRequest, EvidenceSnapshot, Look
from judges.states import RequestState
from tests import approving
from tests.approving import Scene
from tests.builders import NOON
from tests.cast import client_for

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _a_simulator_is_named(settings: Settings) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"


@pytest.fixture
def scene() -> Scene:
    return approving.make_scene()


def at(name: str, scene: Scene) -> str:
    return reverse(name, args=["support", scene.dataset.pk])


def read(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def sealed_set(scene: Scene) -> SealedSet:
    return SealedSet.objects.get(dataset=scene.dataset)


def test_a_set_that_is_declared_one_shot_has_one_look_at_the_whole_error(scene: Scene) -> None:
    lea = client_for(scene.cast.lea)
    assert at("seal_one_shot", scene) in read(lea, at("dataset", scene))
    assert "never taken back" in read(lea, at("seal_one_shot", scene))
    assert lea.post(at("seal_one_shot", scene))["Location"] == at("dataset", scene)
    page = read(lea, at("dataset", scene))
    assert "Declared one-shot" in page
    assert at("seal_one_shot", scene) not in page
    event = AuditEvent.objects.get(verb="sealed_set.one_shot")
    assert (event.actor, event.data["dataset"]) == (scene.cast.lea.actor, scene.dataset.name)
    asking = read(lea, reverse("approval_ask", args=["support", scene.version.pk]))
    assert "0 of 1 used; the next is look 1, at level 95\N{NO-BREAK SPACE}%" in asking
    scene.dataset.sealed_set.refresh_from_db()
    approving.measured(scene, passes=False)
    assert EvidenceSnapshot.objects.get().numbers["level"] == 0.05
    assert sealed_set(scene).retired_at == NOON


def test_after_the_first_look_nobody_declares_it(scene: Scene) -> None:
    approving.measured(scene, passes=False)
    lea = client_for(scene.cast.lea)
    assert at("seal_one_shot", scene) not in read(lea, at("dataset", scene))
    page = read(lea, at("seal_one_shot", scene))
    assert "before the first look" in page
    assert "Declare it one-shot" not in page
    told = lea.post(at("seal_one_shot", scene), follow=True).content.decode()
    assert "before the first look" in told
    assert not sealed_set(scene).is_one_shot


def test_declaring_it_twice_is_told_and_recorded_once(scene: Scene) -> None:
    ada = client_for(scene.cast.ada)
    ada.post(at("seal_one_shot", scene))
    told = ada.post(at("seal_one_shot", scene), follow=True).content.decode()
    assert "declared one-shot already" in told
    assert AuditEvent.objects.filter(verb="sealed_set.one_shot").count() == 1


def test_an_admin_gives_a_seal_up_with_a_reason(scene: Scene) -> None:
    ada = client_for(scene.cast.ada)
    assert at("seal_retire", scene) in read(ada, at("dataset", scene))
    assert "cannot be undone" in read(ada, at("seal_retire", scene))
    for sent in ({}, {"reason": "  "}, {"reason": "x" * 401}):
        assert ada.post(at("seal_retire", scene), sent).status_code == 422
    assert sealed_set(scene).retired_at is None
    answer = ada.post(at("seal_retire", scene), {"reason": "We seal a larger set."})
    assert answer["Location"] == at("dataset", scene)
    assert sealed_set(scene).retired_at is not None
    assert not Item.objects.filter(part=Part.SEALED).exists()
    event = AuditEvent.objects.get(verb="sealed_set.retired")
    assert event.actor == scene.cast.ada.actor
    assert event.data["reason"] == "We seal a larger set."
    page = read(ada, at("dataset", scene))
    assert "The seal was retired" in page
    assert at("seal_retire", scene) not in page


def test_a_request_that_is_measured_on_it_is_withdrawn_and_takes_no_look(scene: Scene) -> None:
    asked = scene.ask()
    ada = client_for(scene.cast.ada)
    ada.post(at("seal_retire", scene), {"reason": "We seal a larger set."})
    assert asked.run is not None
    approving.finish(asked.run, misses=12)
    approvals.measure_finished(run_id=asked.run.pk, now=NOON)
    assert ApprovalRequest.objects.get().state == RequestState.WITHDRAWN
    assert not Look.objects.exists()


def test_a_lead_does_not_give_it_up(scene: Scene) -> None:
    lea = client_for(scene.cast.lea)
    assert at("seal_retire", scene) not in read(lea, at("dataset", scene))
    assert lea.post(at("seal_retire", scene), {"reason": "I want to read it."}).status_code == 403
    assert sealed_set(scene).retired_at is None


@pytest.mark.parametrize("name", ["seal_one_shot", "seal_retire"])
def test_where_nothing_is_sealed_there_is_no_such_page(scene: Scene, name: str) -> None:
    datasets.retire(sealed_set=sealed_set(scene), actor="u1", now=NOON)
    ada = client_for(scene.cast.ada)
    assert ada.get(at(name, scene)).status_code == 404
    assert ada.post(at(name, scene), {"reason": "Again."}).status_code == 404
