"""What a list is narrowed by and sorted by, read from its address."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

T = TypeVar("T")
Key = Callable[[T], Any]


def search(label: str, *, name: str = "Find in this list", hint: str = "") -> forms.CharField:
    """A field that finds words; the slash leads to it."""
    attrs = {"type": "search", "data-key": "/", "data-key-name": name, "placeholder": hint}
    return forms.CharField(
        label=label, max_length=200, required=False, widget=forms.TextInput(attrs=attrs)
    )


class FilterForm(forms.Form):
    """A list's filter. What cannot be read is said beside its field and narrows nothing."""

    def asked(self, name: str) -> Any:
        """What was asked for in one field; "" or None for everything."""
        self.is_valid()
        return self.cleaned_data.get(name, "")

    def asked_for(self) -> str:
        """What the list is narrowed by, as it stands in an address."""
        given = {name: self.asked(name) for name in self.fields}
        return urlencode({name: value for name, value in given.items() if value not in ("", None)})

    @property
    def is_narrowed(self) -> bool:
        return any(self.asked(name) not in ("", None) for name in self.fields)


def sort_of(asked: str, known: Iterable[str], *, default: str) -> str:
    """The order asked for (`name`, or `-name` for the highest first) if the list knows it."""
    return asked if asked.removeprefix("-") in set(known) else default


def in_order(rows: Iterable[T], keys: Mapping[str, Key[T]], sort: str) -> list[T]:
    """The rows by a key of theirs; those without a value stand last in both directions."""
    key = keys[sort.removeprefix("-")]
    placed = [(key(row), row) for row in rows]
    known = [pair for pair in placed if pair[0] is not None]
    known.sort(key=lambda pair: pair[0], reverse=sort.startswith("-"))
    return [row for _, row in known] + [row for value, row in placed if value is None]


def paged(rows: QuerySet[Any] | Sequence[Any], number: object, *, size: int) -> Page[Any]:
    """One page of a list; a number that is none gives the first or the last."""
    return Paginator(rows, size).get_page(number)  # type: ignore[arg-type]
