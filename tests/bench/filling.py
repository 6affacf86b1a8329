"""Many rows at once, for measuring: run inside a process of the house that is measured."""

from __future__ import annotations

import json
from itertools import islice
from unittest.mock import patch

from django.db import transaction
from django.utils import timezone

from accounts.models import Rater
from accounts.roles import Scope
from annotation.models import Assignment, Content, Dataset, Item, Rating, Response, Round
from annotation.services import laying, rounds
from annotation.states import AssignmentState, RoundState
from core import bulk
from tests import builders

RATERS = 3
PIECE = 5000


def ratings(items: int) -> None:
    """A closed round: every item rated by three on one scale."""
    project = builders.make_project(slug="bench")
    dataset = builders.make_dataset(project)
    version = builders.make_guideline(project, keys=("accuracy",))
    dimension = version.dimensions.get()
    raters = [Rater.objects.create(project=project, name=f"rater {n}") for n in range(RATERS)]
    round_ = builders.make_round(dataset, version, items=[], raters=raters, state=RoundState.CLOSED)
    numbers = iter(range(items))
    while piece := list(islice(numbers, PIECE)):
        _rated(round_, _items(dataset, piece), raters, dimension.pk)


def waiting(sizes: list[int], *, raters: int, overlap: int) -> None:
    """An open round of each size, made as a lead makes it; printed: their ids and the tokens."""
    project = builders.make_project(slug="bench")
    lead = builders.make_user(username="lead")
    version = builders.make_guideline(project)
    people = [Rater.objects.create(project=project, name=f"rater {n}") for n in range(raters)]
    opened = {}
    for size in sizes:
        dataset = builders.make_dataset(project, name=f"{size} items")
        numbers = iter(range(size))
        while piece := list(islice(numbers, PIECE)):
            with transaction.atomic():
                _items(dataset, piece)
        bulk.weigh(Item, Content, Response)
        round_ = rounds.create(
            project=project,
            dataset=dataset,
            version=version,
            name=f"{size} items",
            raters=people,
            by=lead,
            overlap=overlap,
        )
        if round_.laying_job_id is not None:
            # The house's worker would do it; nobody rates meanwhile, so nobody is waited for.
            with patch("annotation.services.laying.time.sleep"):
                laying.lay_job(round_.laying_job_id)
        opened[size] = rounds.open_round(round_id=round_.pk, by=lead, now=timezone.now()).pk
    secrets = [builders.make_token(project, scopes=[Scope.RATE], rater=one)[1] for one in people]
    print(json.dumps({"rounds": opened, "secrets": secrets}))


def submitted() -> None:
    """Printed: how many answers the house has."""
    print(Assignment.objects.filter(state=AssignmentState.SUBMITTED).count())


def _items(dataset: Dataset, numbers: list[int]) -> list[Item]:
    texts = [f"Question {n}: how do I change the address of invoice {n}? " * 3 for n in numbers]
    contents = Content.objects.bulk_create(
        Content(project=dataset.project, body={"input": text, "responses": [text * 2]})
        for text in texts
    )
    items = Item.objects.bulk_create(
        Item(
            project=dataset.project,
            dataset=dataset,
            content=content,
            external_id=f"item-{n:07}",
            kind="single",
            prompt_key=f"p{n}",
            cluster_key=f"p{n}",
            content_hash=f"{n:064}",
            input_digest=f"{n:064}",
        )
        for n, content in zip(numbers, contents, strict=True)
    )
    Response.objects.bulk_create(
        Response(item=item, position=0, system="alpha", digest=f"{item.pk:064}", length=300)
        for item in items
    )
    return items


def _rated(round_: Round, items: list[Item], raters: list[Rater], dimension_id: int) -> None:
    given = Assignment.objects.bulk_create(
        Assignment(
            round=round_,
            item=item,
            slot=slot,
            rater=rater,
            guideline_version=round_.guideline_version,
            state=AssignmentState.SUBMITTED,
            submitted_at=builders.NOON,
            active_seconds=12.5,
        )
        for item in items
        for slot, rater in enumerate(raters)
    )
    Rating.objects.bulk_create(
        Rating(
            assignment=one,
            dimension_id=dimension_id,
            label=str(1 + one.item_id % 5),
            rationale="It answers what was asked, and names the page where it is done.",
        )
        for one in given
    )
