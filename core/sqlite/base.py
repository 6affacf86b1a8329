"""SQLite for Django, with its writers in a queue (docs/adr/0003).

A writer that finds the database's lock taken sleeps before it looks again, up to a tenth of a
second and each time longer: with some threads that write, the lock lies idle most of the time and
whoever came first waits longest. Here the writers of a process take turns before they begin, so
that the lock is asked for by one of them at a time, and that one looks every millisecond.
"""

from __future__ import annotations

import threading
import time

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

_turn = threading.Lock()
LOOK_SECONDS = 0.001


class DatabaseWrapper(base.DatabaseWrapper):
    """One connection; it has the turn from the beginning of a transaction to its end."""

    _has_turn = False

    def _start_transaction_under_autocommit(self) -> None:
        patience = float(self.settings_dict["OPTIONS"].get("timeout", 5))
        until = time.monotonic() + patience
        # Without a turn in time it asks all the same: the database then says that it is locked.
        self._has_turn = _turn.acquire(timeout=patience)
        try:
            self._wait_for_locks(0)
            try:
                while not self._has_begun(until):
                    time.sleep(LOOK_SECONDS)
            finally:
                self._wait_for_locks(patience)
        except BaseException:
            # Django does not know of a transaction yet: nobody else would end it.
            self.connection.rollback()
            self._end_turn()
            raise

    def _has_begun(self, until: float) -> bool:
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            return False
        return True

    def _wait_for_locks(self, seconds: float) -> None:
        """How long a statement waits inside SQLite. Past Django's cursors: it is no query."""
        self.connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")

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
