"""Verdicts, ledger and decisions out; verdicts come back as the same labels."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from annotation.models import Dataset, Item
from annotation.services import exporting
from annotation.states import DatasetKind, Part
from core.registry import ExportScope
from judges.models import JudgeLabel, Run
from judges.services import verdicts_import
from tests import builders, judging
from tests.builders import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

VERDICTS = """item,label,order,outcome,confidence
p0,A,AB,ok,0.9
p0,A,BA,ok,0.8
p1,A,AB,ok,
p1,B,BA,ok,
p2,,AB,refused,
p2,B,BA,ok,
"""


@pytest.fixture
def run() -> Run:
    """A recorded judge in both orders: one winner, one flip, one sample that lacks an order."""
    project = builders.make_project()
    dataset = builders.make_dataset(project)
    judging.make_pairs(dataset, 3)
    builders.make_guideline(project, name="Preference", pairwise=True)
    return imported(dataset, VERDICTS.encode(), "verdicts.csv", judge="House judge")


def imported(dataset: Dataset, source: bytes, name: str, *, judge: str) -> Run:
    return verdicts_import.import_verdicts(
        project=dataset.project,
        judge_name=judge,
        dataset=dataset,
        source=io.BytesIO(source),
        name=name,
        columns={},
        values={},
        actor="command",
        now=NOON,
    ).run


def taken(run: Run, table: str, form: Any = "jsonl", **scope: Any) -> bytes:
    pieces = exporting.export(
        table=exporting.table_of(table),
        form=form,
        scope=ExportScope(run.project_id, **scope),
        actor="u1",
    )
    return b"".join(pieces)


def labels_of(run: Run) -> list[tuple[Any, ...]]:
    told = ("item__external_id", "dimension_key", "label", "outcome", "is_consistent")
    return sorted(JudgeLabel.objects.filter(run=run).values_list(*told))


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_exported_verdicts_come_back_as_the_same_labels(run: Run, form: str) -> None:
    file = taken(run, "verdicts", form, run_id=run.pk)
    assert run.dataset is not None
    again = imported(run.dataset, file, f"verdicts.{form}", judge="The same, elsewhere")
    assert again.pk != run.pk
    assert labels_of(again) == labels_of(run)
    assert {label for _, _, label, *_ in labels_of(run)} == {"A", "tie", ""}


def test_what_came_over_the_api_and_what_is_sealed_stays(run: Run) -> None:
    Item.objects.filter(external_id="p0").update(part=Part.SEALED)
    rows = [json.loads(line) for line in taken(run, "verdicts").splitlines()]
    assert {row["item"] for row in rows} == {"p1", "p2"}
    Dataset.objects.update(kind=DatasetKind.TRAFFIC)
    assert taken(run, "verdicts") == b""


def test_a_failed_call_stands_with_its_outcome(run: Run) -> None:
    rows = [json.loads(line) for line in taken(run, "verdicts").splitlines()]
    failed = next(row for row in rows if row["outcome"] == "refused")
    assert (failed["item"], failed["order"], "label" in failed) == ("p2", "AB", False)
