from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from core import stopping


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    stopping.forget()


def test_nothing_asks_a_fresh_process_to_stop() -> None:
    assert not stopping.is_requested()


def test_a_waiting_thread_wakes_as_soon_as_the_process_is_asked_to_stop() -> None:
    heard: list[bool] = []
    sleeper = threading.Thread(target=lambda: heard.append(stopping.wait(30)))
    sleeper.start()
    stopping.request()
    sleeper.join(timeout=5)
    assert heard == [True]


def test_waiting_without_a_request_says_that_there_was_none() -> None:
    assert stopping.wait(0.01) is False
