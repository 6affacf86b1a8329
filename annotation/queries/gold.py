"""Gold items as leads see them, what a rater is told, and how often raters meet the gold labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.core.paginator import Page, Paginator
from django.db.models import OuterRef, Prefetch, Q, QuerySet, Subquery

from annotation.models import (
    Assignment,
    Dimension,
    GoldItem,
    GoldLabel,
    GuidelineVersion,
    Item,
    Rating,
    Round,
    RoundRater,
)
from annotation.queries.labels import scale_of
from annotation.queries.workbench import WORDS
from annotation.rules import display
from annotation.states import (
    AssignmentState,
    DimensionKind,
    RoundKind,
    RoundState,
    VersionState,
)
from measurement import intervals
from measurement.arrays import np
from measurement.estimate import Estimate

PAGE_GOLD = 50
NO_GOLD = "this rater answered no gold item"
PREFERENCES = (DimensionKind.PAIRWISE, DimensionKind.PAIRWISE_GRADED)


class Met(NamedTuple):
    """One label of a rater beside the gold label."""

    rater: int
    item: int
    cluster: str
    key: str
    label: str
    gold: str


@dataclass(frozen=True, slots=True)
class Told:
    """What a rater is told of one dimension of a gold item, in the words and sides seen."""

    name: str
    label: str
    gold: str
    is_met: bool
    reason: str


def accuracy(*, round_: Round, rater_ids: Collection[int]) -> dict[int, Estimate]:
    """For each of these raters the share of gold labels that they met in the round.

    Held against each other by pass and fail where a dimension has a cut, by side for graded
    preferences, else to the letter. n = gold labels; the labels of one item, and items of one
    cluster, are worth less than as many independent ones. Two queries.
    """
    same = matching(round_.guideline_version)
    rows = met_by_rater(Q(assignment__round=round_, assignment__rater__in=rater_ids))
    return {rater: share_met(rows[rater], same) for rater in rater_ids}


def met_by_rater(which: Q) -> dict[int, list[Met]]:
    """The same as `met_labels`, for each rater; nobody is missing."""
    rows: dict[int, list[Met]] = defaultdict(list)
    for met in met_labels(which):
        rows[met.rater].append(met)
    return rows


def met_labels(which: Q) -> list[Met]:
    """Current labels on gold items beside the gold label in force; dimensions without are out, and
    so are gold items that were taken back."""
    label = GoldLabel.objects.filter(
        gold=OuterRef("assignment__gold"),
        dimension_key=OuterRef("dimension__key"),
        is_current=True,
    )
    found = (
        Rating.objects.filter(
            which,
            is_current=True,
            assignment__gold__isnull=False,
            assignment__gold__withdrawn_at__isnull=True,
            assignment__state=AssignmentState.SUBMITTED,
        )
        .annotate(gold_label=Subquery(label.values("label")[:1]))
        .filter(gold_label__gt="")
        .values_list(
            "assignment__rater_id",
            "assignment__item_id",
            "assignment__item__cluster_key",
            "dimension__key",
            "label",
            "gold_label",
        )
    )
    return [Met(*row) for row in found]


def matching(version: GuidelineVersion) -> dict[str, Mapping[str, str]]:
    """For each dimension what a label counts as: fail or pass by the cut, or its side."""
    return {dimension.key: _counts_as(dimension) for dimension in version.dimensions.all()}


def share_met(rows: Sequence[Met], same: Mapping[str, Mapping[str, str]]) -> Estimate:
    """The pooled share with Wilson's interval on its effective size; n = labels."""
    by_item: dict[int, list[Met]] = defaultdict(list)
    for row in rows:
        by_item[row.item].append(row)
    clusters = {one: place for place, one in enumerate(sorted({row.cluster for row in rows}))}
    return intervals.share(
        np.array([sum(is_met(row, same) for row in of) for of in by_item.values()], dtype=float),
        np.array([len(of) for of in by_item.values()], dtype=float),
        np.array([clusters[of[0].cluster] for of in by_item.values()], dtype=np.int64),
        because=NO_GOLD,
    )


def is_met(row: Met, same: Mapping[str, Mapping[str, str]]) -> bool:
    words = same.get(row.key, {})
    return words.get(row.label, row.label) == words.get(row.gold, row.gold)


def told(assignment: Assignment) -> list[Told]:
    """What the rater of this answer was told; nothing unless it was a gold item's."""
    is_told = assignment.told_at is not None and assignment.round.shows_gold
    if assignment.gold_id is None or not is_told:
        return []
    version = assignment.guideline_version or assignment.round.guideline_version
    same = matching(version)
    given = dict(
        Rating.objects.filter(assignment=assignment, is_current=True).values_list(
            "dimension__key", "label"
        )
    )
    current = GoldLabel.objects.filter(gold=assignment.gold_id, is_current=True).exclude(label="")
    golds = {one.dimension_key: one for one in current}
    lines = []
    for dimension in version.dimensions.all():
        gold = golds.get(dimension.key)
        if gold is None or dimension.key not in given:
            continue
        met = Met(0, 0, "", dimension.key, given[dimension.key], gold.label)
        swaps = assignment.is_swapped and dimension.kind in PREFERENCES
        lines.append(
            Told(
                name=dimension.name,
                label=_shown(met.label, swaps=swaps),
                gold=_shown(met.gold, swaps=swaps),
                is_met=is_met(met, same),
                reason=gold.reason,
            )
        )
    return lines


def told_last(*, round_: Round, rater_id: int) -> list[Told]:
    """What the rater is told of the answer just given, in a round that tells; else nothing."""
    if not round_.shows_gold:
        return []
    last = (
        Assignment.objects.filter(round=round_, rater=rater_id, state=AssignmentState.SUBMITTED)
        .select_related("guideline_version", "round__guideline_version")
        .order_by("-submitted_at", "-pk")
        .first()
    )
    return told(last) if last is not None else []


def golds_page(*, project_id: int, text: str, number: object) -> Page[GoldItem]:
    """Gold items of the project that are in force, the newest first."""
    found = _with_labels(
        GoldItem.objects.filter(item__project=project_id, withdrawn_at__isnull=True)
    )
    if text:
        found = found.filter(
            Q(item__external_id__icontains=text)
            | Q(item__title__icontains=text)
            | Q(guideline__name__icontains=text)
        )
    return Paginator(found.order_by("-pk"), PAGE_GOLD).get_page(number)  # type: ignore[arg-type]


def may_be_given(*, project_id: int, user_id: int) -> bool:
    """Whether this person rates in a round that is not over and hands out gold: who may yet be
    given a gold item does not read its labels, whatever else they are in the project."""
    return (
        RoundRater.objects.filter(
            Q(round__gold_every__isnull=False) | Q(round__kind=RoundKind.QUALIFICATION),
            round__project=project_id,
            rater__user=user_id,
            removed_at__isnull=True,
        )
        .exclude(round__state=RoundState.CLOSED)
        .exists()
    )


def gold_of_item(*, item: Item, version: GuidelineVersion) -> GoldItem | None:
    """The item's gold under the version's major, with `current` labels."""
    found = GoldItem.objects.filter(
        item=item, guideline=version.guideline_id, major=version.major, withdrawn_at__isnull=True
    )
    return _with_labels(found).first()


def history(gold: GoldItem) -> list[GoldLabel]:
    """Every label that the gold item ever had, the newest first."""
    return list(gold.labels.order_by("-pk"))


def is_gold(item: Item) -> bool:
    return GoldItem.objects.filter(item=item, withdrawn_at__isnull=True).exists()


def versions_for(*, project_id: int, form: str) -> list[GuidelineVersion]:
    """The versions in force that gold labels of an item of this form could go by."""
    found = GuidelineVersion.objects.filter(
        guideline__project=project_id, guideline__form=form, state=VersionState.PUBLISHED
    )
    return list(found.select_related("guideline").order_by("guideline__name"))


def _with_labels(golds: QuerySet[GoldItem]) -> QuerySet[GoldItem]:
    current = GoldLabel.objects.filter(is_current=True).exclude(label="").order_by("dimension_key")
    return golds.select_related("item", "guideline").prefetch_related(
        Prefetch("labels", queryset=current, to_attr="current")
    )


def _counts_as(dimension: Dimension) -> Mapping[str, str]:
    scale = scale_of(dimension)
    tested = scale.tested().labels
    return {
        label: tested[code]
        for label, code in zip(scale.labels, scale.tested_codes().tolist(), strict=True)
        if code >= 0
    }


def _shown(label: str, *, swaps: bool) -> str:
    shown = display.to_shown_label(label, swapped=swaps)
    return WORDS.get(shown, shown)
