"""Agreement among the people of one round: what its page, its step and the API show."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Max, Q, QuerySet, Sum

from accounts.models import Rater
from annotation.models import Assignment, Dimension, Item, Rating, Round, RoundRater
from annotation.queries import labels
from annotation.queries.labels import LabelRow
from annotation.queries.rounds import is_large
from annotation.queries.sealed import touching_sealed
from annotation.states import AssignmentState, Part, RoundKind, RoundState
from core import counting
from measurement.agreement import MOST_KAPPA_RATERS, summarise
from measurement.arrays import np
from measurement.intervals import SEED
from measurement.kappa import PairKappa, pair_kappas
from measurement.scale import Scale
from measurement.spread import mean_distance

KEPT_SECONDS = 24 * 3600
KEPT_DIFFERENCES = 60
"""Of these a page lists the first that its reader may see."""
SHOWN_STRIPS = 30
ROUNDS_LISTED = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """An unsealed item on which the raters of a round differ; labels lowest first."""

    item_id: int
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
    """What one state of a round's labels says; `digest` names the state.

    `rater_ids` are those of the raters who are named. Items that share a prompt with a sealed one
    count as sealed.
    """

    digest: str
    dimensions: tuple[DimensionAgreement, ...]
    differences: tuple[Difference, ...]
    items: int
    sealed_items: int
    rater_ids: Mapping[str, int]

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
        """All of it as JSON, to be kept. Raters stand by their ids: who is erased or renamed has
        their old name nowhere."""
        return {
            "digest": self.digest,
            "dimensions": [_with_raters(asdict(one), self.rater_ids) for one in self.dimensions],
            "differences": [asdict(one) for one in self.differences],
            "items": self.items,
            "sealed_items": self.sealed_items,
            "rater_ids": list(self.rater_ids.values()),
        }

    @classmethod
    def restored(cls, kept: Mapping[str, Any]) -> RoundAgreement:
        """What `stored` gave, with the names that raters have now, in one query."""
        names = dict(Rater.objects.filter(pk__in=kept["rater_ids"]).values_list("pk", "name"))
        by_id = {str(pk): name for pk, name in names.items()}
        dimensions = [
            DimensionAgreement(
                **{
                    **one,
                    "kappa": tuple(one["kappa"]),
                    "points": tuple(one["points"]),
                    "uses": {name: tuple(uses) for name, uses in sorted(one["uses"].items())},
                }
            )
            for one in (_with_raters(each, by_id) for each in kept["dimensions"])
        ]
        differences = [
            Difference(**{**one, "labels": tuple(one["labels"])}) for one in kept["differences"]
        ]
        return cls(
            **{
                **kept,
                "dimensions": tuple(dimensions),
                "differences": tuple(differences),
                "rater_ids": {name: pk for pk, name in names.items()},
            }
        )

    def as_dict(self) -> dict[str, Any]:
        """As `manage.py agreement --json` writes it; nothing by rater of sealed items."""
        return {
            "dimensions": {
                one.key: {**one.summary, "kappa": list(one.kappa)} for one in self.dimensions
            },
            "seed": SEED,
        }


def _with_raters(one: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """A dimension's JSON with each rater called otherwise: by id instead of name, or back."""
    return {
        **one,
        "kappa": [
            {**pair, "a": str(others[pair["a"]]), "b": str(others[pair["b"]])}
            for pair in one["kappa"]
        ],
        "uses": {str(others[rater]): counts for rater, counts in one["uses"].items()},
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
    cache.set(_cache_key(round_, found.digest), found.stored(), KEPT_SECONDS)


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
        # One item out and another back in leave the number and the newest as they were.
        which=Sum("pk"),
        revision=Max("revision"),
        sealed=Count("pk", filter=Q(assignment__item__part=Part.SEALED)),
    )
    parts = [round_.pk, round_.guideline_version_id, *current.values()]
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:24]
    return digest, current["labels"]


def of_round(round_: Round, *, digest: str = "") -> RoundAgreement:
    """Every figure of a round, computed once for a state of its labels."""
    digest = digest or state_of(round_)
    kept: dict[str, Any] | None = cache.get(_cache_key(round_, digest))
    if kept is not None:
        return RoundAgreement.restored(kept)
    found = _measured(round_, digest)
    keep(round_, found)
    return found


def kept_alphas(round_: Round, *, digest: str) -> list[tuple[str, float | None]] | None:
    """Alpha of each dimension by its name in this state, if somebody had it computed; nothing is
    computed here."""
    kept: dict[str, Any] | None = cache.get(_cache_key(round_, digest))
    if kept is None:
        return None
    return [(one["name"], one["summary"]["alpha"]["value"]) for one in kept["dimensions"]]


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
    return f"agreement/2/{round_.pk}/{digest}"


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
    raters: dict[str, int] = {}
    hidden = _hidden(round_)
    for dimension in round_.guideline_version.dimensions.select_related("version"):
        rows = labels.round_labels(round_id=round_.pk, dimension_key=dimension.key)
        items |= {row.item_id for row in rows}
        open_rows = [row for row in rows if row.item_id not in hidden]
        raters |= {row.rater: row.rater_id for row in open_rows}
        one, differing = _dimension(dimension, rows, open_rows)
        dimensions.append(one)
        differences += differing
    differences.sort(key=lambda one: (-one.distance, one.item_id, one.key))
    return RoundAgreement(
        digest=digest,
        dimensions=tuple(dimensions),
        differences=tuple(differences[:KEPT_DIFFERENCES]),
        items=len(items),
        sealed_items=len(items & hidden),
        rater_ids={name: raters[name] for one in dimensions for name in _named(one)},
    )


def _named(one: DimensionAgreement) -> set[str]:
    return {*one.uses, *(pair[side] for pair in one.kappa for side in ("a", "b"))}


def _hidden(round_: Round) -> set[int]:
    """The round's items of which nothing is told by item or rater."""
    if not Item.objects.filter(project=round_.project_id, part=Part.SEALED).exists():
        return set()
    items = Item.objects.filter(round_items__round=round_)
    return set(touching_sealed(items, round_.project_id).values_list("pk", flat=True))


def _dimension(
    dimension: Dimension, rows: list[LabelRow], open_rows: list[LabelRow]
) -> tuple[DimensionAgreement, list[Difference]]:
    scale = labels.scale_of(dimension)
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
