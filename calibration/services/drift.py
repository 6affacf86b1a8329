"""What a drift round says about the judges that answer by its guideline.

A job takes the items of the round that are rated in full, in the order in which they became so,
and gives them to the drift alarm of each standing that judged them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Max
from django.utils import timezone

from accounts.models import Rater
from annotation.models import Assignment, Dimension, Item, Round
from annotation.queries import labels
from annotation.queries.sealed import touching_sealed
from annotation.states import AssignmentState, RoundKind
from calibration.queries.driftrounds import ANSWERS, least_ratings, standings_by
from core import jobs
from core.models import Job, JobState
from judges.models import JudgeLabel, Run, Standing
from judges.queries import authors
from judges.services import drifting
from judges.services.drifting import FreshLabel
from judges.states import RunPurpose
from measurement.sheet import Sheet
from measurement.verdicts import Call, JudgeTable

FEED = "calibration.drift"
MOST_ROUNDS = 50


def reconcile(now: datetime) -> int:
    """Plan a job for each drift round with ratings that no job has seen; returns how many."""
    counts = (
        Assignment.objects.filter(round__kind=RoundKind.DRIFT, state=AssignmentState.SUBMITTED)
        .values("round", "round__project")
        .annotate(n=Count("pk"))
        .order_by("-round")[:MOST_ROUNDS]
    )
    planned = 0
    for row in counts:
        last = Job.objects.filter(kind=FEED, plan__round=row["round"]).order_by("-pk").first()
        is_open = last is not None and last.state in (JobState.WAITING, JobState.RUNNING)
        if is_open or (last is not None and last.plan["ratings"] == row["n"]):
            continue
        planned += 1
        _enqueue(row["round"], row["round__project"], row["n"])
    return planned


def on_run_finished(run_id: int) -> None:
    """Verdicts may come after the labels: the drift rounds with items of this run are fed again.

    What a served run answers is there before anybody labels it.
    """
    run = Run.objects.get(pk=run_id)
    if run.purpose != RunPurpose.ORDINARY or not _stands(run):
        return
    found = (
        Round.objects.filter(
            kind=RoundKind.DRIFT, project=run.project_id, round_items__item__calls__run=run
        )
        .order_by("-pk")
        .distinct()
    )
    for round_ in found[:MOST_ROUNDS]:
        in_full = round_.assignments.filter(state=AssignmentState.SUBMITTED).count()
        _enqueue(round_.pk, round_.project_id, in_full)


def _stands(run: Run) -> bool:
    return Standing.objects.filter(version=run.version_id).exists()


def _enqueue(round_id: int, project_id: int, ratings: int) -> None:
    jobs.enqueue(
        kind=FEED,
        actor="system",
        project_id=project_id,
        plan={"round": round_id, "ratings": ratings},
    )


def feed_job(job_id: int) -> None:
    """The handler of `calibration.drift`: safe to run twice."""
    job = Job.objects.get(pk=job_id)
    now = timezone.now()
    jobs.finish(job_id, result={"suspended": feed(round_id=job.plan["round"], now=now)}, now=now)


def feed(*, round_id: int, now: datetime) -> int:
    """Give a drift round's labels to the alarms; returns how many approvals were suspended."""
    round_ = Round.objects.select_related("guideline_version", "dataset").get(pk=round_id)
    suspended = 0
    for standing in standings_by(round_.guideline_version):
        for dimension in round_.guideline_version.dimensions.filter(key__in=standing.dimensions):
            decision = drifting.take(
                standing_id=standing.pk,
                dimension_key=dimension.key,
                labels=list(_fresh(round_, standing, dimension)),
                now=now,
            )
            suspended += decision is not None
    return suspended


def _fresh(round_: Round, standing: Standing, dimension: Dimension) -> Iterator[FreshLabel]:
    """Decided items that the approved version has judged, in the order in which people ended;
    what its authors say decides nothing."""
    full = _full_items(round_, standing)
    judged = _judged(standing, dimension.key, full)
    wrote = authors.of_judge_up_to(standing.version)
    own = set(Rater.objects.filter(user__in=wrote).values_list("pk", flat=True))
    rows = [
        row
        for row in labels.round_labels(round_id=round_.pk, dimension_key=dimension.key)
        if row.item_id in judged and row.rater_id not in own
    ]
    if not rows:
        return
    places = {row.external_id: row.item_id for row in rows}
    calls = [
        Call(external_id, judged[item_id].label or None, outcome=judged[item_id].outcome)
        for external_id, item_id in places.items()
    ]
    scale = labels.scale_of(dimension)
    sheet = Sheet.of(
        labels.table(rows),
        JudgeTable.build(calls, scale=scale),
        scale=scale,
        least_ratings=least_ratings(standing, dimension.key),
        adjudicated=None,
    )
    counted = {
        places[external_id]: bool(agrees)
        for external_id, is_in, agrees in zip(
            sheet.people.items, sheet.denominator, sheet.agrees, strict=True
        )
        if is_in
    }
    for item_id in full:
        if item_id in counted:
            yield FreshLabel(item_id, counted[item_id])


def _full_items(round_: Round, standing: Standing) -> list[int]:
    """Items whose slots are all submitted, the last of them after the approval; oldest first.

    What was there when the version was saved is not fresh: somebody may have tuned it on that.
    """
    items = Item.objects.filter(round_items__round=round_)
    sealed = touching_sealed(items, round_.project_id)
    found = (
        Assignment.objects.filter(
            round=round_,
            state=AssignmentState.SUBMITTED,
            item__withdrawn_at__isnull=True,
            item__created_at__gt=standing.version.created_at,
        )
        .exclude(item__in=sealed.values("pk"))
        .values("item")
        .annotate(n=Count("pk"), last=Max("submitted_at"))
        .filter(n__gte=round_.overlap, last__gt=standing.since)
        .order_by("last", "item")
    )
    return [row["item"] for row in found]


def _judged(standing: Standing, key: str, item_ids: list[int]) -> dict[int, JudgeLabel]:
    """The newest label of the approved version on each item."""
    rows = JudgeLabel.objects.filter(
        run__version=standing.version_id,
        run__purpose__in=ANSWERS,
        dimension_key=key,
        item__in=item_ids,
    ).order_by("pk")
    return {row.item_id: row for row in rows}
