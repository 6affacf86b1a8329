"""JSON written many times over is what the encoder of the standard library makes of it."""

from __future__ import annotations

import json

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Project
from annotation.models import Content
from core.bulk import insert_few, json_text, run_for_each, seldom_checkpointed
from tests import builders

TEXTS = st.text(max_size=12)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(TEXTS, inner, max_size=4)
        | st.dictionaries(st.integers(), inner, max_size=2)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_json_is_written_as_the_encoder_writes_it(value: object) -> None:
    assert json_text(value) == json.dumps(value)


@pytest.mark.django_db
@pytest.mark.databases
def test_some_rows_in_one_statement_get_their_keys_in_the_order_of_the_rows() -> None:
    project = builders.make_project()
    bodies = [{"input": f"Question {n}", "responses": []} for n in range(60)]
    keys = insert_few(Content, ("project", "body"), [[project.pk, body] for body in bodies])
    there = Content.objects.in_bulk(keys)
    assert [there[key].body for key in keys] == bodies
    assert insert_few(Content, ("project", "body"), []) == []


RENAME = 'UPDATE "accounts_project" SET "name" = %s WHERE "id" = %s'


@pytest.mark.django_db
@pytest.mark.databases
def test_a_statement_for_each_row_takes_values_of_any_kind() -> None:
    projects = [builders.make_project(slug=f"p{n}") for n in range(4)]
    names = ['it\'s; "all" -- of it', "100 %s\\", "$1 ☃ %%"]
    rows = [[name, one.pk] for name, one in zip(names, projects, strict=False)]
    run_for_each(RENAME, rows)
    run_for_each(RENAME, [])
    before = projects[3].name
    there = [Project.objects.get(pk=one.pk).name for one in projects]
    assert there == [*names, before]


@pytest.mark.django_db
@pytest.mark.databases
def test_of_statements_for_each_row_one_that_breaks_undoes_all() -> None:
    first, second = (builders.make_project(slug=slug) for slug in ("first", "second"))
    with pytest.raises(IntegrityError), transaction.atomic():
        run_for_each(RENAME, [["renamed", first.pk], [None, second.pk]])
    first.refresh_from_db()
    assert first.name != "renamed"


def pages_until_a_checkpoint() -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_autocheckpoint")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db
def test_sqlite_is_checkpointed_seldom_while_much_is_written_and_as_ever_afterwards() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL chooses by itself.")
    before = pages_until_a_checkpoint()
    meanwhile: list[int] = []

    def broken_off() -> None:
        with seldom_checkpointed():
            meanwhile.append(pages_until_a_checkpoint())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken_off()
    assert (before, *meanwhile, pages_until_a_checkpoint()) == (1_000, 16_000, 1_000)
