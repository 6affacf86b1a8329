from __future__ import annotations

from django.apps import AppConfig


class AnnotationConfig(AppConfig):
    name = "annotation"

    def ready(self) -> None:
        from annotation.queries import exporting, health, steps
        from annotation.services import (
            claim,
            erasing,
            itemerasing,
            laying,
            leaving,
            removing,
            retention,
            rounds,
            telling,
            uploads,
        )
        from core import registry

        registry.register_job(uploads.ITEMS, uploads.import_items_job)
        registry.register_job(uploads.LABELS, uploads.import_labels_job)
        registry.register_job(rounds.REFERENCE_JOB, rounds.reference_job)
        registry.register_job(laying.LAY_JOB, laying.lay_job)
        registry.register_job(removing.RENEW_JOB, removing.renew_job)
        registry.register_reconciler("leases", claim.expire)
        registry.register_reconciler("uploads", uploads.discard_old)
        registry.register_leaving("leases", leaving.hand_back)
        registry.register_reconciler("old traffic", retention.end_terms)
        registry.register_trace("texts of raters", erasing.TEXTS)
        registry.register_item_texts("annotation", itemerasing.TEXTS)
        registry.register_notice(telling.ROUND_OPEN, telling.ROUND_OPEN_SENTENCE)
        registry.register_notice(telling.ITEM_KEPT, telling.ITEM_KEPT_SENTENCE)
        registry.register_step("data", steps.data)
        registry.register_step("guideline", steps.guideline)
        registry.register_step("rate", steps.rate)
        for table in (exporting.ITEMS, exporting.RATINGS, exporting.LABELS):
            registry.register_export(table)
        for check in (
            health.counters_are_true,
            health.raters_counters_are_true,
            health.nobody_is_over_overlap,
            health.submitted_have_ratings,
            health.sealed_items_have_a_set,
            health.revisions_have_one_end,
        ):
            registry.register_doctor_check(check.__name__, check)
