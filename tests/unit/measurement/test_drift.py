from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measurement.drift import cusum
from measurement.scale import TableError

HIT, MISS = np.log(0.75 / 0.85), np.log(0.25 / 0.15)
labels = st.lists(st.booleans(), max_size=200)


@given(labels)
def test_the_path_is_the_recursion_step_by_step(agrees: list[bool]) -> None:
    found = cusum(np.array(agrees, dtype=bool), approved=0.85)
    level, path = 0.0, []
    for agree in agrees:
        level = max(0.0, level + (HIT if agree else MISS))
        path.append(level)
    assert found.path.tolist() == pytest.approx(path, abs=1e-9)


@given(labels)
def test_the_alarm_is_the_first_label_above_the_limit(agrees: list[bool]) -> None:
    found = cusum(np.array(agrees, dtype=bool), approved=0.85, limit=1.0)
    above = [place for place, level in enumerate(found.path, start=1) if level > 1.0]
    assert found.alarm_at == (above[0] if above else None)
    assert found.is_alarmed == bool(above)


def test_misses_in_a_row_raise_the_alarm_at_the_twelfth() -> None:
    # 6 / log(.25 / .15) = 11.7
    assert cusum(np.zeros(20, dtype=bool), approved=0.85).alarm_at == 12


def test_a_judge_that_is_always_right_stays_at_zero() -> None:
    found = cusum(np.ones(500, dtype=bool), approved=0.85)
    assert found.path.max() == 0
    assert found.alarm_at is None


def test_an_early_success_earns_no_credit() -> None:
    late = np.concatenate([np.ones(500, dtype=bool), np.zeros(12, dtype=bool)])
    assert cusum(late, approved=0.85).alarm_at == 512


def test_no_labels_are_no_alarm() -> None:
    found = cusum(np.empty(0, dtype=bool), approved=0.85)
    assert (found.alarm_at, len(found.path)) == (None, 0)


def test_one_miss_of_a_judge_approved_without_any_is_no_alarm() -> None:
    found = cusum(np.zeros(3, dtype=bool), approved=1.0)
    assert (found.approved, found.feared) == (0.99, 0.89)
    assert found.alarm_at == 3


@pytest.mark.parametrize(("approved", "drop"), [(0.1, 0.1), (0.05, 0.1), (1.2, 0.1), (0.8, 0.0)])
def test_rates_that_no_judge_can_have_are_refused(approved: float, drop: float) -> None:
    with pytest.raises(TableError, match="approved rate"):
        cusum(np.ones(3, dtype=bool), approved=approved, drop=drop)


def test_a_limit_that_always_alarms_is_refused() -> None:
    with pytest.raises(TableError, match="limit"):
        cusum(np.ones(3, dtype=bool), approved=0.85, limit=0.0)


def test_the_json_form_holds_the_path() -> None:
    stored = cusum(np.array([True, False]), approved=0.85).as_dict()
    assert stored["path"] == pytest.approx([0.0, MISS])
    json.dumps(stored, allow_nan=False)
