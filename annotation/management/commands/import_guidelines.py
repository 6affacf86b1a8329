"""Import guidelines from a file: each becomes a draft of the project."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.management.commands.import_items import ACTOR, project_of
from annotation.rules.guidelinefile import read
from annotation.services import guideline_files
from core.errors import DomainError


class Command(BaseCommand):
    help = "Read a guideline file into a project. Nothing is in force before it is published."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="the project's short name")
        parser.add_argument("file", type=Path)
        parser.add_argument("--name", default="", help="another name for a single guideline")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_of(options["project"])
        try:
            drafts = guideline_files.bring_in(
                project=project,
                guidelines=read(options["file"].read_bytes()),
                name=options["name"],
                actor=ACTOR,
            )
        except DomainError as refusal:
            raise CommandError(refusal.sentence, returncode=2) from refusal
        except OSError as error:
            raise CommandError(
                f"The file cannot be opened: {error.strerror}.", returncode=2
            ) from error
        for draft in drafts:
            self.stdout.write(f"{draft.guideline.name}: draft {draft.number}")
