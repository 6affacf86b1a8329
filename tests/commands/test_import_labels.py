"""`import_labels`: existing labels in, from one row a label or a column a rater."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from accounts.models import Project
from annotation.models import Dataset, Guideline, Item, Rating
from annotation.queries import labels
from annotation.services import datasets
from measurement.agreement import summarise
from tests import builders
from tests.commands.conftest import Refusal, Write

pytestmark = pytest.mark.django_db

LONG = "item,rater,label\ni1,ana,4\ni1,ben,5\ni2,ana,3\n"
WIDE = "idx,ann1,ann2\ni1,0,1\ni2,2,\n"


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("import_labels", *arguments, stdout=out)
    return out.getvalue()


def test_labels_make_an_open_dataset_where_there_is_none(project: Project, write: Write) -> None:
    out = run("support", "old labels", write("l.csv", LONG))
    assert out.startswith("3 labels of 2 raters on 2 items under 'Labels of old labels'")
    assert out.strip().endswith("2 items made.")
    assert Dataset.objects.get().is_open


def test_wide_columns_with_value_codes(project: Project, write: Write) -> None:
    run(
        "support", "pairs", write("l.csv", WIDE),
        "--map", "item=idx", "--values", "0=tie", "1=A", "2=B", "--wide", "ann1", "ann2",
    )  # fmt: skip
    assert sorted(Rating.objects.values_list("label", flat=True)) == ["A", "B", "tie"]


def test_the_same_table_again_adds_nothing(project: Project, write: Write) -> None:
    file = write("l.csv", LONG)
    run("support", "old labels", file)
    out = run("support", "old labels", file)
    assert out.startswith("0 labels")
    assert "3 there already" in out
    assert Rating.objects.count() == 3


def test_labels_are_held_against_a_named_guideline(
    project: Project, write: Write, refusal: Refusal
) -> None:
    builders.make_guideline(project, keys=("accuracy",))
    file = write("l.csv", LONG + "i2,ben,9\n")
    sentence = refusal("import_labels", "support", "old labels", file, "--guideline", "Helpfulness")
    assert "Line 5: " in sentence
    assert not Dataset.objects.exists()
    assert not Rating.objects.exists()


def test_an_unknown_item_is_refused_by_its_row(
    project: Project, write: Write, refusal: Refusal
) -> None:
    builders.make_item(builders.make_dataset(project), external_id="i1")
    sentence = refusal("import_labels", "support", "week 46", write("l.csv", LONG))
    assert "Line 4: there is no item 'i2' in 'week 46'." in sentence
    assert Item.objects.count() == 1


def test_a_sealed_dataset_that_collects_its_own_labels_is_refused(
    project: Project, write: Write, refusal: Refusal
) -> None:
    datasets.create(project=project, name="sealed", share=0.5, actor="u1")
    sentence = refusal("import_labels", "support", "sealed", write("l.csv", LONG))
    assert "collected here, blind" in sentence


def test_a_value_code_without_a_sign_is_refused(
    project: Project, write: Write, refusal: Refusal
) -> None:
    sentence = refusal("import_labels", "support", "x", write("l.csv", LONG), "--values", "one")
    assert "is not a value code" in sentence
    assert not Dataset.objects.exists()


def test_wide_and_rater_contradict_each_other(
    project: Project, write: Write, refusal: Refusal
) -> None:
    sentence = refusal(
        "import_labels", "support", "x", write("l.csv", WIDE),
        "--map", "item=idx", "rater=ann1", "--wide", "ann2",
    )  # fmt: skip
    assert "leave one of the two out" in sentence


@pytest.mark.reference_data
def test_pandalm_agrees_as_published(project: Project, shared_data: Path) -> None:
    """Labels alone: alpha as in the statistics reference, section 12."""
    out = run(
        "support", "PandaLM", str(shared_data / "pandalm" / "testset-v1.json"),
        "--map", "item=idx", "--values", "0=tie", "1=A", "2=B",
        "--wide", "annotator1", "annotator2", "annotator3",
    )  # fmt: skip
    assert out.startswith("2,997 labels of 3 raters on 999 items")
    rows = labels.dataset_labels(
        dataset_id=Dataset.objects.get().pk,
        guideline_id=Guideline.objects.get().pk,
        major=1,
        dimension_key="overall",
    )
    assert summarise(labels.table(rows)).alpha.value == pytest.approx(0.8642206852, abs=1e-10)
