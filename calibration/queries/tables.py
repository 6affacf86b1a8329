"""People's and the judge's labels side by side, as measurement reads them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet

from annotation.models import (
    Dataset,
    Dimension,
    GuidelineVersion,
    Item,
    ReferenceLabel,
    Response,
    whole,
)
from annotation.queries import labels
from annotation.states import ItemKind, Method, Part, ReferenceState
from judges.models import Call, JudgeLabel, Run, Verdict
from judges.rules import families
from measurement.alpha import alpha
from measurement.arrays import np
from measurement.counts import counts_of
from measurement.estimate import Estimate
from measurement.scale import Scale
from measurement.table import RatingTable
from measurement.verdicts import Call as JudgeCall
from measurement.verdicts import JudgeTable


@dataclass(frozen=True, slots=True)
class PeopleFigures:
    """How the labels of a report came about: raters, the usual number on an item, alpha."""

    raters: int
    on_an_item: int
    alpha: Estimate

    def as_dict(self) -> dict[str, Any]:
        return {
            "raters": self.raters,
            "on_an_item": self.on_an_item,
            "alpha": self.alpha.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class People:
    """One dimension's votes over one part of a dataset; `unrated` items have none.

    `adjudicated` holds the point of the scale that a named person decided, by item.
    """

    table: RatingTable
    scale: Scale
    unrated: int
    digest: str
    adjudicated: Mapping[str, str]

    def figures(self, *, seed: int) -> PeopleFigures:
        """Alpha on the scale's own labels, as the page of the round shows it."""
        counts = counts_of(self.table, self.scale)
        votes = counts.sum(axis=1)
        return PeopleFigures(
            raters=len(self.table.raters),
            on_an_item=int(np.bincount(votes).argmax()) if len(votes) else 0,
            alpha=alpha(
                counts,
                self.table.cluster_codes,
                level=self.scale.level,
                numbers=self.scale.numbers(),
                seed=seed,
            ),
        )


def people(
    *,
    dataset: Dataset,
    version: GuidelineVersion,
    dimension: Dimension,
    part: str = "",
    items: Collection[str] | None = None,
) -> People:
    """The blind votes that reference labels rest on; of these items only where some are named."""
    rows = labels.dataset_labels(
        dataset_id=dataset.pk,
        guideline_id=version.guideline_id,
        major=version.major,
        dimension_key=dimension.key,
        part=part,
    )
    if items is not None:
        rows = [row for row in rows if row.external_id in items]
    unrated = 0
    if part == Part.SEALED:
        # An erased item has labels and can have no verdict: it is left out on both sides.
        asked = set(judgeable(dataset, part).values_list("pk", flat=True))
        rows = [row for row in rows if row.item_id in asked]
        unrated = len(asked - {row.item_id for row in rows})
    decided = _adjudicated(dataset, version, dimension, {row.item_id for row in rows})
    lines = [f"{row.item_id}\t{row.rater_id}\t{row.label}" for row in rows]
    lines += [f"{item}\tadjudicated\t{label}" for item, label in decided.items()]
    return People(
        table=labels.table(rows),
        scale=labels.scale_of(dimension),
        unrated=unrated,
        digest=hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest(),
        adjudicated=decided,
    )


def _adjudicated(
    dataset: Dataset, version: GuidelineVersion, dimension: Dimension, item_ids: Collection[int]
) -> dict[str, str]:
    """What a named person decided of these items. The word that one is still contested leaves it
    to its votes."""
    rows = (
        ReferenceLabel.objects.filter(
            item__dataset=dataset,
            guideline=version.guideline_id,
            major=version.major,
            dimension_key=dimension.key,
            method=Method.ADJUDICATED,
        )
        .order_by("version")
        .values_list("item_id", "item__external_id", "point", "state")
    )
    newest = {item_id: (name, point, state) for item_id, name, point, state in rows.iterator()}
    settled = (ReferenceState.DECIDED, ReferenceState.NOT_APPLICABLE)
    return {
        name: point
        for item_id, (name, point, state) in newest.items()
        if item_id in item_ids and state in settled
    }


def judgeable(dataset: Dataset, part: str) -> QuerySet[Item]:
    """Visible items of one part whose texts are there for a judge to read."""
    return Item.objects.filter(
        whole(),
        dataset=dataset,
        part=part,
        withdrawn_at__isnull=True,
        content__isnull=False,
        content__erased_at__isnull=True,
    )


def judge(*, run: Run, dimension_key: str, scale: Scale) -> JudgeTable:
    """The run's combined labels, with the single calls behind them for the figures of stability."""
    rows = JudgeLabel.objects.filter(run=run, dimension_key=dimension_key).values_list(
        "item__external_id", "label", "outcome"
    )
    combined = [
        JudgeCall(item, label or None, outcome=outcome)
        for item, label, outcome in rows.iterator(chunk_size=5000)
    ]
    return JudgeTable.build(combined, scale=scale, calls=_calls(run, dimension_key))


def _calls(run: Run, dimension_key: str) -> list[JudgeCall]:
    """The verdicts of single calls where an item had several; one alone is the label itself."""
    verdicts = Verdict.objects.filter(call__run=run, dimension_key=dimension_key)
    if not Call.objects.filter(run=run, sample__gt=0).exists():
        verdicts = verdicts.exclude(call__order="")
    rows = verdicts.order_by("call_id").values_list(
        "call__item__external_id", "label", "call__order", "call__sample"
    )
    return [JudgeCall(*row) for row in rows.iterator(chunk_size=5000)]


def verdicts_digest(*, run: Run, dimension_key: str) -> str:
    """SHA-256 over the run's labels and outcomes on one dimension."""
    rows = (
        JudgeLabel.objects.filter(run=run, dimension_key=dimension_key)
        .order_by("item_id")
        .values_list("item_id", "label", "outcome")
    )
    text = "\n".join("\t".join(map(str, row)) for row in rows.iterator(chunk_size=5000))
    return hashlib.sha256(text.encode()).hexdigest()


def lengths(*, dataset: Dataset, part: str = "") -> dict[str, tuple[float, float]] | None:
    """The lengths of A and B by item, in characters; None where there are no pairs with texts."""
    rows = Response.objects.filter(whole("item__"), item__dataset=dataset, item__kind=ItemKind.PAIR)
    if part:
        rows = rows.filter(item__part=part)
    found: dict[str, dict[int, int]] = {}
    for item, position, length in rows.values_list("item__external_id", "position", "length"):
        found.setdefault(item, {})[position] = length
    pairs = {
        item: (float(both[0]), float(both[1])) for item, both in found.items() if len(both) == 2
    }
    return pairs or None


def own_sides(*, dataset: Dataset, model: str, part: str = "") -> dict[str, str] | None:
    """For each pair that a judge's own family took part in once, its side; None without any."""
    family = families.family_of(model)
    rows = Response.objects.filter(whole("item__"), item__dataset=dataset, item__kind=ItemKind.PAIR)
    rows = rows.filter(item__part=part) if part else rows
    if not family or not rows.filter(system__icontains=family).exists():
        return None
    systems: dict[str, dict[int, str]] = {}
    for item, position, system in rows.values_list("item__external_id", "position", "system"):
        systems.setdefault(item, {})[position] = system
    sides = {
        item: families.own_side((both[0], both[1]), family)
        for item, both in systems.items()
        if len(both) == 2
    }
    return {item: side for item, side in sides.items() if side} or None


def slices(*, dataset: Dataset) -> dict[str, dict[str, str]]:
    """What items are told apart by: for each property the item's value, empty ones left out."""
    names = ("difficulty", "case", "source")
    found: dict[str, dict[str, str]] = {name: {} for name in names}
    items = Item.objects.filter(whole(), dataset=dataset)
    rows = items.values_list("external_id", *names)
    for item, *values in rows.iterator(chunk_size=5000):
        for name, value in zip(names, values, strict=True):
            if value:
                found[name][item] = value.replace("_", " ")
    return found


def cost_and_speed(run: Run) -> dict[str, float | int | None]:
    """What the run cost for 1,000 items and the P95 of its answers in seconds."""
    answered = (
        Call.objects.filter(run=run, attempts__latency_ms__isnull=False)
        .order_by("attempts__latency_ms")
        .values_list("attempts__latency_ms", flat=True)
    )
    n = answered.count()
    p95 = answered[min(n - 1, int(0.95 * n))] if n else None
    items = Call.objects.filter(run=run).aggregate(n=Count("item", distinct=True))["n"]
    return {
        "cost": float(run.spent),
        "per_thousand": float(run.spent) / items * 1000 if items and run.spent else None,
        "p95_seconds": p95 / 1000 if p95 is not None else None,
        "calls": n,
        # A template would take "items" of a report that has none yet for the dictionary's own.
        "judged": items,
    }
