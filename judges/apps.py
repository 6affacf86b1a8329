from __future__ import annotations

from django.apps import AppConfig


class JudgesConfig(AppConfig):
    name = "judges"

    def ready(self) -> None:
        from core import registry
        from judges.queries import authors, exporting, health, steps
        from judges.services import (
            engine,
            erasing,
            hooks,
            playground,
            probemeasuring,
            serving,
            telling,
        )
        from judges.states import RunPurpose

        registry.register_reconciler("runs", engine.reconcile)
        registry.register_job(probemeasuring.MEASURE, probemeasuring.measure_job)
        hooks.on_finished("probes", probemeasuring.on_run_finished)
        hooks.before_calls(RunPurpose.SERVING, serving.objection)
        hooks.before_calls(RunPurpose.PLAYGROUND, playground.objection)
        registry.register_item_texts("judges", erasing.ITEMS)
        registry.register_notice(telling.SUSPENDED, telling.SUSPENDED_SENTENCE)
        registry.register_step("judge", steps.judge)
        registry.register_bar("judge authors", authors.has_authored)
        for table in (exporting.VERDICTS, exporting.LEDGER, exporting.DECISIONS):
            registry.register_export(table)
        for check in (
            health.spending_is_the_ledgers,
            health.purses_are_the_ledgers,
            health.ended_runs_have_no_open_calls,
            health.ok_calls_have_verdicts,
        ):
            registry.register_doctor_check(check.__name__, check)
