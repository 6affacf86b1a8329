"""What the races have in common: a round, threads that begin together, a rater at work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection
from django.utils import timezone

from accounts.models import Rater
from accounts.roles import Role
from annotation.models import Round
from annotation.services import claim, rating
from core.errors import Conflict
from tests import builders

FOURS = dict.fromkeys(builders.FOUR, "4")
PATIENCE = 60
T = TypeVar("T")


def make_round(*, items: int, raters: int, overlap: int) -> tuple[Round, list[Rater]]:
    project = builders.make_project()
    people = [
        builders.rater_of(
            project, builders.join(project, builders.make_user(username=f"r{n}"), Role.RATER)
        )
        for n in range(raters)
    ]
    dataset = builders.make_dataset(project)
    made = [builders.make_item(dataset, external_id=f"i{n}") for n in range(items)]
    version = builders.make_guideline(project)
    round_ = builders.make_round(dataset, version, items=made, raters=people, overlap=overlap)
    return round_, people


def at_once(acts: Sequence[Callable[[], T]]) -> list[T]:
    """Run each act in a thread that begins when all are ready."""
    ready = threading.Barrier(len(acts), timeout=PATIENCE)

    def run(act: Callable[[], T]) -> T:
        try:
            ready.wait()
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [done.result(PATIENCE) for done in [pool.submit(run, act) for act in acts]]


def claim_now(round_: Round, rater: Rater) -> claim.Claim:
    return claim.next_slot(round_id=round_.pk, rater_id=rater.pk, now=timezone.now())


def work(round_: Round, rater: Rater) -> list[int]:
    """Rate until nothing is left; the assignments that this rater was given."""
    given: list[int] = []
    while True:
        try:
            next_one = claim.next_slot(round_id=round_.pk, rater_id=rater.pk, now=timezone.now())
        except Conflict:
            continue
        if next_one.assignment_id is None:
            return given
        given.append(next_one.assignment_id)
        rating.submit(
            assignment_id=next_one.assignment_id, rater=rater, labels=FOURS, now=timezone.now()
        )
