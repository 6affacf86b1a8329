"""Import items from a file on the server: no size limit, nothing in memory."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Project
from annotation.models import Dataset
from annotation.rules import personal, shapes
from annotation.services import datasets, importing
from core import mapping
from core.errors import DomainError
from core.words import number_of

ACTOR = "command"


class Command(BaseCommand):
    # They would load every page.
    requires_system_checks = []
    help = "Import items (CSV, JSON, JSONL, Parquet) into a dataset of a project."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="the project's short name")
        parser.add_argument("file", type=Path)
        parser.add_argument("--dataset", help="its name; made when there is none (default: FILE)")
        parser.add_argument(
            "--share", type=float, help="sealed share of a new dataset, 0 = open (default)"
        )
        parser.add_argument("--map", nargs="+", default=[], metavar="FIELD=COLUMN")
        parser.add_argument(
            "--shape",
            choices=shapes.CHOICES,
            default=shapes.AUTO,
            help="whose rows they are; auto: known by the rows, plain: as they stand",
        )
        parser.add_argument("--dry-run", action="store_true", help="read and check, keep nothing")
        parser.add_argument("--skip-bad", action="store_true", help="leave broken rows out")
        parser.add_argument(
            "--personal-data",
            choices=(importing.REPORT, importing.MASK),
            default="",
            help="look for e-mail, phone, card and account numbers, addresses of machines",
        )
        parser.add_argument(
            "--region", default="", help="reads phone numbers without a country code: DE, GB, US …"
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
        for sentence in (*done.listed_notices, *done.broken.sentences()):
            self.stderr.write(sentence)
        if done.personal is not None:
            self.stdout.write(personal.sentence(done.personal))
        if done.shape:
            self.stdout.write(f"Read as: {done.shape}.")
        kept = "would be added" if options["dry_run"] else "added"
        self.stdout.write(
            f"{number_of(done.added, 'item')} {kept}, {done.known:,} there already, "
            f"{number_of(done.broken.total, 'row')} left out."
        )


def _run(options: dict[str, Any]) -> importing.ItemImport:
    """Import; a dataset made for a file that is then refused goes again."""
    columns = mapping.parse_map(options["map"])
    project = project_of(options["project"])
    file: Path = options["file"]
    name = options["dataset"] or file.stem
    with file.open("rb") as source:
        dataset, is_new = _dataset(project, name, options["share"])
        try:
            done = importing.import_items(
                dataset=dataset,
                source=source,
                name=file.name,
                columns=columns,
                shape=options["shape"],
                actor=ACTOR,
                skip_bad=options["skip_bad"],
                dry_run=options["dry_run"],
                personal=importing.look_of(options["personal_data"], options["region"]),
            )
        except BaseException:
            if is_new:
                datasets.drop_empty(dataset=dataset, actor=ACTOR)
            raise
        if is_new and options["dry_run"]:
            datasets.drop_empty(dataset=dataset, actor=ACTOR)
    return done


def project_of(slug: str) -> Project:
    """The project, or a sentence that names those there are."""
    found = Project.objects.filter(slug=slug).first()
    if found is None:
        known = ", ".join(Project.objects.order_by("slug").values_list("slug", flat=True)[:20])
        raise CommandError(f"There is no project {slug!r}. Projects: {known}.", returncode=2)
    return found


def said(refusal: DomainError) -> str:
    """The refusal's sentence, and below it one line for each broken row."""
    return "\n".join([refusal.sentence, *refusal.fields.get("rows", [])])


def _dataset(project: Project, name: str, share: float | None) -> tuple[Dataset, bool]:
    """The dataset, and whether it was made just now."""
    found = Dataset.objects.filter(project=project, name=name).first()
    if found is None:
        return datasets.create(project=project, name=name, share=share or 0.0, actor=ACTOR), True
    if share is not None and share != found.share:
        raise CommandError(
            f"{name!r} exists with a sealed share of {found.share:g}; the share is fixed when a "
            "dataset is made. Leave --share out, or name another dataset.",
            returncode=2,
        )
    return found, False
