"""PandaLM's 999 pairs, three raters and the recorded GPT-3.5 judge, as the reference states them.

Values: statistics reference, section 12 (cross-checked with R and two Python implementations).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from measurement.agreement import AgreementSummary, summarise
from measurement.alignment import Alignment, align
from measurement.reference import Method, reference
from measurement.scale import Scale
from measurement.table import RatingTable
from measurement.verdicts import Call, JudgeTable
from tests.unit.measurement.builders import shows

pytestmark = pytest.mark.reference_data

PEOPLE = {0: "tie", 1: "A", 2: "B"}
GPT = {"1": "A", "2": "B", "Tie": "tie"}
LENGTH: dict[str, Any] = json.loads(
    (Path(__file__).parent / "statistics.json").read_text(encoding="utf-8")
)["pandalm_length"]
RATERS = ("annotator1", "annotator2", "annotator3")


def records(shared_data: Path, name: str) -> list[dict[str, Any]]:
    text = (shared_data / "pandalm" / name).read_text(encoding="utf-8")
    loaded: list[dict[str, Any]] = json.loads(text)
    return loaded


def people(shared_data: Path, *, by_cluster: bool, systems: str = "") -> RatingTable:
    return RatingTable.build(
        (row["idx"], rater, PEOPLE[row[rater]], row["instruction"] if by_cluster else None)
        for row in records(shared_data, "testset-v1.json")
        for rater in RATERS
        if systems in ("", row["cmp_key"])
    )


def lengths_of(shared_data: Path) -> dict[str, tuple[float, float]]:
    return {
        str(row["idx"]): (float(_length(row["response1"])), float(_length(row["response2"])))
        for row in records(shared_data, "testset-v1.json")
    }


def judge(shared_data: Path, name: str, key: str, codes: dict[Any, str]) -> JudgeTable:
    rows = [
        Call(
            str(row["idx"]),
            codes.get(row[key]),
            outcome="ok" if row[key] in codes else "invalid",
        )
        for row in records(shared_data, name)
    ]
    return JudgeTable.build(rows, scale=Scale.pairwise())


@pytest.fixture(scope="module")
def independent(shared_data: Path) -> AgreementSummary:
    return summarise(people(shared_data, by_cluster=False))


@pytest.fixture(scope="module")
def clustered(shared_data: Path) -> AgreementSummary:
    return summarise(people(shared_data, by_cluster=True))


@pytest.fixture(scope="module")
def gpt(shared_data: Path) -> Alignment:
    table = judge(shared_data, "gpt-3.5-turbo-testset-v1.json", "gpt_result", GPT)
    return align(people(shared_data, by_cluster=True), table, scale=Scale.pairwise(), one_shot=True)


def test_percentages_of_the_three_raters(independent: AgreementSummary) -> None:
    assert independent.percent_agreement.value == pytest.approx(2757 / 2997)
    assert independent.percent_agreement.n == 2997
    assert independent.all_agree.value == pytest.approx(879 / 999)


def test_coefficients_of_the_three_raters(independent: AgreementSummary) -> None:
    kappas = [pair.estimate.value for pair in independent.kappa]
    assert kappas == pytest.approx([0.8520226785, 0.8789438113, 0.8616614541], abs=1e-10)
    assert independent.fleiss.value == pytest.approx(0.8641753650, abs=1e-10)
    assert independent.alpha.value == pytest.approx(0.8642206852, abs=1e-10)
    assert independent.ac1.value == pytest.approx(0.8864447080, abs=1e-10)


def test_three_good_raters_need_no_model_of_their_errors(shared_data: Path) -> None:
    table = people(shared_data, by_cluster=False)
    methods: tuple[Method, Method] = ("plurality", "dawid_skene")
    counted, modelled = (
        reference(table, scale=Scale.pairwise(), method=method) for method in methods
    )
    assert (counted.labels >= 0).all()
    assert (counted.labels != modelled.labels).sum() == 0


def test_the_interval_of_alpha_with_and_without_clusters(
    independent: AgreementSummary, clustered: AgreementSummary
) -> None:
    alone, together = independent.alpha.interval, clustered.alpha.interval
    assert alone is not None
    assert together is not None
    assert (alone.low, alone.high) == pytest.approx((0.841, 0.886), abs=0.004)
    assert (together.low, together.high) == pytest.approx((0.826, 0.899), abs=0.006)


def test_the_judge_against_the_majority(gpt: Alignment) -> None:
    assert gpt.all_labels.value == pytest.approx(697 / 999)
    assert gpt.outcomes == {"ok": 974, "invalid": 25}
    without_judge_ties = 692 / sum(
        gpt.confusion.counts[row][column] for row in (0, 2) for column in (0, 2)
    )
    assert without_judge_ties == pytest.approx(692 / 849)


def test_s1_and_s2_drop_the_unparseable_verdicts(gpt: Alignment) -> None:
    assert shows(gpt.s1, 2064, 2922)
    assert shows(gpt.s2, 2047, 2539)


def test_the_gates_statistic_keeps_the_judges_own_ties(gpt: Alignment) -> None:
    assert shows(gpt.agreement, 692, 894)
    assert gpt.facts.clusters == 158
    assert gpt.gate.decision == "fail"


def test_the_bound_at_one_shot(gpt: Alignment) -> None:
    assert gpt.level == 0.05
    assert gpt.n_eff == pytest.approx(434.694747, abs=1e-6)
    assert gpt.lower_bound == pytest.approx(0.738562176, abs=1e-9)


def test_the_bound_at_the_first_look(shared_data: Path) -> None:
    table = judge(shared_data, "gpt-3.5-turbo-testset-v1.json", "gpt_result", GPT)
    found = align(people(shared_data, by_cluster=True), table, scale=Scale.pairwise(), look=1)
    assert found.level == 0.025
    assert found.n_eff == pytest.approx(433.391279, abs=1e-6)
    assert found.lower_bound == pytest.approx(0.731720986, abs=1e-9)


def test_the_alternative_annotator_test(gpt: Alignment) -> None:
    assert gpt.alt_test.omega == 0
    assert gpt.alt_test.rho == pytest.approx(0.7580424367, abs=1e-10)
    assert gpt.alt_test.strict_rho is not None
    assert gpt.alt_test.strict_rho < 0.7580424367


def test_the_second_judge_against_the_majority(shared_data: Path) -> None:
    table = judge(shared_data, "pandalm-7b-testset-v1.json", "pandalm_result", PEOPLE)
    found = align(people(shared_data, by_cluster=False), table, scale=Scale.pairwise())
    assert found.all_labels.value == pytest.approx(667 / 999)
    counts = found.confusion.counts
    decided = sum(counts[row][column] for row in (0, 2) for column in (0, 2))
    assert (counts[0][0] + counts[2][2], decided) == (635, 819)


def test_the_longer_response_is_a_baseline_that_the_judge_clears(shared_data: Path) -> None:
    found = with_lengths(shared_data)
    longer = next(baseline for baseline in found.baselines if baseline.name == "longer_response")
    # 599 of the 887 decided pairs of different length go to the longer response.
    assert longer.agreement.value == pytest.approx(599 / 894)
    assert longer.is_cleared


def with_lengths(shared_data: Path, *, systems: str = "") -> Alignment:
    return align(
        people(shared_data, by_cluster=True, systems=systems),
        judge(shared_data, "gpt-3.5-turbo-testset-v1.json", "gpt_result", GPT),
        scale=Scale.pairwise(),
        lengths=lengths_of(shared_data),
    )


def test_people_prefer_the_longer_response_more_often_than_the_judge(shared_data: Path) -> None:
    found = with_lengths(shared_data).length
    assert found is not None
    assert shows(found.people_longer, *LENGTH["longer"]["people"])
    assert shows(found.judge_longer, *LENGTH["longer"]["judge"])
    assert found.difference.interval is not None
    assert found.difference.interval.high < 0


def test_the_length_model_of_two_systems_side_by_side(shared_data: Path) -> None:
    found = with_lengths(shared_data, systems=LENGTH["pair"]).length
    assert found is not None
    assert found.pairs == LENGTH["pairs"]
    assert found.sd == pytest.approx(LENGTH["sd"], abs=1e-9)
    for model, expected in ((found.judge, LENGTH["judge"]), (found.people, LENGTH["people"])):
        for name in ("intercept", "slope", "raw", "length_controlled"):
            estimate = getattr(model, name)
            assert estimate.n == expected["n"]
            assert estimate.value == pytest.approx(expected[name], abs=1e-7)


def test_knowing_the_human_label_leaves_the_judge_no_slope_that_is_told_from_none(
    shared_data: Path,
) -> None:
    found = with_lengths(shared_data).length
    assert found is not None
    own, judge_slope = found.judge_own_slope, found.judge.slope
    assert own.value is not None
    assert judge_slope.value is not None
    assert own.interval is not None
    assert own.value < judge_slope.value
    assert own.interval.low < 0 < own.interval.high


def _length(response: object) -> int:
    return 4 if response is True else len(str(response))
