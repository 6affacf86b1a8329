"""One prompt lies on one side of the split, whatever clusters its rows name."""

from __future__ import annotations

import io
import json

import pytest

from accounts.models import Project
from annotation.models import Dataset, Item
from annotation.rules.split import part_of
from annotation.services import datasets, importing
from annotation.services.importing import ItemImport
from annotation.states import Part
from core.errors import Invalid

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture
def dataset(project: Project) -> Dataset:
    return datasets.create(project=project, name="sealed", share=0.5, actor="u1")


def cluster(dataset: Dataset, part: Part, *, place: int = 0) -> str:
    """A cluster that the dataset's salt puts into this part."""
    salt = dataset.sealed_set.salt
    found = [f"c{n}" for n in range(200) if part_of(f"c{n}", salt=salt, share=0.5) == part]
    return found[place]


def take(dataset: Dataset, *rows: tuple[str, str]) -> ItemImport:
    """Rows of (id, cluster), all with one prompt."""
    lines = [
        json.dumps({"id": name, "cluster": key, "input": "Why?", "response": f"Since {name}."})
        for name, key in rows
    ]
    return importing.import_items(
        dataset=dataset,
        source=io.BytesIO("\n".join(lines).encode()),
        name="items.jsonl",
        columns={},
        actor="u1",
    )


def test_a_prompt_on_both_sides_of_one_file_is_a_broken_row(dataset: Dataset) -> None:
    sealed, known = cluster(dataset, Part.SEALED), cluster(dataset, Part.DEVELOPMENT)
    with pytest.raises(Invalid, match="Line 2: the same prompt stands in this dataset"):
        take(dataset, ("a", sealed), ("b", known))
    assert not Item.objects.exists()


def test_a_prompt_that_is_known_here_is_not_sealed_later(dataset: Dataset) -> None:
    take(dataset, ("a", cluster(dataset, Part.DEVELOPMENT)))
    with pytest.raises(Invalid, match="Line 1: the same prompt stands in this dataset"):
        take(dataset, ("b", cluster(dataset, Part.SEALED)))
    assert Item.objects.get().external_id == "a"


def test_two_clusters_on_one_side_may_share_a_prompt(dataset: Dataset) -> None:
    rows = [(f"i{n}", cluster(dataset, Part.SEALED, place=n)) for n in range(2)]
    assert take(dataset, *rows).added == 2
