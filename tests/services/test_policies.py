"""A project's gate policy: by admins, with a reason, never for what is known already."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from annotation.models import SealedSet
from calibration.queries import asking
from calibration.services import approvals, looks, measuring, reports
from core.errors import Conflict, Invalid, NotAllowed
from core.models import AuditEvent
from judges.models import Decision, EvidenceSnapshot, GatePolicy, Look, Standing
from judges.queries import policies as queries
from judges.rules import policy as rules
from judges.rules.policy import Policy
from judges.services import policies
from judges.states import RequestState
from tests import approving, judging
from tests.approving import Scene
from tests.builders import NOON
from tests.cast import client_for
from tests.concurrency.racing import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

DEFAULTS = rules.chosen(Policy())


@pytest.fixture(autouse=True)
def _a_simulator_is_named(settings: Settings) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"


@pytest.fixture
def scene() -> Scene:
    return approving.make_scene()


def change(scene: Scene, *, by: User | None = None, seen: int = 0, **constants: Any) -> GatePolicy:
    return policies.change(
        project=scene.project,
        constants=DEFAULTS | constants,
        seen=seen,
        reason="Our customers ask for it.",
        by=by or scene.cast.ada,
    )


def test_a_change_is_a_new_row_with_its_reason_and_in_the_trail(scene: Scene) -> None:
    change(scene, target=0.85)
    change(scene, seen=1, target=0.9)
    assert [row.constants["target"] for row in GatePolicy.objects.order_by("number")] == [0.85, 0.9]
    assert queries.current(scene.project.pk).gate.target == 0.9
    event = AuditEvent.objects.filter(verb="policy.changed").latest("pk")
    assert event.data["changed"] == {"Target": "85\N{NO-BREAK SPACE}% → 90\N{NO-BREAK SPACE}%"}
    assert event.actor == scene.cast.ada.actor


@pytest.mark.parametrize("who", ["lea", "noor", "ana", "olu"])
def test_only_admins_change_it(scene: Scene, who: str) -> None:
    with pytest.raises(NotAllowed):
        change(scene, by=getattr(scene.cast, who), target=0.85)


def test_what_is_out_of_bounds_writes_nothing(scene: Scene) -> None:
    with pytest.raises(Invalid, match="Target: Choose a value from 50") as refusal:
        change(scene, target=0.3)
    assert set(refusal.value.fields) == {"target"}
    assert not GatePolicy.objects.exists()


def test_a_change_of_nothing_and_one_of_what_was_not_seen_are_refused(scene: Scene) -> None:
    with pytest.raises(Conflict) as refusal:
        change(scene)
    assert refusal.value.code == "policy_unchanged"
    change(scene, target=0.85)
    with pytest.raises(Conflict) as refusal:
        change(scene, target=0.9)
    assert refusal.value.code == "policy_changed_meanwhile"


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_who_change_it_at_once_one_wins(scene: Scene) -> None:
    def attempt(target: float) -> str:
        try:
            change(scene, target=target)
        except Conflict as refusal:
            return refusal.code
        return ""

    codes = at_once([lambda: attempt(0.85), lambda: attempt(0.9)])
    assert sorted(codes) == ["", "policy_changed_meanwhile"]
    assert GatePolicy.objects.count() == 1


def test_evidence_and_decision_keep_the_policy_that_they_were_made_by(scene: Scene) -> None:
    change(scene, target=0.7, valid_days=30)
    decision = approving.approved(scene)
    evidence = EvidenceSnapshot.objects.get()
    assert (evidence.policy_number, evidence.rule["target"]) == (1, 0.7)
    assert decision.policy["number"] == 1
    standing = Standing.objects.get()
    assert standing.valid_until - standing.since == timedelta(days=30)
    change(scene, seen=1, target=0.9)
    evidence.refresh_from_db()
    assert evidence.rule["target"] == 0.7
    assert Decision.objects.get().policy["number"] == 1


def test_a_stricter_target_fails_what_would_have_passed(scene: Scene) -> None:
    change(scene, target=0.95)
    approving.measured(scene)
    assert EvidenceSnapshot.objects.get().gate == "fail"


def test_a_set_that_was_looked_at_keeps_its_policy(scene: Scene) -> None:
    approving.measured(scene, passes=False)
    change(scene, target=0.6)
    second = scene.ask(scene.another())
    assert second.run is not None
    approving.finish(second.run, misses=4)
    approvals.measure_finished(run_id=second.run.pk, now=NOON)
    evidence = EvidenceSnapshot.objects.get(request=second)
    assert (evidence.policy_number, evidence.rule["target"], evidence.gate) == (0, 0.8, "fail")


def test_the_level_of_the_next_look_is_that_of_the_policy_that_the_set_keeps(scene: Scene) -> None:
    def levels() -> list[str]:
        (choice,) = asking.sealed_choices(scene.version)
        return [look.level for look in choice.looks]

    change(scene, level=0.02)
    assert levels() == ["99\N{NO-BREAK SPACE}%"]
    approving.measured(scene, passes=False)
    assert EvidenceSnapshot.objects.get().numbers["level"] == 0.01
    change(scene, seen=1, level=0.05)
    assert levels() == ["99.5\N{NO-BREAK SPACE}%"]


def test_the_line_of_the_target_is_the_policys(scene: Scene) -> None:
    change(scene, target=0.9)
    run = judging.make_run(scene.version, dataset=scene.dataset)
    approving.finish(run, misses=12)
    reports.make(run_id=run.pk, now=NOON)
    lea = client_for(scene.cast.lea)
    for name, row in (("version_alignment", scene.version.pk), ("judge_compare", scene.judge.pk)):
        answer = lea.get(reverse(name, args=["support", row]))
        assert answer.context["scale"].target == 0.9


def test_a_policy_that_changes_while_a_first_look_is_measured_counts(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The measuring was by the old rule; what is written is by the new one."""
    asked = scene.ask()
    assert asked.run is not None
    approving.finish(asked.run, misses=12)
    measured = measuring.measure
    calls: list[int] = []

    def and_somebody_changes_it(**wanted: Any) -> measuring.Measured:
        found = measured(**wanted)
        if not calls:
            change(scene, target=0.95)
        calls.append(found.policy.number)
        return found

    monkeypatch.setattr(measuring, "measure", and_somebody_changes_it)
    approvals.measure_finished(run_id=asked.run.pk, now=NOON)
    assert calls == [0, 1]
    evidence = EvidenceSnapshot.objects.get()
    assert (evidence.policy_number, evidence.gate) == (1, "fail")
    assert Look.objects.count() == 1


def test_more_items_than_there_are_make_a_request_insufficient(scene: Scene) -> None:
    change(scene, least_items=5000)
    asked = scene.ask()
    assert asked.state == RequestState.INSUFFICIENT
    assert "5000 needed" in asked.problem


def test_labels_that_a_dimension_does_not_have_ask_nothing_of_it(scene: Scene) -> None:
    change(scene, must_catch=["unsafe"])
    assert (
        looks.why_insufficient(
            SealedSet.objects.get(), list(scene.guideline.dimensions.select_related("version"))
        )
        == ""
    )


def posted(**changes: object) -> dict[str, object]:
    percent = {one.name for one in rules.CONSTANTS if one.unit == "share"}
    values = {
        name: round(value * 100, 6) if name in percent else value
        for name, value in DEFAULTS.items()
    }
    return values | {"must_catch": "", "seen": 0, "reason": "Customers ask for it."} | changes


def test_the_page_gives_each_constant_its_reason(scene: Scene) -> None:
    text = client_for(scene.cast.noor).get(reverse("policy", args=["support"])).content.decode()
    for constant in rules.CONSTANTS:
        assert constant.title in text
    assert "†" in text
    assert "Nobody has changed the defaults" in text
    assert reverse("policy_change", args=["support"]) not in text


def test_an_admin_changes_it_on_its_page(scene: Scene) -> None:
    approving.measured(scene, passes=False)
    ada = client_for(scene.cast.ada)
    path = reverse("policy_change", args=["support"])
    page = ada.get(path).content.decode()
    assert "sealed pairs</bdi> keeps the defaults until it retires" in page
    answer = ada.post(path, posted(target="82.5", must_catch="unsafe, rude"))
    assert answer.status_code == 302
    row = GatePolicy.objects.get()
    assert row.constants == DEFAULTS | {"target": 0.825, "must_catch": ["unsafe", "rude"]}
    text = ada.get(reverse("policy", args=["support"])).content.decode()
    assert "Customers ask for it." in text
    assert "82.5" in text


@pytest.mark.parametrize(
    "changes",
    [
        {"target": "30"},
        {"target": "nan"},
        {"target": "lots"},
        {"least_items": "1.5"},
        {"reason": " "},
        {"seen": "x"},
        {"seen": "7"},
        {},
    ],
)
def test_what_cannot_be_taken_is_said_and_nothing_is_written(
    scene: Scene, changes: dict[str, object]
) -> None:
    answer = client_for(scene.cast.ada).post(
        reverse("policy_change", args=["support"]), posted(**changes)
    )
    assert answer.status_code == 422
    assert "mended" in answer.content.decode()
    assert not GatePolicy.objects.exists()
