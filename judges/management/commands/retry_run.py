"""Ask again what brought no verdict in a run, and only that."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.management.commands.import_items import project_of, said
from core.errors import DomainError
from judges.management.commands.run_judge import wait
from judges.models import Run
from judges.services import runs


class Command(BaseCommand):
    help = "Offer the calls of a run without a verdict again; what has one stays as it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="the project's short name")
        parser.add_argument("run", type=int, help="its number")
        parser.add_argument("--wait", action="store_true", help="work on it here, until it ends")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_of(options["project"])
        run = Run.objects.filter(project=project, pk=options["run"]).first()
        if run is None:
            raise CommandError(f"There is no run {options['run']} in {project.slug}.", returncode=2)
        try:
            again = runs.retry_failed(run=run, actor="command")
        except DomainError as refusal:
            raise CommandError(said(refusal), returncode=2) from refusal
        calls = "call is" if again == 1 else "calls are"
        self.stdout.write(f"Run {run.pk}: {again} {calls} asked again.")
        if options["wait"]:
            run.refresh_from_db()
            wait(run, self.stdout)
