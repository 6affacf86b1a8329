"""Export a table of a project: items, ratings, labels, verdicts, ledger, decisions, audit."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet

from accounts.models import Project
from annotation.management.commands.import_items import ACTOR, project_of
from annotation.models import Dataset, Round
from annotation.services import exporting
from core import registry
from core.errors import DomainError
from core.exporting import FORMATS
from core.registry import ExportScope


class Command(BaseCommand):
    # They would load every page.
    requires_system_checks = []
    help = "Write a table of a project as JSONL, CSV or Parquet. Nothing sealed is in it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="the project's short name")
        parser.add_argument("table", choices=registry.EXPORT_ORDER)
        parser.add_argument("--format", choices=FORMATS, default=None)
        parser.add_argument(
            "-o", "--output", type=Path, metavar="FILE", help="default: standard output"
        )
        parser.add_argument("--dataset", default="", help="only this one, by its name")
        parser.add_argument("--round", default="", help="only this one, by its name")

    def handle(self, *args: Any, **options: Any) -> None:
        output: Path | None = options["output"]
        try:
            pieces = exporting.export(
                table=exporting.table_of(options["table"]),
                form=options["format"] or _format_of(output),
                scope=_scope(project_of(options["project"]), options),
                actor=ACTOR,
            )
            size = _to_file(output, pieces) if output else _to_standard_output(pieces)
        except DomainError as refusal:
            raise CommandError(refusal.sentence, returncode=2) from refusal
        except OSError as error:
            raise CommandError(
                f"{output}: the file cannot be written: {error.strerror}.", returncode=2
            ) from error
        if output:
            self.stderr.write(f"{output}: {size:,} bytes.")


def _format_of(output: Path | None) -> Any:
    """What the file's name says, else JSONL."""
    suffix = output.suffix.lower().lstrip(".") if output else ""
    return suffix if suffix in FORMATS else FORMATS[0]


def _scope(project: Project, options: dict[str, Any]) -> ExportScope:
    datasets, rounds = (
        Dataset.objects.filter(project=project),
        Round.objects.filter(project=project),
    )
    return ExportScope(
        project_id=project.pk,
        dataset_id=_named(datasets, "dataset", options["dataset"]),
        round_id=_named(rounds, "round", options["round"]),
    )


def _named(rows: QuerySet[Any], what: str, name: str) -> int | None:
    if not name:
        return None
    found: int | None = rows.filter(name=name).values_list("pk", flat=True).first()
    if found is None:
        known = ", ".join(rows.order_by("name").values_list("name", flat=True)[:20]) or "none"
        raise CommandError(f"There is no {what} {name!r}. There are: {known}.", returncode=2)
    return found


def _to_standard_output(pieces: Iterator[bytes]) -> int:
    return sum(sys.stdout.buffer.write(piece) for piece in pieces)


def _to_file(output: Path, pieces: Iterator[bytes]) -> int:
    """Beside the file first: what stands under its name is whole."""
    beside = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            size = sum(file.write(piece) for piece in pieces)
        beside.replace(output)
    finally:
        beside.unlink(missing_ok=True)
    return size
