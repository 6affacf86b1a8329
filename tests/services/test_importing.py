"""Items in: whole or not at all, once, in bounded memory, and never beside a sealed prompt."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import pytest

from accounts.models import Project
from annotation.models import Content, Dataset, Item, Response, whole
from annotation.services import datasets, importing
from annotation.states import Part
from core import mapping
from core.errors import Conflict, Invalid
from core.models import AuditEvent
from tests import builders

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture
def project() -> Project:
    return builders.make_project()


@pytest.fixture
def dataset(project: Project) -> Dataset:
    return builders.make_dataset(project)


def row(number: int, **more: object) -> dict[str, object]:
    return {
        "id": f"i{number}",
        "input": f"Question {number}?",
        "response": f"Answer {number}.",
        "system": "alpha",
        **more,
    }


def jsonl(*rows: Mapping[str, object]) -> io.BytesIO:
    return io.BytesIO("\n".join(json.dumps(one) for one in rows).encode())


def take(
    dataset: Dataset, source: BinaryIO, *, name: str = "items.jsonl", maps: str = "", **more: Any
) -> importing.ItemImport:
    return importing.import_items(
        dataset=dataset,
        source=source,
        name=name,
        columns=mapping.parse_map(maps.split()),
        actor="u1",
        **more,
    )


class Unplugged(Exception):
    """What a test raises in the middle of a file."""


class BreaksOff(io.BytesIO):
    """A file whose disk goes away after the first read."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise Unplugged
        return super().read(size)


def nothing_is_left(dataset: Dataset) -> bool:
    return not (
        Item.objects.filter(dataset=dataset).exists()
        or Content.objects.filter(project=dataset.project).exists()
        or Response.objects.filter(item__dataset=dataset).exists()
    )


def test_an_item_keeps_its_texts_systems_and_other_columns(dataset: Dataset) -> None:
    take(dataset, jsonl(row(1, team="eu", latency_ms=12, tags=["billing"])))
    item = Item.objects.get(dataset=dataset)
    assert item.content is not None
    assert item.content.body["responses"] == ["Answer 1."]
    assert item.content.body["input"] == "Question 1?"
    response = item.responses.get()
    assert (response.system, response.latency_ms, response.length) == ("alpha", 12.0, 9)
    assert (item.extra, item.tags) == ({"team": "eu"}, ["billing"])


def test_the_same_file_again_adds_nothing(dataset: Dataset) -> None:
    take(dataset, jsonl(row(1), row(2)))
    again = take(dataset, jsonl(row(1), row(2), row(3)))
    assert (again.added, again.known) == (1, 2)
    assert Item.objects.filter(dataset=dataset).count() == 3


def test_a_row_that_stands_twice_in_a_file_is_one_item(dataset: Dataset) -> None:
    done = take(dataset, jsonl(row(1), row(1)))
    assert (done.added, done.known) == (1, 1)


def test_a_file_without_ids_adds_nothing_the_second_time(dataset: Dataset) -> None:
    rows = [{"input": "Why?", "response": "Because."}, {"input": "Why?", "response": "No idea."}]
    assert take(dataset, jsonl(*rows)).added == 2
    assert take(dataset, jsonl(*rows)).known == 2


def test_equal_texts_from_other_systems_are_other_items(dataset: Dataset) -> None:
    twin = {"input": "Why?", "response": "Because."}
    done = take(dataset, jsonl({**twin, "system": "alpha"}, {**twin, "system": "beta"}))
    assert done.added == 2


def test_an_id_with_other_texts_is_a_broken_row_and_changes_nothing(dataset: Dataset) -> None:
    take(dataset, jsonl(row(1)))
    with pytest.raises(Invalid, match="Line 2: the id 'i1' belongs to an item with other texts"):
        take(dataset, jsonl(row(2), row(1, response="Another answer.")))
    assert Item.objects.get(dataset=dataset).external_id == "i1"


def test_broken_rows_are_named_in_their_order_and_nothing_is_kept(dataset: Dataset) -> None:
    no_response = {"id": "x", "input": "Why?"}
    rows = (row(1), no_response, row(2), row(1, response="Other."), no_response)
    with pytest.raises(Invalid) as refusal:
        take(dataset, jsonl(*rows))
    numbers = [sentence.partition(":")[0] for sentence in refusal.value.fields["rows"]]
    assert numbers == ["Line 2", "Line 4", "Line 5"]
    assert nothing_is_left(dataset)


def test_broken_rows_can_be_left_out(dataset: Dataset) -> None:
    done = take(dataset, jsonl(row(1), {"id": "x"}, row(2)), skip_bad=True)
    assert (done.added, done.broken.total) == (2, 1)
    assert done.broken.sentences() == ["Line 2: it has no response: there is nothing to judge."]


def test_a_dry_run_counts_doubles_across_chunks_and_keeps_nothing(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 2)
    done = take(dataset, jsonl(row(1), row(2), row(1), row(3)), dry_run=True)
    assert (done.added, done.known) == (3, 1)
    assert nothing_is_left(dataset)


def test_a_reader_sees_no_item_before_the_end_and_all_after_it(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 2)
    seen: list[tuple[int, int]] = []

    def look(rows: int) -> None:
        items = Item.objects.filter(dataset=dataset)
        seen.append((items.count(), items.filter(whole()).count()))

    take(dataset, jsonl(*(row(number) for number in range(5))), progress=look)
    assert seen == [(2, 0), (4, 0), (5, 0)]
    assert Item.objects.filter(whole(), dataset=dataset).count() == 5


def test_a_file_that_breaks_off_leaves_nothing(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 10)
    many = jsonl(*(row(number, input="x" * 500) for number in range(500))).getvalue()
    with pytest.raises(Unplugged):
        take(dataset, BreaksOff(many))
    assert nothing_is_left(dataset)


def test_an_encoding_that_changes_in_mid_file_leaves_nothing(dataset: Dataset) -> None:
    many = jsonl(*(row(number, input="x" * 500) for number in range(500))).getvalue()
    with pytest.raises(Invalid, match="UTF-8"):
        take(dataset, io.BytesIO(many + "\n{é}".encode("latin-1")))
    assert nothing_is_left(dataset)


def test_rows_that_another_import_holds_hidden_are_no_items_yet(dataset: Dataset) -> None:
    """It may yet be refused: saying "there already" would lose the items."""
    other = builders.make_item(dataset, external_id="i1")
    builders.hide_in_import(other)
    with pytest.raises(Conflict, match="Another import into this dataset"):
        take(dataset, jsonl(row(1)))
    assert Item.objects.get(dataset=dataset).pk == other.pk


def test_a_second_worker_on_the_same_job_makes_the_first_give_way(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 2)
    rows = [row(number) for number in range(6)]

    def overtaken(read: int) -> None:
        if read == 4:
            take(dataset, jsonl(*rows), job_id=5)

    with pytest.raises(Conflict, match="Another import"):
        take(dataset, jsonl(*rows), job_id=5, progress=overtaken)
    assert Item.objects.filter(whole(), dataset=dataset).count() == 6
    assert Item.objects.filter(dataset=dataset).count() == 6


def test_hidden_rows_of_a_crashed_try_are_replaced(dataset: Dataset) -> None:
    lost = builders.make_item(dataset, external_id="i1", input="half a file")
    builders.hide_in_import(lost, tag=5)
    done = take(dataset, jsonl(row(1)), job_id=5)
    assert done.added == 1
    assert Item.objects.get(dataset=dataset).title == "Question 1?"


def test_a_share_is_drawn_by_cluster_and_stays_the_same(project: Project) -> None:
    dataset = datasets.create(project=project, name="sealed", share=0.5, actor="u1")
    rows = [row(number, cluster=f"c{number // 2}") for number in range(60)]
    take(dataset, jsonl(*rows))
    parts = dict(Item.objects.values_list("external_id", "part"))
    assert set(parts.values()) == {Part.SEALED, Part.DEVELOPMENT}
    assert all(parts[f"i{n}"] == parts[f"i{n + 1}"] for n in range(0, 60, 2))


@pytest.mark.parametrize("held_by", ["cluster", "input"])
def test_a_prompt_that_is_sealed_elsewhere_is_refused(
    project: Project, dataset: Dataset, held_by: str
) -> None:
    sealed = datasets.create(project=project, name="sealed", share=0.9, actor="u1")
    take(sealed, jsonl(*(row(number, cluster=f"c{number}") for number in range(20))))
    chosen = Item.objects.filter(dataset=sealed, part=Part.SEALED).order_by("pk")[0]
    number = int(chosen.external_id[1:])
    twin = (
        row(900, cluster=chosen.cluster_key) if held_by == "cluster" else row(number, cluster="z")
    )
    with pytest.raises(Invalid, match="Line 2: this prompt is sealed in another dataset"):
        take(dataset, jsonl(row(500), twin))
    assert not Item.objects.filter(dataset=dataset).exists()


def test_a_set_that_was_looked_at_takes_no_new_items(project: Project) -> None:
    dataset = datasets.create(project=project, name="sealed", share=0.5, actor="u1")
    datasets.freeze(sealed_set=dataset.sealed_set, now=builders.NOON)
    with pytest.raises(Conflict, match="has been looked at"):
        take(dataset, jsonl(row(1)))


def test_after_retirement_new_items_are_for_development(project: Project) -> None:
    dataset = datasets.create(project=project, name="sealed", share=0.9, actor="u1")
    datasets.retire(sealed_set=dataset.sealed_set, actor="u1", now=builders.NOON)
    take(dataset, jsonl(*(row(number) for number in range(20))))
    assert set(Item.objects.values_list("part", flat=True)) == {Part.DEVELOPMENT}


def test_an_exact_mapping_reads_no_column_by_its_name_alone(dataset: Dataset) -> None:
    rows = {"input": "Why?", "output": "Because.", "response": "not this", "source": "nowhere"}
    take(dataset, jsonl(rows), maps="input=input response=output", is_exact=True)
    item = Item.objects.get(dataset=dataset)
    assert item.content is not None
    assert item.content.body["responses"] == ["Because."]
    assert item.extra == {"response": "not this", "source": "nowhere"}


def test_the_import_is_in_the_audit_trail(dataset: Dataset) -> None:
    take(dataset, jsonl(row(1)), name="week 46.jsonl")
    event = AuditEvent.objects.get(verb="items.imported")
    assert (event.actor, event.object_id) == ("u1", str(dataset.pk))
    assert event.data == {"file": "week 46.jsonl", "added": 1, "known": 0, "broken": 0}


class Endless(io.RawIOBase):
    """A JSONL file that is made while it is read."""

    def __init__(self, rows: Iterator[dict[str, object]]) -> None:
        self._rows = rows
        self._waiting = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self._waiting) < size:
            following = next(self._rows, None)
            if following is None:
                break
            self._waiting += json.dumps(following).encode() + b"\n"
        piece, self._waiting = self._waiting[:size], self._waiting[size:]
        return piece


def test_memory_does_not_grow_with_the_file(dataset: Dataset) -> None:
    """40 MB of long texts: what is written at once is in memory, the file is not."""
    source = Endless(row(number, input=f"{number} " + "x" * 100_000) for number in range(400))
    tracemalloc.start()
    try:
        done = take(dataset, source)  # type: ignore[arg-type]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert done.added == 400
    assert peak < 15_000_000


def test_what_lies_open_elsewhere_cannot_be_sealed(project: Project) -> None:
    """Labels that are known already must never become evidence."""
    rows = [{"id": f"i{n}", "input": f"Question {n}?", "response": "Yes."} for n in range(40)]
    first = datasets.create(project=project, name="first", actor="u1")
    importing.import_items(
        dataset=first, source=jsonl(*rows), name="a.jsonl", columns={}, actor="u1"
    )
    second = datasets.create(project=project, name="second", share=0.9, actor="u1")
    done = importing.import_items(
        dataset=second,
        source=jsonl(*rows),
        name="a.jsonl",
        columns={},
        actor="u1",
        skip_bad=True,
    )
    assert done.broken.total > 20
    assert not Item.objects.filter(dataset=second, part=Part.SEALED).exists()
