"""The data of Dawid and Skene: 45 patients, five anaesthetists, the first of them three times."""

from __future__ import annotations

import numpy as np
import pytest

from measurement.dawidskene import DawidSkene, Votes, dawid_skene
from tests.reference.test_statistics import VALUES

CASE = VALUES["dawid_skene"]


@pytest.fixture(scope="module")
def model() -> DawidSkene:
    counts = np.zeros((45, 5, 4), dtype=np.int64)
    for patient, row in enumerate(CASE["patients"]):
        for observer, labels in enumerate(row.split()):
            for label in labels:
                counts[patient, observer, int(label) - 1] += 1
    return dawid_skene(Votes.of_counts(counts), smoothing=0)


def test_the_share_of_each_class(model: DawidSkene) -> None:
    assert model.has_converged
    assert model.prior.tolist() == pytest.approx(CASE["prior"], abs=1e-6)


def test_the_log_likelihood(model: DawidSkene) -> None:
    assert model.log_likelihood == pytest.approx(CASE["log_likelihood"], abs=1e-6)


def test_how_the_first_observer_confuses_classes(model: DawidSkene) -> None:
    for row, expected in zip(model.confusion[0].tolist(), CASE["first_observer"], strict=True):
        assert row == pytest.approx(expected, abs=1e-6)


def test_a_patient_on_whom_the_observers_differ(model: DawidSkene) -> None:
    # 112 2 1 2 2: the third patient is in the second class.
    assert model.posterior[2].argmax() == 1
    assert model.posterior[2, 1] > 0.99
