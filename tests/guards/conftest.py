"""The world that isolation and permissions are tested in."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from django.test import override_settings
from pytest_django import DjangoDbBlocker

if TYPE_CHECKING:
    from tests.guards.world import World


@pytest.fixture(scope="package")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """One scene for the folder; each of its tests, marked `django_db`, undoes what it did to it.

    Files that ask for it share the group `isolation`: in one process everybody walks once.
    """
    from django.db import transaction
    from django.utils import timezone

    from tests.guards.scene import make_scene
    from tests.guards.words import API_KEY, NOW
    from tests.guards.world import World

    logging.getLogger("django.request").disabled = True
    outermost = transaction.atomic()
    # Services ask for the outermost block; this mark of Django's own lets them find it here.
    outermost._from_testcase = True  # type: ignore[attr-defined]
    with (
        pytest.MonkeyPatch.context() as patch,
        override_settings(ANTHROPIC_API_KEY=API_KEY),
        django_db_blocker.unblock(),
        outermost,
    ):
        patch.setattr(timezone, "now", lambda: NOW)
        yield World(make_scene())
        transaction.set_rollback(True)
    logging.getLogger("django.request").disabled = False
