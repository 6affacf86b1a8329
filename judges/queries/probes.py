"""What the bias laboratory reads: items to draw from, what people say of them, results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from accounts.models import Project
from annotation.models import Dataset, Dimension, Item, ReferenceLabel, Response
from annotation.queries.items import items_yet_rated_by
from annotation.queries.labels import item_labels
from annotation.queries.reference import in_force
from annotation.queries.sealed import touching_sealed
from annotation.states import DimensionKind, Part, ReferenceState
from judges.models import JudgeLabel, JudgeVersion, Probe, Run, Verdict
from judges.queries.items import ordinary_items
from judges.rules import families
from judges.rules.probes import PROBES, FigureSpec, ProbeSpec, Reading, Tolerance, reading
from judges.states import ProbeKind, ProbeState, RunState
from measurement.baselines import Lengths
from measurement.table import RatingTable, Vote
from measurement.verdicts import Call as JudgeCall

SHOWN_VERSIONS = 12


@dataclass(frozen=True, slots=True)
class ProbeFigure:
    """One figure of a measured probe. `tolerance` is the one that held when it was measured."""

    dimension: str
    spec: FigureSpec
    estimate: Mapping[str, Any]
    tolerance: Tolerance | None
    reading: Reading


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """A measured probe with its figures, dimension by dimension in the guideline's order."""

    probe: Probe
    figures: tuple[ProbeFigure, ...]

    @property
    def first(self) -> tuple[ProbeFigure, ...]:
        """The figure that stands for the probe, on each dimension."""
        key = PROBES[ProbeKind(self.probe.kind)].first.key
        return tuple(one for one in self.figures if one.spec.key == key)

    @property
    def is_inside(self) -> bool | None:
        """Whether every figure that is held to a tolerance lies inside; None: cannot be told."""
        readings = {one.reading for one in self.figures} - {""}
        if "outside" in readings:
            return False
        return True if readings == {"inside"} else None


def latest(version: JudgeVersion) -> dict[str, ProbeResult]:
    """The newest measured probe of each kind, by kind: what a gate may hold a version to.

    A kind that was never measured is missing.
    """
    measured = version.probes.filter(state=ProbeState.MEASURED).order_by("measured_at", "pk")
    newest = {probe.kind: probe for probe in measured.defer("sample")}
    return {kind: result_of(newest[kind]) for kind in ProbeKind.values if kind in newest}


def result_of(probe: Probe) -> ProbeResult:
    """The stored figures of a measured probe, read against the tolerances of its day."""
    spec = spec_of(probe)
    stored = probe.result or {"order": [], "dimensions": {}, "tolerances": {}}
    figures = []
    for dimension in stored["order"]:
        found = stored["dimensions"][dimension]
        for one in spec.figures:
            if one.key in found:
                bounds = stored["tolerances"].get(one.key)
                tolerance = None if bounds is None else (float(bounds[0]), float(bounds[1]))
                read = reading(found[one.key], tolerance)
                figures.append(ProbeFigure(dimension, one, found[one.key], tolerance, read))
    return ProbeResult(probe, tuple(figures))


def spec_of(probe: Probe) -> ProbeSpec:
    return PROBES[ProbeKind(probe.kind)]


# Lists --------------------------------------------------------------------------------------------


def probes_of(project: Project) -> QuerySet[Probe]:
    """Every probe of the project, newest first, with its runs."""
    return (
        Probe.objects.filter(project=project)
        .select_related("version__judge", "dataset")
        .prefetch_related("variants__run")
        .defer("sample")
        .order_by("-pk")
    )


def newest_by_version(project: Project, kind: ProbeKind) -> list[ProbeResult]:
    """The newest result of each version that has one of this kind, newest versions first."""
    measured = Probe.objects.filter(project=project, kind=kind, state=ProbeState.MEASURED)
    newest = Subquery(
        measured.filter(version=OuterRef("version"))
        .order_by("-measured_at", "-pk")
        .values("pk")[:1]
    )
    shown = (
        measured.filter(pk=newest)
        .select_related("version__judge")
        .defer("sample", "version__spec")
        .order_by("-version_id")
    )
    return [result_of(probe) for probe in shown[:SHOWN_VERSIONS]]


def is_cancelled(probe: Probe) -> bool:
    """Whether one of its runs was ended for good, so that it can never be measured."""
    return any(one.run.state == RunState.CANCELLED for one in probe.variants.all())


# Items --------------------------------------------------------------------------------------------


def candidates(dataset: Dataset, *, is_pairwise: bool) -> QuerySet[Item]:
    """Development items with texts that a version can judge, beside nothing sealed."""
    return ordinary_items(dataset, is_pairwise=is_pairwise).filter(part=Part.DEVELOPMENT)


def labelled(items: QuerySet[Item], version: JudgeVersion) -> QuerySet[Item]:
    """Those that people have decided by the version's guideline."""
    decided = _reference(version).filter(item=OuterRef("pk"), state=ReferenceState.DECIDED)
    return items.filter(Exists(decided))


def people_prefer(item_ids: Sequence[int], version: JudgeVersion) -> dict[int, str]:
    """A or B for the pairs on which people prefer one, by the label in force."""
    rows = _reference(version).filter(item__in=item_ids).order_by("version", "pk")
    decided = [row for row in in_force(rows).values() if row.state == ReferenceState.DECIDED]
    return {row.item_id: row.label[0] for row in decided if row.label[:1] in {"A", "B"}}


def _reference(version: JudgeVersion) -> QuerySet[ReferenceLabel]:
    guideline = version.guideline_version
    return ReferenceLabel.objects.filter(guideline=guideline.guideline_id, major=guideline.major)


def family_sides(items: QuerySet[Item], *, family: str, is_pairwise: bool) -> dict[int, str]:
    """The items whose responses tell a family from others: the side that is of the family.

    For pairs A or B, where exactly one is; for single responses "own" or "other".
    """
    systems: dict[int, dict[int, str]] = {}
    rows = Response.objects.filter(item__in=items.values("pk")).exclude(system="")
    for item, position, system in rows.values_list("item_id", "position", "system").iterator():
        systems.setdefault(item, {})[position] = system
    sides = {}
    for item, by_place in systems.items():
        if not is_pairwise:
            is_own = families.family_of(by_place.get(0, "")) == family
            sides[item] = "own" if is_own else "other"
        elif len(by_place) == 2:
            sides[item] = families.own_side((by_place[0], by_place[1]), family)
    return {item: side for item, side in sides.items() if side}


def example_item(probe: Probe, *, user_id: int) -> Item | None:
    """An item of the sample that this person may read: unsealed still, and not theirs to rate."""
    ids = [item for item, _, _ in probe.sample[:50]]
    return _readable(Item.objects.filter(pk__in=ids), probe.project_id, user_id=user_id)


def readable(item_ids: Sequence[int], project: Project, *, user_id: int) -> Item | None:
    """The same before there is a probe."""
    items = Item.objects.filter(pk__in=item_ids[:50])
    return _readable(items, project.pk, user_id=user_id)


def _readable(items: QuerySet[Item], project_id: int, *, user_id: int) -> Item | None:
    sealed = touching_sealed(items, project_id).values("pk")
    theirs = items_yet_rated_by(user_id)
    return (
        items.exclude(pk__in=sealed)
        .exclude(pk__in=theirs)
        .filter(content__isnull=False, content__erased_at__isnull=True)
        .select_related("content")
        .order_by("pk")
        .first()
    )


# What the runs brought ----------------------------------------------------------------------------


def clusters_of(item_ids: Iterable[int]) -> dict[str, str]:
    """Each item's cluster, by its key as text."""
    rows = Item.objects.filter(pk__in=list(item_ids)).values_list("pk", "cluster_key")
    return {str(item): cluster for item, cluster in rows}


def combined(run: Run, dimension_key: str) -> dict[str, str]:
    """The combined labels of a run; items without one are left out."""
    rows = JudgeLabel.objects.filter(run=run, dimension_key=dimension_key).exclude(label="")
    return {str(item): label for item, label in rows.values_list("item_id", "label")}


def single_calls(run: Run, dimension_key: str) -> list[JudgeCall]:
    """The verdicts of the single calls of a run, in the item's own labelling."""
    rows = Verdict.objects.filter(call__run=run, dimension_key=dimension_key).order_by("call_id")
    found = rows.values_list("call__item_id", "label", "call__order", "call__sample")
    return [JudgeCall(str(item), label, order, sample) for item, label, order, sample in found]


def people_of(probe: Probe, item_ids: Sequence[int]) -> dict[str, RatingTable]:
    """By dimension the votes of people that feed human labels, where anybody gave any."""
    guideline = probe.version.guideline_version
    by_key = item_labels(
        dataset_id=probe.dataset_id,
        guideline_id=guideline.guideline_id,
        major=guideline.major,
        item_ids=item_ids,
    )
    return {
        key: RatingTable.build(
            Vote(str(row.item_id), str(row.rater_id), row.label, row.cluster) for row in rows
        )
        for key, rows in by_key.items()
    }


def lengths_of(item_ids: Sequence[int]) -> Lengths:
    """The lengths of A and B of these pairs, in characters."""
    found: dict[str, dict[int, int]] = {}
    rows = Response.objects.filter(item__in=item_ids).values_list("item_id", "position", "length")
    for item, position, length in rows:
        found.setdefault(str(item), {})[position] = length
    return {
        item: (float(both[0]), float(both[1])) for item, both in found.items() if len(both) == 2
    }


def dimensions_of(version: JudgeVersion) -> list[Dimension]:
    return list(version.guideline_version.dimensions.order_by("position"))


def has_order(version: JudgeVersion) -> bool:
    """Whether any dimension has better and worse labels."""
    return any(one.kind != DimensionKind.CATEGORY for one in dimensions_of(version))
