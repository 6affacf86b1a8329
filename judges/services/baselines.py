"""Baselines made from people's labels on the development part: nothing sealed is ever read."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from accounts.models import User
from annotation.models import GuidelineVersion, Item
from core.errors import Conflict, Invalid
from judges import queries
from judges.models import Artefact, Judge
from judges.providers.baselines import majority_label
from judges.queries.references import development_labels
from judges.rules import training
from judges.rules.answering import answer_for
from judges.rules.spec import DimensionSpec, ItemView
from judges.services import versions
from judges.services.versions import Saved
from judges.states import BaselineRule

_CHUNK = 500
_room = threading.BoundedSemaphore(1)


@dataclass(frozen=True, slots=True)
class _Labelled:
    """Development items with the points that stand for people's labels, by dimension."""

    item_ids: Sequence[int]
    labels: Sequence[dict[str, str]]


def save(
    *, judge: Judge, guideline_version: GuidelineVersion, rule: BaselineRule, author: User | None
) -> Saved:
    """A baseline as a version of the judge. Raises Invalid where there are too few labels.

    Majority and trained ones are made of the labels of today and never change; made again after
    more labels came they are another version.
    """
    if rule is BaselineRule.LONGER:
        return versions.save_baseline(
            judge=judge, guideline_version=guideline_version, author=author
        )
    dimensions = [versions.dimension_spec(one) for one in guideline_version.dimensions.all()]
    found = _labelled(guideline_version, dimensions)
    if rule is BaselineRule.MAJORITY:
        return _save_majority(judge, guideline_version, dimensions, found, author)
    return _save_trained(judge, guideline_version, dimensions, found, author)


def _labelled(version: GuidelineVersion, dimensions: Sequence[DimensionSpec]) -> _Labelled:
    is_pairwise = any(dimension.kind == "pairwise" for dimension in dimensions)
    item_ids, labels = [], []
    for item_id, said in development_labels(version, is_pairwise=is_pairwise).items():
        answers = {
            dimension.key: answer
            for dimension in dimensions
            if (answer := answer_for(said.get(dimension.key, ""), dimension)) is not None
        }
        if answers:
            item_ids.append(item_id)
            labels.append(answers)
    return _Labelled(item_ids, labels)


def _save_majority(
    judge: Judge,
    guideline_version: GuidelineVersion,
    dimensions: Sequence[DimensionSpec],
    found: _Labelled,
    author: User | None,
) -> Saved:
    constants = []
    for dimension in dimensions:
        given = [labels[dimension.key] for labels in found.labels if dimension.key in labels]
        if not given:
            raise Invalid(
                "no_labels",
                f"No development item has a decided reference label on {dimension.key} yet, so "
                "there is no commonest one. Rate some, or take another baseline.",
            )
        constants.append((dimension.key, majority_label(given)))
    return versions.save_baseline(
        judge=judge,
        guideline_version=guideline_version,
        author=author,
        rule=BaselineRule.MAJORITY,
        constants=tuple(constants),
        note=f"the commonest label on {len(found.labels)} development items",
    )


def _save_trained(
    judge: Judge,
    guideline_version: GuidelineVersion,
    dimensions: Sequence[DimensionSpec],
    found: _Labelled,
    author: User | None,
) -> Saved:
    """Fitted before the transaction: it takes seconds, and memory that a process has once."""
    if not _room.acquire(blocking=False):
        raise Conflict("training", "Another baseline is being trained; try again in a moment.")
    try:
        return _trained(judge, guideline_version, dimensions, found, author)
    finally:
        _room.release()


def _trained(
    judge: Judge,
    guideline_version: GuidelineVersion,
    dimensions: Sequence[DimensionSpec],
    found: _Labelled,
    author: User | None,
) -> Saved:
    chosen = _spread(len(found.item_ids), training.MOST_ITEMS)
    views = _views([found.item_ids[place] for place in chosen])
    kept = [place for place in chosen if found.item_ids[place] in views]
    trained = training.fit(
        [views[found.item_ids[place]] for place in kept],
        [found.labels[place] for place in kept],
        dimensions,
    )
    content = training.written(trained)
    digest = training.digest(content)
    made_from = {
        "items": len(kept),
        "labels": {
            dimension.key: sum(dimension.key in found.labels[place] for place in kept)
            for dimension in dimensions
        },
        "words": len(trained.words),
    }
    with transaction.atomic():
        Artefact.objects.get_or_create(
            project=judge.project,
            digest=digest,
            defaults={"content": content, "made_from": made_from},
        )
        return versions.save_baseline(
            judge=judge,
            guideline_version=guideline_version,
            author=author,
            rule=BaselineRule.TRAINED,
            artefact=digest,
            note=f"word weights, trained on {len(kept)} development items",
        )


def _spread(count: int, most: int) -> list[int]:
    """At most so many places, evenly spread."""
    step = max(1.0, count / most)
    return [int(place * step) for place in range(min(count, most))]


def _views(item_ids: Sequence[int]) -> dict[int, ItemView]:
    found: dict[int, ItemView] = {}
    for start in range(0, len(item_ids), _CHUNK):
        rows = Item.objects.filter(pk__in=item_ids[start : start + _CHUNK])
        for item in rows.select_related("content"):
            view = queries.item_view(item)
            if view is not None:
                found[item.pk] = view
    return found
