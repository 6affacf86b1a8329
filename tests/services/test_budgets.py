"""Budgets of judges and months: reserved with the run's, and never passed. Over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib import import_module

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from core.errors import Invalid, OverBudget
from core.models import AuditEvent
from judges import queries, simulator
from judges.models import Attempt, Call, Judge, JudgeVersion, Purse, Run
from judges.queries import health
from judges.rules import budgets
from judges.services import calls, engine, ledger, purses, runs
from judges.services.pace import Pace
from judges.services.purses import Booking
from judges.simulator import Simulator
from judges.states import CallState, RunPurpose, RunState
from tests import judging
from tests.judging import QUICK, Scene

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]

THIS_MONTH = budgets.month_of(timezone.now())
CENT = Decimal("0.01")
NOTHING = Decimal(0)


@pytest.fixture
def sim(settings: Settings) -> Iterator[Simulator]:
    with simulator.start() as running:
        settings.SIMULATOR_URL = running.url
        yield running


def drained(run: Run) -> Run:
    engine.drain(run.pk, pace=QUICK)
    run.refresh_from_db()
    return run


def most_of_a_call(version: JudgeVersion) -> Decimal:
    """What one call of this version reserves."""
    said = runs.estimate(
        version=version, dataset=version.judge.project.datasets.get(), now=timezone.now()
    )
    return said.most / said.calls


def just_one_call(version: JudgeVersion) -> Decimal:
    """Once one call is paid, however little it cost, the next one does not fit."""
    return most_of_a_call(version) + Decimal("0.000002")


def set_judge(scene: Scene, budget: Decimal | None) -> None:
    purses.set_judge_budget(judge=scene.judge, budget=budget, actor="u1")


def set_month(scene: Scene, budget: Decimal | None, *, now: datetime | None = None) -> None:
    purses.set_month_budget(
        project=scene.project, budget=budget, actor="u1", now=now or timezone.now()
    )


def judges_purse(scene: Scene) -> Purse:
    return Purse.objects.get(judge=scene.judge)


def months_purse(scene: Scene, month: date = THIS_MONTH) -> Purse:
    return Purse.objects.get(project=scene.project, month=month)


def test_purses_hold_what_runs_spent_and_nothing_reserved(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=3)
    run = drained(judging.make_run(scene.version, dataset=scene.dataset))
    assert run.state == RunState.DONE, run.pause_reason
    for purse in (judges_purse(scene), months_purse(scene)):
        assert (purse.spent, purse.reserved) == (run.spent, NOTHING)
    assert health.purses_are_the_ledgers().is_ok


def test_a_judges_budget_pauses_its_run_and_names_it(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=4, both_orders=False)
    set_judge(scene, just_one_call(scene.version))
    run = drained(judging.make_run(scene.version, dataset=scene.dataset, concurrency=1))
    assert run.state == RunState.PAUSED
    assert run.pause_reason.startswith("The budget of the judge Helpful ($0.")
    assert "A lead raises it under Prices and budgets" in run.pause_reason
    purse = judges_purse(scene)
    assert purse.limit is not None
    assert 0 < purse.spent <= purse.limit
    assert run.reserved == purse.reserved == 0


def test_the_run_goes_on_where_it_stopped_when_the_budget_is_raised(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=4, both_orders=False)
    set_month(scene, just_one_call(scene.version))
    run = drained(judging.make_run(scene.version, dataset=scene.dataset, concurrency=1))
    assert run.state == RunState.PAUSED
    assert f"The project's budget for {THIS_MONTH:%B %Y}" in run.pause_reason
    asked = sim.stats()["requests"]
    assert 0 < asked < 4
    set_month(scene, Decimal(5))
    runs.resume(run=run, actor="u1")
    run = drained(run)
    assert run.state == RunState.DONE
    assert sim.stats()["requests"] == 4


def test_the_month_after_begins_with_the_budget_as_it_was_set(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1)
    past = timezone.now() - timedelta(days=40)
    set_month(scene, Decimal("0.5"), now=past)
    assert queries.month_purse(scene.project, now=timezone.now()).limit == Decimal("0.5")
    drained(judging.make_run(scene.version, dataset=scene.dataset))
    this = months_purse(scene)
    assert (this.limit, this.set_to) == (Decimal("0.5"), Decimal("0.5"))
    assert this.spent > 0
    assert months_purse(scene, budgets.month_of(past)).spent == 0


def test_a_release_finds_the_month_in_which_the_call_was_sent(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1, both_orders=False)
    run = judging.make_run(scene.version, dataset=scene.dataset)
    Run.objects.filter(pk=run.pk).update(
        state=RunState.RUNNING, owner="w", lease_until=timezone.now()
    )
    run.refresh_from_db()
    plan = calls.plan_of(run, timeout_seconds=3, most_failures=2)
    last = datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)
    rows = Call.objects.filter(run=run).select_related("item__content")
    (prepared,) = calls.prepare(plan, list(rows), now=last)
    assert isinstance(prepared, calls.Prepared)
    taken = ledger.take(plan, [prepared], owner="w", now=last)
    assert months_purse(scene, date(2026, 10, 1)).reserved == prepared.reserved.amount
    (sent,) = taken.sent
    ledger.abandon(
        run.pk, [sent.attempt_id], problem="Gone.", now=datetime(2026, 11, 1, tzinfo=UTC)
    )
    october = months_purse(scene, date(2026, 10, 1))
    assert (october.spent, october.reserved) == (prepared.reserved.amount, NOTHING)
    assert not Purse.objects.filter(month=date(2026, 11, 1)).exists()
    assert health.purses_are_the_ledgers().is_ok


def test_what_the_api_asks_is_paid_from_the_same_budgets(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=2)
    items = list(scene.dataset.items.order_by("pk"))
    spent = Decimal(0)
    for item, purpose in zip(items, (RunPurpose.PLAYGROUND, RunPurpose.APPROVAL), strict=True):
        spent += drained(judging.make_run(scene.version, items=[item], purpose=purpose)).spent
    assert judges_purse(scene).spent == months_purse(scene).spent == spent > 0


def test_a_judge_that_asks_no_model_needs_no_budget(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=2)
    version = judging.make_baseline(scene)
    set_month(scene, Decimal("0.000001"))
    assert drained(judging.make_run(version, dataset=scene.dataset)).state == RunState.DONE
    assert not Purse.objects.filter(judge=scene.judge).exists()


def held_by_another(scene: Scene, amount: Decimal) -> Run:
    """Another run of the judge, paused, with a call in flight that a worker may yet settle."""
    run = judging.make_run(scene.version, dataset=scene.dataset)
    call = Call.objects.filter(run=run).earliest("pk")
    Call.objects.filter(pk=call.pk).update(state=CallState.IN_FLIGHT, owner="w", tries=1)
    Attempt.objects.create(
        call=call, number=1, owner="w", reserved=amount, sent_at=timezone.now(),
        cache_key="k", prompt_digest="d",
    )  # fmt: skip
    Run.objects.filter(pk=run.pk).update(state=RunState.PAUSED, reserved=amount)
    with transaction.atomic():
        opened = both_purses(scene)
        purses.reserve(opened, amount)
        purses.keep(opened)
    return run


def both_purses(scene: Scene) -> list[Purse]:
    return purses.opened(project_id=scene.project.pk, judge_id=scene.judge.pk, months=[THIS_MONTH])


def book(scene: Scene, one: Booking) -> None:
    with transaction.atomic():
        opened = both_purses(scene)
        purses.book(opened, {THIS_MONTH: one})
        purses.keep(opened)


def test_a_run_waits_while_only_reservations_are_in_its_way_and_no_longer_than_an_answer(
    sim: Simulator,
) -> None:
    scene = judging.make_scene(pairs=1)
    most = most_of_a_call(scene.version)
    set_month(scene, most * 2)
    held_by_another(scene, most * Decimal("1.5"))
    run = judging.make_run(scene.version, dataset=scene.dataset)
    engine.drain(run.pk, pace=replace(QUICK, timeout=0.5))
    run.refresh_from_db()
    assert run.state == RunState.PAUSED
    assert run.pause_reason.endswith(engine.HELD_TOO_LONG)
    assert sim.stats()["requests"] == 0


def test_a_run_that_waited_goes_on_when_the_other_one_is_settled(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1)
    most = most_of_a_call(scene.version)
    set_month(scene, most * 2)
    held = most * Decimal("1.5")
    held_by_another(scene, held)
    run = judging.make_run(scene.version, dataset=scene.dataset)

    def settle_the_other() -> None:
        book(scene, Booking(released=held))
        connection.close()

    later = threading.Timer(1.0, settle_the_other)
    later.start()
    run = drained(run)
    later.join()
    assert run.state == RunState.DONE, run.pause_reason
    assert sim.stats()["requests"] == 2


def test_what_a_dead_worker_of_a_paused_run_holds_is_given_up(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1)
    other = held_by_another(scene, CENT)
    now = timezone.now()
    engine.reconcile(now)
    assert months_purse(scene).reserved == CENT
    engine.reconcile(now + timedelta(seconds=Pace().forgotten + 1))
    purse = months_purse(scene)
    assert (purse.spent, purse.reserved) == (CENT, NOTHING)
    other.refresh_from_db()
    assert (other.spent, other.reserved) == (CENT, NOTHING)
    assert other.state == RunState.PAUSED
    assert Attempt.objects.get(call__run=other).outcome == "unknown"
    assert health.purses_are_the_ledgers().is_ok


def test_a_bill_above_the_reservation_lifts_the_limit_and_is_written_down(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1)
    set_judge(scene, CENT)
    set_month(scene, CENT)
    book(scene, Booking(cost=Decimal("0.05")))
    for purse in (judges_purse(scene), months_purse(scene)):
        assert purse.limit is not None
        assert purse.limit > purse.spent == Decimal("0.05")
        assert purse.set_to == CENT
    verbs = set(AuditEvent.objects.filter(actor="system").values_list("verb", flat=True))
    assert {"judge.overcharged", "project.overcharged"} <= verbs


def test_no_month_after_begins_with_a_lifted_limit(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1)
    october = date(2026, 10, 1)
    Purse.objects.create(
        project=scene.project, month=october, limit=Decimal(9), set_to=CENT, spent=Decimal(8)
    )
    assert queries.carried_limit(scene.project.pk, date(2026, 11, 1)) == CENT


def test_the_database_refuses_a_purse_that_is_overdrawn() -> None:
    scene = judging.make_scene(pairs=0)
    set_judge(scene, CENT)
    with pytest.raises(IntegrityError), transaction.atomic():
        Purse.objects.filter(judge=scene.judge).update(spent=1)


@pytest.mark.parametrize("budget", [Decimal(0), Decimal(-1)])
def test_a_budget_is_more_than_nothing(budget: Decimal) -> None:
    scene = judging.make_scene(pairs=0)
    with pytest.raises(Invalid):
        set_judge(scene, budget)
    with pytest.raises(Invalid):
        set_month(scene, budget)
    assert not Purse.objects.exists()


def test_a_budget_below_what_is_spent_is_refused() -> None:
    scene = judging.make_scene(pairs=0)
    set_month(scene, Decimal(9))
    Purse.objects.update(spent=Decimal(3), reserved=Decimal(1))
    with pytest.raises(OverBudget) as refusal:
        set_month(scene, Decimal(4))
    assert "$4.00 is spent or reserved already" in refusal.value.sentence
    set_month(scene, Decimal("4.01"))
    set_month(scene, None)
    assert months_purse(scene).limit is None


def test_setting_a_budget_is_in_the_audit_trail() -> None:
    scene = judging.make_scene(pairs=0)
    set_judge(scene, CENT)
    set_month(scene, None)
    rows = AuditEvent.objects.order_by("pk").filter(verb__endswith=".budget_set")
    assert [(row.verb, row.actor, row.data["budget"]) for row in rows] == [
        ("judge.budget_set", "u1", "0.01"),
        ("project.budget_set", "u1", ""),
    ]
    assert rows[1].data["month"] == THIS_MONTH.isoformat()


def test_the_doctor_finds_a_purse_that_differs_and_spending_without_one(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1)
    drained(judging.make_run(scene.version, dataset=scene.dataset))
    assert health.purses_are_the_ledgers().is_ok
    Purse.objects.filter(judge=scene.judge).update(reserved=CENT)
    assert not health.purses_are_the_ledgers().is_ok
    Purse.objects.all().delete()
    found = health.purses_are_the_ledgers()
    assert (found.is_ok, found.sentence) == (False, "2 budgets differ from the ledger.")


def test_what_was_spent_before_there_were_purses_is_put_into_them(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=2)
    held_by_another(scene, CENT)
    drained(judging.make_run(scene.version, dataset=scene.dataset))
    kept = set(Purse.objects.values_list("judge", "month", "spent", "reserved"))
    Purse.objects.all().delete()
    import_module("judges.migrations.0002_money").fill(apps, None)
    assert set(Purse.objects.values_list("judge", "month", "spent", "reserved")) == kept
    assert health.purses_are_the_ledgers().is_ok


def test_taking_and_settling_cost_the_same_queries_whatever_their_number(
    sim: Simulator, django_assert_max_num_queries: object
) -> None:
    scene = judging.make_scene(pairs=30, both_orders=False)
    run = judging.make_run(scene.version, dataset=scene.dataset)
    Run.objects.filter(pk=run.pk).update(
        state=RunState.RUNNING, owner="w", lease_until=timezone.now()
    )
    plan = calls.plan_of(run, timeout_seconds=3, most_failures=2)
    rows = list(Call.objects.filter(run=run).select_related("item__content"))
    prepared = [
        one
        for one in calls.prepare(plan, rows, now=timezone.now())
        if isinstance(one, calls.Prepared)
    ]
    ledger.take(plan, prepared[:5], owner="w", now=timezone.now())
    with django_assert_max_num_queries(13):  # type: ignore[operator]
        taken = ledger.take(plan, prepared[5:], owner="w", now=timezone.now())
    assert len(taken.sent) == 25
    assert Judge.objects.get().purse.reserved == sum(
        (one.reserved.amount for one in prepared), Decimal(0)
    )
