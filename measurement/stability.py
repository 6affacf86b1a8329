"""Does the judge say the same again: with the responses the other way round, and asked twice?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from measurement import intervals
from measurement.arrays import Floats, Ints, np
from measurement.estimate import Estimate
from measurement.scale import TIE, Scale, label_text
from measurement.sheet import Sheet
from measurement.verdicts import OK, ORDERS, JudgeTable

NO_PAIR = "no pair has a verdict in both orders"
NO_FLIP = "no pair changes its winner with the order"
NO_REPEAT = "no item was asked twice in the same order"
NO_SAMPLES = "no item has two samples with a verdict"
Hits = tuple[str, float, float]
"""An item with what counted as a hit, and of how many."""
ClustersOf = Callable[[list[str]], Ints]
"""Gives the cluster of each of these items, as a code."""


@dataclass(frozen=True, slots=True)
class Flips:
    """Pairs whose winner changes with the order: to which place they lean.

    `first` pairs favour the response shown first, `second` the one shown second (a winner in one
    order beside a tie in the other leans to where that winner stood). `p` is the two-sided
    binomial test of no lean, n = clusters that lean: those of one cluster vote together.
    """

    first: int
    second: int
    share_first: Estimate
    p: Estimate

    def as_dict(self) -> dict[str, Any]:
        return {
            "first": self.first,
            "second": self.second,
            "share_first": self.share_first.as_dict(),
            "p": self.p.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class Orders:
    """Both orders of a pair: how often they name the same winner, how often the first shown.

    `consistent` has n = pairs; `first_shown` n = calls with a winner, over all calls.
    `consistent_repeat` is the share of pairs of samples in one and the same order with the same
    winner; `position` is consistent_repeat − consistent on the items that have both: what the
    change of places does beyond chance.
    """

    pairs: int
    consistent: Estimate
    first_shown: Estimate
    flips: Flips
    consistent_repeat: Estimate
    position: Estimate

    def as_dict(self) -> dict[str, Any]:
        return {
            "pairs": self.pairs,
            "consistent": self.consistent.as_dict(),
            "first_shown": self.first_shown.as_dict(),
            "flips": self.flips.as_dict(),
            "consistent_repeat": self.consistent_repeat.as_dict(),
            "position": self.position.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class Repeats:
    """Items that were asked several times: do the tested labels stay the same?

    `samples` is the largest number of verdicts of an item. `flip_rate` is the share of items
    whose verdicts are not all the same (it grows with `samples`), `agreement` that of pairs of
    samples with the same verdict (it does not).
    """

    samples: int
    flip_rate: Estimate
    agreement: Estimate

    def as_dict(self) -> dict[str, Any]:
        return {
            "samples": self.samples,
            "flip_rate": self.flip_rate.as_dict(),
            "agreement": self.agreement.as_dict(),
        }


def orders(judge: JudgeTable, sheet: Sheet, *, seed: int) -> Orders | None:
    """How far the order decides; None for other labels and without calls in orders."""
    return orders_of(judge, sheet.scale, _clusters_beside(sheet), seed=seed)


def orders_of(judge: JudgeTable, scale: Scale, clusters: ClustersOf, *, seed: int) -> Orders | None:
    """`orders` without people: it takes the judge's calls and the clusters of items alone."""
    if not scale.tested().is_pairwise or not any(call.order in ORDERS for call in judge.calls):
        return None
    winners = winners_by_order(judge, scale)
    both = {key: said for key, said in winners.items() if len(said) == len(ORDERS)}
    swapped = [(item, float(len(set(said.values())) == 1), 1.0) for (item, _), said in both.items()]
    firsts = [
        (item, float(winner == order[0]), 1.0)
        for (item, _), said in winners.items()
        for order, winner in said.items()
        if winner != TIE
    ]
    repeated = list(_repeated(winners))
    return Orders(
        len(swapped),
        _share(swapped, clusters, because=NO_PAIR),
        _share(firsts, clusters, because="no call names a winner"),
        _flips(((item, said) for (item, _), said in both.items()), clusters),
        _share(repeated, clusters, because=NO_REPEAT),
        _position(repeated, swapped, clusters, seed=seed),
    )


def repeats(judge: JudgeTable, sheet: Sheet) -> Repeats | None:
    """The flip rate over samples, orders combined; None where no item was asked twice."""
    return repeats_of(judge, sheet.scale, _clusters_beside(sheet))


def repeats_of(judge: JudgeTable, scale: Scale, clusters: ClustersOf) -> Repeats | None:
    """`repeats` without people."""
    if len({label_text(call.sample) for call in judge.calls}) < 2:
        return None
    mapped = scale.tested_codes()
    said = {
        item: [mapped[code] if code >= 0 else code for code in map(scale.code, labels)]
        for item, labels in judge.sample_labels(scale).items()
        if len(labels) > 1
    }
    flipped = [(item, float(len(set(codes)) > 1), 1.0) for item, codes in said.items()]
    agreeing = [(item, *_same_pairs(codes)) for item, codes in said.items()]
    return Repeats(
        max(map(len, said.values()), default=0),
        _share(flipped, clusters, because=NO_SAMPLES),
        _share(agreeing, clusters, because=NO_SAMPLES),
    )


def winners_by_order(judge: JudgeTable, scale: Scale) -> dict[tuple[str, str], dict[str, str]]:
    """For each item and sample the winner by order; calls without a verdict left out."""
    mapped, labels = scale.tested_codes(), scale.tested().labels
    winners: dict[tuple[str, str], dict[str, str]] = {}
    for call in judge.calls:
        if call.outcome != OK or call.order not in ORDERS:
            continue
        code = scale.code(call.label)
        if code >= 0:
            winners.setdefault((call.item, str(call.sample)), {})[call.order] = labels[mapped[code]]
    return winners


def _repeated(winners: dict[tuple[str, str], dict[str, str]]) -> Iterator[Hits]:
    """For each item the pairs of samples in the same order, and how many of them agree."""
    said: dict[str, dict[str, list[str]]] = {}
    for (item, _), by_order in winners.items():
        for order, winner in by_order.items():
            said.setdefault(item, {}).setdefault(order, []).append(winner)
    for item, lists in said.items():
        counted = [_same_pairs(labels) for labels in lists.values()]
        pairs = sum(of for _, of in counted)
        if pairs:
            yield item, sum(hits for hits, _ in counted), pairs


def _same_pairs(labels: list[Any]) -> tuple[float, float]:
    pairs = [one == other for one, other in combinations(labels, 2)]
    return float(sum(pairs)), float(len(pairs))


def _flips(both: Iterable[tuple[str, dict[str, str]]], clusters: ClustersOf) -> Flips:
    leaning = [(item, _lean(said)) for item, said in both if len(set(said.values())) > 1]
    hits = [(item, float(lean > 0), 1.0) for item, lean in leaning]
    first = sum(lean > 0 for _, lean in leaning)
    return Flips(
        first,
        len(leaning) - first,
        _share(hits, clusters, because=NO_FLIP),
        _lean_test(leaning, clusters),
    )


def _lean(said: dict[str, str]) -> int:
    """Above 0 when the winners stood first, below when they stood second; never 0 in a flip."""
    return sum(
        0 if winner == TIE else 1 if winner == order[0] else -1 for order, winner in said.items()
    )


def _lean_test(leaning: list[tuple[str, int]], clusters: ClustersOf) -> Estimate:
    from scipy.stats import binomtest

    signs = np.sign([lean for _, lean in leaning]).astype(np.float64)
    sums = intervals.sum_by(clusters([item for item, _ in leaning]), signs)
    first, second = int((sums > 0).sum()), int((sums < 0).sum())
    if first + second == 0:
        return Estimate.undefined(NO_FLIP if not leaning else "no cluster leans to a place")
    return Estimate(float(binomtest(first, first + second).pvalue), first + second)


def _position(
    repeated: list[Hits], swapped: list[Hits], clusters: ClustersOf, *, seed: int
) -> Estimate:
    """Same winner in the same order − same winner in the other one, on the same items."""
    repeat, swap = _by_item(repeated), _by_item(swapped)
    items = [item for item in repeat if item in swap]
    if not items:
        return Estimate.undefined(NO_REPEAT if swapped else NO_PAIR)
    features = np.array([(*repeat[item], *swap[item]) for item in items], dtype=np.float64)
    return intervals.bootstrapped(features, clusters(items), _difference, n=len(items), seed=seed)


def _difference(sums: Floats) -> Floats:
    return np.asarray(sums[:, 0] / sums[:, 1] - sums[:, 2] / sums[:, 3])


def _by_item(found: list[Hits]) -> dict[str, tuple[float, float]]:
    summed: dict[str, tuple[float, float]] = {}
    for item, hits, of in found:
        before = summed.get(item, (0.0, 0.0))
        summed[item] = (before[0] + hits, before[1] + of)
    return summed


def _share(found: list[Hits], clusters: ClustersOf, *, because: str) -> Estimate:
    """A pooled share; what belongs to one item (or its cluster) is taken together."""
    codes = clusters([item for item, _, _ in found])
    hits = np.array([hit for _, hit, _ in found], dtype=np.float64)
    sizes = np.array([of for _, _, of in found], dtype=np.float64)
    return intervals.share(hits, sizes, codes, because=because)


def _clusters_beside(sheet: Sheet) -> ClustersOf:
    """The sheet's clusters; an item that people did not rate is its own."""
    known = dict(zip(sheet.people.items, sheet.clusters.tolist(), strict=True))

    def clusters(items: list[str]) -> Ints:
        alone = {item: len(known) + place for place, item in enumerate(dict.fromkeys(items))}
        codes = alone | known
        return np.array([codes[item] for item in items], dtype=np.int64)

    return clusters


def clusters_by_key(keys: Mapping[str, str]) -> ClustersOf:
    """Items that share a key share a cluster; every item has a key."""
    places = {key: place for place, key in enumerate(sorted(set(keys.values())))}

    def clusters(items: list[str]) -> Ints:
        return np.array([places[keys[item]] for item in items], dtype=np.int64)

    return clusters
