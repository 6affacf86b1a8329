"""What leads see of a dataset: counts, parts, composition."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Max, QuerySet

from annotation.models import Dataset, SealedSet
from annotation.queries.items import spoken, visible_items
from annotation.rules.itemrows import CASES, DIFFICULTIES, SOURCES
from annotation.states import DatasetKind, Part

UNMARKED = ""
THIN = 20
"""Below this many items a figure for the group says little; the page calls it a thin spot."""


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
    """One count of the composition."""

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
    """Difficulty × case with sums, of all items or of those of one `source`; how many each source
    has; and what is missing in the dataset, in words. `shown` items are in the table."""

    cases: Sequence[str]
    rows: Sequence[CrossRow]
    case_totals: Sequence[int]
    sources: Sequence[Cell]
    kinds: Sequence[Cell]
    total: int
    advice: Sequence[str]
    is_marked: bool
    shown: int
    source: str | None = None

    @property
    def parted(self) -> Sequence[Cell]:
        """The sources to choose among: those that have items, where there are several."""
        held = [cell for cell in self.sources if cell.count]
        return held if len(held) > 1 else ()


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


@dataclass(slots=True)
class _Tally:
    parts: Counter[str] = field(default_factory=Counter)
    last_at: datetime | None = None


def found(*, project_id: int, text: str = "") -> QuerySet[Dataset]:
    """The project's datasets whose name has the text, newest first."""
    return (
        Dataset.objects.filter(project=project_id, kind=DatasetKind.NORMAL, name__icontains=text)
        .select_related("sealed_set")
        .annotate(round_count=Count("rounds"))
        .order_by("-pk")
    )


def cards(datasets: Iterable[Dataset], *, project_id: int) -> list[DatasetCard]:
    """Datasets as `found` gives them, with the counts of their items, in one query more."""
    listed = list(datasets)
    tallies: dict[int, _Tally] = defaultdict(_Tally)
    counted = (
        visible_items(project_id=project_id)
        .filter(dataset__in=[dataset.pk for dataset in listed])
        .values_list("dataset", "part")
        .annotate(items=Count("pk"), last=Max("created_at"))
    )
    for dataset_id, part, items, last in counted:
        tally = tallies[dataset_id]
        tally.parts[part] = items
        tally.last_at = max(filter(None, (tally.last_at, last)), default=None)
    return [_card(dataset, tallies[dataset.pk]) for dataset in listed]


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


def composition_of(dataset: Dataset, *, source: str | None = None) -> Composition:
    """What the items are like, from one grouped query; `source` narrows the table to one that
    items name, '' to those that name none."""
    counted = (
        visible_items(project_id=dataset.project_id)
        .filter(dataset=dataset)
        .values_list("difficulty", "case", "source", "kind")
        .annotate(items=Count("pk"))
    )
    cross: Counter[tuple[str, str]] = Counter()
    by_source: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    kinds: Counter[str] = Counter()
    for difficulty, case, named, kind, items in counted:
        cross[difficulty, case] += items
        by_source[named][difficulty, case] += items
        kinds[kind] += items
    sources = Counter({named: found.total() for named, found in by_source.items()})
    source = source if source in by_source else None
    shown = cross if source is None else by_source[source]
    difficulties = _present(DIFFICULTIES, (difficulty for difficulty, _ in cross))
    cases = _present(CASES, (case for _, case in cross))
    rows = [_cross_row(difficulty, cases, shown) for difficulty in difficulties]
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
        shown=shown.total(),
        source=source,
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
