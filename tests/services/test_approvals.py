"""From asking to evidence: readiness, looks, one decision, and nothing approved without a pass."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Notice, User
from accounts.roles import Role
from accounts.services import notices
from annotation.models import SealedSet
from annotation.services import datasets
from annotation.states import Part
from calibration.models import CalibrationReport
from calibration.services import approvals
from core.errors import Conflict, DomainError, Invalid, NotAllowed
from core.models import AuditEvent
from judges.models import ApprovalRequest, Decision, EvidenceSnapshot, Look, Run, Standing
from judges.services import decisions
from judges.states import DecisionKind, RequestState, RunPurpose
from tests import approving, builders
from tests.approving import Scene
from tests.builders import NOON
from tests.cast import client_for

pytestmark = pytest.mark.django_db

PREFERENCE = frozenset({"preference"})


@pytest.fixture(autouse=True)
def _a_simulator_is_named(settings: Settings) -> None:
    """Runs are planned only where somebody could be asked; here nobody is."""
    settings.SIMULATOR_URL = "http://127.0.0.1:9"


@pytest.fixture
def scene() -> Scene:
    return approving.make_scene()


def approve(asked: ApprovalRequest, by: User, *, reason: str = "It passed.") -> Decision:
    return decisions.decide(request_id=asked.pk, approve=PREFERENCE, reason=reason, by=by, now=NOON)


def test_asking_plans_a_run_over_the_sealed_items_alone(scene: Scene) -> None:
    asked = scene.ask()
    assert asked.state == RequestState.JUDGING
    assert asked.run is not None
    assert asked.run.purpose == RunPurpose.APPROVAL
    judged = set(asked.run.calls.values_list("item_id", flat=True))
    assert judged == {item.pk for item in scene.sealed()}


def test_the_other_admins_are_told_once_on_the_page_and_by_mail(
    scene: Scene, settings: Settings
) -> None:
    settings.MAIL_FROM = "house@example.org"
    settings.PUBLIC_ADDRESS = "https://house.example"
    User.objects.filter(pk=scene.cast.ada.pk).update(email="ada@example.org")
    builders.join(scene.project, scene.cast.lea, Role.LEAD, Role.ADMIN)
    asked = scene.ask()
    notice = Notice.objects.get()
    assert (notice.user, notice.kind) == (scene.cast.ada, "approval.asked")
    assert notice.address == reverse("approval", args=["support", asked.pk])
    page = client_for(scene.cast.ada).get(reverse("notices")).content.decode()
    assert "Approval is asked for Preference v1." in page
    assert notices.send_due(timezone.now()) == 1
    (message,) = outbox.outbox
    assert message.to == ["ada@example.org"]
    assert f"https://house.example{notice.address}" in str(message.body)


def test_nobody_is_told_of_a_request_that_ends_at_once() -> None:
    approving.make_scene(pairs=60).ask()
    assert not Notice.objects.exists()


def test_too_few_labels_end_the_request_before_any_verdict_and_cost_no_look() -> None:
    scene = approving.make_scene(pairs=60)
    asked = scene.ask()
    assert asked.state == RequestState.INSUFFICIENT
    assert asked.run is None
    assert "200 needed" in asked.problem
    assert not Look.objects.exists()
    assert not Run.objects.exists()


def test_a_look_that_passes_leaves_evidence_a_report_and_frozen_labels(scene: Scene) -> None:
    asked = approving.measured(scene)
    assert asked.state == RequestState.MEASURED
    evidence = EvidenceSnapshot.objects.get(request=asked)
    assert evidence.gate == "pass"
    assert evidence.look.number == 1
    assert evidence.numbers["level"] == 0.025
    assert CalibrationReport.objects.get(request=asked).content["looks"] == {"preference": 1}
    assert SealedSet.objects.get(dataset=scene.dataset).frozen_at == NOON


def test_the_next_version_takes_the_second_look_at_a_stricter_level(scene: Scene) -> None:
    approving.measured(scene, passes=False)
    second = scene.ask(scene.another())
    assert second.run is not None
    approving.finish(second.run, misses=12)
    approvals.measure_finished(run_id=second.run.pk, now=NOON)
    evidence = EvidenceSnapshot.objects.get(request=second)
    assert (evidence.look.number, evidence.numbers["level"]) == (2, 0.0125)


def test_measuring_twice_takes_one_look(scene: Scene) -> None:
    asked = approving.measured(scene)
    assert asked.run is not None
    approvals.measure_finished(run_id=asked.run.pk, now=NOON)
    assert Look.objects.count() == 1


def test_the_same_fingerprint_is_not_measured_again(scene: Scene) -> None:
    asked = approving.measured(scene)
    decisions.decide(
        request_id=asked.pk, approve=frozenset(), reason="Not yet.", by=scene.cast.ada, now=NOON
    )
    with pytest.raises(Conflict) as refusal:
        scene.ask()
    assert refusal.value.code == "already_measured"


def test_three_looks_close_a_dimension(scene: Scene) -> None:
    evidence = EvidenceSnapshot.objects.get(request=approving.measured(scene, passes=False))
    for number in (2, 3):
        copy = EvidenceSnapshot.objects.get(pk=evidence.pk)
        copy.pk, copy.fingerprint = None, f"other-{number}"
        copy.save(force_insert=True)
        Look.objects.create(
            sealed_set=scene.dataset.sealed_set,
            dimension_key="preference",
            number=number,
            evidence=copy,
        )
    with pytest.raises(Conflict) as refusal:
        scene.ask(scene.another())
    assert refusal.value.code == "no_look_left"


def test_a_retired_set_is_not_asked(scene: Scene) -> None:
    sealed_set = scene.dataset.sealed_set
    datasets.retire(sealed_set=sealed_set, actor="u1", now=NOON)
    sealed_set.refresh_from_db()
    with pytest.raises(Conflict) as refusal:
        scene.ask()
    assert refusal.value.code == "set_retired"


def test_a_one_shot_set_retires_with_its_look(scene: Scene) -> None:
    datasets.declare_one_shot(sealed_set=scene.dataset.sealed_set, actor="u1")
    scene.dataset.sealed_set.refresh_from_db()
    asked = approving.measured(scene)
    assert EvidenceSnapshot.objects.get(request=asked).numbers["level"] == 0.05
    assert SealedSet.objects.get(dataset=scene.dataset).retired_at == NOON
    assert not scene.dataset.items.filter(part=Part.SEALED).exists()


def test_an_unknown_dimension_is_invalid(scene: Scene) -> None:
    with pytest.raises(Invalid):
        approvals.ask(
            version=scene.version,
            sealed_set=scene.dataset.sealed_set,
            dimensions=["safety"],
            by=scene.cast.lea,
            now=NOON,
        )


def test_an_approval_stands_for_ninety_days_and_is_in_the_audit_trail(scene: Scene) -> None:
    asked = approving.measured(scene)
    decided = approve(asked, scene.cast.ada)
    standing = Standing.objects.get(judge=scene.judge)
    assert standing.version == scene.version
    assert standing.dimensions == ["preference"]
    assert standing.valid_until == NOON + timedelta(days=90)
    event = AuditEvent.objects.get(verb="judge.approve")
    assert (event.actor, event.object_id) == (scene.cast.ada.actor, str(decided.pk))
    assert event.data["reason"] == "It passed."


def test_nothing_is_approved_without_a_pass_by_calling_the_service(scene: Scene) -> None:
    asked = approving.measured(scene, passes=False)
    with pytest.raises(Conflict) as refusal:
        approve(asked, scene.cast.ada)
    assert refusal.value.code == "gate_not_passed"
    assert not Standing.objects.exists()
    assert not Decision.objects.exists()


def test_a_request_without_evidence_cannot_be_approved(scene: Scene) -> None:
    asked = scene.ask()
    with pytest.raises(Conflict) as refusal:
        approve(asked, scene.cast.ada)
    assert refusal.value.code == "no_evidence"


def test_the_author_never_decides(scene: Scene) -> None:
    asked = approving.measured(scene)
    with pytest.raises(NotAllowed):
        approve(asked, scene.cast.lea)


def test_a_decision_needs_a_reason(scene: Scene) -> None:
    asked = approving.measured(scene)
    with pytest.raises(Invalid):
        approve(asked, scene.cast.ada, reason="   ")


def test_a_refusal_leaves_nothing_standing(scene: Scene) -> None:
    asked = approving.measured(scene)
    decided = decisions.decide(
        request_id=asked.pk, approve=frozenset(), reason="Not yet.", by=scene.cast.ada, now=NOON
    )
    assert decided.kind == DecisionKind.REFUSE
    assert decided.dimensions == {"preference": "refuse"}
    assert not Standing.objects.exists()


@pytest.mark.databases
@pytest.mark.django_db(transaction=True)
def test_of_two_admins_who_decide_at_once_one_wins(scene: Scene) -> None:
    asked = approving.measured(scene)
    bea = builders.join(scene.project, builders.make_user(username="bea"), Role.ADMIN)
    outcomes = _at_once(
        [lambda: approve(asked, scene.cast.ada), lambda: approve(asked, bea, reason="Me too.")]
    )
    assert sorted(outcomes) == ["", "not_waiting"]
    assert Decision.objects.count() == 1
    assert Standing.objects.count() == 1


def _at_once(acts: list[Callable[[], object]]) -> list[str]:
    """Run each in a thread of its own; the codes of the refusals, '' where there is none."""
    start = threading.Barrier(len(acts))
    codes: list[str] = []

    def work(act: Callable[[], object]) -> None:
        try:
            start.wait()
            act()
            codes.append("")
        except DomainError as refusal:
            codes.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return codes
