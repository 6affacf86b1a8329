"""What people said of development items, for whatever is made from it."""

from __future__ import annotations

from annotation.models import GuidelineVersion, ReferenceLabel
from annotation.queries.sealed import touching_sealed
from annotation.states import Part, ReferenceState
from judges.queries.items import with_texts

Labels = dict[int, dict[str, str]]


def development_labels(version: GuidelineVersion, *, is_pairwise: bool) -> Labels:
    """The newest decided reference labels by item and dimension, in the order of the items.

    Of development items with texts only: nothing sealed, and nothing that shares a cluster or a
    prompt with a sealed item.
    """
    project_id = version.guideline.project_id
    items = with_texts(project_id, is_pairwise=is_pairwise).filter(part=Part.DEVELOPMENT)
    beside = touching_sealed(items, project_id).values("pk")
    rows = (
        ReferenceLabel.objects.filter(
            guideline=version.guideline_id,
            major=version.major,
            item__in=items.exclude(pk__in=beside).values("pk"),
        )
        .order_by("item_id", "pk")
        .values_list("item_id", "dimension_key", "state", "label")
    )
    found: Labels = {}
    for item_id, key, state, label in rows.iterator(chunk_size=5000):
        of_item = found.setdefault(item_id, {})
        of_item.pop(key, None)
        if state == ReferenceState.DECIDED:
            of_item[key] = label
    return {item_id: labels for item_id, labels in found.items() if labels}
