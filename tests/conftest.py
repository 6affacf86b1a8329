"""What holds for every test: where data goes, which parts a machine can run, how hard to search."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from accounts.models import Project
    from tests.cast import Cast, ClientFor

settings.register_profile("dev", max_examples=50, deadline=timedelta(seconds=2))
settings.register_profile(
    "ci",
    max_examples=500,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, with the reason, what cannot run here; keep process tests from each other's cores."""
    absent = {
        "redis": "" if os.environ.get("BROKER_URL") else "needs BROKER_URL; `make test` gives one",
        "reference_data": "" if SHARED_DATA.is_dir() else "no shared data beside the clone",
    }
    for item in items:
        if item.get_closest_marker("processes"):
            item.add_marker(pytest.mark.xdist_group("processes"))
        for marker, reason in absent.items():
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public data sets beside the clone; only for tests marked `reference_data`."""
    return SHARED_DATA


# Imported inside: this file is read before Django is set up.


@pytest.fixture(scope="session", autouse=True)
def quick_emptying() -> Iterator[None]:
    """After a test that commits delete what it left, instead of laying every table anew."""
    from django.test import TransactionTestCase

    from tests.harness import emptying

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: emptying.empty())
        yield


@pytest.fixture
def project(db: None) -> Project:
    from tests import builders

    return builders.make_project()


@pytest.fixture
def cast(project: Project) -> Cast:
    """The project's members by name, and olu, who is none."""
    from tests.cast import make_cast

    return make_cast(project)


@pytest.fixture
def client_for() -> ClientFor:
    """`client_for(person)` is a signed-in browser, `client_for(None)` an anonymous one."""
    from tests.cast import client_for

    return client_for
