"""While an import goes on nobody sees its items; it ends, or is given up, by one small change."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation.models import Content, Dataset, Item, PendingImport, whole
from annotation.services import datasets, importing, itemstore
from annotation.states import Part
from core.errors import Conflict
from core.models import Job
from tests import builders

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture
def dataset() -> Dataset:
    return builders.make_dataset(builders.make_project())


def rows(first: int, last: int) -> io.BytesIO:
    told = [
        {"id": f"i{number}", "input": f"Question {number}?", "response": "Yes."}
        for number in range(first, last)
    ]
    return io.BytesIO("\n".join(json.dumps(one) for one in told).encode())


def take(dataset: Dataset, source: io.BytesIO, job_id: int | None = None) -> importing.ItemImport:
    return importing.import_items(
        dataset=dataset, source=source, name="a.jsonl", columns={}, actor="u1", job_id=job_id
    )


def aged(pending: PendingImport) -> None:
    PendingImport.objects.filter(pk=pending.pk).update(
        touched_at=timezone.now() - timedelta(hours=2)
    )


def test_making_items_visible_writes_to_none_of_them(dataset: Dataset) -> None:
    """So whoever waits to write does not notice, however many items there are."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        take(dataset, rows(0, 5))
    written = [query["sql"] for query in queries if query["sql"].startswith("UPDATE")]
    assert not [sql for sql in written if "annotation_item" in sql]
    assert Item.objects.filter(whole()).count() == 5
    assert not PendingImport.objects.exists()


def test_what_a_crash_left_is_dropped_by_the_next_import(dataset: Dataset) -> None:
    lost = builders.make_item(dataset, external_id="i0", input="half a file")
    aged(builders.hide_in_import(lost))
    assert take(dataset, rows(0, 2)).added == 2
    assert Item.objects.get(external_id="i0").title == "Question 0?"
    assert Content.objects.count() == 2
    assert not PendingImport.objects.exists()


def test_an_import_that_is_at_work_elsewhere_is_left_alone(dataset: Dataset) -> None:
    other = builders.make_item(dataset, external_id="x")
    builders.hide_in_import(other)
    take(dataset, rows(0, 2))
    assert Item.objects.filter(pk=other.pk).exists()
    assert not Item.objects.filter(whole(), pk=other.pk).exists()


def test_an_old_import_whose_job_still_waits_is_left_alone(dataset: Dataset) -> None:
    job = Job.objects.create(kind="annotation.import_items", actor="u1")
    other = builders.make_item(dataset, external_id="x")
    aged(builders.hide_in_import(other, tag=job.pk))
    take(dataset, rows(0, 2))
    assert Item.objects.filter(pk=other.pk).exists()


def test_whoever_was_taken_for_dead_writes_nothing_any_more(dataset: Dataset) -> None:
    mine = itemstore.begin(dataset, job_id=5)
    itemstore.begin(dataset, job_id=5)
    with pytest.raises(Conflict, match="Another import"):
        itemstore.store(mine, [])
    with pytest.raises(Conflict, match="Another import"):
        itemstore.end(mine)


def test_giving_up_leaves_alone_what_somebody_else_took_over(dataset: Dataset) -> None:
    mine = itemstore.begin(dataset, job_id=5)
    itemstore.begin(dataset, job_id=5)
    item = builders.make_item(dataset)
    Item.objects.filter(pk=item.pk).update(import_job_id=5)
    itemstore.give_up(mine)
    assert Item.objects.filter(pk=item.pk).exists()
    assert PendingImport.objects.filter(pk=5).exists()


def test_a_prompt_that_came_into_another_dataset_meanwhile_stops_a_sealed_import(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 10)
    sealed = datasets.create(project=dataset.project, name="sealed", share=0.9, actor="u1")

    def meanwhile(read: int) -> None:
        hidden = Item.objects.filter(dataset=sealed, part=Part.SEALED)[0]
        twin = builders.make_item(dataset, external_id=f"twin {read}")
        Item.objects.filter(pk=twin.pk).update(cluster_key=hidden.cluster_key)

    with pytest.raises(Conflict, match="Another import"):
        importing.import_items(
            dataset=sealed, source=rows(0, 20), name="a.jsonl", columns={}, actor="u1",
            progress=meanwhile,
        )  # fmt: skip
    assert not Item.objects.filter(dataset=sealed).exists()
