"""What people would have said on average, where only the judge has labelled most of the items.

Prediction-powered inference (Angelopoulos and others 2023, arXiv 2301.09633; PPI++, arXiv
2311.01453) trusts a random labelled part and assumes nothing about the judge. Rogan and Gladen's
rate (1978) assumes that the judge's error rates are the same in the new data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from measurement.arrays import Floats, Ints, np
from measurement.estimate import Estimate, Interval
from measurement.scale import TableError

LEAST_OF_A_LABEL = 20
"""Labelled items of the rarer label, or of each stratum, below which no correction is shown."""
NOT_RANDOM = "the labels are not a random sample"
CLIPPED = "The corrected rate lay outside of 0 and 1 and was moved to the end."


@dataclass(frozen=True, slots=True)
class CorrectedMean:
    """The mean of people's labels over all items, from a labelled part and the judge on the rest.

    `estimate` has n = labelled items. `power` λ is the part that the judge plays (0 people
    only, 1 plain PPI). `n_eff` is how many labels by people alone would be worth the same.
    """

    estimate: Estimate
    power: float | None = None
    n_eff: float | None = None
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "estimate": self.estimate.as_dict(),
            "power": self.power,
            "n_eff": self.n_eff,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class CorrectedRate:
    """The pass rate behind a judge's (Rogan and Gladen); n = labelled items.

    The interval of `estimate` is Lang and Reiczigel's (2014, doi
    10.1016/j.prevetmed.2013.09.015), `delta` the simpler one by the delta method.
    """

    estimate: Estimate
    standard_error: float | None = None
    delta: Interval | None = None
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "estimate": self.estimate.as_dict(),
            "standard_error": self.standard_error,
            "delta": None if self.delta is None else [self.delta.low, self.delta.high],
            "notes": list(self.notes),
        }


class Errors(NamedTuple):
    """Labelled items by people's label and the judge's."""

    true_pass: int
    false_fail: int
    true_fail: int
    false_pass: int


class _Part(NamedTuple):
    """One stratum: people and judge on its labelled items, the judge on the rest."""

    people: Floats
    judge: Floats
    rest: Floats
    weight: float

    def spread(self) -> float:
        """Variance of all the judge's labels."""
        return float(np.concatenate([self.judge, self.rest]).var(ddof=1))

    def covariance(self) -> float:
        return float(np.mean((self.people - self.people.mean()) * (self.judge - self.judge.mean())))

    def mean(self, power: float) -> float:
        return float(power * self.rest.mean() + (self.people - power * self.judge).mean())

    def variance(self, power: float) -> float:
        left = (self.people - power * self.judge).var() / len(self.people)
        return float(power**2 * self.rest.var() / len(self.rest) + left)


def corrected_mean(
    people: Floats,
    judge: Floats,
    rest: Floats,
    *,
    is_random_sample: bool,
    strata: Ints | None = None,
    rest_strata: Ints | None = None,
    power: float | None = None,
    level: float = 0.95,
) -> CorrectedMean:
    """The PPI++ mean of people's labels, a share where labels are 0 and 1.

    `people` and `judge` hold both labels of the labelled items, `rest` the judge's on items that
    nobody labelled. The labelled items have to be a random sample of all of them, or of each
    stratum (`strata`, `rest_strata`: one code an item); a sample drawn by label is refused. An
    item without a verdict takes any fixed number, the same in both parts. `power` is chosen for
    the least variance unless given. Raises TableError for labels that are no numbers.
    """
    _check(people, judge, rest)
    because = "" if is_random_sample else NOT_RANDOM
    because = because or _too_few(people) or ("" if len(rest) else "no item is left to correct")
    parts = [] if because else _parts(people, judge, rest, strata, rest_strata)
    if not parts:
        because = because or (
            f"a stratum has fewer than {LEAST_OF_A_LABEL} labelled items, or no others"
        )
        return CorrectedMean(Estimate.undefined(because, n=len(people)))
    chosen = _least_variance(parts) if power is None else power
    value = sum(part.weight * part.mean(chosen) for part in parts)
    variance = sum(part.weight**2 * part.variance(chosen) for part in parts)
    estimate, notes = _estimate(value, variance, people, level=level)
    spread = _spread_of_people(parts)
    return CorrectedMean(estimate, chosen, spread / variance if variance > 0 else None, notes)


def corrected_rate(
    errors: Errors, *, passed: int, judged: int, is_random_sample: bool, level: float = 0.95
) -> CorrectedRate:
    """(q + TNR − 1) / (TPR + TNR − 1) for the judge's pass rate q = `passed` / `judged`.

    `errors` counts labelled items, drawn at random at least within each of people's labels,
    from data on which the judge errs as often as on the `judged` ones: another system or other
    difficulty needs counts of its own. Raises TableError for counts that cannot be.
    """
    if min(errors) < 0 or not 0 <= passed <= judged:
        raise TableError("Counts of a correction are not negative, and no more pass than judged.")
    because = _no_rate(errors, judged, is_random_sample=is_random_sample)
    if because:
        return CorrectedRate(Estimate.undefined(because, n=sum(errors)))
    plain = _rate_parts(errors, passed / judged, judged)
    z = _normal(level)
    error = plain.variance() ** 0.5
    value = min(1.0, max(0.0, plain.rate))
    return CorrectedRate(
        Estimate(value, sum(errors), _lang_reiczigel(errors, passed, judged, level=level)),
        error,
        _clipped(plain.rate - z * error, plain.rate + z * error, level, "delta method"),
        (CLIPPED,) if value != plain.rate else (),
    )


def _check(people: Floats, judge: Floats, rest: Floats) -> None:
    if len(people) != len(judge):
        raise TableError("Each labelled item has one label by people and one by the judge.")
    if not all(np.isfinite(labels).all() for labels in (people, judge, rest)):
        raise TableError("A mean is corrected with labels that are numbers.")


def _too_few(people: Floats) -> str:
    """Why so few labels carry no correction; empty when they do."""
    is_share = bool(np.isin(people, (0.0, 1.0)).all())
    if is_share and min(people.sum(), (1 - people).sum()) < LEAST_OF_A_LABEL:
        return f"fewer than {LEAST_OF_A_LABEL} labelled items of the rarer label"
    if len(people) < 2 * LEAST_OF_A_LABEL:
        return f"fewer than {2 * LEAST_OF_A_LABEL} labelled items"
    return ""


def _parts(
    people: Floats, judge: Floats, rest: Floats, strata: Ints | None, rest_strata: Ints | None
) -> list[_Part]:
    """The strata with their share of all items; none when one is too thin."""
    if strata is None or rest_strata is None:
        return [_Part(people, judge, rest, 1.0)]
    total = len(people) + len(rest)
    parts = []
    for code in np.union1d(strata, rest_strata):
        inside, beside = strata == code, rest_strata == code
        if inside.sum() < LEAST_OF_A_LABEL or not beside.any():
            return []
        weight = float((inside.sum() + beside.sum()) / total)
        parts.append(_Part(people[inside], judge[inside], rest[beside], weight))
    return parts


def _least_variance(parts: list[_Part]) -> float:
    """λ* = Cov(Y, Ŷ) / ((1 + n/N) Var(Ŷ)), over strata by their weight, within 0 and 1."""
    shared = sum(part.weight**2 * part.covariance() / len(part.people) for part in parts)
    alone = sum(
        part.weight**2 * part.spread() * (1 / len(part.people) + 1 / len(part.rest))
        for part in parts
    )
    return float(np.clip(shared / alone, 0, 1)) if alone > 0 else 0.0


def _spread_of_people(parts: list[_Part]) -> float:
    """The variance of people's labels over all strata."""
    mean = sum(part.weight * part.people.mean() for part in parts)
    return float(sum(part.weight * np.mean((part.people - mean) ** 2) for part in parts))


def _estimate(
    value: float, variance: float, people: Floats, *, level: float
) -> tuple[Estimate, tuple[str, ...]]:
    half = _normal(level) * variance**0.5
    if not np.isin(people, (0.0, 1.0)).all():
        interval = Interval(value - half, value + half, level, "PPI++")
        return Estimate(value, len(people), interval), ()
    inside = min(1.0, max(0.0, value))
    interval = _clipped(value - half, value + half, level, "PPI++")
    return Estimate(inside, len(people), interval), (CLIPPED,) if inside != value else ()


def _no_rate(errors: Errors, judged: int, *, is_random_sample: bool) -> str:
    passing, failing = _sizes(errors)
    if not is_random_sample:
        return NOT_RANDOM
    if min(passing, failing) < LEAST_OF_A_LABEL:
        return f"fewer than {LEAST_OF_A_LABEL} labelled items of the rarer label"
    if judged == 0:
        return "no item is left to correct"
    if errors.true_pass / passing + errors.true_fail / failing <= 1:
        return "the judge tells passes from fails no better than chance"
    return ""


def _sizes(errors: Errors) -> tuple[int, int]:
    return errors.true_pass + errors.false_fail, errors.true_fail + errors.false_pass


class _Rate(NamedTuple):
    """A pass rate with what it is made of; sizes may be real-valued."""

    seen: float
    judged: float
    found_pass: float
    passing: float
    found_fail: float
    failing: float

    @property
    def rate(self) -> float:
        return (self.seen + self.found_fail - 1) / (self.found_pass + self.found_fail - 1)

    def variance(self) -> float:
        """By the delta method."""
        top = (
            self.seen * (1 - self.seen) / self.judged
            + self.rate**2 * self.found_pass * (1 - self.found_pass) / self.passing
            + (1 - self.rate) ** 2 * self.found_fail * (1 - self.found_fail) / self.failing
        )
        return top / (self.found_pass + self.found_fail - 1) ** 2


def _rate_parts(errors: Errors, seen: float, judged: int) -> _Rate:
    passing, failing = _sizes(errors)
    return _Rate(
        seen, judged, errors.true_pass / passing, passing, errors.true_fail / failing, failing
    )


def _lang_reiczigel(errors: Errors, passed: int, judged: int, *, level: float) -> Interval | None:
    """The delta interval on shares moved toward ½, and shifted; None where they cross chance."""
    z = _normal(level)
    passing, failing = _sizes(errors)
    moved = _Rate(
        (passed + z**2 / 2) / (judged + z**2),
        judged + z**2,
        (errors.true_pass + 1) / (passing + 2),
        passing + 2,
        (errors.true_fail + 1) / (failing + 2),
        failing + 2,
    )
    if moved.found_pass + moved.found_fail <= 1:
        return None
    of_pass = moved.found_pass * (1 - moved.found_pass) / moved.passing
    of_fail = moved.found_fail * (1 - moved.found_fail) / moved.failing
    middle = moved.rate + 2 * z**2 * (moved.rate * of_pass - (1 - moved.rate) * of_fail)
    half = z * moved.variance() ** 0.5
    return _clipped(middle - half, middle + half, level, "Lang–Reiczigel")


def _clipped(low: float, high: float, level: float, method: str) -> Interval:
    return Interval(min(1.0, max(0.0, low)), min(1.0, max(0.0, high)), level, method)


def _normal(level: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(0.5 + level / 2))
