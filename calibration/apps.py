from __future__ import annotations

from django.apps import AppConfig


class CalibrationConfig(AppConfig):
    name = "calibration"

    def ready(self) -> None:
        from calibration.queries import steps
        from calibration.services import approvals, reports, roundfigures
        from core import registry
        from judges.services import hooks

        registry.register_job(approvals.MEASURE, approvals.measure_job)
        registry.register_reconciler("approvals", approvals.reconcile)
        registry.register_job("calibration.report", reports.make_job)
        registry.register_job(roundfigures.MAKE, roundfigures.make_job)
        registry.register_step("agree", steps.agree)
        hooks.on_finished("approvals", approvals.on_run_finished)
        hooks.on_finished("reports", reports.on_run_finished)
