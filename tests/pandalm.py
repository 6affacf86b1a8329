"""PandaLM through the import services: 999 items, three raters, the recorded GPT-3.5 judge."""

from __future__ import annotations

from pathlib import Path

from accounts.models import Project
from annotation.models import Dataset
from annotation.services import datasets, importing, label_import
from core import mapping
from judges.models import Run
from judges.services import verdicts_import
from tests.builders import NOON

COLUMNS = (
    "id=idx", "input=instruction", "context=input", "response_a=response1",
    "response_b=response2", "system_a=cmp_key~_~0", "system_b=cmp_key~_~1", "cluster=instruction",
)  # fmt: skip
CODES = ("0=tie", "1=A", "2=B")
JUDGE_CODES = ("1=A", "2=B", "Tie=tie", "garbage=!invalid")
RATERS = ("annotator1", "annotator2", "annotator3")


def import_people(
    project: Project, shared_data: Path, *more: str, file: Path | None = None
) -> Dataset:
    """Items and the labels of their three raters, clustered by instruction.

    `file` is a copy of the test set with `more` columns.
    """
    file = file or shared_data / "pandalm" / "testset-v1.json"
    dataset = datasets.create(project=project, name="PandaLM", actor="u1")
    with file.open("rb") as source:
        importing.import_items(
            dataset=dataset,
            source=source,
            name=file.name,
            columns=mapping.parse_map([*COLUMNS, *more]),
            actor="u1",
        )
    with file.open("rb") as source:
        label_import.import_labels(
            dataset=dataset,
            source=source,
            name=file.name,
            columns=mapping.parse_map(["item=idx"]),
            values=mapping.parse_values(CODES),
            wide=RATERS,
            actor="u1",
            now=NOON,
        )
    return dataset


def import_judge(dataset: Dataset, shared_data: Path) -> Run:
    """The recorded verdicts of GPT-3.5."""
    file = shared_data / "pandalm" / "gpt-3.5-turbo-testset-v1.json"
    with file.open("rb") as source:
        verdicts_import.import_verdicts(
            project=dataset.project,
            judge_name="GPT-3.5",
            dataset=dataset,
            source=source,
            name=file.name,
            columns=mapping.parse_map(["item=idx", "label=gpt_result"]),
            values=mapping.parse_values(JUDGE_CODES),
            actor="command",
            now=NOON,
        )
    return Run.objects.get(version__judge__name="GPT-3.5")
