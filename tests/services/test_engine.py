"""The engine over real HTTP: the real SDK asks the real simulator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count, Sum
from django.utils import timezone
from pytest_django import Settings

from core import stopping
from judges import simulator
from judges.models import Attempt, Call, JudgeLabel, Run, Verdict
from judges.queries import health
from judges.rules.verdicts import Outcome
from judges.services import combining, engine, hooks, lease, ledger, playground, runs
from judges.simulator import Simulator
from judges.states import AttemptState, CallState, RunPurpose, RunState
from tests import builders, judging
from tests.judging import QUICK

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]


@pytest.fixture
def sim(settings: Settings) -> Iterator[Simulator]:
    with simulator.start() as running:
        settings.SIMULATOR_URL = running.url
        yield running


def drained(run: Run) -> Run:
    engine.drain(run.pk, pace=QUICK)
    run.refresh_from_db()
    return run


def test_a_run_over_pairs_asks_both_orders_and_combines_them(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=5)
    run = drained(judging.make_run(scene.version, dataset=scene.dataset))
    assert run.state == RunState.DONE, run.pause_reason
    assert run.combined_at is not None
    assert Call.objects.filter(run=run, outcome=Outcome.OK).count() == 10
    assert Verdict.objects.filter(call__run=run).count() == 10
    assert JudgeLabel.objects.filter(run=run, outcome=Outcome.OK).count() == 5
    assert sim.stats()["requests"] == 10


def test_the_prompt_leaves_with_the_attempt_already_in_the_ledger(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1)
    run = drained(judging.make_run(scene.version, dataset=scene.dataset))
    attempts = Attempt.objects.filter(call__run=run)
    assert attempts.count() == 2
    for attempt in attempts:
        assert attempt.state == AttemptState.FINAL
        assert attempt.reserved > 0
        assert attempt.cost is not None
        assert 0 < attempt.cost < attempt.reserved
        assert attempt.model_answered == judging.PLUMB
        assert attempt.price_source == "simulated price list"
        assert attempt.answer


def test_the_ledger_adds_up_to_what_the_run_spent(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=4)
    run = drained(judging.make_run(scene.version, dataset=scene.dataset))
    assert Attempt.objects.filter(call__run=run).aggregate(sum=Sum("cost"))["sum"] == run.spent
    assert run.reserved == 0


def test_an_answer_given_before_is_not_asked_again(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=3)
    drained(judging.make_run(scene.version, dataset=scene.dataset))
    again = drained(judging.make_run(scene.version, dataset=scene.dataset))
    assert again.state == RunState.DONE
    assert sim.stats()["requests"] == 6
    assert again.spent == 0
    assert Call.objects.filter(run=again, is_cached=True, outcome=Outcome.OK).count() == 6
    assert JudgeLabel.objects.filter(run=again, outcome=Outcome.OK).count() == 3


def test_an_approval_neither_takes_from_the_cache_nor_feeds_it(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=2)
    items = list(scene.dataset.items.all())
    approval = judging.make_run(scene.version, items=items, purpose=RunPurpose.APPROVAL)
    drained(approval)
    ordinary = drained(judging.make_run(scene.version, items=items))
    assert not Call.objects.filter(run=ordinary, is_cached=True).exists()
    second = drained(judging.make_run(scene.version, items=items, purpose=RunPurpose.APPROVAL))
    assert not Call.objects.filter(run=second, is_cached=True).exists()
    assert sim.stats()["requests"] == 12


def test_samples_are_asked_apart(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=2, samples=3)
    run = drained(judging.make_run(scene.version, dataset=scene.dataset))
    assert Call.objects.filter(run=run, outcome=Outcome.OK).count() == 12
    assert JudgeLabel.objects.filter(run=run).count() == 2


@pytest.mark.parametrize("doing", ["rate_limit", "overloaded", "error", "drop", "bad_body"])
def test_a_passing_failure_is_tried_again(sim: Simulator, doing: str) -> None:
    scene = judging.make_scene(pairs=2)
    sim.script({"do": doing, "times": 1})
    run = drained(judging.make_run(scene.version, dataset=scene.dataset))
    assert run.state == RunState.DONE
    assert Call.objects.filter(run=run, outcome=Outcome.OK).count() == 4
    assert Attempt.objects.filter(call__run=run, outcome="transient").count() == 1


def test_a_failure_that_lasts_is_named_and_no_score(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=2)
    sim.script({"do": "error", "times": 50, "contains": "Question 0"})
    run = drained(judging.make_run(scene.version, dataset=scene.dataset))
    assert run.state == RunState.DONE
    failed = Call.objects.filter(run=run, outcome=Outcome.FAILED)
    assert failed.count() == 2
    assert all("500" in call.problem for call in failed)
    labels = dict(JudgeLabel.objects.filter(run=run).values_list("item__external_id", "outcome"))
    assert labels == {"p0": "failed", "p1": "ok"}


def test_an_answer_that_never_comes_ends_and_is_booked_at_its_reservation(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1, both_orders=False)
    sim.script({"do": "hang", "times": 1, "seconds": 30})
    run = drained(judging.make_run(scene.version, dataset=scene.dataset))
    late = Attempt.objects.get(call__run=run, outcome="transient")
    assert late.cost == late.reserved
    assert run.state == RunState.DONE
    assert Call.objects.get(run=run).outcome == Outcome.OK


@pytest.mark.parametrize("doing", ["bad_json", "prose", "fenced", "out_of_scale"])
def test_an_answer_outside_the_form_is_repaired_once(sim: Simulator, doing: str) -> None:
    scene = judging.make_scene(pairs=1, both_orders=False)
    sim.script({"do": doing, "times": 1})
    run = drained(judging.make_run(scene.version, dataset=scene.dataset))
    call = Call.objects.get(run=run)
    assert call.outcome == Outcome.OK
    assert list(call.attempts.order_by("number").values_list("outcome", flat=True)) == [
        "invalid",
        "ok",
    ]


def test_an_answer_that_stays_outside_the_form_is_invalid(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1, both_orders=False)
    sim.script({"do": "prose", "times": 2})
    run = drained(judging.make_run(scene.version, dataset=scene.dataset))
    call = Call.objects.get(run=run)
    assert call.outcome == Outcome.INVALID
    assert call.problem
    assert not Verdict.objects.filter(call=call).exists()
    assert JudgeLabel.objects.get(run=run).outcome == Outcome.INVALID


def test_an_answer_cut_off_gets_twice_the_room_once(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1, both_orders=False)
    sim.script({"do": "truncated", "times": 2})
    run = drained(judging.make_run(scene.version, dataset=scene.dataset))
    call = Call.objects.get(run=run)
    assert call.outcome == Outcome.TRUNCATED
    first, second = call.attempts.order_by("number")
    assert second.reserved > first.reserved


def test_a_refusal_is_an_outcome(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1, both_orders=False)
    sim.script({"do": "refusal", "times": 1})
    run = drained(judging.make_run(scene.version, dataset=scene.dataset))
    assert Call.objects.get(run=run).outcome == Outcome.REFUSED
    assert Attempt.objects.get(call__run=run).is_cache_source is False


@pytest.mark.parametrize("doing", ["too_large", "too_long"])
def test_an_item_that_does_not_fit_is_named_at_once(sim: Simulator, doing: str) -> None:
    scene = judging.make_scene(pairs=1, both_orders=False)
    sim.script({"do": doing, "times": 1})
    run = drained(judging.make_run(scene.version, dataset=scene.dataset))
    assert Call.objects.get(run=run).outcome == Outcome.CONTEXT
    assert Attempt.objects.filter(call__run=run).count() == 1


def test_one_order_without_a_verdict_leaves_the_pair_without_a_label(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1)
    sim.script({"do": "refusal", "times": 1})
    run = drained(judging.make_run(scene.version, dataset=scene.dataset))
    assert JudgeLabel.objects.get(run=run).outcome == Outcome.REFUSED


@pytest.mark.parametrize(
    ("doing", "outcome"),
    [("unauthorized", "configuration"), ("payment", "money"), ("spend_limit", "money")],
)
def test_a_failure_that_a_person_must_mend_pauses_the_run(
    sim: Simulator, doing: str, outcome: str
) -> None:
    scene = judging.make_scene(pairs=3)
    sim.script({"do": doing, "times": 1})
    run = drained(judging.make_run(scene.version, dataset=scene.dataset, concurrency=1))
    assert run.state == RunState.PAUSED
    assert run.pause_reason
    assert run.reserved == 0
    assert Attempt.objects.filter(call__run=run, outcome=outcome).count() == 1
    runs.resume(run=run, actor="u1")
    assert drained(run).state == RunState.DONE
    assert Call.objects.filter(run=run, outcome=Outcome.OK).count() == 6


def test_a_run_without_a_simulator_pauses_and_says_so(sim: Simulator, settings: Settings) -> None:
    scene = judging.make_scene(pairs=1)
    run = judging.make_run(scene.version, dataset=scene.dataset)
    settings.SIMULATOR_URL = ""
    assert drained(run).state == RunState.PAUSED
    assert "simulator" in run.pause_reason


def test_the_budget_is_never_exceeded_and_the_run_goes_on_when_it_is_raised(
    sim: Simulator,
) -> None:
    scene = judging.make_scene(pairs=6)
    # A reservation is $0.0091 and a true cost $0.0004: three or four calls fit.
    run = judging.make_run(scene.version, dataset=scene.dataset, budget=Decimal("0.0105"))
    run = drained(run)
    assert run.state == RunState.PAUSED
    assert "budget" in run.pause_reason
    assert run.spent + run.reserved <= Decimal("0.0105")
    some = Call.objects.filter(run=run, outcome=Outcome.OK).count()
    assert 0 < some < 12
    runs.set_budget(run=run, budget=Decimal(1), actor="u1")
    runs.resume(run=run, actor="u1")
    run = drained(run)
    assert run.state == RunState.DONE
    assert sim.stats()["requests"] == 12


def test_an_answer_without_usage_is_booked_at_its_reservation(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1, both_orders=False)
    sim.script({"do": "no_usage", "times": 1})
    run = drained(judging.make_run(scene.version, dataset=scene.dataset))
    attempt = Attempt.objects.get(call__run=run)
    assert attempt.cost == attempt.reserved == run.spent


def test_what_a_dead_owner_left_in_flight_is_named_unknown_and_asked_again(
    sim: Simulator,
) -> None:
    scene = judging.make_scene(pairs=2)
    run = judging.make_run(scene.version, dataset=scene.dataset)
    past = timezone.now() - timedelta(seconds=60)
    assert lease.claim(run.pk, owner="dead", now=past, seconds=4) is lease.Claim.FRESH
    call = Call.objects.filter(run=run).order_by("pk")[0]
    Call.objects.filter(pk=call.pk).update(state=CallState.IN_FLIGHT, owner="dead", tries=1)
    Attempt.objects.create(
        call=call, number=1, owner="dead", reserved=Decimal("0.01"), sent_at=past,
        cache_key="k", prompt_digest="d",
    )  # fmt: skip
    Run.objects.filter(pk=run.pk).update(reserved=Decimal("0.01"))
    run = drained(run)
    assert run.state == RunState.DONE
    lost = Attempt.objects.get(call=call, number=1)
    assert (lost.outcome, lost.cost) == ("unknown", Decimal("0.01"))
    assert Attempt.objects.get(call=call, number=2).outcome == "ok"
    assert run.reserved == 0


def test_a_run_that_somebody_holds_is_left_alone(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1)
    run = judging.make_run(scene.version, dataset=scene.dataset)
    lease.claim(run.pk, owner="other", now=timezone.now(), seconds=60)
    engine.drain(run.pk, pace=QUICK)
    assert sim.stats()["requests"] == 0


def test_a_late_answer_of_an_owner_that_was_given_up_changes_nothing(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1, both_orders=False)
    run = drained(judging.make_run(scene.version, dataset=scene.dataset))
    attempt = Attempt.objects.get(call__run=run)
    changed = Attempt.objects.filter(pk=attempt.pk, state=AttemptState.SENT).update(
        state=AttemptState.FINAL, outcome="refused"
    )
    assert changed == 0
    attempt.refresh_from_db()
    assert attempt.outcome == "ok"


def test_a_worker_that_shuts_down_claims_no_more_and_hands_the_run_on(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=3)
    run = judging.make_run(scene.version, dataset=scene.dataset)
    stopping.request()
    try:
        run = drained(run)
    finally:
        stopping.forget()
    assert run.state == RunState.PLANNED
    assert run.lease_until is None
    assert sim.stats()["requests"] == 0
    assert drained(run).state == RunState.DONE


def test_only_what_failed_is_tried_again(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=2)
    sim.script({"do": "refusal", "times": 1})
    run = drained(judging.make_run(scene.version, dataset=scene.dataset))
    assert runs.retry_failed(run=run, actor="u1") == 1
    run = drained(run)
    assert sim.stats()["requests"] == 5
    assert run.combined_at is not None
    assert JudgeLabel.objects.filter(run=run, outcome=Outcome.OK).count() == 2


def test_a_command_tries_what_failed_again(
    sim: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = judging.make_scene(pairs=2)
    sim.script({"do": "refusal", "times": 1})
    run = drained(judging.make_run(scene.version, dataset=scene.dataset))
    call_command("retry_run", "support", str(run.pk), wait=True)
    said = capsys.readouterr().out
    assert f"Run {run.pk}: 1 call is asked again." in said
    assert "is done: 4 ok" in said
    assert sim.stats()["requests"] == 5
    with pytest.raises(CommandError, match="Every call of this run has a verdict") as refusal:
        call_command("retry_run", "support", str(run.pk))
    assert refusal.value.returncode == 2
    builders.make_project(slug="other")
    with pytest.raises(CommandError, match="There is no run"):
        call_command("retry_run", "other", str(run.pk))


def test_the_longer_response_is_judged_without_any_request(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=2)
    version = judging.make_baseline(scene)
    run = drained(judging.make_run(version, dataset=scene.dataset))
    assert run.state == RunState.DONE
    assert sim.stats()["requests"] == 0
    assert run.spent == 0
    assert set(JudgeLabel.objects.filter(run=run).values_list("label", flat=True)) == {"B"}


def test_watchers_are_told_once_when_a_run_has_ended(sim: Simulator) -> None:
    told: list[int] = []
    scene = judging.make_scene(pairs=1)
    hooks.on_finished("test", told.append)
    try:
        run = drained(judging.make_run(scene.version, dataset=scene.dataset))
        combining.combine(run.pk, now=timezone.now())
    finally:
        hooks.forget("test")
    assert told == [run.pk]


def test_every_call_has_one_attempt_that_counts(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=5)
    sim.script({"do": "error", "times": 2}, {"do": "prose", "times": 2})
    run = drained(judging.make_run(scene.version, dataset=scene.dataset))
    good = Call.objects.filter(run=run, attempts__outcome="ok").annotate(n=Count("attempts"))
    assert good.count() == 10
    assert sim.stats()["requests"] == Attempt.objects.filter(call__run=run).count()


def test_a_guard_pauses_a_run_before_its_next_calls(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1)
    items = list(scene.dataset.items.all())
    run = judging.make_run(scene.version, items=items, purpose=RunPurpose.PLAYGROUND)
    hooks.before_calls(RunPurpose.PLAYGROUND, lambda _run_id: "Not now.")
    try:
        run = drained(run)
    finally:
        hooks.before_calls(RunPurpose.PLAYGROUND, playground.objection)
    assert (run.state, run.pause_reason) == (RunState.PAUSED, "Not now.")
    assert sim.stats()["requests"] == 0


def test_a_bill_above_the_reservation_is_booked_as_it_came(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1, both_orders=False)
    run = judging.make_run(scene.version, dataset=scene.dataset, budget=Decimal("0.02"))
    locked = Run.objects.get(pk=run.pk)
    ledger.book(locked, released=Decimal(0), cost=Decimal("0.05"))
    ledger._keep(locked, ())
    run.refresh_from_db()
    assert run.spent == Decimal("0.05")
    assert run.budget is not None
    assert run.budget > run.spent


def test_an_erased_item_ends_its_calls_with_the_reason(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=2)
    run = judging.make_run(scene.version, dataset=scene.dataset)
    item = scene.dataset.items.select_related("content").get(external_id="p0")
    assert item.content is not None
    item.content.body, item.content.erased_at = {}, timezone.now()
    item.content.save()
    run = drained(run)
    assert run.state == RunState.DONE
    gone = Call.objects.filter(run=run, item=item)
    assert {call.outcome for call in gone} == {"failed"}
    assert "erased" in gone[0].problem
    assert sim.stats()["requests"] == 2


def test_the_reconciler_wakes_what_nobody_holds(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1)
    run = judging.make_run(scene.version, dataset=scene.dataset)
    now = timezone.now()
    assert engine.reconcile(now) == 1
    lease.claim(run.pk, owner="other", now=now, seconds=60)
    assert engine.reconcile(now) == 0
    assert engine.reconcile(now + timedelta(seconds=61)) == 1
    runs.cancel(run=run, actor="u1", now=now)
    assert engine.reconcile(now + timedelta(seconds=61)) == 0


def test_an_ended_run_that_was_never_combined_is_woken(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1)
    run = drained(judging.make_run(scene.version, dataset=scene.dataset))
    JudgeLabel.objects.filter(run=run).delete()
    Run.objects.filter(pk=run.pk).update(combined_at=None)
    assert combining.forgotten(timezone.now() + timedelta(seconds=10)) == [run.pk]
    combining.combine(run.pk, now=timezone.now())
    assert JudgeLabel.objects.filter(run=run).count() == 1


def test_the_command_runs_the_newest_version_and_waits(
    sim: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    judging.make_scene(pairs=2)
    call_command("run_judge", "support", "helpful", dataset="week 46", budget="1", wait=True)
    said = capsys.readouterr().out
    assert "4 calls on 2 items" in said
    assert "is done: 4 ok" in said


@pytest.mark.parametrize(
    ("judge", "dataset", "budget", "words"),
    [
        ("nobody", "week 46", "1", "no judge"),
        ("helpful", "nothing", "1", "no dataset"),
        ("helpful", "week 46", "lots", "amount"),
        ("helpful", "week 46", "0", "more than nothing"),
    ],
)
def test_the_command_refuses_with_a_sentence(
    sim: Simulator, judge: str, dataset: str, budget: str, words: str
) -> None:
    judging.make_scene(pairs=1)
    with pytest.raises(CommandError) as refusal:
        call_command("run_judge", "support", judge, dataset=dataset, budget=budget)
    assert refusal.value.returncode == 2
    assert words in str(refusal.value)


def test_what_the_doctor_counts_again_is_true_after_a_run(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=2)
    run = drained(judging.make_run(scene.version, dataset=scene.dataset))
    checks = (
        health.spending_is_the_ledgers,
        health.ended_runs_have_no_open_calls,
        health.ok_calls_have_verdicts,
    )
    assert all(check().is_ok for check in checks)
    Run.objects.filter(pk=run.pk).update(spent=Decimal(1))
    assert not health.spending_is_the_ledgers().is_ok
