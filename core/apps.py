from __future__ import annotations

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"

    def ready(self) -> None:
        from core import jobs, registry

        registry.register_reconciler("jobs", jobs.reconcile)
