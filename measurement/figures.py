"""The judge's own figures on one sheet: agreement, recall, bias, and the gate's evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from measurement import intervals
from measurement.alpha import alpha_replicates
from measurement.arrays import Bools, Floats, Ints, distinct, np
from measurement.counts import agreeing_pairs, label_counts
from measurement.estimate import Estimate
from measurement.gate import Evidence, Facts, Recall
from measurement.kappa import cohen_kappa, distances
from measurement.ranks import kendall_tau
from measurement.scale import TIE
from measurement.sheet import Sheet

NO_DECIDED = "no item has a decided human label"
NO_SHARED = "no item has both a human label and a verdict"
NO_ORDER = "the labels have no order, so there is no direction"
GUARD_LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Confusion:
    """Decided items by human label (rows) and the judge's (columns); `no_verdict` by row."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    no_verdict: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "labels": list(self.labels),
            "counts": [list(row) for row in self.counts],
            "no_verdict": list(self.no_verdict),
        }


def facts_of(sheet: Sheet, unrated: int) -> Facts:
    """What the gate knows without a verdict; `unrated` further items nobody rated."""
    labels = sheet.gate_labels
    inside = sheet.denominator
    per_label = {
        label: int((sheet.human[inside] == sheet.tested.labels.index(label)).sum())
        for label in labels
    }
    return Facts(
        decided=int(inside.sum()),
        clusters=distinct(sheet.clusters[inside]),
        contested=int(sheet.contested.sum()) + unrated,
        asked=len(sheet.human) - int(sheet.outside.sum()) + unrated,
        per_label=per_label,
        is_two_label=len(labels) == 2,
        needs_cut=sheet.scale.is_rating and sheet.scale.cut is None,
    )


class Figures:
    """The estimates of one sheet; the gate's own are computed once."""

    def __init__(self, sheet: Sheet, *, level: float, seed: int, spare: int = 0) -> None:
        self.sheet = sheet
        self.level = level
        self.spare = spare
        self.seed = seed
        inside = sheet.denominator
        hits = (sheet.agrees & inside).astype(np.float64)
        self.worth: intervals.Effective | None = None
        if inside.any():
            self.worth = intervals.effective(
                hits, inside.astype(np.float64), sheet.clusters, level=level
            )
        self.alpha, self.alpha_bound = self._alpha()
        self.bias = self._bias()

    def share(self, hits: Bools, among: Bools, *, because: str = NO_DECIDED) -> Estimate:
        return intervals.share(
            (hits & among).astype(np.float64),
            among.astype(np.float64),
            self.sheet.clusters,
            because=because,
        )

    def agreement(self) -> Estimate:
        return self.share(self.sheet.agrees, self.sheet.denominator)

    def plain_agreement(self) -> Estimate:
        """The same share with the interval of independent items: its count says no less."""
        inside = self.sheet.denominator
        hits, n = int((self.sheet.agrees & inside).sum()), int(inside.sum())
        if not n:
            return Estimate.undefined(NO_DECIDED)
        return Estimate(hits / n, n, intervals.wilson(hits, n))

    def contested_as_misses(self, unrated: int) -> Estimate:
        """The gate's agreement if every contested item were a disagreement."""
        sheet = self.sheet
        among = sheet.denominator | sheet.contested
        hits = sheet.agrees & sheet.denominator
        if not unrated:
            return self.share(hits, among)
        fresh = sheet.clusters.max(initial=-1) + 1 + np.arange(unrated)
        return intervals.share(
            np.concatenate([hits, np.zeros(unrated)]).astype(np.float64),
            np.concatenate([among, np.ones(unrated)]).astype(np.float64),
            np.concatenate([sheet.clusters, fresh]),
            because=NO_DECIDED,
        )

    def all_labels(self) -> Estimate:
        """Exact agreement on the scale's own labels, human ties and all."""
        sheet = self.sheet
        if not sheet.scale.is_rating:
            return self.share(sheet.agrees, sheet.decided)
        return self.share(sheet.judge_points == sheet.human_points, sheet.human_points >= 0)

    def per_vote(self) -> Estimate:
        """Each verdict against each vote; for pairs this is S1 (a shared tie agrees)."""
        return self._votes(self.sheet.counts)

    def per_vote_without_ties(self) -> Estimate:
        """S2: a pair of verdict and vote is dropped when either is a tie."""
        sheet = self.sheet
        tie = sheet.tested.labels.index(TIE)
        counts = sheet.counts.copy()
        counts[:, tie] = 0
        counts[sheet.judge == tie] = 0
        return self._votes(counts)

    def _votes(self, counts: Ints) -> Estimate:
        sheet = self.sheet
        sizes = np.where(sheet.answered, counts.sum(axis=1), 0)
        hits = np.zeros(len(counts), dtype=np.int64)
        if counts.shape[1]:
            chosen = counts[np.arange(len(counts)), np.maximum(sheet.judge, 0)]
            hits = np.where(sheet.judge >= 0, chosen, 0)
        return intervals.share(
            hits.astype(np.float64), sizes.astype(np.float64), sheet.clusters, because=NO_SHARED
        )

    def _alpha(self) -> tuple[Estimate, float | None]:
        """Alpha of judge and human label on the denominator, and its one-sided 95 % bound."""
        sheet = self.sheet
        both = np.flatnonzero(sheet.denominator & (sheet.judge >= 0))
        counts = label_counts(
            np.tile(np.arange(len(both)), 2),
            np.concatenate([sheet.human[both], sheet.judge[both]]),
            n_items=len(both),
            n_labels=len(sheet.tested.labels),
        )
        found, drawn = alpha_replicates(
            counts,
            sheet.clusters[both],
            level=sheet.tested.level,
            numbers=sheet.tested.numbers(),
            seed=self.seed,
        )
        return found, None if drawn is None else drawn.quantile(GUARD_LEVEL)

    def kappa(self) -> Estimate:
        sheet = self.sheet
        both = sheet.denominator & (sheet.judge >= 0)
        if not both.any():
            return Estimate.undefined(NO_SHARED)
        return cohen_kappa(
            sheet.human[both],
            sheet.judge[both],
            sheet.clusters[both],
            weights=distances(sheet.tested),
        )

    def recall(self) -> dict[str, Estimate]:
        """How often the judge finds each human label; no verdict is a miss."""
        return {
            label: self.share(
                self.sheet.agrees,
                self.sheet.human == code,
                because=f"people gave no item the label {label}",
            )
            for code, label in enumerate(self.sheet.tested.labels)
        }

    def _bias(self) -> Estimate:
        """Mean of judge − people's mean in scale points, on the denominator."""
        if not self.sheet.scale.is_rating:
            return Estimate.undefined(NO_ORDER)
        judge, people, clusters = self._points()
        return intervals.mean_difference(
            judge - people, clusters, seed=self.seed, because=NO_SHARED
        )

    def ranks(self) -> dict[str, Estimate]:
        """τ_b of the judge's points and people's mean; it sees no shift, the bias no order."""
        if not self.sheet.scale.is_rating:
            return {"tau_b": Estimate.undefined(NO_ORDER)}
        judge, people, clusters = self._points()
        # Means of the same votes in another order have to tie.
        return {"tau_b": kendall_tau(judge, people.round(9), clusters, seed=self.seed)}

    def _points(self) -> tuple[Floats, Floats, Ints]:
        """The judge's points, people's means and clusters on the denominator with a verdict."""
        sheet = self.sheet
        both = sheet.denominator & sheet.has_mean & (sheet.judge_points >= 0)
        points = sheet.scale.numbers()[sheet.judge_points[both]]
        return points, sheet.human_means()[both], sheet.clusters[both]

    def evidence(self) -> Evidence:
        sheet, worth = self.sheet, self.worth
        inside = sheet.denominator
        silent = None
        if inside.any():
            silent = float((inside & ~sheet.answered).sum() / inside.sum())
        return Evidence(
            lower_bound=None if worth is None else worth.lower_bound(level=self.level),
            recalls=tuple(self._recall_bounds()),
            labels=len(sheet.gate_labels),
            alpha=self.alpha.value,
            alpha_lower_bound=self.alpha_bound,
            without_verdict=silent,
            spared_bound=self._spared_bound(),
            bias=self._relative_bias(),
            people_upper_bound=self._people_upper_bound(),
            raters=self._usual_raters(),
        )

    def _spared_bound(self) -> float | None:
        if self.worth is None or not self.spare:
            return None
        return self.worth.lower_bound(level=self.level, spare=self.spare)

    def _recall_bounds(self) -> Iterator[Recall]:
        sheet = self.sheet
        for label in sheet.gate_labels:
            among = sheet.human == sheet.tested.labels.index(label)
            if not among.any():
                continue
            hits = (sheet.agrees & among).astype(np.float64)
            found = intervals.effective(
                hits, among.astype(float), sheet.clusters, level=GUARD_LEVEL
            )
            yield Recall(label, found.n, found.share, found.lower_bound(level=GUARD_LEVEL))

    def _relative_bias(self) -> float | None:
        if self.bias.value is None:
            return None
        numbers = self.sheet.scale.numbers()
        return abs(self.bias.value) / float(numbers[-1] - numbers[0])

    def _people_upper_bound(self) -> float | None:
        """The bound of people's pairwise agreement; only two labels have a known ceiling."""
        sheet = self.sheet
        agreeing, pairs = agreeing_pairs(sheet.counts)
        if len(sheet.tested.labels) != 2 or not pairs.any():
            return None
        found = intervals.effective(agreeing, pairs, sheet.clusters, level=GUARD_LEVEL)
        return found.upper_bound(level=GUARD_LEVEL)

    def _usual_raters(self) -> int:
        votes = self.sheet.counts[self.sheet.denominator].sum(axis=1)
        return int(np.bincount(votes).argmax()) if len(votes) else 0


def confusion(sheet: Sheet) -> Confusion:
    """Human label by judge label over all decided items."""
    k = len(sheet.tested.labels)
    both = sheet.decided & (sheet.judge >= 0)
    flat = np.bincount(sheet.human[both] * k + sheet.judge[both], minlength=k * k)
    silent = np.bincount(sheet.human[sheet.decided & (sheet.judge < 0)], minlength=k)
    rows = tuple(tuple(int(n) for n in row) for row in flat.reshape(k, k))
    return Confusion(sheet.tested.labels, rows, tuple(int(n) for n in silent))
