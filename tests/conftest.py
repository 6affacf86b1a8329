"""What holds for every test: where data goes, which parts a machine can run, how hard to search."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

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


def pytest_unconfigure(config: pytest.Config) -> None:
    """The first process made the folder of all of them and removes it."""
    folder = os.environ.get("PLUMBLINE_TEST_FOLDER", "")
    if folder and not hasattr(config, "workerinput"):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public data sets beside the clone; only for tests marked `reference_data`."""
    return SHARED_DATA
