"""One house for all tests of a module: each plans a run of its own in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from judges import simulator
from tests.harness.house import house
from tests.harness.plant import LATENCY_MS, Plant


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """Started with the first run: a test may change the environment before."""
    folder = tmp_path_factory.mktemp("plant")
    with simulator.start(latency_ms=LATENCY_MS) as sim, house(folder, demo=False) as one:
        yield Plant(one, sim)


@pytest.fixture
def plant(planted: Plant) -> Plant:
    """A run that has just begun."""
    planted.begin()
    return planted
