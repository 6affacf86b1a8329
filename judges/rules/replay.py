"""Where a call stands after the attempts of its series: the next request, from what is stored.

The engine asks this before it sends, and the page of a call to show what was sent: both read the
same rows, so what is shown is what was asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from judges.rules import prompting
from judges.rules.spec import RenderedRequest
from judges.rules.verdicts import Outcome


@dataclass(frozen=True, slots=True)
class Past:
    """One attempt that ended: its outcome, the answer and what was wrong with it, as stored."""

    outcome: str
    answer: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """What was tried in a series: one repair, one longer answer, and so many transient failures."""

    repaired: bool = False
    lengthened: bool = False
    failures: int = 0

    def after(self, outcome: str) -> Tried:
        """With one attempt more, which ended so."""
        if outcome == Outcome.INVALID:
            return replace(self, repaired=True)
        if outcome == Outcome.TRUNCATED:
            return replace(self, lengthened=True)
        return replace(self, failures=self.failures + (outcome == "transient"))


@dataclass(frozen=True, slots=True)
class Place:
    """The request that comes next, and what was tried before it."""

    request: RenderedRequest
    tried: Tried = Tried()


def tried(outcomes: Iterable[str]) -> Tried:
    """What a series of outcomes has used up, without rendering any request of it."""
    found = Tried()
    for outcome in outcomes:
        found = found.after(outcome)
    return found


def place(base: RenderedRequest, series: Iterable[Past]) -> Place:
    """Repair what was outside the form, lengthen what was cut off, count what was transient."""
    request, found = base, Tried()
    for past in series:
        if past.outcome == Outcome.INVALID and not found.repaired:
            request = prompting.repair(request, answer=past.answer, problem=past.problem)
        elif past.outcome == Outcome.TRUNCATED and not found.lengthened:
            request = prompting.lengthen(request)
        found = found.after(past.outcome)
    return Place(request, found)


def sent_requests(base: RenderedRequest, attempts: Sequence[tuple[Past, str]]) -> list[str]:
    """For each attempt (with the digest that was stored) the text of its last turn that was sent.

    Empty where no request of the series has that digest: then the item or its version is not what
    it was. A series starts anew where the plain request was sent again.
    """
    texts = []
    series: list[Past] = []
    for past, digest in attempts:
        request = place(base, series).request
        if request.digest != digest:
            series, request = [], base
        texts.append(request.turns[-1].text if request.digest == digest else "")
        series.append(past)
    return texts
