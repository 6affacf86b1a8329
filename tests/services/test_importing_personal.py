"""Personal data at import: reported or masked, before anything is stored."""

from __future__ import annotations

import io
import json

import pytest

from accounts.models import Project
from annotation.models import Content, Dataset, Item
from annotation.services import importing
from core.errors import Invalid
from core.models import AuditEvent
from tests import builders

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

ROWS = (
    {"id": "i1", "input": "I am ana@x.org", "response": "Hello ana@x.org, call +49 30 901820."},
    {"id": "i2", "input": "Why?", "response": "So."},
)


@pytest.fixture
def dataset(project: Project) -> Dataset:
    return builders.make_dataset(project)


def take(dataset: Dataset, wish: str) -> importing.ItemImport:
    return importing.import_items(
        dataset=dataset,
        source=io.BytesIO("\n".join(map(json.dumps, ROWS)).encode()),
        name="log.jsonl",
        columns={},
        personal=importing.look_of(wish, ""),
        actor="u1",
    )


def test_masked_texts_are_all_that_is_stored(dataset: Dataset) -> None:
    done = take(dataset, importing.MASK)
    assert done.personal is not None
    assert done.personal.found == {"email": 2, "phone": 1}
    stored = json.dumps(list(Content.objects.values_list("body", flat=True)))
    assert "x.org" not in stored
    assert "Hello [e-mail 1], call [phone number 1]." in stored
    assert "ana" not in Item.objects.get(external_id="i1").title


def test_the_same_file_masked_again_adds_nothing(dataset: Dataset) -> None:
    take(dataset, importing.MASK)
    again = take(dataset, importing.MASK)
    assert (again.added, again.known) == (0, 2)


def test_a_report_leaves_the_texts_and_says_where(dataset: Dataset) -> None:
    done = take(dataset, importing.REPORT)
    assert done.personal is not None
    assert done.personal.places == [
        ("i1", "input", "email"), ("i1", "responses", "email"), ("i1", "responses", "phone"),
    ]  # fmt: skip
    assert Content.objects.filter(body__input="I am ana@x.org").exists()


def test_the_trail_says_that_it_was_masked_and_no_value(dataset: Dataset) -> None:
    take(dataset, importing.MASK)
    event = AuditEvent.objects.get(verb="items.imported")
    assert (event.data["personal_items"], event.data["personal_masked"]) == (1, True)
    assert "x.org" not in json.dumps(event.data)


def test_nobody_looks_unless_asked(dataset: Dataset) -> None:
    done = take(dataset, "")
    assert done.personal is None
    assert "personal" not in done.as_dict()


def test_a_region_that_there_is_not_is_refused() -> None:
    with pytest.raises(Invalid, match="two letters"):
        importing.look_of(importing.MASK, "XQ")
