"""The embedded queue: a message is seen whole or not at all."""

from __future__ import annotations

import threading
from pathlib import Path

from kombu import Connection

from core import filequeue


def connect(folder: Path) -> Connection:
    """kombu keeps one table of queues a process: each test names a queue of its own."""
    filequeue.register()
    return Connection(
        "filequeue://localhost//",
        transport_options={
            "data_folder_in": str(folder),
            "data_folder_out": str(folder),
            "control_folder": str(folder / "control"),
            "polling_interval": 0.01,
        },
    )


def test_a_message_comes_out_as_it_went_in_and_leaves_no_file(tmp_path: Path) -> None:
    with connect(tmp_path) as connection:
        queue = connection.SimpleQueue("single")
        queue.put({"id": 7})
        message = queue.get(timeout=5)
        message.ack()
        queue.close()
    assert message.payload == {"id": 7}
    assert not [file for file in tmp_path.iterdir() if file.is_file()]


def test_a_reader_never_meets_half_a_message(tmp_path: Path) -> None:
    """One writes while another reads as fast as it can: nothing breaks and nothing is lost."""
    count = 300
    taken: list[int] = []

    def read() -> None:
        with connect(tmp_path) as connection:
            queue = connection.SimpleQueue("busy")
            while len(taken) < count:
                message = queue.get(timeout=10)
                taken.append(message.payload["n"])
                message.ack()

    reader = threading.Thread(target=read, daemon=True)
    with connect(tmp_path) as connection:
        # The queue is known before anybody writes: what two make at once is no message.
        queue = connection.SimpleQueue("busy")
        reader.start()
        for number in range(count):
            queue.put({"n": number, "padding": "x" * 5000})
        queue.close()
    reader.join(timeout=20)
    assert sorted(taken) == list(range(count))
