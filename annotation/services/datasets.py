"""Datasets and their sealed parts: made, declared one-shot, frozen, retired."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.models import Project, User
from annotation.models import Dataset, Item, SealedSet
from annotation.rules.keys import NAME_CHARS
from annotation.services import roundacts
from annotation.states import DatasetKind, Part, Provenance
from core import audit
from core.errors import Conflict, Invalid


def create(
    *,
    project: Project,
    name: str,
    share: float = 0.0,
    provenance: Provenance = Provenance.COLLECTED,
    actor: str,
    is_simulated: bool = False,
) -> Dataset:
    """A new dataset; with a share above 0 that part of its clusters will be sealed.

    The share is fixed here: a part drawn later could be drawn with the labels in view.
    """
    name = name.strip()
    if not name:
        raise Invalid("name_missing", "Give the dataset a name.", {"name": ["A name is needed."]})
    if len(name) > NAME_CHARS:
        raise Invalid(
            "name_too_long",
            f"The name has {len(name)} characters; at most {NAME_CHARS} fit.",
            {"name": [f"At most {NAME_CHARS} characters."]},
        )
    if not 0.0 <= share < 1.0:
        raise Invalid(
            "share_out_of_range",
            f"The sealed share is a number from 0 up to, but not including, 1; it is {share}.",
            {"share": ["From 0 to below 1."]},
        )
    try:
        with transaction.atomic():
            dataset = Dataset.objects.create(
                project=project,
                name=name,
                share=share,
                kind=DatasetKind.NORMAL,
                is_simulated=is_simulated,
            )
            if share > 0:
                SealedSet.objects.create(
                    dataset=dataset,
                    provenance=provenance,
                    declared_by=actor if provenance == Provenance.DECLARED else "",
                )
            audit.record(
                actor=actor,
                verb="dataset.created",
                object_type="dataset",
                object_id=dataset.pk,
                project_id=project.pk,
                data={"share": share, "provenance": provenance if share else ""},
            )
    except IntegrityError:
        raise Conflict(
            "dataset_name_taken",
            f"This project has a dataset named {name!r} already; choose another name.",
            {"name": ["This name is taken."]},
        ) from None
    return dataset


@transaction.atomic
def drop_empty(*, dataset: Dataset, actor: str) -> None:
    """Take back a dataset that nothing came into; one that holds anything stays."""
    if Item.objects.filter(dataset=dataset).exists() or dataset.rounds.exists():
        return
    SealedSet.objects.filter(dataset=dataset).delete()
    audit.record(
        actor=actor,
        verb="dataset.dropped",
        object_type="dataset",
        object_id=dataset.pk,
        project_id=dataset.project_id,
    )
    dataset.delete()


@transaction.atomic
def declare_one_shot(*, sealed_set: SealedSet, actor: str) -> None:
    """One look at the full level, after which the set retires: only before the first look.

    Never taken back: who could choose afterwards would choose by what the look said.
    """
    changed = SealedSet.objects.filter(
        pk=sealed_set.pk, is_one_shot=False, frozen_at__isnull=True, retired_at__isnull=True
    ).update(is_one_shot=True)
    if not changed:
        sealed_set.refresh_from_db()
        because = why_not_one_shot(sealed_set)
        raise Conflict("not_one_shot", because)
    _record(sealed_set, "sealed_set.one_shot", actor)


def why_not_one_shot(sealed_set: SealedSet) -> str:
    """Why a set is not declared one-shot, or nothing."""
    if sealed_set.retired_at is not None:
        return "The seal of this dataset is retired."
    if sealed_set.frozen_at is not None:
        return (
            "A judge was measured against these labels already: one-shot is declared before the "
            "first look."
        )
    return "It is declared one-shot already." if sealed_set.is_one_shot else ""


@transaction.atomic
def freeze(*, sealed_set: SealedSet, now: datetime) -> None:
    """The first look freezes the labels of the whole set and ends the editing of its ratings."""
    changed = SealedSet.objects.filter(pk=sealed_set.pk, frozen_at__isnull=True).update(
        frozen_at=now
    )
    if changed:
        _record(sealed_set, "sealed_set.frozen", "system")


@transaction.atomic
def retire(*, sealed_set: SealedSet, actor: str, now: datetime, reason: str = "") -> bool:
    """The set's items become development items; nothing is sealed any more. False: it was so."""
    changed = SealedSet.objects.filter(pk=sealed_set.pk, retired_at__isnull=True).update(
        retired_at=now
    )
    if not changed:
        return False
    Item.objects.filter(dataset_id=sealed_set.dataset_id, part=Part.SEALED).update(
        part=Part.DEVELOPMENT
    )
    _record(sealed_set, "sealed_set.retired", actor, reason=reason)
    return True


@transaction.atomic(durable=True)
def give_up(*, sealed_set: SealedSet, reason: str, by: User, now: datetime) -> None:
    """An admin retires a set that still had looks: whoever wants to read its labels may then.

    Raises Invalid without a reason, Conflict where it is retired already.
    """
    said = roundacts.reason_of(reason)
    if not retire(sealed_set=sealed_set, actor=by.actor, now=now, reason=said):
        raise Conflict("set_retired", "The seal of this dataset is retired already.")


def _record(sealed_set: SealedSet, verb: str, actor: str, *, reason: str = "") -> None:
    audit.record(
        actor=actor,
        verb=verb,
        object_type="sealed_set",
        object_id=sealed_set.pk,
        project_id=sealed_set.dataset.project_id,
        data={"dataset": sealed_set.dataset.name, **({"reason": reason} if reason else {})},
    )
