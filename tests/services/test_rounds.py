"""Rounds: every item and slot laid out once, and no way to set up one that cannot work."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import Project, Rater, User
from accounts.roles import Role
from annotation.models import (
    Assignment,
    Dataset,
    GuidelineVersion,
    Item,
    ReferenceLabel,
    Round,
    RoundItem,
)
from annotation.services import guidelines, rounds
from annotation.states import AssignmentState, Part, RoundState
from core import jobs
from core.errors import Conflict, DomainError, Invalid, NotReady
from core.models import AuditEvent, Job
from tests import builders
from tests.builders import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return builders.make_project()


@pytest.fixture
def lea(project: Project) -> User:
    return builders.join(project, builders.make_user(username="lea"), Role.LEAD)


@pytest.fixture
def raters(project: Project) -> list[Rater]:
    people = [builders.make_user(username=name) for name in ("ana", "ben", "cem")]
    return [builders.rater_of(project, builders.join(project, one, Role.RATER)) for one in people]


@pytest.fixture
def dataset(project: Project) -> Dataset:
    dataset = builders.make_dataset(project)
    for number in range(4):
        builders.make_item(dataset, external_id=f"i{number}", input=f"Question {number}")
    return dataset


@pytest.fixture
def version(project: Project) -> GuidelineVersion:
    return builders.make_guideline(project)


@pytest.fixture
def plan(
    project: Project, dataset: Dataset, version: GuidelineVersion, raters: list[Rater], lea: User
) -> dict[str, Any]:
    return {
        "project": project,
        "dataset": dataset,
        "version": version,
        "name": "Round 1",
        "raters": raters,
        "by": lea,
    }


def test_a_round_has_an_open_slot_for_each_item_and_rater_of_the_overlap(
    plan: dict[str, Any],
) -> None:
    round_ = rounds.create(**plan)

    assert round_.state == RoundState.DRAFT
    assert round_.round_items.count() == 4
    slots = Assignment.objects.filter(round=round_)
    assert set(slots.values_list("slot", flat=True)) == {0, 1, 2}
    assert slots.filter(state=AssignmentState.OPEN).count() == 12
    assert round_.round_raters.count() == 3
    assert AuditEvent.objects.get(verb="round.created").data["items"] == 4


def test_each_item_of_a_round_has_its_own_place_in_the_shuffle(plan: dict[str, Any]) -> None:
    round_ = rounds.create(**plan)

    places = list(round_.round_items.values_list("shuffle", flat=True))
    assert len(set(places)) == 4
    assert all(0 <= place < 2**63 for place in places)


def test_withdrawn_hidden_and_textless_items_are_left_out(
    plan: dict[str, Any], dataset: Dataset
) -> None:
    Item.objects.filter(external_id="i0").update(withdrawn_at=NOON)
    builders.hide_in_import(Item.objects.get(external_id="i1"))
    Item.objects.filter(external_id="i2").update(content=None)

    round_ = rounds.create(**plan)

    assert [one.item.external_id for one in round_.round_items.select_related("item")] == ["i3"]


def test_the_same_seed_draws_the_same_sample(plan: dict[str, Any]) -> None:
    first = rounds.create(**plan, sample=2, seed="a")
    second = rounds.create(**(plan | {"name": "Round 2"}), sample=2, seed="a")

    drawn = [set(r.round_items.values_list("item_id", flat=True)) for r in (first, second)]
    assert len(drawn[0]) == 2
    assert drawn[0] == drawn[1]


def test_a_round_may_take_one_part_of_the_dataset(plan: dict[str, Any]) -> None:
    Item.objects.filter(external_id__in=["i0", "i1"]).update(part=Part.SEALED)

    round_ = rounds.create(**plan, parts=[Part.DEVELOPMENT])

    taken = RoundItem.objects.filter(round=round_).values_list("item__external_id", flat=True)
    assert set(taken) == {"i2", "i3"}


def test_an_overlap_above_the_number_of_raters_is_refused(plan: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refusal:
        rounds.create(**plan, overlap=4)

    assert refusal.value.code == "overlap"
    assert not Round.objects.exists()


def test_an_empty_dataset_is_refused(plan: dict[str, Any], project: Project) -> None:
    with pytest.raises(Invalid) as refusal:
        rounds.create(**(plan | {"dataset": builders.make_dataset(project, name="empty")}))

    assert refusal.value.code == "no_items"


def test_a_pairwise_guideline_refuses_single_items(plan: dict[str, Any], project: Project) -> None:
    pairwise = builders.make_guideline(project, name="Which", pairwise=True)

    with pytest.raises(Invalid) as refusal:
        rounds.create(**(plan | {"version": pairwise}))

    assert refusal.value.code == "items_not_pairs"


def test_a_guideline_for_single_responses_refuses_pairs(
    plan: dict[str, Any], project: Project
) -> None:
    pairs = builders.make_dataset(project, name="pairs")
    builders.make_pair(pairs)

    with pytest.raises(Invalid) as refusal:
        rounds.create(**(plan | {"dataset": pairs}))

    assert refusal.value.code == "items_are_pairs"


def test_a_draft_of_a_guideline_is_refused(plan: dict[str, Any], project: Project) -> None:
    draft = builders.make_guideline(project, name="Draft", publish=False)

    with pytest.raises(NotReady) as refusal:
        rounds.create(**(plan | {"version": draft}))

    assert refusal.value.code == "guideline_not_published"


def test_a_round_with_nothing_left_to_rate_does_not_open(plan: dict[str, Any], lea: User) -> None:
    round_ = rounds.create(**plan)
    RoundItem.objects.filter(round=round_).update(is_full=True)

    with pytest.raises(NotReady) as refusal:
        rounds.open_round(round_id=round_.pk, by=lea, now=NOON)

    assert refusal.value.code == "nothing_to_rate"


def test_a_rater_of_another_project_is_refused(plan: dict[str, Any]) -> None:
    other = builders.make_project(slug="other")
    stranger = builders.rater_of(other, builders.make_user(username="olu"))

    with pytest.raises(Invalid) as refusal:
        rounds.create(**(plan | {"raters": [*plan["raters"], stranger]}))

    assert refusal.value.code == "other_project"


def test_the_name_of_a_round_is_taken_once_in_a_project(plan: dict[str, Any]) -> None:
    rounds.create(**plan)

    with pytest.raises(Conflict) as refusal:
        rounds.create(**plan)

    assert refusal.value.code == "round_name_taken"


def test_a_round_opens_pauses_resumes_and_closes(plan: dict[str, Any], lea: User) -> None:
    round_ = rounds.create(**plan)

    assert rounds.open_round(round_id=round_.pk, by=lea, now=NOON).opened_at == NOON
    assert rounds.pause(round_id=round_.pk, by=lea).state == RoundState.PAUSED
    assert rounds.resume(round_id=round_.pk, by=lea).state == RoundState.OPEN
    assert rounds.close(round_id=round_.pk, by=lea, now=NOON).closed_at == NOON
    verbs = AuditEvent.objects.filter(object_type="round").values_list("verb", flat=True)
    assert set(verbs) == {
        f"round.{v}" for v in ("created", "opened", "paused", "resumed", "closed")
    }


def test_a_closed_round_does_not_open_again(plan: dict[str, Any], lea: User) -> None:
    round_ = rounds.create(**plan)
    rounds.close(round_id=round_.pk, by=lea, now=NOON)

    with pytest.raises(Conflict):
        rounds.open_round(round_id=round_.pk, by=lea, now=NOON)


def test_a_paused_round_does_not_resume_by_a_guideline_that_was_replaced(
    plan: dict[str, Any], version: GuidelineVersion, lea: User
) -> None:
    round_ = rounds.create(**plan)
    version.state = "superseded"
    version.save(update_fields=["state"])

    with pytest.raises(DomainError) as refusal:
        rounds.open_round(round_id=round_.pk, by=lea, now=NOON)

    assert refusal.value.code == "guideline_not_in_force"


def test_raters_join_an_open_round_once(plan: dict[str, Any], project: Project, lea: User) -> None:
    round_ = rounds.create(**plan)
    late = builders.rater_of(project, builders.make_user(username="dora"))

    assert rounds.add_raters(round_id=round_.pk, raters=[late], by=lea) == 1
    assert rounds.add_raters(round_id=round_.pk, raters=[late], by=lea) == 0


def test_nobody_joins_a_closed_round(plan: dict[str, Any], project: Project, lea: User) -> None:
    round_ = rounds.create(**plan)
    rounds.close(round_id=round_.pk, by=lea, now=NOON)
    late = builders.rater_of(project, builders.make_user(username="dora"))

    with pytest.raises(Conflict):
        rounds.add_raters(round_id=round_.pk, raters=[late], by=lea)


def test_a_draft_round_takes_the_new_major_version(
    plan: dict[str, Any], version: GuidelineVersion, lea: User
) -> None:
    round_ = rounds.create(**plan)
    draft = guidelines.new_draft(guideline=version.guideline, by=lea)
    GuidelineVersion.objects.filter(pk=draft.pk).update(what_changed="All of it.")

    after = guidelines.publish(version_id=draft.pk, is_major=True, by=lea, now=NOON)

    round_.refresh_from_db()
    assert round_.guideline_version_id == after.pk


def test_setting_up_a_round_costs_the_same_few_queries_for_many_items(
    plan: dict[str, Any], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(100):
        builders.make_item(plan["dataset"], external_id=f"more{number}", input=f"Q {number}")

    with django_assert_max_num_queries(16):
        rounds.create(**plan)


def test_a_closed_round_leaves_a_label_for_items_that_not_everybody_rated(
    project: Project,
) -> None:
    """The job of the end also mends what a crash between answer and label left behind."""
    people = [builders.make_user(username=name) for name in ("xa", "xb", "xc")]
    raters = [builders.rater_of(project, builders.join(project, one, Role.RATER)) for one in people]
    dataset = builders.make_dataset(project, name="half rated")
    item = builders.make_item(dataset, external_id="half")
    version = builders.make_guideline(project, name="Half", keys=("accuracy",))
    round_ = builders.make_round(dataset, version, items=[item], raters=raters, name="Half")
    for rater in raters[:2]:
        builders.make_rating(round_, item, rater, labels={"accuracy": "4"})
    RoundItem.objects.filter(round=round_).update(taken=2)
    lead = builders.join(project, builders.make_user(username="xlead"), Role.LEAD)
    rounds.close(round_id=round_.pk, by=lead, now=NOON)
    job = Job.objects.get(kind=rounds.REFERENCE_JOB)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.result == {"labels": 1}
    assert ReferenceLabel.objects.get(item=item).label == "pass"
