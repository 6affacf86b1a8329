"""Runs and workers at the same time against one budget, on either database: it is never passed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from functools import partial

import pytest
from django.utils import timezone
from pytest_django import Settings

from annotation.models import Item
from judges.models import Call, Purse, Run
from judges.queries import health
from judges.rules import budgets
from judges.services import calls, ledger, purses
from judges.services.calls import Plan, Prepared, Settlement
from judges.services.ledger import Sent
from judges.states import RunState
from tests import judging
from tests.concurrency.racing import PATIENCE, at_once
from tests.judging import Scene

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]

OWNER = "worker"
Work = tuple[Plan, list[Prepared]]


@pytest.fixture(autouse=True)
def _local_simulator(settings: Settings) -> None:
    """An address is enough: nothing is sent here."""
    settings.SIMULATOR_URL = "http://127.0.0.1:9"


def claimed_runs(scene: Scene, count: int) -> list[Work]:
    """Runs over the same items, each held by a worker, with what it could send."""
    made = []
    for _ in range(count):
        run = judging.make_run(scene.version, items=list(Item.objects.order_by("pk")))
        Run.objects.filter(pk=run.pk).update(
            state=RunState.RUNNING, owner=OWNER, lease_until=timezone.now()
        )
        run.refresh_from_db()
        plan = calls.plan_of(run, timeout_seconds=3, most_failures=2)
        rows = list(Call.objects.filter(run=run).select_related("item__content").order_by("pk"))
        ready = [
            one
            for one in calls.prepare(plan, rows, now=timezone.now())
            if isinstance(one, Prepared)
        ]
        made.append((plan, ready))
    return made


def budget_for(scene: Scene, works: list[Work], *, calls_paid: int) -> Decimal:
    """A month's budget that pays for so many of the calls at their most, and not for one more."""
    budget = calls_paid * works[0][1][0].reserved.amount + budgets.SPARE
    purses.set_month_budget(project=scene.project, budget=budget, actor="u1", now=timezone.now())
    return budget


def ended(sent: Sent, cost: Decimal) -> Settlement:
    return Settlement(
        prepared=sent.prepared,
        outcome="refused",
        problem="",
        cost=cost,
        call_outcome=None,
    )


def spend(work: Work, *, settles: bool) -> int:
    """Send one call after the other until the budget is reached; how many were sent."""
    plan, ready = work
    count = 0
    for one in ready:
        taken = ledger.take(plan, [one], owner=OWNER, now=timezone.now())
        count += len(taken.sent)
        if settles:
            done = [(sent, ended(sent, one.reserved.amount)) for sent in taken.sent]
            ledger.settle(plan, done, owner=OWNER, now=timezone.now())
    return count


def test_control_looking_first_lets_two_runs_past_the_months_budget() -> None:
    """What a budget must not be: looked at first, reserved later."""
    scene = judging.make_scene(pairs=1, both_orders=False)
    works = claimed_runs(scene, 2)
    budget = budget_for(scene, works, calls_paid=1)
    pause = threading.Barrier(2, timeout=PATIENCE)

    def look_then_reserve(work: Work) -> Decimal:
        (one,) = work[1]
        purse = Purse.objects.get(month__isnull=False)
        does_fit = purse.spent + purse.reserved + one.reserved.amount <= budget
        pause.wait()
        return one.reserved.amount if does_fit else Decimal(0)

    assert sum(at_once([partial(look_then_reserve, work) for work in works])) > budget


@pytest.mark.parametrize("settles", [False, True])
def test_runs_at_once_never_pass_the_budget_of_the_month(settles: bool) -> None:
    scene = judging.make_scene(pairs=6, both_orders=False)
    works = claimed_runs(scene, 3)
    budget = budget_for(scene, works, calls_paid=7)
    sent = at_once([partial(spend, work, settles=settles) for work in works])
    assert sum(sent) == 7
    purse = Purse.objects.get(month__isnull=False)
    assert purse.spent + purse.reserved <= budget
    assert health.purses_are_the_ledgers().is_ok


def test_two_judges_of_one_month_wait_for_each_other_and_never_for_ever() -> None:
    """Purses are locked in one order, made by whoever comes first, and add up afterwards."""
    scene = judging.make_scene(pairs=6, both_orders=False)
    other = judging.make_judge(scene.project, scene.guideline, name="Second")
    second = judging.make_version(other, scene.guideline, both_orders=False)
    both = [scene, Scene(scene.project, scene.dataset, scene.guideline, other, second)]
    works = [work for one in both for work in claimed_runs(one, 2)]
    sent = at_once([partial(spend, work, settles=True) for work in works])
    assert sent == [6, 6, 6, 6]
    assert Purse.objects.count() == 3
    assert health.purses_are_the_ledgers().is_ok


def test_a_budget_that_is_set_meanwhile_is_held_from_then_on() -> None:
    scene = judging.make_scene(pairs=8, both_orders=False)
    works = claimed_runs(scene, 2)
    most = works[0][1][0].reserved.amount

    def limit() -> int:
        purses.set_judge_budget(judge=scene.judge, budget=20 * most, actor="u1")
        return 0

    acts: list[Callable[[], int]] = [partial(spend, work, settles=False) for work in works]
    at_once([*acts, limit])
    purse = Purse.objects.get(judge=scene.judge)
    assert purse.limit == 20 * most
    assert purse.spent + purse.reserved == 16 * most
