"""How many raters an item shall get, which slots that makes, and when it is done."""

from __future__ import annotations

from collections.abc import Collection

from core.errors import Invalid

HIGHEST_OVERLAP = 100


def check_overlap(overlap: int, *, raters: int | None = None) -> int:
    """The overlap, or `Invalid` when it is out of range or more than there are raters."""
    if not 1 <= overlap <= HIGHEST_OVERLAP:
        raise Invalid(
            "overlap", f"The overlap is a whole number from 1 to {HIGHEST_OVERLAP}, not {overlap}."
        )
    if raters is not None and overlap > raters:
        raise Invalid(
            "overlap",
            f"An overlap of {overlap} needs as many raters, and the round has {raters}. Add "
            "raters or lower the overlap.",
        )
    return overlap


def slots(overlap: int) -> range:
    """The slots of an item: 0 up to, and without, the overlap."""
    return range(overlap)


def free_slot(overlap: int, live: Collection[int]) -> int | None:
    """The lowest slot that no open, leased or submitted assignment holds; None when all are."""
    return next((slot for slot in slots(overlap) if slot not in live), None)


def missing(overlap: int, *, submitted: int) -> int:
    """How many ratings an item still lacks."""
    return max(0, overlap - submitted)


def is_full(overlap: int, *, taken: int) -> bool:
    """Whether leased and submitted slots leave none to hand out."""
    return taken >= overlap


def is_done(overlap: int, *, submitted: int) -> bool:
    """Whether every slot holds a submitted rating: the item's reference label may be made."""
    return submitted >= overlap
