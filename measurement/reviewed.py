"""Agreement after people looked again: at items where judge and people differed, and where not."""

from __future__ import annotations

from dataclasses import dataclass

from measurement.arrays import Floats, Ints, np
from measurement.estimate import Estimate, Interval
from measurement.intervals import share, wilson

NO_SAMPLE = (
    "as many items on which judge and people agree have to be reviewed as such on which they differ"
)


@dataclass(frozen=True, slots=True)
class Part:
    """Items of one kind: how many there are, and what a review found on those drawn at random.

    `hits` is 1 where the judge was right and 0 where not; `clusters` has each item's cluster.
    """

    items: int
    hits: Floats
    clusters: Ints

    @property
    def reviewed(self) -> int:
        return len(self.hits)

    def share(self) -> Estimate:
        return share(
            self.hits, np.ones(self.reviewed), self.clusters, because="nothing was reviewed"
        )


def agreement_after_review(
    *, differing: Part, agreeing: Part, before: Interval | None = None
) -> Estimate:
    """How often the judge is right on all items, from a random part of either kind.

    Each kind counts by its number of items. Its share has Wilson's interval; the interval of the
    whole joins those of both shares and of the agreement before (Zou and Donner 2008), so it has a
    width also where one share is 0 or 1. `before` is the interval of the agreement before the
    review where items share clusters. `n` counts reviewed items.

    Undefined without an equal sample of agreements, or all there are: whoever reviews differences
    only can but raise the agreement.
    """
    n, total = differing.reviewed + agreeing.reviewed, differing.items + agreeing.items
    if total == 0:
        return Estimate.undefined("there is no item with both labels")
    if differing.items and not differing.reviewed:
        return Estimate.undefined("no item on which judge and people differ was reviewed", n=n)
    if agreeing.reviewed < min(differing.reviewed, agreeing.items):
        return Estimate.undefined(NO_SAMPLE, n=n)
    weighted = [(part.items / total, part.share()) for part in (differing, agreeing) if part.items]
    value = sum(weight * (found.value or 0.0) for weight, found in weighted)
    down, up = [], []
    for weight, found in weighted:
        assert found.value is not None
        assert found.interval is not None
        down.append(weight * (found.value - found.interval.low))
        up.append(weight * (found.interval.high - found.value))
    if len(weighted) == 2:
        moved = _moved_by_luck(agreeing.items, total, before) * abs(
            (weighted[1][1].value or 0.0) - (weighted[0][1].value or 0.0)
        )
        down.append(moved)
        up.append(moved)
    low = max(0.0, value - float(np.linalg.norm(down)))
    high = min(1.0, value + float(np.linalg.norm(up)))
    return Estimate(value, n, Interval(low, high, 0.95, "Wilson by part, joined"))


def _moved_by_luck(agreeing: int, total: int, before: Interval | None) -> float:
    """How far the share of agreements among all items may lie from its true value."""
    found = before or wilson(agreeing, total)
    share_now = agreeing / total
    return max(share_now - found.low, found.high - share_now)
