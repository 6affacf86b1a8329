"""Seed the demo project once and say who can sign in."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts.demo import DEMO_PASSWORD, DEMO_PEOPLE


class Command(BaseCommand):
    help = "Make the demo project unless it is there, and print its sign-ins."

    def handle(self, *args: Any, **options: Any) -> None:
        from calibration.demo.seed import seed

        is_new = seed(now=timezone.now())
        self.stdout.write("The demo project is made." if is_new else "The demo project is there.")
        self.stdout.write(f"Sign in with the password {DEMO_PASSWORD!r} as:")
        for person in DEMO_PEOPLE:
            self.stdout.write(f"  {person.username:6} {person.name} ({person.role})")
