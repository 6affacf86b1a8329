from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from measurement.escalation import Cascade, Judged, Stage, cascade
from measurement.scale import TableError


def judged(*runs: tuple[float, int, int]) -> Judged:
    """Items in runs of (confidence, agreeing, disagreeing)."""
    confidences = [value for value, right, wrong in runs for _ in range(right + wrong)]
    agrees = [i < right for _, right, wrong in runs for i in range(right + wrong)]
    return Judged(np.array(confidences, dtype=float), np.array(agrees, dtype=bool))


def stage_of(*runs: tuple[float, int, int], target: float = 0.8, delta: float = 0.1) -> Stage:
    (stage,) = cascade([judged(*runs)], target=target, delta=delta).stages
    return stage


def test_the_last_threshold_before_the_first_failure_is_taken() -> None:
    # After 0.9: 1 of 40 wrong holds; after 0.7: 3 of 60 wrong holds; after 0.5: 23 of 80 fails.
    found = stage_of((0.9, 39, 1), (0.7, 18, 2), (0.5, 0, 20))
    assert (found.threshold, found.answered, found.errors) == (0.7, 60, 3)
    assert (found.coverage.value, found.coverage.n) == (0.75, 80)
    assert found.agreement.value == pytest.approx(57 / 60)


def test_the_bound_is_the_exact_one_of_the_answered_items() -> None:
    found = stage_of((0.9, 45, 5))
    exact = binomtest(45, 50, alternative="greater").proportion_ci(0.9, method="exact")
    assert found.guaranteed == pytest.approx(exact.low)


def test_a_later_threshold_that_would_hold_again_is_not_reached() -> None:
    # 10 of 40 wrong fails; 110 further right ones would bring it to 10 of 150.
    found = stage_of((0.9, 30, 10), (0.8, 110, 0))
    assert found.threshold is None


def test_a_judge_that_fails_at_the_first_step_escalates_everything() -> None:
    found = stage_of((0.99, 20, 10), (0.5, 500, 0))
    assert (found.threshold, found.answered, found.guaranteed) == (None, 0, None)
    assert (found.coverage.value, found.coverage.n) == (0.0, 530)
    assert found.because.startswith("10 errors in the 30 most confident items")
    assert found.agreement.undefined_because == found.because


def test_items_of_one_confidence_are_answered_or_escalated_together() -> None:
    # The 30th item lies inside the run of 0.8, so the first step has all 50.
    found = stage_of((0.9, 20, 0), (0.8, 30, 0))
    assert (found.threshold, found.answered) == (0.8, 50)


def test_fewer_items_than_the_first_step_needs_are_escalated() -> None:
    assert stage_of((0.9, 29, 0)).because == "fewer than 30 items have a confidence"


def test_a_larger_first_step_lets_an_overconfident_start_pass() -> None:
    judge = judged((0.99, 22, 8), (0.9, 170, 0))
    first = cascade([judge], target=0.8).stages[0]
    larger = cascade([judge], target=0.8, least_items=100).stages[0]
    assert (first.threshold, larger.threshold) == (None, 0.9)


def test_an_item_without_a_confidence_is_never_answered() -> None:
    confident, silent = judged((0.9, 40, 0)), judged((np.nan, 10, 0))
    both = Judged(*(np.concatenate(pair) for pair in zip(confident, silent, strict=True)))
    found = cascade([both], target=0.8)
    assert (found.coverage.value, found.coverage.n) == (0.8, 50)


def test_the_next_judge_is_calibrated_on_what_was_left() -> None:
    first = judged((0.9, 50, 0), (0.1, 0, 50))
    # The second judge is wrong where the first one answers, and right on the rest.
    second = judged((0.9, 0, 50), (0.8, 50, 0))
    found = cascade([first, second], target=0.8)
    assert [stage.answered for stage in found.stages] == [50, 50]
    assert found.stages[1].coverage.n == 50
    assert found.coverage.value == 1.0


def test_stages_share_the_chance_of_a_broken_promise() -> None:
    judge = judged((0.9, 30, 2))
    alone = cascade([judge], target=0.8).stages[0]
    three = cascade([judge, judge, judge], target=0.8)
    assert alone.delta == 0.1
    assert [stage.delta for stage in three.stages] == pytest.approx([0.1 / 3] * 3)
    assert alone.guaranteed is not None
    assert three.stages[0].guaranteed is not None
    assert three.stages[0].guaranteed < alone.guaranteed


def test_nothing_left_is_a_reason() -> None:
    judge = judged((0.9, 40, 0))
    assert (
        cascade([judge, judge], target=0.8).stages[1].because == "no item was left to calibrate on"
    )


@pytest.mark.parametrize("options", [{"target": 1.0}, {"target": 0.8, "delta": 0.0}])
def test_a_promise_that_nobody_can_give_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(TableError, match="between 0 and 1"):
        cascade([judged((0.9, 40, 0))], **options)  # type: ignore[arg-type]


def test_judges_on_different_items_are_refused() -> None:
    with pytest.raises(TableError, match="same items"):
        cascade([judged((0.9, 40, 0)), judged((0.9, 41, 0))], target=0.8)
    with pytest.raises(TableError, match="at least one judge"):
        cascade([], target=0.8)
    with pytest.raises(TableError, match="at least one item"):
        cascade([judged((0.9, 40, 0))], target=0.8, least_items=0)


items = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=120)


def of_items(rows: list[tuple[int, bool]]) -> Cascade:
    judge = Judged(
        np.array([confidence for confidence, _ in rows], dtype=float),
        np.array([agrees for _, agrees in rows], dtype=bool),
    )
    return cascade([judge], target=0.7, least_items=5)


@given(items, st.randoms(use_true_random=False))
def test_the_order_of_the_items_changes_nothing(
    rows: list[tuple[int, bool]], random: object
) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert of_items(rows).as_dict() == of_items(shuffled).as_dict()


@given(items)
def test_another_unit_of_confidence_answers_the_same_items(rows: list[tuple[int, bool]]) -> None:
    cubed = [(confidence**3 + 7, agrees) for confidence, agrees in rows]
    one, other = of_items(rows).stages[0], of_items(cubed).stages[0]
    assert (one.answered, one.errors, one.guaranteed) == (
        other.answered,
        other.errors,
        other.guaranteed,
    )


@given(items)
def test_what_is_answered_holds_the_target_or_nothing_is(rows: list[tuple[int, bool]]) -> None:
    found = of_items(rows)
    (stage,) = found.stages
    assert (stage.threshold is None) == bool(stage.because)
    assert stage.guaranteed is None or stage.guaranteed >= 0.7
    json.dumps(found.as_dict(), allow_nan=False)


@given(items)
def test_the_threshold_is_that_of_walking_down_item_by_item(rows: list[tuple[int, bool]]) -> None:
    expected = None
    for threshold in sorted({confidence for confidence, _ in rows}, reverse=True):
        answered = [agrees for confidence, agrees in rows if confidence >= threshold]
        if len(answered) < 5:
            continue
        exact = binomtest(sum(answered), len(answered), alternative="greater")
        if exact.proportion_ci(0.9, method="exact").low < 0.7:
            break
        expected = threshold
    assert of_items(rows).stages[0].threshold == expected
