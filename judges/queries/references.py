"""What people said of development items, for whatever is made from it."""

from __future__ import annotations

from annotation.models import GuidelineVersion, ReferenceLabel
from annotation.queries.reference import in_force
from annotation.queries.sealed import touching_sealed
from annotation.states import Part, ReferenceState
from judges.queries.items import with_texts

Labels = dict[int, dict[str, str]]


def development_labels(version: GuidelineVersion, *, is_pairwise: bool) -> Labels:
    """The decided reference labels in force by item and dimension, in the order of the items.

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
        .iterator(chunk_size=5000)
    )
    found: Labels = {}
    for (item_id, key), label in in_force(rows).items():
        if label.state == ReferenceState.DECIDED:
            found.setdefault(item_id, {})[key] = label.label
    return found
