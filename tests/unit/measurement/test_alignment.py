from __future__ import annotations

import json

import pytest

from measurement.alignment import align, human_labels, readiness
from measurement.gate import GateRule
from measurement.scale import OutsideScale, Scale, TableError
from measurement.table import RatingTable
from measurement.verdicts import Call, JudgeTable
from tests.unit.measurement.builders import aligned, judge_of, shows, table_of

POINTS = Scale.parse("1-5", cut="4")
PAIR = Scale.pairwise()
NA = "not_applicable"

# Two items for A, one for B, a tie of people, and one without a consensus.
VOTES = {"a1": "AAA", "a2": "AAB", "b1": "BBB", "t1": ["tie", "tie", "A"], "c1": ["A", "B", "tie"]}
VERDICTS = {"a1": "A", "a2": "tie", "b1": "B", "t1": "tie", "c1": "A"}


def test_people_ties_and_contested_items_are_outside_the_denominator() -> None:
    found = aligned(VOTES, VERDICTS)
    assert (found.items, found.decided, found.contested) == (5, 4, 1)
    assert shows(found.agreement, 2, 3)
    assert shows(found.all_labels, 3, 4)


def test_contested_items_are_shown_as_misses_too() -> None:
    found = aligned(VOTES, VERDICTS).contested_as_misses
    assert shows(found, 2, 4)


@pytest.mark.parametrize("verdict", ["tie", "B", "!invalid", "!refused", NA])
def test_whatever_the_judge_does_the_denominator_stays(verdict: str) -> None:
    found = aligned(VOTES, {**VERDICTS, "a1": verdict}).agreement
    assert shows(found, 1, 3)


def test_an_item_without_any_verdict_is_a_miss_and_counted_as_missing() -> None:
    verdicts = {item: label for item, label in VERDICTS.items() if item != "a1"}
    found = aligned(VOTES, verdicts)
    assert shows(found.agreement, 1, 3)
    assert found.outcomes == {"ok": 4, "missing": 1}


def test_per_vote_figures_drop_missing_verdicts_and_s2_drops_ties() -> None:
    found = aligned(VOTES, {**VERDICTS, "c1": "!invalid"})
    # a1 A: 3 of 3; a2 tie: 0 of 3; b1 B: 3 of 3; t1 tie: 2 of 3; c1 has no verdict.
    assert found.s1 is not None
    assert found.s2 is not None
    assert shows(found.s1, 8, 12)
    # Ties of the judge leave a1 and b1.
    assert (found.s2.value, found.s2.n) == (1.0, 6)
    assert found.per_vote.n == 12


def test_confusion_has_people_in_rows_and_keeps_missing_verdicts_apart() -> None:
    found = aligned(VOTES, {**VERDICTS, "b1": "!failed"}).confusion
    assert found.labels == ("A", "tie", "B")
    assert found.counts == ((1, 1, 0), (0, 1, 0), (0, 0, 0))
    assert found.no_verdict == (0, 0, 1)


def test_recall_of_a_label_that_people_never_gave_is_undefined() -> None:
    found = aligned({"i": "AAA"}, {"i": "A"}).recall
    assert found["A"].value == 1
    assert found["B"].undefined_because == "people gave no item the label B"


def test_leave_one_out_holds_people_and_judge_against_the_same_majorities() -> None:
    # The others have a majority for all three votes on i, and on j for the one vote B alone.
    found = aligned({"i": "AAA", "j": "AAB"}, {"i": "A", "j": "B"}).ceiling
    # rater0 and rater1: 1 of 1 each; rater2: 1 of 2 (the others say A on j).
    assert found.people.value == pytest.approx((1 + 1 + 0.5) / 3)
    # The judge: right on i, wrong on j where only rater2 is compared.
    assert found.judge_same_items.value == pytest.approx((1 + 1 + 0.5) / 3)
    assert found.difference.value == pytest.approx(0)
    assert found.people.n == 4


def test_a_missing_verdict_is_a_miss_under_the_ceiling_too() -> None:
    found = aligned({"i": "AAA"}, {"i": "!failed"}).ceiling
    assert (found.people.value, found.judge_same_items.value) == (1.0, 0.0)


def test_without_a_majority_of_others_there_is_no_ceiling() -> None:
    found = aligned({"i": "A"}, {"i": "A"})
    assert found.ceiling.people.undefined_because
    assert any(note.startswith("No human ceiling") for note in found.notes)


def test_bias_is_judge_minus_the_mean_of_people_in_points() -> None:
    found = aligned({"i": "445", "j": "222"}, {"i": "5", "j": "3"}, scale=POINTS)
    assert found.bias.value == pytest.approx(((5 - 13 / 3) + 1) / 2)
    assert found.evidence.bias == pytest.approx(((5 - 13 / 3) + 1) / 2 / 4)


def test_an_item_that_a_person_decided_without_a_vote_has_no_mean_and_no_bias() -> None:
    votes = {"i": "445", "j": "222", "k": [NA, NA, NA]}
    found = aligned(votes, {"i": "5", "j": "3", "k": "1"}, scale=POINTS, adjudicated={"k": "4"})
    assert (found.decided, found.agreement.n) == (3, 3)
    assert found.bias.n == 2
    assert found.bias.value == pytest.approx(((5 - 13 / 3) + 1) / 2)
    assert found.points is not None
    assert found.points.icc.n == 2


def test_labels_without_order_have_no_bias() -> None:
    assert "no order" in aligned(VOTES, VERDICTS).bias.undefined_because


def test_a_scale_is_tested_at_its_cut_and_shown_exactly_as_well() -> None:
    found = aligned({"i": "445", "j": "222"}, {"i": "5", "j": "2"}, scale=POINTS)
    assert found.agreement.value == 1
    assert found.all_labels.value == 0.5
    assert found.confusion.labels == ("fail", "pass")
    assert found.s1 is None


def test_the_commonest_label_is_a_baseline_with_a_paired_difference() -> None:
    votes = {f"{i}": "AAA" if i < 15 else "BBB" for i in range(20)}
    found = aligned(votes, {item: label[0] for item, label in votes.items()})
    (baseline,) = found.baselines
    assert baseline.agreement.value == 0.75
    assert baseline.difference.value == 0.25
    assert baseline.is_cleared


def test_a_judge_that_only_says_the_commonest_label_is_called_no_better() -> None:
    votes = {f"{i}": "AAA" if i < 15 else "BBB" for i in range(20)}
    found = aligned(votes, dict.fromkeys(votes, "A"))
    assert "No better than the baseline: commonest label." in found.notes


def test_the_longer_response_is_a_baseline_where_lengths_are_known() -> None:
    votes = {"i": "AAA", "j": "BBB", "k": "BBB", "l": "AAA"}
    lengths = {"i": (9.0, 3.0), "j": (9.0, 3.0), "k": (4.0, 4.0)}
    found = aligned(votes, {item: label[0] for item, label in votes.items()}, lengths=lengths)
    longer = {baseline.name: baseline for baseline in found.baselines}["longer_response"]
    assert shows(longer.agreement, 1, 3)


def test_other_predictions_are_baselines_as_well() -> None:
    found = aligned(
        {"i": "AAA", "j": "BBB"}, {"i": "A", "j": "B"}, predictions={"trained": {"i": "B"}}
    )
    trained = {baseline.name: baseline for baseline in found.baselines}["trained"]
    assert (trained.agreement.value, trained.difference.value) == (0.0, 1.0)


def ordered_judge() -> JudgeTable:
    rows = [
        Call("i", "A", "AB"),
        Call("i", "A", "BA"),
        Call("j", "A", "AB"),
        Call("j", "B", "BA"),
        Call("k", "tie", "AB"),
        Call("k", "tie", "BA"),
        Call("l", "B", "AB"),
        Call("l", None, "BA", outcome="invalid"),
    ]
    return JudgeTable.build(rows, scale=Scale.pairwise())


def test_order_figures_count_pairs_and_calls() -> None:
    people = table_of({"i": "AA", "j": "AA", "k": "AA", "l": "AA"})
    found = align(people, ordered_judge(), scale=Scale.pairwise()).order
    assert found is not None
    # i and k agree in both orders, j flips; l lacks an order.
    assert found.as_dict()["pairs"] == 3
    assert shows(found.consistent, 2, 3)
    # Winners: i A first, A second; j A first, B first; l B second. Ties have none.
    assert shows(found.first_shown, 3, 5)


def test_combined_labels_may_bring_their_calls_along() -> None:
    calls = ordered_judge().calls
    judge = JudgeTable.build([Call("i", "A")], scale=Scale.pairwise(), calls=calls)
    found = align(table_of({"i": "AA"}), judge, scale=Scale.pairwise())
    assert found.order is not None
    assert found.order.pairs == 3


def test_a_judge_without_orders_has_no_order_figures() -> None:
    assert aligned(VOTES, VERDICTS).order is None


def test_graded_preferences_are_compared_by_their_side() -> None:
    found = aligned({"i": ["A2", "A1", "B1"]}, {"i": "A1"}, scale=Scale.pairwise(is_graded=True))
    assert found.agreement.value == 1
    assert found.confusion.labels == ("A", "tie", "B")


def test_items_that_mostly_do_not_apply_are_counted_apart() -> None:
    found = aligned({"i": "AAA", "j": [NA, NA, "A"]}, {"i": "A", "j": "A"})
    assert (found.items, found.decided, found.not_applicable) == (2, 1, 1)
    assert found.facts.asked == 1


def test_a_decision_by_a_named_person_counts_and_is_counted() -> None:
    found = aligned(VOTES, VERDICTS, adjudicated={"c1": "A"})
    assert (found.decided, found.contested, found.adjudicated) == (5, 0, 1)
    assert found.agreement.n == 4


def test_a_real_look_counts_thin_items_as_contested() -> None:
    found = aligned({"i": "AAA", "j": "AA."}, {"i": "A", "j": "A"}, unrated=2)
    assert (found.items, found.decided, found.contested) == (4, 1, 3)
    assert found.fewer_than_three == 3
    assert found.contested_as_misses.value == 0.25


def test_a_dry_run_takes_two_labels_and_leaves_single_ones_out() -> None:
    votes = {"i": "AAA", "j": "AA.", "k": "A.."}
    found = aligned(votes, dict.fromkeys(votes, "A"), is_dry_run=True)
    assert (found.items, found.decided, found.fewer_than_three) == (2, 2, 1)
    assert found.gate.because.startswith("Dry run")


def test_a_dry_run_over_items_with_enough_labels_leaves_none_out() -> None:
    found = aligned({"i": "AA", "j": "BB"}, {"i": "A", "j": "B"}, is_dry_run=True)
    assert (found.items, found.decided) == (2, 2)


def test_what_is_missing_is_known_without_a_verdict() -> None:
    votes = {f"{i:03}": "AAA" for i in range(150)}
    found = readiness(table_of(votes), scale=Scale.pairwise())
    assert not found.is_sufficient
    assert "150 decided items, 200 needed" in found.because
    assert "0 reference items B, 30 needed" in found.because


def test_enough_labels_make_a_look_worth_it() -> None:
    votes = {f"{i:03}": "AAA" if i % 2 else "BBB" for i in range(200)}
    found = readiness(table_of(votes), scale=Scale.pairwise())
    assert found.is_sufficient
    assert all(check.passed for check in found.checks)


def test_a_scale_without_a_cut_is_told_to_declare_one() -> None:
    votes = {f"{i:03}": "444" if i % 2 else "222" for i in range(200)}
    found = readiness(table_of(votes), scale=Scale.parse("1-5"))
    assert "declare a cut" in found.because
    assert readiness(table_of(votes), scale=Scale.parse("1-5"), cut="4").is_sufficient


def perfect(n: int) -> tuple[dict[str, str], dict[str, str]]:
    votes = {f"{i:03}": "AAA" if i % 2 else "BBB" for i in range(n)}
    return votes, {item: label[0] for item, label in votes.items()}


def test_a_judge_that_is_always_right_passes() -> None:
    found = aligned(*perfect(200))
    assert found.gate.decision == "pass"
    assert found.lower_bound == pytest.approx(0.025 ** (1 / 200))


def test_a_judge_that_always_says_one_label_fails_on_its_recall() -> None:
    votes, _ = perfect(200)
    found = aligned(votes, dict.fromkeys(votes, "A"))
    assert found.gate.decision == "fail"
    assert "recall of B, lower bound" in found.gate.failed


def test_few_items_are_insufficient_whatever_the_judge_shows() -> None:
    assert aligned(*perfect(199)).gate.decision == "insufficient"


def test_the_look_sets_the_level_of_the_bound() -> None:
    levels = [aligned(*perfect(200), look=look).level for look in (1, 2, 3)]
    assert levels == [0.025, 0.0125, 0.00625]
    assert aligned(*perfect(200), one_shot=True).level == 0.05


def test_a_fourth_look_does_not_exist() -> None:
    with pytest.raises(TableError, match="looks 1 to 3"):
        aligned(*perfect(200), look=4)


def test_a_verdict_outside_the_scale_is_refused() -> None:
    judge = judge_of({"i": "C"}, scale=Scale.parse("A,B,C"))
    with pytest.raises(OutsideScale):
        align(table_of({"i": "AA"}), judge, scale=Scale.pairwise())


def test_the_policy_can_set_another_target() -> None:
    found = aligned(*perfect(200), rule=GateRule(target=0.99))
    assert found.gate.decision == "fail"


def test_human_labels_follow_the_same_rule() -> None:
    found = human_labels(table_of(VOTES), scale=Scale.pairwise())
    assert found.labels.tolist() == [0, 0, 2, -1, 1]


def test_the_alignment_has_the_documented_json_form() -> None:
    stored = aligned(VOTES, VERDICTS).as_dict()
    estimates = {
        "all_labels",
        "agreement",
        "contested_as_misses",
        "s1",
        "s2",
        "per_vote",
        "alpha",
        "kappa",
        "bias",
    }
    assert set(stored) >= estimates | {
        "items",
        "decided",
        "contested",
        "level",
        "n_eff",
        "lower_bound",
        "ceiling",
        "confusion",
        "recall",
        "baselines",
        "alt_test",
        "order",
        "outcomes",
        "gate",
    }
    for name in estimates:
        assert set(stored[name]) == {"value", "n", "interval", "undefined_because"}
    assert set(stored["ceiling"]) == {"people", "judge_same_items", "difference", "pairwise"}
    assert set(stored["gate"]) == {"decision", "checks", "because"}
    assert set(stored["alt_test"]) >= {"omega", "rho", "epsilon", "raters", "strict"}
    json.dumps(stored, allow_nan=False)


def test_a_judge_without_any_verdict_has_reasons_and_no_numbers_made_up() -> None:
    found = aligned(VOTES, dict.fromkeys(VOTES, "!failed"))
    assert (found.agreement.value, found.agreement.n) == (0.0, 3)
    for figure in (found.alpha, found.kappa, found.per_vote):
        assert figure.undefined_because
    assert found.alt_test.undefined_because
    json.dumps(found.as_dict(), allow_nan=False)


def test_no_decided_item_leaves_agreement_and_bound_undefined() -> None:
    found = aligned({"i": "AB"}, {"i": "A"})
    assert found.agreement.undefined_because == "no item has a decided human label"
    assert (found.lower_bound, found.n_eff) == (None, None)
    assert found.gate.decision == "insufficient"


def test_an_empty_table_is_answered_with_reasons() -> None:
    nothing = align(table_of({}), JudgeTable({}, {}), scale=Scale.seen([]))
    assert (nothing.items, nothing.gate.decision) == (0, "insufficient")
    assert nothing.agreement.undefined_because
    json.dumps(nothing.as_dict(), allow_nan=False)


def test_one_cluster_alone_has_a_ceiling_without_an_interval_of_the_difference() -> None:
    people = RatingTable.build(
        (item, rater, "A", "c") for item in ("i", "j") for rater in ("ana", "ben", "cem")
    )
    found = align(people, judge_of({"i": "A"}, scale=PAIR), scale=PAIR).ceiling
    assert found.difference.value == -0.5
    assert found.difference.interval is None
