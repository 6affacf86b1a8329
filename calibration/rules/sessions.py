"""How a calibration session goes on, who is named in a comment, which lines a guideline has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from calibration.states import SessionState

NAMED = re.compile(r"(?<![\w@.+-])@([\w@.+-]+)")
MOST_NAMED = 50
OPEN_TO_TALK = frozenset({SessionState.REVEALED, SessionState.SECOND})
"""While a session is in one of these its items are talked about and settled."""


class Act(StrEnum):
    """What moves a session on."""

    START = "start"
    REVEAL = "reveal"
    SECOND = "second"
    CLOSE = "close"


NEXT: Mapping[Act, Mapping[SessionState, SessionState]] = {
    Act.START: {SessionState.DRAFT: SessionState.BLIND},
    Act.REVEAL: {SessionState.BLIND: SessionState.REVEALED},
    Act.SECOND: {SessionState.REVEALED: SessionState.SECOND},
    Act.CLOSE: {
        SessionState.REVEALED: SessionState.CLOSED,
        SessionState.SECOND: SessionState.CLOSED,
    },
}
"""From which state an act leads to which; from all others it leads nowhere."""


class Line(NamedTuple):
    """A line of a guideline's text that says something; `number` counts from 1."""

    number: int
    text: str


def after(state: SessionState, act: Act) -> SessionState | None:
    """The state after the act; None when it cannot be done in this one."""
    return NEXT[act].get(state)


def named_in(text: str, usernames: Iterable[str]) -> list[str]:
    """Those of the sign-in names that stand in the text after an @, in the order of the text.

    Case does not matter; a full stop or hyphen after a name is none of it.
    """
    known = {name.casefold(): name for name in usernames}
    found: dict[str, None] = {}
    for written in NAMED.findall(text):
        name = written.casefold()
        while name and name not in known and name[-1] in ".-+@":
            name = name[:-1]
        if name in known:
            found[known[name]] = None
    return list(found)[:MOST_NAMED]


def lines_of(text: str) -> list[Line]:
    """The lines of a guideline that are not empty, with their numbers."""
    return [
        Line(number, line.strip())
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip()
    ]
