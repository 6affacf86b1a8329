"""Asking an approved judge over the API: the real engine asks the simulator over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.roles import Scope
from annotation.models import Dataset, GuidelineVersion, Item, SealedSet
from annotation.services import traffic
from annotation.states import DatasetKind, Part, VersionState
from core.models import IdempotencyKey
from judges import simulator
from judges.models import (
    ApprovalRequest,
    Decision,
    EvidenceSnapshot,
    JudgeLabel,
    Run,
    Standing,
)
from judges.services import engine, purses, serving
from judges.simulator import Simulator
from judges.states import DecisionKind, RequestState, RunPurpose
from tests import builders, judging
from tests.judging import QUICK, Scene

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]

PAIR = {
    "input": "How do I cancel my plan?",
    "response_a": "Open Settings, choose Plan, press Cancel.",
    "response_b": "Please write to us.",
}


class Machine:
    """A caller with a token."""

    def __init__(self, secret: str) -> None:
        self.client = Client()
        self.secret = secret

    def post(self, body: object, judge: str = "helpful", **headers: str) -> Any:
        return self.client.post(
            f"/api/v1/projects/support/judges/{judge}/verdicts",
            json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.secret}", **headers},
        )

    def get(self, path: str) -> Any:
        return self.client.get(
            path if path.startswith("/") else f"/api/v1/projects/support/{path}",
            headers={"Authorization": f"Bearer {self.secret}"},
        )


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with simulator.start() as started:
        yield started


@pytest.fixture(autouse=True)
def sim(running: Simulator, settings: Settings) -> Simulator:
    running.reset()
    settings.SIMULATOR_URL = running.url
    return running


@pytest.fixture
def scene() -> Scene:
    return judging.make_scene(pairs=1)


@pytest.fixture
def machine(scene: Scene) -> Machine:
    return Machine(builders.make_token(scene.project, scopes=[Scope.JUDGE])[1])


def stand(scene: Scene, **changes: Any) -> Standing:
    """What stands once an admin has approved; measured is elsewhere."""
    decision = Decision.objects.create(
        judge=scene.judge,
        version=scene.version,
        kind=DecisionKind.APPROVE,
        dimensions={"preference": "approve"},
        actor="u9",
        author_actor=scene.version.author_actor,
        reason="It passed.",
        fingerprint=scene.version.fingerprint,
    )
    now = timezone.now()
    known: dict[str, Any] = {
        "dimensions": ["preference"],
        "since": now,
        "valid_until": now + timedelta(days=90),
    }
    return Standing.objects.create(
        judge=scene.judge, version=scene.version, decision=decision, **known | changes
    )


def measured_under_its_name(scene: Scene, standing: Standing) -> None:
    """Evidence of a run in which the model answered under the name it was asked by."""
    sealed = builders.make_dataset(scene.project, name="sealed", share=0.5)
    item = builders.make_pair(sealed, external_id="s1", part=Part.SEALED)
    run = judging.make_run(scene.version, dataset=sealed, items=[item], purpose=RunPurpose.APPROVAL)
    engine.drain(run.pk, pace=QUICK)
    sealed_set = SealedSet.objects.create(dataset=sealed)
    request = ApprovalRequest.objects.create(
        project=scene.project,
        version=scene.version,
        sealed_set=sealed_set,
        dimensions=["preference"],
        state=RequestState.DECIDED,
        run=run,
        actor="u1",
    )
    evidence = EvidenceSnapshot.objects.create(
        request=request,
        version=scene.version,
        run=run,
        sealed_set=sealed_set,
        dimension_key="preference",
        major=1,
        fingerprint=scene.version.fingerprint,
        gate="pass",
        seed=1,
        labels_digest="labels",
        verdicts_digest="verdicts",
    )
    standing.decision.evidence.set([evidence])


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    assert set(body) == {"code", "message", "fields"}
    return body


def test_one_item_waits_and_answers_in_the_agreed_shape(scene: Scene, machine: Machine) -> None:
    standing = stand(scene)
    answer = machine.post(PAIR)
    assert answer.status_code == 200, answer.content
    body = answer.json()
    run = Run.objects.get()
    said = JudgeLabel.objects.get(run=run)
    assert body == {
        "verdicts": {"preference": {"label": said.label, "confidence": None}},
        "judge": "helpful",
        "version": 1,
        "fingerprint": scene.version.fingerprint,
        "decision": standing.decision_id,
        "decision_kind": "approve",
        "cost": float(run.spent),
    }
    assert body["cost"] > 0
    assert run.purpose == RunPurpose.SERVING


def test_the_item_goes_to_the_traffic_dataset_and_into_no_part(
    scene: Scene, machine: Machine
) -> None:
    stand(scene)
    machine.post({**PAIR, "id": "ticket-7"})
    item = Item.objects.get(external_id="ticket-7")
    assert item.dataset.kind == DatasetKind.TRAFFIC
    assert item.part == Part.NONE


def test_the_same_item_again_is_one_item_and_costs_nothing(scene: Scene, machine: Machine) -> None:
    stand(scene)
    first, again = machine.post(PAIR).json(), machine.post(PAIR).json()
    assert again["verdicts"] == first["verdicts"]
    assert again["cost"] == 0
    assert Item.objects.filter(dataset__kind=DatasetKind.TRAFFIC).count() == 1
    assert Dataset.objects.filter(kind=DatasetKind.TRAFFIC).count() == 1


def test_an_id_that_came_before_with_another_text_is_a_conflict(
    scene: Scene, machine: Machine
) -> None:
    stand(scene)
    machine.post({**PAIR, "id": "ticket-7"})
    other = {**PAIR, "id": "ticket-7", "input": "Another question?"}
    refused(machine.post(other), 409, "item_id_taken")


def test_without_a_standing_nothing_is_asked(
    scene: Scene, machine: Machine, sim: Simulator
) -> None:
    refused(machine.post(PAIR), 409, "judge_not_approved")
    assert sim.stats()["requests"] == 0
    assert not Run.objects.exists()


def test_an_approval_that_is_over_is_named(scene: Scene, machine: Machine) -> None:
    stand(scene, valid_until=timezone.now())
    refused(machine.post(PAIR), 409, "approval_expired")


def test_a_suspended_approval_is_named(scene: Scene, machine: Machine) -> None:
    stand(scene, is_suspended=True)
    refused(machine.post(PAIR), 409, "approval_suspended")


def test_a_new_major_version_of_the_guideline_ends_the_approval(
    scene: Scene, machine: Machine
) -> None:
    stand(scene)
    GuidelineVersion.objects.filter(pk=scene.guideline.pk).update(state=VersionState.SUPERSEDED)
    GuidelineVersion.objects.create(
        guideline=scene.guideline.guideline, major=2, state=VersionState.PUBLISHED
    )
    refused(machine.post(PAIR), 409, "approval_expired")


def test_a_dimension_that_is_not_covered_is_refused_by_name(scene: Scene, machine: Machine) -> None:
    stand(scene)
    body = refused(
        machine.post({**PAIR, "dimensions": ["preference", "safety"]}),
        409,
        "dimension_not_approved",
    )
    assert body["fields"] == {"dimensions": ["safety"]}


def test_a_dimension_with_a_cut_answers_pass_or_fail(running: Simulator) -> None:
    project = builders.make_project()
    guideline = builders.make_guideline(project)
    judge = judging.make_judge(project, guideline)
    version = judging.make_version(judge, guideline, both_orders=False)
    dataset = builders.make_dataset(project)
    stand(Scene(project, dataset, guideline, judge, version), dimensions=["safety", "clarity"])
    machine = Machine(builders.make_token(project, scopes=[Scope.JUDGE])[1])
    answer = machine.post({"input": "How do I cancel?", "response": "Under billing."})
    assert answer.status_code == 200, answer.content
    verdicts = answer.json()["verdicts"]
    assert set(verdicts) == {"safety", "clarity"}
    assert {one["label"] for one in verdicts.values()} <= {"pass", "fail"}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"input": "Only a question?"}, "Item 1"),
        ({"items": [PAIR, {"input": "Half a pair?", "response_a": "A"}]}, "Item 2"),
    ],
)
def test_an_item_that_cannot_be_read_is_named_by_number(
    scene: Scene, machine: Machine, body: object, place: str
) -> None:
    stand(scene)
    assert place in refused(machine.post(body), 422, "items_unreadable")["message"]
    assert not Item.objects.filter(dataset__kind=DatasetKind.TRAFFIC).exists()


@pytest.mark.parametrize("body", [[], "text", 7, {"items": []}, {"items": "all"}, {"items": [3]}])
def test_another_shape_is_invalid(scene: Scene, machine: Machine, body: object) -> None:
    stand(scene)
    assert machine.post(body).status_code == 422


def test_more_than_a_thousand_items_are_too_many(scene: Scene, machine: Machine) -> None:
    stand(scene)
    assert machine.post({"items": [PAIR] * 1001}).status_code == 422


def test_an_item_of_another_kind_is_refused(scene: Scene, machine: Machine) -> None:
    stand(scene)
    single = {"input": "How do I cancel?", "response": "Under billing."}
    refused(machine.post(single), 422, "items_unfit")


def test_many_items_give_a_run_to_follow(scene: Scene, machine: Machine) -> None:
    standing = stand(scene)
    items = [{**PAIR, "id": f"t{n}", "input": f"Question {n}?"} for n in range(3)]
    answer = machine.post({"items": items})
    assert answer.status_code == 202
    body = answer.json()
    assert (body["items"], body["finished"], body["state"]) == (3, 0, "planned")
    assert machine.get(f"{body['url']}/verdicts").json()["results"] == []
    engine.drain(body["run"], pace=QUICK)
    assert machine.get(body["url"]).json()["state"] == "done"
    found = machine.get(body["verdicts_url"]).json()
    assert [one["item"] for one in found["results"]] == ["t0", "t1", "t2"]
    assert all(set(one["verdicts"]) == {"preference"} for one in found["results"])
    assert found["decision"] == standing.decision_id
    assert found["next"] is None


def test_verdicts_come_in_pages(
    scene: Scene, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand(scene)
    items = [{**PAIR, "id": f"t{n}", "input": f"Question {n}?"} for n in range(3)]
    body = machine.post({"items": items}).json()
    engine.drain(body["run"], pace=QUICK)
    monkeypatch.setattr("judges.api.runs.PAGE_ITEMS", 2)
    first = machine.get(body["verdicts_url"]).json()
    second = machine.get(first["next"]).json()
    assert [one["item"] for one in first["results"] + second["results"]] == ["t0", "t1", "t2"]
    assert second["next"] is None


def test_an_approval_that_ends_meanwhile_stops_the_run_and_its_answers(
    scene: Scene, machine: Machine, sim: Simulator
) -> None:
    standing = stand(scene)
    body = machine.post({"items": [PAIR]}).json()
    standing.delete()
    engine.drain(body["run"], pace=QUICK)
    assert sim.stats()["requests"] == 0
    assert Run.objects.get(pk=body["run"]).pause_reason
    refused(machine.get(body["verdicts_url"]), 409, "judge_not_approved")


def test_a_third_call_that_would_wait_is_given_a_run(scene: Scene, machine: Machine) -> None:
    stand(scene)
    with serving._waiting, serving._waiting:
        assert machine.post(PAIR).status_code == 202


def test_a_refusal_of_the_model_is_said_and_no_label_made_up(
    scene: Scene, machine: Machine, sim: Simulator
) -> None:
    stand(scene)
    sim.script({"do": "refusal", "times": 2})
    body = refused(machine.post(PAIR), 422, "judge_refused")
    assert body["fields"] == {"preference": ["refused"]}


def test_a_model_that_answers_under_another_name_ends_the_approval(
    scene: Scene, machine: Machine, sim: Simulator
) -> None:
    measured_under_its_name(scene, stand(scene))
    sim.script({"do": "renamed", "times": 2})
    refused(machine.post(PAIR), 409, "approval_expired")
    asked = sim.stats()["requests"]
    refused(machine.post({**PAIR, "input": "And later?"}), 409, "approval_expired")
    assert sim.stats()["requests"] == asked


def test_a_budget_that_does_not_reach_is_a_conflict_that_names_it(
    scene: Scene, machine: Machine, sim: Simulator
) -> None:
    stand(scene)
    purses.set_judge_budget(judge=scene.judge, budget=Decimal("0.000010"), actor="u1")
    said = refused(machine.post(PAIR), 409, "budget_reached")["message"]
    assert said.startswith("The budget of the judge Helpful ($0.0000) does not reach")
    assert "resume" not in said
    assert sim.stats()["requests"] == 0
    purses.set_judge_budget(judge=scene.judge, budget=None, actor="u1")
    assert machine.post(PAIR).status_code == 200


def test_a_judge_that_cannot_be_asked_is_a_502(
    scene: Scene, machine: Machine, settings: Settings
) -> None:
    stand(scene)
    asked = serving.ask(
        judge=scene.judge,
        drafts=traffic.drafts([PAIR]),
        dimensions=None,
        actor="t1",
        now=timezone.now(),
    )
    settings.SIMULATOR_URL = ""
    assert serving.wait(asked)
    with pytest.raises(serving.NoVerdict) as refusal:
        serving.answer(asked, now=timezone.now())
    assert (refusal.value.status, refusal.value.code) == (502, "judge_unavailable")
    asked.run.refresh_from_db()
    assert asked.run.state == "cancelled"


def test_a_prompt_of_a_sealed_cluster_is_answered(scene: Scene, machine: Machine) -> None:
    stand(scene)
    sealed = builders.make_dataset(scene.project, name="sealed", share=0.5)
    builders.make_pair(sealed, external_id="s1", input=PAIR["input"], part=Part.SEALED)
    assert machine.post({**PAIR, "cluster": "s1"}).status_code == 200


def test_an_idempotency_key_asks_and_pays_once(
    scene: Scene, machine: Machine, sim: Simulator
) -> None:
    stand(scene)
    first = machine.post(PAIR, **{"Idempotency-Key": "k1"})
    again = machine.post(PAIR, **{"Idempotency-Key": "k1"})
    assert again.json() == first.json()
    assert again["Idempotency-Replayed"] == "true"
    assert sim.stats()["requests"] == 2
    refused(
        machine.post({**PAIR, "input": "Other?"}, **{"Idempotency-Key": "k1"}),
        409,
        "idempotency_key_reused",
    )
    assert IdempotencyKey.objects.count() == 1


def test_a_token_without_the_scope_is_refused(scene: Scene) -> None:
    stand(scene)
    reader = Machine(builders.make_token(scene.project, scopes=[Scope.READ])[1])
    refused(reader.post(PAIR), 403, "scope_missing")


def test_another_projects_token_finds_nothing(scene: Scene) -> None:
    stand(scene)
    other = builders.make_project(slug="other")
    stranger = Machine(builders.make_token(other, scopes=[Scope.JUDGE])[1])
    assert stranger.post(PAIR).status_code == 404


def test_without_a_token_one_is_asked_for(scene: Scene) -> None:
    assert Machine("nothing").post(PAIR).status_code == 401


def test_an_unknown_judge_is_not_here(scene: Scene, machine: Machine) -> None:
    assert machine.post(PAIR, judge="nobody").status_code == 404


def test_a_judge_token_sees_its_own_kind_of_run_only(scene: Scene, machine: Machine) -> None:
    ordinary = judging.make_run(scene.version, dataset=scene.dataset)
    assert machine.get(f"runs/{ordinary.pk}").status_code == 404
    assert machine.get("runs").status_code == 403
    reader = Machine(builders.make_token(scene.project, scopes=[Scope.READ])[1])
    assert reader.get(f"runs/{ordinary.pk}").json()["state"] == "planned"
    assert [one["run"] for one in reader.get("runs").json()] == [ordinary.pk]


def test_a_reader_sees_the_plain_labels_of_a_development_run(scene: Scene) -> None:
    run = judging.make_run(scene.version, dataset=scene.dataset)
    engine.drain(run.pk, pace=QUICK)
    reader = Machine(builders.make_token(scene.project, scopes=[Scope.READ])[1])
    found = reader.get(f"runs/{run.pk}/verdicts").json()
    assert [one["item"] for one in found["results"]] == ["p0"]
    assert found["decision"] is None


def test_the_verdicts_of_an_approvals_run_stay_sealed(scene: Scene) -> None:
    sealed = builders.make_dataset(scene.project, name="sealed", share=0.5)
    item = builders.make_pair(sealed, external_id="s1", part=Part.SEALED)
    run = judging.make_run(scene.version, dataset=sealed, items=[item], purpose=RunPurpose.APPROVAL)
    everything = Machine(builders.make_token(scene.project, scopes=list(Scope))[1])
    refused(everything.get(f"runs/{run.pk}/verdicts"), 403, "sealed_verdicts")


def test_judges_are_listed_with_what_stands(scene: Scene) -> None:
    standing = stand(scene)
    reader = Machine(builders.make_token(scene.project, scopes=[Scope.READ])[1])
    (judge,) = reader.get("judges").json()
    assert judge["slug"] == "helpful"
    assert judge["standing"]["decision"] == standing.decision_id
    assert judge["versions"][0]["fingerprint"] == scene.version.fingerprint
