"""Import existing human labels from a file on the server."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from annotation.management.commands.import_items import ACTOR, project_of, said
from annotation.models import Dataset
from annotation.rules import shapes
from annotation.services import label_import
from core import mapping
from core.errors import DomainError
from core.words import number_of


class Command(BaseCommand):
    # They would load every page.
    requires_system_checks = []
    help = "Import a table of human labels into a dataset; made open where there is none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="the project's short name")
        parser.add_argument("dataset", help="its name")
        parser.add_argument("file", type=Path)
        parser.add_argument("--guideline", default="", help="its name; made from the labels if new")
        parser.add_argument("--map", nargs="+", default=[], metavar="FIELD=COLUMN")
        parser.add_argument("--values", nargs="+", default=[], metavar="VALUE=LABEL")
        parser.add_argument("--wide", nargs="+", default=[], metavar="COLUMN")
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
        if done.shape:
            self.stdout.write(f"Read as: {done.shape}.")
        self.stdout.write(
            f"{number_of(done.labels, 'label')} of {number_of(done.raters, 'rater')} on "
            f"{number_of(done.items, 'item')} under {done.guideline!r}; {done.known:,} there "
            f"already, {number_of(done.repeats, 'repeat')}, {number_of(done.new_items, 'item')} "
            "made."
        )


def _run(options: dict[str, Any]) -> label_import.LabelImport:
    columns = mapping.parse_map(options["map"])
    values = mapping.parse_values(options["values"])
    project = project_of(options["project"])
    file: Path = options["file"]
    with file.open("rb") as source:
        dataset = Dataset.objects.filter(project=project, name=options["dataset"]).first()
        return label_import.import_labels(
            dataset=dataset or label_import.NewDataset(project, options["dataset"]),
            source=source,
            name=file.name,
            columns=columns,
            values=values,
            wide=options["wide"],
            guideline_name=options["guideline"],
            shape=options["shape"],
            actor=ACTOR,
            now=timezone.now(),
        )
