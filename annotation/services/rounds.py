"""Rounds: set up with all their slots, opened, paused, resumed, closed."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts.models import Project, Rater, User
from annotation.models import (
    Assignment,
    Dataset,
    Guideline,
    GuidelineVersion,
    Item,
    Round,
    RoundItem,
    RoundRater,
    SealedSet,
)
from annotation.queries.labels import FEEDING
from annotation.rules.keys import NAME_CHARS, fitting
from annotation.rules.overlap import check_overlap, slots
from annotation.services import reference
from annotation.states import (
    GuidelineForm,
    ItemKind,
    Part,
    RoundKind,
    RoundState,
    VersionState,
)
from core import audit, jobs
from core.errors import Conflict, Invalid, NotReady
from core.models import Job

BATCH = 1000
REFERENCE_JOB = "annotation.reference"
SHUFFLE_BITS = 63
RATED = (RoundState.OPEN, RoundState.PAUSED)


def create(
    *,
    project: Project,
    dataset: Dataset,
    version: GuidelineVersion,
    name: str,
    raters: Collection[Rater],
    by: User,
    overlap: int = 3,
    quota: int | None = None,
    sample: int | None = None,
    parts: Collection[Part] = (),
    kind: RoundKind = RoundKind.STANDARD,
    shows_own_agreement: bool = False,
    is_simulated: bool = False,
    seed: str = "",
) -> Round:
    """A round in draft with an open slot for each item and each of `overlap` raters.

    Takes every visible item of the dataset that has a text and is not withdrawn; `parts`
    narrows it, `sample` draws that many of them by `seed` (default: the round's own salt).
    `shows_own_agreement` lets each rater see their own agreement, which ends editing.
    Raises Invalid `labels_frozen` for sealed items whose labels a look has frozen.
    """
    name = name.strip()
    if not name:
        raise Invalid("name_missing", "Give the round a name.", {"name": ["A name is needed."]})
    fitting(name, "name", limit=NAME_CHARS)
    _demand_published(version)
    check_overlap(overlap, raters=len(raters))
    _demand_positive(quota, "quota")
    _demand_positive(sample, "sample")
    _demand_same_project(project, dataset, version, raters)
    items = servable_items(dataset=dataset, parts=parts)
    _demand_items(items, GuidelineForm(version.guideline.form))
    try:
        with transaction.atomic(durable=True):
            if kind in FEEDING:
                _demand_unfrozen(dataset, items)
            round_ = Round.objects.create(
                project=project,
                dataset=dataset,
                guideline_version=version,
                name=name,
                kind=kind,
                overlap=overlap,
                author=by,
                shows_own_agreement=shows_own_agreement,
                is_simulated=is_simulated,
            )
            count = _lay_slots(round_, items, sample=sample, seed=seed or round_.salt)
            _add_raters(round_, raters, quota)
            _record(
                round_,
                "round.created",
                by.actor,
                {"items": count, "overlap": overlap, "raters": len(raters)},
            )
    except IntegrityError:
        raise Conflict(
            "round_name_taken",
            f"This project has a round named {name!r} already; choose another name.",
            {"name": ["This name is taken."]},
        ) from None
    return round_


def servable_items(*, dataset: Dataset, parts: Collection[Part] = ()) -> QuerySet[Item]:
    """The items of a dataset that people can be given: visible, with a text, not withdrawn."""
    items = Item.objects.filter(
        dataset=dataset,
        is_visible=True,
        withdrawn_at__isnull=True,
        content__isnull=False,
        content__erased_at__isnull=True,
    )
    return items.filter(part__in=parts) if parts else items


def open_round(*, round_id: int, by: User, now: datetime) -> Round:
    """Hand out its items from now on."""
    return _begin(round_id, RoundState.DRAFT, "round.opened", by, opened_at=now)


def resume(*, round_id: int, by: User) -> Round:
    """Hand out items again after a pause."""
    return _begin(round_id, RoundState.PAUSED, "round.resumed", by)


@transaction.atomic(durable=True)
def pause(*, round_id: int, by: User) -> Round:
    """Hand out nothing for a while; what raters hold may be submitted."""
    return _move(round_id, (RoundState.OPEN,), RoundState.PAUSED, "round.paused", by.actor)


@transaction.atomic(durable=True)
def close(*, round_id: int, by: User, now: datetime) -> Round:
    """Hand out nothing any more. Its ratings stay, and stay blind until they are revealed.

    The reference labels of all its items are made once more in the background: those of items
    that not everybody rated, and any that a crash between answer and label left behind.
    """
    round_ = _move(
        round_id,
        (RoundState.DRAFT, *RATED),
        RoundState.CLOSED,
        "round.closed",
        by.actor,
        closed_at=now,
    )
    jobs.enqueue(
        kind=REFERENCE_JOB,
        actor=by.actor,
        project_id=round_.project_id,
        plan={"round": round_.pk},
    )
    return round_


def reference_job(job_id: int) -> None:
    """The handler of `annotation.reference`: safe to run twice, unchanged labels stay."""
    job = Job.objects.get(pk=job_id)
    items = RoundItem.objects.filter(round=job.plan["round"], taken__gt=0).order_by("item_id")
    last, made = 0, 0
    while batch := list(items.filter(item_id__gt=last).values_list("item_id", flat=True)[:BATCH]):
        made += reference.refresh(item_ids=batch)
        last = batch[-1]
    jobs.finish(job_id, result={"labels": made}, now=timezone.now())


@transaction.atomic(durable=True)
def add_raters(
    *, round_id: int, raters: Collection[Rater], quota: int | None = None, by: User
) -> int:
    """Let more people rate in a round that is not closed, or again; returns how many come in."""
    _demand_positive(quota, "quota")
    round_ = Round.objects.select_for_update(no_key=True).get(pk=round_id)
    if round_.state == RoundState.CLOSED:
        raise Conflict("round_closed", "This round is closed; nobody rates in it any more.")
    if any(rater.project_id != round_.project_id for rater in raters):
        raise Invalid("foreign_rater", "A rater of another project cannot rate here.")
    members = round_.round_raters.filter(rater__in=raters)
    here = dict(members.values_list("rater_id", "removed_at"))
    _add_raters(round_, [rater for rater in raters if rater.pk not in here], quota)
    fresh = [rater for rater in raters if rater.pk not in here or here[rater.pk] is not None]
    members.filter(removed_at__isnull=False).update(removed_at=None, quota=quota)
    if fresh:
        _record(round_, "round.raters_added", by.actor, {"raters": [r.pk for r in fresh]})
    return len(fresh)


def follow_minor(*, version: GuidelineVersion) -> None:
    """Rounds of the same major go by the new minor version from the next claim on."""
    Round.objects.filter(
        guideline_version__guideline=version.guideline_id,
        guideline_version__major=version.major,
        state__in=(RoundState.DRAFT, *RATED),
    ).update(guideline_version=version)


def end_for_major(*, version: GuidelineVersion, actor: str, now: datetime) -> None:
    """Close what is rated by an older major; rounds that never opened take the new one."""
    older = Round.objects.filter(
        guideline_version__guideline=version.guideline_id,
        guideline_version__major__lt=version.major,
    )
    for round_ in older.filter(state__in=RATED):
        _move(round_.pk, RATED, RoundState.CLOSED, "round.closed", actor, closed_at=now)
    older.filter(state=RoundState.DRAFT).update(guideline_version=version)


def _begin(round_id: int, state: RoundState, verb: str, by: User, **stamps: datetime) -> Round:
    with transaction.atomic(durable=True):
        # The guideline's lock keeps a major version from slipping in between check and change.
        round_ = Round.objects.select_related("guideline_version").get(pk=round_id)
        Guideline.objects.select_for_update().get(pk=round_.guideline_version.guideline_id)
        round_.refresh_from_db()
        if round_.guideline_version.state != VersionState.PUBLISHED:
            raise NotReady(
                "guideline_not_in_force",
                f"Guideline version {round_.guideline_version.number} is not in force any more; "
                "set up a new round with the current one.",
            )
        return _move(round_id, (state,), RoundState.OPEN, verb, by.actor, **stamps)


def _move(
    round_id: int,
    before: Sequence[RoundState],
    after: RoundState,
    verb: str,
    actor: str,
    **stamps: datetime,
) -> Round:
    changed = Round.objects.filter(pk=round_id, state__in=before).update(state=after, **stamps)
    round_ = Round.objects.select_related("project").get(pk=round_id)
    if changed != 1:
        raise Conflict(
            "round_state", f"This round is {round_.get_state_display().lower()}; nothing changed."
        )
    _record(round_, verb, actor)
    return round_


def _lay_slots(round_: Round, items: QuerySet[Item], *, sample: int | None, seed: str) -> int:
    """Write the round's items and open slots in batches; returns how many items."""
    places = random.Random(round_.salt)  # noqa: S311 - an order, not a secret
    count = 0
    for chunk in _chunks(items, sample=sample, seed=seed):
        RoundItem.objects.bulk_create(
            RoundItem(round=round_, item_id=pk, shuffle=places.getrandbits(SHUFFLE_BITS))
            for pk in chunk
        )
        Assignment.objects.bulk_create(
            [
                Assignment(round=round_, item_id=pk, slot=slot)
                for pk in chunk
                for slot in slots(round_.overlap)
            ],
            batch_size=BATCH,
        )
        count += len(chunk)
    return count


def _chunks(items: QuerySet[Item], *, sample: int | None, seed: str) -> Iterator[list[int]]:
    """The ids of the items, some hundred at a time, so that a million fit in memory."""
    ids = items.order_by("pk").values_list("pk", flat=True)
    if sample is None:
        last = 0
        while chunk := list(ids.filter(pk__gt=last)[:BATCH]):
            last = chunk[-1]
            yield chunk
        return
    known = list(ids)
    drawn = random.Random(seed).sample(known, min(sample, len(known)))  # noqa: S311
    drawn.sort()
    for start in range(0, len(drawn), BATCH):
        yield drawn[start : start + BATCH]


def _add_raters(round_: Round, raters: Collection[Rater], quota: int | None) -> None:
    RoundRater.objects.bulk_create(
        RoundRater(round=round_, rater=rater, quota=quota) for rater in raters
    )


def _demand_published(version: GuidelineVersion) -> None:
    if version.state != VersionState.PUBLISHED:
        raise NotReady(
            "guideline_not_published",
            f"Guideline version {version.number} is not in force; publish it, or take the "
            "published one.",
            {"version": ["Choose a published version."]},
        )


def _demand_positive(number: int | None, field: str) -> None:
    if number is not None and number < 1:
        raise Invalid(
            f"{field}_not_positive",
            f"The {field} is a number from 1, or nothing for no limit; it is {number}.",
            {field: ["From 1, or nothing."]},
        )


def _demand_same_project(
    project: Project, dataset: Dataset, version: GuidelineVersion, raters: Collection[Rater]
) -> None:
    owners = {dataset.project_id, version.guideline.project_id, *(r.project_id for r in raters)}
    if owners != {project.pk}:
        raise Invalid(
            "other_project", "Dataset, guideline and raters have to be of the round's own project."
        )


def _demand_items(items: QuerySet[Item], form: GuidelineForm) -> None:
    is_pair = Q(kind=ItemKind.PAIR)
    found = items.aggregate(pairs=Count("pk", filter=is_pair), others=Count("pk", filter=~is_pair))
    if not found["pairs"] and not found["others"]:
        raise Invalid(
            "no_items",
            "There is no item to rate: the dataset is empty, or its items are known only by "
            "labels. Import items with their texts first, or choose other parts.",
            {"dataset": ["Has no item that could be rated."]},
        )
    if form is GuidelineForm.PAIRWISE and found["others"]:
        raise Invalid(
            "items_not_pairs",
            f"This guideline compares two responses, and {found['others']:,} items of the "
            "dataset have one. Choose a guideline for single responses, or another dataset.",
            {"dataset": ["Holds items that are no pairs."]},
        )
    if form is GuidelineForm.POINTWISE and found["pairs"]:
        raise Invalid(
            "items_are_pairs",
            f"This guideline rates one response at a time, and {found['pairs']:,} items of the "
            "dataset are pairs. Choose a pairwise guideline, or another dataset.",
            {"dataset": ["Holds pairs."]},
        )


def _demand_unfrozen(dataset: Dataset, items: QuerySet[Item]) -> None:
    """Inside the transaction: a first look, which freezes, comes before this round or after it."""
    sealed_set = (
        SealedSet.objects.select_for_update().filter(dataset=dataset, retired_at=None).first()
    )
    if sealed_set is None or sealed_set.frozen_at is None:
        return
    sealed = items.filter(part=Part.SEALED).count()
    if sealed:
        raise Invalid(
            "labels_frozen",
            f"{sealed:,} of these items are sealed, and a judge was measured against their labels "
            f"on {sealed_set.frozen_at:%d %B %Y}: new ratings of them would not count. Choose the "
            "development part, or another dataset.",
            {"parts": ["The labels of the sealed part are frozen; choose the development part."]},
        )


def _record(round_: Round, verb: str, actor: str, data: dict[str, object] | None = None) -> None:
    audit.record(
        actor=actor,
        verb=verb,
        object_type="round",
        object_id=round_.pk,
        project_id=round_.project_id,
        data={"round": round_.name, **(data or {})},
    )
