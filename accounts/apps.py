from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        # drf-spectacular finds its extensions by their being imported.
        from accounts import exporting, schema  # noqa: F401
        from accounts.services import notices, passwords, tries
        from core import registry

        registry.register_export(exporting.AUDIT)
        registry.register_job(passwords.MAIL_JOB, passwords.mail_job)
        registry.register_reconciler("notices", notices.wake)
        registry.register_reconciler("tries", tries.sweep)
