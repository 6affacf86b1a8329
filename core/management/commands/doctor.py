"""Recompute what must always hold and say where it does not."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import registry


class Command(BaseCommand):
    help = "Check the promises of the house against its rows; exit 1 when one is broken."

    def handle(self, *args: Any, **options: Any) -> None:
        findings = [check() for check in registry.doctor_checks().values()]
        for finding in findings:
            mark = "ok " if finding.is_ok else "BAD"
            self.stdout.write(f"{mark} {finding.name}: {finding.sentence}")
        broken = sum(not finding.is_ok for finding in findings)
        if broken:
            raise CommandError(f"{broken} of {len(findings)} checks found something.")
        self.stdout.write(f"All {len(findings)} checks hold.")
