from __future__ import annotations

from django.apps import AppConfig


class JudgesConfig(AppConfig):
    name = "judges"

    def ready(self) -> None:
        from core import registry
        from judges.services import engine

        registry.register_reconciler("runs", engine.reconcile)
