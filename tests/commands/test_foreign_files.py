"""`import_items`, `import_labels` and `import_verdicts` on files of foreign shapes."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Project
from annotation.models import Item, Rating
from tests import shaped
from tests.commands.conftest import Write

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_a_shape_is_recognised_and_said(project: Project, write: Write) -> None:
    file = write("anything.txt", shaped.as_jsonl(shaped.PAIRS).decode())
    said = run("import_items", "support", file, "--dataset", "bench")
    assert "Read as: MT-Bench judgments of pairs." in said
    assert "2 items added, 2 there already" in said
    assert "3 labels of 2 raters" in run("import_labels", "support", "bench", file)
    said = run("import_verdicts", "support", "GPT-4", file, "--dataset", "bench")
    assert "1 verdicts on 1 items" in said


def test_a_label_studio_export_is_mapped(project: Project, write: Write) -> None:
    file = write("export.json", shaped.as_json(shaped.TASKS).decode())
    mapped = ("--map", "input=question", "response=answer")
    assert "2 items added" in run("import_items", "support", file, "--dataset", "ls", *mapped)
    run("import_labels", "support", "ls", file, "--guideline", "Tone")
    assert Rating.objects.count() == 5


def test_the_shape_can_be_overruled(project: Project, write: Write) -> None:
    file = write("export.json", shaped.as_json(shaped.TASKS).decode())
    with pytest.raises(CommandError, match="no column"):
        run("import_items", "support", file, "--shape", "plain")
    with pytest.raises(CommandError, match="invalid choice"):
        run("import_items", "support", file, "--shape", "xml")
    assert not Item.objects.exists()
