"""The items of a round and their slots: laid at once for some thousand, else in the background.

A large round is laid in short transactions that begin where the last one ended, so that raters
write in between, and a worker that takes over goes on. Each leaves as much time as it took.
"""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Iterator, Sequence

from django.db import transaction
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from annotation.models import (
    Assignment,
    Dataset,
    GoldItem,
    GuidelineVersion,
    Item,
    Round,
    RoundItem,
    SealedSet,
    whole,
)
from annotation.queries import affected, goldring
from annotation.queries.labels import FEEDING
from annotation.rules.display import shuffle_key
from annotation.rules.overlap import slots
from annotation.services import roundacts
from annotation.states import GuidelineForm, ItemKind, Part, RoundKind, RoundState
from core import bulk, jobs
from core.errors import Conflict, Invalid
from core.models import Job, JobState

LAY_JOB = "annotation.slots"
AT_ONCE = 5_000
"""Up to here the slots are laid in the transaction that asks for them."""
BATCH = 1000
PIECE = 200


def add_items(
    *,
    round_id: int,
    parts: Collection[Part] = (),
    sample: int | None = None,
    by: User,
) -> int:
    """More items of its dataset for a round that is not over: all that are not in it, or a
    `sample` of them, drawn by the round's salt. Returns how many come; many come by and by.

    Raises `Invalid` when there is none or they do not fit the guideline, `Conflict` when the round
    is closed or revealed, or other items are just being added.
    """
    demand_positive(sample, "sample")
    with transaction.atomic(durable=True):
        round_ = roundacts.held(round_id)
        if round_.kind == RoundKind.IMPORTED:
            raise Conflict("round_imported", "The labels of this round were brought in.")
        if round_.kind == RoundKind.DRIFT:
            raise Conflict(
                "drift_drawn",
                "The items of a drift round are drawn once, fresh for its judge. Set up another "
                "drift round for more.",
            )
        if round_.laying_job_id is not None:
            raise Conflict(
                "laying", "Items are being added to this round already; wait until they are in."
            )
        items = outside(round_, items_for(round_, parts=parts))
        if round_.kind != RoundKind.QUALIFICATION:
            demand_fitting(items, GuidelineForm(round_.guideline_version.guideline.form))
        elif not items.exists():
            raise Invalid(
                "no_gold_items",
                "The dataset has no further gold item of this guideline. Make some first.",
            )
        if round_.kind in FEEDING:
            demand_unfrozen(round_.dataset, items)
        seed = f"{round_.salt}/{round_.round_items.count()}"
        count = begin(round_, items, parts=parts, sample=sample, seed=seed, actor=by.actor)
        roundacts.record(
            round_,
            "round.items_added",
            by.actor,
            {"items": count, "parts": sorted(parts), "in_background": count > AT_ONCE},
        )
    return count


def begin(
    round_: Round,
    items: QuerySet[Item],
    *,
    parts: Collection[Part],
    sample: int | None,
    seed: str,
    actor: str,
) -> int:
    """Inside a transaction: lay the slots of these items now, or leave it to a job.

    Returns how many items it is.
    """
    there = items.count()
    count = there if sample is None else min(sample, there)
    if count <= AT_ONCE:
        ids = list(items.order_by("pk").values_list("pk", flat=True))
        chosen = ids if sample is None else _drawn(ids, count, seed)
        for start in range(0, count, BATCH):
            _lay(round_, chosen[start : start + BATCH])
        return count
    job = jobs.enqueue(
        kind=LAY_JOB,
        actor=actor,
        project_id=round_.project_id,
        plan={
            "round": round_.pk,
            "parts": sorted(parts),
            "sample": sample,
            "seed": seed,
            "up_to": items.aggregate(last=Max("pk"))["last"],
            "after": round_.round_items.aggregate(last=Max("pk"))["last"] or 0,
        },
        total=count,
    )
    Round.objects.filter(pk=round_.pk).update(laying_job_id=job.pk)
    round_.laying_job_id = job.pk
    return count


def lay_job(job_id: int) -> None:
    """The handler of `annotation.slots`: goes on where an earlier try ended."""
    job = Job.objects.get(pk=job_id)
    done = _laid_since(job)
    for piece in _pieces(job):
        began = time.perf_counter()
        laid = _lay_piece(job, piece)
        if laid is None:
            break
        done += laid
        jobs.progress(job_id, done=done, total=max(job.total, done))
        # A database with one writer at a time: whoever rates comes to it in between.
        time.sleep(time.perf_counter() - began)
    bulk.weigh(RoundItem, Assignment)
    _end(job, done)


def lay_again(*, round_id: int, by: User) -> None:
    """Begin anew where a job failed; what it laid stays. Raises `Conflict` when none did."""
    with transaction.atomic(durable=True):
        round_ = roundacts.held(round_id)
        failed = laying_of(round_)
        if failed is None or failed.state != JobState.FAILED:
            raise Conflict("not_failed", "Nothing has to be begun anew here.")
        job = jobs.enqueue(
            kind=LAY_JOB,
            actor=by.actor,
            project_id=round_.project_id,
            plan=failed.plan,
            total=failed.total,
        )
        Round.objects.filter(pk=round_.pk).update(laying_job_id=job.pk)


def laying_of(round_: Round) -> Job | None:
    """The job that lays slots of the round at this moment, or failed to."""
    return Job.objects.filter(pk=round_.laying_job_id).first() if round_.laying_job_id else None


def addable(round_: Round) -> dict[Part, int]:
    """How many items of its dataset are not in the round, by part; grows with the dataset."""
    rest = outside(round_, items_for(round_)).order_by()
    found = dict(rest.values_list("part").annotate(Count("pk")))
    return {part: found[part] for part in Part if found.get(part)}


def outside(round_: Round, items: QuerySet[Item]) -> QuerySet[Item]:
    """Those of the items that are not in the round."""
    return items.exclude(Exists(RoundItem.objects.filter(round=round_, item=OuterRef("pk"))))


def items_for(round_: Round, *, parts: Collection[Part] = ()) -> QuerySet[Item]:
    """What of its dataset the round could hold: a qualification gold items, a re-rating what was
    rated by an earlier meaning, all others what is no gold item."""
    if round_.kind == RoundKind.QUALIFICATION:
        return gold_items(dataset=round_.dataset, version=round_.guideline_version)
    if round_.kind == RoundKind.RERATING:
        items = servable_items(dataset=round_.dataset, parts=parts)
        return affected.rated_before(round_.guideline_version, items)
    return servable_items(dataset=round_.dataset, parts=parts)


def gold_items(*, dataset: Dataset, version: GuidelineVersion) -> QuerySet[Item]:
    """The dataset's items with gold labels in force on the version's dimensions."""
    return Item.objects.filter(
        whole(), dataset=dataset, pk__in=goldring.labelled(version).values("item")
    )


def _planned(job: Job) -> QuerySet[Item]:
    rows = Round.objects.select_related("dataset", "guideline_version")
    round_ = rows.get(pk=job.plan["round"])
    parts = [Part(part) for part in job.plan["parts"]]
    items = items_for(round_, parts=parts)
    return items.filter(pk__lte=job.plan["up_to"]).order_by("pk")


def _laid_since(job: Job) -> int:
    return RoundItem.objects.filter(round=job.plan["round"], pk__gt=job.plan["after"]).count()


def _pieces(job: Job) -> Iterator[Sequence[int]]:
    """The ids of the items that are still to come, some hundred at a time, the lowest first."""
    sample, after = job.plan["sample"], job.plan["after"]
    places = RoundItem.objects.filter(round=job.plan["round"])
    if sample is None:
        rest = _planned(job).exclude(Exists(places.filter(item=OuterRef("pk"))))
        last = 0
        while piece := list(rest.filter(pk__gt=last).values_list("pk", flat=True)[:PIECE]):
            yield piece
            last = piece[-1]
        return
    before = places.filter(pk__lte=after, item=OuterRef("pk"))
    ids = list(_planned(job).exclude(Exists(before)).values_list("pk", flat=True))
    there = set(places.filter(pk__gt=after).values_list("item_id", flat=True))
    drawn = _drawn(ids, min(sample, len(ids)), job.plan["seed"])
    missing = [pk for pk in drawn if pk not in there][: sample - len(there)]
    for start in range(0, len(missing), PIECE):
        yield missing[start : start + PIECE]


def _drawn(ids: Sequence[int], count: int, seed: str) -> list[int]:
    return sorted(random.Random(seed).sample(ids, count))  # noqa: S311 - a sample, not a secret


def _lay_piece(job: Job, ids: Sequence[int]) -> int | None:
    """Lay those of the items that are not there yet; how many, None when it is not to go on."""
    with transaction.atomic(durable=True):
        # The round's row lines up two workers that both believe the job to be theirs.
        round_ = Round.objects.select_for_update(no_key=True).get(pk=job.plan["round"])
        if round_.state == RoundState.CLOSED or round_.laying_job_id != job.pk:
            return None
        rest = outside(round_, _planned(job).filter(pk__in=ids))
        fresh = list(rest.values_list("pk", flat=True))
        _lay(round_, fresh)
    return len(fresh)


def _end(job: Job, done: int) -> None:
    with transaction.atomic(durable=True):
        round_ = Round.objects.select_for_update(no_key=True).get(pk=job.plan["round"])
        if round_.laying_job_id == job.pk:
            Round.objects.filter(pk=round_.pk).update(laying_job_id=None)
            roundacts.record(round_, "round.items_laid", job.actor, {"items": done})
        jobs.finish(job.pk, result={"items": done}, now=timezone.now())


def _lay(round_: Round, ids: Sequence[int]) -> None:
    # Gold items come on turns of their own: in a qualification they have no slots to take.
    has_slots = round_.kind != RoundKind.QUALIFICATION
    RoundItem.objects.bulk_create(
        RoundItem(
            round=round_,
            item_id=pk,
            shuffle=shuffle_key(round_.salt, item=pk),
            is_full=not has_slots,
        )
        for pk in ids
    )
    if not has_slots:
        return
    Assignment.objects.bulk_create(
        [
            Assignment(round=round_, item_id=pk, slot=slot)
            for pk in ids
            for slot in slots(round_.overlap)
        ],
        batch_size=BATCH,
    )


def servable_items(*, dataset: Dataset, parts: Collection[Part] = ()) -> QuerySet[Item]:
    """The items of a dataset that people can be given: visible, with a text, not withdrawn; gold
    items come on turns of their own."""
    golds = GoldItem.objects.filter(item=OuterRef("pk"), withdrawn_at__isnull=True)
    items = Item.objects.filter(
        whole(),
        ~Exists(golds),
        dataset=dataset,
        withdrawn_at__isnull=True,
        content__isnull=False,
        content__erased_at__isnull=True,
    )
    return items.filter(part__in=parts) if parts else items


def demand_fitting(items: QuerySet[Item], form: GuidelineForm) -> None:
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


def demand_unfrozen(dataset: Dataset, items: QuerySet[Item]) -> None:
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


def demand_positive(number: int | None, field: str) -> None:
    if number is not None and number < 1:
        raise Invalid(
            f"{field}_not_positive",
            f"The {field} is a number from 1, or nothing for no limit; it is {number}.",
            {field: ["From 1, or nothing."]},
        )
