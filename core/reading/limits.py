"""How much of a file is looked at or kept at once."""

from __future__ import annotations

CHUNK_BYTES = 64 * 1024
MAX_FIELD_CHARS = 10_000_000
MAX_RECORD_CHARS = 20_000_000
LISTED_BROKEN_ROWS = 100
PEEKED_ROWS = 100
