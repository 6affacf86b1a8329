"""Statements that are built and compiled once, and run again with other values.

Django builds a queryset and compiles it to SQL anew each time that it is asked. On the way of a
rating, where every request asks the same dozen questions, that was 85 % of the processor time and
the database 5 % (ADR 0030). Here the same querysets are written once, as functions of their
values; what reaches the database is, to the letter, what Django would have sent.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.subqueries import DeleteQuery, UpdateQuery
from django.db.transaction import TransactionManagementError

Row = TypeVar("Row", bound=Model)
Change = tuple[QuerySet[Any, Any], dict[str, Any]]
"""Which rows, and the new value of each field."""
_STAND_INS: dict[str, Callable[[int], object]] = {
    "int": lambda n: 31_000 + n,
    "float": lambda n: 31_000.5 + n,
    "str": lambda n: f"stand-in {n}",
    "datetime": lambda n: datetime(1987, 6, 5, tzinfo=UTC) + timedelta(seconds=n),
}
"""By the type of a value: the n-th of those that stand for it while a statement is compiled.
The whole numbers fit into the smallest column there is."""
_KEYS = "Sequence[int]"
_FIRST_KEY = 100_000
MOST_KEYS = 1024


@dataclass(frozen=True, slots=True)
class _Compiled:
    """One statement for one database: `places` says which value each parameter is, and of keys
    which one."""

    compiler: SQLCompiler
    sql: str
    params: tuple[Any, ...]
    places: tuple[tuple[int, str, int | None], ...]

    def filled(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        params = list(self.params)
        for place, name, at in self.places:
            value = values[name]
            if at is not None:
                # Fewer keys than places: one that is asked for twice changes nothing.
                value = value[min(at, len(value) - 1)]
            if isinstance(value, datetime):
                params[place] = connection.ops.adapt_datetimefield_value(value)
            else:
                # psycopg is told the width of a whole number by a class of its own.
                params[place] = type(params[place])(value)
        return tuple(params)


class _Statement:
    """What the three kinds share: compiling once for each database and shape.

    `build` takes its values by keyword, each `int`, `float`, `str` or `datetime`, or some keys
    (`Sequence[int]`, 1 to `MOST_KEYS` of them) for an `__in`. A parameter of any other type, a
    `bool` above all, shapes the SQL: each of its values is compiled by itself.
    """

    def __init__(self, build: Callable[..., Any]) -> None:
        kinds = inspect.get_annotations(build)
        names = list(inspect.signature(build).parameters)
        self.build = build
        self._values = {name: kinds[name] for name in names if kinds[name] in _STAND_INS}
        self._keys = tuple(name for name in names if kinds[name] == _KEYS)
        self._shaping = tuple(
            name for name in names if name not in self._values and name not in self._keys
        )
        self._known: dict[tuple[object, ...], _Compiled] = {}

    def asked(self, **values: Any) -> tuple[str, tuple[Any, ...]]:
        """The SQL and its parameters."""
        compiled = self._compiled(values)
        return compiled.sql, compiled.filled(values)

    def _compiled(self, values: Mapping[str, Any]) -> _Compiled:
        shape = tuple(values[name] for name in self._shaping)
        room = tuple(_room_for(len(values[name])) for name in self._keys)
        key = (connection.vendor, *shape, *room)
        if key not in self._known:
            self._known[key] = self._compile(dict(zip(self._shaping, shape, strict=True)), room)
        return self._known[key]

    def _compile(self, shape: Mapping[str, Any], room: Sequence[int]) -> _Compiled:
        """Built twice with different stand-ins: where the parameters differ, a value stands.

        Raises `TypeError` when a value would change the SQL, or reaches it changed or not at all.
        """
        numbers = count()
        ones, others = self._stand_ins(room, numbers), self._stand_ins(room, numbers)
        compiler = self._compiler(**shape, **ones)
        sql, params = compiler.as_sql()
        other_sql, other_params = self._compiler(**shape, **others).as_sql()
        if sql != other_sql:
            raise TypeError(f"{self.build.__qualname__}: a value changes the SQL; make it a bool.")
        found = {
            (_adapted(one), _adapted(other)): place
            for (place, one), (_, other) in zip(_each(ones), _each(others), strict=True)
        }
        pairs = list(enumerate(zip(params, other_params, strict=True)))
        places = tuple(
            (at, *found.get(pair, ("", None))) for at, pair in pairs if pair[0] != pair[1]
        )
        if {(name, at) for _, name, at in places} != set(found.values()):
            raise TypeError(f"{self.build.__qualname__}: a value is changed before it is asked.")
        return _Compiled(compiler, sql, tuple(params), places)

    def _stand_ins(self, room: Sequence[int], numbers: Iterator[int]) -> dict[str, object]:
        made = {name: _STAND_INS[kind](next(numbers)) for name, kind in self._values.items()}
        for name, size in zip(self._keys, room, strict=True):
            made[name] = [_FIRST_KEY + next(numbers) for _ in range(size)]
        return made

    def _compiler(self, **values: Any) -> SQLCompiler:
        raise NotImplementedError


class Prepared(_Statement, Generic[Row]):
    """A query. `build` returns a queryset, of rows with what they are selected with or of
    `values_list`; what it prefetches is left out."""

    def __init__(self, build: Callable[..., QuerySet[Row, Any]]) -> None:
        super().__init__(build)
        self._readers: dict[SQLCompiler, _Reader] = {}

    def rows(self, **values: Any) -> list[Any]:
        """What the queryset holds for these values: rows, or tuples of values."""
        compiled = self._compiled(values)
        if compiled.compiler.query.select_for_update and not connection.in_atomic_block:
            raise TransactionManagementError("Rows are held for update in a transaction only.")
        with connection.cursor() as cursor:
            cursor.execute(compiled.sql, compiled.filled(values))
            found = cursor.fetchall()
        return self._reader(compiled.compiler)(found) if found else []

    def one(self, **values: Any) -> Any:
        """The first of them, or None."""
        found = self.rows(**values)
        return found[0] if found else None

    def _reader(self, compiler: SQLCompiler) -> _Reader:
        if compiler not in self._readers:
            self._readers[compiler] = _reader(compiler)
        return self._readers[compiler]

    def _compiler(self, **values: Any) -> SQLCompiler:
        return _compiler_of(self.build(**values).query)


class PreparedUpdate(_Statement):
    """A conditional update, all in one statement."""

    def __init__(self, build: Callable[..., Change]) -> None:
        super().__init__(build)

    def run(self, **values: Any) -> int:
        """How many rows were changed."""
        return _changed(*self.asked(**values))

    def _compiler(self, **values: Any) -> SQLCompiler:
        queryset, fields = self.build(**values)
        query = queryset.query.chain(UpdateQuery)
        query.add_update_values(fields)
        return _compiler_of(query)


class PreparedDelete(_Statement):
    """`build` returns a queryset of rows that nothing points at: nothing else is deleted."""

    def run(self, **values: Any) -> int:
        """How many rows were deleted."""
        return _changed(*self.asked(**values))

    def _compiler(self, **values: Any) -> SQLCompiler:
        return _compiler_of(self.build(**values).query.chain(DeleteQuery))


_Reader = Callable[[Sequence[Sequence[Any]]], list[Any]]


def _reader(compiler: SQLCompiler) -> _Reader:
    """What makes of the database's rows what the queryset would give."""
    assert compiler.select is not None, "it was compiled"
    converters = compiler.get_converters([one[0] for one in compiler.select[: compiler.col_count]])

    def converted(found: Sequence[Sequence[Any]]) -> Iterable[Sequence[Any]]:
        return compiler.apply_converters(found, converters) if converters else found

    if not compiler.query.default_cols:
        return lambda found: [tuple(row) for row in converted(found)]
    info = compiler.klass_info
    assert info is not None, "rows of a model"
    first, last = info["select_fields"][0], info["select_fields"][-1] + 1
    names = [one[0].target.attname for one in compiler.select[first:last]]
    related = get_related_populators(info, compiler.select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]  # as of 5.2

    def made(row: Sequence[Any]) -> Any:
        instance = info["model"].from_db(DEFAULT_DB_ALIAS, names, row[first:last])
        for one in related:
            one.populate(row, instance)
        return instance

    return lambda found: [made(row) for row in converted(found)]


def _room_for(keys: int) -> int:
    """The next power of two: a statement for each number of keys would be one too many."""
    if not 0 < keys <= MOST_KEYS:
        raise ValueError(f"1 to {MOST_KEYS} keys can be asked for at once, not {keys}.")
    return 1 << (keys - 1).bit_length()


def _each(values: Mapping[str, object]) -> Iterator[tuple[tuple[str, int | None], object]]:
    """Every single value, keys one by one, with its name and place."""
    for name, value in values.items():
        if isinstance(value, list):
            for at, one in enumerate(value):
                yield (name, at), one
        else:
            yield (name, None), value


def _compiler_of(query: Query) -> SQLCompiler:
    compiler: SQLCompiler = query.get_compiler(DEFAULT_DB_ALIAS)
    return compiler


def _changed(sql: str, params: Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


def _adapted(value: object) -> object:
    """A value as it reaches the database."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value
