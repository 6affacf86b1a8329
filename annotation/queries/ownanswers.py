"""A rater's own answers: found again by round, label and text, and what became of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from annotation.models import Assignment, Dimension, Flag, Rating, Round
from annotation.queries.workbench import PAIR_KEYS, WORDS
from annotation.rules import display
from annotation.rules.scales import NOT_APPLICABLE
from annotation.states import AssignmentState, RoundKind, RoundState

PAGE_ANSWERS = 25
PIECE = 100
SEARCHED_AT_ONCE = 1000
ROUNDS_OFFERED = 100


class Show(StrEnum):
    """Which of the own rows are asked for."""

    ANSWERS = "answers"
    CHANGED = "changed"
    PASSED = "passed"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; empty fields ask for everything. `label` is (dimension key, label)."""

    show: Show = Show.ANSWERS
    text: str = ""
    round_id: int | None = None
    label: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class OwnAnswer:
    """One row: the labels as they were shown, or why the item was passed by."""

    assignment: Assignment
    at: datetime | None
    labels: Sequence[tuple[str, str]] = ()
    is_changed: bool = False
    flag: Flag | None = None

    @property
    def is_answer(self) -> bool:
        return self.assignment.state == AssignmentState.SUBMITTED


@dataclass(frozen=True, slots=True)
class Found:
    """A page of own rows. `older`: where the next page begins; `searched`: how many rows were
    read for a text when that was the end of it, though there are more."""

    rows: Sequence[OwnAnswer]
    older: int | None = None
    searched: int = 0


@dataclass(frozen=True, slots=True)
class Revision:
    """What one submit or change said, as it was shown."""

    number: int
    at: datetime
    labels: Sequence[tuple[str, str]]
    rationale: str


@dataclass(slots=True)
class _Gathered:
    rows: list[Assignment] = field(default_factory=list)
    read: int = 0


def find(*, rater_id: int, wanted: Wanted, before: int | None) -> Found:
    """A page of the rater's own rows, newest first, after the row `before`.

    A text is looked for in the newest `SEARCHED_AT_ONCE` rows; the rest is another page.
    """
    stamp = "leased_at" if wanted.show is Show.PASSED else "submitted_at"
    rows = _rows(rater_id, wanted, stamp)
    if before is not None:
        rows = _after(rows, rater_id, before, stamp)
    gathered = _gather(rows, wanted.text.casefold())
    shown = gathered.rows[:PAGE_ANSWERS]
    older: int | None = None
    searched = 0
    if len(gathered.rows) > PAGE_ANSWERS:
        older = shown[-1].pk
    elif gathered.read >= SEARCHED_AT_ONCE:
        searched = gathered.read
        older = rows.values_list("pk", flat=True)[gathered.read - 1]
    return Found(_told(shown, stamp), older, searched)


def rounds_of(*, rater_id: int) -> QuerySet[Round]:
    """Rounds that the rater is or was in, the newest first."""
    return (
        Round.objects.filter(round_raters__rater=rater_id)
        .exclude(kind=RoundKind.IMPORTED)
        .exclude(state=RoundState.DRAFT)
        .order_by("-pk")
    )


def labels_of(*, rater_id: int) -> list[tuple[Dimension, list[tuple[str, str]]]]:
    """The dimensions of the rater's rounds with their labels and how these are called."""
    versions = list(
        rounds_of(rater_id=rater_id).values_list("guideline_version", flat=True)[:ROUNDS_OFFERED]
    )
    by_key: dict[str, tuple[Dimension, dict[str, str]]] = {}
    for dimension in Dimension.objects.filter(version__in=versions).order_by(
        "-version", "position"
    ):
        _, labels = by_key.setdefault(dimension.key, (dimension, {}))
        values = [*dimension.labels, *([NOT_APPLICABLE] if dimension.allow_na else [])]
        labels |= {label: word_of(dimension, label) for label in values}
    return [(dimension, list(labels.items())) for dimension, labels in by_key.values()]


def history(assignment: Assignment) -> list[Revision]:
    """Every revision of an own answer, the first one first."""
    revisions: dict[int, list[Rating]] = defaultdict(list)
    for rating in (
        Rating.objects.filter(assignment=assignment)
        .select_related("dimension")
        .order_by("revision", "dimension__position")
    ):
        revisions[rating.revision].append(rating)
    return [
        Revision(
            number,
            ratings[0].created_at,
            [_shown(rating, is_swapped=assignment.is_swapped) for rating in ratings],
            next((rating.rationale for rating in ratings if rating.rationale), ""),
        )
        for number, ratings in revisions.items()
    ]


def word_of(dimension: Dimension, label: str) -> str:
    """A label as the workbench calls it."""
    if dimension.kind == "yes_no" or dimension.kind in PAIR_KEYS or label == NOT_APPLICABLE:
        return WORDS.get(label, label)
    return label


def _rows(rater_id: int, wanted: Wanted, stamp: str) -> QuerySet[Assignment]:
    state = AssignmentState.SKIPPED if wanted.show is Show.PASSED else AssignmentState.SUBMITTED
    rows = Assignment.objects.filter(rater=rater_id, state=state, **{f"{stamp}__isnull": False})
    rows = rows.exclude(round__kind=RoundKind.IMPORTED)
    if wanted.round_id is not None:
        rows = rows.filter(round=wanted.round_id)
    if wanted.show is Show.CHANGED:
        rows = rows.filter(Exists(Rating.objects.filter(assignment=OuterRef("pk"), revision__gt=1)))
    if wanted.label is not None:
        rows = _with_label(rows, *wanted.label)
    return rows.select_related("round", "item").order_by(F(stamp).desc(), "-pk")


def _with_label(rows: QuerySet[Assignment], key: str, label: str) -> QuerySet[Assignment]:
    """Rows on which the rater saw themselves choose the label: pairs may have been swapped."""
    given = Rating.objects.filter(assignment=OuterRef("pk"), is_current=True, dimension__key=key)
    is_pair = Q(dimension__kind__in=list(PAIR_KEYS))
    swapped = display.to_own_label(label, swapped=True)
    turned = given.filter((is_pair & Q(label=swapped)) | (~is_pair & Q(label=label)))
    return rows.filter(
        Q(Exists(given.filter(label=label)), is_swapped=False) | Q(Exists(turned), is_swapped=True)
    )


def _after(
    rows: QuerySet[Assignment], rater_id: int, before: int, stamp: str
) -> QuerySet[Assignment]:
    last = (
        Assignment.objects.filter(pk=before, rater=rater_id).values_list(stamp, flat=True).first()
    )
    if last is None:
        return rows
    return rows.filter(Q(**{f"{stamp}__lt": last}) | Q(**{stamp: last, "pk__lt": before}))


def _gather(rows: QuerySet[Assignment], text: str) -> _Gathered:
    """One row more than a page holds, if there are so many."""
    if not text:
        return _Gathered(list(rows[: PAGE_ANSWERS + 1]))
    gathered = _Gathered()
    texts = rows.select_related("round", "item__content")
    while gathered.read < SEARCHED_AT_ONCE and len(gathered.rows) <= PAGE_ANSWERS:
        piece = list(texts[gathered.read : gathered.read + PIECE])
        gathered.rows += [row for row in piece if text in "\n".join(_texts(row)).casefold()]
        gathered.read += len(piece)
        if len(piece) < PIECE:
            gathered.read = 0
            break
    return gathered


def _texts(row: Assignment) -> Iterator[str]:
    """What the rater could read of the item."""
    body = (row.item.content.body if row.item.content else None) or {}
    yield str(body.get("input") or "")
    yield str(body.get("context") or "")
    for turn in body.get("messages") or []:
        yield str(turn.get("text", ""))
    for response in body.get("responses") or []:
        yield str(response)


def _told(rows: Sequence[Assignment], stamp: str) -> list[OwnAnswer]:
    ids = [row.pk for row in rows]
    labels: dict[int, list[Rating]] = defaultdict(list)
    current = Rating.objects.filter(assignment__in=ids, is_current=True)
    for rating in current.select_related("dimension").order_by("dimension__position"):
        labels[rating.assignment_id].append(rating)
    flags = _flags([row for row in rows if row.state == AssignmentState.SKIPPED])
    return [
        OwnAnswer(
            row,
            at=getattr(row, stamp),
            labels=[_shown(rating, is_swapped=row.is_swapped) for rating in labels[row.pk]],
            is_changed=any(rating.revision > 1 for rating in labels[row.pk]),
            flag=flags.get((row.round_id, row.item_id)),
        )
        for row in rows
    ]


def _flags(rows: Sequence[Assignment]) -> dict[tuple[int, int], Flag]:
    if not rows:
        return {}
    found = Flag.objects.filter(
        rater=rows[0].rater_id,
        round__in={row.round_id for row in rows},
        item__in={row.item_id for row in rows},
    )
    return {(flag.round_id, flag.item_id): flag for flag in found.order_by("pk")}


def _shown(rating: Rating, *, is_swapped: bool) -> tuple[str, str]:
    dimension = rating.dimension
    swapped = is_swapped and dimension.kind in PAIR_KEYS
    label = display.to_shown_label(rating.label, swapped=swapped)
    return dimension.name, word_of(dimension, label)
