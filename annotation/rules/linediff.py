"""Two texts side by side: line by line, with the words marked that only one of them has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

WORD = re.compile(r"\w+|\s+|[^\w\s]")
MOST_STEPS = 1_000_000
"""Lines (or words) of one side times those of the other: beyond it all of it counts as changed."""
MOST_PAIRINGS = 400
"""Changed lines of one side times those of the other: beyond it they are paired by place."""
ALIKE = 0.5
NEAR = 3
"""Lines shown around a change; what is further away is only counted."""

Place = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a line; marked when the other side does not have it."""

    text: str
    is_marked: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    """One line with its number, counted from 1."""

    number: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A line beside its counterpart; one side is None where it has none.

    `left_out` lines that are alike stand for themselves by their number, without a side.
    """

    before: Side | None = None
    after: Side | None = None
    left_out: int = 0

    @property
    def is_alike(self) -> bool:
        sides = (self.before, self.after)
        return None not in sides and not any(
            piece.is_marked for side in sides if side for piece in side.pieces
        )


def rows(before: str, after: str) -> tuple[Row, ...]:
    """The lines of both texts in order. No row when the texts read the same."""
    old, new = _lines(before), _lines(after)
    if old == new:
        return ()
    if len(old) == len(new) == 1:
        return tuple(_row(old, new, (0, 0)))
    found = [row for place in _places(old, new) for row in _row(old, new, place)]
    return tuple(_folded(found))


def _lines(text: str) -> list[str]:
    return text.rstrip("\n").split("\n") if text else []


def _places(old: Sequence[str], new: Sequence[str]) -> Iterator[Place]:
    """Which line stands beside which, from top to bottom."""
    for tag, start, end, begin, stop in _steps(old, new):
        if tag == "equal":
            yield from zip(range(start, end), range(begin, stop), strict=True)
        else:
            for i, j in _paired(old[start:end], new[begin:stop]):
                yield None if i is None else start + i, None if j is None else begin + j


def _row(old: Sequence[str], new: Sequence[str], place: Place) -> Iterator[Row]:
    i, j = place
    if i is None and j is not None:
        yield Row(after=_whole(j, new[j]))
    elif i is not None and j is None:
        yield Row(before=_whole(i, old[i]))
    elif i is not None and j is not None:
        removed, added = _marked(old[i], new[j])
        yield Row(Side(i + 1, removed), Side(j + 1, added))


def _whole(place: int, line: str) -> Side:
    return Side(place + 1, (Piece(line, is_marked=True),))


def _marked(old: str, new: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Both lines in pieces: what one has and the other has not is marked.

    Lines with little in common are marked throughout: a word here and there would only confuse.
    """
    if old != new and not _likeness(old, new):
        return (Piece(old, is_marked=True),), (Piece(new, is_marked=True),)
    one, other = WORD.findall(old), WORD.findall(new)
    removed: list[Piece] = []
    added: list[Piece] = []
    for tag, start, end, begin, stop in _steps(one, other):
        removed.append(Piece("".join(one[start:end]), tag != "equal"))
        added.append(Piece("".join(other[begin:stop]), tag != "equal"))
    return _joined(removed), _joined(added)


def _joined(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Neighbours of one kind in one piece; a space between two marks belongs to them."""
    found: list[Piece] = []
    for place, piece in enumerate(pieces):
        is_between = (
            not piece.text.strip()
            and bool(found)
            and found[-1].is_marked
            and place + 1 < len(pieces)
        )
        marked = piece.is_marked or is_between
        if not piece.text:
            continue
        if found and found[-1].is_marked == marked:
            found[-1] = Piece(found[-1].text + piece.text, marked)
        else:
            found.append(Piece(piece.text, marked))
    return tuple(found)


def _paired(old: Sequence[str], new: Sequence[str]) -> list[Place]:
    """Changed lines beside those that they most likely became, in order."""
    if len(old) * len(new) > MOST_PAIRINGS:
        return list(zip_longest(range(len(old)), range(len(new))))
    alike = [[_likeness(one, other) for other in new] for one in old]
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in reversed(range(len(old))):
        for j in reversed(range(len(new))):
            best[i][j] = max(best[i + 1][j], best[i][j + 1], alike[i][j] + best[i + 1][j + 1])
    return list(_walk(alike, best))


def _walk(alike: Sequence[Sequence[float]], best: Sequence[Sequence[float]]) -> Iterator[Place]:
    i = j = 0
    while i < len(best) - 1 or j < len(best[0]) - 1:
        if j == len(best[0]) - 1:
            yield i, None
            i += 1
        elif i == len(best) - 1:
            yield None, j
            j += 1
        elif alike[i][j] and best[i][j] == alike[i][j] + best[i + 1][j + 1]:
            yield i, j
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            yield i, None
            i += 1
        else:
            yield None, j
            j += 1


def _likeness(one: str, other: str) -> float:
    """The share of words in common, 0 when it is too small to call one the other's change."""
    share = SequenceMatcher(None, one.split(), other.split()).quick_ratio()
    return share if share >= ALIKE else 0.0


def _steps(one: Sequence[str], other: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    """What difflib calls opcodes. A common beginning and end cost nothing, and what lies between
    costs no more than MOST_STEPS."""
    head = _in_common(one, other)
    tail = _in_common(one[head:][::-1], other[head:][::-1])
    ends = len(one) - tail, len(other) - tail
    middle, counterpart = one[head : ends[0]], other[head : ends[1]]
    between: Sequence[tuple[str, int, int, int, int]]
    if not middle and not counterpart:
        between = []
    elif len(middle) * len(counterpart) > MOST_STEPS:
        between = [("replace", 0, len(middle), 0, len(counterpart))]
    else:
        between = SequenceMatcher(None, middle, counterpart).get_opcodes()
    return [
        ("equal", 0, head, 0, head),
        *((tag, head + a, head + b, head + c, head + d) for tag, a, b, c, d in between),
        ("equal", ends[0], len(one), ends[1], len(other)),
    ]


def _in_common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many the two begin with alike."""
    shorter = min(len(one), len(other))
    return next((n for n in range(shorter) if one[n] != other[n]), shorter)


def _folded(found: Sequence[Row]) -> Iterator[Row]:
    """Long stretches that are alike: their edges, and how many lines lie between."""
    changed = [place for place, row in enumerate(found) if not row.is_alike]
    start = 0
    for place in (*changed, len(found)):
        alike = found[start:place]
        first = NEAR if start else 0
        last = NEAR if place < len(found) else 0
        if len(alike) > first + last + 1:
            yield from alike[:first]
            yield Row(left_out=len(alike) - first - last)
            yield from alike[len(alike) - last :]
        else:
            yield from alike
        if place < len(found):
            yield found[place]
        start = place + 1
