"""Which items are sealed for whoever reads labels or verdicts."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from annotation.models import Dataset, Item, SealedSet
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


def sealed_elsewhere(dataset: Dataset, keys: set[str]) -> set[str]:
    """Those of the keys (of clusters, digests of inputs) that are sealed in another dataset."""
    if (
        not SealedSet.objects.filter(
            dataset__project_id=dataset.project_id, retired_at__isnull=True
        )
        .exclude(dataset=dataset)
        .exists()
    ):
        return set()
    found = (
        Item.objects.filter(project_id=dataset.project_id, part=Part.SEALED)
        .exclude(dataset=dataset)
        .filter(Q(cluster_key__in=keys) | Q(input_digest__in=keys))
        .values_list("cluster_key", "input_digest")
    )
    return {key for pair in found for key in pair} & keys


def open_elsewhere(dataset: Dataset, keys: set[str]) -> set[str]:
    """Those of the keys that lie in another dataset: what is known there cannot be sealed here."""
    if dataset.is_open:
        return set()
    found = (
        Item.objects.filter(project_id=dataset.project_id)
        .exclude(dataset=dataset)
        .filter(Q(cluster_key__in=keys) | Q(input_digest__in=keys))
        .values_list("cluster_key", "input_digest")
    )
    return {key for pair in found for key in pair} & keys
