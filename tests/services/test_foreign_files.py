"""Files that people already have, from their items to their labels and verdicts."""

from __future__ import annotations

import io
import tracemalloc
from typing import Any

import pytest

from accounts.models import Project
from annotation.models import Dataset, Dimension, Item, Rating
from annotation.services import importing, label_import
from annotation.services.importing import ItemImport
from annotation.services.label_import import LabelImport
from core.errors import Invalid
from core.mapping import parse_map
from judges.models import JudgeLabel
from judges.services import verdicts_import
from tests import builders, shaped
from tests.builders import NOON

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]

MAP = ("input=question", "response=answer")


@pytest.fixture
def project() -> Project:
    return builders.make_project()


@pytest.fixture
def dataset(project: Project) -> Dataset:
    return builders.make_dataset(project)


def items(dataset: Dataset, body: bytes, *pairs: str, **more: Any) -> ItemImport:
    return importing.import_items(
        dataset=dataset,
        source=io.BytesIO(body),
        name="file",
        columns=parse_map(pairs),
        actor="u1",
        **more,
    )


def labels(dataset: Dataset, body: bytes, *pairs: str, **more: Any) -> LabelImport:
    return label_import.import_labels(
        dataset=dataset,
        source=io.BytesIO(body),
        name="file",
        columns=parse_map(pairs),
        values={},
        actor="u1",
        now=NOON,
        **more,
    )


def test_mt_bench_judgments_become_items_labels_and_verdicts(dataset: Dataset) -> None:
    body = shaped.as_jsonl(shaped.PAIRS)
    done = items(dataset, body)
    assert (done.added, done.known, done.shape) == (2, 2, "MT-Bench judgments of pairs")
    assert done.as_dict()["shape"] == done.shape
    said = labels(dataset, body)
    assert (said.labels, said.raters, said.items, said.new_items) == (3, 2, 2, 0)
    assert said.shape == done.shape
    assert sorted(Rating.objects.values_list("label", flat=True)) == ["A", "B", "tie"]
    verdicts_import.import_verdicts(
        project=dataset.project,
        judge_name="GPT-4",
        dataset=dataset,
        source=io.BytesIO(body),
        name="file",
        columns={},
        values={},
        actor="command",
        now=NOON,
    )
    assert list(JudgeLabel.objects.values_list("item__external_id", "label")) == [
        ("81/alpha-7b/beta-13b/1", "B")
    ]


def test_labels_alone_keep_the_turns_of_a_question_together(dataset: Dataset) -> None:
    assert labels(dataset, shaped.as_jsonl(shaped.PAIRS)).new_items == 2
    assert set(Item.objects.values_list("cluster_key", flat=True)) == {"81"}


def test_single_answers_are_conversations(dataset: Dataset) -> None:
    assert items(dataset, shaped.as_json(shaped.SINGLES)).added == 3
    item = Item.objects.get(external_id="81/alpha-7b/2")
    assert item.content is not None
    assert [turn["role"] for turn in item.content.body["messages"]] == ["user", "assistant", "user"]
    with pytest.raises(Invalid, match="judged by a language model"):
        labels(dataset, shaped.as_json(shaped.SINGLES))


@pytest.mark.parametrize(("rows", "known"), [(shaped.TASKS, 0), (shaped.MIN, 1)])
def test_label_studio_exports_become_items_and_labels(
    dataset: Dataset, rows: list[dict[str, Any]], known: int
) -> None:
    done = items(dataset, shaped.as_json(rows), *MAP)
    assert (done.added, done.known) == (2, known)
    assert not Item.objects.exclude(extra={}).exists()
    said = labels(dataset, shaped.as_json(rows))
    assert (said.labels, said.raters) == (5, 2)
    assert set(Dimension.objects.values_list("key", "kind")) == {
        ("stars", "scale"),
        ("tone", "category"),
    }


def test_rows_are_read_as_they_stand_on_request(dataset: Dataset) -> None:
    with pytest.raises(Invalid, match="no column"):
        items(dataset, shaped.as_json(shaped.PAIRS), shape="plain")
    body = shaped.as_json(shaped.TASKS)
    done = items(dataset, body, "input=data.question", "response=data.answer")
    assert (done.added, done.shape) == (2, "")


def test_a_bad_row_is_named_and_nothing_is_taken(dataset: Dataset) -> None:
    body = shaped.as_jsonl([shaped.PAIRS[0], shaped.pair_row(conversation_a=None)])
    with pytest.raises(Invalid, match=r"Line 2: the conversation_a cannot be read"):
        items(dataset, body)
    assert not Item.objects.exists()
    assert items(dataset, body, skip_bad=True).added == 1


def test_memory_does_not_grow_with_the_file(dataset: Dataset) -> None:
    def peak(count: int) -> int:
        rows = [shaped.pair_row(question_id=1) for _ in range(count)]
        source = shaped.as_jsonl(rows)
        del rows
        tracemalloc.start()
        items(dataset, source)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(12_000) < 1.5 * peak(4_000)
