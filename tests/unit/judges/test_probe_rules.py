"""The words, runs and tolerances of probes."""

from __future__ import annotations

import pytest

from judges.rules import probefigures
from judges.rules.probes import CHANGED, PLAIN, PROBES, arms, in_words, reading
from judges.states import ProbeKind
from measurement.estimate import Estimate
from measurement.scale import PAIRWISE, Scale
from measurement.verdicts import JudgeTable

PARAMETERS = {"factor": 1.5, "samples": 4}


def figure(value: float | None, *bounds: float) -> dict[str, object]:
    return {"value": value, "interval": list(bounds) or None}


@pytest.mark.parametrize(
    ("estimate", "read"),
    [
        (figure(0.05, 0.0, 0.10), "inside"),
        (figure(0.05, 0.0, 0.11), "open"),
        (figure(0.3, 0.11, 0.5), "outside"),
        (figure(-0.3, -0.5, -0.1), "outside"),
        (figure(0.05), "open"),
        (figure(None), "undefined"),
    ],
)
def test_the_whole_interval_has_to_lie_inside(estimate: dict[str, object], read: str) -> None:
    assert reading(estimate, (0.0, 0.10)) == read
    assert reading(estimate, None) == ""


def test_a_tolerance_is_written_with_a_true_minus() -> None:
    assert in_words((-0.05, 0.05)) == "−0.05 to 0.05"
    assert PROBES[ProbeKind.LENGTH].first.tolerance_words == "−0.05 to 0.05"
    assert PROBES[ProbeKind.LENGTH].figures[1].tolerance_words == ""


@pytest.mark.parametrize("kind", list(ProbeKind))
def test_every_probe_says_what_it_does_and_is_held_to_something(kind: ProbeKind) -> None:
    spec = PROBES[kind]
    assert spec.kind is kind
    assert spec.asks.endswith("?")
    assert spec.first.tolerance is not None
    assert len({one.key for one in spec.figures}) == len(spec.figures)


def test_the_runs_of_each_probe_and_what_they_change() -> None:
    found = {kind: arms(kind, PARAMETERS) for kind in ProbeKind}
    assert all(next(iter(variants)) == PLAIN for variants in found.values())
    assert {kind for kind, variants in found.items() if CHANGED in variants} == {
        ProbeKind.LENGTH,
        ProbeKind.FORMAT,
        ProbeKind.WORDING,
        ProbeKind.INJECTION,
    }
    assert found[ProbeKind.LENGTH][CHANGED].factor == 1.5
    repeat = found[ProbeKind.REPEAT][PLAIN]
    assert (repeat.samples, repeat.is_fresh) == (4, True)
    assert found[ProbeKind.ORDER][PLAIN].both_orders


@pytest.mark.parametrize("kind", list(ProbeKind))
def test_without_a_verdict_every_figure_is_undefined_with_a_reason(kind: ProbeKind) -> None:
    scale = Scale(PAIRWISE, is_pairwise=True)
    seen = probefigures.Seen(scale=scale, plain={}, calls=JudgeTable({}, {}), keys={}, sides={})
    found = probefigures.figures(kind, seen)
    assert list(found) == [one.key for one in PROBES[kind].figures]
    assert all(one.undefined_because for one in found.values())


def test_what_is_kept_names_the_order_of_dimensions_and_the_tolerances_of_the_day() -> None:
    none = {one.key: Estimate.undefined("x") for one in PROBES[ProbeKind.REPEAT].figures}
    kept = probefigures.stored(ProbeKind.REPEAT, {"b": none, "a": none})
    assert kept["order"] == ["b", "a"]
    assert kept["tolerances"] == {"same": [0.9, 1.0], "alpha": [0.8, 1.0]}
    assert kept["dimensions"]["a"]["same"]["undefined_because"] == "x"
