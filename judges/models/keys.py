"""Keys of providers, encrypted."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Project
from core.models import TimeStamped
from judges.states import KeyProvider


class ProviderKey(TimeStamped):
    """The key that a project sends to one address, and to no other.

    `secret` is encrypted under the installation's secret for this project, provider and address:
    moved to another row it cannot be read. Of the key itself only the end (`hint`) is ever shown.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="provider_keys")
    provider = models.CharField(max_length=16, choices=KeyProvider)
    base_url = models.CharField(max_length=200)
    secret = models.TextField()
    hint = models.CharField(max_length=4, blank=True)
    set_at = models.DateTimeField()
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "provider", "base_url"], name="provider_key_once"
            ),
            models.CheckConstraint(
                condition=Q(provider__in=KeyProvider.values), name="provider_key_provider_known"
            ),
            models.CheckConstraint(
                condition=~Q(base_url="") & ~Q(secret=""), name="provider_key_is_whole"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} at {self.base_url}"
