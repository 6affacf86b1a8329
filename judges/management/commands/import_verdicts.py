"""Import the verdicts of a judge that judged elsewhere."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from annotation.management.commands.import_items import project_of, said
from annotation.models import Dataset
from annotation.rules import shapes
from core import mapping
from core.errors import DomainError
from judges.services import verdicts_import
from judges.services.verdicts_import import VerdictImport


class Command(BaseCommand):
    help = "Import a table of verdicts as one recorded version of a judge."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="the project's short name")
        parser.add_argument("judge", help="its name; made where there is none")
        parser.add_argument("file", type=Path)
        parser.add_argument("--dataset", required=True, help="the name of the items' dataset")
        parser.add_argument("--guideline", default="", help="its name; default: the judge's")
        parser.add_argument("--map", nargs="+", default=[], metavar="FIELD=COLUMN")
        parser.add_argument("--values", nargs="+", default=[], metavar="VALUE=LABEL")
        parser.add_argument(
            "--shape",
            choices=shapes.CHOICES,
            default=shapes.AUTO,
            help="whose rows they are; auto: known by the rows, plain: as they stand",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = _run(options)
        except DomainError as refusal:
            raise CommandError(said(refusal), returncode=2) from refusal
        except OSError as error:
            raise CommandError(
                f"The file cannot be opened: {error.strerror}.", returncode=2
            ) from error
        name = f"{options['judge']} {done.run.version}"
        if not done.is_new:
            self.stdout.write(f"These verdicts were imported before: they are {name}.")
            return
        outcomes = ", ".join(f"{count} {name}" for name, count in sorted(done.outcomes.items()))
        self.stdout.write(
            f"{done.verdicts} verdicts on {done.items} items are {name} ({outcomes}); "
            f"{done.repeats} repeats."
        )


def _run(options: dict[str, Any]) -> VerdictImport:
    columns = mapping.parse_map(options["map"])
    values = mapping.parse_values(options["values"])
    project = project_of(options["project"])
    dataset = dataset_of(project.pk, options["dataset"])
    file: Path = options["file"]
    with file.open("rb") as source:
        return verdicts_import.import_verdicts(
            project=project,
            judge_name=options["judge"],
            dataset=dataset,
            source=source,
            name=file.name,
            columns=columns,
            values=values,
            guideline_name=options["guideline"],
            shape=options["shape"],
            actor="command",
            now=timezone.now(),
        )


def dataset_of(project_id: int, name: str) -> Dataset:
    """The dataset of that name, or a sentence that names those there are."""
    found = Dataset.objects.filter(project=project_id, name=name).first()
    if found is None:
        names = Dataset.objects.filter(project=project_id).order_by("name")
        known = ", ".join(repr(one) for one in names.values_list("name", flat=True)[:20])
        raise CommandError(
            f"There is no dataset {name!r}. Datasets: {known or 'none yet'}.", returncode=2
        )
    return found
