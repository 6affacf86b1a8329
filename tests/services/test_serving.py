"""What stands, what may be answered, and what an answer is called: no judge is asked here."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from annotation.models import Dataset, Item
from annotation.services import traffic
from annotation.states import DatasetKind, Part
from core.errors import Conflict, Invalid
from judges.models import JudgeLabel, Run, Standing
from judges.services import decisions, runs, serving
from judges.states import RunPurpose
from tests import approving, builders, judging
from tests.approving import Scene

pytestmark = pytest.mark.django_db

PAIR = {"input": "How do I cancel?", "response_a": "Under billing.", "response_b": "Write to us."}


@pytest.fixture(autouse=True)
def _a_simulator_is_named(settings: Settings) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"


@pytest.fixture
def scene() -> Scene:
    return approving.make_scene()


def asked_by(scene: Scene, *rows: dict[str, str]) -> serving.Asked:
    return serving.ask(
        judge=scene.judge,
        drafts=traffic.drafts(rows or (PAIR,)),
        dimensions=None,
        actor="t1",
        now=timezone.now(),
    )


def test_an_approved_version_is_asked_over_the_traffic_item(scene: Scene) -> None:
    decided = approving.approved(scene)
    asked = asked_by(scene)
    assert asked.run.purpose == RunPurpose.SERVING
    assert asked.run.version == scene.version
    assert asked.dimensions == ("preference",)
    standing = serving.standing_of(scene.judge, now=timezone.now())
    assert standing.decision == decided


def test_a_request_with_an_item_of_another_kind_keeps_nothing_of_it(scene: Scene) -> None:
    approving.approved(scene)
    before = Item.objects.count()
    with pytest.raises(Invalid, match="takes pairs") as refusal:
        asked_by(scene, PAIR, {"input": "How do I cancel?", "response": "Under billing."})
    assert refusal.value.fields == {"items": ["Item 2 is of another kind."]}
    assert Item.objects.count() == before
    assert not Dataset.objects.filter(kind=DatasetKind.TRAFFIC).exists()


def test_a_newer_version_that_nobody_approved_touches_nothing(scene: Scene) -> None:
    approving.approved(scene)
    scene.another()
    assert asked_by(scene).run.version == scene.version


def test_revoking_ends_it_from_the_next_request_on(scene: Scene) -> None:
    approving.approved(scene)
    standing = Standing.objects.get()
    decisions.revoke(
        standing_id=standing.pk, reason="Wrong.", by=scene.cast.ada, now=timezone.now()
    )
    with pytest.raises(Conflict) as refusal:
        asked_by(scene)
    assert refusal.value.code == "judge_not_approved"


def test_revoking_while_a_run_goes_on_stops_it_before_the_next_call(scene: Scene) -> None:
    approving.approved(scene)
    asked = asked_by(scene)
    assert serving.objection(asked.run.pk) == ""
    Standing.objects.all().delete()
    assert "approved" in serving.objection(asked.run.pk)


def test_a_refused_version_never_answers(scene: Scene) -> None:
    asked = approving.measured(scene, passes=False)
    decisions.decide(
        request_id=asked.pk,
        approve=frozenset(),
        reason="It does not pass.",
        by=scene.cast.ada,
        now=timezone.now(),
    )
    with pytest.raises(Conflict) as refusal:
        asked_by(scene)
    assert refusal.value.code == "judge_not_approved"


def test_an_approval_ends_by_itself_after_ninety_days(scene: Scene) -> None:
    approving.approved(scene)
    with pytest.raises(Conflict) as refusal:
        serving.standing_of(scene.judge, now=timezone.now() + timedelta(days=91))
    assert refusal.value.code == "approval_expired"


def test_naming_no_dimension_is_refused(scene: Scene) -> None:
    approving.approved(scene)
    with pytest.raises(Conflict):
        serving.chosen(Standing.objects.get(), [])


def test_a_missing_label_is_never_made_up(scene: Scene) -> None:
    approving.approved(scene)
    asked = asked_by(scene)
    JudgeLabel.objects.create(
        run=asked.run, item=Item.objects.latest("pk"), dimension_key="preference", outcome="invalid"
    )
    with pytest.raises(serving.NoVerdict) as refusal:
        serving.answer(asked, now=timezone.now())
    assert refusal.value.fields == {"preference": ["invalid"]}


def test_labels_are_called_as_the_gate_tested_them() -> None:
    project = builders.make_project()
    guideline = builders.make_guideline(project)
    version = judging.make_version(
        judging.make_judge(project, guideline), guideline, both_orders=False
    )
    safety = serving.tested_labels(version)["safety"]
    assert safety == {"1": "fail", "2": "fail", "3": "fail", "4": "pass", "5": "pass"}


def test_traffic_is_kept_once_in_one_dataset_outside_every_part(scene: Scene) -> None:
    for _ in range(2):
        traffic.keep(project=scene.project, drafts=traffic.drafts([PAIR]))
    kept = Dataset.objects.get(kind=DatasetKind.TRAFFIC)
    assert [item.part for item in kept.items.all()] == [Part.NONE]


def test_a_text_that_cannot_be_stored_names_its_item() -> None:
    with pytest.raises(Invalid) as refusal:
        traffic.drafts([PAIR, {**PAIR, "input": "a\0b"}])
    assert "Item 2" in refusal.value.sentence


def test_an_ordinary_run_still_refuses_what_is_sealed(scene: Scene) -> None:
    with pytest.raises(Exception, match="sealed"):
        runs.plan_run(
            version=scene.version,
            dataset=scene.dataset,
            items=scene.sealed()[:1],
            purpose=RunPurpose.ORDINARY,
            actor="u1",
            now=timezone.now(),
        )
    assert not Run.objects.exists()
