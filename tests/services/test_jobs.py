"""Jobs are rows: claimed once, kept alive while they work, named when they fail."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from core import jobs, registry, tasks
from core.errors import Invalid
from core.models import Job, JobState
from tests.builders import NOON

pytestmark = [pytest.mark.databases]


@pytest.fixture
def handled() -> Iterator[list[int]]:
    """Job kinds of the test: one that works, one that refuses, one that breaks."""
    seen: list[int] = []

    def works(job_id: int) -> None:
        seen.append(job_id)
        jobs.finish(job_id, result={"n": 1}, now=timezone.now())

    def refuses(job_id: int) -> None:
        raise Invalid("bad_file", "Row 3 has no label.", {"rows": ["Row 3"]})

    def breaks(job_id: int) -> None:
        raise RuntimeError("a secret detail")

    kinds = {"test.works": works, "test.refuses": refuses, "test.breaks": breaks}
    for kind, handler in kinds.items():
        registry.register_job(kind, handler)
    yield seen
    for kind in kinds:
        registry.unregister_job(kind)


def make_job(kind: str = "test.works") -> Job:
    return Job.objects.create(kind=kind, actor="u1")


@pytest.mark.django_db
def test_a_job_runs_to_its_end(handled: list[int]) -> None:
    job = make_job()
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.result, job.lease_until) == (JobState.DONE, {"n": 1}, None)
    assert handled == [job.pk]


@pytest.mark.django_db
def test_a_finished_job_does_not_run_again(handled: list[int]) -> None:
    job = make_job()
    jobs.run(job.pk)
    jobs.run(job.pk)
    assert handled == [job.pk]


@pytest.mark.django_db
def test_a_refusal_is_told_in_its_own_words(handled: list[int]) -> None:
    job = make_job("test.refuses")
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.problem) == (JobState.FAILED, "Row 3 has no label.")
    assert job.result == {"rows": ["Row 3"]}


@pytest.mark.django_db
def test_a_break_is_named_without_its_details(handled: list[int]) -> None:
    job = make_job("test.breaks")
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "secret" not in job.problem


@pytest.mark.django_db
def test_a_job_of_a_dead_worker_is_offered_again_after_its_lease() -> None:
    job = make_job()
    assert jobs.claim(job.pk, owner="one", now=NOON)
    assert not jobs.claim(job.pk, owner="two", now=NOON + jobs.LEASE / 2)
    assert jobs.claim(job.pk, owner="two", now=NOON + jobs.LEASE + timedelta(seconds=1))
    assert not jobs.heartbeat(job.pk, owner="one", now=NOON + jobs.LEASE)


@pytest.mark.django_db
def test_a_job_that_never_ends_is_given_up(handled: list[int]) -> None:
    job = make_job()
    Job.objects.filter(pk=job.pk).update(tries=jobs.MOST_TRIES)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert handled == []


@pytest.mark.django_db
def test_a_reconciler_that_breaks_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    woken: list[str] = []

    def breaks(now: datetime) -> int:
        raise RuntimeError("in need of mending")

    def works(now: datetime) -> int:
        woken.append("the other")
        return 1

    monkeypatch.setattr(registry, "_reconcilers", {"broken": breaks, "other": works})
    tasks.reconcile()
    assert woken == ["the other"]
    assert "The reconciler broken failed" in caplog.text
    assert "in need of mending" in caplog.text


@pytest.mark.django_db
def test_reconcile_finds_waiting_jobs_and_leaves_running_ones() -> None:
    make_job()
    running = make_job()
    jobs.claim(running.pk, owner="one", now=timezone.now())
    assert jobs.reconcile(timezone.now()) == 1


def _race(claim: object, count: int = 8) -> list[bool]:
    """Call `claim` in as many threads at once, each with a connection of its own."""
    won: list[bool] = []
    start = threading.Barrier(count)

    def go() -> None:
        start.wait()
        try:
            won.append(bool(claim()))  # type: ignore[operator]
        finally:
            connection.close()

    threads = [threading.Thread(target=go) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return won


@pytest.mark.django_db(transaction=True)
def test_eight_workers_claim_a_job_once() -> None:
    job = make_job()
    won = _race(lambda: jobs.claim(job.pk, owner=jobs.owner_name(), now=NOON))
    assert sum(won) == 1


@pytest.mark.django_db(transaction=True)
def test_without_the_conditional_update_the_same_race_is_lost() -> None:
    """The negative control: read first and write later, and several workers win."""
    job = make_job()
    together = threading.Barrier(8)

    def naive() -> bool:
        found = Job.objects.get(pk=job.pk)
        together.wait()
        if found.state != JobState.WAITING:
            return False
        Job.objects.filter(pk=job.pk).update(
            state=JobState.RUNNING, lease_until=NOON, owner=jobs.owner_name()
        )
        return True

    assert sum(_race(naive)) > 1


@pytest.mark.django_db
def test_a_job_whose_database_went_away_is_started_again() -> None:
    tries: list[int] = []

    def stumbles(job_id: int) -> None:
        tries.append(job_id)
        if len(tries) == 1:
            raise OperationalError("the server closed the connection")
        jobs.finish(job_id, result={}, now=timezone.now())

    registry.register_job("test.stumbles", stumbles)
    try:
        job = make_job("test.stumbles")
        jobs.run(job.pk)
        job.refresh_from_db()
        assert job.state == JobState.RUNNING
        Job.objects.filter(pk=job.pk).update(lease_until=NOON)
        jobs.run(job.pk)
    finally:
        registry.unregister_job("test.stumbles")
    job.refresh_from_db()
    assert (job.state, job.tries) == (JobState.DONE, 2)


@pytest.mark.django_db
def test_who_was_taken_for_dead_does_not_fail_another_s_work() -> None:
    job = make_job()
    assert jobs.claim(job.pk, owner="dead", now=NOON)
    later = NOON + jobs.LEASE + timedelta(seconds=1)
    assert jobs.claim(job.pk, owner="alive", now=later)
    jobs.fail(job.pk, problem="It broke.", now=later, owner="dead")
    job.refresh_from_db()
    assert (job.state, job.owner) == (JobState.RUNNING, "alive")
