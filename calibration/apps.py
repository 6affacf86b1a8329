from __future__ import annotations

from django.apps import AppConfig


class CalibrationConfig(AppConfig):
    name = "calibration"

    def ready(self) -> None:
        from calibration.queries import driftrounds, steps
        from calibration.services import (
            approvals,
            drift,
            erasing,
            referencefigures,
            reports,
            roundfigures,
            sessiontalk,
        )
        from core import registry
        from judges.services import hooks

        registry.register_job(approvals.MEASURE, approvals.measure_job)
        registry.register_reconciler("approvals", approvals.reconcile)
        registry.register_job(drift.FEED, drift.feed_job)
        registry.register_reconciler("drift rounds", drift.reconcile)
        registry.register_drift_bar("judge authors", driftrounds.barred)
        registry.register_job("calibration.report", reports.make_job)
        registry.register_job(roundfigures.MAKE, roundfigures.make_job)
        registry.register_job(referencefigures.MAKE, referencefigures.make_job)
        registry.register_trace("names in reports", erasing.NAMES)
        registry.register_trace("words in sessions", erasing.TALK)
        registry.register_item_texts("calibration", erasing.ITEMS)
        registry.register_notice(approvals.ASKED, approvals.ASKED_SENTENCE)
        registry.register_notice(sessiontalk.NAMED, sessiontalk.NAMED_SENTENCE)
        registry.register_step("agree", steps.agree)
        hooks.on_finished("approvals", approvals.on_run_finished)
        hooks.on_finished("reports", reports.on_run_finished)
        hooks.on_finished("drift rounds", drift.on_run_finished)
