"""Which items are sealed for whoever reads labels or verdicts."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from annotation.models import Item
from annotation.states import Part


def touching_sealed(items: QuerySet[Item], project_id: int) -> QuerySet[Item]:
    """Those that are sealed, or share a cluster or an input with a sealed item of the project.

    A retired set has no sealed items left: its items became development items.
    """
    sealed = Item.objects.filter(project=project_id, part=Part.SEALED)
    return items.filter(
        Q(part=Part.SEALED)
        | Q(cluster_key__in=sealed.values("cluster_key"))
        | Q(input_digest__in=sealed.exclude(input_digest="").values("input_digest"))
    )
