"""What a rater holds, given to the others; and how much a rater may yet take."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Notice, Rater
from annotation.models import Assignment, Draft, Item, RoundItem, RoundRater
from annotation.queries import health, progress
from annotation.services import claim, handing, leaving, rating, removing, rounds, telling
from annotation.states import AssignmentState, Part
from core import registry
from core.errors import Conflict, Invalid, NotHere
from core.models import AuditEvent
from tests import builders
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


# Kept for one rater -------------------------------------------------------------------------------


def keep(scene: Scene, rater: Rater, item: Item | None = None) -> None:
    handing.keep_for(
        round_id=scene.round.pk,
        item_id=(item or scene.item).pk,
        rater_id=rater.pk,
        by=scene.lea,
        now=NOON,
    )


def kept_rows() -> list[tuple[int, int | None]]:
    rows = Assignment.objects.filter(kept_for__isnull=False)
    return list(rows.order_by("pk").values_list("item_id", "kept_for"))


def test_what_is_handed_to_somebody_comes_next_to_them_and_to_nobody_else(scene: Scene) -> None:
    ana, ben, cem = scene.raters
    scene.take(ana)
    item = handing.hand_back(
        round_id=scene.round.pk, rater_id=ana.pk, to=ben.pk, by=scene.lea, now=NOON
    )
    assert kept_rows() == [(item, ben.pk)]
    assert health.counters_are_true().is_ok
    # Its other slot is free for all, the kept one for nobody but Ben.
    assert scene.take(cem).item_id == item
    assert scene.take(ana).item_id != item
    assert scene.take(ben).item_id == item
    assert kept_rows() == []
    assert RoundItem.objects.get(item=item).taken == 2
    assert health.counters_are_true().is_ok


def test_a_kept_slot_counts_as_taken_and_is_a_slot_of_its_own(scene: Scene) -> None:
    ana, ben, cem = scene.raters
    keep(scene, ana)
    keep(scene, ben)
    assert (scene.place.taken, scene.place.is_full) == (2, True)
    assert scene.take(cem).item_id == scene.items[1].pk
    with pytest.raises(Conflict, match="Every slot of this item is taken"):
        keep(scene, cem)
    for rater in (ana, ben):
        row = scene.take(rater)
        assert row.item_id == scene.item.pk
        rating.submit(assignment_id=row.pk, rater=rater, labels=LABELS, now=NOON)
    assert (scene.place.taken, scene.place.is_full) == (2, True)
    assert health.counters_are_true().is_ok
    assert health.nobody_is_over_overlap().is_ok


def test_who_is_kept_an_item_is_told_and_the_trail_says_who_did_it(scene: Scene) -> None:
    keep(scene, scene.raters[1])
    notice = Notice.objects.get(kind=telling.ITEM_KEPT)
    assert (notice.user, notice.subject) == (scene.raters[1].user, scene.round.name)
    event = AuditEvent.objects.get(verb="round.item_kept")
    assert event.actor == scene.lea.actor
    assert (event.data["rater"], event.data["item"]) == (scene.raters[1].pk, scene.item.pk)


def test_a_kept_item_stands_among_what_is_left(scene: Scene) -> None:
    ana, ben, cem = scene.raters
    keep(scene, cem)
    for rater in (ana, ben):
        scene.take(rater)
    RoundItem.objects.update(is_full=True)
    assert progress.own_round(round_=scene.round, rater_id=cem.pk).left == 1


def test_nobody_keeps_a_slot_for_good(scene: Scene) -> None:
    keep(scene, scene.raters[0])
    assert claim.expire(NOON + handing.KEPT_FOR - timedelta(seconds=1)) == 0
    assert claim.expire(NOON + handing.KEPT_FOR) == 1
    assert kept_rows() == []
    assert (scene.place.taken, scene.place.is_full) == (0, False)


def test_a_lease_that_lapses_gives_a_kept_item_to_all(scene: Scene) -> None:
    keep(scene, scene.raters[0])
    row = scene.take(scene.raters[0])
    assert row.item_id == scene.item.pk
    claim.expire(NOON + claim.lease_time())
    assert kept_rows() == []
    assert scene.place.taken == 0


def test_a_late_answer_takes_the_slot_that_is_kept_for_its_rater(scene: Scene) -> None:
    ana = scene.raters[0]
    row = scene.take(ana)
    handing.hand_back(round_id=scene.round.pk, rater_id=ana.pk, by=scene.lea, now=NOON)
    keep(scene, ana, row.item)
    rating.submit(assignment_id=row.pk, rater=ana, labels=LABELS, now=LATER)
    assert kept_rows() == []
    assert RoundItem.objects.get(item=row.item_id).taken == 1
    assert health.counters_are_true().is_ok


def test_a_late_answer_takes_no_slot_that_is_kept_for_another(scene: Scene) -> None:
    ana, ben, cem = scene.raters
    row = scene.take(ana)
    handing.hand_back(round_id=scene.round.pk, rater_id=ana.pk, by=scene.lea, now=NOON)
    keep(scene, ben, row.item)
    keep(scene, cem, row.item)
    with pytest.raises(Conflict):
        rating.submit(assignment_id=row.pk, rater=ana, labels=LABELS, now=LATER)
    assert len(kept_rows()) == 2


def test_let_go_it_is_open_to_all(scene: Scene) -> None:
    keep(scene, scene.raters[0])
    slot = Assignment.objects.get(kept_for__isnull=False)
    handing.let_go(round_id=scene.round.pk, assignment_id=slot.pk, by=scene.lea)
    assert (scene.place.taken, scene.place.is_full) == (0, False)
    assert AuditEvent.objects.get(verb="round.item_let_go").data["rater"] == scene.raters[0].pk
    with pytest.raises(Conflict, match="kept no more"):
        handing.let_go(round_id=scene.round.pk, assignment_id=slot.pk, by=scene.lea)


def test_a_rater_who_is_removed_keeps_nothing(scene: Scene) -> None:
    keep(scene, scene.raters[0])
    scene.remove(scene.raters[0])
    assert kept_rows() == []
    assert scene.place.taken == 0
    with pytest.raises(Conflict, match="not in the round"):
        keep(scene, scene.raters[0])


def test_whoever_leaves_the_project_keeps_nothing(scene: Scene) -> None:
    keep(scene, scene.raters[0])
    user = scene.raters[0].user
    assert user is not None
    with transaction.atomic():
        leaving.hand_back(scene.project.pk, user.pk, "u1", NOON)
    assert kept_rows() == []
    assert health.counters_are_true().is_ok


def test_a_withdrawn_item_is_kept_for_nobody_and_comes_back_free(scene: Scene) -> None:
    keep(scene, scene.raters[0])
    made = scene.withdraw()
    assert kept_rows() == []
    scene.take_back(made)
    assert (scene.place.taken, scene.place.is_full) == (0, False)
    assert health.counters_are_true().is_ok


def test_who_had_the_item_is_not_given_it_again(scene: Scene) -> None:
    scene.answered(scene.raters[0])
    with pytest.raises(Conflict, match="has had the item"):
        keep(scene, scene.raters[0])
    keep(scene, scene.raters[1])
    with pytest.raises(Conflict, match="has had the item"):
        keep(scene, scene.raters[1])


def test_a_quota_has_room_for_what_is_kept(scene: Scene) -> None:
    change(scene, 1)
    keep(scene, scene.raters[0])
    with pytest.raises(Conflict, match="quota of 1 has no room"):
        keep(scene, scene.raters[0], scene.items[1])


def test_only_so_much_is_kept_for_one_rater(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handing, "MOST_KEPT", 1)
    keep(scene, scene.raters[0])
    with pytest.raises(Conflict, match="1 items are kept"):
        keep(scene, scene.raters[0], scene.items[1])


def test_a_judges_author_is_kept_no_sealed_item(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    Item.objects.filter(pk=scene.item.pk).update(part=Part.SEALED)
    monkeypatch.setattr(registry, "is_barred_from_sealed", lambda **_: True)
    with pytest.raises(Conflict, match="wrote a judge"):
        keep(scene, scene.raters[0])
    assert kept_rows() == []


def test_an_item_of_another_round_is_not_kept(scene: Scene) -> None:
    stray = builders.make_item(scene.dataset, external_id="stray")
    with pytest.raises(NotHere):
        keep(scene, scene.raters[0], stray)


def test_a_kept_slot_is_an_open_one(scene: Scene) -> None:
    keep(scene, scene.raters[0])
    with pytest.raises(IntegrityError), transaction.atomic():
        Assignment.objects.filter(kept_for__isnull=False).update(
            state=AssignmentState.LEASED, rater=scene.raters[1], lease_until=LATER
        )
