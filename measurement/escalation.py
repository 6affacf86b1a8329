"""Selective judging: from which confidence on a judge may answer alone, and what goes to people.

The fixed-sequence test of Jung, Brahman and Choi (Trust or Escalate, ICLR 2025,
arXiv 2407.18370): thresholds are tried from the most confident items downwards, and the first
one whose bound misses the target ends the search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from measurement import intervals
from measurement.arrays import Bools, Floats, Ints, np
from measurement.estimate import Estimate
from measurement.scale import TableError

LEAST_ITEMS = 30
NO_ITEMS = "no item was left to calibrate on"


class Judged(NamedTuple):
    """A judge on the calibration items, one entry an item.

    `confidences` in any unit that grows with confidence, nan for an item without a verdict
    (never answered alone); `agrees` says whether the verdict is the human label.
    """

    confidences: Floats
    agrees: Bools


@dataclass(frozen=True, slots=True)
class Stage:
    """What one judge may answer alone.

    It answers items whose confidence is at least `threshold`; None means that every item is
    escalated, and `because` says why. `coverage` is the share of items answered (n = items that
    reached this judge), `agreement` the agreement with people on them (n = items answered).
    `guaranteed` is the lower bound of that agreement, which holds with chance 1 − `delta`.
    """

    threshold: float | None
    answered: int
    errors: int
    coverage: Estimate
    agreement: Estimate
    guaranteed: float | None
    delta: float
    because: str

    def as_dict(self) -> dict[str, Any]:
        return {
            "threshold": self.threshold,
            "answered": self.answered,
            "errors": self.errors,
            "coverage": self.coverage.as_dict(),
            "agreement": self.agreement.as_dict(),
            "guaranteed": self.guaranteed,
            "delta": self.delta,
            "because": self.because,
        }


@dataclass(frozen=True, slots=True)
class Cascade:
    """Judges in turn, each asked for what the ones before it escalated.

    With chance 1 − `delta` no stage breaks its promise. `coverage` is the share of all items
    that some judge answers (n = items).
    """

    stages: tuple[Stage, ...]
    coverage: Estimate
    target: float
    delta: float

    def as_dict(self) -> dict[str, Any]:
        return {
            "stages": [stage.as_dict() for stage in self.stages],
            "coverage": self.coverage.as_dict(),
            "target": self.target,
            "delta": self.delta,
        }


def cascade(
    judges: Sequence[Judged], *, target: float, delta: float = 0.1, least_items: int = LEAST_ITEMS
) -> Cascade:
    """A threshold for each judge so that its answers agree with people at least as `target` says.

    Every judge of `judges` is given on the same items, which have to be a random sample of what
    the judges will see and independent of each other (one item a cluster). Each is calibrated on
    the items that the ones before it left, and K judges spend `delta` / K each. Raises
    TableError for a target or delta outside (0, 1), and for judges on different items.
    """
    _check(judges, target=target, delta=delta, least_items=least_items)
    n = len(judges[0].confidences)
    left = np.ones(n, dtype=np.bool_)
    stages = []
    for judge in judges:
        confidences = judge.confidences[left]
        stage = _calibrated(
            confidences,
            np.asarray(judge.agrees, dtype=np.bool_)[left],
            target=target,
            delta=delta / len(judges),
            least_items=least_items,
        )
        stages.append(stage)
        if stage.threshold is not None:
            left[left] = ~(confidences >= stage.threshold)
    return Cascade(tuple(stages), _share(~left), target, delta)


def upper_bounds(errors: Ints, n: Ints, *, delta: float) -> Floats:
    """R⁺ = sup{r: P(Bin(n, r) ≤ errors) ≥ δ}, one-sided Clopper–Pearson, for each entry."""
    from scipy.special import betaincinv

    right = np.maximum(n - errors, 1)
    bounds = 1 - betaincinv(right, errors + 1, delta)
    return np.where(errors >= n, 1.0, bounds)


def _calibrated(
    confidences: Floats, agrees: Bools, *, target: float, delta: float, least_items: int
) -> Stage:
    steps = _steps(confidences, agrees)
    is_tried = steps.answered >= least_items
    bounds = upper_bounds(steps.errors[is_tried], steps.answered[is_tried], delta=delta)
    held = bounds <= 1 - target
    kept = len(held) if held.all() else int(held.argmin())
    if kept == 0:
        because = _why_none(len(confidences), steps, bounds, least_items=least_items, target=target)
        nothing = _share(np.zeros(len(confidences), dtype=np.bool_))
        return Stage(None, 0, 0, nothing, Estimate.undefined(because), None, delta, because)
    threshold = float(steps.thresholds[is_tried][kept - 1])
    alone = confidences >= threshold
    return Stage(
        threshold,
        int(alone.sum()),
        int((~agrees[alone]).sum()),
        _share(alone),
        _share(agrees[alone]),
        float(1 - bounds[kept - 1]),
        delta,
        "",
    )


class _Steps(NamedTuple):
    """Each different confidence, highest first: items at or above it, and errors among them."""

    thresholds: Floats
    answered: Ints
    errors: Ints


def _steps(confidences: Floats, agrees: Bools) -> _Steps:
    known = ~np.isnan(confidences)
    values, places = np.unique(-confidences[known], return_inverse=True)
    answered = np.bincount(places, minlength=len(values)).cumsum()
    wrong = np.bincount(places[~agrees[known]], minlength=len(values)).cumsum()
    return _Steps(-values, answered, wrong)


def _why_none(items: int, steps: _Steps, bounds: Floats, *, least_items: int, target: float) -> str:
    if items == 0:
        return NO_ITEMS
    if len(bounds) == 0:
        return f"fewer than {least_items} items have a confidence"
    first = int((steps.answered >= least_items).argmax())
    return (
        f"{steps.errors[first]} errors in the {steps.answered[first]} most confident items "
        f"guarantee an agreement of {1 - bounds[0]:.3f}, {target:g} wanted"
    )


def _share(hits: Bools) -> Estimate:
    n = len(hits)
    return intervals.share(hits.astype(np.float64), np.ones(n), np.arange(n), because=NO_ITEMS)


def _check(judges: Sequence[Judged], *, target: float, delta: float, least_items: int) -> None:
    if not judges:
        raise TableError("A cascade has at least one judge.")
    if not (0 < target < 1 and 0 < delta < 1):
        raise TableError("The target and delta are shares between 0 and 1.")
    if least_items < 1:
        raise TableError("The first step has at least one item.")
    sizes = {len(array) for judge in judges for array in judge}
    if len(sizes) > 1:
        raise TableError("Every judge of a cascade is given on the same items.")
