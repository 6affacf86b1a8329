"""A judge asked twice about the same items, the second time with something changed about them.

Labels are plain texts in the item's own labelling, by item; an item without a verdict in either
run is left out of both. `clusters` gives each item's cluster, `toward` the side (A or B) that the
change is for, empty where an item has one response.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from measurement import intervals
from measurement.alpha import alpha
from measurement.arrays import Bools, Floats, np
from measurement.counts import counts_of
from measurement.estimate import Estimate, Interval
from measurement.scale import NOT_APPLICABLE, TIE, Scale, side_of
from measurement.selfpreference import LEAST_ITEMS
from measurement.sheet import Sheet
from measurement.stability import ClustersOf, winners_by_order
from measurement.table import RatingTable, Vote
from measurement.verdicts import ORDERS, JudgeTable

Labels = Mapping[str, str]

NO_BOTH = "no item has a verdict in both runs"
NO_ORDER = "the labels have no order, so nothing can be for or against a response"
NO_ROOM = "every verdict was at its best already"
NO_WORSE = "every verdict was at its worst already"


@dataclass(frozen=True, slots=True)
class Shift:
    """What a change that is for one response does to the verdicts.

    `effect` is the mean change of the verdict: for pairs of the support of the named side (1 its
    win, ½ a tie, 0 a loss), on scales of the place on the scale from 0 to 1. `toward` is the share
    of verdicts that move in its favour, of those that could (n), `away` the share that move
    against it.
    """

    effect: Estimate
    toward: Estimate
    away: Estimate


def changed(plain: Labels, other: Labels, scale: Scale, clusters: ClustersOf) -> Estimate:
    """The share of tested labels that are not the same in both runs; n = items with both."""
    items = _both(plain, other)
    differ = [float(_tested(plain[item], scale) != _tested(other[item], scale)) for item in items]
    return _share(differ, items, clusters, because=NO_BOTH)


def shift(
    plain: Labels,
    other: Labels,
    toward: Mapping[str, str],
    scale: Scale,
    clusters: ClustersOf,
    *,
    seed: int,
) -> Shift:
    """How far the verdicts go with a change that is for one response. Raises OutsideScale."""
    if not (scale.is_pairwise or scale.has_order or scale.level != "nominal"):
        none = Estimate.undefined(NO_ORDER)
        return Shift(none, none, none)
    items = [
        item for item in _both(plain, other) if NOT_APPLICABLE not in {plain[item], other[item]}
    ]
    before = np.array([_place(plain[item], toward.get(item, ""), scale) for item in items])
    after = np.array([_place(other[item], toward.get(item, ""), scale) for item in items])
    moves = after - before
    return Shift(
        _effect(moves, items, clusters, seed=seed),
        _among(moves > 0, before < 1, items, clusters, because=NO_ROOM),
        _among(moves < 0, before > 0, items, clusters, because=NO_WORSE),
    )


def first_shown(judge: JudgeTable, scale: Scale, clusters: ClustersOf, *, seed: int) -> Estimate:
    """The share of calls with a winner that name the response shown first; n = such calls.

    Only pairs with a verdict in both orders: one that keeps its winner names each place once, so
    that the share is told more closely than from as many calls that know nothing of each other.
    """
    features = _first_shown_by_item(judge, scale)
    items = list(features)
    sums = np.array(list(features.values()), dtype=np.float64).reshape(len(items), 2)
    n = int(sums[:, 1].sum())
    if n == 0:
        return Estimate.undefined("no pair with verdicts in both orders has a winner")
    if (2 * sums[:, 0] == sums[:, 1]).all():
        still = _share([0.0] * len(items), items, clusters, because=NO_BOTH)
        assert still.interval is not None
        most = still.interval.high / 2
        return Estimate(0.5, n, Interval(0.5 - most, 0.5 + most, 0.95, "Wilson, no pair leans"))
    return intervals.bootstrapped(
        sums, clusters(items), lambda drawn: drawn[:, 0] / drawn[:, 1], n=n, seed=seed
    )


def _first_shown_by_item(judge: JudgeTable, scale: Scale) -> dict[str, tuple[float, float]]:
    """For each pair the calls that name the first place, and those that name any."""
    found: dict[str, tuple[float, float]] = {}
    for (item, _), said in winners_by_order(judge, scale).items():
        if len(said) < len(ORDERS):
            continue
        firsts, winners = found.get(item, (0.0, 0.0))
        for order, winner in said.items():
            firsts += winner == order[0]
            winners += winner != TIE
        found[item] = (firsts, winners)
    return found


def retest_alpha(
    samples: Mapping[str, Sequence[str]], keys: Mapping[str, str], scale: Scale, *, seed: int
) -> Estimate:
    """Alpha between the samples of each item on the scale's own labels; n = items with two.

    `keys` gives each item's cluster by name. Raises OutsideScale.
    """
    table = RatingTable.build(
        Vote(item, str(number), label, keys[item])
        for item, labels in samples.items()
        for number, label in enumerate(labels)
    )
    counts = counts_of(table, scale)
    return alpha(counts, table.cluster_codes, level=scale.level, numbers=scale.numbers(), seed=seed)


def own_family_points(sheet: Sheet, is_own: Mapping[str, bool], *, seed: int) -> Estimate:
    """On scales: judge − people for responses of its own family, minus the same for the others.

    A part of the range of the scale; n = items with both labels whose system is known. Below 50
    items on either side it is undefined, as for pairs.
    """
    numbers = sheet.scale.numbers()
    span = float(numbers.max() - numbers.min()) if len(numbers) > 1 else 1.0
    known = np.array([item in is_own for item in sheet.people.items], dtype=np.bool_)
    known &= (sheet.human_points >= 0) & (sheet.judge_points >= 0)
    own = np.array([is_own.get(item, False) for item in sheet.people.items], dtype=np.bool_)
    least = min(int((known & own).sum()), int((known & ~own).sum()))
    if least < LEAST_ITEMS:
        because = f"fewer than {LEAST_ITEMS} items of its own family or of the others have a label"
        return Estimate.undefined(because, n=least)
    gaps = (numbers[sheet.judge_points] - numbers[sheet.human_points]) / span
    features = np.column_stack([gaps * own, own, gaps * ~own, ~own])[known].astype(np.float64)
    return intervals.bootstrapped(
        features, sheet.clusters[known], _gap, n=int(known.sum()), seed=seed
    )


def complement(share: Estimate) -> Estimate:
    """One minus a share."""
    if share.value is None:
        return share
    bounds = share.interval
    turned = bounds and Interval(1 - bounds.high, 1 - bounds.low, bounds.level, bounds.method)
    return Estimate(1 - share.value, share.n, turned)


def _effect(moves: Floats, items: list[str], clusters: ClustersOf, *, seed: int) -> Estimate:
    """The mean move; where nothing moved resampling knows no doubt, but few items leave some."""
    if len(items) and not moves.any():
        still = _share([0.0] * len(items), items, clusters, because=NO_BOTH)
        assert still.interval is not None
        most = still.interval.high
        return Estimate(0.0, len(items), Interval(-most, most, 0.95, "Wilson, no verdict moved"))
    return intervals.mean_difference(moves, clusters(items), seed=seed, because=NO_BOTH)


def _gap(sums: Floats) -> Floats:
    return np.asarray(sums[:, 0] / sums[:, 1] - sums[:, 2] / sums[:, 3])


def _both(plain: Labels, other: Labels) -> list[str]:
    return sorted(item for item, label in plain.items() if label and other.get(item))


def _tested(label: str, scale: Scale) -> int:
    """The label's place among those that are tested; −1 for "not applicable"."""
    code = scale.code(label)
    return int(scale.tested_codes()[code]) if code >= 0 else code


def _place(label: str, side: str, scale: Scale) -> float:
    """Between 0 and 1: how far the label is for the named side, or how high on its scale."""
    if scale.is_pairwise:
        winner = side_of(label)
        return 0.5 if winner == TIE else float(winner == side)
    numbers = scale.numbers()
    low, high = float(numbers.min()), float(numbers.max())
    return (float(numbers[scale.code(label)]) - low) / (high - low)


def _among(
    hits: Bools,
    among: Bools,
    items: list[str],
    clusters: ClustersOf,
    *,
    because: str,
) -> Estimate:
    kept = [item for item, counts in zip(items, among, strict=True) if counts]
    found = [float(hit) for hit, counts in zip(hits, among, strict=True) if counts]
    return _share(found, kept, clusters, because=because if items else NO_BOTH)


def _share(
    hits: Sequence[float], items: list[str], clusters: ClustersOf, *, because: str
) -> Estimate:
    return intervals.share(
        np.array(hits, dtype=np.float64), np.ones(len(items)), clusters(items), because=because
    )
