"""Two versions on the same items: how far one metric moved, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from measurement import intervals, planning
from measurement.arrays import Floats, Ints, np
from measurement.estimate import Estimate
from measurement.intervals import Replicates
from measurement.mcnemar import McNemar, is_binary, mcnemar
from measurement.signedrank import (
    NOTHING_DIFFERS,
    SignedRank,
    net_by_cluster,
    rank_biserial,
    signed_levels,
    signed_rank,
)
from measurement.signflip import sign_flip

MID_P = "McNemar, mid-p"
WILCOXON = "Wilcoxon signed rank"
ONE_UNIT = "one item (or one cluster of items) shows no spread, so there is no interval"
SAME_DIFFERENCE = "every item differs by the same amount, so there is no spread to divide by"
ALL_ALIKE = "too few items (or clusters) that all differ by the same amount: nothing shows a spread"
FEW_UNITS = 50
LEAST_ALIKE = 6
"""Units without any spread that can carry an interval: with 5, coins land alike in 2 · ½⁵ > .05."""
NOISE = 1e-12


@dataclass(frozen=True)
class PairedScores:
    """One metric's scores of both versions on the same items, one entry an item, in name order.

    `clusters` has a code an item; siblings share one.
    """

    baseline: Floats
    candidate: Floats
    clusters: Ints

    @classmethod
    def of(
        cls,
        baseline: Mapping[str, float],
        candidate: Mapping[str, float],
        clusters: Mapping[str, str],
    ) -> PairedScores:
        """The items that both score (one at least), by name; one without a cluster is its own."""
        items = sorted(baseline.keys() & candidate.keys())
        seen: dict[tuple[bool, str], int] = {}
        keys = [(item in clusters, clusters.get(item, item)) for item in items]
        return cls(
            np.array([baseline[item] for item in items], dtype=np.float64),
            np.array([candidate[item] for item in items], dtype=np.float64),
            np.array([seen.setdefault(key, len(seen)) for key in keys], dtype=np.int64),
        )

    @property
    def noise(self) -> float:
        """Differences up to here are what floating point adds to scores of this size."""
        sizes = np.abs(self.baseline).max(), np.abs(self.candidate).max()
        return NOISE * float(max(sizes))

    @cached_property
    def levels(self) -> Ints:
        """The signed levels of the differences: what rank and sign tests see."""
        return signed_levels(self.candidate - self.baseline, noise=self.noise)

    @cached_property
    def differences(self) -> Floats:
        """Candidate − baseline, in the metric's own unit; none is exactly 0."""
        return np.where(self.levels == 0, 0.0, self.candidate - self.baseline)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one metric shows. Differences are candidate − baseline, in the metric's own unit.

    `baseline` and `candidate` are means; `difference` the mean paired difference with the
    bootstrap of items, or of clusters where items share one: the headline. `p` is two-sided and
    of the named `test`: mid-p McNemar for scores of 0 and 1 (`binary`), else Wilcoxon without
    the items that do not differ; `pratt` is Wilcoxon's other zero rule. `d_z` is the mean
    difference in its own standard deviations, `win_rate` counts ties by half. `spread` is the
    standard deviation a difference of independent items would need for the same error of the
    mean; `smallest` the smallest change that these items can show (power .8, two-sided .05);
    `noise` what floating point may add; `drawn` the difference's replicates;
    `no_interval_because` the reason where the difference has no interval.
    n counts items (`rank_biserial`: those that differ).
    """

    items: int
    clusters: int
    baseline: Estimate
    candidate: Estimate
    difference: Estimate
    test: str
    p: float
    wilcoxon: SignedRank
    pratt: SignedRank
    binary: McNemar | None
    rank_biserial: Estimate
    d_z: Estimate
    wins: int
    ties: int
    losses: int
    win_rate: Estimate
    sign_p: float
    spread: float
    noise: float
    smallest: Estimate
    notes: tuple[str, ...]
    no_interval_because: str
    drawn: Replicates = field(repr=False, compare=False)

    def as_dict(self) -> dict[str, Any]:
        """The object of one metric in `compare --json`."""
        return {
            "items": self.items,
            "clusters": self.clusters,
            "baseline": self.baseline.as_dict(),
            "candidate": self.candidate.as_dict(),
            "difference": self.difference.as_dict(),
            "test": self.test,
            "p": self.p,
            "wilcoxon": {"wilcox": self.wilcoxon.as_dict(), "pratt": self.pratt.as_dict()},
            "mcnemar": None if self.binary is None else self.binary.as_dict(),
            "rank_biserial": self.rank_biserial.as_dict(),
            "d_z": self.d_z.as_dict(),
            "wins": self.wins,
            "ties": self.ties,
            "losses": self.losses,
            "win_rate": self.win_rate.as_dict(),
            "sign_p": self.sign_p,
            "smallest_detectable": self.smallest.as_dict(),
            "notes": list(self.notes),
        }


def compare(scores: PairedScores, *, lower_is_better: bool = False, seed: int) -> Comparison:
    """Everything that is shown of one metric; at least one item.

    `lower_is_better` turns who wins, not the sign of the difference.
    """
    levels, clusters = scores.levels, scores.clusters
    signs = np.sign(-levels if lower_is_better else levels)
    wins, losses = int((signs > 0).sum()), int((signs < 0).sum())
    drawn = _Drawn(scores, signs, seed=seed)
    wilcoxon = signed_rank(levels, clusters)
    binary = None
    if is_binary(scores.baseline, scores.candidate):
        binary = mcnemar(scores.baseline, scores.candidate, clusters)
    n, groups = len(levels), len(np.unique(clusters))
    difference = drawn.estimate(float(scores.differences.mean()), drawn.mean(_DIFFERENCE))
    spread = intervals.clustered_error(scores.differences, clusters) * n**0.5
    has_spread = spread > scores.noise * n**0.5
    because = _why_no_interval(groups, has_spread=has_spread)
    return Comparison(
        items=n,
        clusters=groups,
        baseline=drawn.estimate(float(scores.baseline.mean()), drawn.mean(_BASELINE)),
        candidate=drawn.estimate(float(scores.candidate.mean()), drawn.mean(_CANDIDATE)),
        difference=replace(difference, interval=None) if because else difference,
        test=WILCOXON if binary is None else MID_P,
        p=wilcoxon.p if binary is None else binary.p_mid,
        wilcoxon=wilcoxon,
        pratt=signed_rank(levels, clusters, zeros="pratt"),
        binary=binary,
        rank_biserial=rank_biserial(levels, clusters, seed=seed),
        d_z=drawn.d_z(),
        wins=wins,
        ties=n - wins - losses,
        losses=losses,
        win_rate=drawn.estimate((wins + (n - wins - losses) / 2) / n, drawn.mean(_WON)),
        sign_p=sign_flip(net_by_cluster(levels, clusters)).p,
        spread=spread if has_spread else 0.0,
        noise=scores.noise,
        smallest=_smallest(n, groups, spread if has_spread else 0.0, binary),
        notes=tuple(_notes(levels, groups, because, has_spread=has_spread)),
        no_interval_because=because,
        drawn=drawn.mean(_DIFFERENCE),
    )


_ITEMS, _BASELINE, _CANDIDATE, _DIFFERENCE, _SQUARE, _WON = range(6)


class _Drawn:
    """One drawing of items or clusters for all means of a metric."""

    def __init__(self, scores: PairedScores, signs: Ints, *, seed: int) -> None:
        self.n = len(signs)
        differences = scores.differences
        self.middle = float(differences.mean())
        self.deviation = float(differences.std(ddof=1)) if self.n > 1 else 0.0
        self.has_spread = self.deviation > scores.noise
        # Squares are taken around the mean: far from it they would lose their digits.
        features = np.column_stack(
            [
                np.ones(self.n),
                scores.baseline,
                scores.candidate,
                differences,
                (differences - self.middle) ** 2,
                (signs + 1) / 2,
            ]
        )
        self.sums = intervals.bootstrap(features, scores.clusters, lambda sums: sums, seed=seed)

    def mean(self, column: int) -> Replicates:
        sums = self.sums.values
        return replace(self.sums, values=sums[:, column] / sums[:, _ITEMS])

    def estimate(self, value: float, drawn: Replicates) -> Estimate:
        return Estimate(value, self.n, drawn.interval())

    def d_z(self) -> Estimate:
        """Mean over standard deviation of the differences; n − 1 in the deviation."""
        if self.n < 2:
            return Estimate.undefined(ONE_UNIT, n=self.n)
        if not self.has_spread:
            return Estimate.undefined(SAME_DIFFERENCE, n=self.n)
        sums = self.sums.values
        n = sums[:, _ITEMS]
        mean = sums[:, _DIFFERENCE] / n
        with np.errstate(divide="ignore", invalid="ignore"):
            variance = (sums[:, _SQUARE] - n * (mean - self.middle) ** 2) / (n - 1)
            values = mean / np.sqrt(variance)
        values[~(variance > NOISE * self.deviation**2)] = np.nan
        return self.estimate(self.middle / self.deviation, replace(self.sums, values=values))


def _smallest(n: int, groups: int, spread: float, binary: McNemar | None) -> Estimate:
    """The smallest change that n items can show; independent right and wrong by √discordance."""
    if groups < 2:
        return Estimate.undefined(ONE_UNIT, n=n)
    if binary is not None and groups == n:
        spread = binary.discordance**0.5
    if spread == 0:
        return Estimate.undefined(SAME_DIFFERENCE, n=n)
    return Estimate(planning.smallest_change(n, spread=spread), n)


def _why_no_interval(groups: int, *, has_spread: bool) -> str:
    if groups < 2:
        return ONE_UNIT
    return ALL_ALIKE if groups < LEAST_ALIKE and not has_spread else ""


def _notes(levels: Ints, groups: int, because: str, *, has_spread: bool) -> Iterator[str]:
    n = len(levels)
    units = "items" if groups == n else "clusters"
    if because:
        yield f"The difference has no interval: {because}."
    elif not has_spread:
        most = intervals.upper_bound(0, groups)
        same = f"all {units} differ by the same amount" if levels.any() else NOTHING_DIFFERS
        yield (
            f"The interval has no width, because {same}. Up to {100 * most:.1f} % of other "
            f"{units} could still behave otherwise (95 %)."
        )
    if groups < FEW_UNITS and not because:
        yield f"Fewer than {FEW_UNITS} {units}: the intervals tend to be too short."
