"""What a probe does to an item before the judge sees it: pure, named, and the same every time.

A run of a probe carries one change. The digest of a request differs by itself where the text does.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from judges.rules import markup
from judges.rules.copies import INJECTIONS, injected, padded
from judges.rules.spec import ItemView, VersionSpec

ChangeKind = Literal["plain", "padded", "stripped", "injected"]
SIDES = ("A", "B")


@dataclass(frozen=True, slots=True)
class Target:
    """Which response of an item is changed ("" for the only one), and by which injection."""

    side: str = ""
    pick: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What one run of a probe changes of the items, and of the way they are asked.

    ``targets`` are by the item's key. ``samples`` and ``both_orders`` go before what the version
    says, and so does a rubric in other words; a fresh run takes nothing from the cache.
    """

    kind: ChangeKind = "plain"
    factor: float = 1.0
    samples: int | None = None
    both_orders: bool = False
    is_fresh: bool = False
    is_reworded: bool = False
    targets: Mapping[int, Target] = field(default_factory=dict, hash=False)

    def asked(self, spec: VersionSpec) -> VersionSpec:
        """How the version is asked in this run."""
        if self.samples is not None:
            spec = dataclasses.replace(spec, samples=self.samples)
        if self.both_orders and spec.is_pairwise:
            spec = dataclasses.replace(spec, both_orders=True)
        if self.is_reworded:
            spec = dataclasses.replace(spec, is_reworded=True)
        return spec

    def shown(self, key: int, item: ItemView) -> ItemView:
        """The item as this run shows it to the judge."""
        if self.kind == "plain":
            return item
        target = self.targets.get(key, Target())
        if self.kind == "stripped":
            return _with_responses(item, markup.plain)
        if self.kind == "padded":
            return _with_responses(item, lambda text: padded(text, self.factor), target.side)
        return _with_responses(item, lambda text: injected(text, target.pick), target.side)

    def as_json(self) -> dict[str, Any]:
        """All but the targets, which belong to the probe's sample."""
        found = dataclasses.asdict(self)
        del found["targets"]
        return found


AS_IT_IS = Change()
"""The change of every run that is no probe's: none."""


def from_json(stored: Mapping[str, Any], targets: Mapping[int, Target]) -> Change:
    """The change that ``as_json`` wrote, with the targets of its probe."""
    return Change(**stored, targets=targets)


@dataclass(frozen=True, slots=True)
class Part:
    """One response before and after a change; ``added`` is what was only put behind it."""

    name: str
    before: str
    after: str
    added: str = ""


def compared(plain: ItemView, changed: ItemView) -> list[Part]:
    """The responses that differ between two views of one item; all of them where none does."""
    pairs = list(zip(_texts(plain), _texts(changed), strict=True))
    kept = [(name, before, after) for (name, before), (_, after) in pairs if before != after]
    if not kept:
        kept = [(name, before, after) for (name, before), (_, after) in pairs]
    return [Part(*one, added=_added(one[1], one[2])) for one in kept]


def _added(before: str, after: str) -> str:
    return after[len(before) :].lstrip("\n") if after.startswith(before) else ""


def _texts(item: ItemView) -> list[tuple[str, str]]:
    if item.kind == "pair":
        return [("Response A", item.response_a), ("Response B", item.response_b)]
    if item.response or item.kind == "single":
        return [("Response", item.response)]
    return [(f"Turn of {role}", text) for role, text in item.messages if role.lower() != "user"]


def changes_anything(item: ItemView) -> bool:
    """Whether stripping the markup changes a response of the item."""
    return _with_responses(item, markup.plain) != item


def draw(seed: int, *parts: object) -> float:
    """A number in [0, 1) that depends on the seed and the parts alone."""
    text = "\x1f".join(str(part) for part in (seed, *parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2.0**64


def target(seed: int, name: str, *, is_pair: bool, side: str = "") -> Target:
    """The response of an item that is changed: the given side, else one drawn for its name."""
    pick = int(draw(seed, "injection", name) * len(INJECTIONS))
    if not is_pair:
        return Target("", pick)
    return Target(side or SIDES[int(draw(seed, "side", name) * len(SIDES))], pick)


def _with_responses(item: ItemView, change: Callable[[str], str], side: str = "") -> ItemView:
    """The item with the named response changed, or all of them; of a conversation the last."""
    if item.kind == "pair":
        first, second = item.response_a, item.response_b
        return dataclasses.replace(
            item,
            response_a=change(first) if side in {"", "A"} else first,
            response_b=change(second) if side in {"", "B"} else second,
        )
    if item.response or item.kind == "single":
        return dataclasses.replace(item, response=change(item.response))
    return dataclasses.replace(item, messages=_last_changed(item.messages, change))


def _last_changed(
    turns: Sequence[tuple[str, str]], change: Callable[[str], str]
) -> tuple[tuple[str, str], ...]:
    """The turns with the last one that is not the user's changed."""
    found = list(turns)
    for place in range(len(found) - 1, -1, -1):
        role, text = found[place]
        if role.lower() != "user":
            found[place] = (role, change(text))
            break
    return tuple(found)
