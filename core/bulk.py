"""Many rows at once, past the ORM's objects, which cost more than the rows themselves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, DecimalField, Field, JSONField, Model

_text = json.encoder.encode_basestring_ascii
_SQLITE_LAST = "SELECT seq FROM sqlite_sequence WHERE name = %s"
_USUAL_PAGES, _MANY_PAGES = 1_000, 16_000
"""Of 4 KB; the first is SQLite's default."""
MANY = 5000
"""So many new rows change how the database should look for one: see `weigh`."""
_POSTGRES_NEXT = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"


def reserved_ids(model: type[Model], count: int) -> Sequence[int]:
    """Primary keys for new rows of a model, in rising order.

    To be called inside the transaction that inserts them: on SQLite it is the write lock, taken
    at its start, that keeps them from everybody else.
    """
    table = model._meta.db_table  # noqa: SLF001  # its public name
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRES_NEXT, [f'"{table}"', count])
            return [row[0] for row in cursor.fetchall()]
        cursor.execute(_SQLITE_LAST, [table])
        found = cursor.fetchone()
    last = int(found[0]) if found else 0
    return range(last + 1, last + 1 + count)


def insert(model: type[Model], names: Sequence[str], rows: Iterable[list[object]]) -> None:
    """Insert rows whose values stand in the order of `names` (field names).

    Nothing is filled in but a key that is not named, nothing is checked or signalled: every field
    has to be named, and its value to be of the field's own type. Raises what the database raises,
    an IntegrityError above all.
    """
    table = model._meta.db_table  # noqa: SLF001  # its public name
    columns, writers = _columns(model, tuple(names))
    prepared = _prepared(writers, rows)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f'COPY "{table}" ({columns}) FROM STDIN') as copy:
                for row in prepared:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(names))
            # Names of our own models only: no value gets into the statement.
            statement = f'INSERT INTO "{table}" ({columns}) VALUES ({marks})'  # noqa: S608
            cursor.executemany(statement, prepared)  # type: ignore[arg-type]


def insert_few(model: type[Model], names: Sequence[str], rows: Sequence[list[object]]) -> list[int]:
    """`insert` of some rows without keys, in one statement; the keys that they got, in order.

    For a group of a few dozen: a reservation of keys and a COPY are four trips to the server.
    """
    if not rows:
        return []
    columns, writers = _columns(model, tuple(names))
    one = f"({', '.join(['%s'] * len(names))})"
    marks = ", ".join([one] * len(rows))
    table = model._meta.db_table  # noqa: SLF001  # its public name
    # Names of our own models only: no value gets into the statement.
    statement = f'INSERT INTO "{table}" ({columns}) VALUES {marks} RETURNING "id"'  # noqa: S608
    values: list[Any] = [value for row in _prepared(writers, rows) for value in row]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        # Neither database promises the order of what it returns; keys rise from row to row.
        return sorted(key for (key,) in cursor.fetchall())


def run_for_each(statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """One statement for each of a few dozen rows, in one trip to the server.

    Not psycopg's `executemany`: it asks again and again whether the server has answered, which was
    a quarter of all that the processor did for a run.
    """
    if not rows:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Values are written into the text (Django's usual binding), so several may be sent.
            values = [value for row in rows for value in row]
            cursor.execute("; ".join([statement] * len(rows)), values)
        else:
            cursor.executemany(statement, rows)


@contextmanager
def seldom_checkpointed() -> Iterator[None]:
    """While many transactions write one after the other: SQLite copies its log into the database
    after so many pages, which by default is after each of them.

    What is in the log is as safe as what is in the database; it grows to 64 MB meanwhile.
    """
    if connection.vendor != "sqlite":
        yield
        return
    _checkpoint_after(_MANY_PAGES)
    try:
        yield
    finally:
        _checkpoint_after(_USUAL_PAGES)


def _checkpoint_after(pages: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA wal_autocheckpoint = {pages}")


def weigh(*models: type[Model]) -> None:
    """Have the database look anew at how many rows these tables hold, after many came at once.

    PostgreSQL does it by itself a minute later; until then it plans as for the tables that were
    there before, and looks for one slot among all of them. It costs a sample, whatever the size.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for model in models:
            cursor.execute(f'ANALYZE "{model._meta.db_table}"')  # noqa: SLF001


@lru_cache(maxsize=64)
def _columns(
    model: type[Model], names: tuple[str, ...]
) -> tuple[str, tuple[tuple[int, Callable[[object], object]], ...]]:
    """The columns of a statement, and by place what makes of a value what the driver takes."""
    fields = [_field(model, name) for name in names]
    writers = [(at, writer(field)) for at, field in enumerate(fields)]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    return columns, tuple((at, write) for at, write in writers if write is not None)


def _field(model: type[Model], name: str) -> Field[object, object]:
    found = model._meta.get_field(name)  # noqa: SLF001
    assert isinstance(found, Field), f"{name} is no column"
    return found


def _prepared(
    writers: Sequence[tuple[int, Callable[[object], object]]], rows: Iterable[list[object]]
) -> Iterator[list[object]]:
    """The rows with what the driver does not take as it is (moments, money, JSON) as it does."""
    for row in rows:
        for at, write in writers:
            if row[at] is not None:
                row[at] = write(row[at])
        yield row


def writer(field: Field[object, object]) -> Callable[[object], object] | None:
    """What makes of a value (not of a null) what the driver takes; None where it takes it as it is.

    Moments and amounts repeat from row to row, JSON does not.
    """
    if isinstance(field, JSONField):
        return partial(json.dumps, cls=field.encoder) if field.encoder else json_text
    if isinstance(field, DateTimeField | DecimalField):
        return lru_cache(maxsize=256)(partial(field.get_db_prep_save, connection=connection))
    return None


def json_text(value: object) -> str:
    """What `json.dumps` makes of it: each start of its encoder costs more than a text or a list."""
    if type(value) is str:
        return _text(value)
    if type(value) is list:
        told = [_text(one) if type(one) is str else json_text(one) for one in value]
        return f"[{', '.join(told)}]"
    if type(value) is dict and {*map(type, value)} <= {str}:
        pairs = [
            f"{_text(key)}: {_text(one) if type(one) is str else json_text(one)}"
            for key, one in value.items()
        ]
        return f"{{{', '.join(pairs)}}}"
    return json.dumps(value)
