"""Runs through the batch API, over real HTTP: the real SDK asks the real simulator."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from core.errors import Invalid
from core.models import AuditEvent
from judges import queries, simulator
from judges.models import Attempt, Call, JudgeLabel, JudgeVersion, Piece, Purse, Run, Verdict
from judges.queries import health
from judges.rules import pieces as rules
from judges.services import calls, engine, pieces, purses, runs, tending
from judges.services.pace import Pace
from judges.simulator import Simulator
from judges.states import PieceState, RunMode, RunPurpose, RunState
from tests import judging
from tests.harness import invariants
from tests.judging import Scene

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]

PACE = Pace(lease=2.0, timeout=20.0, farewell=0.3, most_failures=3, poll=0.05, lost=60.0)
"""Patient, for slow machines; `until` lets the clock go on where a test would have to wait."""
HELD: dict[str, object] = {"do": "slow", "at": "work"}
SECONDS = 90.0


@pytest.fixture
def sim(settings: Settings) -> Iterator[Simulator]:
    with simulator.start() as running:
        settings.SIMULATOR_URL = running.url
        yield running


@pytest.fixture
def slow(settings: Settings) -> Iterator[Simulator]:
    """Its batches take a while."""
    with simulator.start(batch_ms=1500.0) as running:
        settings.SIMULATOR_URL = running.url
        yield running


def planned(scene: Scene, *, budget: Decimal | None = None) -> Run:
    return judging.make_run(scene.version, dataset=scene.dataset, budget=budget, mode=RunMode.BATCH)


def until(run: Run, holds: Callable[[], bool]) -> Run:
    """What the reconciler does, until it holds."""
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end, (run.state, list(run.pieces.values()))
        engine.drain(run.pk, pace=PACE)
        run.refresh_from_db()
        if run.wake_at is not None and not run.pieces.filter(look_at__isnull=False).exists():
            # Calls that wait for their next turn; the clock would come back in a while.
            Run.objects.filter(pk=run.pk).update(wake_at=timezone.now())
        # What the provider did not confirm may be given up now, unless it is there.
        long_ago = timezone.now() - timedelta(seconds=PACE.lost)
        run.pieces.filter(state=PieceState.WRITTEN).update(written_at=long_ago)
        time.sleep(0.02)
    return run


def waited_for(holds: Callable[[], bool]) -> None:
    """What happens by itself."""
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def drained(run: Run) -> Run:
    live = (RunState.PLANNED, RunState.RUNNING)
    until(run, lambda: run.state not in live)
    return until(run, lambda: not run.pieces.filter(look_at__isnull=False).exists())


def check(run: Run, sim: Simulator, *, repeated: int = 0) -> None:
    assert invariants.broken(run.pk, sim.stats()["by_digest"], repeated=repeated) == []
    assert health.spending_is_the_ledgers().is_ok
    assert health.purses_are_the_ledgers().is_ok


def labels(run: Run) -> list[tuple[object, ...]]:
    rows = JudgeLabel.objects.filter(run=run).order_by("item_id", "dimension_key")
    return list(rows.values_list("item_id", "dimension_key", "label", "is_consistent"))


def test_a_run_in_batches_says_what_a_direct_one_says_for_half_the_money(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=12)
    direct = judging.make_run(scene.version, dataset=scene.dataset)
    engine.drain(direct.pk, pace=PACE)
    direct.refresh_from_db()
    Attempt.objects.update(is_cache_source=False)
    sim.reset()
    run = drained(planned(scene))
    assert run.state == RunState.DONE
    assert labels(run) == labels(direct)
    assert len(labels(run)) == 12
    # Each call is rounded up to a millionth of a dollar.
    assert abs(run.spent * 2 - direct.spent) <= Decimal("0.000002") * 24
    assert direct.spent > 0
    assert sim.stats()["batches"] == 1
    check(run, sim)


def test_attempts_are_written_before_the_piece_leaves_and_reserved_at_half_price(
    slow: Simulator,
) -> None:
    scene = judging.make_scene(pairs=3)
    run = planned(scene)
    engine.drain(run.pk, pace=PACE)
    run.refresh_from_db()
    piece = run.pieces.get()
    assert (run.state, piece.state, piece.requests) == (
        RunState.PLANNED,
        PieceState.SUBMITTED,
        6,
    )
    assert run.wake_at is not None
    held = Attempt.objects.filter(piece=piece, state="sent")
    assert held.count() == 6
    assert sum(one.reserved for one in held) == run.reserved
    direct = runs.estimate(version=scene.version, dataset=scene.dataset, now=timezone.now())
    assert direct.batch is not None
    assert run.reserved == direct.batch.most
    assert abs(direct.batch.most * 2 - direct.most) < Decimal("0.0001")
    drained(run)
    check(run, slow)


def test_a_run_that_rests_holds_no_worker_and_is_not_woken_for_nothing(slow: Simulator) -> None:
    run = planned(judging.make_scene(pairs=2))
    slow.script(HELD)
    engine.drain(run.pk, pace=replace(PACE, poll=30.0))
    assert slow.stats()["batches_in_progress"] == 1
    assert engine.reconcile(timezone.now()) == 0
    engine.drain(run.pk, pace=PACE)
    assert slow.stats()["batches"] == 1
    assert engine.reconcile(timezone.now() + timedelta(seconds=31)) == 1
    slow.release()
    Piece.objects.update(look_at=timezone.now())
    drained(run)


def test_the_cache_answers_before_any_batch_is_made(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=3)
    drained(planned(scene))
    again = drained(planned(scene))
    assert again.state == RunState.DONE
    assert again.spent == 0
    assert sim.stats()["batches"] == 1
    assert Call.objects.filter(run=again, is_cached=True).count() == 6
    direct = judging.make_run(scene.version, dataset=scene.dataset)
    assert Call.objects.filter(run=direct, is_cached=True).count() == 6


@pytest.mark.parametrize(
    ("doing", "outcome"), [("bad_json", "invalid"), ("truncated", "truncated")]
)
def test_a_repair_and_a_longer_answer_go_into_a_further_piece(
    sim: Simulator, doing: str, outcome: str
) -> None:
    run = planned(judging.make_scene(pairs=3))
    sim.script({"do": doing, "times": 1, "contains": "Question 1"})
    drained(run)
    assert run.pieces.count() == 2
    assert [one.requests for one in run.pieces.order_by("number")] == [6, 1]
    call = Call.objects.get(run=run, attempts__outcome=outcome)
    assert list(call.attempts.order_by("number").values_list("outcome", flat=True)) == [
        outcome,
        "ok",
    ]
    check(run, sim)


ITEM_FAULTS = (
    "rate_limit", "overloaded", "error", "drop", "half_body", "no_stop", "no_usage", "bad_json",
    "prose", "fenced", "out_of_scale", "refusal", "truncated", "too_large", "too_long", "renamed",
)  # fmt: skip


@pytest.mark.parametrize("doing", ITEM_FAULTS)
def test_a_fault_of_one_request_ends_as_it_would_alone(sim: Simulator, doing: str) -> None:
    run = planned(judging.make_scene(pairs=3))
    sim.script({"do": doing, "times": 99, "contains": "Question 1"})
    drained(run)
    check(run, sim)
    others = Call.objects.filter(run=run).exclude(item__external_id="p1")
    assert {call.outcome for call in others} == {"ok"}
    expected = {
        "rate_limit": "failed", "overloaded": "failed", "error": "failed", "drop": "failed",
        "half_body": "failed", "no_stop": "failed", "bad_json": "invalid",
        "out_of_scale": "invalid", "prose": "invalid", "fenced": "invalid",
        "refusal": "refused", "truncated": "truncated",
        "too_large": "context", "too_long": "context",
    }  # fmt: skip
    mine = Call.objects.filter(run=run, item__external_id="p1")
    assert {call.outcome for call in mine} <= {expected.get(doing, "ok"), "ok"}
    if doing in expected:
        assert {call.outcome for call in mine} == {expected[doing]}
    assert all(call.problem for call in mine if call.outcome != "ok")


def test_what_expired_or_failed_unanswered_costs_nothing(sim: Simulator) -> None:
    run = planned(judging.make_scene(pairs=2))
    sim.script(
        {"do": "drop", "times": 1, "contains": "Question 0"},
        {"do": "overloaded", "times": 1, "contains": "Question 1"},
    )
    drained(run)
    unpaid = Attempt.objects.filter(call__run=run, outcome="transient")
    assert [one.cost for one in unpaid] == [0, 0]
    assert {call.outcome for call in Call.objects.filter(run=run)} == {"ok"}
    check(run, sim)


PLACE_FAULTS = [
    ("batch", "rate_limit"), ("batch", "overloaded"), ("batch", "error"), ("batch", "drop"),
    ("batch", "half_body"), ("batch", "bad_body"), ("batch", "other_body"),
    ("look", "rate_limit"), ("look", "error"), ("look", "drop"), ("look", "half_body"),
    ("look", "bad_body"), ("look", "other_body"),
    ("results", "rate_limit"), ("results", "error"), ("results", "drop"),
    ("results", "half_body"), ("results", "bad_body"),
]  # fmt: skip


@pytest.mark.parametrize(("at", "doing"), PLACE_FAULTS)
def test_a_fault_around_a_batch_repeats_no_call(sim: Simulator, at: str, doing: str) -> None:
    run = planned(judging.make_scene(pairs=12))
    sim.script({"do": doing, "times": 2, "at": at})
    drained(run)
    assert run.state == RunState.DONE, run.pause_reason
    assert {call.outcome for call in Call.objects.filter(run=run)} == {"ok"}
    assert sim.stats()["requests"] == 24
    check(run, sim)


def test_a_batch_whose_answer_broke_off_is_found_by_the_ids_in_its_results(sim: Simulator) -> None:
    run = planned(judging.make_scene(pairs=4))
    sim.script({"do": "half_body", "at": "batch"})
    engine.drain(run.pk, pace=PACE)
    piece = run.pieces.get()
    assert (piece.state, piece.provider_id) == (PieceState.WRITTEN, "")
    drained(run)
    piece.refresh_from_db()
    assert piece.state == PieceState.FETCHED
    assert piece.provider_id
    assert sim.stats()["batches"] == 1
    assert not Attempt.objects.filter(outcome="unknown").exists()
    check(run, sim)


def test_a_batch_of_somebody_else_is_not_taken_for_ours(sim: Simulator) -> None:
    """Two runs of the same size lose their answers: each finds its own."""
    one = planned(judging.make_scene(pairs=3, slug="one"))
    other = planned(judging.make_scene(pairs=3, slug="other"))
    sim.script({"do": "half_body", "at": "batch", "times": 2})
    engine.drain(one.pk, pace=PACE)
    engine.drain(other.pk, pace=PACE)
    drained(other)
    drained(one)
    found = [run.pieces.get() for run in (one, other)]
    assert [piece.state for piece in found] == [PieceState.FETCHED] * 2
    assert len({piece.provider_id for piece in found}) == 2
    assert sim.stats()["batches"] == 2
    for run in (one, other):
        assert {call.outcome for call in Call.objects.filter(run=run)} == {"ok"}


def test_a_batch_that_was_never_made_costs_nothing_and_is_sent_again(sim: Simulator) -> None:
    run = planned(judging.make_scene(pairs=2))
    sim.script({"do": "drop", "at": "batch"})
    engine.drain(run.pk, pace=PACE)
    Piece.objects.update(look_at=timezone.now())
    engine.drain(run.pk, pace=PACE)
    # It may be on its way still.
    assert run.pieces.get().state == PieceState.WRITTEN
    drained(run)
    first, second = run.pieces.order_by("number")
    assert (first.state, second.state) == (PieceState.LOST, PieceState.FETCHED)
    lost = Attempt.objects.filter(piece=first)
    assert {(one.outcome, one.cost) for one in lost} == {("transient", Decimal(0))}
    check(run, sim)


def test_one_who_slept_does_not_give_up_what_another_found(sim: Simulator) -> None:
    """Its list has no batch of nobody's any more: not because there was none."""
    run = planned(judging.make_scene(pairs=12))
    sim.script({"do": "half_body", "at": "batch"}, {"do": "half_body", "at": "results", "times": 2})
    engine.drain(run.pk, pace=PACE)
    long_ago = timezone.now() - timedelta(seconds=2 * PACE.lost)
    Piece.objects.update(written_at=long_ago, look_at=long_ago)
    slept = pieces.claim(run.pieces.get().pk, now=timezone.now(), seconds=-0.001)
    assert slept is not None
    engine.drain(run.pk, pace=PACE)
    # Found there, and fetched as far as the first results came.
    assert 0 < Attempt.objects.filter(call__run=run, state="sent").count() < 24
    with pytest.raises(tending.Overtaken):
        tending._look_after(slept, calls.plan_of(run), PACE)
    drained(run)
    assert (sim.stats()["batches"], sim.stats()["requests"]) == (1, 24)
    check(run, sim)


def test_one_who_slept_does_not_give_up_what_another_fetches(sim: Simulator) -> None:
    run = planned(judging.make_scene(pairs=4))
    sim.script({"do": "half_body", "at": "results", "times": 2})
    engine.drain(run.pk, pace=PACE)
    piece = run.pieces.get()
    Piece.objects.update(fetches=rules.MOST_FETCHES - 1, look_at=timezone.now())
    slept = pieces.claim(piece.pk, now=timezone.now(), seconds=-0.001)
    assert slept is not None
    # Somebody else has it now.
    assert pieces.claim(piece.pk, now=timezone.now(), seconds=60.0) is not None
    with pytest.raises(tending.Overtaken):
        tending._look_after(slept, calls.plan_of(run), PACE)
    assert not Attempt.objects.filter(outcome="unknown").exists()
    assert run.pieces.get().state != PieceState.FETCHED
    Piece.objects.update(look_at=timezone.now(), fetches=0)
    drained(run)
    assert sim.stats()["requests"] == 8
    check(run, sim)


def test_a_piece_that_could_be_given_up_before_it_arrives_does_not_leave(sim: Simulator) -> None:
    """A worker slept between writing it down and sending it."""
    run = planned(judging.make_scene(pairs=2))
    engine.drain(run.pk, pace=replace(PACE, lost=0.0))
    assert sim.stats()["batches_asked"] == 0
    assert run.pieces.get().state == PieceState.WRITTEN
    drained(run)
    first, second = run.pieces.order_by("number")
    assert (first.state, second.state) == (PieceState.LOST, PieceState.FETCHED)
    assert sim.stats()["requests"] == 4
    check(run, sim)


def test_a_batch_that_came_after_it_was_given_up_is_cancelled_and_written_down(
    slow: Simulator,
) -> None:
    run = planned(judging.make_scene(pairs=10))
    slow.script({"do": "slow", "at": "batch", "seconds": 0.6})
    problems: list[BaseException] = []

    def send() -> None:
        try:
            engine.drain(run.pk, pace=PACE)
        except BaseException as problem:
            problems.append(problem)
        finally:
            connection.close()

    sender = threading.Thread(target=send)
    sender.start()
    waited_for(lambda: slow.stats()["batches"] == 1)
    Piece.objects.update(state=PieceState.LOST, look_at=None)
    sender.join(SECONDS)
    assert problems == []
    piece = run.pieces.get()
    assert (piece.state, piece.problem) == (PieceState.LOST, pieces.CAME_LATE)
    assert piece.provider_id
    assert queries.late_batches(run) == 1
    assert AuditEvent.objects.filter(verb="run.batch_came_late", object_id=str(run.pk)).exists()
    # Cancelled: it answers no more.
    assert slow.stats()["batches_in_progress"] == 0
    assert slow.stats()["requests"] < 20


def test_results_that_leave_a_request_out_for_ever_book_it_at_its_reservation(
    sim: Simulator,
) -> None:
    run = planned(judging.make_scene(pairs=2))
    sim.script({"do": "bad_body", "at": "results", "times": rules.MOST_FETCHES})
    drained(run)
    unknown = Attempt.objects.filter(call__run=run, outcome="unknown")
    assert unknown.exists()
    assert all(one.cost == one.reserved for one in unknown)
    assert {call.outcome for call in Call.objects.filter(run=run)} == {"ok"}
    check(run, sim, repeated=4)


@pytest.mark.parametrize("doing", ["unauthorized", "payment", "spend_limit"])
@pytest.mark.parametrize("at", ["batch", ""])
def test_what_a_person_has_to_mend_pauses_the_run_and_says_why(
    sim: Simulator, doing: str, at: str
) -> None:
    run = planned(judging.make_scene(pairs=3))
    sim.script({"do": doing, "at": at})
    drained(run)
    assert run.state == RunState.PAUSED
    assert run.pause_reason.startswith("The provider")
    runs.resume(run=run, actor="u1")
    run.refresh_from_db()
    drained(run)
    assert {call.outcome for call in Call.objects.filter(run=run)} == {"ok"}
    check(run, sim)


# Money --------------------------------------------------------------------------------------------


def test_the_budget_is_never_passed_and_smaller_pieces_follow_as_it_is_freed(
    sim: Simulator,
) -> None:
    scene = judging.make_scene(pairs=10)
    most = runs.estimate(version=scene.version, dataset=scene.dataset, now=timezone.now())
    assert most.batch is not None
    run = planned(scene, budget=(most.batch.most / 2).quantize(Decimal("0.000001")))
    states: list[Decimal] = []

    def is_over() -> bool:
        states.append(run.spent + run.reserved)
        return run.state not in (RunState.PLANNED, RunState.RUNNING)

    until(run, is_over)
    assert run.state == RunState.DONE, run.pause_reason
    assert run.budget is not None
    assert max(states) <= run.budget
    assert run.pieces.count() > 1
    check(run, sim)


def test_a_run_pauses_when_its_budget_or_the_months_does_not_reach_for_a_call(
    sim: Simulator,
) -> None:
    scene = judging.make_scene(pairs=4)
    run = drained(planned(scene, budget=Decimal("0.000010")))
    assert (run.state, run.pieces.count()) == (RunState.PAUSED, 0)
    assert "run's budget" in run.pause_reason
    purses.set_month_budget(
        project=scene.project, budget=Decimal("0.000010"), actor="u1", now=timezone.now()
    )
    other = drained(planned(scene))
    assert other.state == RunState.PAUSED
    assert "project's budget" in other.pause_reason
    purse = Purse.objects.get(project=scene.project, month__isnull=False)
    assert (purse.spent, purse.reserved) == (Decimal(0), Decimal(0))
    assert sim.stats()["batches"] == 0


def test_pieces_are_bounded_and_several_are_under_way_at_once(
    slow: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MOST_REQUESTS", 4)
    monkeypatch.setattr(rules, "MOST_OPEN", 2)
    run = planned(judging.make_scene(pairs=6))
    engine.drain(run.pk, pace=PACE)
    assert [one.requests for one in run.pieces.order_by("number")] == [4, 4]
    drained(run)
    assert [one.requests for one in run.pieces.order_by("number")] == [4, 4, 4]
    check(run, slow)


# Once ---------------------------------------------------------------------------------------------


def reopened(run: Run) -> Piece:
    """As if whoever fetched it died before it could say so."""
    piece = run.pieces.get()
    Piece.objects.filter(pk=piece.pk).update(
        state=PieceState.ENDED, fetched_at=None, look_at=timezone.now()
    )
    piece.refresh_from_db()
    return piece


def test_results_that_are_fetched_twice_are_booked_once(sim: Simulator) -> None:
    run = drained(planned(judging.make_scene(pairs=4)))
    spent, verdicts = run.spent, Verdict.objects.count()
    reopened(run)
    drained(run)
    assert run.spent == spent
    assert Verdict.objects.count() == verdicts == 8
    check(run, sim)


def test_two_who_fetch_the_same_piece_at_once_book_each_answer_once(slow: Simulator) -> None:
    """Past the claim: a worker that slept and one that took over."""
    run = planned(judging.make_scene(pairs=30))
    engine.drain(run.pk, pace=PACE)
    waited_for(lambda: slow.stats()["batches_in_progress"] == 0)
    plan = calls.plan_of(run)
    problems: list[BaseException] = []
    barrier = threading.Barrier(2)

    def fetch() -> None:
        try:
            piece = run.pieces.get()
            barrier.wait(5)
            tending._look_after(piece, plan, PACE)
        except tending.Overtaken:
            # Whoever closes it first has it.
            pass
        except BaseException as problem:
            problems.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=fetch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert problems == []
    drained(run)
    assert Verdict.objects.filter(call__run=run).count() == 60
    check(run, slow)


# Steering -----------------------------------------------------------------------------------------


def test_a_cancelled_run_cancels_its_batch_and_keeps_what_was_answered(slow: Simulator) -> None:
    run = planned(judging.make_scene(pairs=10))
    engine.drain(run.pk, pace=PACE)
    time.sleep(0.7)
    runs.cancel(run=run, actor="u1", now=timezone.now())
    run.refresh_from_db()
    drained(run)
    piece = run.pieces.get()
    assert (run.state, piece.state) == (RunState.CANCELLED, PieceState.FETCHED)
    assert piece.cancelled_at is not None
    answered = Call.objects.filter(run=run, outcome="ok").count()
    assert 0 < answered < 20
    assert slow.stats()["requests"] == answered
    assert run.reserved == 0
    assert run.spent > 0
    assert not Attempt.objects.filter(state="sent").exists()
    assert health.purses_are_the_ledgers().is_ok


def test_a_paused_run_sends_no_more_and_takes_in_what_is_under_way(slow: Simulator) -> None:
    run = planned(judging.make_scene(pairs=3))
    engine.drain(run.pk, pace=PACE)
    runs.pause(run=run, actor="u1")
    run.refresh_from_db()
    drained(run)
    assert (run.state, run.pieces.get().state) == (RunState.PAUSED, PieceState.FETCHED)
    assert Call.objects.filter(run=run, outcome="ok").count() == 6
    assert run.reserved == 0
    runs.resume(run=run, actor="u1")
    run.refresh_from_db()
    assert drained(run).state == RunState.DONE
    check(run, slow)


def test_what_waits_in_a_batch_is_nobodys_forgotten_attempt(slow: Simulator) -> None:
    run = planned(judging.make_scene(pairs=2))
    engine.drain(run.pk, pace=PACE)
    runs.pause(run=run, actor="u1")
    later = timezone.now() + timedelta(hours=20)
    engine.reconcile(later)
    assert Attempt.objects.filter(call__run=run, state="sent").count() == 4
    run.refresh_from_db()
    drained(run)


def test_without_a_key_a_piece_waits_and_the_page_says_why(
    slow: Simulator, settings: Settings
) -> None:
    run = planned(judging.make_scene(pairs=2))
    engine.drain(run.pk, pace=PACE)
    url, settings.SIMULATOR_URL = settings.SIMULATOR_URL, ""
    time.sleep(0.1)
    engine.drain(run.pk, pace=PACE)
    run.refresh_from_db()
    waits = queries.at_provider(run)
    assert waits is not None
    assert (waits.pieces, waits.calls, waits.sought) == (1, 4, 0)
    assert "PLUMBLINE_SIMULATOR_URL" in waits.problem
    settings.SIMULATOR_URL = url
    Piece.objects.update(look_at=timezone.now())
    drained(run)
    assert queries.at_provider(run) is None
    check(run, slow)


# Where there are batches --------------------------------------------------------------------------


def test_a_version_whose_server_has_no_batches_is_refused(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1)
    JudgeVersion.objects.filter(pk=scene.version.pk).update(
        spec={
            **scene.version.spec,
            "capabilities": {**scene.version.spec["capabilities"], "batches": False},
        }
    )
    scene.version.refresh_from_db()
    assert not runs.may_batch(scene.version)
    found = runs.estimate(version=scene.version, dataset=scene.dataset, now=timezone.now())
    assert found.batch is None
    with pytest.raises(Invalid) as refusal:
        planned(scene)
    assert refusal.value.code == "no_batches"
    assert not Run.objects.exists()


def test_baselines_and_approvals_go_through_no_batch(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1)
    assert not runs.may_batch(judging.make_baseline(scene))
    with pytest.raises(Invalid, match="batch API"):
        judging.make_run(
            scene.version,
            items=list(scene.dataset.items.all()),
            purpose=RunPurpose.APPROVAL,
            mode=RunMode.BATCH,
        )


def test_a_command_waits_for_its_batches(
    sim: Simulator, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.BATCH_POLL_SECONDS = 1
    judging.make_scene(pairs=2)
    call_command("run_judge", "support", "helpful", dataset="week 46", batch=True, wait=True)
    run = Run.objects.get()
    assert (run.mode, run.state) == (RunMode.BATCH, RunState.DONE)
    assert "done: 4 ok" in capsys.readouterr().out
    check(run, sim)
