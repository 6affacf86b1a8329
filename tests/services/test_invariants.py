"""What fault tests hold of a run is found out when it does not hold: each broken by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from django.db.models import F
from django.utils import timezone
from pytest_django import Settings

from core.models import AuditEvent
from judges import simulator
from judges.models import Attempt, Call, JudgeLabel, Purse, Run, Verdict
from judges.services import engine
from judges.simulator import Simulator
from tests import judging
from tests.harness import invariants
from tests.judging import QUICK

pytestmark = pytest.mark.django_db(transaction=True)

CENT = Decimal("0.01")


@pytest.fixture
def sim(settings: Settings) -> Iterator[Simulator]:
    with simulator.start() as running:
        settings.SIMULATOR_URL = running.url
        yield running


@pytest.fixture
def run(sim: Simulator) -> Run:
    scene = judging.make_scene(pairs=2)
    made = judging.make_run(scene.version, dataset=scene.dataset, budget=Decimal(1))
    engine.drain(made.pk, pace=QUICK)
    made.refresh_from_db()
    return made


def attempt(run: Run, outcome: str, *, cost: Decimal = Decimal(0)) -> Attempt:
    """One more attempt of the first call, after its answer."""
    last = Attempt.objects.filter(call__run=run).earliest("pk")
    Call.objects.filter(pk=last.call_id).update(tries=2)
    last.pk, last.number, last.outcome, last.cost = None, 2, outcome, cost
    last.save()
    return last


def verdict_lost(run: Run) -> None:
    Verdict.objects.filter(call__run=run).earliest("pk").delete()


def call_open(run: Run) -> None:
    one = Call.objects.filter(run=run).earliest("pk")
    Call.objects.filter(pk=one.pk).update(state="waiting", outcome="", finished_at=None)


def failed_without_a_word(run: Run) -> None:
    one = Call.objects.filter(run=run).earliest("pk")
    one.verdicts.all().delete()
    Call.objects.filter(pk=one.pk).update(outcome="refused", problem="")


def label_lost(run: Run) -> None:
    JudgeLabel.objects.filter(run=run).earliest("pk").delete()


def asked_after_its_answer(run: Run) -> None:
    attempt(run, "transient")


def begun_anew_by_nobody(run: Run) -> None:
    Call.objects.filter(run=run).update(tries=0)


def unknown(run: Run) -> None:
    attempt(run, "unknown")


def spent_more(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(spent=F("spent") + CENT)


def still_reserved(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(reserved=CENT)


def judges_purse_differs(run: Run) -> None:
    Purse.objects.filter(judge=run.version.judge_id).update(spent=F("spent") + CENT)


def month_still_reserved(run: Run) -> None:
    Purse.objects.filter(project=run.project_id, month__isnull=False).update(reserved=CENT)


def month_lost(run: Run) -> None:
    Purse.objects.filter(project=run.project_id, month__isnull=False).delete()


def budget_lifted(run: Run) -> None:
    AuditEvent.objects.create(
        project_id=run.project_id, actor="system", verb="run.overcharged", object_type="run",
        object_id=str(run.pk), at=timezone.now(),
    )  # fmt: skip


BREAKS: list[tuple[Callable[[Run], None], str]] = [
    (verdict_lost, "with 0 verdicts"),
    (call_open, "without an outcome"),
    (failed_without_a_word, "nobody says why"),
    (label_lost, "labels instead of"),
    (asked_after_its_answer, "was asked again after its answer"),
    (asked_after_its_answer, "was over and was asked again"),
    (begun_anew_by_nobody, "nobody asked for it"),
    (unknown, "1 attempts are unknown, not 0 at most"),
    (spent_more, "and its attempts cost"),
    (still_reserved, "is still reserved"),
    (judges_purse_differs, "and its attempts cost"),
    (month_still_reserved, "still reserved"),
    (month_lost, "and its attempts cost"),
    (budget_lifted, "a budget was lifted"),
]


def test_an_ordinary_run_breaks_nothing(run: Run, sim: Simulator) -> None:
    assert invariants.broken(run.pk, sim.stats()["by_digest"], repeated=0) == []


@pytest.mark.parametrize(
    ("broken", "words"), BREAKS, ids=[f"{one.__name__}-{n}" for n, (one, _) in enumerate(BREAKS)]
)
def test_what_does_not_hold_is_said(
    run: Run, sim: Simulator, broken: Callable[[Run], None], words: str
) -> None:
    broken(run)
    found = invariants.broken(run.pk, sim.stats()["by_digest"], repeated=0)
    assert any(words in one for one in found), found


def test_a_body_that_was_served_once_more_or_never_is_found(run: Run, sim: Simulator) -> None:
    served = dict(sim.stats()["by_digest"])
    first = next(iter(served))
    more = invariants.broken(run.pk, served | {first: 2}, repeated=0)
    assert any("was served 2 times; the ledger has 1" in one for one in more)
    assert any("differ by 1 calls" in one for one in more)
    never = invariants.broken(run.pk, served | {first: 0}, repeated=0)
    assert any("was served 0 times; the ledger has 1" in one for one in never)
    strange = invariants.broken(run.pk, served | {"0" * 64: 1}, repeated=0)
    assert any("was served 1 times; the ledger has 0" in one for one in strange)
