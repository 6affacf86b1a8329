"""What a rater holds, given to the others; and how much a rater may yet take."""

from __future__ import annotations

import pytest

from annotation.models import Assignment, Draft, RoundRater
from annotation.queries import health
from annotation.services import claim, handing, rating, removing, rounds
from annotation.states import AssignmentState
from core.errors import Conflict, Invalid
from core.models import AuditEvent
from tests.builders import NOON
from tests.services.test_withdrawing import LABELS, LATER, Scene

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def hand_back(scene: Scene) -> int:
    return handing.hand_back(
        round_id=scene.round.pk, rater_id=scene.raters[0].pk, by=scene.lea, now=LATER
    )


def change(scene: Scene, quota: int | None) -> None:
    handing.change_quota(
        round_id=scene.round.pk, rater_id=scene.raters[0].pk, quota=quota, by=scene.lea
    )


def test_what_is_handed_back_is_open_and_its_draft_is_kept(scene: Scene) -> None:
    row = scene.take(scene.raters[0])
    rating.save_draft(
        assignment_id=row.pk, rater=scene.raters[0], labels=LABELS, rationale="So far.", now=NOON
    )
    assert hand_back(scene) == row.item_id
    row.refresh_from_db()
    assert (row.state, row.rater_id) == (AssignmentState.OPEN, None)
    assert Draft.objects.get().rationale == "So far."
    assert health.counters_are_true().is_ok
    assert AuditEvent.objects.get(verb="round.item_handed_back").data["item"] == row.item_id


def test_an_answer_sent_after_that_is_taken_while_the_slot_is_free(scene: Scene) -> None:
    row = scene.take(scene.raters[0])
    hand_back(scene)
    rating.submit(assignment_id=row.pk, rater=scene.raters[0], labels=LABELS, now=LATER)
    row.refresh_from_db()
    assert row.state == AssignmentState.SUBMITTED


def test_nothing_held_is_a_conflict_and_leaves_no_trace(scene: Scene) -> None:
    scene.answered(scene.raters[0])
    with pytest.raises(Conflict, match="holds nothing"):
        hand_back(scene)
    assert Assignment.objects.filter(state=AssignmentState.SUBMITTED).count() == 1
    assert not AuditEvent.objects.filter(verb="round.item_handed_back").exists()


def test_a_closed_round_hands_nothing_back(scene: Scene) -> None:
    scene.take(scene.raters[0])
    rounds.close(round_id=scene.round.pk, by=scene.lea, now=NOON)
    with pytest.raises(Conflict, match="closed"):
        hand_back(scene)


def test_a_quota_ends_what_the_rater_is_given_and_its_end_gives_more(scene: Scene) -> None:
    change(scene, 1)
    row = scene.take(scene.raters[0])
    rating.submit(assignment_id=row.pk, rater=scene.raters[0], labels=LABELS, now=NOON)
    assert scene.claim(scene.raters[0]).reason == claim.Reason.QUOTA_REACHED
    change(scene, None)
    assert scene.claim(scene.raters[0]).assignment_id is not None
    changes = [event.data for event in AuditEvent.objects.filter(verb="round.quota_changed")]
    assert [(one["before"], one["quota"]) for one in changes] == [(None, 1), (1, None)]


def test_the_same_quota_again_is_no_change(scene: Scene) -> None:
    change(scene, 3)
    change(scene, 3)
    assert AuditEvent.objects.filter(verb="round.quota_changed").count() == 1


def test_a_quota_of_nothing_or_of_a_removed_rater_is_refused(scene: Scene) -> None:
    with pytest.raises(Invalid, match="from 1"):
        change(scene, 0)
    removing.remove_rater(
        round_id=scene.round.pk,
        rater_id=scene.raters[0].pk,
        keep_answers=True,
        reason="On leave.",
        by=scene.lea,
        now=NOON,
    )
    with pytest.raises(Conflict, match="not in the round"):
        change(scene, 5)
    assert RoundRater.objects.get(rater=scene.raters[0]).quota is None
