"""Numbers in sentences."""

from __future__ import annotations


def number_of(count: int, noun: str) -> str:
    """'1 item', '1,200 items': for nouns that take an s."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
