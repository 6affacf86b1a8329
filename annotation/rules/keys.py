"""Short names for long things: keys that fit their columns, digests that never change."""

from __future__ import annotations

import hashlib
import json
from typing import cast

from core.errors import Invalid

KEY_CHARS = 200
NAME_CHARS = 120
DIMENSION_CHARS = 60
LABEL_CHARS = 40

_plain = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode
_text = json.encoder.encode_basestring


def digest(*parts: object) -> str:
    """SHA-256 (64 hexadecimal digits) of JSON-able parts; different parts never run together."""
    return hashlib.sha256(_told(parts).encode()).hexdigest()


def _told(part: object) -> str:
    """What the encoder makes of it: each start of the encoder costs more than a text or a list."""
    if type(part) is str:
        return _text(part)
    if type(part) in (list, tuple):
        parts = cast("list[object]", part)
        return f"[{','.join([_text(one) if type(one) is str else _told(one) for one in parts])}]"
    return _plain(part)


def short_key(text: str) -> str:
    """A prompt or cluster key as it is, or its digest when it is a long text."""
    return text if len(text) <= KEY_CHARS else f"sha256:{digest(text)}"


def fitting(text: str, name: str, *, limit: int = KEY_CHARS) -> str:
    """The text, or `Invalid` when it is longer than its column."""
    if len(text) > limit:
        raise Invalid(
            "too_long",
            f"the {name} has {len(text):,} characters, at most {limit} fit. Is the right column "
            "mapped?",
        )
    return text
