"""Versions of a judge side by side on the development part."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.roles import Role
from annotation.models import ReferenceLabel, Response
from calibration.queries import versions
from calibration.services import reports
from judges.models import Call, JudgeLabel, Verdict
from judges.states import CallState
from tests import builders, judging, tuning
from tests.builders import NOON
from tests.tuning import SEALED_MARK, Tuning

pytestmark = pytest.mark.django_db


@pytest.fixture
def tuned() -> Tuning:
    lea = builders.make_user(username="lea")
    made = tuning.make_tuning(misses=9, hits=11, lead=lea)
    builders.join(made.scene.project, lea, Role.LEAD)
    return made


@pytest.fixture
def lead(tuned: Tuning) -> Client:
    client = Client()
    client.force_login(tuned.lead)
    return client


def address(tuned: Tuning) -> str:
    return reverse("judge_compare", args=["support", tuned.scene.judge.pk])


def test_the_difference_to_the_first_is_paired_and_the_lever_named(
    tuned: Tuning, lead: Client
) -> None:
    better = judging.make_version(tuned.scene.judge, tuned.scene.guideline, samples=3)
    labels = {item: "A" if place > 1 else "B" for place, item in enumerate(tuned.items)}
    tuning.make_combined(better, labels)
    rows = versions.side_by_side(
        tuned.scene.judge, dimension="preference", first_id=None, user_id=tuned.lead.pk
    )
    assert [row.version for row in rows] == [better, tuned.version]
    difference = rows[0].difference
    assert difference is not None
    assert difference.n == 20
    assert difference.value == pytest.approx(7 / 20)
    assert difference.interval is not None
    assert difference.interval.low > 0
    assert rows[0].levers == ["samples for each item"]
    assert rows[1].difference is None
    page = lead.get(address(tuned)).content.decode()
    assert "samples for each item" in page
    assert "0.350" in page
    turned = lead.get(f"{address(tuned)}?first={better.pk}").content.decode()
    assert "−0.350" in turned
    assert (
        address(tuned)
        in lead.get(reverse("judge", args=["support", tuned.scene.judge.pk])).content.decode()
    )


def test_what_people_call_a_tie_is_left_out_also_where_the_texts_are_not_known(
    tuned: Tuning,
) -> None:
    Response.objects.all().delete()
    ties = [item.pk for item in tuned.items[:4]]
    ReferenceLabel.objects.filter(item__in=ties).update(label="tie")
    better = judging.make_version(tuned.scene.judge, tuned.scene.guideline, samples=3)
    tuning.make_combined(better, dict.fromkeys(tuned.items, "A"))
    rows = versions.side_by_side(
        tuned.scene.judge, dimension="preference", first_id=None, user_id=tuned.lead.pk
    )
    assert rows[0].difference is not None
    assert rows[0].difference.n == 16
    assert rows[0].difference.value == pytest.approx(5 / 16)


def test_an_item_without_a_verdict_is_a_miss(tuned: Tuning) -> None:
    other = judging.make_version(tuned.scene.judge, tuned.scene.guideline, samples=3)
    run = tuning.make_combined(other, dict.fromkeys(tuned.items, "A"))
    JudgeLabel.objects.filter(run=run, item__in=tuned.items[:12]).update(label="", outcome="failed")
    rows = versions.side_by_side(
        tuned.scene.judge, dimension="preference", first_id=None, user_id=tuned.lead.pk
    )
    assert rows[0].difference is not None
    assert rows[0].difference.value == pytest.approx((8 - 11) / 20)


def test_the_agreement_is_that_of_the_report(tuned: Tuning, lead: Client) -> None:
    assert "not made yet" in lead.get(address(tuned)).content.decode()
    reports.make(run_id=tuned.run.pk, now=NOON)
    (row,) = versions.side_by_side(
        tuned.scene.judge, dimension="preference", first_id=None, user_id=tuned.lead.pk
    )
    assert row.agreement.undefined_because != versions.NO_REPORT
    assert row.flips.undefined_because == "no pair has a verdict in both orders"


def test_flips_have_an_interval_and_stand_where_pairs_are_judged(
    tuned: Tuning, lead: Client
) -> None:
    for place, item in enumerate(tuned.items):
        call = Call.objects.create(
            run=tuned.run, item=item, order="BA", state=CallState.FINISHED, outcome="ok",
            finished_at=NOON,
        )  # fmt: skip
        said = Verdict.objects.get(call__run=tuned.run, call__item=item).label
        turned = {"A": "B", "B": "A"}[said] if place < 5 else said
        Verdict.objects.create(call=call, dimension_key="preference", label=turned)
    reports.make(run_id=tuned.run.pk, now=NOON)
    (row,) = versions.side_by_side(
        tuned.scene.judge, dimension="preference", first_id=None, user_id=tuned.lead.pk
    )
    assert row.flips.value == pytest.approx(5 / 20)
    assert row.flips.n == 20
    assert row.flips.interval is not None
    assert row.flips.interval.low < 0.25 < row.flips.interval.high
    assert "0.250" in lead.get(address(tuned)).content.decode()
    guideline = builders.make_guideline(tuned.scene.project, name="Rubric", keys=("accuracy",))
    judge = judging.make_judge(tuned.scene.project, guideline, name="Points")
    version = judging.make_version(judge, guideline)
    single = builders.make_item(tuned.scene.dataset, external_id="one")
    tuning.make_combined(version, {single: "4"}, key="accuracy")
    points = lead.get(reverse("judge_compare", args=["support", judge.pk])).content.decode()
    assert "Versions side by side" in points
    assert "flips" not in points


def test_runs_without_a_common_item_have_no_difference(tuned: Tuning) -> None:
    other = judging.make_version(tuned.scene.judge, tuned.scene.guideline, samples=3)
    item = builders.make_pair(tuned.scene.dataset, external_id="another")
    tuning.label_people(item, tuned.scene.guideline, "A")
    tuning.make_combined(other, {item: "A"})
    rows = versions.side_by_side(
        tuned.scene.judge, dimension="preference", first_id=None, user_id=tuned.lead.pk
    )
    assert rows[0].difference is not None
    assert rows[0].difference.undefined_because == versions.NO_COMMON


def test_sealed_items_count_nowhere(tuned: Tuning, lead: Client) -> None:
    better = judging.make_version(tuned.scene.judge, tuned.scene.guideline, samples=3)
    tuning.make_combined(better, dict.fromkeys(tuned.items, "A"))
    before = lead.get(address(tuned)).content.decode()
    tuning.seal_beside(tuned)
    after = lead.get(address(tuned)).content.decode()
    assert SEALED_MARK not in after
    assert before.split("<table")[1] == after.split("<table")[1]


def test_without_a_run_the_page_says_what_to_do(tuned: Tuning, lead: Client) -> None:
    judge = judging.make_judge(tuned.scene.project, tuned.scene.guideline, name="New")
    judging.make_version(judge, tuned.scene.guideline)
    page = lead.get(reverse("judge_compare", args=["support", judge.pk]))
    assert "Nothing to compare yet" in page.content.decode()
    empty = judging.make_judge(tuned.scene.project, tuned.scene.guideline, name="Empty")
    assert lead.get(reverse("judge_compare", args=["support", empty.pk])).status_code == 200


def test_each_version_costs_a_bounded_number_of_queries(
    tuned: Tuning, lead: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for samples in (2, 3, 4):
        version = judging.make_version(tuned.scene.judge, tuned.scene.guideline, samples=samples)
        tuning.make_combined(version, dict.fromkeys(tuned.items, "A"))
    with django_assert_max_num_queries(30 + 4 * 8):
        lead.get(address(tuned))
