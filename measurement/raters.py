"""How well each person rates: agreement with the others, lean, spread, and one label throughout.

All figures leave the rater's own votes out of what they are held against.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from measurement import intervals
from measurement.arrays import Floats, Ints, np
from measurement.counts import label_counts, majority_of_others
from measurement.estimate import Estimate, Interval
from measurement.scale import Scale
from measurement.table import RatingTable

LEAST_TO_TELL = 20
NO_MAJORITY = "no item of this rater has a majority among the others"
NO_OTHERS = "nobody else rated an item of this rater"
NO_ORDER = "the labels have no order, so there is no direction"
NO_LABEL = "this rater gave no label"
NOBODY_ELSE = "nobody else has an item with a majority of others"
ONE_ITEM = "one item alone shows no spread"
_NO_SPREAD = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class RaterQuality:
    """One rater of a table beside the others.

    `agreement`: votes that are the strict majority of the item's other votes, where these have
    one (n = such votes). `others` is the same rate of all other raters together, what
    `agreement` is compared with. `bias` is the mean of the rater's point − the mean of the
    others' points, `spread` the standard deviation of these differences, both in points (n =
    items shared with others). `commonest_share` is how much of the rater's labels is
    `commonest`. `confusion` (labels x labels) counts the majority of the others in rows, the
    rater's label in columns. `is_below_others`: clearly so, on enough votes; a reason to talk
    and no proof, since luck alone puts one good rater in forty there.
    """

    rater: str
    labels: int
    agreement: Estimate
    others: Estimate
    bias: Estimate
    spread: Estimate
    commonest: str
    commonest_share: Estimate
    confusion: Ints
    is_below_others: bool

    def as_dict(self) -> dict[str, Any]:
        return {
            "rater": self.rater,
            "labels": self.labels,
            "agreement": self.agreement.as_dict(),
            "others": self.others.as_dict(),
            "bias": self.bias.as_dict(),
            "spread": self.spread.as_dict(),
            "commonest": self.commonest,
            "commonest_share": self.commonest_share.as_dict(),
            "confusion": self.confusion.tolist(),
            "is_below_others": self.is_below_others,
        }


def rater_quality(table: RatingTable, *, scale: Scale) -> tuple[RaterQuality, ...]:
    """Each rater of a table, in the order of their names.

    Agreement and confusion go by pass and fail where the scale has a cut; bias, spread and the
    commonest label by its points. Costs one sort of the votes, however many items there are.
    Raises OutsideScale.
    """
    votes = _Votes.of(table, scale)
    hits = np.bincount(votes.raters, weights=votes.hits, minlength=len(table.raters))
    compared = np.bincount(votes.raters[votes.majority >= 0], minlength=len(table.raters))
    sizes = np.bincount(votes.raters, minlength=len(table.raters))
    ends = sizes.cumsum()
    found = []
    for place, (name, start, end) in enumerate(zip(table.raters, ends - sizes, ends, strict=True)):
        others = _rate(hits.sum() - hits[place], compared.sum() - compared[place])
        found.append(_quality(name, votes.part(slice(start, end)), scale, others))
    return tuple(found)


class _Votes(NamedTuple):
    """Votes with a label, rater by rater: the label, what the others say, the item's cluster.

    `majority` is −1 and `apart` nan where the others say nothing.
    """

    raters: Ints
    points: Ints
    tested: Ints
    majority: Ints
    apart: Floats
    clusters: Ints

    @classmethod
    def of(cls, table: RatingTable, scale: Scale) -> _Votes:
        codes = table.coded(scale)
        kept = np.flatnonzero(codes >= 0)
        kept = kept[np.argsort(table.rater_codes[kept], kind="stable")]
        items, points = table.item_codes[kept], codes[kept]
        tested = scale.tested_codes()[points] if len(points) else points
        labels = len(scale.tested().labels)
        counts = label_counts(items, tested, n_items=len(table.items), n_labels=labels)
        return cls(
            table.rater_codes[kept],
            points,
            tested,
            majority_of_others(counts, items, tested),
            _apart(items, scale.numbers()[points], n_items=len(table.items)),
            table.cluster_codes[items],
        )

    @property
    def hits(self) -> Floats:
        return np.asarray(self.tested == self.majority, dtype=np.float64)

    def part(self, place: slice) -> _Votes:
        return _Votes(
            self.raters[place],
            self.points[place],
            self.tested[place],
            self.majority[place],
            self.apart[place],
            self.clusters[place],
        )


def _apart(items: Ints, numbers: Floats, *, n_items: int) -> Floats:
    """Each vote's number − the mean of the item's other numbers; nan without others."""
    sums = np.bincount(items, weights=numbers, minlength=n_items)[items]
    others = np.bincount(items, minlength=n_items)[items] - 1
    return np.where(others > 0, numbers - (sums - numbers) / np.maximum(others, 1), np.nan)


def _quality(name: str, votes: _Votes, scale: Scale, others: Estimate) -> RaterQuality:
    agreement = intervals.share(
        votes.hits,
        (votes.majority >= 0).astype(np.float64),
        votes.clusters,
        because=NO_MAJORITY,
    )
    shared = ~np.isnan(votes.apart)
    apart, clusters = votes.apart[shared], votes.clusters[shared]
    bias = spread = Estimate.undefined(NO_ORDER)
    if scale.is_rating:
        bias = intervals.mean(apart, clusters, because=NO_OTHERS)
        spread = _spread(apart, clusters)
    commonest, share = _commonest(votes, scale)
    return RaterQuality(
        name,
        len(votes.points),
        agreement,
        others,
        bias,
        spread,
        commonest,
        share,
        _confusion(votes, len(scale.tested().labels)),
        _is_below(agreement, others),
    )


def _is_below(agreement: Estimate, others: Estimate) -> bool:
    """The upper end of the rater's interval is below the others' rate, on enough votes."""
    if agreement.interval is None or others.value is None or agreement.n < LEAST_TO_TELL:
        return False
    return agreement.interval.high < others.value


def _rate(hits: float, compared: int) -> Estimate:
    if compared == 0:
        return Estimate.undefined(NOBODY_ELSE)
    return Estimate(float(hits / compared), int(compared))


def _spread(apart: Floats, clusters: Ints) -> Estimate:
    """The standard deviation, with a delta interval on its logarithm, which keeps it above 0."""
    n = len(apart)
    if n < 2:
        return Estimate.undefined(ONE_ITEM if n else NO_OTHERS, n=n)
    value = float(apart.std(ddof=1))
    error, groups = intervals.standard_error((apart - apart.mean()) ** 2, clusters)
    if value < _NO_SPREAD or groups < 2:
        return Estimate(max(value, 0.0), n)
    factor = float(np.exp(intervals.t_quantile(groups, level=0.95) * error / (2 * value**2)))
    method = f"delta method on the logarithm, t over {groups}"
    return Estimate(value, n, Interval(value / factor, value * factor, 0.95, method))


def _commonest(votes: _Votes, scale: Scale) -> tuple[str, Estimate]:
    """The label that the rater gives most often (of equal ones the first), and its share."""
    if len(votes.points) == 0:
        return "", Estimate.undefined(NO_LABEL)
    most = int(np.bincount(votes.points).argmax())
    hits = (votes.points == most).astype(np.float64)
    share = intervals.share(hits, np.ones(len(hits)), votes.clusters, because=NO_LABEL)
    return scale.labels[most], share


def _confusion(votes: _Votes, labels: int) -> Ints:
    known = votes.majority >= 0
    cells = votes.majority[known] * labels + votes.tested[known]
    return np.bincount(cells, minlength=labels * labels).reshape(labels, labels)
