from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measurement.arrays import Floats
from measurement.correction import (
    CLIPPED,
    NOT_RANDOM,
    CorrectedMean,
    Errors,
    corrected_mean,
    corrected_rate,
)
from measurement.scale import TableError

PEOPLE = np.repeat([1.0, 1.0, 0.0, 0.0], [50, 10, 30, 10])
JUDGE = np.repeat([1.0, 0.0, 0.0, 1.0], [50, 10, 30, 10])
REST = np.repeat([1.0, 0.0], [500, 500])


def corrected(people: Floats = PEOPLE, judge: Floats = JUDGE, rest: Floats = REST) -> CorrectedMean:
    return corrected_mean(people, judge, rest, is_random_sample=True)


def test_a_sample_that_is_not_random_is_refused() -> None:
    found = corrected_mean(PEOPLE, JUDGE, REST, is_random_sample=False)
    assert found.estimate.undefined_because == NOT_RANDOM
    assert (found.n_eff, found.estimate.n) == (None, 100)


def test_fewer_than_twenty_of_the_rarer_label_are_refused() -> None:
    rare = np.repeat([1.0, 0.0], [81, 19])
    assert "rarer label" in corrected(rare, rare).estimate.undefined_because
    enough = np.repeat([1.0, 0.0], [81, 20])
    assert corrected(enough, enough).estimate.is_defined


def test_points_need_as_many_labels_as_two_labels_do() -> None:
    points = np.tile([1.0, 2.0, 3.0], 13)
    assert corrected(points, points).estimate.undefined_because == "fewer than 40 labelled items"
    points = np.tile([1.0, 2.0, 3.0, 4.0], 10)
    assert corrected(points, points).estimate.is_defined


def test_without_further_items_there_is_nothing_to_correct() -> None:
    assert corrected(rest=np.empty(0)).estimate.undefined_because == "no item is left to correct"


def test_a_good_judge_makes_the_labels_worth_more() -> None:
    found = corrected()
    assert found.n_eff is not None
    assert found.n_eff > 100
    # People say .6 where the judge says .6 as well; on the rest it says .5.
    assert found.power is not None
    assert found.estimate.value == pytest.approx(0.6 - 0.1 * found.power)


def test_a_judge_that_is_worth_nothing_costs_nothing() -> None:
    blind = np.tile([0.0, 1.0], 50)
    found = corrected(judge=blind)
    plain = corrected_mean(PEOPLE, blind, REST, is_random_sample=True, power=1.0)
    assert found.power == 0
    assert found.n_eff == pytest.approx(100)
    assert plain.n_eff is not None
    assert plain.n_eff < 100


def test_a_judge_that_always_says_the_same_leaves_people_alone() -> None:
    found = corrected(judge=np.ones(100), rest=np.ones(900))
    assert found.power == 0
    assert found.estimate.value == pytest.approx(0.6)


def test_a_judge_that_is_mostly_wrong_is_left_out() -> None:
    assert corrected(judge=1 - JUDGE).power == 0.0


def test_strata_weigh_by_all_their_items() -> None:
    # Two systems, one of them labelled four times as densely as the other.
    strata = np.repeat([0, 1, 0, 1], [40, 20, 20, 20])
    rest_strata = np.repeat([0, 1], [200, 800])
    found = corrected_mean(
        PEOPLE, JUDGE, REST, is_random_sample=True, strata=strata, rest_strata=rest_strata, power=0
    )
    shares = [PEOPLE[strata == code].mean() for code in (0, 1)]
    assert found.estimate.value == pytest.approx((260 * shares[0] + 840 * shares[1]) / 1100)


def test_one_stratum_is_no_stratum() -> None:
    one = corrected_mean(
        PEOPLE,
        JUDGE,
        REST,
        is_random_sample=True,
        strata=np.zeros(100, dtype=np.int64),
        rest_strata=np.zeros(1000, dtype=np.int64),
    )
    assert one == corrected()


def test_a_stratum_with_few_labels_is_refused() -> None:
    found = corrected_mean(
        PEOPLE,
        JUDGE,
        REST,
        is_random_sample=True,
        strata=np.repeat([0, 1], [81, 19]),
        rest_strata=np.repeat([0, 1], [500, 500]),
    )
    assert "a stratum has fewer than 20" in found.estimate.undefined_because


def test_labels_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(TableError, match="numbers"):
        corrected(judge=np.where(np.arange(100) == 5, np.nan, JUDGE))
    with pytest.raises(TableError, match="one label by people"):
        corrected(judge=JUDGE[:-1])


@given(st.randoms(use_true_random=False))
def test_the_order_of_the_items_changes_nothing(random: object) -> None:
    order = list(range(100))
    random.shuffle(order)  # type: ignore[attr-defined]
    one, other = corrected(), corrected(PEOPLE[order], JUDGE[order])
    assert one.estimate.value == pytest.approx(other.estimate.value)
    assert one.n_eff == pytest.approx(other.n_eff)


@given(st.integers(-5, 5))
def test_moving_all_of_the_judges_points_changes_nothing(shift: int) -> None:
    one, other = corrected(), corrected(judge=JUDGE + shift, rest=REST + shift)
    assert one.estimate.value == pytest.approx(other.estimate.value)
    assert one.power == pytest.approx(other.power)


@given(st.floats(0, 1))
def test_no_other_power_has_a_smaller_variance(power: float) -> None:
    # The best power is found with both parts' variance; with equal shares it is the exact best.
    rest = np.repeat([1.0, 0.0], [600, 400])
    best = corrected(rest=rest)
    other = corrected_mean(PEOPLE, JUDGE, rest, is_random_sample=True, power=power)
    assert best.n_eff is not None
    assert other.n_eff is not None
    assert other.n_eff <= best.n_eff * (1 + 1e-4)


def rate(errors: Errors, *, passed: int = 600) -> str:
    found = corrected_rate(errors, passed=passed, judged=1000, is_random_sample=True)
    return found.estimate.undefined_because


def test_the_rates_own_refusals() -> None:
    assert "rarer label" in rate(Errors(50, 10, 17, 2))
    assert "no better than chance" in rate(Errors(30, 30, 20, 20))
    assert rate(Errors(50, 10, 25, 5)) == ""
    unfair = corrected_rate(Errors(50, 10, 25, 5), passed=6, judged=10, is_random_sample=False)
    assert unfair.estimate.undefined_because == NOT_RANDOM
    nothing = corrected_rate(Errors(50, 10, 25, 5), passed=0, judged=0, is_random_sample=True)
    assert nothing.estimate.undefined_because == "no item is left to correct"


def test_counts_that_cannot_be_are_refused() -> None:
    for errors, passed in ((Errors(-1, 30, 30, 30), 6), (Errors(30, 30, 30, 30), 11)):
        with pytest.raises(TableError, match="Counts"):
            corrected_rate(errors, passed=passed, judged=10, is_random_sample=True)


def test_a_rate_outside_of_the_shares_is_moved_and_says_so() -> None:
    found = corrected_rate(Errors(80, 20, 50, 0), passed=900, judged=1000, is_random_sample=True)
    assert found.estimate.value == 1.0
    assert found.notes == (CLIPPED,)
    assert found.delta is not None
    assert found.delta.high == 1.0


def test_a_faultless_judge_is_not_corrected() -> None:
    found = corrected_rate(Errors(50, 0, 50, 0), passed=300, judged=1000, is_random_sample=True)
    assert found.estimate.value == pytest.approx(0.3)
    assert found.notes == ()


def test_both_have_a_json_form() -> None:
    refused = corrected_mean(PEOPLE, JUDGE, REST, is_random_sample=False)
    found = corrected_rate(Errors(50, 10, 25, 5), passed=6, judged=10, is_random_sample=True)
    for stored in (refused.as_dict(), corrected().as_dict(), found.as_dict()):
        assert set(stored["estimate"]) == {"value", "n", "interval", "undefined_because"}
        json.dumps(stored, allow_nan=False)
