"""Two versions judged right or wrong on the same items: McNemar's test and the difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from measurement import intervals
from measurement.arrays import Floats, Ints, np
from measurement.estimate import Estimate, Interval
from measurement.signedrank import net_by_cluster
from measurement.signflip import sign_flip


@dataclass(frozen=True, slots=True)
class McNemar:
    """`b` items only the baseline gets right, `c` only the candidate.

    `difference` is (c − b) / n with the interval ± z standard errors `se`; `agresti_min` the
    interval after half an item more in each of the four cells. Both are None-intervals where
    items share clusters: the bootstrap's holds there. p-values are two-sided; never the
    continuity-corrected χ².
    """

    b: int
    c: int
    difference: Estimate
    se: float
    agresti_min: Interval | None
    p_exact: float
    p_mid: float

    @property
    def discordance(self) -> float:
        """The share of items on which the versions differ."""
        return (self.b + self.c) / self.difference.n

    def as_dict(self) -> dict[str, Any]:
        adjusted = self.agresti_min
        return {
            "b": self.b,
            "c": self.c,
            "discordance": self.discordance,
            "difference": self.difference.as_dict(),
            "se": self.se,
            "agresti_min": None if adjusted is None else [adjusted.low, adjusted.high],
            "p_exact": self.p_exact,
            "p_mid": self.p_mid,
        }


def is_binary(baseline: Floats, candidate: Floats) -> bool:
    """Whether every score is 0 or 1."""
    return bool(np.isin(baseline, (0.0, 1.0)).all() and np.isin(candidate, (0.0, 1.0)).all())


def mcnemar(baseline: Floats, candidate: Floats, clusters: Ints) -> McNemar:
    """Compare scores of 0 and 1 on the same items (at least one).

    Mid-p and exact p: Fagerland, Lydersen, Laake 2013, doi 10.1186/1471-2288-13-91. Items of one
    cluster change sides together, and the standard error is the one between clusters.
    """
    change = np.rint(candidate - baseline).astype(np.int64)
    b, c, n = int((change < 0).sum()), int((change > 0).sum()), len(change)
    found = sign_flip(net_by_cluster(change, clusters))
    value = (c - b) / n
    if len(np.unique(clusters)) < n:
        se = intervals.clustered_error(change.astype(np.float64), clusters)
        return McNemar(b, c, Estimate(value, n), se, None, found.p, found.mid_p)
    se = _standard_error(b, c, n)
    wald = _around(value, se, "normal, paired")
    adjusted = _around((c - b) / (n + 2), _standard_error(b + 0.5, c + 0.5, n + 2), "Agresti–Min")
    return McNemar(b, c, Estimate(value, n, wald), se, adjusted, found.p, found.mid_p)


def _standard_error(b: float, c: float, n: float) -> float:
    return float(np.sqrt(b + c - (b - c) ** 2 / n)) / n


def _around(value: float, se: float, method: str) -> Interval:
    from scipy.special import ndtri

    half = float(ndtri(0.975)) * se
    return Interval(max(-1.0, value - half), min(1.0, value + half), 0.95, method)
