"""What a house stands on, taken away for a while: its database, or the queue of its wake-ups."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import dj_database_url


@contextmanager
def sqlite_locked(file: Path) -> Iterator[None]:
    """Hold the only write lock, as a process does that was stopped inside of a transaction."""
    with closing(sqlite3.connect(file, timeout=30, isolation_level=None)) as line:
        line.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            line.execute("ROLLBACK")


@contextmanager
def postgres_away(url: str, *, server: str) -> Iterator[None]:
    """End every connection to the database of a URL and take no new one.

    `server` is the URL of another database of the same server, over which this is said.
    """
    import psycopg
    from psycopg import sql

    name = str(dj_database_url.parse(url)["NAME"])
    given = dj_database_url.parse(server)
    allow = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
    with psycopg.connect(
        host=given["HOST"],
        port=given["PORT"] or 5432,
        user=given["USER"],
        password=given["PASSWORD"],
        dbname=given["NAME"],
        autocommit=True,
    ) as line:
        line.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        try:
            line.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [name],
            )
            yield
        finally:
            line.execute(allow.format(sql.Identifier(name), sql.SQL("true")))


def forget_messages(queue: Path) -> None:
    """Take the folder of the embedded queue away, with every message in it."""
    shutil.rmtree(queue, ignore_errors=True)
