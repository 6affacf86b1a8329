from __future__ import annotations

import dataclasses

from judges.rules.improving import Case, examples, patterns, with_rules


def pairs(people: str, judged: str, count: int, **changes: object) -> list[Case]:
    start = changes.pop("start", 0)
    assert isinstance(start, int)
    case = Case(0, "", "preference", judged, judged, people, votes=3, lengths=(10, 20))
    return [
        dataclasses.replace(case, item_id=start + n, cluster=f"c{start + n}", **changes)  # type: ignore[arg-type]
        for n in range(count)
    ]


def points(median: float, judge: str, count: int, *, cut: int = 4) -> list[Case]:
    def tested(number: float) -> str:
        return "pass" if number >= cut else "fail"

    return [
        Case(n, f"c{n}", "accuracy", judge, tested(int(judge)), tested(median), 3, median)
        for n in range(count)
    ]


def found(cases: list[Case]) -> dict[str, str]:
    return {pattern.key: pattern.finding for pattern in patterns(cases)}


def test_a_leaning_towards_length_is_named_with_its_counts() -> None:
    cases = pairs("A", "B", 14) + pairs("B", "A", 3, start=50)
    (pattern,) = [one for one in patterns(cases) if one.key == "preference:longer"]
    assert pattern.finding == "prefers the longer response in 14 of 17 misses"
    assert (pattern.hits, pattern.n) == (14, 17)
    assert pattern.share is not None
    assert pattern.share.interval is not None
    assert pattern.share.interval.low > 0.5
    assert "longer" in pattern.rule


def test_what_may_be_chance_is_not_named() -> None:
    assert not patterns(pairs("A", "B", 6) + pairs("B", "A", 4, start=50))
    assert not patterns(pairs("A", "B", 4))


def test_hits_are_no_misses() -> None:
    assert not patterns(pairs("A", "A", 30))


def test_ties_given_too_rarely_and_too_often() -> None:
    rarely = found(pairs("tie", "A", 8))
    assert rarely["preference:ties-too-rare"].endswith("in 8 of 8 misses")
    assert "never gives tie in 8 items; people do in 8" in rarely.values()
    often = found(pairs("A", "tie", 8))
    assert often["preference:ties-too-often"].endswith("in 8 of 8 misses")


def test_flips_are_named_where_both_orders_were_asked() -> None:
    assert "preference:flips" in found(pairs("A", "tie", 8, is_consistent=False))
    assert "preference:flips" not in found(pairs("A", "tie", 8, is_consistent=None))


def test_points_above_peoples_and_a_point_that_is_never_given() -> None:
    cases = points(1, "4", 9) + points(5, "5", 9)
    named = found(cases)
    assert named["accuracy:too-high"] == "gives more points than people in 9 of 9 misses"
    assert named["accuracy:pass-for-fail"] == "says pass where people say fail in 9 of 9 misses"
    assert named["accuracy:never-1"] == "never gives 1 in 18 items; people do in 9"


def test_a_median_between_two_points_is_no_point() -> None:
    assert not [key for key in found(points(2.5, "2", 9)) if "never" in key]


def test_examples_take_every_kind_of_error_in_turn_and_one_of_a_cluster() -> None:
    cases = pairs("A", "B", 9) + pairs("B", "A", 2, start=50) + pairs("tie", "A", 1, start=90)
    chosen = examples(cases, most=4)
    assert [case.direction[1:] for case in chosen] == [
        ("A", "B"),
        ("B", "A"),
        ("tie", "A"),
        ("A", "B"),
    ]
    same = [dataclasses.replace(case, cluster="one") for case in cases]
    assert len(examples(same, most=4)) == 1


def test_examples_with_more_votes_come_first_and_hits_never() -> None:
    cases = pairs("A", "B", 2) + pairs("A", "B", 1, start=7, votes=9) + pairs("A", "A", 5, start=20)
    assert [case.item_id for case in examples(cases)] == [7, 0, 1]
    assert not examples(pairs("A", "A", 3))


def test_rules_stand_before_the_examples_of_a_prompt() -> None:
    template = "Judge.\n\n{{ rubric }}\n\n{{ examples }}\n"
    assert with_rules(template, ["Be strict."]) == (
        "Judge.\n\n{{ rubric }}\n\n# Rules\n\n- Be strict.\n\n{{ examples }}\n"
    )
    assert with_rules("{{ rubric }}", ["Be strict."]) == "{{ rubric }}\n\n# Rules\n\n- Be strict.\n"
    assert with_rules(template, []) == template
