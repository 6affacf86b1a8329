"""Logistic regression of shares: a fit with intervals that hold for ties and for clusters."""

from __future__ import annotations

from dataclasses import dataclass

from measurement import intervals
from measurement.arrays import Floats, Ints, np
from measurement.estimate import Estimate, Interval

NO_OUTCOME = "nothing to fit: no item has what the model needs"
SAME_OUTCOME = "every preference is the same"
NO_VARIANCE = "what the model rests on does not vary"
SEPARATED = "the model tells the preferences apart without an error, so it has no finite value"
UNSETTLED = "the fit does not settle"
_MOST_STEPS = 60
_MOST_HALVINGS = 40
_FAR = 12.0
_TOO_FAR = 300.0
_SETTLED = 1e-10
_TOLERANCE = 1e-6
_NO_SPREAD = 1e-12


@dataclass(frozen=True, slots=True)
class Fit:
    """Coefficients on the log-odds scale, or the reason why there are none.

    `spread` holds their standard errors, None where too few clusters tell; `n` rows were fitted.
    """

    coefficients: Floats
    spread: Floats | None
    n: int
    clusters: int
    undefined_because: str = ""

    def estimate(self, place: int) -> Estimate:
        """One coefficient with its 95 % interval (Student's t on clusters − 1)."""
        if self.undefined_because:
            return Estimate.undefined(self.undefined_because, n=self.n)
        value = float(self.coefficients[place])
        error = 0.0 if self.spread is None else float(self.spread[place])
        if error < _NO_SPREAD:
            return Estimate(value, self.n)
        from scipy.special import stdtrit

        half = float(stdtrit(self.clusters - 1, 0.975)) * error
        method = "robust, by item or cluster"
        return Estimate(value, self.n, Interval(value - half, value + half, 0.95, method))


def fit(design: Floats, outcomes: Floats, clusters: Ints) -> Fit:
    """Fit logit E(outcome) = design · coefficients by Newton's method.

    `design` (rows x coefficients) holds the column of ones too; `outcomes` are between 0 and 1,
    ½ for a tie; `clusters` has one code a row. The spread is the sandwich of scores summed by
    cluster, times G/(G − 1) · (n − 1)/(n − k): it needs neither independent rows nor binomial
    ones (Liang and Zeger 1986, doi 10.1093/biomet/73.1.13).
    """
    n, k = design.shape
    groups = len(np.unique(clusters))
    because = _why_not(design, outcomes)
    if because:
        return Fit(np.zeros(k), None, n, groups, because)
    # Fitted on columns at right angles: what varies little is not lost beside what does not.
    level, back = _levelled(design)
    found = _newton(level, outcomes)
    if _is_doubtful(level, found) and _is_separated(level, outcomes):
        because = SEPARATED
    if because or found is None:
        return Fit(np.zeros(k), None, n, groups, because or UNSETTLED)
    spread = _spread(level, outcomes, clusters, found, back) if groups > k else None
    return Fit(back @ found, spread, n, groups)


def _levelled(design: Floats) -> tuple[Floats, Floats]:
    """The same model on columns at right angles of length √n, and the way back from theirs to
    the coefficients of `design`."""
    root = len(design) ** 0.5
    columns, triangle = np.linalg.qr(design)
    return columns * root, np.asarray(np.linalg.inv(triangle / root))


def logistic(values: Floats) -> Floats:
    """The share that log-odds stand for; safe at both ends."""
    return np.asarray(0.5 * (1 + np.tanh(values / 2)))


def _why_not(design: Floats, outcomes: Floats) -> str:
    if len(outcomes) == 0:
        return NO_OUTCOME
    if np.ptp(outcomes) == 0:
        return SAME_OUTCOME
    # What varies by less than this, beside the column of ones, would be fitted to rounding.
    rank = np.linalg.matrix_rank(design, rtol=_TOLERANCE)
    return NO_VARIANCE if rank < design.shape[1] else ""


def _is_doubtful(design: Floats, found: Floats | None) -> bool:
    """Newton's method settles only where a maximum is; far out it may be the end of precision."""
    return found is None or float(np.abs(design @ found).max()) > _FAR


def _is_separated(design: Floats, outcomes: Floats) -> bool:
    """Whether some direction contradicts no outcome, so that the likelihood only grows along it.

    A tie is half a row of either side (Albert and Anderson 1984, doi 10.1093/biomet/71.1.1).
    """
    from scipy.optimize import linprog

    signed = np.unique(np.concatenate([design[outcomes > 0], -design[outcomes < 1]]), axis=0)
    found = linprog(
        -signed.sum(axis=0),
        A_ub=-signed,
        b_ub=np.zeros(len(signed)),
        bounds=[(-1, 1)] * design.shape[1],
    )
    return bool(-found.fun > _TOLERANCE)


def _newton(design: Floats, outcomes: Floats) -> Floats | None:
    """The maximum of the likelihood, which is concave and has one; None when not reached."""
    found = np.zeros(design.shape[1])
    best = _likelihood(design, outcomes, found)
    for _ in range(_MOST_STEPS):
        shares = logistic(design @ found)
        curvature = (design * (shares * (1 - shares))[:, None]).T @ design
        try:
            step = np.linalg.solve(curvature, design.T @ (outcomes - shares))
        except np.linalg.LinAlgError:
            return None
        if not np.abs(design @ (found + step)).max() < _TOO_FAR:
            return None
        size, better = 1.0, -np.inf
        for _ in range(_MOST_HALVINGS):
            better = _likelihood(design, outcomes, found + size * step)
            if better >= best - _NO_SPREAD * max(1.0, abs(best)):
                break
            size /= 2
        found, best = found + size * step, better
        if np.abs(size * step).max() <= _SETTLED * (1 + np.abs(found).max()):
            return found
    return None


def _likelihood(design: Floats, outcomes: Floats, coefficients: Floats) -> float:
    odds = design @ coefficients
    return float((outcomes * odds - np.logaddexp(0.0, odds)).sum())


def _spread(
    design: Floats, outcomes: Floats, clusters: Ints, found: Floats, back: Floats
) -> Floats:
    """Standard errors of the coefficients that `back` leads to from `found`."""
    n, k = design.shape
    shares = logistic(design @ found)
    bread = np.linalg.inv((design * (shares * (1 - shares))[:, None]).T @ design)
    scores = intervals.sum_by(clusters, design * (outcomes - shares)[:, None])
    groups = len(scores)
    factor = groups / (groups - 1) * (n - 1) / (n - k)
    moved = scores @ bread @ back.T
    return np.asarray(np.sqrt(factor * (moved**2).sum(axis=0)))
