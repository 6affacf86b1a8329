"""What a test that commits leaves behind, deleted: the rows, and nothing is laid anew.

Django's flush truncates every table, which is hundreds of files on PostgreSQL, and then writes
content types and permissions as after a migration. Most tests fill some ten tables.
"""

from __future__ import annotations

from functools import cache

from django.db import connection, transaction

KEPT = frozenset({"django_content_type", "auth_permission"})
"""Written by the migrations and by nobody else; a flush writes them again."""


def empty() -> None:
    """Delete every row. Foreign keys are looked at when all are gone."""
    filled = _filled()
    if not filled:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        for table in filled:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")


def _filled() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_question())
        return [str(table) for (table,) in cursor.fetchall()]


@cache
def _question() -> str:
    """One question for the names of all tables that hold a row."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return " UNION ALL ".join(
        f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {connection.ops.quote_name(table)})"
        for table in tables
        if table not in KEPT
    )
