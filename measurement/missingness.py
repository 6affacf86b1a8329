"""Does a missing verdict have to do with what people say? Then leaving it out would flatter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from measurement import intervals
from measurement.arrays import Bools, Floats, Ints, np
from measurement.estimate import Estimate
from measurement.figures import NO_DECIDED
from measurement.sheet import Sheet
from measurement.verdicts import MISSING, OK, JudgeTable

LEAST_MISSING = 5
DRAWS = 1999
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Missingness:
    """Decided items by how the judge's answer ended (rows) and by human label (columns).

    `shares` hold, by human label, the items without a verdict; n = items of that label. `p` tests
    that they have nothing to do with the label; n = decided items.
    """

    outcomes: tuple[str, ...]
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    shares: tuple[Estimate, ...]
    p: Estimate

    def as_dict(self) -> dict[str, Any]:
        shares = zip(self.labels, self.shares, strict=True)
        return {
            "outcomes": list(self.outcomes),
            "labels": list(self.labels),
            "counts": [list(row) for row in self.counts],
            "without_verdict": {label: found.as_dict() for label, found in shares},
            "p": self.p.as_dict(),
        }


def missingness(sheet: Sheet, judge: JudgeTable, *, seed: int) -> Missingness:
    """Outcomes by human label over all decided items, ties of people among them.

    The test looks at verdict or none, whatever the reason. Two labels and independent items:
    Fisher's exact test. Else a permutation test of the chi-square statistic, seeded: missing
    verdicts move among the items, or as whole clusters among clusters of the same size.
    """
    labels = sheet.tested.labels
    found = [judge.outcomes.get(item, MISSING) for item in sheet.people.items]
    outcomes = tuple(sorted({OK, *found}, key=lambda name: (name != OK, name)))
    rows = np.array([outcomes.index(name) for name in found], dtype=np.int64)
    counts = np.zeros((len(outcomes), len(labels)), dtype=np.int64)
    np.add.at(counts, (rows[sheet.decided], sheet.human[sheet.decided]), 1)
    missing = np.asarray(~sheet.answered)
    return Missingness(
        outcomes,
        labels,
        tuple(tuple(int(n) for n in row) for row in counts),
        tuple(_share(sheet, missing, code) for code in range(len(labels))),
        _test(sheet, missing, seed=seed),
    )


def _share(sheet: Sheet, missing: Bools, code: int) -> Estimate:
    among = sheet.human == code
    return intervals.share(
        (missing & among).astype(np.float64),
        among.astype(np.float64),
        sheet.clusters,
        because=f"people gave no item the label {sheet.tested.labels[code]}",
    )


def _test(sheet: Sheet, missing: Bools, *, seed: int) -> Estimate:
    among = sheet.decided
    _, codes = np.unique(sheet.human[among], return_inverse=True)
    gone, clusters = missing[among], sheet.clusters[among]
    because = _why_not(codes, gone)
    if because:
        return Estimate.undefined(because, n=len(codes))
    is_clustered = len(np.unique(clusters)) < len(clusters)
    if is_clustered:
        p = _permuted(codes, gone, clusters, seed=seed)
    elif codes.max() == 1:
        p = _fisher(codes, gone)
    else:
        p = _drawn(codes, gone, seed=seed)
    return Estimate(p, len(codes))


def _why_not(codes: Ints, gone: Bools) -> str:
    if len(codes) == 0:
        return NO_DECIDED
    if codes.max() == 0:
        return "all decided items have the same human label"
    if not gone.any():
        return "no decided item is without a verdict"
    if gone.sum() < LEAST_MISSING or (~gone).sum() < LEAST_MISSING:
        return f"fewer than {LEAST_MISSING} decided items with or without a verdict"
    return ""


def _fisher(codes: Ints, gone: Bools) -> float:
    from scipy.stats import fisher_exact

    table = np.bincount(codes * 2 + gone, minlength=4).reshape(2, 2)
    return float(fisher_exact(table).pvalue)


def _chi_square(gone: Floats, sizes: Ints) -> Floats:
    """Pearson's statistic of verdict or none by label; `gone` is (draws x labels)."""
    share = gone.sum(axis=-1, keepdims=True) / sizes.sum()
    return np.asarray(((gone - share * sizes) ** 2 / (sizes * share * (1 - share))).sum(axis=-1))


def _p_value(observed: Floats, drawn: Floats, sizes: Ints) -> float:
    """The share of draws at least as far from independence; the data count as one draw."""
    limit = float(_chi_square(observed, sizes)) * (1 - _SAME)
    return float((1 + (_chi_square(drawn, sizes) >= limit).sum()) / (1 + len(drawn)))


def _drawn(codes: Ints, gone: Bools, *, seed: int) -> float:
    """Independent items: how many of each label are without a verdict, both margins fixed."""
    sizes = np.bincount(codes)
    rng = np.random.default_rng(seed)
    drawn = rng.multivariate_hypergeometric(sizes, int(gone.sum()), size=DRAWS, method="marginals")
    observed = intervals.sum_by(codes, gone.astype(np.float64))
    return _p_value(observed, drawn.astype(np.float64), sizes)


def _permuted(codes: Ints, gone: Bools, clusters: Ints, *, seed: int) -> float:
    """Clusters of one size exchange their whole patterns of missing verdicts."""
    sizes = np.bincount(codes)
    order = np.argsort(clusters, kind="stable")
    codes, gone = codes[order], gone[order]
    _, starts, lengths = np.unique(clusters[order], return_index=True, return_counts=True)
    rng = np.random.default_rng(seed)
    drawn = np.zeros((DRAWS, len(sizes)))
    for length in np.unique(lengths):
        places = starts[lengths == length][:, None] + np.arange(length)
        onehot = np.eye(len(sizes))[codes[places]]
        patterns = gone[places].astype(np.float64)
        for draw in range(DRAWS):
            shuffled = patterns[rng.permutation(len(patterns))]
            drawn[draw] += np.einsum("cm,cml->l", shuffled, onehot)
    return _p_value(intervals.sum_by(codes, gone.astype(np.float64)), drawn, sizes)
