"""Label tables: one row, one label, by people or by a judge, in our own or a foreign shape."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from annotation.rules.keys import (
    DIMENSION_CHARS,
    KEY_CHARS,
    LABEL_CHARS,
    NAME_CHARS,
    fitting,
    short_key,
)
from core import mapping
from core.errors import Invalid
from core.mapping import FieldPath
from core.reading.rows import Unit
from core.tabular import BrokenRow, Record

PEOPLE_FIELDS = ("item", "rater", "label", "dimension", "round", "cluster", "at")
JUDGE_FIELDS = ("item", "label", "dimension", "order", "sample", "confidence", "outcome")
OUTCOMES = ("ok", "invalid", "truncated", "refused", "context", "failed", "split")
ORDERS = ("AB", "BA")
DEFAULT_DIMENSION = "overall"

_OUTCOME_MARK = "!"
_HIGHEST_SAMPLE = 32_767

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One label by one person. `row` is the number in the file; wide rows share it."""

    row: int
    item: str
    rater: str
    label: str
    dimension: str = DEFAULT_DIMENSION
    round: str = ""
    cluster: str = ""
    at: str = ""
    unit: Unit = field(default="row", compare=False)


@dataclass(frozen=True, slots=True)
class JudgeRow:
    """One verdict of a judge, in the item's own labelling. `label` is None unless outcome is ok."""

    row: int
    item: str
    label: str | None
    dimension: str = DEFAULT_DIMENSION
    order: str = ""
    sample: int = 0
    confidence: float | None = None
    outcome: str = "ok"


def people_rows(
    records: Iterable[Record | BrokenRow],
    *,
    columns: Mapping[str, FieldPath],
    values: Mapping[str, str],
    wide: Sequence[str] = (),
    is_exact: bool = False,
) -> Iterator[LabelRow | BrokenRow]:
    """People's labels, in file order; repeats are kept, empty labels are left out.

    `columns` maps fields to columns (others are looked for under their own names, unless the
    mapping `is_exact`), `values` codes labels. With `wide`, each named column holds one rater's
    labels and names that rater.
    Raises `Invalid` at the call for options that contradict each other, and at the first row for
    a column that is not there.
    """
    check_fields(columns, PEOPLE_FIELDS)
    _check_outcomes(values, is_judge=False)
    if wide:
        return _wide_rows(records, columns=columns, values=values, wide=wide, is_exact=is_exact)
    paths = columns if is_exact else mapping.completed(columns, PEOPLE_FIELDS)
    needed = needed_columns(columns, paths, ("item", "rater", "label"))

    def convert(record: Record) -> list[LabelRow]:
        reader = RowReader(record, paths)
        label = reader.coded("label", values)
        if not label:
            return []
        return [_label_row(reader, rater=reader.key("rater", limit=NAME_CHARS), label=label)]

    return converted(records, needed, convert)


def judge_rows(
    records: Iterable[Record | BrokenRow],
    *,
    columns: Mapping[str, FieldPath],
    values: Mapping[str, str],
) -> Iterator[JudgeRow | BrokenRow]:
    """A judge's verdicts, in file order; a row with neither a label nor an outcome is left out.

    A value coded as `!invalid` (or another outcome) is a row with that outcome and no label.
    Raises `Invalid` as `people_rows` does.
    """
    check_fields(columns, JUDGE_FIELDS)
    _check_outcomes(values, is_judge=True)
    paths = mapping.completed(columns, JUDGE_FIELDS)
    needed = needed_columns(columns, paths, ("item", "label"))

    def convert(record: Record) -> list[JudgeRow]:
        reader = RowReader(record, paths)
        label = reader.coded("label", values)
        outcome = reader.text("outcome").lower() or "ok"
        if label.startswith(_OUTCOME_MARK) and label[1:] in OUTCOMES:
            outcome, label = label[1:], ""
        if outcome not in OUTCOMES:
            raise Invalid(
                "outcome",
                f"the outcome “{outcome}” is unknown. Outcomes: {', '.join(OUTCOMES)}.",
            )
        if outcome == "ok" and not label:
            return []
        return [_judge_row(reader, label=label if outcome == "ok" else None, outcome=outcome)]

    return converted(records, needed, convert)


# --- how a record becomes rows ----------------------------------------------------------------


def _wide_rows(
    records: Iterable[Record | BrokenRow],
    *,
    columns: Mapping[str, FieldPath],
    values: Mapping[str, str],
    wide: Sequence[str],
    is_exact: bool,
) -> Iterator[LabelRow | BrokenRow]:
    for name in ("rater", "label"):
        if name in columns:
            raise Invalid(
                "wide_and_long",
                f"The field “{name}” is mapped and wide columns are named as well. Each wide "
                "column is one rater's labels: leave one of the two out.",
            )
    if len(set(wide)) != len(wide):
        raise Invalid("wide_twice", "A wide column is named twice. Name each rater's column once.")
    raters = {name: FieldPath.parse(name) for name in wide}
    rest = [name for name in PEOPLE_FIELDS if name not in {"rater", "label", *wide}]
    paths = columns if is_exact else mapping.completed(columns, rest)
    needed = {**needed_columns(columns, paths, ("item",)), **raters}

    def convert(record: Record) -> list[LabelRow]:
        reader = RowReader(record, {**paths, **raters})
        labels = [(rater, reader.coded(rater, values)) for rater in raters]
        return [
            _label_row(reader, rater=fitting(rater, "rater", limit=NAME_CHARS), label=label)
            for rater, label in labels
            if label
        ]

    return converted(records, needed, convert)


def converted(
    records: Iterable[Record | BrokenRow],
    needed: Mapping[str, FieldPath],
    convert: Callable[[Record], list[Row]],
) -> Iterator[Row | BrokenRow]:
    for record in mapping.checked(records, needed):
        if isinstance(record, BrokenRow):
            yield record
            continue
        try:
            rows = convert(record)
        except Invalid as error:
            yield BrokenRow(record.row, error.sentence, record.unit)
            continue
        yield from rows


@dataclass(frozen=True, slots=True)
class RowReader:
    """The fields of one record as texts; every complaint names the field."""

    record: Record
    paths: Mapping[str, FieldPath]

    def text(self, name: str) -> str:
        path = self.paths.get(name)
        if path is None:
            return ""
        try:
            return mapping.as_key(path.find(self.record.values))
        except Invalid as error:
            if error.code != "not_text":
                raise
            raise Invalid("not_text", f"the {name} cannot be read: {error.sentence}") from error

    def key(self, name: str, *, limit: int = KEY_CHARS) -> str:
        found = self.text(name)
        if not found:
            raise Invalid("empty_field", f"the {name} is empty. Every label needs one.")
        return fitting(found, name, limit=limit)

    def coded(self, name: str, values: Mapping[str, str]) -> str:
        """The label after the value codes; 1.0 in the file is also found under 1."""
        label = self.text(name)
        whole, dot, zeros = label.partition(".")
        if dot and zeros and not zeros.strip("0") and whole in values:
            label = values.get(label, values[whole])
        else:
            label = values.get(label, label)
        return fitting(label, "label", limit=LABEL_CHARS)


def _label_row(reader: RowReader, *, rater: str, label: str) -> LabelRow:
    return LabelRow(
        row=reader.record.row,
        item=reader.key("item"),
        rater=rater,
        label=label,
        dimension=_dimension(reader),
        round=fitting(reader.text("round"), "round", limit=NAME_CHARS),
        cluster=short_key(reader.text("cluster")),
        at=_moment(reader.text("at")),
        unit=reader.record.unit,
    )


def _judge_row(reader: RowReader, *, label: str | None, outcome: str) -> JudgeRow:
    return JudgeRow(
        row=reader.record.row,
        item=reader.key("item"),
        label=label,
        dimension=_dimension(reader),
        order=_order(reader.text("order")),
        sample=_sample(reader.text("sample")),
        confidence=_confidence(reader.text("confidence")),
        outcome=outcome,
    )


def _dimension(reader: RowReader) -> str:
    name = fitting(reader.text("dimension"), "dimension", limit=DIMENSION_CHARS)
    return name or DEFAULT_DIMENSION


def _moment(text: str) -> str:
    if text:
        try:
            # In UTC as well it has to be a moment: year 1 with an offset is none.
            datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            raise Invalid(
                "at", f"“{text[:40]}” is not a moment. Write it as 2026-03-31T14:05:00+00:00."
            ) from None
    return text


def _order(text: str) -> str:
    order = text.upper()
    if order and order not in ORDERS:
        raise Invalid("order", f"the order “{text[:40]}” is neither AB nor BA.")
    return order


def _sample(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal()) or int(text[:9]) > _HIGHEST_SAMPLE:
        raise Invalid("sample", f"the sample “{text[:40]}” is not a whole number from 0.")
    return int(text[:9])


def _confidence(text: str) -> float | None:
    if not text:
        return None
    try:
        confidence = float(text)
    except ValueError:
        confidence = math.nan
    if not 0.0 <= confidence <= 1.0:
        raise Invalid("confidence", f"the confidence “{text[:40]}” is not a number from 0 to 1.")
    return confidence


# --- what the options must hold ---------------------------------------------------------------


def needed_columns(
    columns: Mapping[str, FieldPath], paths: Mapping[str, FieldPath], required: Sequence[str]
) -> dict[str, FieldPath]:
    """Columns that must be there: those that somebody named and those that no label lacks."""
    for name in required:
        if name not in paths:
            raise Invalid(
                "field_unmapped", f"No column is left for the field “{name}”. Map one to it."
            )
    return {**columns, **{name: paths[name] for name in required}}


def check_fields(columns: Mapping[str, FieldPath], fields: Sequence[str]) -> None:
    for name in columns:
        if name not in fields:
            raise Invalid(
                "unknown_field",
                f"There is no field “{name}” to map to. Fields: {mapping.listed(name, fields)}.",
            )


def _check_outcomes(values: Mapping[str, str], *, is_judge: bool) -> None:
    for value, label in values.items():
        if not label.startswith(_OUTCOME_MARK):
            continue
        if not is_judge:
            raise Invalid(
                "outcome_for_people",
                f"“{value}={label}” sets an outcome, and only a judge's rows have one. "
                f"For a label that does not count write “{value}=”.",
            )
        if label[1:] not in OUTCOMES:
            raise Invalid(
                "outcome",
                f"“{value}={label}” sets an unknown outcome. Outcomes: {', '.join(OUTCOMES)}.",
            )
