"""What people said of development items, for whoever tunes a judge.

Nothing here reads a sealed item, or one that stands beside a sealed one: `development_items` is
where every query of this module begins.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from annotation.models import (
    Dimension,
    GuidelineVersion,
    Item,
    Rating,
    ReferenceLabel,
    Response,
    whole,
)
from annotation.queries.items import items_yet_rated_by
from annotation.queries.labels import FEEDING, item_labels, scale_of
from annotation.queries.reference import in_force
from annotation.queries.sealed import touching_sealed
from annotation.states import (
    AssignmentState,
    DatasetKind,
    ItemKind,
    Method,
    Part,
    ReferenceState,
)
from judges.models import JudgeLabel, JudgeVersion, Run, Verdict
from judges.queries.items import with_texts
from judges.rules.improving import Case
from judges.rules.verdicts import Outcome
from judges.states import RunPurpose
from measurement.scale import Scale

MOST_COMPARED = 20_000
MOST_OFFERED = 100
READABLE_RUNS = (RunPurpose.ORDINARY, RunPurpose.IMPORTED)
"""Runs that judge nothing sealed, so that each of their labels may be read."""


@dataclass(frozen=True, slots=True)
class PeopleLabel:
    """The human label in force of an item on one dimension, and which one it is."""

    label: str
    method: str
    version: int
    digest: str
    reason: str
    votes: int
    median: float | None
    point: str = ""

    @property
    def pin(self) -> str:
        """Which label this is: a later one of the same item has another pin."""
        return f"{self.method} {self.version} {self.digest[:12]}"


@dataclass(frozen=True, slots=True)
class Labelled:
    """A development item with the labels that people gave, as a worked example shows them.

    `labels` are points of the rubric (never only pass or fail); `version` pins which labels.
    """

    item: Item
    labels: tuple[tuple[str, str], ...]
    version: str
    rationale: str

    @property
    def spoken(self) -> str:
        return ", ".join(f"{key} = {label}" for key, label in self.labels)


def development_items(project_id: int) -> QuerySet[Item]:
    """Items that tuning may read: none that is sealed or beside a sealed one."""
    items = Item.objects.filter(
        whole(),
        project=project_id,
        dataset__kind=DatasetKind.NORMAL,
        part=Part.DEVELOPMENT,
        withdrawn_at__isnull=True,
    )
    return items.exclude(pk__in=touching_sealed(items, project_id).values("pk"))


def open_items(project_id: int, *, user_id: int) -> QuerySet[Item]:
    """Those whose labels this person may read: none that the person may yet rate."""
    rated = items_yet_rated_by(user_id)
    return development_items(project_id).exclude(pk__in=rated)


def newest_compared_run(version: JudgeVersion) -> Run | None:
    """The newest combined run of a version whose labels may be read one by one."""
    runs = version.runs.filter(purpose__in=READABLE_RUNS, combined_at__isnull=False)
    return runs.order_by("-pk").first()


def people_labels(
    version: GuidelineVersion, items: QuerySet[Item]
) -> dict[int, dict[str, PeopleLabel]]:
    """By item and dimension the human label in force: decided, the newest, a person's first."""
    rows = (
        ReferenceLabel.objects.filter(
            guideline=version.guideline_id, major=version.major, item__in=items.values("pk")
        )
        .order_by("version")
        .iterator(chunk_size=5000)
    )
    found: dict[int, dict[str, PeopleLabel]] = defaultdict(dict)
    for (item_id, key), label in in_force(rows).items():
        if label.state == ReferenceState.DECIDED:
            found[item_id][key] = _people_label(label)
    return found


def _people_label(row: ReferenceLabel) -> PeopleLabel:
    return PeopleLabel(
        row.label,
        row.method,
        row.version,
        row.ratings_digest,
        row.reason,
        row.votes,
        row.median,
        row.point,
    )


def compared(
    run: Run, *, user_id: int, dimension: str = "", with_failed: bool = False
) -> list[Case]:
    """Judge and people on every development item of a run that has a label of both, by item.

    At most 20,000 labels; `dimension` asks for one only, `with_failed` also for items on which the
    judge gave no label (an empty one). Sealed items that the run may hold are not read.
    """
    version = run.version.guideline_version
    scales = {row.key: scale_of(row) for row in version.dimensions.all()}
    items = open_items(run.project_id, user_id=user_id).filter(judge_labels__run=run)
    judged = JudgeLabel.objects.filter(run=run, item__in=items.values("pk"))
    judged = judged if with_failed else judged.filter(outcome=Outcome.OK)
    judged = judged.filter(dimension_key=dimension) if dimension else judged
    rows = list(
        judged.order_by("item_id", "dimension_key").values_list(
            "item_id", "item__cluster_key", "dimension_key", "label", "is_consistent"
        )[:MOST_COMPARED]
    )
    if not rows:
        return []
    # By item, so that nothing beyond the last one that is looked at has to be read.
    looked_at = items.filter(pk__lte=rows[-1][0])
    people = people_labels(version, looked_at)
    lengths = _lengths(looked_at)
    return [
        Case(
            item_id=item_id,
            cluster=cluster,
            dimension=key,
            judge=label,
            judged=_tested(scales[key], label),
            people=_tested(scales[key], said.label),
            votes=said.votes,
            median=said.median,
            is_consistent=is_consistent,
            lengths=lengths.get(item_id),
        )
        for item_id, cluster, key, label, is_consistent in rows
        if key in scales and (said := people.get(item_id, {}).get(key)) is not None
    ]


def misses(run: Run, *, user_id: int, dimension: str = "") -> list[Case]:
    """Those on which judge and people differ."""
    found = compared(run, user_id=user_id, dimension=dimension)
    return [case for case in found if case.is_miss]


def _tested(scale: Scale, label: str) -> str:
    """A judge's label as it is held against people: pass or fail at a cut, a plain A, tie or B."""
    if label not in scale.labels:
        return label
    return scale.tested().labels[int(scale.tested_codes()[scale.labels.index(label)])]


def _lengths(items: QuerySet[Item]) -> dict[int, tuple[int, int]]:
    """The lengths of A and B by item, in characters; single responses have none."""
    rows = Response.objects.filter(item__in=items.values("pk"), item__kind=ItemKind.PAIR)
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for item_id, position, length in rows.values_list("item_id", "position", "length"):
        found[item_id][position] = length
    return {item_id: (both[0], both[1]) for item_id, both in found.items() if len(both) == 2}


# Worked examples ----------------------------------------------------------------------------------


def offered(version: GuidelineVersion, *, project_id: int, user_id: int) -> list[Labelled]:
    """The first hundred items that could be worked examples, in the order in which they came."""
    items = _exemplary(version, project_id=project_id, user_id=user_id)
    ids = items.order_by("pk").values_list("pk", flat=True)[:MOST_OFFERED]
    return labelled(version, list(ids), project_id=project_id, user_id=user_id)


def labelled(
    version: GuidelineVersion, item_ids: Collection[int], *, project_id: int, user_id: int
) -> list[Labelled]:
    """Those of the items that may be worked examples, in the order that was asked for."""
    items = _exemplary(version, project_id=project_id, user_id=user_id).filter(pk__in=item_ids)
    rows = {item.pk: item for item in items.select_related("content")}
    people = people_labels(version, Item.objects.filter(pk__in=rows))
    points = _points(version, rows.values(), people)
    reasons = _reasons(version, list(rows), points)
    return [
        _labelled(rows[pk], people[pk], points[pk], _said_why(people[pk]) or reasons.get(pk, ""))
        for pk in item_ids
        if points.get(pk)
    ]


def _exemplary(version: GuidelineVersion, *, project_id: int, user_id: int) -> QuerySet[Item]:
    """Open items with texts, of the guideline's kind, with a human label by it."""
    is_pairwise = version.guideline.form == "pairwise"
    decided = ReferenceLabel.objects.filter(
        guideline=version.guideline_id, major=version.major, state=ReferenceState.DECIDED
    )
    fit = with_texts(project_id, is_pairwise=is_pairwise)
    return open_items(project_id, user_id=user_id).filter(
        pk__in=fit.filter(pk__in=decided.values("item")).values("pk")
    )


def _labelled(
    item: Item,
    people: Mapping[str, PeopleLabel],
    points: Mapping[str, str],
    rationale: str,
) -> Labelled:
    pins = "; ".join(f"{key}: {people[key].pin}" for key in points)
    return Labelled(item, tuple(points.items()), pins, rationale)


def _points(
    version: GuidelineVersion,
    items: Collection[Item],
    people: Mapping[int, Mapping[str, PeopleLabel]],
) -> dict[int, dict[str, str]]:
    """The point of the rubric that people gave, by item and dimension.

    A human label that is one is taken as it is. One that says only pass or fail, or only which
    side, stands for the lower middle of the votes, where that says the same.
    """
    votes = _votes(version, items)
    found: dict[int, dict[str, str]] = {item.pk: {} for item in items}
    for dimension in version.dimensions.all():
        scale = scale_of(dimension)
        for item in items:
            said = people.get(item.pk, {}).get(dimension.key)
            if said is None:
                continue
            point = said.point or _point(scale, said.label, votes[item.pk, dimension.key])
            if point:
                found[item.pk][dimension.key] = point
    return found


def _votes(version: GuidelineVersion, items: Collection[Item]) -> dict[tuple[int, str], list[str]]:
    """The ratings that feed human labels, by item and dimension."""
    found: dict[tuple[int, str], list[str]] = defaultdict(list)
    by_dataset: dict[int, list[int]] = defaultdict(list)
    for item in items:
        by_dataset[item.dataset_id].append(item.pk)
    for dataset_id, ids in by_dataset.items():
        rows = item_labels(
            dataset_id=dataset_id,
            guideline_id=version.guideline_id,
            major=version.major,
            item_ids=ids,
        )
        for key, members in rows.items():
            for row in members:
                found[row.item_id, key].append(row.label)
    return found


def _point(scale: Scale, label: str, votes: Sequence[str]) -> str:
    if label in scale.labels:
        return label
    places = sorted(scale.labels.index(vote) for vote in votes if vote in scale.labels)
    if not places:
        return ""
    point = scale.labels[places[(len(places) - 1) // 2]]
    return point if _tested(scale, point) == label else ""


def _said_why(people: Mapping[str, PeopleLabel]) -> str:
    """Why somebody decided or corrected one of the labels, if anybody did."""
    methods = (Method.ADJUDICATED, Method.CORRECTED)
    return next((said.reason for said in people.values() if said.method in methods), "")


def _reasons(
    version: GuidelineVersion, item_ids: Sequence[int], points: Mapping[int, Mapping[str, str]]
) -> dict[int, str]:
    """Why people gave these labels, in the words of one who did: a start for the rationale."""
    rows = (
        Rating.objects.filter(
            is_current=True,
            assignment__item__in=item_ids,
            assignment__state=AssignmentState.SUBMITTED,
            assignment__gold__isnull=True,
            assignment__round__kind__in=FEEDING,
            dimension__version__guideline=version.guideline_id,
            dimension__version__major=version.major,
        )
        .exclude(rationale="")
        .order_by("assignment__submitted_at", "pk")
        .values_list("assignment__item_id", "dimension__key", "label", "rationale")
    )
    found: dict[int, str] = {}
    for item_id, key, label, rationale in rows:
        if points.get(item_id, {}).get(key) == label:
            found.setdefault(item_id, rationale.strip()[:500])
    return found


# One at a time ------------------------------------------------------------------------------------


def judge_reasons(run: Run, *, item_id: int, dimension: str) -> list[Verdict]:
    """What the calls on one item said on one dimension, with their reasons."""
    return list(
        Verdict.objects.filter(call__run=run, call__item=item_id, dimension_key=dimension)
        .select_related("call")
        .order_by("call__sample", "call__order")
    )


def vote_counts(version: GuidelineVersion, item: Item, dimension: str) -> list[tuple[str, int]]:
    """How many people gave each label, the commonest first."""
    votes = _votes(version, [item])[item.pk, dimension]
    return Counter(votes).most_common()


def dimension_of(version: GuidelineVersion, key: str) -> Dimension | None:
    return version.dimensions.filter(key=key).first()


def open_item(project_id: int, item_id: int, *, user_id: int) -> Item | None:
    """One of the open items, with its texts."""
    items = open_items(project_id, user_id=user_id).select_related("content")
    return items.filter(pk=item_id).first()
