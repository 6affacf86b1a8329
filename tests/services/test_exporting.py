"""Data out: what may leave, in an order that holds while people work, and back in again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import Project, Rater
from annotation.models import Assignment, Dataset, Item, Rating, Round, SealedSet
from annotation.services import exporting, importing
from annotation.states import AssignmentState, Part, RoundState
from core.exporting import Format
from core.models import AuditEvent
from core.registry import ExportScope
from tests import builders
from tests.cast import Cast

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

ODD = 'He said: "no",\r\nthen =1+1\tand قال \u2028 👩‍🚀'


def taken(project: Project, table: str, form: Format = "jsonl", **scope: Any) -> bytes:
    pieces = exporting.export(
        table=exporting.table_of(table),
        form=form,
        scope=ExportScope(project.pk, **scope),
        actor="u1",
    )
    return b"".join(pieces)


def rows(project: Project, table: str, **scope: Any) -> list[dict[str, Any]]:
    return [
        json.loads(line) for line in taken(project, table, **scope).decode().split("\n") if line
    ]


def bring(dataset: Dataset, source: bytes, name: str) -> importing.ItemImport:
    return importing.import_items(
        dataset=dataset, source=io.BytesIO(source), name=name, columns={}, actor="u1"
    )


@pytest.fixture
def dataset(project: Project) -> Dataset:
    return builders.make_dataset(project)


@pytest.fixture
def rated(project: Project, dataset: Dataset, cast: Cast) -> Round:
    """Two items, both rated by ana, the first one by ben as well."""
    items = [builders.make_item(dataset, external_id=f"i{n}") for n in (1, 2)]
    raters = [builders.rater_of(project, person) for person in (cast.ana, cast.ben)]
    round_ = builders.make_round(
        dataset, builders.make_guideline(project, keys=("accuracy",)), items=items, raters=raters
    )
    for item in items:
        builders.make_rating(round_, item, raters[0], labels={"accuracy": "4"})
    builders.make_rating(round_, items[0], raters[1], labels={"accuracy": "2"})
    return round_


def full_items() -> Iterator[dict[str, object]]:
    yield {
        "id": "one", "input": ODD, "context": "=SUM(A1)", "reference": "'quoted'",
        "response": "  leading, and trailing  ", "system": "alpha", "latency_ms": 120.5,
        "cost": 0.0012, "difficulty": "hard", "case": "edge_case", "source": "manual",
        "tags": ["billing", "a, b"], "prompt": "p1", "cluster": "c1", "ticket": "T-7",
    }  # fmt: skip
    yield {
        "id": "two", "messages": [{"role": "user", "content": ODD}], "response_a": "Yes.",
        "response_b": "No.", "system_a": "alpha", "system_b": "beta", "cost_b": 3,
        "tags": ["billing", "refund"],
    }  # fmt: skip
    yield {"id": "three", "input": "Why?", "response": "So.", "kind": "single"}
    yield {"id": "four", "input": "Which?", "kind": "pair", "response_a": "", "response_b": "B"}
    yield {"id": "five", "input": "", "context": "All is said here.", "response": "So."}


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_exported_items_come_back_the_same(
    project: Project, dataset: Dataset, form: Format
) -> None:
    source = "\n".join(json.dumps(row) for row in full_items()).encode()
    assert bring(dataset, source, "items.jsonl").added == 5
    file = taken(project, "items", form, dataset_id=dataset.pk)
    again = bring(dataset, file, f"items.{form}")
    assert (again.added, again.known) == (0, 5)
    elsewhere = builders.make_dataset(project, name="a copy")
    assert bring(elsewhere, file, f"items.{form}").added == 5
    told = ("external_id", "content_hash", "prompt_key", "cluster_key", "tags", "extra", "case")
    first, copied = (
        list(Item.objects.filter(dataset=one).order_by("external_id").values_list(*told))
        for one in (dataset, elsewhere)
    )
    assert first == copied


def test_a_replaced_label_is_history_and_the_current_one_counts(
    project: Project, rated: Round
) -> None:
    first = Rating.objects.order_by("pk")[0]
    Rating.objects.filter(pk=first.pk).update(is_current=False)
    Rating.objects.create(
        assignment=first.assignment, dimension=first.dimension, label="5", revision=2
    )
    found = [row for row in rows(project, "ratings") if row["assignment"] == first.assignment_id]
    assert [(row.get("label"), row.get("uncounted_label"), row["state"]) for row in found] == [
        (None, "4", "replaced"),
        ("5", None, "current"),
    ]


def test_what_is_amended_while_an_export_runs_stays_as_it_was_at_the_start(
    project: Project, rated: Round
) -> None:
    table = exporting.table_of("ratings")
    stream = table.rows(ExportScope(project.pk))
    first = dict(next(stream))
    last = Rating.objects.order_by("-pk")[0]
    Rating.objects.filter(pk=last.pk).update(is_current=False)
    Rating.objects.create(
        assignment=last.assignment, dimension=last.dimension, label="5", revision=2
    )
    told = [first, *map(dict, stream)]
    assert [row["label"] for row in told] == ["4", "4", "2"]


def test_skips_and_withdrawals_say_so(project: Project, rated: Round) -> None:
    slot = Assignment.objects.filter(round=rated, state=AssignmentState.OPEN).order_by("pk")[0]
    Assignment.objects.filter(pk=slot.pk).update(
        state=AssignmentState.SKIPPED, skip_reason="Not my field.", rater=Rater.objects.last()
    )
    gone = Assignment.objects.filter(state=AssignmentState.SUBMITTED).order_by("pk")[0]
    Assignment.objects.filter(pk=gone.pk).update(state=AssignmentState.WITHDRAWN, submitted_at=None)
    found = rows(project, "ratings")
    assert [row["state"] for row in found] == ["withdrawn", "current", "current", "skipped"]
    assert (found[0].get("label"), found[0]["uncounted_label"]) == (None, "4")
    assert found[-1]["reason"] == "Not my field."


def test_an_answer_to_a_gold_item_is_told_and_does_not_count(
    project: Project, dataset: Dataset, rated: Round
) -> None:
    item = builders.make_item(dataset, external_id="g1", part=Part.NONE)
    gold = builders.make_gold(item, rated.guideline_version)
    answer = Assignment.objects.create(
        round=rated,
        item=item,
        gold=gold,
        slot=None,
        rater=Rater.objects.filter(project=project)[0],
        state=AssignmentState.SUBMITTED,
        submitted_at=builders.NOON,
    )
    dimension = rated.guideline_version.dimensions.get()
    Rating.objects.create(assignment=answer, dimension=dimension, label="3")
    [told] = [row for row in rows(project, "ratings") if row["item"] == "g1"]
    assert (told["state"], told.get("label"), told["uncounted_label"]) == ("gold", None, "3")


def test_nothing_about_a_sealed_prompt_leaves(
    project: Project, dataset: Dataset, rated: Round
) -> None:
    sealed = Item.objects.get(external_id="i1")
    Item.objects.filter(pk=sealed.pk).update(part=Part.SEALED)
    SealedSet.objects.create(dataset=dataset)
    sibling = builders.make_item(
        builders.make_dataset(project, name="beside"), external_id="x", cluster="i1", input="Other?"
    )
    assert sibling.part != Part.SEALED
    assert rows(project, "ratings") == []  # i2 asks what the sealed item asks
    Item.objects.filter(external_id="i2").update(input_digest="another")
    assert {row["item"] for row in rows(project, "ratings")} == {"i2"}
    assert {row["id"] for row in rows(project, "items")} == {"i2"}
    for table in ("labels", "verdicts"):
        assert rows(project, table) == []


def test_a_lead_who_rates_takes_nothing_of_what_is_yet_to_be_rated(
    project: Project, rated: Round, cast: Cast
) -> None:
    for table in ("items", "ratings"):
        assert rows(project, table, user_id=cast.ana.pk) == []
        assert rows(project, table, user_id=cast.lea.pk)
    Round.objects.update(state=RoundState.CLOSED)
    assert len(rows(project, "ratings", user_id=cast.ana.pk)) == 3


def test_an_export_is_narrowed_to_a_round(project: Project, dataset: Dataset, rated: Round) -> None:
    other = builders.make_round(
        dataset, rated.guideline_version, items=[], raters=[], name="Round 2"
    )
    assert rows(project, "ratings", round_id=other.pk) == []
    assert len(rows(project, "ratings", round_id=rated.pk)) == 3


def test_who_took_what_stands_in_the_trail(project: Project, rated: Round) -> None:
    taken(project, "ratings", "csv", round_id=rated.pk)
    event = AuditEvent.objects.get(verb="data.exported")
    assert event.data == {"table": "ratings", "format": "csv", "round": rated.pk}
    assert rows(project, "audit")[-1]["verb"] == "data.exported"


def test_csv_has_every_column_whatever_a_row_has(project: Project, rated: Round) -> None:
    table = list(csv.DictReader(io.StringIO(taken(project, "ratings", "csv").decode())))
    assert [(row["item"], row["label"]) for row in table] == [("i1", "4"), ("i2", "4"), ("i1", "2")]
    assert all(row["uncounted_label"] == "" for row in table)
