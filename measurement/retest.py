"""Do people give the same label again when they see an item a second time?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from measurement import intervals
from measurement.alpha import alpha
from measurement.arrays import np
from measurement.counts import label_counts
from measurement.estimate import Estimate
from measurement.scale import Scale
from measurement.table import RatingTable

NO_RETEST = "nobody labelled an item twice"


@dataclass(frozen=True, slots=True)
class Retest:
    """First against later labels of the same rater on the same item; n = such pairs.

    No agreement with people can be expected above it.
    """

    percent_agreement: Estimate
    alpha: Estimate

    def as_dict(self) -> dict[str, Any]:
        return {
            "percent_agreement": self.percent_agreement.as_dict(),
            "alpha": self.alpha.as_dict(),
        }


def retest(table: RatingTable, scale: Scale, *, seed: int) -> Retest:
    """Test–retest of people on a scale's own labels, by item or cluster.

    Pairs of which one label is "not applicable" are left out. Raises OutsideScale.
    """
    items, first, later = table.retests.T
    codes = scale.codes(table.labels)
    known = (codes[first] >= 0) & (codes[later] >= 0) if len(items) else np.zeros(0, dtype=bool)
    if not known.any():
        none = Estimate.undefined(NO_RETEST)
        return Retest(none, none)
    first, later = codes[first[known]], codes[later[known]]
    clusters = table.cluster_codes[items[known]]
    n = len(first)
    counts = label_counts(
        np.tile(np.arange(n), 2),
        np.concatenate([first, later]),
        n_items=n,
        n_labels=len(scale.labels),
    )
    same = (first == later).astype(np.float64)
    return Retest(
        intervals.share(same, np.ones(n), clusters, because=NO_RETEST),
        alpha(counts, clusters, level=scale.level, numbers=scale.numbers(), seed=seed),
    )
