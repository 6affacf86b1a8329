"""Say which column of a foreign table is which field: names, dotted paths, parts, value codes."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.errors import Invalid
from core.reading.limits import PEEKED_ROWS
from core.tabular import BrokenRow, Record

ABSENT = object()
"""What `FieldPath.find` answers when the row has no such column (a null is None)."""

_PART = re.compile(r"(?P<column>.+)~(?P<separator>.+)~(?P<index>-?\d+)", re.DOTALL)
_NEAREST = 8


@dataclass(frozen=True, slots=True)
class FieldPath:
    """Where a field lies in a row.

    `text` is what the person wrote. `column` is a column name or a dotted path into nested
    objects and lists (`choices.0.text`); `separator` and `index` pick one part of its text
    (`cmp_key~_~0`: split at `_`, part 0; -1 is the last).
    """

    text: str
    column: str
    separator: str = ""
    index: int = 0

    @property
    def is_plain(self) -> bool:
        """Whether it can be nothing but the name of a column: no path, no part."""
        return not self.separator and "." not in self.column

    @classmethod
    def parse(cls, text: str) -> FieldPath:
        """Read `column`, `outer.inner` or `column~separator~index`."""
        matched = _PART.fullmatch(text)
        if matched is None:
            return cls(text, text)
        return cls(text, matched["column"], matched["separator"], int(matched["index"]))

    def find(self, values: Mapping[str, object]) -> object:
        """The value in a row: None for a null, `ABSENT` when there is no such column.

        A column whose literal name is the whole text wins over parts, and one whose literal name
        holds a dot wins over the path. Raises `Invalid` when the text has too few parts.
        """
        if self.text in values:
            return values[self.text]
        if not self.separator:
            return _dig(values, self.column)
        whole = _dig(values, self.column)
        if whole is ABSENT or whole is None:
            return whole
        parts = as_text(whole)[0].split(self.separator)
        try:
            return parts[self.index]
        except IndexError:
            raise Invalid(
                "no_such_part",
                f"“{self.column}” has {len(parts)} part{'' if len(parts) == 1 else 's'} "
                f"when it is split at “{self.separator}”, and {self.text} asks for part "
                f"{self.index} (the first is 0).",
            ) from None


def _dig(node: object, path: str) -> object:
    """Follow a dotted path; at each step the longest literal name wins."""
    if isinstance(node, dict | Mapping):
        if path in node:
            return node[path]
        cut = path.rfind(".")
        while cut > 0:
            head, rest = path[:cut], path[cut + 1 :]
            if head in node:
                return _dig(node[head], rest)
            cut = path.rfind(".", 0, cut)
        return ABSENT
    if isinstance(node, list):
        head, _, rest = path.partition(".")
        if not head.isdecimal() or int(head) >= len(node):
            return ABSENT
        return _dig(node[int(head)], rest) if rest else node[int(head)]
    return ABSENT


def parse_map(pairs: Iterable[str], *, fields: Collection[str] = ()) -> dict[str, FieldPath]:
    """Read `field=column` pairs, as given to `--map`.

    Raises `Invalid` for a pair without `=`, a field named twice and, where `fields` are given, a
    field that is none of them.
    """
    columns: dict[str, FieldPath] = {}
    for pair in pairs:
        name, sign, column = (part.strip() for part in pair.partition("="))
        if not (name and sign and column):
            raise Invalid(
                "map_syntax", f"“{pair}” is not a mapping. Write field=column, e.g. input=question."
            )
        if fields and name not in fields:
            raise Invalid(
                "unknown_field",
                f"There is no field “{name}” to map to. Fields: {listed(name, fields)}.",
            )
        if name in columns:
            raise Invalid("map_twice", f"The field “{name}” is mapped twice. Map it once.")
        columns[name] = FieldPath.parse(column)
    return columns


def parse_values(pairs: Iterable[str]) -> dict[str, str]:
    """Read `value=label` pairs, as given to `--values`: what the file says, and what is meant.

    Split at the last `=`. An empty label makes the value a missing one; `!invalid` and the like
    set an outcome. Raises `Invalid` for a pair without `=` and a value named twice.
    """
    values: dict[str, str] = {}
    for pair in pairs:
        value, sign, label = (part.strip() for part in pair.rpartition("="))
        if not sign:
            raise Invalid(
                "values_syntax", f"“{pair}” is not a value code. Write value=label, e.g. 1=A."
            )
        if value in values:
            raise Invalid("values_twice", f"The value “{value}” is coded twice. Code it once.")
        values[value] = label
    return values


def completed(columns: Mapping[str, FieldPath], fields: Iterable[str]) -> dict[str, FieldPath]:
    """The mapping with each unmapped field looked for under its own name.

    A column that is already mapped to some field is not taken a second time by its name.
    """
    taken = {path.column for path in columns.values()} | {path.text for path in columns.values()}
    defaults = {name: FieldPath(name, name) for name in fields if name not in taken}
    return {**defaults, **columns}


def missing_columns(
    columns: Mapping[str, FieldPath], values: Mapping[str, object]
) -> dict[str, FieldPath]:
    """Those fields of the mapping whose column this row does not have."""
    return {
        name: path
        for name, path in columns.items()
        if path.text not in values and _dig(values, path.column) is ABSENT
    }


def checked(
    rows: Iterable[Record | BrokenRow],
    columns: Mapping[str, FieldPath],
    *,
    any_of: Sequence[Mapping[str, FieldPath]] = (),
) -> Iterator[Record | BrokenRow]:
    """Let rows through once each column of the mapping was seen in one of the first rows.

    Of each group in `any_of` one column is enough. JSON objects may leave keys out, so up to 100
    rows are looked at before a column is called unknown; where every row has the same columns it
    is the first one. Raises `Invalid` (code `unknown_columns`) before any row comes out.
    """
    stream = iter(rows)
    waiting: list[Record | BrokenRow] = []
    missing = dict(columns)
    groups = list(any_of)
    first: Record | None = None
    for row in stream:
        waiting.append(row)
        if isinstance(row, Record):
            first = first or row
            missing = missing_columns(missing, row.values)
            groups = [g for g in groups if len(missing_columns(g, row.values)) == len(g)]
            if not missing and not groups:
                break
        if len(waiting) >= PEEKED_ROWS:
            break
    if missing and first is not None:
        raise _unknown_columns(missing, first.values)
    if groups and first is not None:
        raise _no_column_for(groups[0], first.values)
    yield from waiting
    yield from stream


def _no_column_for(group: Mapping[str, FieldPath], values: Mapping[str, object]) -> Invalid:
    field = next(iter(group))
    names = " or ".join(f"“{path.column}”" for path in group.values())
    return Invalid(
        "unknown_columns",
        f"The file has no column {names}. It has: {listed(field, values)}. "
        f"Map one of these, e.g. {field}={listed(field, values).split(', ')[0]}.",
        {field: ["Map a column to it."]},
    )


def _unknown_columns(missing: Mapping[str, FieldPath], values: Mapping[str, object]) -> Invalid:
    sentences = {
        name: [f"There is no column “{path.column}”. Columns: {listed(path.column, values)}."]
        for name, path in missing.items()
    }
    named = " and ".join(f"“{path.column}” (for {name})" for name, path in missing.items())
    path = next(iter(missing.values()))
    return Invalid(
        "unknown_columns",
        f"The file has no column {named}. It has: {listed(path.column, values)}. "
        "Map the field to one of these.",
        sentences,
    )


def listed(wanted: str, names: Collection[str]) -> str:
    """Names for a sentence, those nearest to the wanted one first, the rest only counted."""
    ranked = sorted(
        names,
        key=lambda name: -difflib.SequenceMatcher(None, wanted.lower(), name.lower()).ratio(),
    )
    more = len(ranked) - _NEAREST
    return ", ".join(ranked[:_NEAREST]) + (f" and {more} more" if more > 0 else "")


def as_text(value: object) -> tuple[str, bool]:
    """A value as text, and whether it was something else (true -> "true", 3 -> "3").

    A null is ''. Raises `Invalid` for objects and lists: one value inside has to be named.
    """
    if isinstance(value, str):
        return value, False
    if value is None or value is ABSENT:
        return "", False
    if isinstance(value, bool):
        return ("true" if value else "false"), True
    if isinstance(value, int | float):
        return json.dumps(value), True
    raise Invalid("not_text", f"it is {_shape(value)}, not a text. Map a value inside it.")


def as_key(value: object) -> str:
    """A value as the text under which it is compared: trimmed, and 3.0 is 3.

    Tables written by programs turn whole numbers into 3.0 as soon as one cell of the column is
    empty. Raises `Invalid` for objects and lists.
    """
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return str(int(value))
    return as_text(value)[0].strip()


def _shape(value: object) -> str:
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, Mapping) else "of another type"


def unmapped(values: Mapping[str, object], columns: Mapping[str, FieldPath]) -> dict[str, object]:
    """What a row holds beyond the mapped places; nulls and empty texts are left out.

    Only the mapped place inside a nested value is taken out of it, the rest stays.
    """
    rest: dict[str, object] = dict(values)
    for path in columns.values():
        rest.pop(path.text, None) if path.text in rest else _prune(rest, path.column)
    return {name: value for name, value in rest.items() if value not in (None, "", {}, [])}


def _prune(node: dict[str, object], path: str) -> None:
    """Take the place at a dotted path out of a row, copying what is changed on the way."""
    if path in node:
        del node[path]
        return
    cut = path.rfind(".")
    while cut > 0:
        head, rest = path[:cut], path[cut + 1 :]
        if head in node:
            node[head] = _pruned(node[head], rest)
            return
        cut = path.rfind(".", 0, cut)


def _pruned(node: object, path: str) -> object:
    if isinstance(node, Mapping):
        copy = dict(node)
        _prune(copy, path)
        return copy
    if isinstance(node, list):
        head, _, rest = path.partition(".")
        if head.isdecimal() and int(head) < len(node):
            place = int(head)
            return [*node[:place], _pruned(node[place], rest) if rest else None, *node[place + 1 :]]
    return node
