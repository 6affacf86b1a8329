"""SQLite for Django, with its writers in a queue (docs/adr/0003).

A writer that finds the database's lock taken sleeps before it looks again, up to a tenth of a
second and each time longer: with some threads that write, the lock lies idle most of the time and
whoever came first waits longest. Here the writers of a process take turns before they begin, so
that the lock is asked for by one of them at a time.
"""

from __future__ import annotations

import threading

from django.db.backends.sqlite3 import base

_turn = threading.Lock()


class DatabaseWrapper(base.DatabaseWrapper):
    """One connection; it has the turn from the beginning of a transaction to its end."""

    _has_turn = False

    def _start_transaction_under_autocommit(self) -> None:
        # Without a turn in time it asks all the same: the database then says that it is locked.
        self._has_turn = _turn.acquire(timeout=self.settings_dict["OPTIONS"].get("timeout", 5))
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._end_turn()
            raise

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        self._end_turn()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._end_turn()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._end_turn()

    def _end_turn(self) -> None:
        if self._has_turn:
            self._has_turn = False
            _turn.release()
