"""On SQLite the writers of a process queue: the turn is given on however a transaction ends."""

from __future__ import annotations

import threading

import pytest
from _pytest.monkeypatch import MonkeyPatch
from django.db import OperationalError, connection, transaction

from accounts.models import Project
from core.sqlite import base

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL locks rows"),
]


class Broken(Exception):
    pass


def test_a_writer_begins_when_the_one_before_has_ended() -> None:
    order: list[str] = []
    waits = threading.Event()

    def write() -> None:
        try:
            waits.set()
            with transaction.atomic():
                order.append("second")
        finally:
            connection.close()

    second = threading.Thread(target=write)
    with transaction.atomic():
        second.start()
        assert waits.wait(10)
        assert base._turn.locked()
        order.append("first")
    second.join(10)
    assert order == ["first", "second"]
    assert not base._turn.locked()


def test_the_turn_is_given_on_after_a_commit_a_rollback_and_a_lost_connection() -> None:
    with transaction.atomic():
        Project.objects.create(slug="one", name="One")
    assert not base._turn.locked()
    with pytest.raises(Broken), transaction.atomic():
        raise Broken
    assert not base._turn.locked()
    with transaction.atomic():
        connection.close()
    assert not base._turn.locked()
    with transaction.atomic():
        assert Project.objects.filter(slug="one").exists()


def test_a_transaction_that_cannot_begin_gives_its_turn_on(monkeypatch: MonkeyPatch) -> None:
    blocker = connection.copy()
    blocker.ensure_connection()
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.05)
    try:
        with blocker.cursor() as cursor:
            cursor.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"), transaction.atomic():
            pass
        assert not base._turn.locked()
    finally:
        blocker.close()


def test_who_waits_begins_soon_after_another_process_ended(monkeypatch: MonkeyPatch) -> None:
    blocker = connection.copy()
    blocker.ensure_connection()
    looks: list[float] = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            blocker.close()

    monkeypatch.setattr("core.sqlite.base.time.sleep", sleep)
    with blocker.cursor() as cursor:
        cursor.execute("BEGIN IMMEDIATE")
    with transaction.atomic():
        assert looks == [base.LOOK_SECONDS] * 3
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone()[0] == 1000 * connection.settings_dict["OPTIONS"]["timeout"]


def test_savepoints_keep_the_turn() -> None:
    with transaction.atomic():
        with pytest.raises(Broken), transaction.atomic():
            raise Broken
        assert base._turn.locked()
    assert not base._turn.locked()
