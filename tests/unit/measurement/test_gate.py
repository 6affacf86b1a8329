from __future__ import annotations

import json

import pytest

from measurement import gate
from measurement.gate import GateRule, Recall, best_judge, decide, guards, why_insufficient
from measurement.scale import TableError
from tests.unit.measurement.builders import evidence_of, facts_of

RULE = GateRule()


def test_enough_labels_a_high_bound_and_all_guards_pass() -> None:
    found = decide(facts_of(), evidence_of(), RULE)
    assert (found.decision, found.failed) == ("pass", ())
    assert "every guard holds" in found.because


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"decided": 199}, "199 decided items, 200 needed"),
        ({"clusters": 99}, "99 clusters, 100 needed"),
        ({"contested": 52}, "of the items are contested"),
        ({"per_label": {"A": 471, "B": 29}}, "29 reference items B, 30 needed"),
        ({"needs_cut": True}, "declare a cut"),
        ({"is_two_label": False, "per_label": {"x": 500, "y": 0, "z": 0}}, "1 labels"),
    ],
)
def test_too_little_to_decide_comes_before_everything(
    changes: dict[str, object], sentence: str
) -> None:
    found = decide(facts_of(**changes), evidence_of(), RULE)
    assert found.decision == "insufficient"
    assert sentence in found.because
    assert why_insufficient(facts_of(**changes), RULE) == found.because


def test_ten_percent_contested_is_still_enough() -> None:
    assert why_insufficient(facts_of(contested=51), RULE) == ""


def test_more_than_two_labels_need_counts_only_where_the_policy_must_catch() -> None:
    facts = facts_of(is_two_label=False, per_label={"x": 480, "y": 15, "z": 5})
    assert why_insufficient(facts, RULE) == ""
    assert "15 reference items y" in why_insufficient(facts, GateRule(must_catch=("y",)))
    assert "0 reference items w" in why_insufficient(facts, GateRule(must_catch=("w",)))


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({"lower_bound": 0.8}, "lower bound"),
        ({"lower_bound": None}, "lower bound"),
        ({"recalls": (Recall("B", 40, 0.6, 0.5),)}, "recall of B, lower bound"),
        ({"alpha": 0.39}, "alpha"),
        ({"alpha": None}, "alpha"),
        ({"alpha_lower_bound": 0.2}, "alpha, lower bound"),
        ({"bias": 0.07}, "mean bias, share of the range"),
        ({"without_verdict": 0.021}, "without a verdict"),
    ],
)
def test_each_check_alone_can_fail_a_judge(changes: dict[str, object], failed: str) -> None:
    found = decide(facts_of(), evidence_of(**changes), RULE)
    assert (found.decision, found.failed) == ("fail", (failed,))


def test_a_rare_label_is_not_guarded() -> None:
    rare = evidence_of(recalls=(Recall("B", 19, 0.1, 0.0),))
    assert decide(facts_of(), rare, RULE).decision == "pass"


def test_more_labels_must_beat_chance_and_be_found_half_of_the_time() -> None:
    recalls = (Recall("x", 60, 0.45, 0.35), Recall("y", 60, 0.55, 0.20))
    checks = guards(evidence_of(labels=4, recalls=recalls), RULE)
    failed = [check.name for check in checks if not check.passed]
    assert failed == ["recall of x", "recall of y, lower bound"]


def test_labels_that_are_no_scale_have_no_bias_guard() -> None:
    assert not any("bias" in check.name for check in guards(evidence_of(bias=None), RULE))


def test_a_failure_is_called_unattainable_where_even_a_perfect_judge_would_fail() -> None:
    low = evidence_of(lower_bound=0.7, people_upper_bound=0.58)
    found = decide(facts_of(), low, RULE)
    assert found.decision == "unattainable"
    assert "even a judge that is always right" in found.because


def test_people_who_agree_enough_leave_a_failure_a_failure() -> None:
    low = evidence_of(lower_bound=0.7, people_upper_bound=0.60)
    assert decide(facts_of(), low, RULE).decision == "fail"


def test_disagreement_of_people_never_overrides_a_pass() -> None:
    assert decide(facts_of(), evidence_of(people_upper_bound=0.55), RULE).decision == "pass"


def test_a_target_that_was_shown_is_not_unattainable() -> None:
    silent = evidence_of(people_upper_bound=0.55, without_verdict=0.05)
    assert decide(facts_of(), silent, RULE).decision == "fail"


def test_pairwise_agreement_below_chance_is_read_as_chance() -> None:
    assert best_judge(0.3, 3) == pytest.approx(0.5)


def test_an_even_number_of_raters_decides_only_without_a_shared_first_place() -> None:
    # p = .9: both right .81, both wrong .01, else shared: .81 / .82.
    assert best_judge(0.82, 2) == pytest.approx(0.81 / 0.82)


def test_nobody_decides_nothing() -> None:
    assert best_judge(0.9, 0) == 0.5


def test_looks_halve_the_level_and_one_shot_has_all_of_it() -> None:
    assert [RULE.level_of(look=look, one_shot=False) for look in (1, 2, 3)] == [
        0.025,
        0.0125,
        0.00625,
    ]
    assert RULE.level_of(look=7, one_shot=True) == 0.05


@pytest.mark.parametrize("look", [0, 4])
def test_a_look_beyond_the_policy_is_refused(look: int) -> None:
    with pytest.raises(TableError):
        RULE.level_of(look=look, one_shot=False)


def test_rule_and_decision_can_be_stored() -> None:
    stored = json.loads(json.dumps(RULE.as_dict()))
    assert GateRule(**{**stored, "must_catch": tuple(stored["must_catch"])}) == RULE
    decision = decide(facts_of(), evidence_of(), RULE).as_dict()
    assert set(decision) == {"decision", "checks", "because"}
    assert set(decision["checks"][0]) == {"name", "measured", "limit", "passed"}


def test_nothing_asked_has_no_contested_share() -> None:
    assert facts_of(contested=0, asked=0).contested_share == 0


def test_only_looks_after_a_first_one_need_a_hit_to_spare() -> None:
    assert [RULE.spare_of(look=look, one_shot=False) for look in (1, 2, 3)] == [0, 1, 1]
    assert RULE.spare_of(look=1, one_shot=True) == 0


def test_a_bound_that_clears_the_target_by_one_item_fails_after_an_earlier_look() -> None:
    found = decide(facts_of(), evidence_of(lower_bound=0.801, spared_bound=0.799), RULE)
    assert (found.decision, found.failed) == ("fail", (gate.SPARED,))
