from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import exporting
        from accounts.services import notices, passwords, tries
        from core import registry

        registry.register_export(exporting.AUDIT)
        registry.register_job(passwords.MAIL_JOB, passwords.mail_job)
        registry.register_reconciler("notices", notices.wake)
        registry.register_reconciler("tries", tries.sweep)
