"""The demo project on every database: made once, kept afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.house import House, house

pytestmark = [pytest.mark.processes, pytest.mark.databases]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("demo"), demo=True) as one:
        yield one


def test_seeding_again_changes_nothing_and_prints_the_sign_ins(demo: House) -> None:
    again = demo.manage("seed_demo")
    assert again.returncode == 0
    assert "The demo project is there." in again.stdout
    assert "lea" in again.stdout


def test_the_demo_starts_with_its_simulator(demo: House) -> None:
    demo.start()
    demo.wait_until(lambda: bool(demo.members("judges.simulator")), 20)
    demo.wait_until(lambda: demo.get("/readyz") == 200, 30)
    assert demo.stop() == 0
    assert demo.members() == []
