"""A round in plain Python: what is held, answered, skipped, drafted, and what may come next.

It knows nothing of rows, slots and statements. The machine does each act to it and to the product,
and compares.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

Labels = dict[str, str]
State = Literal["open", "paused", "closed"]
Place = tuple[int, int]
"""An item and a rater."""


@dataclass
class Lease:
    row: int
    item: int
    until: datetime


@dataclass
class Member:
    """A rater's place in the round."""

    quota: int | None = None
    is_out: bool = False
    answered: int = 0
    skipped: int = 0


@dataclass
class World:
    """`answers` holds every revision of each answer, the last one last."""

    overlap: int
    items: list[int]
    now: datetime
    lease_time: timedelta
    state: State = "open"
    members: dict[int, Member] = field(default_factory=dict)
    leases: dict[int, Lease] = field(default_factory=dict)
    answers: dict[Place, list[Labels]] = field(default_factory=dict)
    skips: set[Place] = field(default_factory=set)
    drafts: dict[Place, Labels] = field(default_factory=dict)
    kept: dict[Place, datetime] = field(default_factory=dict)
    out: set[int] = field(default_factory=set)

    def taken(self, item: int) -> int:
        """Leased, kept and answered slots; an item that is out of the round has none."""
        if item in self.out:
            return 0
        held = sum(lease.item == item for lease in self.leases.values())
        held += sum(kept == item for kept, _ in self.kept)
        return held + sum(answered == item for answered, _ in self.answers)

    def is_known(self, item: int, rater: int) -> bool:
        """Whether the rater has, or had for good, a slot of the item."""
        lease = self.leases.get(rater)
        return (
            (item, rater) in self.answers
            or (item, rater) in self.skips
            or (lease is not None and lease.item == item)
        )

    def may_come(self, rater: int) -> set[int]:
        """The items that may be handed to the rater: what is kept for them, else of the new ones
        with a slot the fullest."""
        kept = {item for item, one in self.kept if one == rater}
        if kept:
            return kept
        new = [
            item
            for item in self.items
            if item not in self.out
            and self.taken(item) < self.overlap
            and not self.is_known(item, rater)
        ]
        fullest = max((self.taken(item) for item in new), default=0)
        return {item for item in new if self.taken(item) == fullest}

    def refusal(self, rater: int) -> str:
        """Why nothing new is handed out to the rater, if so."""
        member = self.members[rater]
        if self.state != "open":
            return self.state
        if member.quota is not None and member.answered >= member.quota:
            return "quota_reached"
        return "" if self.may_come(rater) else "nothing_left"

    def may_keep(self, item: int, rater: int) -> bool:
        """Whether a lead can keep a slot of the item for the rater."""
        member = self.members.get(rater)
        if member is None or member.is_out or item in self.out:
            return False
        waiting = sum(one == rater for _, one in self.kept)
        return (
            not self.is_known(item, rater)
            and (item, rater) not in self.kept
            and self.taken(item) < self.overlap
            and (member.quota is None or member.answered + waiting < member.quota)
        )

    def sweep(self) -> None:
        """What ran out is taken back: leases, and what was kept long enough."""
        self.lapse()
        for place in [one for one, until in self.kept.items() if until <= self.now]:
            del self.kept[place]

    def lapse(self) -> None:
        """Leases that ran out are taken back."""
        for rater in [r for r, lease in self.leases.items() if lease.until <= self.now]:
            self.empty(rater)

    def empty(self, rater: int) -> None:
        """A lease ends without an answer; a draft says who had the item."""
        lease = self.leases.pop(rater)
        self.drafts.setdefault((lease.item, rater), {})

    def holds(self, rater: int, row: int) -> bool:
        lease = self.leases.get(rater)
        return lease is not None and lease.row == row

    def takes_answer(self, item: int, rater: int) -> bool:
        """Whether an answer without an earlier one is stored: in the lease, else late."""
        if item in self.out:
            return False
        lease = self.leases.get(rater)
        if lease is not None and lease.item == item:
            return True
        return (
            (item, rater) not in self.skips
            and self.state in ("open", "paused")
            and not self.members[rater].is_out
            and (self.taken(item) < self.overlap or (item, rater) in self.kept)
        )

    def answer(self, item: int, rater: int, labels: Labels) -> None:
        lease = self.leases.get(rater)
        if lease is not None and lease.item == item:
            del self.leases[rater]
        self.kept.pop((item, rater), None)
        self.answers[item, rater] = [labels]
        self.members[rater].answered += 1
        self.drafts.pop((item, rater), None)

    def skip(self, rater: int) -> None:
        lease = self.leases.pop(rater)
        self.skips.add((lease.item, rater))
        self.members[rater].skipped += 1
        self.drafts.pop((lease.item, rater), None)

    def withdraw(self, item: int) -> None:
        self.out.add(item)
        for rater in [r for r, lease in self.leases.items() if lease.item == item]:
            self.empty(rater)
        for place in [one for one in self.kept if one[0] == item]:
            del self.kept[place]

    def counting(self) -> Iterator[tuple[Place, list[Labels]]]:
        """The answers on items that are in the round."""
        return ((place, told) for place, told in self.answers.items() if place[0] not in self.out)
