"""What a review draws and what its answers come to."""

from __future__ import annotations

from collections import Counter

import pytest

from calibration.rules.reviews import UNCLEAR, Drawn, Labels, Outcome, draw, found_right, outcome

SCALE = ("A", "tie", "B")


def cases(*, differ: int, agree: int) -> list[Labels]:
    """Differences of A against B, and agreements on A; every other difference is one with a tie."""
    differing = [Labels(n, "B", "A" if n % 2 else "tie") for n in range(differ)]
    return differing + [Labels(differ + n, "A", "A") for n in range(agree)]


def halves(drawn: list[Drawn]) -> tuple[int, int]:
    differing = sum(one.labels.is_difference for one in drawn)
    return differing, len(drawn) - differing


def test_as_many_agreements_as_differences_are_drawn() -> None:
    assert halves(draw(cases(differ=9, agree=50), most=100, scale=SCALE, seed=1)) == (9, 9)
    assert halves(draw(cases(differ=40, agree=50), most=7, scale=SCALE, seed=1)) == (7, 7)
    assert halves(draw(cases(differ=9, agree=4), most=100, scale=SCALE, seed=1)) == (9, 4)


def test_both_are_drawn_at_random_and_told_again_by_the_seed() -> None:
    found = [draw(cases(differ=40, agree=200), most=10, scale=SCALE, seed=n) for n in range(200)]
    assert found[3] == draw(cases(differ=40, agree=200), most=10, scale=SCALE, seed=3)
    times = Counter(one.labels.item_id for drawn in found for one in drawn)
    assert len(times) == 240
    # Each difference comes in 10 of 40 draws, each agreement in 10 of 200: 50 and 10 times.
    assert 25 <= times[0] <= 80
    assert 1 <= times[60] <= 26


def test_neither_place_nor_side_tells_what_an_item_is() -> None:
    found = [
        one
        for n in range(100)
        for one in draw(cases(differ=20, agree=20), most=20, scale=SCALE, seed=n)[:1]
    ]
    assert 30 <= sum(one.labels.is_difference for one in found) <= 70
    assert 30 <= sum(one.is_swapped for one in found) <= 70


def test_a_foil_is_drawn_from_what_stands_beside_that_label_in_the_differences() -> None:
    drawn = draw(cases(differ=9, agree=50), most=9, scale=SCALE, seed=5)
    assert {one.foil for one in drawn if one.labels.is_difference} == {""}
    # People's A stands beside the judge's B only: never beside a tie.
    assert {one.foil for one in drawn if not one.labels.is_difference} == {"B"}


def test_without_such_a_difference_the_foil_is_any_other_label() -> None:
    only = [Labels(0, "A", "B"), *(Labels(n, "tie", "tie") for n in range(1, 40))]
    foils = {
        one.foil
        for n in range(30)
        for one in draw(only, most=1, scale=SCALE, seed=n)
        if not one.labels.is_difference
    }
    assert foils == {"A", "B"}


@pytest.mark.parametrize(
    ("answers", "right"),
    [
        ([], None),
        (["A"], "A"),
        (["A", "B"], None),
        (["A", "B", "A"], "A"),
        ([UNCLEAR], UNCLEAR),
        ([UNCLEAR, "A"], None),
        (["A", "B", "tie"], None),
    ],
)
def test_what_most_reviewers_call_right(answers: list[str], right: str | None) -> None:
    assert found_right(answers) == right


@pytest.mark.parametrize(
    ("labels", "answers", "found"),
    [
        (Labels(1, "B", "A"), ["A"], Outcome.JUDGE_WRONG),
        (Labels(1, "B", "A"), ["B"], Outcome.PEOPLE_WRONG),
        (Labels(1, "B", "A"), ["tie"], Outcome.BOTH_WRONG),
        (Labels(1, "B", "A"), [UNCLEAR], Outcome.UNCLEAR),
        (Labels(1, "B", "A"), ["A", "B"], Outcome.APART),
        (Labels(1, "B", "A"), [], Outcome.OPEN),
        (Labels(1, "A", "A"), ["A"], Outcome.UPHELD),
        (Labels(1, "A", "A"), ["B"], Outcome.BOTH_WRONG),
        (Labels(1, "A", "A"), [UNCLEAR], Outcome.UNCLEAR),
    ],
)
def test_what_answers_come_to(labels: Labels, answers: list[str], found: Outcome) -> None:
    assert outcome(labels, answers) is found
