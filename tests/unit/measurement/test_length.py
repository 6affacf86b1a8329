"""The length effect: of the judge, of people, and what is the judge's own."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measurement import logistic
from measurement.alignment import align
from measurement.estimate import Estimate
from measurement.length import LengthEffect, length_effect
from measurement.scale import Scale
from measurement.sheet import Sheet
from tests.unit.measurement.builders import judge_of, shows, table_of

PAIR = Scale.pairwise()
Pair = tuple[str, str, float, float]
"""Human label, judge's label ("!…" for an outcome, "." for none), length of A, length of B."""


def effect(pairs: list[Pair], *, clusters: list[str] | None = None) -> LengthEffect:
    names = [f"{place:03}" for place in range(len(pairs))]
    votes = {name: [human] * 3 for name, (human, *_) in zip(names, pairs, strict=True)}
    grouped = None if clusters is None else dict(zip(names, clusters, strict=True))
    verdicts = {name: pair[1] for name, pair in zip(names, pairs, strict=True)}
    judge = judge_of({k: v for k, v in verdicts.items() if v != "."}, scale=PAIR)
    sheet = Sheet.of(
        table_of(votes, clusters=grouped), judge, scale=PAIR, least_ratings=2, adjudicated=None
    )
    lengths = {name: pair[2:] for name, pair in zip(names, pairs, strict=True)}
    found = length_effect(sheet, lengths, seed=1)
    assert found is not None
    return found


def mixed(longer: int, shorter: int, *, human: str = "") -> list[Pair]:
    """Pairs with a difference of ±10, of which the judge prefers so many longer ones."""
    sides = [("A", 20.0, 10.0), ("B", 10.0, 20.0)] * ((longer + shorter) // 2)
    said = [side if i < longer else "AB".replace(side, "") for i, (side, *_) in enumerate(sides)]
    return [
        (human or side, verdict, a, b) for (side, a, b), verdict in zip(sides, said, strict=True)
    ]


def test_the_longer_one_is_counted_over_each_ones_own_preferences() -> None:
    found = effect(
        [
            ("A", "A", 9, 3),  # both longer
            ("A", "B", 9, 3),  # people longer, judge shorter
            ("B", "tie", 9, 3),  # people shorter, the judge has none
            ("tie", "A", 9, 3),  # only the judge
            ("A", "A", 5, 5),  # no longer one
            ("A", "!invalid", 3, 9),  # people shorter
        ]
    )
    assert shows(found.people_longer, 2, 4)
    assert shows(found.judge_longer, 2, 3)
    assert shows(found.people_same_items, 2, 2)
    assert shows(found.judge_same_items, 1, 2)
    assert (found.difference.value, found.difference.n) == (-0.5, 2)


def test_the_model_of_two_lengths_is_the_share_on_each_side() -> None:
    # Two values of x leave as many coefficients as shares: 30 of 40 on one side, 10 of 40.
    found = effect(mixed(60, 20))
    assert found.sd == pytest.approx(10 * math.sqrt(80 / 79))
    x = math.tanh(1 / math.sqrt(80 / 79))
    a_longer, a_shorter = shares_of_a(mixed(60, 20))
    slope = (logit(a_longer) - logit(a_shorter)) / (2 * x)
    assert found.judge.slope.value == pytest.approx(slope)
    middle = (logit(a_longer) + logit(a_shorter)) / 2
    assert found.judge.intercept.value == pytest.approx(middle)
    assert found.judge.length_controlled.value == pytest.approx(1 / (1 + math.exp(-middle)))


def shares_of_a(pairs: list[Pair]) -> tuple[float, float]:
    longer = [judge == "A" for _, judge, a, b in pairs if a > b]
    shorter = [judge == "A" for _, judge, a, b in pairs if a < b]
    return sum(longer) / len(longer), sum(shorter) / len(shorter)


def logit(share: float) -> float:
    return math.log(share / (1 - share))


def test_a_tie_is_half_a_preference_and_no_verdict_is_left_out() -> None:
    found = effect([*mixed(6, 4), ("A", "tie", 20, 10), ("A", "!refused", 20, 10)])
    assert shows(found.judge.raw, 5 + 0.5, 11)
    assert found.people.raw.n == 12
    assert found.pairs == 12


def test_the_sd_is_over_all_pairs_with_or_without_a_verdict() -> None:
    pairs = [*mixed(6, 4), ("A", ".", 900, 10)]
    differences = [a - b for *_, a, b in pairs]
    mean = sum(differences) / len(differences)
    sd = math.sqrt(sum((d - mean) ** 2 for d in differences) / (len(differences) - 1))
    assert effect(pairs).sd == pytest.approx(sd)


def test_a_judge_that_follows_people_has_little_slope_of_its_own() -> None:
    # People prefer the longer one in 3 of 4 pairs; the judge is right in 9 of 10, whatever the
    # length: all of its slope is theirs.
    pairs: list[Pair] = []
    for side, a, b in (("A", 20.0, 10.0), ("B", 10.0, 20.0)):
        other = "B" if side == "A" else "A"
        for human, n in ((side, 30), (other, 10)):
            wrong = "B" if human == "A" else "A"
            pairs += [(human, human, a, b)] * (n * 9 // 10) + [(human, wrong, a, b)] * (n // 10)
    found = effect(pairs)
    assert found.judge.slope.value is not None
    assert found.judge.slope.value > 0.9
    assert found.judge_own_slope.value == pytest.approx(0, abs=1e-9)


def test_a_judge_of_length_keeps_its_slope_beside_the_human_label() -> None:
    pairs: list[Pair] = [
        (human, judge, a, b)
        for human in "AB"
        for longer, shorter, a, b in (("A", "B", 20.0, 10.0), ("B", "A", 10.0, 20.0))
        for judge in longer * 3 + shorter
    ]
    found = effect(pairs)
    assert found.people.slope.value == pytest.approx(0, abs=1e-9)
    # 3 of 4 to the longer, whatever people say: the log-odds are ±log 3 at ±tanh(10 / sd).
    assert found.sd is not None
    expected = math.log(3) / math.tanh(10 / found.sd)
    assert found.judge_own_slope.value == pytest.approx(expected)


def test_items_of_one_cluster_widen_the_interval() -> None:
    pairs = mixed(60, 20)
    alone, together = effect(pairs), effect(pairs, clusters=[f"{i // 8}" for i in range(80)])
    assert alone.judge.slope.value == together.judge.slope.value
    assert width(together.judge.slope) > width(alone.judge.slope)


def width(found: Estimate) -> float:
    assert found.interval is not None
    return found.interval.high - found.interval.low


def test_too_few_clusters_leave_a_value_without_an_interval() -> None:
    pairs = mixed(6, 4)
    found = effect(pairs, clusters=[f"{i % 2}" for i in range(len(pairs))])
    assert found.judge.slope.is_defined
    assert found.judge.slope.interval is None
    assert found.judge.length_controlled.interval is None


@pytest.mark.parametrize(
    ("pairs", "because"),
    [
        ([("A", "A", 20, 10), ("B", "B", 10, 20)] * 5, "without an error"),
        # One tie on the side of A: still no value that is the best one.
        ([("A", "A", 20, 10), ("B", "B", 10, 20), ("A", "tie", 20, 10)] * 5, "without an error"),
        ([("A", "A", 20, 10), ("B", "A", 10, 20)] * 5, "every preference is the same"),
        ([("A", "tie", 20, 10), ("B", "tie", 10, 20)] * 5, "every preference is the same"),
        ([("A", "A", 20, 10), ("A", "B", 20, 10)] * 5, "same length in every pair"),
        ([("A", "!failed", 20, 10), ("B", "!failed", 10, 20)], "nothing to fit"),
        ([("A", "A", 20, 10)], "same length in every pair"),
    ],
)
def test_a_model_that_has_no_value_says_why(pairs: list[Pair], because: str) -> None:
    found = effect(pairs)
    assert because in found.judge.slope.undefined_because
    assert because in found.judge.length_controlled.undefined_because
    json.dumps(found.as_dict(), allow_nan=False)


def test_lengths_that_vary_only_where_there_is_no_verdict_explain_nothing() -> None:
    found = effect([("A", "A", 20, 10), ("A", "B", 20, 10), ("A", ".", 10, 20)])
    assert found.judge.slope.undefined_because == "what the model rests on does not vary"


def test_people_who_always_say_the_same_leave_no_slope_of_the_judges_own() -> None:
    assert "does not vary" in effect(mixed(6, 4, human="A")).judge_own_slope.undefined_because


def test_without_a_preference_on_different_lengths_there_is_a_reason() -> None:
    found = effect([("A", "A", 5, 5), ("tie", "tie", 9, 3)])
    for figure in (found.people_longer, found.judge_longer):
        assert figure.undefined_because == "no pair of different lengths has a preference"
    assert "of both" in found.difference.undefined_because


def test_other_labels_and_unknown_lengths_have_no_length_effect() -> None:
    scale = Scale.parse("a,b,c")
    people, judge = table_of({"i": "aaa"}), judge_of({"i": "a"}, scale=scale)
    assert align(people, judge, scale=scale, lengths={"i": (1.0, 2.0)}).length is None
    pair = judge_of({"i": "A"}, scale=PAIR)
    assert align(table_of({"i": "AAA"}), pair, scale=PAIR).length is None


label = st.sampled_from(["A", "B", "tie"])
verdict = st.sampled_from(["A", "B", "tie", "!invalid", "."])
size = st.integers(1, 40).map(float)
pairs_of = st.lists(st.tuples(label, verdict, size, size), min_size=1, max_size=25)
OTHER = {"A": "B", "B": "A"}


def fitted(found: LengthEffect) -> list[Estimate]:
    return [found.people.slope, found.judge.slope, found.judge_own_slope]


@given(pairs_of)
def test_swapping_a_and_b_with_their_lengths_keeps_the_slope_and_turns_the_intercept(
    pairs: list[Pair],
) -> None:
    swapped = [(OTHER.get(h, h), OTHER.get(j, j), b, a) for h, j, a, b in pairs]
    one, other = effect(pairs), effect(swapped)
    for here, there in zip(fitted(one), fitted(other), strict=True):
        assert near(here.value, there.value)
    assert near(one.people.intercept.value, other.people.intercept.value, sign=-1)
    assert near(one.judge.intercept.value, other.judge.intercept.value, sign=-1)
    assert one.judge_longer.value == other.judge_longer.value
    assert near(one.difference.value, other.difference.value)


@given(pairs_of)
def test_swapping_only_the_lengths_turns_the_slope_round(pairs: list[Pair]) -> None:
    swapped = [(h, j, b, a) for h, j, a, b in pairs]
    for here, there in zip(fitted(effect(pairs)), fitted(effect(swapped)), strict=True):
        assert near(here.value, there.value, sign=-1)


def test_lengths_that_differ_nearly_alike_carry_no_slope() -> None:
    near_alike = [
        ("A", verdict, 1.0, other)
        for verdict, other in zip("AAABA", (5.0,) * 4 + (6.0,), strict=True)
    ]
    assert {found.undefined_because for found in fitted(effect(near_alike))} <= {
        logistic.NO_VARIANCE,
        logistic.SAME_OUTCOME,
    }


@given(pairs_of, st.randoms(use_true_random=False))
def test_the_order_of_the_items_changes_no_figure(pairs: list[Pair], random: object) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for here, there in zip(fitted(effect(pairs)), fitted(effect(shuffled)), strict=True):
        assert near(here.value, there.value)


@given(pairs_of)
def test_items_that_all_occur_twice_in_one_cluster_change_no_share(pairs: list[Pair]) -> None:
    names = [f"{i}" for i in range(len(pairs))]
    one, twice = effect(pairs), effect([*pairs, *pairs], clusters=[*names, *names])
    assert near(one.judge_longer.value, twice.judge_longer.value)
    assert near(one.judge.raw.value, twice.judge.raw.value)
    if one.judge_longer.interval is not None and twice.judge_longer.interval is not None:
        # The second look at the same items tells nothing new.
        assert width(twice.judge_longer) >= width(one.judge_longer) - 1e-9


@given(pairs_of)
def test_every_figure_is_finite_or_has_a_reason(pairs: list[Pair]) -> None:
    json.dumps(effect(pairs).as_dict(), allow_nan=False)


def near(one: float | None, other: float | None, *, sign: int = 1) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, sign * other, rel_tol=1e-6, abs_tol=1e-6)
