"""Gold items: made, changed and taken back by a lead, with the reason kept."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from accounts.models import User
from annotation.models import (
    Assignment,
    Dimension,
    GoldItem,
    GoldLabel,
    GuidelineVersion,
    Item,
    RoundItem,
)
from annotation.queries.sealed import touching_sealed
from annotation.queries.workbench import rule_of
from annotation.rules import scales
from annotation.services.roundacts import reason_of
from annotation.states import GuidelineForm, ItemKind, Part, RoundKind, RoundState, VersionState
from core import audit
from core.errors import Conflict, Invalid, NotReady

MOST_GOLD = 2000
SHUFFLE_BITS = 63


@transaction.atomic(durable=True)
def make(
    *,
    item_id: int,
    version: GuidelineVersion,
    labels: Mapping[str, str],
    reason: str,
    by: User,
) -> GoldItem:
    """Fix the labels of an item under the version's major, or change them.

    `labels` by dimension key in the item's own labelling; an empty one leaves the dimension out.
    The item leaves its part. Raises `Invalid` (labels, reason), `NotReady` for a version that is
    not in force, and `Conflict` for an item that is sealed or shares its prompt with one that is,
    has no text, is of another kind, or is being rated.
    """
    said = reason_of(reason)
    item = Item.objects.select_for_update(of=("self",)).select_related("content").get(pk=item_id)
    if version.state != VersionState.PUBLISHED:
        raise NotReady(
            "guideline_not_in_force",
            f"Guideline version {version.number} is not in force; gold labels go by one that is.",
        )
    chosen = _checked(version, labels)
    _demand_fit(item, version)
    made, is_new = GoldItem.objects.get_or_create(
        item=item,
        guideline_id=version.guideline_id,
        major=version.major,
        defaults={"shuffle": secrets.randbits(SHUFFLE_BITS), "part_before": item.part},
    )
    if is_new or made.withdrawn_at is not None:
        _demand_room(version)
        _demand_not_rated(item)
        GoldItem.objects.filter(pk=made.pk).update(withdrawn_at=None, part_before=item.part)
    Item.objects.filter(pk=item.pk).update(part=Part.NONE)
    changed = _write(made, chosen, said, by.actor)
    verb = "gold.made" if is_new else "gold.changed"
    _record(item, verb, by, {"labels": changed, "reason": said})
    return made


@transaction.atomic(durable=True)
def take_back(*, gold_id: int, reason: str, by: User, now: datetime) -> bool:
    """Serve the gold item no more; whether its item is back in the part that it came from.

    It goes back only while nobody was given it: afterwards raters may have been told its labels.
    """
    said = reason_of(reason)
    changed = GoldItem.objects.filter(pk=gold_id, withdrawn_at__isnull=True).update(
        withdrawn_at=now
    )
    made = GoldItem.objects.select_related("item").get(pk=gold_id)
    if changed != 1:
        raise Conflict("gold_taken_back", "This gold item was taken back already.")
    is_known = (
        Assignment.objects.filter(gold__item=made.item_id, rater__isnull=False).exists()
        or GoldItem.objects.filter(item=made.item_id, withdrawn_at__isnull=True).exists()
    )
    if not is_known:
        Item.objects.filter(pk=made.item_id).update(part=made.part_before)
    _record(made.item, "gold.taken_back", by, {"reason": said})
    return not is_known


def _checked(version: GuidelineVersion, labels: Mapping[str, str]) -> dict[Dimension, str]:
    """The label of each dimension as it is stored; '' where none is given."""
    problems: dict[str, list[str]] = {}
    chosen: dict[Dimension, str] = {}
    for dimension in version.dimensions.all():
        given = labels.get(dimension.key, "")
        try:
            chosen[dimension] = scales.check(rule_of(dimension), given) if given else ""
        except Invalid as problem:
            problems[dimension.key] = [problem.sentence]
    if problems:
        raise Invalid("gold_invalid", next(iter(problems.values()))[0], problems)
    if not any(chosen.values()):
        raise Invalid("gold_empty", "Choose the right label on one dimension at least.")
    return chosen


def _demand_fit(item: Item, version: GuidelineVersion) -> None:
    if touching_sealed(Item.objects.filter(pk=item.pk), item.project_id).exists():
        raise Conflict(
            "gold_sealed",
            "This item is sealed, or has the same prompt as one that is: a fixed label would give "
            "away what nobody may read before an approval. Choose another item.",
        )
    has_text = item.content is not None and item.content.erased_at is None
    if not has_text or item.withdrawn_at is not None:
        raise Conflict("gold_without_text", "This item has no text that a rater could be given.")
    is_for_pairs = version.guideline.form == GuidelineForm.PAIRWISE
    if is_for_pairs != (item.kind == ItemKind.PAIR):
        raise Conflict("gold_other_kind", "This guideline is for items of another kind.")


def _demand_room(version: GuidelineVersion) -> None:
    here = GoldItem.objects.filter(
        guideline=version.guideline_id, major=version.major, withdrawn_at__isnull=True
    )
    if here.count() > MOST_GOLD:
        raise Conflict(
            "gold_enough",
            f"This guideline has {MOST_GOLD:,} gold items, which is the most. Take some back.",
        )


def _demand_not_rated(item: Item) -> None:
    running = (
        RoundItem.objects.filter(item=item, withdrawal__isnull=True)
        .exclude(round__state=RoundState.CLOSED)
        .exclude(round__kind=RoundKind.QUALIFICATION)
        .select_related("round")
        .first()
    )
    if running is not None:
        raise Conflict(
            "gold_in_round",
            f"This item is in {running.round.name}, where people rate it. Take it out of that "
            "round or close the round, or choose another item.",
        )


def _write(made: GoldItem, chosen: Mapping[Dimension, str], reason: str, actor: str) -> list[str]:
    """Append a version for each label that changed; returns their dimensions' keys."""
    current = {one.dimension_key: one for one in made.labels.filter(is_current=True)}
    fresh = []
    for dimension, label in chosen.items():
        old = current.get(dimension.key)
        if label == (old.label if old else ""):
            continue
        fresh.append(
            GoldLabel(
                gold=made,
                dimension_key=dimension.key,
                version=old.version + 1 if old else 1,
                label=label,
                reason=reason,
                actor=actor,
            )
        )
    keys = [one.dimension_key for one in fresh]
    made.labels.filter(dimension_key__in=keys, is_current=True).update(is_current=False)
    GoldLabel.objects.bulk_create(fresh)
    return keys


def _record(item: Item, verb: str, by: User, data: dict[str, object]) -> None:
    audit.record(
        actor=by.actor,
        verb=verb,
        object_type="item",
        object_id=item.pk,
        project_id=item.project_id,
        data={"item": item.external_id, **data},
    )
