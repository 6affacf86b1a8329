"""Exceptions, and how an approval ends, is suspended and comes back."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role, Scope
from annotation.models import Assignment, Item, Rating, Round
from annotation.queries.sealed import touching_sealed
from annotation.states import RoundKind
from calibration.queries import certificates
from calibration.services import approvals
from calibration.services import drift as drift_feeding
from core import jobs
from core.errors import Conflict, Invalid, NotAllowed
from core.models import AuditEvent, Job
from judges.models import (
    ApprovalRequest,
    Attempt,
    Call,
    Decision,
    DriftLabel,
    EvidenceSnapshot,
    JudgeLabel,
    JudgeVersion,
    Run,
    Standing,
)
from judges.queries import drift
from judges.rules import exceptions
from judges.services import decisions, drifting, serving, suspending
from judges.services.drifting import FreshLabel
from judges.states import AttemptState, DecisionKind
from tests import approving, builders, judging
from tests.approving import Scene
from tests.builders import NOON
from tests.cast import client_for
from tests.concurrency.racing import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

PREFERENCE = frozenset({"preference"})


@pytest.fixture(autouse=True)
def _a_simulator_is_named(settings: Settings) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"


@pytest.fixture
def scene() -> Scene:
    return approving.make_scene()


def out_of_reach(
    scene: Scene, *, omega: float | None = 0.67, failing: str = "lower bound"
) -> ApprovalRequest:
    """A measured request whose target nobody could have shown with these labels."""
    asked = approving.measured(scene)
    row = EvidenceSnapshot.objects.get(request=asked)
    checks = [
        {**check, "passed": check["name"] != failing} for check in row.numbers["gate"]["checks"]
    ]
    row.numbers["gate"] = {**row.numbers["gate"], "decision": "unattainable", "checks": checks}
    # What papers show, missing verdicts left out, decides nothing.
    row.numbers["alt_test"]["omega"] = 1.0 if omega is None or omega < 0.5 else 0.0
    row.numbers["alt_test"]["strict"]["omega"] = omega
    EvidenceSnapshot.objects.filter(pk=row.pk).update(gate="unattainable", numbers=row.numbers)
    return asked


def except_(asked: ApprovalRequest, by: User, *, reason: str = "As good as people.") -> Decision:
    return decisions.decide(
        request_id=asked.pk,
        approve=frozenset(),
        excepted=PREFERENCE,
        reason=reason,
        by=by,
        now=timezone.now(),
    )


# Exceptions ---------------------------------------------------------------------------------------


def test_an_exception_is_its_own_kind_and_stands(scene: Scene) -> None:
    decision = except_(out_of_reach(scene), scene.cast.ada)
    assert decision.kind == DecisionKind.EXCEPTION
    assert decision.dimensions == {"preference": "exception"}
    standing = serving.standing_of(scene.judge, now=timezone.now())
    assert standing.dimensions == ["preference"]
    told = certificates.content(Decision.objects.get(pk=decision.pk))
    assert told["decision"]["is_exception"]
    test = told["dimensions"][0]["evidence"]["alt_test"]
    assert (test["omega"], test["missing_verdicts"]) == (0.67, "worst")
    assert AuditEvent.objects.filter(verb="judge.exception").exists()


@pytest.mark.parametrize(
    ("omega", "failing", "because"),
    [
        (0.49, "lower bound", "stand in for 49%"),
        (None, "lower bound", "says nothing here"),
        (0.67, "alpha", "not so: alpha"),
    ],
)
def test_there_is_no_exception_with_a_guard_that_fails_or_a_low_omega(
    scene: Scene, omega: float | None, failing: str, because: str
) -> None:
    asked = out_of_reach(scene, omega=omega, failing=failing)
    with pytest.raises(Conflict, match=because):
        except_(asked, scene.cast.ada)
    assert not Decision.objects.exists()


@pytest.mark.parametrize("passes", [True, False])
def test_there_is_no_exception_where_a_judge_could_have_passed(scene: Scene, passes: bool) -> None:
    with pytest.raises(Conflict, match="only for a target that is out of reach"):
        except_(approving.measured(scene, passes=passes), scene.cast.ada)


def test_what_is_out_of_reach_is_not_simply_approved(scene: Scene) -> None:
    asked = out_of_reach(scene)
    with pytest.raises(Conflict) as refusal:
        decisions.decide(
            request_id=asked.pk, approve=PREFERENCE, reason="x", by=scene.cast.ada, now=NOON
        )
    assert refusal.value.code == "gate_not_passed"


def test_an_author_grants_none_and_nobody_without_a_reason(scene: Scene) -> None:
    asked = out_of_reach(scene)
    builders.join(scene.project, scene.cast.lea, Role.LEAD, Role.ADMIN)
    with pytest.raises(NotAllowed):
        except_(asked, scene.cast.lea)
    with pytest.raises(Invalid):
        except_(asked, scene.cast.ada, reason=" ")


def test_the_rule_leaves_only_the_bounds_out() -> None:
    def numbers(*failed: str) -> dict[str, Any]:
        checks = [{"name": name, "passed": False} for name in failed]
        return {
            "gate": {"decision": "unattainable", "checks": checks},
            "alt_test": {"omega": 0.0, "strict": {"omega": 0.5}, "undefined_because": ""},
        }

    spared = "with a hit to spare, lower bound"
    assert exceptions.why_not(numbers("lower bound", spared), least_omega=0.5) == ""
    assert "alpha" in exceptions.why_not(numbers("lower bound", "alpha"), least_omega=0.5)


def test_the_form_shows_what_speaks_for_it_and_takes_a_reason(scene: Scene) -> None:
    asked = out_of_reach(scene)
    ada = client_for(scene.cast.ada)
    page = reverse("approval", args=["support", asked.pk])
    text = ada.get(page).content.decode()
    assert 'value="exception"' in text
    assert "0.67" in text
    assert "missing verdicts scored worst; ω has to reach 0.50" in text
    assert 'value="approve"' not in text
    assert 'value="exception"' not in client_for(scene.cast.lea).get(page).content.decode()
    path = reverse("approval_decide", args=["support", asked.pk])
    assert ada.post(path, {"decision": "exception", "reason": "Yes."}).status_code == 422
    sent = {"decision": "exception", "excepted": "preference"}
    assert ada.post(path, sent).status_code == 422
    assert ada.post(path, {**sent, "reason": "As good as people."}).status_code == 302
    text = ada.get(page).content.decode()
    assert "approved by exception Preference" in text
    assert "by exception" in ada.get(reverse("approvals", args=["support"])).content.decode()


def test_a_forged_exception_of_what_failed_a_guard_is_refused(scene: Scene) -> None:
    asked = out_of_reach(scene, failing="alpha")
    answer = client_for(scene.cast.ada).post(
        reverse("approval_decide", args=["support", asked.pk]),
        {"decision": "exception", "excepted": "preference", "reason": "Please."},
    )
    assert answer.status_code == 422
    assert not Standing.objects.exists()


def test_machines_are_told_that_it_is_an_exception(scene: Scene) -> None:
    except_(out_of_reach(scene), scene.cast.ada)
    _, secret = builders.make_token(scene.project, scopes=[Scope.READ])
    machine = Client(headers={"Authorization": f"Bearer {secret}"})
    [judge] = machine.get("/api/v1/projects/support/judges").json()
    assert judge["standing"]["decision_kind"] == "exception"
    standing = Standing.objects.select_related("decision").get()
    run = standing.version.runs.latest("pk")
    assert serving.signature(standing, run)["decision_kind"] == "exception"


@pytest.mark.django_db(transaction=True)
def test_of_two_approvals_at_once_none_covers_less_unseen(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = approving.measured(scene)
    approving.with_second_dimension(wide, gate="pass")
    narrow = scene.ask(scene.another())
    assert narrow.run is not None
    approving.finish(narrow.run, misses=12)
    approvals.measure_finished(run_id=narrow.run.pk, now=NOON)
    bea = builders.join(scene.project, builders.make_user(username="bea"), Role.ADMIN)
    check = decisions._check_coverage

    def slowly(version: JudgeVersion, covered: frozenset[str], *, may_shrink: bool) -> None:
        check(version, covered, may_shrink=may_shrink)
        time.sleep(0.1 if len(covered) == 2 else 0.6)

    monkeypatch.setattr(decisions, "_check_coverage", slowly)

    def attempt(asked: ApprovalRequest, approve: frozenset[str], by: User) -> str:
        try:
            decisions.decide(
                request_id=asked.pk, approve=approve, reason="Yes.", by=by, now=timezone.now()
            )
        except Conflict as refusal:
            return refusal.code
        return ""

    at_once(
        [
            partial(attempt, wide, PREFERENCE | {"tone"}, scene.cast.ada),
            partial(attempt, narrow, PREFERENCE, bea),
        ]
    )
    assert Standing.objects.get().dimensions == ["preference", "tone"]


# Suspending ---------------------------------------------------------------------------------------


def suspended(scene: Scene) -> Standing:
    approving.approved(scene)
    standing = Standing.objects.get()
    suspending.suspend(standing_id=standing.pk, reason="People complain.", by=scene.cast.ada)
    standing.refresh_from_db()
    return standing


def test_what_is_suspended_is_not_answered(scene: Scene) -> None:
    standing = suspended(scene)
    assert standing.is_suspended
    with pytest.raises(Conflict) as refusal:
        serving.standing_of(scene.judge, now=timezone.now())
    assert refusal.value.code == "approval_suspended"
    decision = Decision.objects.latest("pk")
    assert (decision.kind, decision.dimensions) == ("suspend", {"preference": "suspend"})
    assert decision.evidence.count() == 1
    with pytest.raises(Conflict) as refusal:
        suspending.suspend(standing_id=standing.pk, reason="Again.", by=scene.cast.ada)
    assert refusal.value.code == "already_suspended"


def test_an_admin_reinstates_it_with_a_reason(scene: Scene) -> None:
    standing = suspended(scene)
    approval = standing.decision_id
    ada = client_for(scene.cast.ada)
    for name in ("standing", "standing_reinstate"):
        page = ada.get(reverse(name, args=["support", scene.judge.pk])).content.decode()
        assert "suspended by Ada" in page, name
        assert '<span class="steps__next">suspended</span>' in page, name
        assert "People complain." in page
    with pytest.raises(Invalid):
        suspending.reinstate(
            standing_id=standing.pk, reason="", by=scene.cast.ada, now=timezone.now()
        )
    suspending.reinstate(
        standing_id=standing.pk, reason="A false alarm.", by=scene.cast.ada, now=timezone.now()
    )
    assert serving.standing_of(scene.judge, now=timezone.now()).decision_id == approval
    with pytest.raises(Conflict) as refusal:
        suspending.reinstate(
            standing_id=standing.pk, reason="Twice.", by=scene.cast.ada, now=timezone.now()
        )
    assert refusal.value.code == "not_suspended"


def test_neither_is_for_authors_and_leads(scene: Scene) -> None:
    standing = suspended(scene)
    builders.join(scene.project, scene.cast.lea, Role.LEAD, Role.ADMIN)
    for person in (scene.cast.lea, scene.cast.noor):
        with pytest.raises(NotAllowed):
            suspending.suspend(standing_id=standing.pk, reason="x", by=person)
        with pytest.raises(NotAllowed):
            suspending.reinstate(standing_id=standing.pk, reason="x", by=person, now=timezone.now())


def test_what_has_ended_meanwhile_is_not_reinstated(scene: Scene) -> None:
    standing = suspended(scene)
    Standing.objects.update(valid_until=NOON)
    with pytest.raises(Conflict) as refusal:
        suspending.reinstate(
            standing_id=standing.pk, reason="x", by=scene.cast.ada, now=timezone.now()
        )
    assert refusal.value.code == "approval_expired"


@pytest.mark.django_db(transaction=True)
def test_of_two_who_suspend_at_once_one_writes_the_decision(scene: Scene) -> None:
    approving.approved(scene)
    standing = Standing.objects.get()

    def attempt() -> str:
        try:
            suspending.suspend(standing_id=standing.pk, reason="Stop.", by=scene.cast.ada)
        except Conflict as refusal:
            return refusal.code
        return ""

    assert sorted(at_once([attempt, attempt, attempt])) == ["", *["already_suspended"] * 2]
    assert Decision.objects.filter(kind="suspend").count() == 1


# The end by itself --------------------------------------------------------------------------------


def attempt_of(scene: Scene, *, run: Run | None = None, **fields: Any) -> Attempt:
    """An attempt of the run that was measured, or of this one."""
    calls = Call.objects.filter(run=run) if run else Call.objects.filter(run__version=scene.version)
    call = calls.earliest("pk")
    return Attempt.objects.create(
        call=call,
        number=call.attempts.count() + 1,
        state=AttemptState.FINAL,
        owner="test",
        cache_key="k",
        prompt_digest="p",
        sent_at=timezone.now(),
        finished_at=timezone.now(),
        **fields,
    )


def code_of(scene: Scene) -> str:
    try:
        serving.standing_of(scene.judge, now=timezone.now())
    except Conflict as refusal:
        return refusal.code
    return ""


def test_a_model_that_is_no_longer_there_ends_it_until_it_answers_again(scene: Scene) -> None:
    approving.approved(scene)
    attempt_of(scene, outcome="failed", problem="HTTP 500: overloaded")
    assert code_of(scene) == ""
    attempt_of(scene, outcome="failed", problem="HTTP 404: model: sim-plumb-1")
    assert code_of(scene) == "approval_expired"
    attempt_of(scene, outcome="ok")
    assert code_of(scene) == ""


def test_a_model_that_answers_under_another_name_ends_it(scene: Scene) -> None:
    approving.approved(scene)
    attempt_of(scene, outcome="ok", model_answered="sim-plumb-1-20260101")
    assert code_of(scene) == ""
    later = judging.make_run(scene.version, dataset=scene.dataset)
    attempt_of(scene, run=later, outcome="ok", model_answered="sim-plumb-2")
    assert code_of(scene) == "approval_expired"


# Drift --------------------------------------------------------------------------------------------


def fresh(scene: Scene, pattern: str) -> list[FreshLabel]:
    """Labels on items that were not taken yet, in turn: 1 agrees, 0 does not."""
    taken = DriftLabel.objects.values("item")
    items = Item.objects.filter(dataset=scene.dataset).exclude(pk__in=taken).order_by("pk")
    return [
        FreshLabel(item.pk, mark == "1")
        for item, mark in zip(items[: len(pattern)], pattern, strict=True)
    ]


def take(scene: Scene, labels: list[FreshLabel]) -> Decision | None:
    return drifting.take(
        standing_id=Standing.objects.get().pk,
        dimension_key="preference",
        labels=labels,
        now=timezone.now(),
    )


def state(scene: Scene) -> drift.DriftState:
    return drift.state_of(Standing.objects.select_related("decision").get(), "preference")


def test_labels_that_agree_raise_no_alarm(scene: Scene) -> None:
    approving.approved(scene)
    assert take(scene, fresh(scene, "1111111110" * 6)) is None
    found = state(scene)
    assert (found.labels, found.agreeing, found.is_alarmed) == (60, 54, False)


def test_drift_suspends_once_by_plumbline_itself(scene: Scene) -> None:
    approving.approved(scene)
    decision = take(scene, fresh(scene, "0" * 30))
    assert decision is not None
    assert (decision.kind, decision.actor) == ("suspend", "system")
    assert "30 fresh labels the judge agrees with 0" in decision.reason
    assert code_of(scene) == "approval_suspended"
    assert take(scene, fresh(scene, "0" * 5)) is None
    assert Decision.objects.filter(kind="suspend").count() == 1


def test_the_state_does_not_depend_on_how_the_labels_came(scene: Scene) -> None:
    approving.approved(scene)
    labels = fresh(scene, "1101110111001")
    for one in labels:
        take(scene, [one, labels[0]])
    single = state(scene)
    DriftLabel.objects.all().delete()
    take(scene, labels)
    whole = state(scene)
    assert single.drift is not None
    assert whole.drift is not None
    assert single.drift.path.tolist() == whole.drift.path.tolist()
    assert list(DriftLabel.objects.values_list("number", flat=True)) == list(range(1, 14))


def test_after_a_reinstatement_the_alarm_begins_anew(scene: Scene) -> None:
    approving.approved(scene)
    take(scene, fresh(scene, "0" * 30))
    suspending.reinstate(
        standing_id=Standing.objects.get().pk,
        reason="The raters were new.",
        by=scene.cast.ada,
        now=timezone.now(),
    )
    assert state(scene).labels == 0
    assert take(scene, fresh(scene, "0")) is None
    assert code_of(scene) == ""
    assert take(scene, fresh(scene, "0" * 30)) is not None
    assert Decision.objects.filter(kind="suspend").count() == 2


def test_labels_of_what_is_not_covered_are_left_out(scene: Scene) -> None:
    approving.approved(scene)
    standing = Standing.objects.get()
    labels = fresh(scene, "000")
    now = timezone.now()
    assert not drifting.take(standing_id=standing.pk, dimension_key="tone", labels=labels, now=now)
    assert not drifting.take(
        standing_id=standing.pk + 1, dimension_key="preference", labels=labels, now=now
    )
    assert not DriftLabel.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_labels_that_come_at_once_suspend_once(scene: Scene) -> None:
    approving.approved(scene)
    labels = fresh(scene, "0" * 40)
    parts = [labels[at::4] for at in range(4)]
    found = at_once([partial(take, scene, part) for part in parts])
    assert sum(one is not None for one in found) == 1
    assert Decision.objects.filter(kind="suspend").count() == 1
    numbers = DriftLabel.objects.order_by("number").values_list("number", flat=True)
    assert list(numbers) == list(range(1, 41))


@pytest.mark.django_db(transaction=True)
def test_without_the_condition_on_the_flag_each_of_them_would_suspend(scene: Scene) -> None:
    """The guard taken away: reading the flag and writing it later lets all of them through."""
    approving.approved(scene)
    ready = threading.Barrier(3, timeout=60)

    def naive() -> None:
        standing = Standing.objects.select_related("judge", "version").get()
        is_suspended = standing.is_suspended
        ready.wait()
        if not is_suspended:
            decisions.about_standing(
                standing, kind=DecisionKind.SUSPEND, actor="system", reason="Drift."
            )
            Standing.objects.update(is_suspended=True)

    at_once([naive, naive, naive])
    assert Decision.objects.filter(kind="suspend").count() == 3


# Its page -----------------------------------------------------------------------------------------


def read(person: User, scene: Scene) -> str:
    answer = client_for(person).get(reverse("standing", args=["support", scene.judge.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_says_what_stands_and_what_ends_it(scene: Scene) -> None:
    assert "no approval stands" in read(scene.cast.noor, scene)
    approving.approved(scene)
    text = read(scene.cast.noor, scene)
    standing = Standing.objects.get()
    assert "in force" in text
    assert f"{standing.valid_until:%Y}" in text
    assert "no fresh label has come yet" in text
    assert "It passed." in text
    assert "Suspend …" not in text
    assert "Suspend …" in read(scene.cast.ada, scene)


def test_the_page_draws_the_alarm_and_tells_the_history(scene: Scene) -> None:
    approving.approved(scene)
    take(scene, fresh(scene, "0" * 30))
    text = read(scene.cast.ada, scene)
    assert "<svg" in text
    assert "above the limit" in text
    assert "0 of 30 fresh labels" in text
    assert text.index("Drift on") < text.index("It passed.")
    assert "Plumbline itself" in text
    assert "Reinstate …" in text


def test_an_admin_suspends_and_reinstates_on_pages(scene: Scene) -> None:
    approving.approved(scene)
    ada = client_for(scene.cast.ada)
    for name, flag in (("standing_suspend", True), ("standing_reinstate", False)):
        path = reverse(name, args=["support", scene.judge.pk])
        assert ada.get(path).status_code == 200
        assert ada.post(path, {"reason": " "}).status_code == 422
        assert ada.post(path, {"reason": "Looked at it."}).status_code == 302
        assert Standing.objects.get().is_suspended is flag
        assert client_for(scene.cast.lea).post(path, {"reason": "x"}).status_code == 403


def test_what_ended_by_itself_is_called_so_wherever_it_is_listed(scene: Scene) -> None:
    approving.approved(scene)
    lists = [
        reverse("approvals", args=["support"]),
        reverse("version_alignment", args=["support", scene.version.pk]),
    ]
    ada = client_for(scene.cast.ada)
    _, secret = builders.make_token(scene.project, scopes=[Scope.READ])
    machine = Client(headers={"Authorization": f"Bearer {secret}"})
    listed, version = (ada.get(path).content.decode() for path in lists)
    assert '<span class="steps__next">approved</span>' in listed
    assert "ended</span>" not in listed
    assert "0 wait, 1 in force" in listed
    assert "approved until" in version
    [told] = machine.get("/api/v1/projects/support/judges").json()
    assert told["standing"]["ended_because"] == ""

    following_major(scene)
    listed, version = (ada.get(path).content.decode() for path in lists)
    assert "The guideline is at 2.0 now" in listed
    assert "ended</span>" in listed
    assert "0 wait, 0 in force" in listed
    assert '<span class="steps__next">approved</span>' not in listed
    assert "approved until" not in version
    [told] = machine.get("/api/v1/projects/support/judges").json()
    assert "The guideline is at 2.0 now" in told["standing"]["ended_because"]
    assert code_of(scene) == "approval_expired"


def following_major(scene: Scene) -> None:
    """Version 2.0 of the judge's guideline, in force."""
    before = scene.guideline
    type(before).objects.filter(pk=before.pk).update(state="superseded")
    type(before).objects.create(
        guideline=before.guideline, major=2, minor=0, state="published", published_at=NOON
    )


def test_a_twins_author_is_offered_no_act_that_would_be_refused(scene: Scene) -> None:
    asked = approving.measured(scene)
    builders.join(scene.project, scene.cast.noor, Role.ADMIN)
    twin = judging.make_judge(scene.project, scene.guideline, name="Twin")
    judging.make_version(twin, scene.guideline, author=scene.cast.noor, model=approving.PLUMB)
    noor = client_for(scene.cast.noor)
    page = noor.get(reverse("approval", args=["support", asked.pk])).content.decode()
    assert 'value="refuse"' not in page
    assert "You wrote this version" in page
    decisions.decide(
        request_id=asked.pk, approve=PREFERENCE, reason="Yes.", by=scene.cast.ada, now=NOON
    )
    text = read(scene.cast.noor, scene)
    assert "Suspend …" not in text
    assert "You wrote this version" in text


def test_the_history_calls_dimensions_by_their_names(scene: Scene) -> None:
    decision = approving.approved(scene)
    told = {"preference": "approve", "no-longer-there": "refuse"}
    Decision.objects.filter(pk=decision.pk).update(dimensions=told)
    text = read(scene.cast.noor, scene)
    assert "<bdi>Preference</bdi>: approved" in text
    assert "<bdi>no-longer-there</bdi>: refused" in text


def test_an_expired_one_says_so(scene: Scene) -> None:
    approving.approved(scene)
    Standing.objects.update(valid_until=NOON)
    text = read(scene.cast.ada, scene)
    assert "ended" in text
    assert "have it measured anew" in text


# From a drift round -------------------------------------------------------------------------------


def drift_round(scene: Scene, *, items: int, right: bool) -> Round:
    """Three raters call each of these development items A; the approved judge does too, or B."""
    raters = [
        builders.rater_of(
            scene.project,
            builders.join(scene.project, builders.make_user(username=name), Role.RATER),
        )
        for name in ("dora", "emil", "fee")
    ]
    chosen = list(
        Item.objects.filter(dataset=scene.dataset)
        .exclude(pk__in=touching_sealed(Item.objects.all(), scene.project.pk).values("pk"))
        .order_by("pk")[:items]
    )
    assert len(chosen) == items
    # As if they had come after the version was saved: others are not fresh.
    Item.objects.filter(pk__in=[item.pk for item in chosen]).update(created_at=timezone.now())
    round_ = builders.make_round(
        scene.dataset, scene.guideline, items=chosen, raters=raters, overlap=3, kind=RoundKind.DRIFT
    )
    for item in chosen:
        for rater in raters:
            builders.make_rating(round_, item, rater, labels={"preference": "A"})
    Assignment.objects.filter(round=round_, state="submitted").update(
        submitted_at=timezone.now() + timedelta(seconds=5)
    )
    run = judging.make_run(scene.version, dataset=scene.dataset)
    JudgeLabel.objects.bulk_create(
        JudgeLabel(
            run=run,
            item=item,
            dimension_key="preference",
            label="A" if right else "B",
            outcome="ok",
        )
        for item in chosen
    )
    return round_


def wide_scene() -> Scene:
    """Enough sealed items for the gate, and enough others for a drift round."""
    return approving.make_scene(pairs=300, share=0.8)


@pytest.mark.parametrize(("right", "status"), [(True, ""), (False, "approval_suspended")])
def test_a_drift_round_feeds_the_alarm(right: bool, status: str) -> None:
    scene = wide_scene()
    approving.approved(scene)
    round_ = drift_round(scene, items=20, right=right)
    assert drift_feeding.reconcile(timezone.now()) == 1
    assert drift_feeding.reconcile(timezone.now()) == 0
    jobs.run(Job.objects.get(kind=drift_feeding.FEED).pk)
    assert drift_feeding.reconcile(timezone.now()) == 0
    found = state(scene)
    assert (found.labels, found.agreeing) == (20, 20 if right else 0)
    assert code_of(scene) == status
    assert drift_feeding.feed(round_id=round_.pk, now=timezone.now()) == 0
    assert DriftLabel.objects.count() == 20


def test_items_that_are_not_full_or_were_not_judged_wait() -> None:
    scene = wide_scene()
    approving.approved(scene)
    round_ = drift_round(scene, items=5, right=True)
    one, other = Item.objects.filter(round_items__round=round_).order_by("pk")[:2]
    taken_back = Assignment.objects.filter(round=round_, item=one).earliest("pk")
    Rating.objects.filter(assignment=taken_back).delete()
    Assignment.objects.filter(pk=taken_back.pk).update(
        state="open", rater=None, submitted_at=None, guideline_version=None
    )
    JudgeLabel.objects.filter(item=other, run__purpose="ordinary").delete()
    drift_feeding.feed(round_id=round_.pk, now=timezone.now())
    assert set(DriftLabel.objects.values_list("item", flat=True)) == set(
        Item.objects.filter(round_items__round=round_)
        .exclude(pk__in=[one.pk, other.pk])
        .values_list("pk", flat=True)
    )


def test_labels_from_before_the_approval_say_nothing_about_drift() -> None:
    scene = wide_scene()
    approving.approved(scene)
    round_ = drift_round(scene, items=5, right=False)
    Assignment.objects.filter(round=round_, state="submitted").update(submitted_at=NOON)
    Standing.objects.update(since=NOON + timedelta(days=1))
    drift_feeding.feed(round_id=round_.pk, now=timezone.now())
    assert not DriftLabel.objects.exists()
