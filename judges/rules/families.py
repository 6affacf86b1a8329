"""Which models belong together, by their names: what self-preference needs to know."""

from __future__ import annotations

import re

_FIRST_WORD = re.compile(r"[a-z]{3,}")


def family_of(model: str) -> str:
    """The word that a model's name begins with, a provider's prefix apart; empty without one.

    `claude-opus-4` is of the family claude, `openai/gpt-4o` of gpt.
    """
    found = _FIRST_WORD.match(model.rsplit("/", 1)[-1].strip().lower())
    return found[0] if found else ""


def own_side(systems: tuple[str, str], family: str) -> str:
    """A or B, where the response of exactly one of the two systems is of the family; else empty.

    Both systems must be named: an unnamed one may be anything.
    """
    if not family or not all(systems):
        return ""
    one, other = (family_of(system) == family for system in systems)
    return "" if one == other else "A" if one else "B"
