"""What a rater is shown first: item order and response order, random but the same every time.

Both come from keyed hashes, so nothing has to be stored for items that nobody has seen, and a
reload, a second process or another database shows the same.
"""

from __future__ import annotations

import hashlib

from annotation.rules import scales

_MASK_63 = (1 << 63) - 1


def _stable_number(salt: str, purpose: str, *parts: object) -> int:
    """A number from 0 to 2⁶³−1 that only the salt's owner could foretell."""
    message = "\x1f".join([purpose, *map(str, parts)]).encode()
    hashed = hashlib.blake2b(message, digest_size=8, key=salt.encode()[:64])
    return int.from_bytes(hashed.digest()) & _MASK_63


def item_order_key(salt: str, *, rater: object, item: object) -> int:
    """Where the item stands in this rater's own order; fits a signed 64-bit column."""
    return _stable_number(salt, "item-order", rater, item)


def shuffle_key(salt: str, *, item: object) -> int:
    """Where the item stands in the order of a whole round; fits a signed 64-bit column."""
    return _stable_number(salt, "shuffle", item)


def starting_point(salt: str, *, rater: object, turn: object) -> int:
    """Where in the order of a whole round this rater's next window of candidates begins."""
    return _stable_number(salt, "start", rater, turn)


def gold_turn(salt: str, *, rater: object, block: int, every: int) -> int:
    """Which place of the block, from 0 up to and without `every`, is this rater's gold item."""
    return _stable_number(salt, "gold-turn", rater, block) % every


def is_swapped(salt: str, *, rater: object, item: object) -> bool:
    """Whether this rater sees response B of the item first."""
    return bool(_stable_number(salt, "response-order", rater, item) & 1)


def to_own_label(label: str, *, swapped: bool) -> str:
    """A label given for what was shown, in the item's own labelling (A1 shown first -> B1)."""
    return scales.swapped(label) if swapped else label


def to_shown_label(label: str, *, swapped: bool) -> str:
    """A label in the item's own labelling, as the rater who gave it would read it."""
    return scales.swapped(label) if swapped else label
