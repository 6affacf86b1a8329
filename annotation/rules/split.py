"""Which clusters of a dataset are sealed: drawn once, by a salted hash of the cluster key."""

from __future__ import annotations

import hashlib
from typing import Literal

Part = Literal["sealed", "development"]

_SPAN = 1 << 64


def part_of(cluster_key: str, *, salt: str, share: float) -> Part:
    """The part of every item in this cluster; `share` (0 to 1) of all clusters is sealed.

    The same key, salt and share always give the same part, whatever else is imported, and a
    larger share only ever adds clusters to the sealed part.
    """
    if not 0.0 <= share < 1.0:
        raise ValueError("the sealed share is at least 0 and less than 1")
    hashed = hashlib.blake2b(cluster_key.encode(), digest_size=8, key=salt.encode()[:64])
    return "sealed" if int.from_bytes(hashed.digest()) < share * _SPAN else "development"
