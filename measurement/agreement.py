"""Agreement among people: each figure with its n and interval, or the reason for none.

A table enters as counts: `counts[item, label]` is how many raters gave the label. Resampling
takes whole items (or clusters); every figure is a formula over sums of per-item features, so a
replicate never goes back to the labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from measurement import intervals
from measurement.alpha import alpha_replicates
from measurement.arrays import Ints, np
from measurement.counts import NO_PAIR, agreeing_pairs, counts_of
from measurement.estimate import Estimate
from measurement.gwet import ac1, ac2_by_level
from measurement.icc import table_icc
from measurement.intervals import SEED
from measurement.kappa import PairKappa, fleiss, pair_kappas
from measurement.retest import Retest, retest
from measurement.scale import Scale
from measurement.table import RatingTable

MOST_KAPPA_RATERS = 50
_DOMINANT = 0.9


def percent_agreement(counts: Ints, clusters: Ints) -> Estimate:
    """Pairs of votes on one item that agree, pooled over items; n = pairs."""
    agreeing, pairs = agreeing_pairs(counts)
    return intervals.share(agreeing, pairs, clusters, because=NO_PAIR)


def all_agree(counts: Ints, clusters: Ints) -> Estimate:
    """Items with two or more labels of which all are the same; n = such items.

    Falls with the number of raters: compare only at equal numbers.
    """
    several = counts.sum(axis=1) >= 2
    unanimous = (counts > 0).sum(axis=1) == 1
    return intervals.share(
        (several & unanimous).astype(np.float64),
        several.astype(np.float64),
        clusters,
        because=NO_PAIR,
    )


@dataclass(frozen=True, slots=True)
class AgreementSummary:
    """What a page or a command shows about the people of one dimension.

    `icc` is that of one rater, `icc_k` that of the mean of all; `ac2` follows the scale's level.
    """

    items: int
    raters: int
    labels: int
    repeats: int
    retest: Retest
    clusters: int
    percent_agreement: Estimate
    all_agree: Estimate
    alpha: Estimate
    ac1: Estimate
    ac2: Estimate
    kappa: tuple[PairKappa, ...]
    fleiss: Estimate
    icc: Estimate
    icc_k: Estimate
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """One dimension object of `agreement --json`, with `notes` beside it."""
        return {
            "items": self.items,
            "raters": self.raters,
            "labels": self.labels,
            "repeats": self.repeats,
            "retest": self.retest.as_dict(),
            "clusters": self.clusters,
            "percent_agreement": self.percent_agreement.as_dict(),
            "all_agree": self.all_agree.as_dict(),
            "alpha": self.alpha.as_dict(),
            "ac1": self.ac1.as_dict(),
            "ac2": self.ac2.as_dict(),
            "kappa": [pair.as_dict() for pair in self.kappa],
            "fleiss": self.fleiss.as_dict(),
            "icc": self.icc.as_dict(),
            "icc_k": self.icc_k.as_dict(),
            "notes": list(self.notes),
        }


def summarise(
    table: RatingTable, *, scale: Scale | None = None, seed: int = SEED
) -> AgreementSummary:
    """Every agreement figure of one dimension; the scale is the one seen unless given.

    Raises OutsideScale for a label that the scale does not have.
    """
    scale = scale or Scale.seen(table.labels)
    counts, clusters = counts_of(table, scale), table.cluster_codes
    found_alpha, drawn = alpha_replicates(
        counts, clusters, level=scale.level, numbers=scale.numbers(), seed=seed
    )
    few = len(table.raters) <= MOST_KAPPA_RATERS
    return AgreementSummary(
        items=len(table.items),
        raters=len(table.raters),
        labels=int(counts.sum()),
        repeats=table.repeats,
        retest=retest(table, scale, seed=seed),
        clusters=table.clusters,
        percent_agreement=percent_agreement(counts, clusters),
        all_agree=all_agree(counts, clusters),
        alpha=found_alpha,
        ac1=ac1(counts, clusters, seed=seed),
        ac2=ac2_by_level(counts, clusters, scale=scale, seed=seed),
        kappa=tuple(pair_kappas(table, scale=scale)) if few else (),
        fleiss=fleiss(counts, clusters, seed=seed),
        icc=table_icc(table, scale, seed=seed),
        icc_k=table_icc(table, scale, seed=seed, of_mean=True),
        notes=tuple(_notes(counts, found_alpha, drawn, table, few_raters=few)),
    )


def _notes(
    counts: Ints,
    found: Estimate,
    drawn: intervals.Replicates | None,
    table: RatingTable,
    *,
    few_raters: bool,
) -> Iterator[str]:
    """What has to stand beside the figures so that nobody misreads them."""
    total = counts.sum()
    dominant = bool(total) and counts.sum(axis=0).max() / total > _DOMINANT
    if dominant:
        yield (
            "Almost all labels are the same; "
            "the data cannot show whether raters can tell the cases apart."
        )
    enough = 100 if dominant else 50
    if found.is_defined and found.n < enough:
        yield f"Alpha's interval is too short below {enough} items."
    if drawn is not None and drawn.undefined:
        yield f"Alpha has no value in {drawn.undefined} of {len(drawn.values)} replicates."
    if found.value == 1:
        yield "Every pair agrees, so resampling cannot show how far alpha may be from 1."
    if len(table.raters) < 2:
        yield "One rater: agreement needs labels of two raters on the same items."
    if not few_raters:
        yield f"Kappa by pair is left out above {MOST_KAPPA_RATERS} raters: see alpha."
