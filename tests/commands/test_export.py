"""`export`: a whole file or none, and what it wrote is what the other commands read."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Project, Rater
from annotation.models import Assignment, Rating, Round
from annotation.queries import labels as label_queries
from annotation.states import AssignmentState
from measurement.agreement import summarise
from tests import builders
from tests.cast import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def rated(project: Project, cast: Cast) -> Round:
    dataset = builders.make_dataset(project)
    items = [builders.make_item(dataset, external_id=f"i{n}") for n in range(6)]
    raters = [builders.rater_of(project, person) for person in (cast.ana, cast.ben)]
    version = builders.make_guideline(project, keys=("accuracy",))
    round_ = builders.make_round(dataset, version, items=items, raters=raters)
    for n, item in enumerate(items):
        for shift, rater in enumerate(raters):
            label = str(1 + (n + shift * (n % 2)) % 5)
            builders.make_rating(round_, item, rater, labels={"accuracy": label})
    return round_


def export(*arguments: object) -> None:
    call_command("export", *map(str, arguments), stdout=StringIO(), stderr=StringIO())


def test_agreement_reads_an_export_and_says_what_the_page_says(
    rated: Round, tmp_path: Path
) -> None:
    file = tmp_path / "ratings.csv"
    export("support", "ratings", "-o", file)
    out = StringIO()
    call_command("agreement", str(file), "--scale", "1-5", "--json", stdout=out)
    shown = json.loads(out.getvalue())["dimensions"]["accuracy"]
    dimension = rated.guideline_version.dimensions.get()
    rows = label_queries.round_labels(round_id=rated.pk, dimension_key="accuracy")
    expected = summarise(label_queries.table(rows), scale=label_queries.scale_of(dimension))
    assert shown == expected.as_dict()


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_labels_that_were_exported_are_imported_elsewhere(
    rated: Round, project: Project, tmp_path: Path, form: str
) -> None:
    """Without what was replaced and what was passed by, which the file holds as well."""
    first = Rating.objects.order_by("pk")[0]
    Rating.objects.filter(pk=first.pk).update(is_current=False)
    Rating.objects.create(
        assignment=first.assignment, dimension=first.dimension, label="5", revision=2
    )
    slot = Assignment.objects.filter(state=AssignmentState.OPEN).order_by("pk")[0]
    skipped = {"state": AssignmentState.SKIPPED, "skip_reason": "x", "rater": Rater.objects.last()}
    Assignment.objects.filter(pk=slot.pk).update(**skipped)
    file = tmp_path / f"ratings.{form}"
    export("support", "ratings", "-o", file, "--round", "Round 1")
    other = builders.make_project(slug="other")
    builders.make_dataset(other, name="copy")
    call_command("import_labels", "other", "copy", str(file), stdout=StringIO())
    copied = Round.objects.get(project=other)
    rows = label_queries.round_labels(round_id=copied.pk, dimension_key="accuracy")
    given = label_queries.round_labels(round_id=rated.pk, dimension_key="accuracy")
    assert sorted((row.external_id, row.rater, row.label) for row in rows) == sorted(
        (row.external_id, row.rater, row.label) for row in given
    )


def test_the_format_follows_the_files_name(rated: Round, tmp_path: Path) -> None:
    file = tmp_path / "items.csv"
    export("support", "items", "-o", file)
    with file.open(newline="") as source:
        assert len(list(csv.DictReader(source))) == 6
    assert [path.name for path in tmp_path.iterdir()] == ["items.csv"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nobody", "items"), "no project 'nobody'"),
        (("support", "items", "--dataset", "x"), "no dataset 'x'. There are: week 46"),
        (("support", "items", "-o", "/nowhere/at/all.csv"), "cannot be written"),
    ],
)
def test_a_wrong_call_is_told_with_status_2(
    rated: Round, arguments: tuple[str, ...], words: str
) -> None:
    with pytest.raises(CommandError, match=words) as refusal:
        export(*arguments)
    assert refusal.value.returncode == 2
