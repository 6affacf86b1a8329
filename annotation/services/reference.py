"""Reference labels: made from blind ratings once an item's slots are full, append-only."""

from __future__ import annotations

import hashlib
import statistics
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from annotation.models import Assignment, Dimension, Item, ReferenceLabel
from annotation.queries import labels
from annotation.queries.adjudication import COMPUTED, LEAST_RATINGS, LEAST_SEALED_RATINGS
from annotation.states import (
    LIVE_ASSIGNMENTS,
    AssignmentState,
    Method,
    Part,
    ReferenceState,
    RoundState,
)
from core.prepared import Prepared
from measurement.reference import CONTESTED, OUTSIDE, reference
from measurement.scale import as_number

BATCH = 500


Votes = dict[int, list[labels.LabelRow]]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a reference label is about, apart from the item."""

    dataset_id: int
    guideline_id: int
    major: int


def refresh(*, item_ids: Collection[int]) -> int:
    """Make the labels of these items anew where their ratings changed; returns how many.

    Items whose slots are not full yet, and items of a frozen sealed set, stay as they are.
    """
    ordered = sorted(item_ids)
    made = 0
    for start in range(0, len(ordered), BATCH):
        made += _refresh_batch(ordered[start : start + BATCH])
    return made


def refresh_once_full(row: Assignment) -> None:
    """Make the labels of an answer's item once its last slot is in; `row` comes with its round.

    Outside of any transaction: what was stored stays stored, whatever becomes of the label.
    """
    if row.gold_id is not None or row.round.kind not in labels.FEEDING:
        return
    # Both of two raters who fill an item at once look after their commit: the later one sees all.
    # Open slots of a round that is over wait for nobody.
    if not _waiting.rows(round_id=row.round_id, item_id=row.item_id):
        refresh(item_ids=[row.item_id])


def renew(*, item_ids: Collection[int]) -> int:
    """After ratings were withdrawn or came back: make labels anew, and take back those that rest
    on ratings which no longer count while the item waits for others. Returns how many changed."""
    changed = refresh(item_ids=item_ids)
    ordered = sorted(item_ids)
    for start in range(0, len(ordered), BATCH):
        changed += _retract_batch(ordered[start : start + BATCH])
    return changed


def _refresh_batch(item_ids: Sequence[int]) -> int:
    with transaction.atomic():
        items = _locked_items(item_ids)
        full = _full_items(items)
        fresh: list[ReferenceLabel] = []
        for subject, members in full.items():
            fresh += _changed(subject, [items[pk] for pk in sorted(members)])
        ReferenceLabel.objects.bulk_create(fresh, batch_size=BATCH)
    return len(fresh)


def _retract_batch(item_ids: Sequence[int]) -> int:
    with transaction.atomic():
        items = _locked_items(item_ids)
        newest: dict[tuple[Subject, str], dict[int, ReferenceLabel]] = defaultdict(dict)
        for label in ReferenceLabel.objects.filter(item__in=items, method__in=COMPUTED).order_by(
            "version"
        ):
            subject = Subject(items[label.item_id].dataset_id, label.guideline_id, label.major)
            newest[subject, label.dimension_key][label.item_id] = label
        fresh = [
            gone
            for (subject, key), last in newest.items()
            for gone in _retracted(subject, key, last)
        ]
        ReferenceLabel.objects.bulk_create(fresh, batch_size=BATCH)
    return len(fresh)


def _retracted(
    subject: Subject, key: str, last: dict[int, ReferenceLabel]
) -> Iterable[ReferenceLabel]:
    """A last word for each label that its item's ratings no longer support."""
    votes = _votes(subject, list(last))[key]
    for item_id, label in last.items():
        digest = _digest(votes[item_id])
        if label.state != ReferenceState.WITHDRAWN and label.ratings_digest != digest:
            yield ReferenceLabel(
                item_id=item_id,
                guideline_id=label.guideline_id,
                dimension_key=key,
                major=label.major,
                method=label.method,
                version=label.version + 1,
                state=ReferenceState.WITHDRAWN,
                votes=len(votes[item_id]),
                ratings_digest=digest,
            )


def _locked_items(item_ids: Sequence[int]) -> dict[int, Item]:
    """The items whose labels may change. The lock lines up two raters who fill the same item at
    once (PostgreSQL)."""
    rows = (
        Item.objects.select_for_update(of=("self",))
        .filter(pk__in=item_ids)
        .exclude(part=Part.SEALED, dataset__sealed_set__frozen_at__isnull=False)
        .order_by("pk")
    )
    return {item.pk: item for item in rows}


def _full_items(items: dict[int, Item]) -> dict[Subject, set[int]]:
    """Items whose slots are all submitted, by guideline and major version.

    Open slots of a round that is closed, or has not begun, wait for nobody.
    """
    rows = (
        Assignment.objects.filter(
            item_id__in=items,
            gold__isnull=True,
            state__in=LIVE_ASSIGNMENTS,
            round__kind__in=labels.FEEDING,
        )
        .exclude(state=AssignmentState.OPEN, round__state__in=(RoundState.DRAFT, RoundState.CLOSED))
        .values(
            "item_id",
            "round__guideline_version__guideline_id",
            "round__guideline_version__major",
        )
        .annotate(slots=Count("pk"), done=Count("pk", filter=Q(state=AssignmentState.SUBMITTED)))
    )
    full: dict[Subject, set[int]] = defaultdict(set)
    for row in rows:
        if row["slots"] == row["done"]:
            subject = Subject(
                items[row["item_id"]].dataset_id,
                row["round__guideline_version__guideline_id"],
                row["round__guideline_version__major"],
            )
            full[subject].add(row["item_id"])
    return full


def _dimensions(subject: Subject) -> Iterable[Dimension]:
    """The dimensions of the newest version of this major: key, scale and cut are fixed in it."""
    newest: dict[str, Dimension] = {}
    for dimension in Dimension.objects.filter(
        version__guideline_id=subject.guideline_id, version__major=subject.major
    ).order_by("version__minor", "position"):
        newest[dimension.key] = dimension
    return newest.values()


def _changed(subject: Subject, items: list[Item]) -> list[ReferenceLabel]:
    """The labels, on every dimension, of the items whose ratings are not those of the last one."""
    item_ids = [item.pk for item in items]
    by_key = _votes(subject, item_ids)
    last = _last_versions(subject, item_ids)
    made: list[ReferenceLabel] = []
    for dimension in _dimensions(subject):
        votes, known = by_key[dimension.key], last[dimension.key]
        changed = [
            item
            for item in items
            if item.pk in votes and known.get(item.pk, (0, ""))[1] != _digest(votes[item.pk])
        ]
        made += _made(subject, dimension, changed, votes, known)
    return made


def _votes(subject: Subject, item_ids: Collection[int]) -> dict[str, Votes]:
    """The ratings that count, by dimension and item."""
    votes: dict[str, Votes] = defaultdict(lambda: defaultdict(list))
    found = labels.item_labels(
        dataset_id=subject.dataset_id,
        guideline_id=subject.guideline_id,
        major=subject.major,
        item_ids=item_ids,
    )
    for key, rows in found.items():
        for row in rows:
            votes[key][row.item_id].append(row)
    return votes


def _last_versions(
    subject: Subject, item_ids: Iterable[int]
) -> dict[str, dict[int, tuple[int, str]]]:
    """By dimension, for each item the newest computed label's version and its ratings' digest."""
    found = (
        ReferenceLabel.objects.filter(
            guideline_id=subject.guideline_id,
            major=subject.major,
            item_id__in=list(item_ids),
            method__in=COMPUTED,
        )
        .order_by("version")
        .values_list("dimension_key", "item_id", "version", "ratings_digest")
    )
    last: dict[str, dict[int, tuple[int, str]]] = defaultdict(dict)
    for key, item_id, version, digest in found:
        last[key][item_id] = (version, digest)
    return last


def _made(
    subject: Subject,
    dimension: Dimension,
    items: list[Item],
    votes: Votes,
    last: dict[int, tuple[int, str]],
) -> list[ReferenceLabel]:
    scale = labels.scale_of(dimension)
    method = Method.MEDIAN if scale.is_rating and scale.cut is None else Method.PLURALITY
    made = []
    for is_sealed in (False, True):
        members = [item for item in items if (item.part == Part.SEALED) is is_sealed]
        if not members:
            continue
        table = labels.table(row for item in members for row in votes[item.pk])
        least = LEAST_SEALED_RATINGS if is_sealed else LEAST_RATINGS
        codes = reference(table, scale=scale, least_ratings=least).labels
        found = dict(zip(table.items, codes.tolist(), strict=True))
        tested = scale.tested().labels
        for item in members:
            code = found[item.external_id]
            points = [n for row in votes[item.pk] if (n := as_number(row.label)) is not None]
            made.append(
                ReferenceLabel(
                    item=item,
                    guideline_id=subject.guideline_id,
                    dimension_key=dimension.key,
                    major=subject.major,
                    method=method,
                    version=last.get(item.pk, (0, ""))[0] + 1,
                    state=_state(code),
                    label=tested[code] if code >= 0 else "",
                    votes=len(votes[item.pk]),
                    median=statistics.median(points) if points else None,
                    mean=statistics.fmean(points) if points else None,
                    ratings_digest=_digest(votes[item.pk]),
                )
            )
    return made


def _state(code: int) -> ReferenceState:
    if code == CONTESTED:
        return ReferenceState.CONTESTED
    return ReferenceState.NOT_APPLICABLE if code == OUTSIDE else ReferenceState.DECIDED


def _digest(rows: Iterable[labels.LabelRow]) -> str:
    text = "\n".join(sorted(f"{row.rater_id}\t{row.label}" for row in rows))
    return hashlib.sha256(text.encode()).hexdigest()


@Prepared
def _waiting(*, round_id: int, item_id: int) -> QuerySet[Any, Any]:
    rows = Assignment.objects.filter(
        round=round_id,
        item=item_id,
        state__in=(AssignmentState.OPEN, AssignmentState.LEASED),
    ).exclude(state=AssignmentState.OPEN, round__state=RoundState.CLOSED)
    return rows.values_list("pk")[:1]
