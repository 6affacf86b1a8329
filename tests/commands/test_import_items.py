"""`import_items`: the whole file or nothing, with a sentence and status 2 when it is nothing."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from accounts.models import Project
from annotation.models import Content, Dataset, Item, whole
from annotation.states import Part
from tests import builders
from tests.commands.conftest import Refusal, Write

pytestmark = pytest.mark.django_db

GOOD = "id,question,answer\n1,Why?,Because.\n2,How?,So.\n"  # as a spreadsheet saves it
MAP = ("--map", "input=question", "response=answer")


def run(*arguments: str) -> tuple[str, str]:
    """Standard output and standard error."""
    out, err = StringIO(), StringIO()
    call_command("import_items", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_items_come_into_a_dataset_named_after_the_file(project: Project, write: Write) -> None:
    out, _ = run("support", write("week 46.csv", GOOD), *MAP)
    assert out.startswith("2 items added, 0 there already, 0 rows left out.")
    assert Dataset.objects.get().name == "week 46"
    assert Item.objects.filter(whole()).count() == 2


def test_the_same_file_again_adds_nothing(project: Project, write: Write) -> None:
    file = write("a.csv", GOOD)
    run("support", file, *MAP)
    out, _ = run("support", file, *MAP)
    assert out.startswith("0 items added, 2 there already")


def test_a_share_seals_a_part_of_a_new_dataset(project: Project, write: Write) -> None:
    rows = "\n".join(
        json.dumps({"id": n, "input": f"Question {n}?", "response": "So."}) for n in range(40)
    )
    run("support", write("a.jsonl", rows), "--dataset", "sealed", "--share", "0.5")
    assert set(Item.objects.values_list("part", flat=True)) == {Part.SEALED, Part.DEVELOPMENT}


def test_a_share_that_contradicts_the_dataset_is_refused(
    project: Project, write: Write, refusal: Refusal
) -> None:
    builders.make_dataset(project, name="open")
    sentence = refusal(
        "import_items", "support", write("a.csv", GOOD), *MAP, "--dataset", "open", "--share", "0.5"
    )
    assert "exists with a sealed share of 0" in sentence


@pytest.mark.parametrize("share", ["1", "-0.1", "nan"])
def test_a_share_out_of_range_is_refused(
    project: Project, write: Write, refusal: Refusal, share: str
) -> None:
    sentence = refusal("import_items", "support", write("a.csv", GOOD), *MAP, f"--share={share}")
    assert "from 0 up to, but not including, 1" in sentence
    assert not Dataset.objects.exists()


def test_broken_rows_are_listed_and_nothing_stays(
    project: Project, write: Write, refusal: Refusal
) -> None:
    file = write("a.csv", GOOD + "3,What?,\n4,,\n")
    sentence = refusal("import_items", "support", file, *MAP)
    assert sentence.splitlines()[1:] == [
        "Line 4: it has no response: there is nothing to judge.",
        "Line 5: it has no response: there is nothing to judge.",
    ]
    assert not Dataset.objects.exists()
    assert not Content.objects.exists()


def test_broken_rows_can_be_left_out(project: Project, write: Write) -> None:
    out, err = run("support", write("a.csv", GOOD + "3,What?,\n"), *MAP, "--skip-bad")
    assert out.startswith("2 items added, 0 there already, 1 row left out.")
    assert err == "Line 4: it has no response: there is nothing to judge.\n"


def test_a_dry_run_counts_and_keeps_nothing(project: Project, write: Write) -> None:
    out, _ = run("support", write("a.csv", GOOD), *MAP, "--dry-run")
    assert out.startswith("2 items would be added")
    assert not Dataset.objects.exists()
    assert not Content.objects.exists()


def test_a_dry_run_leaves_a_dataset_that_was_there(project: Project, write: Write) -> None:
    builders.make_dataset(project, name="a")
    run("support", write("a.csv", GOOD), *MAP, "--dry-run")
    assert Dataset.objects.get().name == "a"


def test_an_unknown_project_is_refused_with_those_there_are(
    project: Project, write: Write, refusal: Refusal
) -> None:
    assert "Projects: support." in refusal("import_items", "suport", write("a.csv", GOOD))


def test_an_unknown_column_is_refused_with_those_there_are(
    project: Project, write: Write, refusal: Refusal
) -> None:
    sentence = refusal("import_items", "support", write("a.csv", GOOD), "--map", "input=frage")
    assert "no column “frage”" in sentence
    assert "question" in sentence
    assert not Dataset.objects.exists()


def test_an_unknown_field_is_refused(project: Project, write: Write, refusal: Refusal) -> None:
    sentence = refusal("import_items", "support", write("a.csv", GOOD), "--map", "prompt_text=id")
    assert "There is no field “prompt_text”" in sentence


def test_a_file_that_is_not_there_is_refused(
    project: Project, tmp_path: Path, refusal: Refusal
) -> None:
    sentence = refusal("import_items", "support", str(tmp_path / "none.csv"))
    assert sentence == "The file cannot be opened: No such file or directory."


def test_a_folder_is_no_file(project: Project, tmp_path: Path, refusal: Refusal) -> None:
    assert "cannot be opened" in refusal("import_items", "support", str(tmp_path))


@pytest.mark.reference_data
def test_pandalm_comes_in_whole(project: Project, shared_data: Path) -> None:
    out, err = run(
        "support",
        str(shared_data / "pandalm" / "testset-v1.json"),
        "--map",
        "id=idx",
        "input=instruction",
        "context=input",
        "response_a=response1",
        "response_b=response2",
        "system_a=cmp_key~_~0",
        "system_b=cmp_key~_~1",
    )
    assert out.startswith("999 items added, 0 there already, 0 rows left out.")
    assert "the response A is not a text in the file; it is taken as “true”." in err


def test_personal_data_is_masked_on_request_and_told_by_kind(
    project: Project, write: Write
) -> None:
    file = write("log.csv", "id,question,answer\n1,I am a@x.org,Write to a@x.org.\n")
    out, _ = run("support", file, *MAP, "--personal-data", "mask")
    assert "Personal data in 1 items, masked: 2 e-mails." in out
    assert Content.objects.get().body["input"] == "I am [e-mail 1]"
