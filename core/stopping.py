"""One flag for the whole process: it was asked to stop, so begin nothing that takes long."""

from __future__ import annotations

import threading

_asked = threading.Event()


def request() -> None:
    """Say that this process shall end. Safe in a signal handler and from any thread."""
    _asked.set()


def is_requested() -> bool:
    """Whether this process was asked to end; long loops look at it before they claim more."""
    return _asked.is_set()


def wait(seconds: float) -> bool:
    """Sleep for at most so many seconds, less when the process is asked to end; True if it was.

    Only for threads other than the main one: the signal handler that sets the flag runs there.
    """
    return _asked.wait(seconds)


def forget() -> None:
    """Take the request back. For tests: a process that was asked to end does end."""
    _asked.clear()
