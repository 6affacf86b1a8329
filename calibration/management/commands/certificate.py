"""Write the signed certificate of a decision."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from calibration.services import certificates
from core.errors import DomainError
from judges.models import Decision


class Command(BaseCommand):
    help = "Write the certificate of a decision, signed; verify_certificate checks it anywhere."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("decision", type=int, help="the decision's number")
        parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        output: Path = options["output"]
        decision = (
            Decision.objects.select_related(
                "judge__project",
                "version__judge",
                "version__guideline_version__guideline",
                "request",
            )
            .filter(pk=options["decision"])
            .first()
        )
        if decision is None:
            raise CommandError(f"There is no decision {options['decision']}.", returncode=2)
        try:
            issued = certificates.issue(decision)
            output.write_bytes(issued.file)
        except DomainError as refusal:
            raise CommandError(refusal.sentence, returncode=2) from refusal
        except OSError as error:
            raise CommandError(
                f"{output}: the file cannot be written: {error.strerror}.", returncode=2
            ) from error
        self.stderr.write(f"{output}: signed with {issued.key.name}, public key {issued.key.text}")
