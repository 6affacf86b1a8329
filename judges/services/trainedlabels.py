"""What a trained baseline would say of items: what a report holds a judge against."""

from __future__ import annotations

from django.db.models import QuerySet

from annotation.models import GuidelineVersion, Item
from core.errors import NotReady
from judges import queries
from judges.models import JudgeVersion
from judges.rules.training import Trained
from judges.services import asking
from judges.states import BaselineRule, VersionKind

_CHUNK = 500


def newest(guideline: GuidelineVersion) -> Trained | None:
    """The newest trained baseline of the guideline's major; None without one that is whole."""
    version = (
        JudgeVersion.objects.filter(
            kind=VersionKind.BASELINE,
            spec__model=BaselineRule.TRAINED,
            guideline_version__guideline=guideline.guideline_id,
            guideline_version__major=guideline.major,
        )
        .select_related("judge")
        .order_by("-pk")
        .first()
    )
    if version is None:
        return None
    try:
        return asking.trained(version.spec["artefact"], project_id=version.judge.project_id)
    except NotReady:
        return None


def labels(trained: Trained, items: QuerySet[Item], key: str) -> dict[str, str]:
    """Its label of each item of its kind by external id; nothing is asked, stored or shown."""
    found: dict[str, str] = {}
    if key not in trained.dimensions:
        return found
    for item in items.select_related("content").iterator(chunk_size=_CHUNK):
        view = queries.item_view(item)
        if view is not None and (view.kind == "pair") == trained.is_pairwise:
            found[item.external_id] = trained.label(view, key)
    return found
