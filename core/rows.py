"""Single rows."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)


def only(rows: QuerySet[Row]) -> Row | None:
    """The row of a query that finds one at most; None without any.

    `first()` would sort, and to sort Django hashes every selected column: on rows with their
    relations that costs more than the query.
    """
    return next(iter(rows.order_by()[:1]), None)
