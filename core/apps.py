from __future__ import annotations

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"

    def ready(self) -> None:
        from core import chain, jobs, registry

        registry.register_reconciler("jobs", jobs.reconcile)
        registry.register_reconciler("audit chains", chain.extend)
        registry.register_job(chain.CHECK, chain.check_job)
        registry.register_doctor_check("audit chains", chain.finding)
