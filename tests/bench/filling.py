"""Many rows at once, for measuring: run inside a process of the house that is measured."""

from __future__ import annotations

from itertools import islice

from accounts.models import Rater
from annotation.models import Assignment, Content, Dataset, Item, Rating, Response, Round
from annotation.states import AssignmentState, RoundState
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
