"""The figures of each version's last run in the list of judges, whatever number they are."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from annotation.models import Item
from judges import queries
from judges.models import Attempt, Call, JudgeLabel, JudgeVersion, Run
from judges.queries.judges import NO_ORDERS
from judges.states import AttemptState, RunState
from measurement.intervals import wilson
from tests import judging
from tests.judging import Scene

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture
def scene(settings: Settings) -> Scene:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    return judging.make_scene(pairs=10)


def finished(version: JudgeVersion, scene: Scene, *, flips: int = 1) -> Run:
    """A run that is over: its calls took 1, 2, 3 … ms and cost a tenth of a cent each."""
    run = judging.make_run(version, dataset=scene.dataset)
    Attempt.objects.bulk_create(
        Attempt(
            call=call,
            number=1,
            owner="test",
            state=AttemptState.FINAL,
            outcome="ok",
            prompt_digest="0" * 64,
            sent_at=timezone.now(),
            finished_at=timezone.now(),
            cost=Decimal("0.001"),
            latency_ms=float(place),
        )
        for place, call in enumerate(Call.objects.filter(run=run).order_by("pk"), 1)
    )
    JudgeLabel.objects.bulk_create(
        JudgeLabel(
            run=run,
            item=item,
            dimension_key="preference",
            label="A",
            outcome="ok",
            is_consistent=place >= flips,
        )
        for place, item in enumerate(Item.objects.filter(dataset=scene.dataset))
    )
    Run.objects.filter(pk=run.pk).update(state=RunState.DONE, combined_at=timezone.now())
    return run


def test_a_line_has_flips_price_and_the_nearest_rank_of_95_percent(scene: Scene) -> None:
    run = finished(scene.version, scene, flips=3)
    line = queries.line_of(scene.version)
    assert line.run == run
    assert (line.flips.value, line.flips.n) == (0.3, 10)
    assert line.flips.interval is not None
    assert line.flips.interval.low == pytest.approx(wilson(3, 10).low)
    assert line.cost_per_thousand == Decimal("2")  # two calls of $0.001 on each item
    assert line.p95_ms == 19.0  # of 20 answers the 19th


def test_each_version_has_the_figures_of_its_own_run(scene: Scene) -> None:
    other = judging.make_version(scene.judge, scene.guideline, samples=2)
    finished(scene.version, scene, flips=5)
    finished(other, scene, flips=0)
    newest, oldest = queries.lines_of(scene.judge)
    assert (newest.version, newest.flips.value, newest.p95_ms) == (other, 0.0, 38.0)
    assert (oldest.version, oldest.flips.value, oldest.p95_ms) == (scene.version, 0.5, 19.0)


def test_flips_of_one_prompt_hang_together(scene: Scene) -> None:
    Item.objects.filter(dataset=scene.dataset).update(cluster_key="one prompt")
    lone = Item.objects.filter(dataset=scene.dataset).latest("pk")
    Item.objects.filter(pk=lone.pk).update(cluster_key="another")
    finished(scene.version, scene, flips=3)
    flips = queries.line_of(scene.version).flips
    assert flips.interval is not None
    assert flips.interval.high - flips.interval.low > 1.5 * (wilson(3, 10).high - wilson(3, 10).low)


def test_a_version_that_was_asked_in_one_order_says_so(scene: Scene) -> None:
    run = finished(scene.version, scene)
    JudgeLabel.objects.filter(run=run).update(is_consistent=None)
    assert queries.line_of(scene.version).flips.undefined_because == NO_ORDERS


def test_a_version_that_never_ran_has_a_line_without_figures(scene: Scene) -> None:
    line = queries.line_of(scene.version)
    assert (line.run, line.flips.value, line.p95_ms) == (None, None, None)
    assert line.flips.undefined_because == "it was not run yet"


def test_more_versions_cost_no_more_queries(scene: Scene) -> None:
    finished(scene.version, scene)
    with CaptureQueriesContext(connection) as of_one:
        queries.judges_of(scene.project)
    for samples in range(2, 6):
        finished(judging.make_version(scene.judge, scene.guideline, samples=samples), scene)
    with CaptureQueriesContext(connection) as of_five:
        queries.judges_of(scene.project)
    assert len(of_five) == len(of_one)
