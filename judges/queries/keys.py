"""Which addresses a project has keys for: everything but the keys."""

from __future__ import annotations

from accounts.models import Project
from judges.models import ProviderKey


def keys_of(project: Project) -> list[ProviderKey]:
    """Every stored key of the project with who set it, by address."""
    found = ProviderKey.objects.filter(project=project).select_related("set_by")
    return list(found.order_by("base_url", "provider"))
