"""LLM-Rubric's synthetic conversations as label tables, and through the import services.

Twenty-four people and a recorded judge on questions of four points; 0 and empty cells are no
rating. Nine conversations were rated twice by one person: the first rating counts.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from accounts.models import Project
from annotation.models import Dataset, Dimension, Guideline, GuidelineVersion
from annotation.services import datasets, label_import
from annotation.states import DimensionKind, GuidelineForm, Level, VersionState
from judges.models import Run
from judges.services import verdicts_import
from tests.builders import NOON

PEOPLE = "human_judges_synth_all_FIXED_ANON.tsv"
JUDGE = "gpt-3.5-turbo-16k_synth_evaluations_FIXED.tsv"
QUESTIONS = tuple(f"Q{number}" for number in range(9))
"""Q0 is overall satisfaction, the others are single aspects; Q2 to Q5 often did not apply."""
POINTS, CUT = ("1", "2", "3", "4"), "3"


def write_tables(shared_data: Path, folder: Path) -> tuple[Path, Path]:
    """Both files as the documented label tables; verdicts on what nobody rated are left out."""
    people, judge = folder / "people.csv", folder / "judge.csv"
    votes = list(_votes(shared_data))
    rated = {item for item, *_ in votes}
    verdicts = [row for row in _verdicts(shared_data) if row[0] in rated]
    _write(people, ("item", "rater", "label", "dimension"), votes)
    _write(judge, ("item", "label", "dimension"), verdicts)
    return people, judge


def import_people(project: Project, people: Path) -> Dataset:
    """The labels under a guideline whose questions have a cut; the items are known by them."""
    _guideline(project)
    dataset = datasets.create(project=project, name="LLM-Rubric", actor="u1")
    with people.open("rb") as source:
        label_import.import_labels(
            dataset=dataset,
            source=source,
            name=people.name,
            guideline_name="Conversations",
            columns={},
            values={},
            actor="u1",
            now=NOON,
        )
    return dataset


def import_judge(dataset: Dataset, judge: Path) -> Run:
    """One sampled answer of GPT-3.5 for each question."""
    with judge.open("rb") as source:
        return verdicts_import.import_verdicts(
            project=dataset.project,
            judge_name="GPT-3.5",
            dataset=dataset,
            source=source,
            name=judge.name,
            columns={},
            values={},
            actor="command",
            now=NOON,
        ).run


def _guideline(project: Project) -> None:
    guideline = Guideline.objects.create(
        project=project, name="Conversations", form=GuidelineForm.POINTWISE
    )
    version = GuidelineVersion.objects.create(
        guideline=guideline, state=VersionState.PUBLISHED, text="Rate it.", published_at=NOON
    )
    Dimension.objects.bulk_create(
        Dimension(
            version=version,
            position=position,
            key=key.lower(),
            name=key,
            kind=DimensionKind.SCALE,
            level=Level.ORDINAL,
            points=[{"value": value, "anchor": ""} for value in POINTS],
            cut=CUT,
        )
        for position, key in enumerate(QUESTIONS)
    )


def _votes(shared_data: Path) -> Iterator[tuple[str, ...]]:
    for row in _rows(shared_data, PEOPLE):
        for key in QUESTIONS:
            label = _label(row[key])
            if label:
                yield row["text_id"], f"annotator {row['annotator_id']}", label, key


def _verdicts(shared_data: Path) -> Iterator[tuple[str, ...]]:
    for row in _rows(shared_data, JUDGE):
        label = _label(row["sample_llm"])
        if row["criterion"] in QUESTIONS and label:
            yield row["text_id"], label, row["criterion"]


def _label(cell: str) -> str:
    """A point of the scale as it is written, or nothing: the cells hold 3 and 3.0 and 0."""
    label = cell.strip().removesuffix(".0")
    return label if label in POINTS else ""


def _rows(shared_data: Path, name: str) -> Iterator[dict[str, str]]:
    with (shared_data / "llm_rubric" / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter="\t")


def _write(file: Path, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(header)
        writer.writerows(rows)
