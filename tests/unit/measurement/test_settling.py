"""How many labels are still needed: the reference's planned sizes, and what the answer rests on."""

from __future__ import annotations

import pytest

from measurement import planning, settling
from measurement.alignment import Alignment, align
from measurement.estimate import Estimate
from measurement.gate import Facts, GateDecision, GateRule
from measurement.intervals import wilson
from measurement.scale import Scale
from measurement.settling import Attempt, Needed, needed, next_attempt
from measurement.table import RatingTable, Vote
from measurement.verdicts import Call, JudgeTable

RULE = GateRule()
ONE_SHOT = Attempt(0.05)


def facts(decided: int, **changed: object) -> Facts:
    known: dict[str, object] = {
        "decided": decided,
        "clusters": decided,
        "contested": 0,
        "asked": decided,
        "per_label": {"A": decided // 2, "B": decided - decided // 2},
        "is_two_label": True,
    }
    return Facts(**{**known, **changed})  # type: ignore[arg-type]


def ask(hits: int, n: int, *failed: str, **changed: object) -> Needed:
    """What is needed after so many hits, at one shot."""
    return needed(
        GateDecision("fail", (), "", failed or ("lower bound",)),
        facts(n, **changed),
        RULE,
        ONE_SHOT,
        agreement=Estimate(hits / n, n, wilson(hits, n)),
    )


@pytest.mark.parametrize(("share", "items"), [(0.85, 398), (0.86, 271)])
def test_items_for_a_pass_in_four_of_five_tries_are_those_of_the_reference(
    share: float, items: int
) -> None:
    """Statistics reference, section 5: 80 % power, exact and safe against the sawtooth."""
    assert ask(round(share * 200), 200).items == items


def test_never_fewer_than_the_rule_asks_for() -> None:
    """A judge at 90 % would do with 94; the gate asks for 200."""
    assert ask(90, 100).items == RULE.least_items


def test_the_ends_are_those_of_the_agreements_interval() -> None:
    found = ask(340, 400)
    ends = wilson(340, 400)
    assert found.low == max(200, planning.gate_items(true=ends.high, target=0.8, level=0.05))
    assert found.high == planning.gate_items(true=ends.low, target=0.8, level=0.05)
    assert found.low < (found.items or 0) < (found.high or 0)


def test_an_end_at_the_target_or_below_has_no_number() -> None:
    found = ask(166, 200)
    assert found.items is not None
    assert found.high is None


def test_a_judge_at_the_target_or_below_is_not_helped_by_labels() -> None:
    found = ask(160, 200)
    assert (found.items, found.undefined_because) == (None, settling.NOT_ABOVE)
    assert found.low is not None


def test_items_that_hang_together_are_worth_less() -> None:
    share = Estimate(0.85, 400, wilson(340, 400))
    decision = GateDecision("fail", (), "", ("lower bound",))
    found = needed(decision, facts(400), RULE, ONE_SHOT, agreement=share, n_eff=100.0)
    assert found.items == 4 * 398


def test_a_rare_label_asks_for_as_many_items_as_bring_thirty_of_it() -> None:
    assert ask(270, 300, per_label={"A": 288, "B": 12}).items == 750
    nothing = ask(270, 300, per_label={"A": 300, "B": 0})
    assert (nothing.items, "label B" in nothing.undefined_because) == (None, True)


def test_few_prompts_ask_for_items_of_others() -> None:
    assert ask(270, 300, clusters=40).items == 750


def test_labels_that_must_be_caught_count_where_there_are_more_than_two() -> None:
    rule = GateRule(must_catch=("unsafe",))
    found = needed(
        GateDecision("insufficient", (), "", ("reference items unsafe",)),
        facts(300, is_two_label=False, per_label={"safe": 200, "odd": 90, "unsafe": 10}),
        rule,
        ONE_SHOT,
        agreement=Estimate(0.9, 300, wilson(270, 300)),
    )
    assert found.items == 900


def test_what_fails_beside_the_number_is_named() -> None:
    found = ask(190, 200, "lower bound", "alpha", "recall of B, lower bound", "decided items")
    assert found.guards == ("alpha", "recall of B, lower bound")


def test_nothing_more_is_needed_after_a_pass() -> None:
    found = needed(
        GateDecision("pass", (), ""), facts(300), RULE, ONE_SHOT, agreement=Estimate(0.9, 300)
    )
    assert (found.items, found.now) == (300, 300)


@pytest.mark.parametrize(
    ("decision", "changed", "because"),
    [
        ("insufficient", {"needs_cut": True}, settling.CUT),
        ("insufficient", {"contested": 100}, settling.CONTESTED),
        ("unattainable", {}, settling.OUT_OF_REACH),
    ],
)
def test_where_no_number_helps_the_reason_is_said(
    decision: str, changed: dict[str, object], because: str
) -> None:
    found = needed(
        GateDecision(decision, (), ""),  # type: ignore[arg-type]
        facts(300, **changed),
        RULE,
        ONE_SHOT,
        agreement=Estimate(0.9, 300, wilson(270, 300)),
    )
    assert (found.items, found.undefined_because) == (None, because)


@pytest.mark.parametrize(
    ("look", "one_shot", "level", "spare"),
    [(1, False, 0.0125, 1), (2, False, 0.00625, 1), (3, False, 0.025, 0), (1, True, 0.05, 0)],
)
def test_the_next_attempt_is_the_next_look_or_the_first_of_a_fresh_set(
    *, look: int, one_shot: bool, level: float, spare: int
) -> None:
    assert next_attempt(RULE, look=look, one_shot=one_shot) == Attempt(level, spare)


def looked(*, misses_apart: bool) -> Alignment:
    """A look at 240 items in clusters of two with 48 misses, two in a cluster or one in each."""
    items = [f"{n:03}" for n in range(240)]
    wrong = {n for n in range(240) if (n % 5 == 0 if misses_apart else n % 10 < 2)}
    label = ["yes" if n % 3 else "no" for n in range(240)]
    people = RatingTable.build(
        Vote(item, rater, label[n], cluster=f"c{n // 2}")
        for n, item in enumerate(items)
        for rater in "abc"
    )
    other = {"yes": "no", "no": "yes"}
    said = [other[one] if n in wrong else one for n, one in enumerate(label)]
    scale = Scale(("no", "yes"))
    judge = JudgeTable.build(
        [Call(item, one) for item, one in zip(items, said, strict=True)], scale=scale
    )
    return align(people, judge, scale=scale, rule=GateRule(target=0.78))


def test_after_a_sealed_look_the_answer_says_no_more_than_the_count() -> None:
    """Two looks with the same count and other clusters of misses: other bounds, one answer."""
    one, other = looked(misses_apart=True), looked(misses_apart=False)
    assert one.agreement.value == other.agreement.value == 0.8
    assert one.lower_bound != other.lower_bound
    assert one.needed == other.needed
    assert one.needed.items is not None
