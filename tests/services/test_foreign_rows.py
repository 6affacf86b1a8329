"""Rows of foreign files: whose label is which, the seal, and nothing of it with the item."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import pytest

from accounts.models import Project
from annotation.models import Dataset, Dimension, Guideline, Item, Rating, Round
from annotation.services import datasets, importing, label_import
from annotation.states import DimensionKind, ItemKind, Part
from core import mapping
from judges.models import JudgeLabel
from judges.services import verdicts_import
from tests import builders
from tests import foreignfiles as files
from tests.builders import NOON

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]

PEOPLE = [
    files.pair("ash/birch", "model_a", "expert_1", turn=1),
    files.pair("birch/ash", "model_a", "author_2", turn=1),
    files.pair("ash/birch", "tie (inconsistent)", "expert_1", turn=2),
]
MODEL = [
    files.pair("ash/birch", "model_b", ["gpt-4", "pair-v2"], turn=1),
    files.pair("birch/ash", "model_b", ["gpt-4", "pair-v2-multi-turn"], turn=2),
]


@pytest.fixture
def project() -> Project:
    return builders.make_project()


@pytest.fixture
def dataset(project: Project) -> Dataset:
    return builders.make_dataset(project)


def source(*rows: Mapping[str, Any]) -> io.BytesIO:
    return io.BytesIO(json.dumps(rows).encode())


def items(dataset: Dataset, *rows: Mapping[str, Any], **more: Any) -> importing.ItemImport:
    columns = mapping.parse_map(more.pop("columns", ()))
    return importing.import_items(
        dataset=dataset,
        source=source(*rows),
        name="a.json",
        columns=columns,
        actor="u1",
        **more,
    )


def labels(dataset: Dataset, *rows: Mapping[str, Any], **more: Any) -> label_import.LabelImport:
    return label_import.import_labels(
        dataset=dataset,
        source=source(*rows),
        name="a.json",
        columns=mapping.parse_map(more.pop("columns", ())),
        values={},
        actor="u1",
        now=NOON,
        **more,
    )


def verdicts(dataset: Dataset, *rows: Mapping[str, Any]) -> dict[str, str]:
    done = verdicts_import.import_verdicts(
        project=dataset.project,
        judge_name="GPT-4",
        dataset=dataset,
        source=source(*rows),
        name="a.json",
        columns={},
        values={},
        actor="command",
        now=NOON,
    )
    found = JudgeLabel.objects.filter(run=done.run)
    return {
        item: label or outcome
        for item, label, outcome in found.values_list("item__external_id", "label", "outcome")
    }


def said() -> set[tuple[str, str, str, str]]:
    return set(
        Rating.objects.values_list(
            "assignment__item__external_id",
            "assignment__rater__name",
            "dimension__name",
            "label",
        )
    )


def test_pairs_judged_by_people_and_by_a_model(dataset: Dataset) -> None:
    done = items(dataset, *PEOPLE, *MODEL)
    assert (done.added, done.known, done.broken.total) == (2, 3, 0)
    turns = Item.objects.order_by("external_id")
    assert [one.external_id for one in turns] == ["81/ash/birch/1", "81/ash/birch/2"]
    assert {one.kind for one in turns} == {ItemKind.PAIR}
    assert {one.cluster_key for one in turns} == {"81"}
    labels(dataset, *PEOPLE, *MODEL, guideline_name="Preference")
    assert said() == {
        ("81/ash/birch/1", "expert_1", "overall", "A"),
        ("81/ash/birch/1", "author_2", "overall", "B"),
        ("81/ash/birch/2", "expert_1", "overall", "tie"),
    }
    assert Dimension.objects.get().kind == DimensionKind.PAIRWISE
    assert verdicts(dataset, *PEOPLE, *MODEL) == {"81/ash/birch/1": "B", "81/ash/birch/2": "A"}


def test_the_same_foreign_file_again_adds_nothing(dataset: Dataset) -> None:
    items(dataset, *PEOPLE)
    assert items(dataset, *PEOPLE).added == 0
    labels(dataset, *PEOPLE)
    assert labels(dataset, *PEOPLE).known == 3
    assert Round.objects.count() == 1


def test_no_label_stays_with_an_item(dataset: Dataset) -> None:
    items(dataset, *PEOPLE)
    for item in Item.objects.select_related("content"):
        assert item.content is not None
        assert "model_a" not in json.dumps(item.content.body)
        assert "expert" not in json.dumps(item.content.body)


def test_turns_of_a_question_lie_on_one_side_of_the_seal(project: Project) -> None:
    sealed = datasets.create(project=project, name="sealed", share=0.5, actor="u1")
    rows = [
        files.pair(turn=turn) | {"question_id": question} | _asking(f"Name tree {question}.")
        for question in range(81, 101)
        for turn in (1, 2)
    ]
    items(sealed, *rows)
    sides: dict[str, set[str]] = {}
    for cluster, part in Item.objects.values_list("cluster_key", "part"):
        sides.setdefault(cluster, set()).add(part)
    assert all(len(parts) == 1 for parts in sides.values())
    assert {next(iter(parts)) for parts in sides.values()} == {Part.SEALED, Part.DEVELOPMENT}


def _asking(question: str) -> dict[str, Any]:
    return {
        f"conversation_{side}": files.conversation(system, question)
        for side, system in (("a", "ash"), ("b", "birch"))
    }


def test_a_mapping_of_the_files_own_columns_works_as_before(dataset: Dataset) -> None:
    builders.make_item(dataset, external_id="81")
    labels(dataset, PEOPLE[0], columns=("item=question_id", "rater=judge", "label=winner"))
    assert said() == {("81", "expert_1", "overall", "model_a")}
    assert Guideline.objects.count() == 1
