"""Plan a run in a house, and read its ledger: called in a process with the house's environment.

plan PAIRS CONCURRENCY RUN JUDGE MONTH | batch … (the same) | report RUN | lock RUN | lift RUN |
    resume RUN | pause RUN | cancel RUN | wait RUN SECONDS | check RUN REPEATED
Several with "then" between them. `check` asks the simulator of the house what it served. The three
budgets of a plan are percents of the most that its estimate names.
"""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Callable
from typing import Any
from unittest.mock import patch


def plan(
    pairs: int, concurrency: int, run: int, judge: int, month: int, *, is_batch: bool = False
) -> dict[str, object]:
    """A project of its own with a simulated judge, and a run over its pairs within budgets."""
    from decimal import Decimal

    from django.db import transaction
    from django.utils import timezone

    from accounts.models import Project
    from judges.services import purses, runs
    from judges.states import RunMode
    from tests import judging

    now = timezone.now()
    with transaction.atomic():
        scene = judging.make_scene(pairs=pairs, slug=f"plant-{Project.objects.count()}")
    told = runs.estimate(version=scene.version, dataset=scene.dataset, now=now)
    most = told.batch.most if is_batch and told.batch else told.most
    # What stays free in every limit comes on top: at 100 % every call has its place.
    limits = [most * percent / 100 + Decimal("0.0001") for percent in (run, judge, month)]
    purses.set_judge_budget(judge=scene.judge, budget=limits[1], actor="u1")
    purses.set_month_budget(project=scene.project, budget=limits[2], actor="u1", now=now)
    made = judging.make_run(
        scene.version,
        dataset=scene.dataset,
        concurrency=concurrency,
        mode=RunMode.BATCH if is_batch else RunMode.DIRECT,
        budget=limits[0],
    )
    return {"run": made.pk, "calls": made.calls_planned}


def batch(pairs: int, concurrency: int, *limits: int) -> dict[str, object]:
    """The same through the batch API."""
    return plan(pairs, concurrency, *limits, is_batch=True)


def report(run_id: int) -> dict[str, object]:
    """What the rows say of a run."""
    from django.db.models import Count, Q, Sum

    from judges.models import Attempt, Call, JudgeLabel, Piece, Run, Verdict

    run = Run.objects.get(pk=run_id)
    calls = Call.objects.filter(run=run)
    attempts = Attempt.objects.filter(call__run=run)
    paid = calls.annotate(good=Count("attempts", filter=Q(attempts__outcome="ok")))
    return {
        "state": run.state,
        "pause_reason": run.pause_reason,
        "is_combined": run.combined_at is not None,
        "calls": calls.count(),
        "outcomes": dict(calls.values_list("outcome").annotate(n=Count("pk"))),
        "verdicts": Verdict.objects.filter(call__run=run).count(),
        "labels": JudgeLabel.objects.filter(run=run).count(),
        "attempts": attempts.count(),
        "attempts_by_outcome": dict(attempts.values_list("outcome").annotate(n=Count("pk"))),
        "calls_answered_twice": paid.filter(good__gt=1).count(),
        "spent": str(run.spent),
        "reserved": str(run.reserved),
        "pieces": dict(Piece.objects.filter(run=run).values_list("state").annotate(n=Count("pk"))),
        "open_attempts": attempts.filter(state="sent").count(),
        "booked": str(attempts.aggregate(sum=Sum("cost"))["sum"] or 0),
    }


def wait(run_id: int, seconds: int) -> dict[str, object]:
    """Look until the run has ended or paused, at most so long; then the report, with the budgets
    that were overdrawn at any of the looks."""
    from django.db.models import Q

    from judges.models import Run

    until = time.monotonic() + seconds
    over = Run.objects.filter(Q(combined_at__isnull=False) | Q(state="paused"), pk=run_id)
    overdrawn = set(_overdrawn(run_id))
    while not over.exists() and time.monotonic() < until:
        time.sleep(0.1)
        overdrawn |= set(_overdrawn(run_id))
    return report(run_id) | {"overdrawn": sorted(overdrawn | set(_overdrawn(run_id)))}


def _overdrawn(run_id: int) -> list[str]:
    """The budgets of a run, its judge and its project's months that do not reach for what is spent
    and reserved."""
    from django.db.models import F, Q

    from judges.models import Purse, Run

    run = Run.objects.select_related("version").get(pk=run_id)
    mine = Q(judge=run.version.judge_id) | Q(project=run.project_id, month__isnull=False)
    purses = Purse.objects.filter(mine, limit__lt=F("spent") + F("reserved"))
    runs = Run.objects.filter(pk=run_id, budget__lt=F("spent") + F("reserved"))
    return [*map(str, purses), *map(str, runs)]


def check(run_id: int, repeated: int) -> dict[str, object]:
    """What does not hold, as sentences. A request that was given up may still be on its way."""
    from tests.harness import invariants

    while (served := _served())["in_flight"] or served["batches_in_progress"]:
        time.sleep(0.1)
    return {"broken": invariants.broken(run_id, served["by_digest"], repeated=repeated)}


def _served() -> dict[str, Any]:
    url = os.environ["PLUMBLINE_SIMULATOR_URL"]
    with urllib.request.urlopen(f"{url}/_sim/stats", timeout=10) as answer:
        said: dict[str, Any] = json.load(answer)
    return said


def lift(run_id: int) -> dict[str, object]:
    """Raise the budget that a run paused for out of its way, and let the next one (the judge's, the
    month's) just reach for one call at a time."""
    from decimal import Decimal

    from django.db.models import Max
    from django.utils import timezone

    from judges.models import Attempt, Run
    from judges.services import purses, runs

    run = Run.objects.select_related("version__judge", "project").get(pk=run_id)
    judge, project, now = run.version.judge, run.project, timezone.now()
    one = Attempt.objects.filter(call__run=run).aggregate(most=Max("reserved"))["most"]
    plenty, narrow = Decimal(100), run.spent + one * 16 / 10
    if "the run's budget" in run.pause_reason.lower():
        runs.set_budget(run=run, budget=plenty, actor="u1")
        purses.set_judge_budget(judge=judge, budget=narrow, actor="u1")
        return {"lifted": "run"}
    if "budget of the judge" in run.pause_reason:
        purses.set_judge_budget(judge=judge, budget=plenty, actor="u1")
        purses.set_month_budget(project=project, budget=narrow, actor="u1", now=now)
        return {"lifted": "judge"}
    if "project's budget for" in run.pause_reason:
        purses.set_month_budget(project=project, budget=plenty, actor="u1", now=now)
        return {"lifted": "month"}
    return {"lifted": ""}


def resume(run_id: int) -> dict[str, object]:
    """Let a paused run go on."""
    from judges.models import Run
    from judges.services import runs

    runs.resume(run=Run.objects.get(pk=run_id), actor="u1")
    return {"state": "planned"}


def pause(run_id: int) -> dict[str, object]:
    """Stop a run as a person does."""
    from judges.models import Run
    from judges.services import runs

    runs.pause(run=Run.objects.get(pk=run_id), actor="u1")
    return {"state": "paused"}


def cancel(run_id: int) -> dict[str, object]:
    """End a run as a person does."""
    from django.utils import timezone

    from judges.models import Run
    from judges.services import runs

    runs.cancel(run=Run.objects.get(pk=run_id), actor="u1", now=timezone.now())
    return {"state": "cancelled"}


def lock(run_id: int) -> dict[str, object]:
    """Whether the run's row can be locked at once, or some process sits in a transaction on it."""
    from django.db import OperationalError, connection, transaction

    from judges.models import Run

    options: dict[str, object] = {}
    if connection.vendor == "sqlite":
        options = connection.settings_dict["OPTIONS"]
    else:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '1s'")
    try:
        with patch.dict(options, timeout=1), transaction.atomic():
            Run.objects.select_for_update().get(pk=run_id)
    except OperationalError:
        return {"is_free": False}
    return {"is_free": True}


ACTS: dict[str, Callable[..., dict[str, object]]] = {
    "plan": plan,
    "batch": batch,
    "pause": pause,
    "cancel": cancel,
    "report": report,
    "wait": wait,
    "check": check,
    "lift": lift,
    "resume": resume,
    "lock": lock,
}


def main(arguments: list[str]) -> None:
    """Do several acts in a row, each with its numbers, and print what they say."""
    done: dict[str, object] = {}
    for act in " ".join(arguments).split(" then "):
        name, *numbers = act.split()
        done |= ACTS[name](*map(int, numbers))
    print(json.dumps(done))
