"""Tests that commit find the database as the migrations leave it, whatever the one before did."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models
from pytest_django import Settings

from annotation.models import Item
from tests import judging
from tests.harness import emptying

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]


def filled() -> set[type[models.Model]]:
    everything = apps.get_models(include_auto_created=True)
    return {model for model in everything if model._default_manager.exists()}


def laid() -> list[list[tuple[object, ...]]]:
    tables = (ContentType, Permission)
    return [list(model._default_manager.order_by("pk").values_list()) for model in tables]


def test_every_row_goes_but_those_of_the_migrations(settings: Settings) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    before = laid()
    assert all(before)
    scene = judging.make_scene()
    judging.make_run(scene.version, dataset=scene.dataset)
    assert len(filled()) > 10
    emptying.empty()
    assert filled() == {ContentType, Permission}
    assert laid() == before


@pytest.mark.parametrize("_", range(2))
def test_what_a_test_committed_is_not_there_in_the_next(_: int) -> None:
    assert filled() == {ContentType, Permission}
    judging.make_scene()
    connection.close()
    assert Item.objects.exists()
