"""What rests on rows: histories are only added to, and states are spelt right."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import CheckConstraint, Model

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("core", "accounts", "annotation", "judges", "calibration")
APPEND_ONLY = (
    "AuditEvent",
    "ReferenceLabel",
    "EvidenceSnapshot",
    "Decision",
    "OwnPrice",
    "Settlement",
)
CHANGES = {"update", "delete", "save", "bulk_update", "update_or_create"}
CHANGES |= {f"a{name}" for name in CHANGES}

SOURCES = [
    file
    for room in ROOMS
    for file in sorted((ROOT / room).rglob("*.py"))
    if "migrations" not in file.parts
]
MODELS = [model for room in ROOMS for model in apps.get_app_config(room).get_models()]


def changes_to_histories(text: str) -> list[str]:
    """Calls that change rows of an append-only table, also through a name in one function."""
    found: list[str] = []
    for scope in ast.walk(ast.parse(text)):
        if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
            found += _changes_in(scope)
    return found


def _changes_in(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    rows = set(APPEND_ONLY) | set(_rows_named(function))
    for call in ast.walk(function):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
            continue
        if call.func.attr in CHANGES and _root(call.func.value) in rows:
            yield f"line {call.lineno}: {ast.unparse(call.func)}"


def _rows_named(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """The names that stand for rows of these tables: assigned, looped over, or a parameter."""
    for part in ast.walk(function):
        if isinstance(part, ast.Assign) and _root(part.value) in APPEND_ONLY:
            yield from (target.id for target in part.targets if isinstance(target, ast.Name))
        elif isinstance(part, ast.For) and _root(part.iter) in APPEND_ONLY:
            yield from (name.id for name in ast.walk(part.target) if isinstance(name, ast.Name))
        elif isinstance(part, ast.arg) and _root(part.annotation) in APPEND_ONLY:
            yield part.arg


def _root(expression: ast.expr | None) -> str:
    """The name at which a chain of attributes and calls begins."""
    while isinstance(expression, ast.Attribute | ast.Call | ast.Subscript):
        expression = expression.func if isinstance(expression, ast.Call) else expression.value
    return expression.id if isinstance(expression, ast.Name) else ""


@pytest.mark.parametrize("file", SOURCES, ids=[str(file.relative_to(ROOT)) for file in SOURCES])
def test_histories_are_only_added_to(file: Path) -> None:
    assert not changes_to_histories(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "body",
    [
        "Decision.objects.filter(pk=1).update(reason='')",
        "found = AuditEvent.objects.get(pk=1)\n    found.delete()",
        "for row in ReferenceLabel.objects.all():\n        row.save()",
    ],
)
def test_the_guard_sees_a_change_to_a_history(body: str) -> None:
    assert changes_to_histories(f"def change():\n    {body}\n")


def test_the_guard_sees_a_row_that_is_handed_in() -> None:
    assert changes_to_histories("def change(row: EvidenceSnapshot) -> None:\n    row.save()\n")


def test_every_history_is_a_table_of_ours() -> None:
    assert set(APPEND_ONLY) <= {model.__name__ for model in MODELS}


def choices_of(model: type[Model]) -> dict[str, set[str]]:
    """The fields of a model that take only certain words, with these words."""
    return {
        field.name: {str(value) for value, _ in field.flatchoices}
        for field in model._meta.concrete_fields
        if field.choices
    }


def held_by(model: type[Model]) -> dict[str, tuple[str, set[str]]]:
    """The fields that a CHECK constraint holds to a list: its name and the words."""
    return {
        lookup.removesuffix("__in"): (constraint.name, {str(value) for value in values})
        for constraint in model._meta.constraints
        if isinstance(constraint, CheckConstraint)
        for lookup, values in _lookups(constraint)
        if lookup.endswith("__in")
    }


def _lookups(constraint: CheckConstraint) -> Iterator[tuple[str, list[object]]]:
    for child in getattr(constraint.condition, "children", []):
        if isinstance(child, tuple):
            yield child


STATED = [(model, field) for model in MODELS for field in choices_of(model)]


@pytest.mark.parametrize(("model", "field"), STATED, ids=[f"{m.__name__}.{f}" for m, f in STATED])
@pytest.mark.django_db
def test_the_database_refuses_a_misspelt_word(model: type[Model], field: str) -> None:
    name, words = held_by(model).get(field, ("", set()))
    assert words - {""} == choices_of(model)[field] - {""}
    with connection.cursor() as cursor:
        there = connection.introspection.get_constraints(cursor, model._meta.db_table)
    assert there[name]["check"]


def test_every_state_takes_only_certain_words() -> None:
    named = {(model, field.name) for model in MODELS for field in model._meta.concrete_fields}
    free = [(m.__name__, f) for m, f in named if f == "state" and (m, f) not in STATED]
    assert not free
