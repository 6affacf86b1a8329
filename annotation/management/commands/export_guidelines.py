"""Export guidelines of a project as a file that another project imports."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Project
from annotation.management.commands.import_items import ACTOR, project_of
from annotation.models import Guideline
from annotation.services import guideline_files
from core.errors import DomainError


class Command(BaseCommand):
    help = "Write guidelines with their versions as a file (JSON)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="the project's short name")
        parser.add_argument("--guideline", default="", help="only this one, by its name")
        parser.add_argument("--version-number", default="", help="only this version of it: 1.2")
        parser.add_argument(
            "-o", "--output", type=Path, metavar="FILE", help="default: standard output"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_of(options["project"])
        output: Path | None = options["output"]
        if options["version_number"] and not options["guideline"]:
            raise CommandError("A version is one of a guideline: name it too.", returncode=2)
        try:
            text = guideline_files.export(
                project=project,
                actor=ACTOR,
                guideline=_named(project, options["guideline"]),
                number=options["version_number"],
            )
        except DomainError as refusal:
            raise CommandError(refusal.sentence, returncode=2) from refusal
        if output is None:
            self.stdout.write(text, ending="")
            return
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(
                f"{output}: the file cannot be written: {error.strerror}.", returncode=2
            ) from error
        self.stderr.write(f"{output}: written.")


def _named(project: Project, name: str) -> Guideline | None:
    if not name:
        return None
    guidelines = Guideline.objects.filter(project=project)
    found = guidelines.filter(name=name).first()
    if found is None:
        known = ", ".join(guidelines.order_by("name").values_list("name", flat=True)[:20])
        raise CommandError(
            f"There is no guideline {name!r}. There are: {known or 'none'}.", returncode=2
        )
    return found
