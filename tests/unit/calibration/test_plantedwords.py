"""What was planted in the simulator's judges comes out of the measuring, within its intervals.

People's labels are the latent truth here: no rater errs.
"""

from __future__ import annotations

import json

import pytest

from calibration.rules.plantedwords import PlantedLine, planted_lines
from core.figures import Figure
from judges.simulator import answers, truth
from judges.simulator.judges import PLANTED
from measurement.alignment import align
from measurement.scale import PAIRWISE, Scale
from measurement.table import RatingTable, Vote
from measurement.verdicts import Call, JudgeTable

PAIRS = 1_500


def lines(model: str, scale: Scale, votes: list[Vote], calls: list[Call]) -> dict[str, PlantedLine]:
    found = align(
        RatingTable.build(votes),
        JudgeTable.build(calls, scale=scale),
        scale=scale,
        lengths={call.item: _lengths(int(call.item)) for call in calls},
    )
    return {line.name: line for line in planted_lines(found.as_dict(), model)}


def _texts(n: int) -> tuple[str, str]:
    """Two responses of different length, the longer one as often first as second."""
    short, long = f"Answer {n}.", f"The other answer {n}, at more length."
    return (short, long) if n % 2 else (long, short)


def _lengths(n: int) -> tuple[float, float]:
    a, b = _texts(n)
    return float(len(a)), float(len(b))


def of_pairs(model: str) -> dict[str, PlantedLine]:
    votes, calls = [], []
    for n in range(PAIRS):
        question, (a, b) = f"question {n}", _texts(n)
        better = "A" if truth.latent_preference(question, a, b) == "x" else "B"
        votes += [Vote(str(n), rater, better) for rater in "abc"]
        for order, (first, second) in (("AB", (a, b)), ("BA", (b, a))):
            seen = answers.Seen(question, response_a=first, response_b=second, call=f"{n}{order}")
            side = str(answers._pair_label(PLANTED[model], seen, ["A", "B", "tie"], "0"))
            label = side if order == "AB" else {"A": "B", "B": "A", "tie": "tie"}[side]
            calls.append(Call(str(n), label, order=order))
    return lines(model, Scale(PAIRWISE, is_pairwise=True), votes, calls)


def of_labels(model: str, scale: Scale) -> dict[str, PlantedLine]:
    """Numbered labels are points, others categories; the schema asks for one of them."""
    votes, calls = [], []
    choices = [int(one) if one.isdigit() else one for one in scale.labels]
    for n in range(PAIRS):
        question, response = f"question {n}", f"Answer {n}."
        quality = truth.latent_quality(question, response, "tone")
        label = scale.labels[truth.point_at(quality, len(scale.labels))]
        votes += [Vote(str(n), rater, label) for rater in "abc"]
        seen = answers.Seen(question, response=response)
        said = answers._label(PLANTED[model], seen, choices, "tone", "0")
        calls.append(Call(str(n), str(json.loads(json.dumps(said)))))
    return lines(model, scale, votes, calls)


def share(line: PlantedLine) -> float:
    return float(line.planted.lstrip("+").rstrip("%").strip()) / 100


def holds(line: PlantedLine) -> bool:
    """The planted value lies in the interval of the measured one."""
    low, high = line.measured.low, line.measured.high
    return low is not None and high is not None and low <= share(line) <= high


@pytest.mark.parametrize("model", ["sim-plumb-1", "sim-slant-1"])
def test_the_leans_of_a_judge_of_pairs_come_out(model: str) -> None:
    found = of_pairs(model)
    for name in (
        "Same winner in both orders",
        "Names the response shown first",
        "Prefers the longer one more than people do",
    ):
        assert holds(found[name]), found[name]
        assert found[name].measured.n


def test_pairs_asked_in_one_order_say_so() -> None:
    votes = [Vote(str(n), rater, "A") for n in range(40) for rater in "abc"]
    calls = [Call(str(n), "A") for n in range(40)]
    found = lines("sim-plumb-1", Scale(PAIRWISE, is_pairwise=True), votes, calls)
    assert found["Same winner in both orders"].measured.reason == "asked in one order only"
    assert found["Sees the better response"].measured.n == 40


@pytest.mark.parametrize("model", ["sim-plumb-1", "sim-slant-1"])
def test_the_wrong_choices_of_a_judge_of_categories_come_out(model: str) -> None:
    found = of_labels(model, Scale(("bad", "fair", "good")))
    assert list(found) == ["Names the label"]
    assert holds(found["Names the label"])


def test_the_steps_of_a_judge_of_points_come_out_but_for_the_ends_of_the_scale() -> None:
    """On 31 points the ends cut little off; a judge without leniency moves by its noise alone."""
    found = of_labels("sim-sway-1", Scale.points(1, 31, level="ordinal").with_cut("16"))
    one, two = found["One point off"], found["Two points off"]
    assert one.measured.value == pytest.approx(share(one), abs=0.03)
    assert two.measured.value == pytest.approx(share(two), abs=0.01)
    assert found["Too mild"].measured.value == pytest.approx(0, abs=0.05)
    assert found["Obeys an instruction in the text"].measured.reason


def test_how_often_it_obeys_is_that_of_the_probe_where_there_is_one() -> None:
    votes = [Vote(str(n), rater, "A") for n in range(40) for rater in "abc"]
    scale = Scale(PAIRWISE, is_pairwise=True)
    calls = JudgeTable.build([Call(str(n), "A") for n in range(40)], scale=scale)
    numbers = align(RatingTable.build(votes), calls, scale=scale).as_dict()
    obeyed = Figure(0.68, 120, 0.6, 0.75)
    for given, shown in ((obeyed, 0.68), (None, None)):
        found = {line.name: line for line in planted_lines(numbers, "sim-sway-1", obeyed=given)}
        assert found["Obeys an instruction in the text"].measured.value == shown


def test_a_report_without_points_says_that_they_were_not_measured() -> None:
    older = {
        "s1": None,
        "bias": {"value": 0.1, "n": 40, "interval": [0.0, 0.2], "undefined_because": ""},
    }
    found = {line.name: line for line in planted_lines(older, "sim-plumb-1")}
    assert found["One point off"].measured == Figure(None, reason="not measured in this report")
    assert found["Too mild"].measured.n == 40


def test_a_judge_of_nobodys_simulator_has_no_such_lines() -> None:
    assert planted_lines({}, "claude-opus-4") == []
