"""What the API reads of judges, runs and their labels."""

from __future__ import annotations

from collections.abc import Sequence

from accounts.models import Project
from annotation.models import Item
from annotation.queries.sealed import touching_sealed
from annotation.states import Part
from judges.models import Judge, JudgeLabel, Run
from judges.states import RunPurpose


def runs_before(project: Project, *, before: int | None, limit: int) -> list[Run]:
    """The project's runs, newest first; with `before` those older than that run."""
    rows = Run.objects.filter(project=project).select_related("version__judge")
    # A try in the playground belongs to no saved version: it is in the ledger only.
    rows = rows.exclude(purpose=RunPurpose.PLAYGROUND)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-pk")[:limit])


def items_of(run: Run, *, after: int, limit: int) -> list[Item]:
    """The next items of a run by their row number; a sealed one never.

    What stands beside a sealed one neither, unless the run served: a judge in use answers whatever
    came, and only to whom it was asked by.
    """
    found = Item.objects.filter(calls__run=run, pk__gt=after)
    if run.purpose == RunPurpose.SERVING:
        found = found.exclude(part=Part.SEALED)
    else:
        beside = touching_sealed(Item.objects.filter(calls__run=run), run.project_id)
        found = found.exclude(pk__in=beside.values("pk"))
    return list(found.distinct().order_by("pk")[:limit])


def labels_of(run: Run, items: Sequence[Item]) -> list[JudgeLabel]:
    """The combined labels of these items, item by item."""
    return list(
        JudgeLabel.objects.filter(run=run, item__in=items)
        .select_related("item")
        .order_by("item_id", "dimension_key")
    )


def judges_with_standing(project: Project) -> list[Judge]:
    """The project's judges with their versions and what stands, by name."""
    return list(
        Judge.objects.filter(project=project)
        .select_related("guideline", "standing__version__guideline_version", "standing__decision")
        .prefetch_related("versions")
        .order_by("slug")
    )
