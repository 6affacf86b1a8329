"""The blind round of a calibration session: laid and opened at once, revealed for good.

The session itself stands in a room above; here is what touches assignments and ratings.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet

from accounts.models import Rater, User
from annotation.models import Dataset, Guideline, GuidelineVersion, Item, Round, RoundRater
from annotation.queries.items import items_yet_rated_by_raters
from annotation.queries.sealed import touching_sealed
from annotation.services import laying, roundacts
from annotation.states import GuidelineForm, Part, RoundKind, RoundState, VersionState
from core.errors import Conflict, Invalid, NotReady
from core.words import number_of

MOST_ITEMS = 200
"""Items of a session at most: people talk about each of them."""


def choosable(*, dataset: Dataset, items: QuerySet[Item]) -> QuerySet[Item]:
    """Those of the items that a session could take: they have a text, are no gold, and touch
    nothing sealed."""
    servable = laying.servable_items(dataset=dataset).filter(pk__in=items.values("pk"))
    sealed = touching_sealed(servable, dataset.project_id)
    return servable.exclude(pk__in=sealed.values("pk"))


def open_blind(
    *,
    dataset: Dataset,
    version: GuidelineVersion,
    name: str,
    items: Collection[int],
    raters: Collection[Rater],
    by: User,
    is_simulated: bool,
    now: datetime,
) -> Round:
    """Inside a transaction: a round in which each of the raters rates each of the items, open at
    once. The items leave the development part: what people talked about tests no judge.

    Raises `Invalid` when an item cannot be rated here or touches the sealed part, `NotReady` when
    the version is not in force, `Conflict` when one of the raters may yet rate an item elsewhere.
    """
    # The guideline's lock keeps a major version from slipping in between check and round.
    Guideline.objects.select_for_update().get(pk=version.guideline_id)
    version.refresh_from_db(fields=["state"])
    _demand_in_force(version)
    chosen = Item.objects.filter(pk__in=items)
    found = choosable(dataset=dataset, items=chosen)
    laying.demand_fitting(found, GuidelineForm(version.guideline.form))
    ids = list(found.order_by("pk").values_list("pk", flat=True))
    if len(ids) < len(items):
        raise Invalid(
            "items_not_for_sessions",
            f"{number_of(len(items) - len(ids), 'item')} cannot be in a session any more: sealed, "
            "of a sealed prompt, gold, withdrawn or without a text. Choose others.",
        )
    _demand_rated_nowhere(ids, raters)
    try:
        with transaction.atomic():
            round_ = Round.objects.create(
                project_id=dataset.project_id,
                dataset=dataset,
                guideline_version=version,
                name=name,
                kind=RoundKind.SESSION,
                state=RoundState.OPEN,
                opened_at=now,
                overlap=len(raters),
                author=by,
                is_simulated=is_simulated,
            )
    except IntegrityError:
        raise Conflict(
            "round_name_taken", f"This project has a round named {name!r} already."
        ) from None
    laying.begin(round_, chosen, parts=(), sample=None, seed=round_.salt, actor=by.actor)
    RoundRater.objects.bulk_create(RoundRater(round=round_, rater=rater) for rater in raters)
    Item.objects.filter(pk__in=ids, part=Part.DEVELOPMENT).update(part=Part.NONE)
    roundacts.record(
        round_,
        "round.opened",
        by.actor,
        {"kind": round_.kind, "items": len(ids), "raters": [rater.pk for rater in raters]},
    )
    return round_


def reveal(*, round_id: int, by: User, now: datetime) -> Round:
    """Inside a transaction: end the blind rating and let its ratings be read, for good.

    The round's row is taken as every submit and change of a session takes it: what was stored
    before stands, nothing comes after. Raises `Conflict` when it was revealed before.
    """
    round_ = Round.objects.select_for_update(no_key=True).get(pk=round_id)
    if round_.kind != RoundKind.SESSION:
        raise Conflict("not_a_session", "Only the ratings of a session are revealed.")
    if round_.revealed_at is not None:
        raise Conflict("round_revealed", "These ratings were revealed before; nothing changed.")
    last = round_.assignments.aggregate(last=Max("submitted_at"))["last"]
    round_.revealed_at = max(now, last) if last is not None else now
    round_.closed_at = round_.closed_at or now
    round_.state = RoundState.CLOSED
    round_.save(update_fields=["revealed_at", "closed_at", "state"])
    roundacts.record(round_, "round.revealed", by.actor, {})
    return round_


def _demand_in_force(version: GuidelineVersion) -> None:
    if version.state != VersionState.PUBLISHED:
        sentence = (
            f"Guideline version {version.number} is not in force; take the one that is, or publish "
            "it first."
        )
        raise NotReady("guideline_not_in_force", sentence, {"version": [sentence]})


def _demand_rated_nowhere(ids: Collection[int], raters: Collection[Rater]) -> None:
    """What is talked about here would not be blind there."""
    running = items_yet_rated_by_raters(raters).filter(item__in=ids)
    place = running.select_related("round").order_by("round").first()
    if place is not None:
        count = running.values("item").distinct().count()
        raise Conflict(
            "rated_elsewhere",
            f"{number_of(count, 'item')} of the session can still be rated by its people in other "
            f"rounds, first of all in {place.round.name}: talking about them would end the blind "
            "rating there. Close that round first, or choose other items.",
        )
