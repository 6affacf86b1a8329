"""Rounds: set up with all their slots, opened, paused, resumed, closed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Project, Rater, User
from annotation.models import (
    Dataset,
    Guideline,
    GuidelineVersion,
    Item,
    Round,
    RoundItem,
    RoundRater,
)
from annotation.queries import affected
from annotation.queries.labels import FEEDING
from annotation.queries.sealed import touching_sealed
from annotation.rules.keys import NAME_CHARS, fitting
from annotation.rules.overlap import check_overlap
from annotation.services import admissions, goldplans, laying, reference, telling
from annotation.services.goldplans import GoldPlan
from annotation.states import (
    GuidelineForm,
    Part,
    RoundKind,
    RoundState,
    VersionState,
)
from core import audit, jobs, registry
from core.errors import Conflict, Invalid, NotReady
from core.models import Job

BATCH = 1000
REFERENCE_JOB = "annotation.reference"
SHUFFLE_BITS = 63
NO_CHECKS = GoldPlan()
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
    checks: GoldPlan = NO_CHECKS,
    is_simulated: bool = False,
    seed: str = "",
    only: Collection[int] | None = None,
) -> Round:
    """A round in draft with an open slot for each item and each of `overlap` raters; the slots of
    a large one are laid in the background, and it opens when they are.

    Takes every visible item of the dataset that has a text and is not withdrawn; `parts`
    narrows it, `sample` draws that many of them by `seed` (default: the round's own salt), `only`
    names those to choose among.
    `shows_own_agreement` lets each rater see their own agreement, which ends editing. A
    qualification takes the dataset's gold items and nothing else, for every rater all of them; a
    re-rating takes unsealed items that were rated by an earlier major of the guideline; a drift
    round takes nothing that touches a sealed part.
    Raises Invalid `labels_frozen` for sealed items whose labels a look has frozen.
    """
    name = name.strip()
    if not name:
        raise Invalid("name_missing", "Give the round a name.", {"name": ["A name is needed."]})
    fitting(name, "name", limit=NAME_CHARS)
    _demand_published(version)
    overlap = 1 if kind is RoundKind.QUALIFICATION else overlap
    check_overlap(overlap, raters=len(raters))
    laying.demand_positive(quota, "quota")
    laying.demand_positive(sample, "sample")
    _demand_same_project(project, dataset, version, raters)
    goldplans.demand_sound(checks, kind=kind, version=version)
    items = _items(dataset, version, kind, checks, parts=parts, quota=quota, sample=sample)
    if only is not None:
        items = items.filter(pk__in=only)
    try:
        with transaction.atomic(durable=True):
            if kind in FEEDING:
                laying.demand_unfrozen(dataset, items)
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
                **goldplans.as_fields(checks),
            )
            count = laying.begin(
                round_,
                items,
                parts=parts,
                sample=sample,
                seed=seed or round_.salt,
                actor=by.actor,
            )
            _add_raters(round_, raters, quota)
            admissions.enrol(round_=round_, raters=raters, by=by)
            _record(
                round_,
                "round.created",
                by.actor,
                {
                    "items": count,
                    "overlap": overlap,
                    "raters": len(raters),
                    **goldplans.as_data(checks),
                },
            )
    except IntegrityError:
        raise Conflict(
            "round_name_taken",
            f"This project has a round named {name!r} already; choose another name.",
            {"name": ["This name is taken."]},
        ) from None
    return round_


def open_round(*, round_id: int, by: User, now: datetime) -> Round:
    """Hand out its items from now on. Raises `NotReady` while its first slots are being laid."""
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
    make_labels_later(project_id=round_.project_id, ids=[round_.pk], actor=by.actor)
    return round_


def make_labels_later(*, project_id: int, ids: Sequence[int], actor: str) -> None:
    """Inside a transaction: have the reference labels of these rounds' items made by a job."""
    if ids:
        jobs.enqueue(
            kind=REFERENCE_JOB, actor=actor, project_id=project_id, plan={"rounds": list(ids)}
        )


def reference_job(job_id: int) -> None:
    """The handler of `annotation.reference`: safe to run twice, unchanged labels stay."""
    job = Job.objects.get(pk=job_id)
    # A job of an earlier version names one round.
    ids = job.plan.get("rounds") or [job.plan["round"]]
    items = RoundItem.objects.filter(round__in=ids, taken__gt=0).order_by("item_id")
    last, made = 0, 0
    keys = items.values_list("item_id", flat=True).distinct()
    while batch := list(keys.filter(item_id__gt=last)[:BATCH]):
        made += reference.refresh(item_ids=batch)
        last = batch[-1]
    jobs.finish(job_id, result={"labels": made}, now=timezone.now())


@transaction.atomic(durable=True)
def add_raters(
    *, round_id: int, raters: Collection[Rater], quota: int | None = None, by: User
) -> int:
    """Let more people rate in a round that is not closed, or again; returns how many come in."""
    laying.demand_positive(quota, "quota")
    round_ = Round.objects.select_for_update(no_key=True).get(pk=round_id)
    goldplans.demand_no_quota(quota, kind=round_.kind)
    if round_.state == RoundState.CLOSED:
        raise Conflict("round_closed", "This round is closed; nobody rates in it any more.")
    if round_.kind == RoundKind.SESSION:
        raise Conflict(
            "session_frozen", "Who takes part in a session stays as it was when it went blind."
        )
    if any(rater.project_id != round_.project_id for rater in raters):
        raise Invalid("foreign_rater", "A rater of another project cannot rate here.")
    if round_.kind == RoundKind.DRIFT:
        _demand_not_barred(round_, raters)
    members = round_.round_raters.filter(rater__in=raters)
    here = dict(members.values_list("rater_id", "removed_at"))
    _add_raters(round_, [rater for rater in raters if rater.pk not in here], quota)
    fresh = [rater for rater in raters if rater.pk not in here or here[rater.pk] is not None]
    members.filter(removed_at__isnull=False).update(removed_at=None, quota=quota)
    admissions.enrol(round_=round_, raters=fresh, by=by)
    if fresh:
        _record(round_, "round.raters_added", by.actor, {"raters": [r.pk for r in fresh]})
    if fresh and round_.state == RoundState.OPEN:
        telling.round_is_open(round_, rater_ids=[rater.pk for rater in fresh])
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
        if state is RoundState.DRAFT and round_.laying_job_id is not None:
            raise NotReady(
                "slots_missing",
                "Its items are still being prepared; open the round when all of them are in.",
            )
        if state is RoundState.DRAFT:
            _demand_items(round_)
            goldplans.demand_ready(round_)
        if round_.guideline_version.state != VersionState.PUBLISHED:
            raise NotReady(
                "guideline_not_in_force",
                f"Guideline version {round_.guideline_version.number} is not in force any more; "
                "set up a new round with the current one.",
            )
        opened = _move(round_id, (state,), RoundState.OPEN, verb, by.actor, **stamps)
        here = opened.round_raters.filter(removed_at__isnull=True)
        telling.round_is_open(opened, rater_ids=here.values_list("rater_id", flat=True))
        return opened


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


def _add_raters(round_: Round, raters: Collection[Rater], quota: int | None) -> None:
    RoundRater.objects.bulk_create(
        RoundRater(round=round_, rater=rater, quota=quota) for rater in raters
    )


def _demand_not_barred(round_: Round, raters: Collection[Rater]) -> None:
    barred = registry.barred_from_drift(round_.pk)
    names = ", ".join(rater.name for rater in raters if rater.user_id in barred)
    if names:
        raise Conflict(
            "author_rates",
            f"{names} wrote what this round watches, and nobody watches over their own work.",
        )


def _items(
    dataset: Dataset,
    version: GuidelineVersion,
    kind: RoundKind,
    checks: GoldPlan,
    *,
    parts: Collection[Part],
    quota: int | None,
    sample: int | None,
) -> QuerySet[Item]:
    """What the round is made of, or `Invalid` when that does not do."""
    if kind is RoundKind.QUALIFICATION:
        goldplans.demand_no_quota(quota, kind=kind)
        golds = laying.gold_items(dataset=dataset, version=version)
        goldplans.demand_passable(checks, items=_up_to(golds.count(), sample))
        return golds
    items = laying.servable_items(dataset=dataset, parts=parts)
    if kind is RoundKind.RERATING:
        items = affected.rated_before(version, items)
        _demand_rated_before(items)
    if kind is RoundKind.DRIFT:
        items = items.exclude(pk__in=touching_sealed(items, dataset.project_id).values("pk"))
    laying.demand_fitting(items, GuidelineForm(version.guideline.form))
    if checks.gold_every is not None:
        for_each = _up_to(_up_to(items.count(), sample), quota)
        goldplans.demand_enough(checks, version=version, for_each=for_each)
    return items


def _demand_rated_before(items: QuerySet[Item]) -> None:
    if not items.exists():
        raise Invalid(
            "nothing_rated_before",
            "No unsealed item of this dataset that people can be given was rated by an earlier "
            "major version of the guideline. Choose another dataset.",
            {"dataset": ["Holds nothing that was rated before."]},
        )


def _up_to(number: int, limit: int | None) -> int:
    return number if limit is None else min(number, limit)


def _demand_items(round_: Round) -> None:
    is_qualification = round_.kind == RoundKind.QUALIFICATION
    if not is_qualification and not round_.round_items.filter(is_full=False).exists():
        raise NotReady(
            "nothing_to_rate",
            "This round has no item to rate. Add items, or take a withdrawn one back.",
        )


def _demand_published(version: GuidelineVersion) -> None:
    if version.state != VersionState.PUBLISHED:
        raise NotReady(
            "guideline_not_published",
            f"Guideline version {version.number} is not in force; publish it, or take the "
            "published one.",
            {"version": ["Choose a published version."]},
        )


def _demand_same_project(
    project: Project, dataset: Dataset, version: GuidelineVersion, raters: Collection[Rater]
) -> None:
    owners = {dataset.project_id, version.guideline.project_id, *(r.project_id for r in raters)}
    if owners != {project.pk}:
        raise Invalid(
            "other_project", "Dataset, guideline and raters have to be of the round's own project."
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
