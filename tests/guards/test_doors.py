"""Every address has a door: a page its mark, an operation of the API its token and scope."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

from accounts.doors import Door
from accounts.permissions import TokenDoor
from accounts.roles import Scope

WITHOUT_A_MARK = {
    "healthz": "says that the process lives, to whoever watches it",
    "readyz": "says that the house is ready, without a word of its content",
    "metrics": "counts of jobs over all projects",
    "favicon.ico": "a picture",
    "styleguide/": "asks for the staff flag by itself, and shows invented rows only",
    "api/schema/": "the description of the API, the same for everybody",
    "api/docs/": "the description of the API, drawn",
}
"""core stands below accounts and cannot use its marks; each address here has its reason."""

OPEN_TO_ALL = {
    "sign-in/": "nobody has a session before it",
    "sign-out/": "a session that is over cannot be asked for",
    "password/forgotten/": "whoever forgot the password has no session",
    "password/new/": "the key in the link is what lets in",
    "join/": "the same; without a key nothing is told",
}
"""Pages marked `public`."""


@dataclass(frozen=True, slots=True)
class Way:
    """One URL pattern and what answers there."""

    route: str
    view: Callable[..., Any]

    @property
    def operation(self) -> type[APIView] | None:
        found = getattr(self.view, "cls", None) or getattr(self.view, "view_class", None)
        is_operation = isinstance(found, type) and issubclass(found, APIView)
        return found if is_operation else None

    @property
    def door(self) -> Door | None:
        return getattr(self.view, "door", None)


def ways(patterns: list[Any] | None = None, before: str = "") -> Iterator[Way]:
    for one in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from ways(one.url_patterns, route)
        elif isinstance(one, URLPattern):
            yield Way(route, one.callback)


ALL = list(ways())
MARKED = [way for way in ALL if way.route not in WITHOUT_A_MARK]
PAGES = [way for way in MARKED if way.operation is None]
OPERATIONS = [way for way in MARKED if way.operation is not None]


def named(found: list[Way]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("way", found, ids=[way.route or "/" for way in found])


@named(PAGES)
def test_a_page_has_a_door(way: Way) -> None:
    assert isinstance(way.door, Door), "mark the view with door(…), signed_in or public"


@named(PAGES)
def test_a_page_of_a_project_is_for_its_members(way: Way) -> None:
    if "<slug:slug>" in way.route:
        assert way.door is not None
        assert way.door.kind == "member"


@named(OPERATIONS)
def test_an_operation_asks_for_a_token_and_names_its_scope(way: Way) -> None:
    operation = way.operation
    assert operation is not None
    doors = operation.permission_classes
    assert any(isinstance(one, type) and issubclass(one, TokenDoor) for one in doors)
    assert isinstance(getattr(operation, "scope", None), Scope)
    assert isinstance(getattr(operation, "writing_scope", Scope.WRITE), Scope)


def test_only_the_known_pages_are_open_to_all() -> None:
    found = {way.route for way in PAGES if way.door is not None and way.door.kind == "public"}
    assert found == set(OPEN_TO_ALL)


def test_the_list_of_addresses_without_a_mark_is_not_stale() -> None:
    assert set(WITHOUT_A_MARK) <= {way.route for way in ALL}


def test_there_are_pages_and_operations_to_guard() -> None:
    assert len(PAGES) > 20
    assert OPERATIONS
