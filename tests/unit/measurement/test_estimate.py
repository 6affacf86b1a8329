from __future__ import annotations

import json
import math

import pytest

from measurement.estimate import Estimate, Interval


def test_an_estimate_reads_back_from_its_json_form() -> None:
    found = Estimate(0.5, 12, Interval(0.25, 0.75))
    stored = json.loads(json.dumps(found.as_dict()))
    assert stored == {"value": 0.5, "n": 12, "interval": [0.25, 0.75], "undefined_because": ""}
    assert Estimate.from_dict(stored) == found


def test_an_undefined_estimate_keeps_its_reason() -> None:
    stored = Estimate.undefined("one rater", n=3).as_dict()
    assert stored == {"value": None, "n": 3, "interval": None, "undefined_because": "one rater"}
    assert not Estimate.from_dict(stored).is_defined


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_an_estimate_is_never_nan(value: float) -> None:
    with pytest.raises(ValueError, match="never nan"):
        Estimate(value, 1)


def test_an_estimate_without_a_value_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="reason"):
        Estimate(None, 0)


def test_an_interval_has_finite_ends_in_order() -> None:
    with pytest.raises(ValueError, match="finite"):
        Interval(0.5, math.nan)
    with pytest.raises(ValueError, match="lower one first"):
        Interval(0.5, 0.4)
