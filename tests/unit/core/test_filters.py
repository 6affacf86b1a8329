"""Lists are read from their address: what is asked for, and in which order."""

from __future__ import annotations

import pytest
from django import forms
from django.http import QueryDict

from core import filters
from core.filters import FilterForm, search


class Rounds(FilterForm):
    q = search("Round")
    state = forms.ChoiceField(required=False, choices=[("", "any"), ("open", "open")])
    least = forms.IntegerField(required=False, min_value=1)


def test_what_is_asked_for_is_read() -> None:
    form = Rounds(QueryDict("q=week&state=open&least=3"))
    assert [form.asked(name) for name in form.fields] == ["week", "open", 3]
    assert form.is_narrowed


@pytest.mark.parametrize("query", ["", "q=&state=&least=", "state=nonsense", "least=0", "q=a%00b"])
def test_what_is_empty_or_cannot_be_read_narrows_nothing(query: str) -> None:
    assert not Rounds(QueryDict(query)).is_narrowed


def test_what_cannot_be_read_leaves_the_other_fields_alone() -> None:
    form = Rounds(QueryDict("q=week&least=many"))
    assert (form.asked("q"), form.asked("least")) == ("week", "")
    assert form.errors["least"]


@pytest.mark.parametrize(
    ("asked", "sort"),
    [("n", "n"), ("-n", "-n"), ("", "n"), ("--n", "n"), ("n; drop", "n"), ("other", "n")],
)
def test_an_order_that_the_list_does_not_know_is_the_usual_one(asked: str, sort: str) -> None:
    assert filters.sort_of(asked, ["n"], default="n") == sort


def test_rows_without_a_value_stand_last_in_both_directions() -> None:
    rows = [3, None, 1, 2]
    keys = {"n": lambda row: row}
    assert filters.in_order(rows, keys, "n") == [1, 2, 3, None]
    assert filters.in_order(rows, keys, "-n") == [3, 2, 1, None]


@pytest.mark.parametrize(
    ("number", "place"), [("2", 2), ("x", 1), (None, 1), ("0", 2), ("9" * 23, 2)]
)
def test_a_number_that_is_no_page_gives_the_first_or_the_last(number: object, place: int) -> None:
    assert filters.paged(range(4), number, size=2).number == place
