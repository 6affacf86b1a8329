"""A rater taken out of a round: with the answers kept, or with every slot open again."""

from __future__ import annotations

import pytest

from accounts.models import Rater
from annotation.models import (
    Assignment,
    Draft,
    Item,
    ReferenceLabel,
    RoundItem,
    RoundRater,
    SealedSet,
    Withdrawal,
)
from annotation.queries import health
from annotation.services import claim, rating, reference, removing, rounds, withdrawing
from annotation.states import AssignmentState, Part, ReferenceState
from core import jobs
from core.errors import Conflict, Invalid
from core.models import AuditEvent, Job
from tests import builders
from tests.builders import NOON
from tests.services.test_withdrawing import LABELS, LATER, Scene

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def keep(scene: Scene, rater: Rater) -> int:
    return removing.remove_rater(
        round_id=scene.round.pk,
        rater_id=rater.pk,
        keep_answers=True,
        reason="Is on leave.",
        by=scene.lea,
        now=NOON,
    )


def undo(scene: Scene) -> removing.TakenBack:
    made = Withdrawal.objects.get(rater__isnull=False, undone_at=None)
    return removing.take_back_rater(withdrawal_id=made.pk, by=scene.lea, now=LATER)


def renew_labels() -> None:
    jobs.run(Job.objects.filter(kind=removing.RENEW_JOB).latest("pk").pk)


def answer_next(scene: Scene, rater: Rater) -> Assignment:
    row = scene.take(rater)
    return rating.submit(assignment_id=row.pk, rater=rater, labels=LABELS, now=NOON)


def test_a_removed_rater_is_given_nothing_more_and_the_answers_count(scene: Scene) -> None:
    scene.answered(scene.raters[0])
    assert keep(scene, scene.raters[0]) == 0
    assert scene.claim(scene.raters[0]).reason == claim.Reason.NOT_A_RATER
    assert Assignment.objects.get(rater=scene.raters[0]).state == AssignmentState.SUBMITTED
    assert not Withdrawal.objects.exists()


def test_the_lease_of_a_removed_rater_ends_and_what_is_sent_is_kept(scene: Scene) -> None:
    row = scene.take(scene.raters[0])
    keep(scene, scene.raters[0])
    with pytest.raises(Conflict) as refusal:
        rating.submit(assignment_id=row.pk, rater=scene.raters[0], labels=LABELS, now=LATER)
    assert refusal.value.code == "not_in_round"
    assert Draft.objects.get(rater=scene.raters[0]).labels == LABELS
    row.refresh_from_db()
    assert row.state == AssignmentState.OPEN
    assert health.counters_are_true().is_ok


def test_without_the_answers_every_slot_is_open_again(scene: Scene) -> None:
    scene.answered(*scene.raters[:2])
    assert scene.remove(scene.raters[0]) == 1
    mine = Assignment.objects.get(rater=scene.raters[0])
    assert (mine.state, mine.submitted_at) == (AssignmentState.WITHDRAWN, NOON)
    assert mine.ratings.filter(is_current=True).count() == 1
    assert (scene.place.taken, scene.place.is_full) == (1, False)
    assert scene.claim(scene.raters[2]).assignment_id is not None
    assert health.counters_are_true().is_ok


def test_labels_wait_for_whoever_rates_in_the_place_of_a_removed_rater(scene: Scene) -> None:
    scene.answered(*scene.raters[:2])
    reference.refresh(item_ids=[scene.item.pk])
    scene.remove(scene.raters[0])
    renew_labels()
    assert ReferenceLabel.objects.latest("version").state == ReferenceState.WITHDRAWN
    row = answer_next(scene, scene.raters[2])
    assert row.item_id == scene.item.pk
    newest = ReferenceLabel.objects.latest("version")
    assert (newest.state, newest.version, newest.votes) == (ReferenceState.DECIDED, 3, 2)


def test_a_removal_that_is_undone_brings_the_answers_back(scene: Scene) -> None:
    scene.answered(*scene.raters[:2])
    reference.refresh(item_ids=[scene.item.pk])
    scene.remove(scene.raters[0])
    renew_labels()
    assert undo(scene) == removing.TakenBack(answers=1, lost=0)
    renew_labels()
    assert Assignment.objects.get(rater=scene.raters[0]).state == AssignmentState.SUBMITTED
    assert (scene.place.taken, scene.place.is_full) == (2, True)
    assert ReferenceLabel.objects.latest("version").state == ReferenceState.DECIDED
    assert scene.claim(scene.raters[0]).assignment_id is not None
    assert health.counters_are_true().is_ok


def test_an_answer_whose_slot_somebody_else_has_stays_history(scene: Scene) -> None:
    scene.answered(*scene.raters[:2])
    scene.remove(scene.raters[0])
    answer_next(scene, scene.raters[2])
    assert undo(scene) == removing.TakenBack(answers=0, lost=1)
    assert Assignment.objects.get(rater=scene.raters[0]).state == AssignmentState.WITHDRAWN
    assert health.nobody_is_over_overlap().is_ok
    assert health.counters_are_true().is_ok


def test_an_answer_to_an_item_that_went_meanwhile_comes_back_with_the_item(scene: Scene) -> None:
    scene.answered(*scene.raters[:2])
    scene.remove(scene.raters[0])
    of_item = scene.withdraw()
    assert undo(scene) == removing.TakenBack(answers=0, lost=0)
    assert withdrawing.take_back_item(withdrawal_id=of_item, by=scene.lea, now=LATER) == 2
    assert (scene.place.taken, scene.place.is_full) == (2, True)
    assert health.counters_are_true().is_ok


def test_a_rater_may_be_removed_again_after_coming_back(scene: Scene) -> None:
    scene.answered(*scene.raters[:2])
    scene.remove(scene.raters[0])
    rounds.add_raters(round_id=scene.round.pk, raters=[scene.raters[0]], by=scene.lea)
    row = answer_next(scene, scene.raters[0])
    assert row.item_id == scene.items[1].pk
    assert scene.remove(scene.raters[0]) == 1
    assert Withdrawal.objects.count() == 1
    assert undo(scene).answers == 2


def test_a_removed_rater_who_is_added_again_rates_on(scene: Scene) -> None:
    keep(scene, scene.raters[0])
    added = rounds.add_raters(
        round_id=scene.round.pk, raters=[scene.raters[0]], quota=5, by=scene.lea
    )
    assert added == 1
    member = RoundRater.objects.get(rater=scene.raters[0])
    assert (member.removed_at, member.quota) == (None, 5)


def test_answers_that_were_kept_can_be_withdrawn_afterwards(scene: Scene) -> None:
    scene.answered(*scene.raters[:2])
    keep(scene, scene.raters[0])
    with pytest.raises(Conflict, match="not in the round"):
        keep(scene, scene.raters[0])
    assert scene.remove(scene.raters[0]) == 1


def test_a_removal_needs_its_reason_and_is_recorded(scene: Scene) -> None:
    with pytest.raises(Invalid):
        removing.remove_rater(
            round_id=scene.round.pk,
            rater_id=scene.raters[0].pk,
            keep_answers=True,
            reason="",
            by=scene.lea,
            now=NOON,
        )
    scene.answered(scene.raters[0])
    scene.remove(scene.raters[0])
    told = AuditEvent.objects.get(verb="round.rater_removed").data
    assert (told["rater"], told["answers_withdrawn"]) == (scene.raters[0].pk, 1)


def test_answers_that_are_evidence_cannot_be_withdrawn(scene: Scene) -> None:
    scene.answered(scene.raters[0])
    SealedSet.objects.create(dataset=scene.dataset, frozen_at=NOON)
    Item.objects.filter(pk=scene.item.pk).update(part=Part.SEALED)
    with pytest.raises(Conflict, match="have to stay"):
        scene.remove(scene.raters[0])
    assert RoundRater.objects.get(rater=scene.raters[0]).removed_at is None
    keep(scene, scene.raters[0])


def test_removing_a_rater_costs_the_same_few_queries_for_many_answers(
    scene: Scene, django_assert_max_num_queries: object
) -> None:
    for number in range(40):
        item = builders.make_item(scene.dataset, external_id=f"m{number}", input=f"M {number}")
        RoundItem.objects.create(round=scene.round, item=item, shuffle=number, taken=1)
        Assignment.objects.create(round=scene.round, item=item, slot=0)
        builders.make_rating(scene.round, item, scene.raters[0], labels=LABELS)
    with django_assert_max_num_queries(18):  # type: ignore[operator]
        assert scene.remove(scene.raters[0]) == 40
    with django_assert_max_num_queries(18):  # type: ignore[operator]
        assert undo(scene).answers == 40
