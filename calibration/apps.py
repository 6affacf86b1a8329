from __future__ import annotations

from django.apps import AppConfig


class CalibrationConfig(AppConfig):
    name = "calibration"

    def ready(self) -> None:
        from calibration.services import approvals
        from core import registry
        from judges.services import hooks

        registry.register_job("calibration.measure", approvals.measure_job)
        hooks.on_finished("calibration", approvals.on_run_finished)
