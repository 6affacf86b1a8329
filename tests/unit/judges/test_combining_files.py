"""A run and a file of the same calls give one label and one outcome, whatever the answers."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judges.rules.spec import DimensionSpec
from judges.rules.verdicts import CallVerdict, Outcome, combine, to_item_labelling
from measurement import verdicts
from measurement.scale import GRADED, NOT_APPLICABLE, Scale
from tests.unit.judges.builders import make_version

KEY = "question"
FAILED = ("", *verdicts.FAILURES)


@dataclass(frozen=True)
class Asked:
    """A dimension as a judge has it, and the scale under which its file is measured."""

    dimension: DimensionSpec
    scale: Scale


def asked(kind: str, *values: str, scale: Scale) -> Asked:
    points = tuple((value, "") for value in values)
    allow_na = kind != "pairwise"
    return Asked(DimensionSpec(KEY, "?", kind, points, allow_na=allow_na), scale)  # type: ignore[arg-type]


CASES = {
    "pairs": asked("pairwise", scale=Scale.pairwise()),
    "graded pairs": asked("pairwise", *GRADED, scale=Scale.pairwise(is_graded=True)),
    "five points": asked("scale", *"12345", scale=Scale.points(1, 5)),
    "two points": asked("scale", "0", "1", scale=Scale.points(0, 1)),
    "words": asked(
        "scale", "bad", "fair", "good", scale=Scale.parse("bad,fair,good", level="ordinal")
    ),
    "yes or no": asked("yes_no", scale=Scale.parse("no,yes")),
    "categories": asked("category", "x", "y", "z", scale=Scale.parse("x,y,z")),
}


@pytest.mark.parametrize("name", CASES)
@given(data=st.data())
def test_a_run_and_a_file_combine_the_same_calls_alike(name: str, data: st.DataObject) -> None:
    dimension, scale = CASES[name].dimension, CASES[name].scale
    is_pair = dimension.kind == "pairwise"
    orders = data.draw(st.sampled_from([("AB",), ("AB", "BA")])) if is_pair else ("",)
    samples = data.draw(st.integers(1, 5))
    labels = st.sampled_from(dimension.labels)
    outcomes = data.draw(st.sampled_from([("",), FAILED]))
    calls = [
        _call(order, sample, data.draw(st.sampled_from(outcomes)) or data.draw(labels))
        for sample in range(samples)
        for order in orders
    ]
    version = make_version(
        "pair" if is_pair else "single",
        dimensions=(dimension,),
        samples=samples,
        both_orders=len(orders) == 2,
    )
    run = combine(calls, version)[KEY]
    file = verdicts.JudgeTable.build([_row(call) for call in calls], scale=scale)
    assert (run.label or "", run.outcome.value) == (file.labels.get("i", ""), file.outcomes["i"])


def test_two_grades_of_one_winner_outvote_the_other_side() -> None:
    scale = Scale.pairwise(is_graded=True)
    assert verdicts.of_samples(["A2", "B1", "A1"], scale) == "A1"


def test_half_that_do_not_apply_are_split() -> None:
    assert verdicts.of_samples(["4", NOT_APPLICABLE], Scale.points(1, 5)) == ""


def _call(order: str, sample: int, said: str) -> CallVerdict:
    if said in verdicts.FAILURES:
        return CallVerdict(order, sample, Outcome(said))
    return CallVerdict(order, sample, Outcome.OK, {KEY: said})


def _row(call: CallVerdict) -> verdicts.Call:
    label = to_item_labelling(call.labels.get(KEY, ""), call.order)
    return verdicts.Call("i", label, call.order, call.sample, call.outcome.value)
