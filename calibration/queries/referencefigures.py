"""Human labels of a dataset by each method side by side, from its unsealed items.

Of the sealed part only numbers are told. Dawid-Skene's model is kept, not what it says of each
item: for the items of a page that is one step from their votes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, Sum

from annotation.models import (
    Assignment,
    Dataset,
    Dimension,
    Guideline,
    Item,
    Rating,
    ReferenceLabel,
    Round,
)
from annotation.queries import labels
from annotation.queries.adjudication import COMPUTED
from annotation.queries.items import items_yet_rated_by, visible_items
from annotation.queries.labels import FEEDING, LabelRow
from annotation.queries.sealed import touching_sealed
from annotation.states import AssignmentState, DatasetKind, Method, Part, ReferenceState
from calibration.models import ReferenceFigures
from measurement import intervals
from measurement.arrays import Ints, np
from measurement.dawidskene import Votes, posterior
from measurement.estimate import Estimate
from measurement.reference import CONTESTED, OUTSIDE, on_tested_scale, side_by_side
from measurement.table import RatingTable

KEPT_SECONDS = 24 * 3600
LIVE_ANSWERS = 3_000
"""Answers up to which the figures are made while one waits; above it a job makes them."""
PAGE_ITEMS = 25
MOST_SUBJECTS = 50
STATES = ("contested", "decided", "adjudicated")
NO_ITEM = "no unsealed item has two ratings"


@dataclass(frozen=True, slots=True)
class Subject:
    """What human labels are about: a dataset by one meaning of a guideline."""

    dataset: Dataset
    guideline: Guideline
    major: int

    @property
    def token(self) -> str:
        """What names it in an address."""
        return f"{self.dataset.pk}-{self.guideline.pk}-{self.major}"

    @property
    def name(self) -> str:
        return f"{self.dataset.name} · {self.guideline.name} {self.major}.x"


@dataclass(frozen=True, slots=True)
class Row:
    """One unsealed item: its label by each method ("" none, None undefined), and what is in force.

    `likely` is how sure Dawid-Skene is of its label.
    """

    label_id: int
    item: Item
    votes: int
    by_method: Mapping[str, str]
    likely: float | None
    adjudicated: str
    state: str


def subjects(project_id: int) -> list[Subject]:
    """What was rated in the project, the newest first; at most fifty."""
    rounds = (
        Round.objects.filter(project=project_id, kind__in=FEEDING, dataset__kind=DatasetKind.NORMAL)
        .filter(Exists(Assignment.objects.filter(round=OuterRef("pk"), state="submitted")))
        .values_list("dataset", "guideline_version__guideline", "guideline_version__major")
        .annotate(newest=Max("pk"))
        .order_by("-newest")[:MOST_SUBJECTS]
    )
    keys = [(dataset, guideline, major) for dataset, guideline, major, _ in rounds]
    datasets = Dataset.objects.in_bulk({key[0] for key in keys})
    guidelines = Guideline.objects.in_bulk({key[1] for key in keys})
    return [Subject(datasets[d], guidelines[g], major) for d, g, major in keys]


def is_large(subject: Subject) -> bool:
    """Whether its figures are a job's work; this looks at no more than it must."""
    return _answers(subject)[: LIVE_ANSWERS + 1].count() > LIVE_ANSWERS


def live(subject: Subject) -> dict[str, Any]:
    """The figures of this moment, made once for a state of the ratings."""
    state = Rating.objects.filter(assignment__in=_answers(subject).values("pk"), is_current=True)
    # One answer out and another back in leave the number and the newest as they were.
    counted = state.aggregate(n=Count("pk"), newest=Max("pk"), which=Sum("pk"))
    key = f"reference-figures/2/{subject.token}/{'/'.join(map(str, counted.values()))}"
    found: dict[str, Any] | None = cache.get(key)
    if found is None:
        found = content_of(subject)
        cache.set(key, found, KEPT_SECONDS)
    return found


def kept(subject: Subject) -> tuple[dict[str, Any], datetime] | None:
    """What the last job made, and when; None before the first one is done."""
    row = row_of(subject)
    return (row.content, row.made_at) if row is not None and row.made_at is not None else None


def row_of(subject: Subject) -> ReferenceFigures | None:
    return ReferenceFigures.objects.filter(
        dataset=subject.dataset, guideline=subject.guideline, major=subject.major
    ).first()


def content_of(subject: Subject) -> dict[str, Any]:
    """By dimension the share of contested items by each method, and the model."""
    hidden = _hidden(subject)
    return {
        "dimensions": [
            _dimension(dimension, _votes(subject, dimension, hidden))
            for dimension in dimensions(subject)
        ]
    }


def dimensions(subject: Subject) -> list[Dimension]:
    """As the newest version of the major asks them."""
    newest = subject.guideline.versions.filter(major=subject.major).order_by("-minor").first()
    return list(newest.dimensions.select_related("version")) if newest is not None else []


def adjudicated_counts(subject: Subject, dimension_key: str) -> dict[str, int]:
    """How many unsealed items a person decided, found not applicable, or left contested."""
    rows = _labels(subject, dimension_key).filter(method=Method.ADJUDICATED)
    newer = rows.filter(item=OuterRef("item"), version__gt=OuterRef("version"))
    newest = rows.filter(~Exists(newer), item__in=_open_items(subject).values("pk"))
    return dict(newest.values_list("state").annotate(Count("pk")))


def sealed_counts(subject: Subject, dimension_key: str) -> dict[str, int]:
    """Of the sealed part only how many labels there are by state."""
    newest = _newest(subject, dimension_key).filter(item__part=Part.SEALED)
    return dict(newest.values_list("state").annotate(Count("pk")))


def rows(
    subject: Subject,
    dimension: Dimension,
    found: Mapping[str, Any],
    *,
    text: str,
    state: str,
    after: int,
    user_id: int,
) -> tuple[list[Row], int]:
    """The next items behind a label, each by every method, and where the ones after begin."""
    listed = _newest(subject, dimension.key).filter(item__in=_open_items(subject).values("pk"))
    listed = listed.exclude(item__in=items_yet_rated_by(user_id))
    words = _labels(subject, dimension.key).filter(item=OuterRef("item"), method=Method.ADJUDICATED)
    if state == "adjudicated":
        listed = listed.filter(Exists(words))
    elif state:
        listed = listed.filter(state=state)
    if text:
        listed = listed.filter(
            Q(item__external_id__icontains=text) | Q(item__title__icontains=text)
        )
    page = list(listed.filter(pk__gt=after).select_related("item").order_by("pk")[: PAGE_ITEMS + 1])
    shown = page[:PAGE_ITEMS]
    return _rows(subject, dimension, found, shown), shown[-1].pk if len(page) > PAGE_ITEMS else 0


def _rows(
    subject: Subject,
    dimension: Dimension,
    found: Mapping[str, Any],
    shown: Sequence[ReferenceLabel],
) -> list[Row]:
    items = [label.item_id for label in shown]
    votes = labels.item_labels(
        dataset_id=subject.dataset.pk,
        guideline_id=subject.guideline.pk,
        major=subject.major,
        item_ids=items,
    ).get(dimension.key, [])
    said = _labels(subject, dimension.key).filter(item__in=items, method=Method.ADJUDICATED)
    words = {row.item_id: row for row in said.order_by("version")}
    by_item = _by_method(votes, dimension, found.get("model", {}))
    made = []
    for label in shown:
        by_method, likely = by_item.get(label.item_id, ({}, None))
        word = words.get(label.item_id)
        spoken = (word.point or word.state) if word is not None else ""
        made.append(Row(label.pk, label.item, label.votes, by_method, likely, spoken, label.state))
    return made


def _by_method(
    votes: Sequence[LabelRow], dimension: Dimension, model: Mapping[str, Any]
) -> dict[int, tuple[dict[str, str], float | None]]:
    """The label of each of some items by each method; Dawid-Skene's by the model that is kept."""
    if not votes:
        return {}
    scale = labels.scale_of(dimension)
    table = _table(votes)
    names = scale.tested().labels
    methods = side_by_side(table, scale=scale).labels
    found: dict[int, tuple[dict[str, str], float | None]] = {}
    codes_of_votes = on_tested_scale(table, scale)
    likely = _likely(table, codes_of_votes, len(names), model)
    is_voted = np.bincount(table.item_codes[codes_of_votes >= 0], minlength=len(table.items)) > 0
    for place, item in enumerate(table.items):
        by_method: dict[str, str] = {
            name: _word(int(codes[place]), names)
            for name, codes in methods.items()
            if name != "dawid_skene"
        }
        sure = None
        if likely is not None and is_voted[place]:
            sure = float(likely[place].max())
            by_method["dawid_skene"] = names[int(likely[place].argmax())]
        found[int(item)] = (by_method, sure)
    return found


def _likely(
    table: RatingTable, codes: Ints, n_labels: int, model: Mapping[str, Any]
) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    """The kept model's posterior of these items; votes of raters whom it does not know are left
    out."""
    if not model or model["undefined_because"] or len(model["prior"]) != n_labels:
        return None
    places = {rater: place for place, rater in enumerate(model["raters"])}
    known = np.array([places.get(int(rater), -1) for rater in table.raters], dtype=np.int64)
    raters = known[table.rater_codes]
    is_known = (raters >= 0) & (codes >= 0)
    votes = Votes(
        table.item_codes[is_known],
        raters[is_known],
        codes[is_known],
        np.ones(int(is_known.sum())),
        (len(table.items), len(places), n_labels),
    )
    return posterior(np.array(model["prior"]), np.array(model["confusion"]), votes)


def _word(code: int, names: Sequence[str]) -> str:
    return {CONTESTED: "contested", OUTSIDE: "not applicable"}.get(code) or names[code]


def _dimension(dimension: Dimension, votes: Sequence[LabelRow]) -> dict[str, Any]:
    scale = labels.scale_of(dimension)
    table = _table(votes)
    found = side_by_side(table, scale=scale)
    enough = np.bincount(table.item_codes, minlength=len(table.items)) >= 2
    by_method = {
        name: _method(codes, enough, table.cluster_codes) for name, codes in found.labels.items()
    }
    return {
        "key": dimension.key,
        "items": int(enough.sum()),
        "raters": len(table.raters),
        "votes": len(table.item_codes),
        "methods": by_method,
        "moved": _moved(found.labels, table.cluster_codes).as_dict(),
        "model": {**found.model.as_dict(), "raters": [int(rater) for rater in table.raters]},
    }


def _method(codes: Ints, enough: Any, clusters: Ints) -> dict[str, Any]:
    """How many items the method decides, and the share that it leaves contested."""
    asked = enough & (codes != OUTSIDE)
    contested = asked & (codes == CONTESTED)
    share = intervals.share(
        contested.astype(np.float64), asked.astype(np.float64), clusters, because=NO_ITEM
    )
    return {
        "decided": int((asked & (codes >= 0)).sum()),
        "contested": int(contested.sum()),
        "not_applicable": int((enough & (codes == OUTSIDE)).sum()),
        "contested_share": share.as_dict(),
    }


def _moved(by_method: Mapping[Any, Ints], clusters: Ints) -> Estimate:
    """Of the items that plurality and Dawid-Skene both decide, those decided differently."""
    plain, model = by_method["plurality"], by_method["dawid_skene"]
    both = (plain >= 0) & (model >= 0)
    return intervals.share(
        (both & (plain != model)).astype(np.float64),
        both.astype(np.float64),
        clusters,
        because="no item is decided by both",
    )


def _table(votes: Collection[LabelRow]) -> RatingTable:
    """Items and raters by their ids."""
    return RatingTable.build(
        (str(row.item_id), str(row.rater_id), row.label, row.cluster) for row in votes
    )


def _votes(subject: Subject, dimension: Dimension, hidden: Collection[int]) -> list[LabelRow]:
    found = labels.dataset_labels(
        dataset_id=subject.dataset.pk,
        guideline_id=subject.guideline.pk,
        major=subject.major,
        dimension_key=dimension.key,
    )
    return [row for row in found if row.part != Part.SEALED and row.item_id not in hidden]


def _hidden(subject: Subject) -> set[int]:
    """Items of the dataset that touch the sealed part of the project."""
    project_id = subject.dataset.project_id
    if not _has_sealed(project_id):
        return set()
    items = Item.objects.filter(dataset=subject.dataset)
    return set(touching_sealed(items, project_id).values_list("pk", flat=True))


def _open_items(subject: Subject) -> QuerySet[Item]:
    project_id = subject.dataset.project_id
    items = visible_items(project_id=project_id).filter(dataset=subject.dataset)
    if not _has_sealed(project_id):
        return items
    return items.exclude(pk__in=touching_sealed(items, project_id).values("pk"))


def _has_sealed(project_id: int) -> bool:
    return Item.objects.filter(project=project_id, part=Part.SEALED).exists()


def _answers(subject: Subject) -> QuerySet[Assignment]:
    return Assignment.objects.filter(
        state=AssignmentState.SUBMITTED,
        gold__isnull=True,
        round__dataset=subject.dataset,
        round__kind__in=FEEDING,
        round__guideline_version__guideline=subject.guideline,
        round__guideline_version__major=subject.major,
    ).order_by()


def _labels(subject: Subject, dimension_key: str) -> QuerySet[ReferenceLabel]:
    return ReferenceLabel.objects.filter(
        item__dataset=subject.dataset,
        guideline=subject.guideline,
        major=subject.major,
        dimension_key=dimension_key,
    )


def _newest(subject: Subject, dimension_key: str) -> QuerySet[ReferenceLabel]:
    """The newest computed label of each item; what was taken back is none."""
    found = _labels(subject, dimension_key).filter(method__in=COMPUTED)
    newer = found.filter(item=OuterRef("item"), version__gt=OuterRef("version"))
    return found.filter(~Exists(newer)).exclude(state=ReferenceState.WITHDRAWN)
