"""Does the judge say the same when the responses are shown the other way round?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from measurement import intervals
from measurement.estimate import Estimate
from measurement.scale import TIE
from measurement.sheet import Sheet
from measurement.verdicts import OK, JudgeTable


@dataclass(frozen=True, slots=True)
class Orders:
    """Both orders of a pair: how often they name the same winner, how often the first shown.

    `consistent` has n = pairs; `first_shown` n = calls with a winner, over all calls.
    """

    pairs: int
    consistent: Estimate
    first_shown: Estimate

    def as_dict(self) -> dict[str, Any]:
        return {
            "pairs": self.pairs,
            "consistent": self.consistent.as_dict(),
            "first_shown": self.first_shown.as_dict(),
        }


def orders(judge: JudgeTable, sheet: Sheet) -> Orders | None:
    """Consistency over the two orders and the first-shown rate; None without calls in orders."""
    if not sheet.tested.is_pairwise or not judge.calls:
        return None
    winners: dict[tuple[str, str], dict[str, str]] = {}
    firsts: list[tuple[str, bool]] = []
    mapped, labels = sheet.scale.tested_codes(), sheet.tested.labels
    for call in judge.calls:
        code = sheet.scale.code(call.label) if call.outcome == OK else -1
        if code < 0:
            continue
        winner = labels[mapped[code]]
        winners.setdefault((call.item, str(call.sample)), {})[call.order] = winner
        if winner != TIE:
            firsts.append((call.item, winner == call.order[0]))
    same = [
        (item, len(set(both.values())) == 1)
        for (item, _), both in winners.items()
        if len(both) == 2
    ]
    return Orders(
        len(same),
        _by_item(same, sheet, because="no pair has a verdict in both orders"),
        _by_item(firsts, sheet, because="no call names a winner"),
    )


def _by_item(found: list[tuple[str, bool]], sheet: Sheet, *, because: str) -> Estimate:
    """A share of calls, those of one item (or its cluster) taken together."""
    known = dict(zip(sheet.people.items, sheet.clusters.tolist(), strict=True))
    codes = {item: len(known) + place for place, item in enumerate(dict(found))} | known
    clusters = np.array([codes[item] for item, _ in found], dtype=np.int64)
    hits = np.array([hit for _, hit in found], dtype=np.float64)
    return intervals.share(hits, np.ones(len(found)), clusters, because=because)
