"""Counts are kept for as long as their cost says, and made anew while the old one is shown."""

from __future__ import annotations

import threading
import time

import pytest
from django.core.cache import cache

from core.counting import Counted, counted


class Tally:
    """Counts how often it was asked, and takes its time."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.times = 0

    def __call__(self) -> int:
        self.times += 1
        time.sleep(self.seconds)
        return self.times


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> None:
    cache.clear()


def until(key: str, tally: Tally, value: int) -> Counted[int]:
    """Look again and again until the value is there; at most five seconds."""
    for _ in range(100):
        found = counted(key, tally)
        if found.value == value:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{value} never came")


def test_the_first_look_counts_and_says_that_it_is_of_now() -> None:
    found = counted("a", Tally())
    assert (found.value, found.is_kept) == (1, False)


def test_what_was_costly_is_kept() -> None:
    tally = Tally(seconds=0.2)
    counted("a", tally)
    found = counted("a", tally)
    assert (found.value, found.is_kept, tally.times) == (1, True, 1)


def test_an_old_count_is_shown_at_once_while_a_thread_counts_anew() -> None:
    tally = Tally(seconds=0.01)
    first = counted("a", tally)
    time.sleep(0.4)
    tally.seconds = 0.5
    began = time.perf_counter()
    assert counted("a", tally).value == 1
    assert time.perf_counter() - began < 0.3
    assert until("a", tally, 2).at > first.at


def test_many_looks_at_an_old_count_start_one_thread() -> None:
    tally = Tally(seconds=0.01)
    counted("a", tally)
    time.sleep(0.4)
    tally.seconds = 0.5
    looks = [threading.Thread(target=counted, args=("a", tally)) for _ in range(8)]
    for look in looks:
        look.start()
    for look in looks:
        look.join()
    until("a", tally, 2)
    assert tally.times == 2


def test_a_count_that_fails_leaves_the_old_one_and_is_tried_again() -> None:
    tally = Tally()
    counted("a", tally)

    def broken() -> int:
        raise RuntimeError("the database is away")

    assert counted("a", broken).value == 1
    assert until("a", tally, 2).value == 2


def test_one_key_knows_nothing_of_another() -> None:
    assert (counted("a", Tally()).value, counted("b", lambda: 7).value) == (1, 7)
