"""A label table on disk between being read and being stored: memory does not grow with it.

SQLite's own temporary database: what does not fit into its small cache lies in a file without a
name, which goes with the connection. It is sorted there too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, Self

from annotation.rules.labeltable import LabelRow
from core.reading.limits import LISTED_BROKEN_ROWS
from core.reading.rows import Unit

PIECE = 1000

_LAID_OUT = """
PRAGMA journal_mode = OFF;
CREATE TABLE said (
    n INTEGER PRIMARY KEY, item TEXT, rater TEXT, label TEXT, dimension TEXT, round TEXT,
    cluster TEXT, at TEXT, row INTEGER, unit TEXT
);
CREATE TABLE items (
    first INTEGER PRIMARY KEY, name TEXT UNIQUE, cluster TEXT, row INTEGER, unit TEXT, pk INTEGER
);
CREATE TABLE placed (
    round TEXT, repeat INTEGER, first INTEGER, n INTEGER, rater TEXT, label TEXT, dimension TEXT,
    at TEXT, PRIMARY KEY (round, repeat, first, n)
) WITHOUT ROWID;
"""
_SAY = """
INSERT INTO said (item, rater, label, dimension, round, cluster, at, row, unit)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
# Of the row with the least number the other columns are taken, of the last one the cluster.
_FIND_ITEMS = """
INSERT INTO items (first, name, row, unit, cluster)
SELECT one.first, one.item, one.row, one.unit, other.cluster
FROM (SELECT min(n) AS first, item, row, unit FROM said GROUP BY item) AS one
LEFT JOIN (
    SELECT item, cluster, max(n) FROM said WHERE cluster <> '' GROUP BY item
) AS other ON other.item = one.item
"""
_PLACE = """
INSERT INTO placed
SELECT said.round,
    row_number() OVER (
        PARTITION BY said.item, said.rater, said.round, called.key ORDER BY said.n
    ) - 1,
    items.first, said.n, said.rater, said.label, said.dimension, said.at
FROM said JOIN items ON items.name = said.item JOIN called ON called.name = said.dimension
"""


class Place(NamedTuple):
    """Where rows go: their round as named in the file, and how often they were said before."""

    round: str
    repeat: int


class NamedItem(NamedTuple):
    """An item of the table, with the row that names it first."""

    name: str
    cluster: str
    row: int
    unit: Unit


class Said(NamedTuple):
    """One label in its place."""

    item: int
    rater: str
    label: str
    dimension: str
    at: str


class LabelSpool:
    """Rows in file order, then their items, then the place of each. Closed, all of it is gone.

    `different`: every dimension with every label that it was given. Once the rows are placed,
    `places` are their rounds in the order of the file, and so many of them are `repeats`.
    """

    def __init__(self, rows: Iterable[LabelRow]) -> None:
        # A worker on PostgreSQL has no other use for it: 2 MB.
        import sqlite3

        self._file = sqlite3.connect("")
        try:
            self._file.executescript(_LAID_OUT)
            self._file.executemany(_SAY, map(_columns, rows))
            self._file.execute(_FIND_ITEMS)
        except BaseException:
            self._file.close()
            raise
        self.labels = self._number("SELECT count(*) FROM said")
        self.items = self._number("SELECT count(*) FROM items")
        self.different: list[tuple[str, str]] = self._file.execute(
            "SELECT DISTINCT dimension, label FROM said ORDER BY 1, 2"
        ).fetchall()
        self.places: list[Place] = []
        self.repeats = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_about: object) -> None:
        self._file.close()

    def rows_of(self, dimension: str, label: str) -> tuple[int, list[tuple[int, Unit]]]:
        """How many rows say so, and the numbers of the first ones."""
        which = "FROM said WHERE dimension = ? AND label = ?"
        first = self._file.execute(
            f"SELECT row, unit {which} ORDER BY n LIMIT ?",
            (dimension, label, LISTED_BROKEN_ROWS),
        )
        total = self._number(f"SELECT count(*) {which}", (dimension, label))
        return total, first.fetchall()

    def raters(self) -> list[str]:
        found = self._file.execute("SELECT DISTINCT rater FROM said ORDER BY 1")
        return [rater for (rater,) in found]

    def unknown(self) -> Iterator[list[NamedItem]]:
        """The items without a key, some at a time, in the order of the file; a key may be given to
        them meanwhile."""
        last = -1
        while piece := self._file.execute(
            "SELECT first, name, coalesce(cluster, ''), row, unit FROM items "
            "WHERE pk IS NULL AND first > ? ORDER BY first LIMIT ?",
            (last, PIECE),
        ).fetchall():
            last = piece[-1][0]
            yield [NamedItem(*row[1:]) for row in piece]

    def know(self, keys: Mapping[str, int]) -> None:
        """Remember the keys of items by their names."""
        pairs = [(pk, name) for name, pk in keys.items()]
        self._file.executemany("UPDATE items SET pk = ? WHERE name = ?", pairs)

    def item_keys(self) -> Iterator[list[int]]:
        """The keys of all items, some at a time."""
        found = (pk for (pk,) in self._file.execute("SELECT pk FROM items ORDER BY pk"))
        while piece := list(islice(found, PIECE)):
            yield piece

    def place(self, called: Mapping[str, str]) -> None:
        """Part the rows by round and repeat, where dimensions that are `called` the same are one:
        of what is said twice the first counts."""
        self._file.execute("DELETE FROM placed")
        self._file.execute("DROP TABLE IF EXISTS called")
        self._file.execute("CREATE TABLE called (name TEXT PRIMARY KEY, key TEXT)")
        self._file.executemany("INSERT INTO called VALUES (?, ?)", called.items())
        self._file.execute(_PLACE)
        self.repeats = self._number("SELECT count(*) FROM placed WHERE repeat > 0")
        found = self._file.execute(
            "SELECT round, repeat FROM placed GROUP BY round, repeat ORDER BY min(n)"
        )
        self.places = [Place(*row) for row in found]

    def said_in(self, place: Place) -> Iterator[Said]:
        """The rows of a place, those of an item after one another."""
        found = self._file.execute(
            "SELECT items.pk, rater, label, dimension, at FROM placed "
            "JOIN items ON items.first = placed.first "
            "WHERE placed.round = ? AND placed.repeat = ? ORDER BY placed.first, placed.n",
            place,
        )
        return (Said(*row) for row in found)

    def _number(self, statement: str, values: Sequence[object] = ()) -> int:
        return int(self._file.execute(statement, values).fetchone()[0])


def _columns(row: LabelRow) -> tuple[object, ...]:
    return (
        row.item, row.rater, row.label, row.dimension, row.round, row.cluster, row.at, row.row,
        row.unit,
    )  # fmt: skip
