"""Agreement among the people of one round: what its page, its step and the API show."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Max, Q, QuerySet

from annotation.models import Assignment, Dimension, Item, Rating, Round, RoundRater
from annotation.queries import labels
from annotation.queries.labels import LabelRow
from annotation.queries.rounds import is_large
from annotation.states import AssignmentState, Part, RoundKind, RoundState
from core import counting
from measurement.agreement import MOST_KAPPA_RATERS, summarise
from measurement.arrays import np
from measurement.intervals import SEED
from measurement.kappa import PairKappa, pair_kappas
from measurement.scale import Scale
from measurement.spread import mean_distance

KEPT_SECONDS = 24 * 3600
LISTED_ITEMS = 8
SHOWN_STRIPS = 30
ROUNDS_LISTED = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """An unsealed item on which the raters of a round differ; labels lowest first."""

    item_id: int
    title: str
    key: str
    dimension: str
    labels: tuple[str, ...]
    distance: float


@dataclass(frozen=True, slots=True)
class DimensionAgreement:
    """One dimension: `summary` is its object of `agreement --json`, pooled over all items.

    `kappa`, `uses` (counts of each point by rater) and `differing` rest on unsealed items only.
    """

    key: str
    name: str
    level: str
    summary: dict[str, Any]
    kappa: tuple[dict[str, Any], ...]
    points: tuple[str, ...]
    uses: dict[str, tuple[int, ...]]
    differing: int


@dataclass(frozen=True, slots=True)
class RoundAgreement:
    """What one state of a round's labels says; `digest` names the state."""

    digest: str
    dimensions: tuple[DimensionAgreement, ...]
    differences: tuple[Difference, ...]
    items: int
    sealed_items: int

    @property
    def has_labels(self) -> bool:
        return self.items > 0

    @property
    def open_items(self) -> int:
        return self.items - self.sealed_items

    @property
    def differing(self) -> int:
        return sum(dimension.differing for dimension in self.dimensions)

    def dimension(self, key: str) -> DimensionAgreement | None:
        """The named dimension, else the first."""
        named = next((one for one in self.dimensions if one.key == key), None)
        return named or next(iter(self.dimensions), None)

    def stored(self) -> dict[str, Any]:
        """All of it as JSON, for a row that keeps the figures of a large round."""
        return asdict(self)

    @classmethod
    def restored(cls, kept: Mapping[str, Any]) -> RoundAgreement:
        """What `stored` gave; numbers and lists come back as they went."""
        dimensions = [
            DimensionAgreement(
                **{
                    **one,
                    "kappa": tuple(one["kappa"]),
                    "points": tuple(one["points"]),
                    "uses": {name: tuple(counts) for name, counts in one["uses"].items()},
                }
            )
            for one in kept["dimensions"]
        ]
        differences = [
            Difference(**{**one, "labels": tuple(one["labels"])}) for one in kept["differences"]
        ]
        return cls(**{**kept, "dimensions": tuple(dimensions), "differences": tuple(differences)})

    def as_dict(self) -> dict[str, Any]:
        """As `manage.py agreement --json` writes it; nothing by rater of sealed items."""
        return {
            "dimensions": {
                one.key: {**one.summary, "kappa": list(one.kappa)} for one in self.dimensions
            },
            "seed": SEED,
        }


def rounds_with_labels(*, project_id: int) -> list[Round]:
    """The newest rounds that hold labels."""
    submitted = _labelling(project_id).values("round_id")
    return list(
        Round.objects.filter(project=project_id, pk__in=submitted)
        .select_related("dataset", "guideline_version__guideline")
        .order_by("-pk")[:ROUNDS_LISTED]
    )


def newest(*, project_id: int) -> Round | None:
    """The newest round that holds labels, in one query; no drift round, which is small and about a
    judge."""
    submitted = (
        _labelling(project_id)
        .exclude(round__kind=RoundKind.DRIFT)
        .select_related("round__guideline_version__guideline", "round__dataset")
        .order_by("-round_id")
        .first()
    )
    return submitted.round if submitted is not None else None


def _labelling(project_id: int) -> QuerySet[Assignment]:
    """Answers that make labels; sessions have pages of their own, qualifications test people."""
    return Assignment.objects.filter(
        round__project=project_id, state=AssignmentState.SUBMITTED
    ).exclude(round__kind__in=(RoundKind.SESSION, RoundKind.RERATING, RoundKind.QUALIFICATION))


def state_of(round_: Round) -> str:
    """The digest of a round's labels, from one counting query: other labels, other digest."""
    return counted(round_)[0]


def state_now(round_: Round) -> str:
    """The same of a round that is known to be small."""
    return _counted(round_)[0]


def keep(round_: Round, found: RoundAgreement) -> None:
    """Let the project's steps find figures that a job made."""
    cache.set(_cache_key(round_, found.digest), found, KEPT_SECONDS)


def counted(round_: Round) -> tuple[str, int]:
    """The digest of a round's labels, and how many they are; of a large round, a while ago."""
    if is_large(round_):
        return counting.counted(f"round-labels/{round_.pk}", lambda: _counted(round_)).value
    return _counted(round_)


def counted_soon(round_: Round) -> tuple[str, int] | None:
    """The same; None while a large round is counted for the first time."""
    if not is_large(round_):
        return _counted(round_)
    found = counting.counted_soon(f"round-labels/{round_.pk}", lambda: _counted(round_))
    return found.value if found else None


def _counted(round_: Round) -> tuple[str, int]:
    current = _current(round_).aggregate(
        labels=Count("pk"),
        newest=Max("pk"),
        revision=Max("revision"),
        sealed=Count("pk", filter=Q(assignment__item__part=Part.SEALED)),
    )
    parts = [round_.pk, round_.guideline_version_id, *current.values()]
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:24]
    return digest, current["labels"]


def of_round(round_: Round, *, digest: str = "") -> RoundAgreement:
    """Every figure of a round, computed once for a state of its labels."""
    digest = digest or state_of(round_)
    key = _cache_key(round_, digest)
    found: RoundAgreement | None = cache.get(key)
    if found is None:
        found = _measured(round_, digest)
        cache.set(key, found, KEPT_SECONDS)
    return found


def kept(round_: Round, *, digest: str) -> RoundAgreement | None:
    """The figures of this state if somebody had them computed; nothing is computed here."""
    found: RoundAgreement | None = cache.get(_cache_key(round_, digest))
    return found


def rater_count(round_: Round) -> int:
    """Everybody who submitted something."""
    return (
        Assignment.objects.filter(round=round_, state=AssignmentState.SUBMITTED, gold__isnull=True)
        .values("rater")
        .distinct()
        .count()
    )


def is_still_rating(round_: Round, *, user_id: int) -> bool:
    """Whether this person rates in the round and it is neither over nor revealed: who still
    rates blind sees nothing by item or rater."""
    if round_.state == RoundState.CLOSED or round_.revealed_at is not None:
        return False
    return RoundRater.objects.filter(
        round=round_, rater__user=user_id, removed_at__isnull=True
    ).exists()


def _cache_key(round_: Round, digest: str) -> str:
    return f"agreement/1/{round_.pk}/{digest}"


def _current(round_: Round) -> QuerySet[Rating]:
    return Rating.objects.filter(
        is_current=True,
        assignment__round=round_,
        assignment__state=AssignmentState.SUBMITTED,
        assignment__gold__isnull=True,
        assignment__item__withdrawn_at__isnull=True,
    )


def _measured(round_: Round, digest: str) -> RoundAgreement:
    dimensions, differences = [], []
    items: set[int] = set()
    sealed: set[int] = set()
    for dimension in round_.guideline_version.dimensions.select_related("version"):
        rows = labels.round_labels(round_id=round_.pk, dimension_key=dimension.key)
        items |= {row.item_id for row in rows}
        sealed |= {row.item_id for row in rows if row.part == Part.SEALED}
        one, differing = _dimension(dimension, rows)
        dimensions.append(one)
        differences += differing
    differences.sort(key=lambda one: (-one.distance, one.item_id, one.key))
    return RoundAgreement(
        digest=digest,
        dimensions=tuple(dimensions),
        differences=tuple(_titled(differences[:LISTED_ITEMS])),
        items=len(items),
        sealed_items=len(sealed),
    )


def _dimension(
    dimension: Dimension, rows: list[LabelRow]
) -> tuple[DimensionAgreement, list[Difference]]:
    scale = labels.scale_of(dimension)
    open_rows = [row for row in rows if row.part != Part.SEALED]
    summary = summarise(labels.table(rows), scale=scale, seed=SEED)
    kappa = summary.kappa
    if len(open_rows) < len(rows):
        kappa = _open_kappas(scale, open_rows)
    pooled = summary.as_dict()
    pooled.pop("kappa")
    differing = _differences(dimension, scale, open_rows)
    one = DimensionAgreement(
        key=dimension.key,
        name=dimension.name,
        level=scale.level,
        summary=pooled,
        kappa=tuple(pair.as_dict() for pair in kappa),
        points=scale.labels,
        uses=_uses(scale, open_rows),
        differing=len(differing),
    )
    return one, differing


def _open_kappas(scale: Scale, rows: Iterable[LabelRow]) -> tuple[PairKappa, ...]:
    table = labels.table(rows)
    return tuple(pair_kappas(table, scale=scale)) if len(table.raters) <= MOST_KAPPA_RATERS else ()


def _uses(scale: Scale, rows: Iterable[LabelRow]) -> dict[str, tuple[int, ...]]:
    counted: dict[str, Counter[int]] = defaultdict(Counter)
    for row in rows:
        counted[row.rater][scale.code(row.label)] += 1
    names = sorted(counted)[:SHOWN_STRIPS]
    return {name: tuple(counted[name][code] for code in range(len(scale.labels))) for name in names}


def _differences(dimension: Dimension, scale: Scale, rows: Iterable[LabelRow]) -> list[Difference]:
    """Items with two labels or more that are not all the same, with their mean distance 0–1."""
    by_item: dict[int, list[int]] = defaultdict(lambda: [0] * len(scale.labels))
    for row in rows:
        code = scale.code(row.label)
        if code >= 0:
            by_item[row.item_id][code] += 1
    counts = np.array(list(by_item.values()), dtype=np.int64).reshape(-1, len(scale.labels))
    far = mean_distance(counts, has_order=scale.has_order)
    return [
        Difference(
            item_id=item_id,
            title="",
            key=dimension.key,
            dimension=dimension.name,
            labels=tuple(
                label
                for label, n in zip(scale.labels, by_item[item_id], strict=True)
                for _ in range(n)
            ),
            distance=float(distance),
        )
        for item_id, distance in zip(by_item, far, strict=True)
        if distance > 0
    ]


def _titled(differences: Sequence[Difference]) -> list[Difference]:
    found = Item.objects.filter(pk__in=[one.item_id for one in differences])
    titles = {item.pk: item.title or item.external_id for item in found}
    return [
        Difference(
            one.item_id,
            titles[one.item_id],
            one.key,
            one.dimension,
            one.labels,
            one.distance,
        )
        for one in differences
    ]
