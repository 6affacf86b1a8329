"""Migrations can be applied while the version before is still at work."""

from __future__ import annotations

import pytest
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import AddField, CreateModel
from django.db.models import NOT_PROVIDED, CharField

ROOMS = ("core", "accounts", "annotation", "judges", "calibration")
LATER = [
    migration
    for (room, _), migration in sorted(MigrationLoader(None).disk_migrations.items())
    if room in ROOMS and not migration.initial and not migration.name.startswith("0001")
]


def without_default(migration: Migration) -> list[str]:
    """New columns of tables made by earlier migrations that old rows, or rows written by the
    version before, would have no value for."""
    made = {one.name_lower for one in migration.operations if isinstance(one, CreateModel)}
    return [
        f"{one.model_name}.{one.name}"
        for one in migration.operations
        if isinstance(one, AddField)
        and one.model_name_lower not in made
        and not one.field.null
        and one.field.db_default is NOT_PROVIDED
        and not one.field.many_to_many
    ]


@pytest.mark.parametrize("migration", LATER, ids=str)
def test_a_new_column_of_an_old_table_may_be_empty_or_has_a_default_in_the_database(
    migration: Migration,
) -> None:
    assert without_default(migration) == []


def test_control_a_new_column_without_a_default_is_found() -> None:
    class Planted(Migration):
        operations = [AddField("round", "colour", CharField(max_length=9))]

    assert without_default(Planted("planted", "annotation")) == ["round.colour"]
