"""What leads see of a dataset: counts, composition, items. No sealed label is read here."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Max, Prefetch, Q, QuerySet
from django.utils import timezone

from accounts.queries import actor_names
from annotation.models import (
    Dataset,
    Guideline,
    Item,
    Rating,
    ReferenceLabel,
    Response,
    RoundItem,
    SealedSet,
    Upload,
)
from annotation.rules.itemrows import CASES, DIFFICULTIES, SOURCES
from annotation.states import (
    AssignmentState,
    DatasetKind,
    Part,
    RoundKind,
    RoundState,
    VersionState,
)
from core.models import AuditEvent, Job, JobState

PAGE_ITEMS = 50
LISTED_IMPORTS = 10
UNMARKED = ""
THIN = 20
"""Below this many items a figure for the group says little; the page calls it a thin spot."""

NOT_CLOSED = (RoundState.DRAFT, RoundState.OPEN, RoundState.PAUSED)
IMPORT_JOBS = "annotation.import_"
IMPORT_VERBS = ("items.imported", "labels.imported")


@dataclass(frozen=True, slots=True)
class DatasetCard:
    """A dataset in a list, with how many of its items lie in each part."""

    dataset: Dataset
    development: int
    sealed: int
    outside: int
    rounds: int
    last_at: datetime | None
    is_retired: bool

    @property
    def items(self) -> int:
        return self.development + self.sealed + self.outside


@dataclass(frozen=True, slots=True)
class Cell:
    """One count of the composition; `address` filters the items table to it."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class CrossRow:
    """One difficulty: counts by case in the order of `Composition.cases`, and their sum."""

    name: str
    counts: Sequence[int]
    total: int


@dataclass(frozen=True, slots=True)
class Composition:
    """Difficulty × case with sums, sources, and what is missing, in words."""

    cases: Sequence[str]
    rows: Sequence[CrossRow]
    case_totals: Sequence[int]
    sources: Sequence[Cell]
    kinds: Sequence[Cell]
    total: int
    advice: Sequence[str]
    is_marked: bool


@dataclass(frozen=True, slots=True)
class Parts:
    """How many items and clusters each part has."""

    items: Mapping[str, int]
    clusters: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.items.values())

    @property
    def cluster_total(self) -> int:
        return sum(self.clusters.values())


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """What is looked for in the items of a dataset; empty fields ask for everything."""

    text: str = ""
    part: str = ""


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One import: of what, from which file, and what came of it."""

    at: datetime
    is_labels: bool
    file: str
    state: str
    added: int
    known: int
    broken: int
    job_id: int | None
    actor: str
    actor_name: str = ""


@dataclass(frozen=True, slots=True)
class Pace:
    """In words: rows a second, and the time that is left."""

    rate: str = ""
    left: str = ""


@dataclass(frozen=True, slots=True)
class ShownResponse:
    """One response with its system, as leads see it."""

    name: str
    text: str
    system: str
    length: int
    latency_ms: float | None
    cost: object | None


@dataclass(frozen=True, slots=True)
class RatingRow:
    """One rater's labels on an item in one round, in the order of the table's dimensions."""

    round: str
    rater: str
    labels: Sequence[str]
    at: datetime | None


@dataclass(frozen=True, slots=True)
class RatingTable:
    """The ratings under one guideline."""

    guideline: str
    dimensions: Sequence[str]
    rows: Sequence[RatingRow]


@dataclass(frozen=True, slots=True)
class ItemLabels:
    """Reference labels and ratings of an item, or the sentence why they are not shown."""

    reference: Sequence[ReferenceLabel] = ()
    tables: Sequence[RatingTable] = ()
    hidden_because: str = ""
    hides_systems: bool = False


@dataclass(slots=True)
class _Tally:
    parts: Counter[str] = field(default_factory=Counter)
    last_at: datetime | None = None


def visible_items(*, project_id: int) -> QuerySet[Item]:
    """Items that are whole and not withdrawn; what came over the API is on no page."""
    return Item.objects.filter(
        project=project_id,
        dataset__kind=DatasetKind.NORMAL,
        is_visible=True,
        withdrawn_at__isnull=True,
    )


def cards(*, project_id: int) -> list[DatasetCard]:
    """The project's datasets, newest first, in three queries."""
    tallies: dict[int, _Tally] = defaultdict(_Tally)
    counted = (
        visible_items(project_id=project_id)
        .values_list("dataset", "part")
        .annotate(items=Count("pk"), last=Max("created_at"))
    )
    for dataset_id, part, items, last in counted:
        tally = tallies[dataset_id]
        tally.parts[part] = items
        tally.last_at = max(filter(None, (tally.last_at, last)), default=None)
    datasets = (
        Dataset.objects.filter(project=project_id, kind=DatasetKind.NORMAL)
        .select_related("sealed_set")
        .annotate(round_count=Count("rounds"))
        .order_by("-pk")
    )
    return [_card(dataset, tallies[dataset.pk]) for dataset in datasets]


def _card(dataset: Dataset, tally: _Tally) -> DatasetCard:
    sealed = getattr(dataset, "sealed_set", None)
    return DatasetCard(
        dataset=dataset,
        development=tally.parts[Part.DEVELOPMENT],
        sealed=tally.parts[Part.SEALED],
        outside=tally.parts[Part.NONE],
        rounds=dataset.round_count,  # type: ignore[attr-defined]
        last_at=tally.last_at,
        is_retired=sealed is not None and sealed.retired_at is not None,
    )


def sealed_set_of(dataset: Dataset) -> SealedSet | None:
    return SealedSet.objects.filter(dataset=dataset).first()


def parts_of(dataset: Dataset) -> Parts:
    """Items and clusters by part."""
    counted = (
        visible_items(project_id=dataset.project_id)
        .filter(dataset=dataset)
        .values_list("part")
        .annotate(items=Count("pk"), clusters=Count("cluster_key", distinct=True))
    )
    rows = list(counted)
    return Parts(
        items={part: items for part, items, _ in rows},
        clusters={part: clusters for part, _, clusters in rows},
    )


def composition_of(dataset: Dataset) -> Composition:
    """What the items are like, from one grouped query."""
    counted = (
        visible_items(project_id=dataset.project_id)
        .filter(dataset=dataset)
        .values_list("difficulty", "case", "source", "kind")
        .annotate(items=Count("pk"))
    )
    cross: Counter[tuple[str, str]] = Counter()
    sources: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for difficulty, case, source, kind, items in counted:
        cross[difficulty, case] += items
        sources[source] += items
        kinds[kind] += items
    difficulties = _present(DIFFICULTIES, (difficulty for difficulty, _ in cross))
    cases = _present(CASES, (case for _, case in cross))
    rows = [_cross_row(difficulty, cases, cross) for difficulty in difficulties]
    total = sum(kinds.values())
    return Composition(
        cases=cases,
        rows=rows,
        case_totals=[sum(row.counts[at] for row in rows) for at in range(len(cases))],
        sources=[Cell(name, sources[name]) for name in _present(SOURCES, sources)],
        kinds=[Cell(name, count) for name, count in kinds.most_common()],
        total=total,
        advice=_advice(cross, sources, total),
        is_marked=any(key != (UNMARKED, UNMARKED) for key in cross) or set(sources) > {UNMARKED},
    )


def _present(known: Sequence[str], seen: Iterable[str]) -> list[str]:
    """All known words, those that nobody used too; what is not marked comes last."""
    return [*known, *([UNMARKED] if UNMARKED in set(seen) else [])]


def _cross_row(
    difficulty: str, cases: Sequence[str], cross: Mapping[tuple[str, str], int]
) -> CrossRow:
    counts = [cross.get((difficulty, case), 0) for case in cases]
    return CrossRow(difficulty, counts, sum(counts))


def _advice(
    cross: Mapping[tuple[str, str], int], sources: Mapping[str, int], total: int
) -> list[str]:
    """What is missing or thin, most important first."""
    if not total:
        return []
    difficulty: Counter[str] = Counter()
    case: Counter[str] = Counter()
    for (one, other), items in cross.items():
        difficulty[one] += items
        case[other] += items
    said = []
    for words, counts, what in (
        (DIFFICULTIES, difficulty, "difficulty"),
        (CASES, case, "case"),
        (SOURCES, sources, "source"),
    ):
        marked = total - counts.get(UNMARKED, 0)
        if not marked:
            said.append(f"No item says its {what}.")
            continue
        said += _thin(words, counts) if what != "source" else []
        if counts.get(UNMARKED, 0):
            said.append(f"{counts[UNMARKED]:,} of {total:,} items do not say their {what}.")
    return said


def _thin(words: Sequence[str], counts: Mapping[str, int]) -> list[str]:
    none = [spoken(word) for word in words if not counts.get(word, 0)]
    thin = [f"{counts[word]:,} {spoken(word)}" for word in words if 0 < counts.get(word, 0) < THIN]
    said = [f"No {' and no '.join(none)} items."] if none else []
    return [*said, *([f"Only {' and '.join(thin)}."] if thin else [])]


def spoken(word: str) -> str:
    """A stored word as it is read: edge_case becomes edge case."""
    return word.replace("_", " ")


def items_page(*, dataset: Dataset, wanted: ItemFilter, number: object) -> Page[Item]:
    """One page of the dataset's items, in the order in which they came."""
    items = visible_items(project_id=dataset.project_id).filter(dataset=dataset)
    if wanted.text:
        items = items.filter(
            Q(external_id__icontains=wanted.text) | Q(title__icontains=wanted.text)
        )
    if wanted.part:
        items = items.filter(part=wanted.part)
    ordered = items.order_by("pk").defer("extra")
    return Paginator(ordered, PAGE_ITEMS).get_page(number)  # type: ignore[arg-type]


def imports_of(dataset: Dataset) -> list[ImportRow]:
    """The last imports into a dataset, newest first: done ones, and jobs that are not."""
    done = AuditEvent.objects.filter(
        project_id=dataset.project_id,
        verb__in=IMPORT_VERBS,
        object_type="dataset",
        object_id=str(dataset.pk),
    ).order_by("-pk")[:LISTED_IMPORTS]
    other = (
        Job.objects.filter(
            project_id=dataset.project_id,
            kind__startswith=IMPORT_JOBS,
            plan__dataset=dataset.pk,
        )
        .exclude(state=JobState.DONE)
        .order_by("-pk")[:LISTED_IMPORTS]
    )
    rows = [_done_import(event) for event in done] + [_open_import(job) for job in other]
    names = actor_names(row.actor for row in rows)
    named = [replace(row, actor_name=names[row.actor]) for row in rows]
    return sorted(named, key=lambda row: row.at, reverse=True)[:LISTED_IMPORTS]


def _done_import(event: AuditEvent) -> ImportRow:
    said: Mapping[str, Any] = event.data
    is_labels = event.verb == "labels.imported"
    return ImportRow(
        at=event.at,
        is_labels=is_labels,
        file=str(said.get("file", "")),
        state=JobState.DONE,
        added=int(said.get("labels" if is_labels else "added", 0)),
        known=int(said.get("known", 0)),
        broken=int(said.get("broken", 0)),
        job_id=said.get("job"),
        actor=event.actor,
    )


def _open_import(job: Job) -> ImportRow:
    return ImportRow(
        at=job.created_at,
        is_labels=job.kind.endswith("labels"),
        file=str(job.plan.get("file", "")),
        state=job.state,
        added=0,
        known=0,
        broken=0,
        job_id=job.pk,
        actor=job.actor,
    )


def last_try(*, upload: Upload) -> Job | None:
    """The last import that was started with this file."""
    return (
        Job.objects.filter(
            project_id=upload.project_id, kind__startswith=IMPORT_JOBS, plan__upload=upload.pk
        )
        .order_by("-pk")
        .first()
    )


def pace_of(job: Job) -> Pace:
    """How fast an import goes and how long it may last yet, from its rows so far."""
    seconds = (timezone.now() - job.created_at).total_seconds()
    if job.state != JobState.RUNNING or not job.done or seconds <= 0:
        return Pace()
    rate = job.done / seconds
    return Pace(rate=f"{rate:,.0f} rows/s", left=_duration((job.total - job.done) / rate))


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def responses_of(item: Item) -> list[ShownResponse]:
    """The item's responses in its own order, with the texts that its content holds."""
    texts = item.content.body.get("responses", []) if item.content else []
    names = ("A", "B") if len(texts) == 2 else ("",)
    rows = list(Response.objects.filter(item=item))
    return [
        ShownResponse(
            name=name,
            text=text,
            system=row.system,
            length=row.length,
            latency_ms=row.latency_ms,
            cost=row.cost,
        )
        for name, text, row in zip(names, texts, rows, strict=False)
    ]


def extra_of(item: Item) -> list[tuple[str, str]]:
    """The columns that nobody mapped, as texts."""
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in item.extra.items()
    ]


def siblings_of(item: Item, *, limit: int = 10) -> list[Item]:
    """Other items of the same prompt in this dataset."""
    same = visible_items(project_id=item.project_id).filter(
        dataset=item.dataset_id, prompt_key=item.prompt_key
    )
    return list(same.exclude(pk=item.pk).order_by("pk")[:limit])


def labels_of(item: Item, *, user_id: int) -> ItemLabels:
    """What this member may read of an item's labels.

    Nothing while the item is sealed, and nothing to somebody who may yet rate it.
    """
    if item.part == Part.SEALED:
        return ItemLabels(
            hidden_because="This item lies in the sealed part: nobody reads its labels or "
            "verdicts before an approval, so that they stay a fair test of a judge."
        )
    if may_yet_rate(item, user_id):
        return ItemLabels(
            hidden_because="You rate in a round that holds this item. Its systems and labels are "
            "shown to you when that round is closed.",
            hides_systems=True,
        )
    return ItemLabels(reference=_reference(item), tables=_rating_tables(item))


def may_yet_rate(item: Item, user_id: int) -> bool:
    """Whether this person rates in a round that holds the item and is not over."""
    return RoundItem.objects.filter(
        item=item,
        round__state__in=NOT_CLOSED,
        round__revealed_at__isnull=True,
        round__round_raters__rater__user=user_id,
        round__round_raters__removed_at__isnull=True,
    ).exists()


def _reference(item: Item) -> list[ReferenceLabel]:
    """The newest label of each guideline, major version, dimension and method."""
    newest: dict[tuple[int, int, str, str], ReferenceLabel] = {}
    found = ReferenceLabel.objects.filter(item=item).select_related("guideline").order_by("version")
    for label in found:
        newest[label.guideline_id, label.major, label.dimension_key, label.method] = label
    return list(newest.values())


def _rating_tables(item: Item) -> list[RatingTable]:
    """Current ratings by guideline; those of a session wait for its reveal."""
    ratings = (
        Rating.objects.filter(
            assignment__item=item,
            assignment__state=AssignmentState.SUBMITTED,
            is_current=True,
        )
        .exclude(assignment__round__kind=RoundKind.SESSION, assignment__round__revealed_at=None)
        .select_related("assignment__rater", "assignment__round", "dimension__version__guideline")
        .order_by("assignment__submitted_at", "assignment_id", "dimension__position")
    )
    by_guideline: dict[str, list[Rating]] = defaultdict(list)
    for rating in ratings:
        by_guideline[rating.dimension.version.guideline.name].append(rating)
    return [_rating_table(name, members) for name, members in by_guideline.items()]


def _rating_table(guideline: str, ratings: Sequence[Rating]) -> RatingTable:
    names = {rating.dimension.key: rating.dimension.name for rating in ratings}
    slots: dict[int, dict[str, Rating]] = defaultdict(dict)
    for rating in ratings:
        slots[rating.assignment_id][rating.dimension.key] = rating
    return RatingTable(
        guideline=guideline,
        dimensions=list(names.values()),
        rows=[_rating_row(list(names), of_slot) for of_slot in slots.values()],
    )


def _rating_row(keys: Sequence[str], of_slot: Mapping[str, Rating]) -> RatingRow:
    assignment = next(iter(of_slot.values())).assignment
    return RatingRow(
        round=assignment.round.name,
        rater=assignment.rater.name if assignment.rater else "",
        labels=[spoken(of_slot[key].label) if key in of_slot else "" for key in keys],
        at=assignment.submitted_at,
    )


def published_guidelines(*, project_id: int) -> list[str]:
    """Names of the guidelines that labels can be imported under."""
    published = Guideline.objects.filter(
        project=project_id, versions__state=VersionState.PUBLISHED
    ).order_by("name")
    return list(published.values_list("name", flat=True).distinct())


def api_items(*, project_id: int, dataset_id: int | None, part: str) -> QuerySet[Item]:
    """Items with texts and systems for the API, which leaves out what is sealed."""
    items = visible_items(project_id=project_id)
    if dataset_id is not None:
        items = items.filter(dataset=dataset_id)
    if part:
        items = items.filter(part=part)
    return items.select_related("content").prefetch_related(
        Prefetch("responses", queryset=Response.objects.order_by("position"))
    )
