"""Pairs to judge, and runs over them: inside a process of the house that is measured."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from annotation.models import Content, Dataset, Item, Response
from judges.models import Attempt, Run
from judges.services import engine, runs
from tests import judging

PIECE = 2000
POLL_SECONDS = 0.2
MOST_SECONDS = 300.0


def begin(slugs: Sequence[str], *, pairs: int, concurrency: int) -> list[Run]:
    """In each project a run of two calls a pair, all woken at the same moment."""
    scenes = [_scene(slug, pairs) for slug in slugs]
    with transaction.atomic():
        return [_run(scene, concurrency) for scene in scenes]


def follow(slugs: Sequence[str], *, pairs: int, concurrency: int) -> None:
    """Begin runs and wait for their ends; printed: when each answer was booked, in seconds."""
    planned = begin(slugs, pairs=pairs, concurrency=concurrency)
    until = time.monotonic() + MOST_SECONDS
    while Run.objects.filter(pk__in=[run.pk for run in planned], combined_at=None).exists():
        if time.monotonic() > until:
            raise TimeoutError("The run did not end.")
        time.sleep(POLL_SECONDS)
    print(json.dumps([_moments(run) for run in planned]))


def cached(*, pairs: int, concurrency: int) -> None:
    """The same run twice, worked on here: asked, then answered from the cache; printed: seconds."""
    scene = _scene("bench", pairs)
    began = time.perf_counter()
    engine.drain(_run(scene, concurrency).pk)
    asked = time.perf_counter()
    run = _run(scene, concurrency)
    engine.drain(run.pk)
    ended = time.perf_counter()
    run.refresh_from_db()
    assert run.combined_at is not None, run.pause_reason
    assert not Attempt.objects.filter(call__run=run).exists()
    print(json.dumps({"asked": asked - began, "cached": ended - asked, "calls": run.calls_planned}))


def _run(scene: judging.Scene, concurrency: int) -> Run:
    return runs.plan_run(
        version=scene.version,
        dataset=scene.dataset,
        concurrency=concurrency,
        actor="bench",
        now=timezone.now(),
    )


def _moments(run: Run) -> list[float]:
    booked = Attempt.objects.filter(call__run=run, outcome="ok").order_by("finished_at")
    moments = [at for at in booked.values_list("finished_at", flat=True) if at is not None]
    return [_seconds(at) for at in moments]


def _seconds(at: datetime) -> float:
    return at.timestamp()


def _scene(slug: str, pairs: int) -> judging.Scene:
    scene = judging.make_scene(pairs=0, slug=slug)
    for start in range(0, pairs, PIECE):
        with transaction.atomic():
            _pairs(scene.dataset, range(start, min(pairs, start + PIECE)))
    return scene


def _pairs(dataset: Dataset, numbers: Sequence[int]) -> None:
    """Texts of a usual length: some 150 tokens a pair."""
    question = "How do I change the address of invoice {}? I moved last week. "
    contents = Content.objects.bulk_create(
        Content(
            project=dataset.project,
            body={
                "input": question.format(n) * 2,
                "responses": [question.format(n) * 3, question.format(-n) * 4],
            },
        )
        for n in numbers
    )
    items = Item.objects.bulk_create(
        Item(
            project=dataset.project,
            dataset=dataset,
            content=content,
            external_id=f"pair-{n:07}",
            kind="pair",
            prompt_key=f"p{n}",
            cluster_key=f"p{n}",
            content_hash=f"{n:064}",
            input_digest=f"{n:064}",
        )
        for n, content in zip(numbers, contents, strict=True)
    )
    Response.objects.bulk_create(
        Response(item=item, position=side, system=name, digest=f"{item.pk:064}", length=200)
        for item in items
        for side, name in enumerate(("alpha", "beta"))
    )
