"""Shapes of files that people have already: known by their rows, read as plain rows of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from annotation.rules import labelstudio, mtbench
from core import mapping
from core.errors import Invalid
from core.mapping import FieldPath
from core.reading.limits import PEEKED_ROWS
from core.tabular import BrokenRow, Record, Records

Values = Mapping[str, object]
Aim = Literal["items", "labels", "verdicts"]
AUTO = "auto"
PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Way:
    """What becomes of one row for one aim: rows, in words, and what to say where none came."""

    rows: Callable[[Values], Sequence[Values]]
    words: str
    nothing: str = "The file holds no rows of this kind."


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape of rows that others write."""

    key: str
    name: str
    fits: Callable[[Values], bool]
    ways: Mapping[Aim, Way]


@dataclass(frozen=True, slots=True)
class Reading:
    """The rows as they are taken, and which shape was recognised; None: as they stand.

    `columns` are those of the first row in this reading."""

    shape: Shape | None
    columns: tuple[str, ...]
    rows: Iterator[Record | BrokenRow]
    seen: Shape | None = None
    """The shape that the rows show, also where they are taken as they stand."""


_ONLY_MODELS = (
    "Every row was judged by a language model, not by a person. Import the file as a judge's "
    "verdicts instead."
)
_ONLY_PEOPLE = "No row was judged by a language model. Import the file as people's labels instead."
_NO_ANNOTATION = "No task has a choice, a rating or a preference that counts as a label."

SHAPES: tuple[Shape, ...] = (
    Shape(
        "mt_bench_pairs",
        "MT-Bench judgments of pairs",
        mtbench.is_pair,
        {
            "items": Way(
                mtbench.pair_item,
                "Each question, pair of models and turn is one item; the conversation is cut after "
                "the turn that was judged, and the model that comes first by name is A.",
            ),
            "labels": Way(
                mtbench.pair_label,
                "The winner becomes A, B or tie, with the model that comes first by name as A. "
                "The judge is the rater; rows of language models are left out.",
                _ONLY_MODELS,
            ),
            "verdicts": Way(mtbench.pair_verdict, "The winner becomes A, B or tie.", _ONLY_PEOPLE),
        },
    ),
    Shape(
        "mt_bench_scores",
        "MT-Bench scores of single responses",
        mtbench.is_single,
        {
            "items": Way(
                mtbench.single_item,
                "Each question, model and turn is one item; question and answer are taken from the "
                "prompt that the judge was given.",
            ),
            "labels": Way(
                mtbench.single_label,
                "The score is the label and the judge the rater; rows of language models are left "
                "out.",
                _ONLY_MODELS,
            ),
            "verdicts": Way(mtbench.single_verdict, "The score is the verdict.", _ONLY_PEOPLE),
        },
    ),
    Shape(
        "label_studio",
        "Label Studio export (JSON)",
        labelstudio.is_task,
        {
            "items": Way(
                labelstudio.task_item,
                "Each task is one item under its id, and its data are the columns.",
            ),
            "labels": Way(
                labelstudio.task_labels,
                "Choices, ratings and preferences become labels of the dimension named by "
                "from_name, and whoever completed the annotation is the rater. Cancelled "
                "annotations are left out.",
                _NO_ANNOTATION,
            ),
        },
    ),
    Shape(
        "label_studio_min",
        "Label Studio export (JSON-MIN)",
        labelstudio.is_short,
        {
            "items": Way(
                labelstudio.short_item,
                "Each task is one item under its id; the columns before the id are its data.",
            ),
            "labels": Way(
                labelstudio.short_labels,
                "Each column between id and annotator is a dimension, and the annotator is the "
                "rater. Longer texts are left out.",
                _NO_ANNOTATION,
            ),
        },
    ),
)
CHOICES = (AUTO, PLAIN, *(shape.key for shape in SHAPES))


def read_as(
    records: Records, aim: Aim, *, wanted: str = AUTO, columns: Mapping[str, FieldPath]
) -> Reading:
    """The rows of a file in the shape that its first row shows, or that somebody `wanted`.

    A mapping that names columns of the file itself, which the recognised rows do not have, takes
    the file as it stands: it was made for that. Raises `Invalid` for a shape that there is not or
    that the rows do not have.
    """
    check_wanted(wanted)
    waiting, first = _peeked(records)
    rows = chain(waiting, records)
    if first is None:
        return Reading(None, records.columns, rows)
    fitting = [shape for shape in SHAPES if aim in shape.ways and shape.fits(first.values)]
    seen = next(iter(fitting), None)
    shape = _chosen(fitting, first, aim, wanted, columns)
    if shape is None:
        return Reading(None, records.columns, rows, seen)
    way = shape.ways[aim]
    taken = _taken(rows, way)
    return Reading(shape, _columns_of(first, way), _of_one_judge(taken, aim), seen)


def check_wanted(wanted: str) -> None:
    """Raise `Invalid` for a shape that there is not."""
    if wanted not in CHOICES:
        raise Invalid(
            "unknown_shape",
            f"There is no shape “{wanted[:40]}”. Shapes: {', '.join(CHOICES)}.",
            {"shape": [f"Choose one of {', '.join(CHOICES)}."]},
        )


def _peeked(records: Records) -> tuple[list[Record | BrokenRow], Record | None]:
    waiting: list[Record | BrokenRow] = []
    for row in records:
        waiting.append(row)
        if isinstance(row, Record):
            return waiting, row
        if len(waiting) >= PEEKED_ROWS:
            break
    return waiting, None


def _chosen(
    fitting: Sequence[Shape],
    first: Record,
    aim: Aim,
    wanted: str,
    columns: Mapping[str, FieldPath],
) -> Shape | None:
    if wanted == PLAIN:
        return None
    if wanted == AUTO:
        shape = next(iter(fitting), None)
        is_for_us = shape is not None and not _is_for_the_file(columns, first, shape.ways[aim])
        return shape if is_for_us else None
    chosen = next((shape for shape in fitting if shape.key == wanted), None)
    if chosen is None:
        raise Invalid("other_shape", f"The rows of this file are not of the shape “{wanted}”.")
    return chosen


def _is_for_the_file(columns: Mapping[str, FieldPath], first: Record, way: Way) -> bool:
    """Whether a mapping names what only the file itself has."""
    known = _columns_of(first, way)
    missing = mapping.missing_columns(columns, dict.fromkeys(known))
    return bool(missing) and not mapping.missing_columns(missing, first.values)


def _columns_of(first: Record, way: Way) -> tuple[str, ...]:
    """Empty where the first row gives none or cannot be read."""
    try:
        rows = way.rows(first.values)
    except (Invalid, KeyError):
        return ()
    return tuple(rows[0]) if rows else ()


def _taken(rows: Iterable[Record | BrokenRow], way: Way) -> Iterator[Record | BrokenRow]:
    """Each row under the number that it has in the file; where none came out, that is said."""
    is_empty = True
    for row in rows:
        if isinstance(row, BrokenRow):
            is_empty = False
            yield row
            continue
        try:
            made = way.rows(row.values)
        except KeyError as error:
            made = []
            is_empty = False
            yield BrokenRow(row.row, f"it has no {error.args[0]}, as the rows above do.", row.unit)
        except Invalid as error:
            made = []
            is_empty = False
            yield BrokenRow(row.row, error.sentence, row.unit)
        for values in made:
            is_empty = False
            yield Record(row.row, values, row.unit)
    if is_empty:
        raise Invalid("nothing_of_the_kind", way.nothing)


def _of_one_judge(rows: Iterator[Record | BrokenRow], aim: Aim) -> Iterator[Record | BrokenRow]:
    """A file of verdicts is a version of one judge: a row by another one is not its."""
    judge: object = None
    for row in rows:
        if aim != "verdicts" or isinstance(row, BrokenRow):
            yield row
            continue
        judge = row.values.get("judge") if judge is None else judge
        if row.values.get("judge") == judge:
            yield row
            continue
        yield BrokenRow(
            row.row,
            f"it was judged by {row.values.get('judge')}, the rows above by {judge}. Bring each "
            "judge's verdicts in a file of its own.",
            row.unit,
        )
