"""A folder of one's own that another user can be given, with a path short enough for sockets."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A socket's path may have some hundred characters; a name inside the folder needs its share.
LONGEST_PARENT = 50
ELSEWHERE = ("/var/tmp", "/dev/shm")


@contextmanager
def short_folder(prefix: str) -> Iterator[Path]:
    """A fresh private folder, removed afterwards."""
    parents = [Path(tempfile.gettempdir()), *map(Path, ELSEWHERE)]
    parent = next((one for one in parents if _serves(one)), parents[0])
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _serves(parent: Path) -> bool:
    """Whether any user gets into the folder and its path is short."""
    if len(str(parent)) > LONGEST_PARENT or not parent.is_dir():
        return False
    way = [parent.resolve(), *parent.resolve().parents]
    return os.access(parent, os.W_OK) and all(step.stat().st_mode & 0o001 for step in way)


def give(folder: Path, *, user: int, group: int) -> None:
    """Hand the folder and all in it to a user; nothing above it is touched."""
    for root, folders, files in os.walk(folder):
        for name in [".", *folders, *files]:
            os.chown(Path(root) / name, user, group, follow_symlinks=False)
