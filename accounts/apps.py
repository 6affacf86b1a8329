from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        # drf-spectacular finds its extensions by their being imported.
        from accounts import exporting, schema  # noqa: F401
        from core import registry

        registry.register_export(exporting.AUDIT)
