"""Prepared statements: to the letter what Django would ask, for every one that the product has."""

from __future__ import annotations

import importlib
import inspect
import itertools
import pkgutil
from collections.abc import Sequence
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import F, QuerySet
from django.db.models.sql.subqueries import DeleteQuery, UpdateQuery
from django.db.transaction import TransactionManagementError
from pytest_django.fixtures import DjangoAssertNumQueries

import accounts
import annotation
import judges
from accounts.models import Rater
from accounts.roles import Role
from annotation import access
from annotation.models import Assignment, Draft, Round, RoundRater
from annotation.services import claim, rating
from annotation.states import AssignmentState
from core.prepared import MOST_KEYS, Prepared, PreparedDelete, PreparedUpdate
from tests import builders
from tests.builders import NOON

pytestmark = pytest.mark.django_db

Statement = Prepared[Any] | PreparedUpdate | PreparedDelete
VALUES: dict[str, tuple[object, ...]] = {
    "int": (1, 32_000, 7),
    "float": (0.0, 12.5, 7200.0),
    "str": ("", "ünïcode", "o'clock"),
    "datetime": (NOON, datetime(2031, 1, 2, 3, 4, 5, 678, tzinfo=UTC), NOON),
    "bool": (True, False, True),
    "Sequence[int]": ([3, 1, 2, 9], [5], [8, 7]),
}


def _modules(package: ModuleType) -> list[ModuleType]:
    names = [one.name for one in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
    return [importlib.import_module(name) for name in names if ".migrations" not in name]


def _statements() -> dict[str, Statement]:
    kinds = (Prepared, PreparedUpdate, PreparedDelete)
    found = {
        f"{module.__name__}.{name}": value
        for package in (accounts, annotation, judges)
        for module in _modules(package)
        for name, value in vars(module).items()
        if isinstance(value, kinds)
    }
    return dict(sorted(found.items()))


STATEMENTS = _statements()


def _plain(statement: Statement, values: dict[str, Any]) -> tuple[str, tuple[Any, ...]]:
    """What Django makes of the same function."""
    built = statement.build(**values)
    if isinstance(statement, PreparedUpdate):
        query = built[0].query.chain(UpdateQuery)
        query.add_update_values(built[1])
    elif isinstance(statement, PreparedDelete):
        query = built.query.chain(DeleteQuery)
    else:
        query = built.query
    sql, params = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
    return sql, tuple(params)


def test_the_rating_path_is_prepared() -> None:
    assert sum(name.startswith("annotation.") for name in STATEMENTS) >= 15


def test_the_way_of_a_call_is_prepared() -> None:
    assert sum(name.startswith("judges.") for name in STATEMENTS) >= 6


def test_keys_are_asked_for_as_many_as_there_are() -> None:
    _round_of_two()
    keys = list(Assignment.objects.order_by("-pk").values_list("pk", flat=True))
    asked = Prepared(_of_keys)
    for some in (keys, keys[:5], keys[:3], keys[:1]):
        assert asked.rows(keys=some) == [(key,) for key in sorted(some)]
    assert len(asked._known) == 3, "five and six keys are one statement with room for eight"
    for none_or_too_many in ([], list(range(MOST_KEYS + 1))):
        with pytest.raises(ValueError, match="keys"):
            asked.rows(keys=none_or_too_many)


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_is_what_django_would_ask(name: str) -> None:
    statement = STATEMENTS[name]
    kinds = inspect.get_annotations(statement.build)
    kinds.pop("return", None)
    shapes = [key for key, kind in kinds.items() if kind == "bool"]
    for turn, flags in itertools.product(
        range(3), itertools.product((True, False), repeat=len(shapes))
    ):
        values = {
            key: VALUES[kind][(turn + at) % 3] for at, (key, kind) in enumerate(kinds.items())
        }
        values |= dict(zip(shapes, flags, strict=True))
        assert statement.asked(**values) == _plain(statement, values)


def test_rows_are_those_of_the_queryset(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    rater, round_ = _round_of_two()
    given = claim.next_slot(round_id=round_.pk, rater_id=rater.pk, now=NOON).assignment_id
    assert given is not None
    plain = Assignment.objects.get(pk=given)
    with django_assert_num_queries(1):
        row = access.assignment_of(rater, given)
        content = row.item.content
        assert content is not None
        assert (row.round.name, content.body["input"][:1]) == ("Round 1", "Q")
        assert row.guideline_version is not None
    for field in Assignment._meta.concrete_fields:
        assert getattr(row, field.attname) == getattr(plain, field.attname), field.name
    assert row.gold is None


def test_values_are_those_of_the_queryset() -> None:
    _, round_ = _round_of_two()
    slots = Prepared(_open_slots)
    assert slots.rows(round_id=round_.pk) == list(_open_slots(round_id=round_.pk))
    assert len(slots.rows(round_id=round_.pk)) == 6
    assert slots.rows(round_id=round_.pk + 1) == []
    assert slots.one(round_id=round_.pk + 1) is None


def test_a_change_says_how_many_rows_it_met() -> None:
    rater, round_ = _round_of_two()
    place = {"round_id": round_.pk, "rater_id": rater.pk, "is_skip": False}
    assert rating._one_more.run(**place) == 1
    assert RoundRater.objects.get(rater=rater).answered == 1
    assert rating._one_more.run(**{**place, "rater_id": rater.pk + 1}) == 0
    item_id = round_.round_items.values_list("item_id", flat=True)[0]
    draft = Draft.objects.create(round=round_, item_id=item_id, rater=rater, saved_at=NOON)
    mine = {"round_id": round_.pk, "item_id": draft.item_id, "rater_id": rater.pk}
    assert [rating._drop_draft.run(**mine) for _ in range(2)] == [1, 0]


def test_what_cannot_be_prepared_is_refused() -> None:
    for build in (_bounded_by_a_value, _asks_another_value, _forgets_a_value):
        with pytest.raises(TypeError, match=build.__name__):
            Prepared(build).rows(most=5)


@pytest.mark.django_db(transaction=True)
def test_rows_are_held_in_a_transaction_only() -> None:
    rater, round_ = _round_of_two()
    with transaction.atomic():
        assert claim.still_rates(round_id=round_.pk, rater_id=rater.pk)
    with pytest.raises(TransactionManagementError):
        claim.still_rates(round_id=round_.pk, rater_id=rater.pk)


def _round_of_two() -> tuple[Rater, Round]:
    project = builders.make_project()
    dataset = builders.make_dataset(project)
    items = [builders.make_item(dataset, external_id=f"i{n}", input=f"Q {n}") for n in range(2)]
    person = builders.join(project, builders.make_user(username="ana"), Role.RATER)
    rater = builders.rater_of(project, person)
    version = builders.make_guideline(project)
    return rater, builders.make_round(dataset, version, items=items, raters=[rater])


def _open_slots(*, round_id: int) -> QuerySet[Any, Any]:
    slots = Assignment.objects.filter(round=round_id, state=AssignmentState.OPEN)
    return slots.order_by("item", "slot").values_list("item", "slot", "is_swapped", "lease_until")


def _of_keys(*, keys: Sequence[int]) -> QuerySet[Any, Any]:
    return Assignment.objects.filter(pk__in=keys).order_by("pk").values_list("pk")


def _bounded_by_a_value(*, most: int) -> QuerySet[Assignment]:
    return Assignment.objects.all()[:most]


def _asks_another_value(*, most: int) -> QuerySet[Assignment]:
    return Assignment.objects.filter(slot__lt=most + 1)


def _forgets_a_value(*, most: int) -> QuerySet[Assignment]:
    return Assignment.objects.filter(slot__lt=F("item_id"))
