"""The permission table against what is answered: no line too few, none too many, none wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import pytest
from django.utils import timezone

from accounts.doors import Door
from accounts.models import ApiToken
from accounts.permissions import TokenDoor
from accounts.roles import Scope
from tests import builders
from tests.guards.addresses import Address, addresses, own_urls
from tests.guards.permissions import API, OF_NO_PROJECT, PAGES, ROLES, SCOPES, VISITORS
from tests.guards.walking import Answer, as_token
from tests.guards.world import World

# One process, so that the world is made once.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("isolation")]

NOT_THEIRS = frozenset({401, 403})
REFUSED = NOT_THEIRS | {404}
NOT_TAKEN = 405


WITHOUT_DOOR = {
    "healthz": "asked by what runs the process, says nothing of any project",
    "readyz": "the same",
    "metrics": "counts of the whole house",
    "favicon": "a picture",
    "styleguide": "refuses by itself all but staff of the house",
    "schema": "describes the API, holds no rows",
    "docs": "the same",
}
"""Views of `core`, which lies below the doors."""


def none_of(problems: Iterable[str]) -> None:
    found = list(problems)
    assert not found, "\n".join(["", *found])


def table_of(address: Address) -> Mapping[str, tuple[int, ...]]:
    if address.is_api:
        return API
    return PAGES if address.kwargs else OF_NO_PROJECT


def line_of(answer: Answer) -> str:
    return f"{answer.method} {answer.address.name}"


@pytest.mark.parametrize(
    ("table", "is_meant"),
    [
        (PAGES, lambda address: address.kwargs and not address.is_api),
        (OF_NO_PROJECT, lambda address: not address.kwargs),
        (API, lambda address: address.is_api),
    ],
    ids=["pages", "of no project", "api"],
)
def test_the_table_knows_every_address_and_no_other(
    table: Mapping[str, tuple[int, ...]], is_meant: Callable[[Address], bool]
) -> None:
    listed = {line.split()[1] for line in table}
    there = {address.name for address in addresses() if is_meant(address)}
    none_of(
        [f"{name} is missing in tests/guards/permissions.py" for name in sorted(there - listed)]
        + [f"{name} is listed there and exists no more" for name in sorted(listed - there)]
    )


def test_every_address_has_a_door() -> None:
    none_of(
        f"{address.route!r} has no door; put one on its view, or say in WITHOUT_DOOR why not"
        for address in addresses()
        if not has_door(address) and address.name not in WITHOUT_DOOR
    )


def test_every_address_without_a_door_is_there_and_has_none() -> None:
    there = {address.name: address for address in addresses()}
    none_of(name for name in WITHOUT_DOOR if name not in there or has_door(there[name]))


def has_door(address: Address) -> bool:
    """A page's door is on its view; an operation's permission classes are its own."""
    operation = getattr(address.view, "cls", None)
    if operation is None:
        return isinstance(getattr(address.view, "door", None), Door)
    return all(issubclass(one, TokenDoor) for one in operation.permission_classes)


@pytest.mark.parametrize("name", ROLES + VISITORS + SCOPES)
def test_everybody_is_answered_as_the_table_says(world: World, name: str) -> None:
    none_of(
        f"{answer.what}: the table says {expected}"
        for answer in world.first_answers(name)
        for expected in [_expected(answer, name)]
        if expected is not None and answer.status != expected
    )


def _expected(answer: Answer, name: str) -> int | None:
    """The status in the table, 405 for a line that it lacks, None where it is silent."""
    columns = SCOPES if answer.address.is_api else ROLES if answer.address.kwargs else VISITORS
    if name not in columns:
        return None
    line = table_of(answer.address).get(line_of(answer))
    if line is not None:
        return line[columns.index(name)]
    return None if answer.status in REFUSED or answer.status == 302 else NOT_TAKEN


@pytest.mark.parametrize("name", ROLES + SCOPES)
def test_who_is_refused_is_refused_on_every_row_and_changes_nothing(
    world: World, name: str
) -> None:
    refused = {
        line_of(answer) for answer in world.first_answers(name) if answer.status in NOT_THEIRS
    }
    none_of(
        f"{answer.what} wrote to {sorted(answer.wrote)}"
        for answer in world.walk(name)
        if line_of(answer) in refused and (answer.status not in REFUSED or answer.wrote)
    )


@pytest.mark.parametrize("ended", ["revoked_at", "expires_at"])
def test_a_token_that_has_ended_is_refused_at_every_operation(world: World, ended: str) -> None:
    project = world.scene.own.project
    token, secret = builders.make_token(project, scopes=[Scope.READ, Scope.WRITE, Scope.JUDGE])
    ApiToken.objects.filter(pk=token.pk).update(**{ended: timezone.now()})
    asker = as_token(secret, name=f"token with {ended}")
    none_of(
        answer.what
        for address in addresses()
        if address.is_api
        for method in ("GET", "POST")
        for answer in [asker.ask(address, method, own_urls(address, world.scene.own)[0])]
        if answer.status != 401 or answer.wrote
    )
    token.delete()
