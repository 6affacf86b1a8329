"""Rogan–Gladen and prediction-powered inference: the worked example, and why a sample is random."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from measurement.arrays import Floats
from measurement.correction import CorrectedMean, Errors, corrected_mean, corrected_rate
from tests.reference.test_statistics import VALUES

EXAMPLE = VALUES["correction"]
ERRORS = Errors(*(EXAMPLE[name] for name in ("tp", "fn", "tn", "fp")))


def ends(found: object) -> tuple[float, float]:
    return found.low, found.high  # type: ignore[attr-defined]


def powered(power: float | None) -> CorrectedMean:
    people = np.repeat([1.0, 1.0, 0.0, 0.0], ERRORS)
    judge = np.repeat([1.0, 0.0, 0.0, 1.0], ERRORS)
    passed, judged = EXAMPLE["passed"], EXAMPLE["judged"]
    rest = np.repeat([1.0, 0.0], [passed, judged - passed])
    return corrected_mean(people, judge, rest, is_random_sample=True, power=power)


def test_rogan_gladen_with_both_intervals() -> None:
    found = corrected_rate(
        ERRORS, passed=EXAMPLE["passed"], judged=EXAMPLE["judged"], is_random_sample=True
    )
    assert found.estimate.value == pytest.approx(EXAMPLE["rate"], abs=1e-10)
    assert found.standard_error == pytest.approx(EXAMPLE["standard_error"], abs=1e-10)
    assert ends(found.delta) == pytest.approx(EXAMPLE["delta"], abs=1e-7)
    assert ends(found.estimate.interval) == pytest.approx(EXAMPLE["lang_reiczigel"], abs=1e-7)


@pytest.mark.parametrize("case", EXAMPLE["powers"], ids=lambda case: str(case["power"]))
def test_the_mean_by_people_alone_by_plain_ppi_and_by_the_best_power(
    case: dict[str, Any],
) -> None:
    fixed = case["power"] if case["power"] in (0, 1) else None
    found = powered(fixed)
    assert found.power == pytest.approx(case["power"], abs=1e-10)
    assert found.estimate.value == pytest.approx(case["value"], abs=1e-10)
    assert ends(found.estimate.interval) == pytest.approx(case["interval"], abs=1e-8)


def test_two_hundred_labels_are_worth_four_hundred() -> None:
    assert powered(None).n_eff == pytest.approx(EXAMPLE["n_eff"], abs=0.01)


def test_a_sample_balanced_by_peoples_label_would_mislead() -> None:
    # True share .85, judge right on 88 %: what somebody who claims a random sample would be told.
    found = [_claimed(np.random.default_rng(seed), balanced=True) for seed in range(20)]
    honest = [_claimed(np.random.default_rng(seed), balanced=False) for seed in range(20)]
    assert np.mean(found) < 0.8
    assert np.mean(honest) == pytest.approx(0.85, abs=0.01)


def _claimed(rng: np.random.Generator, *, balanced: bool) -> float:
    truth = rng.random(4000) < 0.85
    judge = np.where(rng.random(4000) < 0.88, truth, ~truth)
    labelled = np.zeros(4000, dtype=bool)
    if balanced:
        for label in (True, False):
            labelled[rng.choice(np.flatnonzero(truth == label), 150, replace=False)] = True
    else:
        labelled[rng.choice(4000, 300, replace=False)] = True
    parts: list[Floats] = [
        part.astype(np.float64) for part in (truth[labelled], judge[labelled], judge[~labelled])
    ]
    value = corrected_mean(*parts, is_random_sample=True).estimate.value
    assert value is not None
    return value
