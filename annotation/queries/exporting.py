"""Items, ratings and reference labels on their way out: streamed, and nothing sealed among them.

Rows come by primary key in pieces, each a query of its own: no transaction stays open, nothing
grows with the table, and what is added meanwhile is not part of the export.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from django.db.models import Exists, Max, Model, OuterRef, Q, QuerySet

from annotation.models import Assignment, Item, Rating, ReferenceLabel, Response, RoundItem
from annotation.queries.items import NOT_CLOSED, golds_yet_given_to, visible_items
from annotation.rules.itemrows import ITEM_FIELDS
from annotation.states import AssignmentState, DatasetKind, ItemKind, Part, RoundKind
from core.exporting import Column, Kind, Row, columns_of
from core.registry import ExportScope, ExportTable

PIECE = 2000
CURRENT, REPLACED, GOLD = "current", "replaced", "gold"

Rows = TypeVar("Rows", bound=Model)

RATING_COLUMNS = columns_of(
    "item", "rater", "label", "dimension", "round", "cluster", "at", "dataset", "guideline",
    "version", "revision", "state", "uncounted_label", "rationale", "reason", "active_seconds",
    "was_swapped", "assignment",
    revision="integer", active_seconds="number", was_swapped="boolean", assignment="integer",
)  # fmt: skip
LABEL_COLUMNS = columns_of(
    "item", "label", "dimension", "cluster", "dataset", "guideline", "major", "method", "state",
    "version", "point", "votes", "median", "mean", "decided_by", "reason", "ratings_digest", "at",
    major="integer", version="integer", votes="integer", median="number", mean="number",
)  # fmt: skip
_KINDS: dict[str, Kind] = {
    "messages": "json",
    "latency_ms": "number",
    "latency_ms_a": "number",
    "latency_ms_b": "number",
    "cost": "number",
    "cost_a": "number",
    "cost_b": "number",
}
_RATING_PATHS = {
    "item": "assignment__item__external_id",
    "rater": "assignment__rater__name",
    "label": "label",
    "dimension": "dimension__key",
    "round": "assignment__round__name",
    "cluster": "assignment__item__cluster_key",
    "at": "created_at",
    "dataset": "assignment__item__dataset__name",
    "guideline": "dimension__version__guideline__name",
    "version": "dimension__version__major",
    "minor": "dimension__version__minor",
    "revision": "revision",
    "state": "assignment__state",
    "rationale": "rationale",
    "active_seconds": "assignment__active_seconds",
    "was_swapped": "assignment__is_swapped",
    "assignment": "assignment_id",
    "is_replaced": "is_replaced",
    "gold": "assignment__gold_id",
}
_SKIP_PATHS = {
    "item": "item__external_id",
    "rater": "rater__name",
    "round": "round__name",
    "cluster": "item__cluster_key",
    "dataset": "item__dataset__name",
    "reason": "skip_reason",
    "state": "state",
    "assignment": "pk",
}
_LABEL_PATHS = {
    "item": "item__external_id",
    "label": "label",
    "dimension": "dimension_key",
    "cluster": "item__cluster_key",
    "dataset": "item__dataset__name",
    "guideline": "guideline__name",
    "major": "major",
    "method": "method",
    "state": "state",
    "version": "version",
    "point": "point",
    "votes": "votes",
    "median": "median",
    "mean": "mean",
    "decided_by": "actor",
    "reason": "reason",
    "ratings_digest": "ratings_digest",
    "at": "created_at",
}


def always(columns: Sequence[Column]) -> Callable[[ExportScope], Sequence[Column]]:
    """The same columns whatever is asked for."""
    return lambda _scope: columns


def pieces(rows: QuerySet[Rows], fields: Sequence[str]) -> Iterator[list[tuple[Any, ...]]]:
    """The rows that are there now, by primary key; each tuple begins with it."""
    newest = rows.aggregate(last=Max("pk"))["last"]
    ordered = rows.filter(pk__lte=newest or 0).order_by("pk").values_list("pk", *fields)
    last = 0
    while piece := list(ordered.filter(pk__gt=last)[:PIECE]):
        last = piece[-1][0]
        yield piece


def named_rows(rows: QuerySet[Rows], paths: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The rows as name -> value, by primary key."""
    for piece in pieces(rows, list(paths.values())):
        for row in piece:
            yield dict(zip(paths, row[1:], strict=True))


def shown_items(scope: ExportScope) -> QuerySet[Item]:
    """Items that may leave: of no sealed prompt, and none that this person may yet rate."""
    items = visible_items(project_id=scope.project_id).filter(dataset__kind=DatasetKind.NORMAL)
    if scope.dataset_id is not None:
        items = items.filter(dataset=scope.dataset_id)
    return without_hidden(items, scope, item="pk")


def without_hidden(rows: QuerySet[Rows], scope: ExportScope, *, item: str) -> QuerySet[Rows]:
    """Rows about items that are sealed, share a prompt with a sealed one, or that the person may
    yet rate, left out. `item` is the path from a row to its item's key."""
    path = "" if item == "pk" else f"{item}__"
    sealed = Item.objects.filter(project=scope.project_id, part=Part.SEALED)
    if sealed.exists():
        same_cluster = sealed.filter(cluster_key=OuterRef(f"{path}cluster_key"))
        same_input = sealed.exclude(input_digest="").filter(
            input_digest=OuterRef(f"{path}input_digest")
        )
        rows = rows.exclude(Exists(same_cluster)).exclude(Exists(same_input))
    if scope.user_id is None:
        return rows
    yet_to_rate = RoundItem.objects.filter(
        item=OuterRef(item if item == "pk" else f"{item}_id"),
        round__state__in=NOT_CLOSED,
        round__revealed_at__isnull=True,
        round__round_raters__rater__user=scope.user_id,
        round__round_raters__removed_at__isnull=True,
    )
    rows = rows.exclude(Exists(yet_to_rate))
    golds = golds_yet_given_to(scope.user_id)
    if golds.exists():
        key = OuterRef(item if item == "pk" else f"{item}_id")
        rows = rows.exclude(Exists(golds.filter(item=key)))
    return rows


# --- items ------------------------------------------------------------------------------------


def item_columns(scope: ExportScope) -> tuple[Column, ...]:
    """The fields of an import, then the columns that came with the items unmapped."""
    kept: dict[str, None] = {}
    for piece in pieces(shown_items(scope).exclude(extra={}), ["extra"]):
        for _, extra in piece:
            kept |= dict.fromkeys(_extra(extra))
    named = (Column(name, _KINDS.get(name, "text")) for name in ITEM_FIELDS)
    return (*named, *columns_of(*kept))


def item_rows(scope: ExportScope) -> Iterator[Row]:
    """Items as an import reads them; those without a text, known only by labels, stay here."""
    items = shown_items(scope).filter(content__isnull=False, content__erased_at__isnull=True)
    fields = (
        "external_id", "kind", "content__body", "prompt_key", "cluster_key", "difficulty",
        "case", "source", "tags", "extra",
    )  # fmt: skip
    for piece in pieces(items, fields):
        made_by = _responses([row[0] for row in piece])
        for row in piece:
            yield _item_row(row, made_by.get(row[0], []))


def _responses(item_ids: Sequence[int]) -> dict[int, list[Response]]:
    found: dict[int, list[Response]] = {}
    for response in Response.objects.filter(item__in=item_ids).order_by("item", "position"):
        found.setdefault(response.item_id, []).append(response)
    return found


def _item_row(row: tuple[Any, ...], made_by: Sequence[Response]) -> Row:
    _, external_id, kind, body, prompt, cluster, difficulty, case, source, tags, extra = row
    said = {
        "id": external_id,
        "kind": kind,
        "input": body.get("input"),
        "context": body.get("context"),
        "messages": [
            {"role": turn["role"], "content": turn["text"]} for turn in body.get("messages") or []
        ],
        "reference": body.get("reference"),
        **_response_fields(kind, body.get("responses") or [], made_by),
        "prompt": prompt,
        "cluster": cluster,
        "difficulty": difficulty,
        "case": case,
        "source": source,
        "tags": _tags(tags),
    }
    # What really is empty is said: left out, an import would miss it and refuse the file.
    needed = ("response_a", "response_b", *(() if said["messages"] else ("input",)))
    told = {
        name: value
        for name, value in said.items()
        if value not in (None, "", []) or (value == "" and name in needed)
    }
    return told | _extra(extra)


def _response_fields(
    kind: str, texts: Sequence[str], made_by: Sequence[Response]
) -> dict[str, object]:
    sides = ("_a", "_b") if kind == ItemKind.PAIR else ("",)
    fields: dict[str, object] = {}
    for side, text, response in zip(sides, texts, made_by, strict=False):
        fields |= {
            f"response{side}": text,
            f"system{side}": response.system,
            f"latency_ms{side}": response.latency_ms,
            f"cost{side}": None if response.cost is None else float(response.cost),
        }
    return fields


def _tags(tags: Sequence[str]) -> str | list[str]:
    """One text with commas, as people write them; a list where a tag has a comma itself."""
    return list(tags) if any("," in tag for tag in tags) else ", ".join(tags)


def _extra(extra: dict[str, object]) -> dict[str, object]:
    """Unmapped columns; one that is named like a field does not get into its place."""
    return {f"extra_{name}" if name in ITEM_FIELDS else name: extra[name] for name in extra}


# --- ratings ----------------------------------------------------------------------------------


def rating_rows(scope: ExportScope) -> Iterator[Row]:
    """Labels as `agreement` reads them, with their history: a label that was replaced, was
    withdrawn or answers a gold item stands in `uncounted_label`. Skips come last."""
    yield from _given(scope)
    yield from _skipped(scope)


def _given(scope: ExportScope) -> Iterator[Row]:
    ratings = _ratings(scope)
    newest = ratings.aggregate(last=Max("pk"))["last"] or 0
    # What was current when the export began: an amendment that comes meanwhile is not in it.
    later = Rating.objects.filter(
        pk__lte=newest,
        assignment=OuterRef("assignment"),
        dimension=OuterRef("dimension"),
        revision__gt=OuterRef("revision"),
    )
    told = ratings.filter(pk__lte=newest).annotate(is_replaced=Exists(later))
    for row in named_rows(told, _RATING_PATHS):
        yield _rating_row(row)


def rating_lines(scope: ExportScope) -> QuerySet[Rating, dict[str, Any]]:
    """The labels that are given, replaced ones too, for lists that show a part at a time: each a
    row that `rating_line` reads."""
    told = _ratings(scope).annotate(is_replaced=~Q(is_current=True))
    lines: QuerySet[Rating, dict[str, Any]] = told.values("pk", *_RATING_PATHS.values())
    return lines


def rating_line(found: Mapping[str, Any]) -> Row:
    """One of `rating_lines` as `rating_rows` has it, with every field."""
    row = _rating_row({name: found[path] for name, path in _RATING_PATHS.items()})
    return {column.name: row.get(column.name) for column in RATING_COLUMNS}


def _rating_row(row: dict[str, Any]) -> Row:
    label, minor, state = row["label"], row.pop("minor"), row["state"]
    is_replaced, gold = row.pop("is_replaced"), row.pop("gold")
    if state == AssignmentState.SUBMITTED:
        state = REPLACED if is_replaced else CURRENT if gold is None else GOLD
    is_counted = state == CURRENT
    return row | {
        "state": state,
        "label": label if is_counted else None,
        "uncounted_label": None if is_counted else label,
        "version": f"{row['version']}.{minor}",
        "rationale": row["rationale"] or None,
    }


def _ratings(scope: ExportScope) -> QuerySet[Rating]:
    """Ratings that may leave: of no sealed prompt, no unrevealed session, and of no item that
    this person may yet rate."""
    ratings = Rating.objects.filter(
        assignment__round__project=scope.project_id,
        assignment__item__dataset__kind=DatasetKind.NORMAL,
    ).exclude(assignment__round__kind=RoundKind.SESSION, assignment__round__revealed_at=None)
    if scope.dataset_id is not None:
        ratings = ratings.filter(assignment__item__dataset=scope.dataset_id)
    if scope.round_id is not None:
        ratings = ratings.filter(assignment__round=scope.round_id)
    return without_hidden(ratings, scope, item="assignment__item")


def _skipped(scope: ExportScope) -> Iterator[Row]:
    skipped = Assignment.objects.filter(
        round__project=scope.project_id,
        state=AssignmentState.SKIPPED,
        item__dataset__kind=DatasetKind.NORMAL,
    ).exclude(round__kind=RoundKind.SESSION, round__revealed_at=None)
    if scope.dataset_id is not None:
        skipped = skipped.filter(item__dataset=scope.dataset_id)
    if scope.round_id is not None:
        skipped = skipped.filter(round=scope.round_id)
    yield from named_rows(without_hidden(skipped, scope, item="item"), _SKIP_PATHS)


# --- reference labels -------------------------------------------------------------------------


def label_rows(scope: ExportScope) -> Iterator[Row]:
    """Every version of every reference label; the newest of an item and method counts."""
    labels = ReferenceLabel.objects.filter(
        item__project=scope.project_id,
        item__dataset__kind=DatasetKind.NORMAL,
    )
    if scope.dataset_id is not None:
        labels = labels.filter(item__dataset=scope.dataset_id)
    for row in named_rows(without_hidden(labels, scope, item="item"), _LABEL_PATHS):
        yield {name: value for name, value in row.items() if value != ""}


ITEMS = ExportTable(
    name="items",
    title="Items",
    about="Texts, responses with their systems, tags: as an import reads them.",
    columns=item_columns,
    rows=item_rows,
    narrowed_by=frozenset({"dataset"}),
)
RATINGS = ExportTable(
    name="ratings",
    title="Ratings",
    about="Every rater's labels with their history: replaced, withdrawn and skipped ones say so.",
    columns=always(RATING_COLUMNS),
    rows=rating_rows,
    narrowed_by=frozenset({"dataset", "round"}),
)
LABELS = ExportTable(
    name="labels",
    title="Reference labels",
    about="The human label of each item, by method and version.",
    columns=always(LABEL_COLUMNS),
    rows=label_rows,
    narrowed_by=frozenset({"dataset"}),
)
