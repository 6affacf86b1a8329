"""The embedded queue: kombu's file transport, whose messages appear whole or not at all.

kombu opens a message under its final name and writes it afterwards. A worker that looks in
between takes an empty file and dies of it; here the file gets its name once it is written.
"""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps

ALIAS = "filequeue"


class Channel(filesystem.Channel):
    """Writes atomically; everything else is kombu's."""

    # The stubs of the two classes above disagree about the name of the second argument.
    def _put(  # type: ignore[override]
        self, queue: str, payload: dict[str, Any], **_options: Any
    ) -> None:
        folder = Path(self.data_folder_out)
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}.{queue}"
        # Only names that end in .msg are messages.
        unfinished = folder / f"{name}.part"
        unfinished.write_bytes(dumps(payload).encode())
        unfinished.rename(folder / f"{name}.msg")


class Transport(filesystem.Transport):
    Channel = Channel


def register() -> None:
    """Make `filequeue://` a broker address."""
    TRANSPORT_ALIASES[ALIAS] = f"{__name__}:Transport"
