"""Words taken out of rows that stay."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

GONE = "(erased)"
"""Stands where a word has to stand."""


def blank(rows: QuerySet[Any], column: str, *, to: str = "") -> None:
    """Put `to` in place of what stands in a column; what is empty or gone already is not written.

    Histories are only added to everywhere else: an erasure is the one act that takes words out of
    them, and no figure is made of a word.
    """
    rows.exclude(**{f"{column}__in": ["", to]}).update(**{column: to})
