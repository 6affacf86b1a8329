from __future__ import annotations

from collections.abc import Iterator

import pytest

from judges.simulator import Simulator, start


@pytest.fixture(scope="session")
def _running() -> Iterator[Simulator]:
    with start() as simulator:
        yield simulator


@pytest.fixture
def simulator(_running: Simulator) -> Simulator:
    """One server for all tests, as new for each."""
    _running.reset()
    return _running
