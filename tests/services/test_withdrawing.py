"""An item taken out of a round: served to nobody, counted nowhere, and back as it was left."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Rater, User
from accounts.roles import Role
from annotation.models import Assignment, Draft, Item, ReferenceLabel, Round, RoundItem, SealedSet
from annotation.queries import health, labels, roundprogress
from annotation.services import claim, rating, reference, removing, withdrawing
from annotation.states import AssignmentState, Part, ReferenceState, RoundState
from core.errors import Conflict, Invalid
from core.models import AuditEvent
from tests import builders
from tests.builders import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

LABELS = {"accuracy": "4"}
LATER = NOON + timedelta(minutes=5)


class Scene:
    """Two items in an open round of overlap two, three raters, a lead."""

    def __init__(self) -> None:
        self.project = builders.make_project()
        self.lea: User = builders.join(self.project, builders.make_user(username="lea"), Role.LEAD)
        self.raters: list[Rater] = [
            builders.rater_of(
                self.project,
                builders.join(self.project, builders.make_user(username=name), Role.RATER),
            )
            for name in ("ana", "ben", "cem")
        ]
        self.dataset = builders.make_dataset(self.project)
        self.items: list[Item] = [
            builders.make_item(self.dataset, external_id=f"i{n}", input=f"Q {n}") for n in (1, 2)
        ]
        version = builders.make_guideline(self.project, keys=("accuracy",))
        self.round: Round = builders.make_round(
            self.dataset, version, items=self.items, raters=self.raters, overlap=2
        )

    @property
    def item(self) -> Item:
        return self.items[0]

    @property
    def place(self) -> RoundItem:
        return RoundItem.objects.get(round=self.round, item=self.item)

    def answered(self, *raters: Rater, label: str = "4") -> None:
        """Answers of these raters to the first item, with the counter that goes with them."""
        for rater in raters:
            builders.make_rating(self.round, self.item, rater, labels={"accuracy": label})
        RoundItem.objects.filter(round=self.round, item=self.item).update(
            taken=len(raters), is_full=len(raters) == 2
        )

    def withdraw(self, reason: str = "The response is cut off.") -> int:
        return withdrawing.withdraw_item(
            round_id=self.round.pk, item_id=self.item.pk, reason=reason, by=self.lea, now=NOON
        ).pk

    def take_back(self, withdrawal_id: int) -> int:
        return withdrawing.take_back_item(withdrawal_id=withdrawal_id, by=self.lea, now=LATER)

    def claim(self, rater: Rater) -> claim.Claim:
        return claim.next_slot(round_id=self.round.pk, rater_id=rater.pk, now=NOON)

    def take(self, rater: Rater) -> Assignment:
        given = self.claim(rater)
        assert given.assignment_id is not None, given.reason
        return Assignment.objects.get(pk=given.assignment_id)

    def remove(self, rater: Rater) -> int:
        return removing.remove_rater(
            round_id=self.round.pk,
            rater_id=rater.pk,
            keep_answers=False,
            reason="Clicked through.",
            by=self.lea,
            now=NOON,
        )


@pytest.fixture
def scene() -> Scene:
    return Scene()


def given_out(scene: Scene, rater: Rater) -> set[int]:
    """The items that the rater is handed until there are none."""
    got: set[int] = set()
    while (pk := scene.claim(rater).assignment_id) is not None:
        got.add(Assignment.objects.get(pk=pk).item_id)
        rating.submit(assignment_id=pk, rater=rater, labels=LABELS, now=NOON)
    return got


def test_a_withdrawn_item_is_served_to_nobody(scene: Scene) -> None:
    scene.withdraw()
    assert given_out(scene, scene.raters[0]) == {scene.items[1].pk}


def test_the_ratings_of_a_withdrawn_item_stay_and_count_nowhere(scene: Scene) -> None:
    scene.answered(*scene.raters[:2])
    scene.withdraw()
    rows = Assignment.objects.filter(item=scene.item)
    assert set(rows.values_list("state", "submitted_at")) == {(AssignmentState.WITHDRAWN, NOON)}
    assert sum(row.ratings.count() for row in rows) == 2
    assert labels.round_labels(round_id=scene.round.pk, dimension_key="accuracy") == []


def test_the_reference_label_of_a_withdrawn_item_is_withdrawn_with_it(scene: Scene) -> None:
    scene.answered(*scene.raters[:2])
    reference.refresh(item_ids=[scene.item.pk])
    scene.withdraw()
    states = ReferenceLabel.objects.order_by("version").values_list("state", "label", "votes")
    assert list(states) == [(ReferenceState.DECIDED, "pass", 2), (ReferenceState.WITHDRAWN, "", 0)]


def test_a_label_that_another_round_supports_stays(scene: Scene) -> None:
    version = scene.round.guideline_version
    other = builders.make_round(
        scene.dataset,
        version,
        items=[scene.item],
        raters=scene.raters,
        name="Round 2",
        overlap=2,
    )
    for rater in scene.raters[:2]:
        builders.make_rating(other, scene.item, rater, labels={"accuracy": "5"})
    scene.answered(scene.raters[2], label="1")
    Assignment.objects.filter(round=scene.round, state=AssignmentState.OPEN).delete()
    reference.refresh(item_ids=[scene.item.pk])
    assert ReferenceLabel.objects.get().votes == 3
    scene.withdraw()
    newest = ReferenceLabel.objects.latest("version")
    assert (newest.state, newest.votes) == (ReferenceState.DECIDED, 2)


def test_whoever_has_a_withdrawn_item_is_told_and_keeps_the_draft(scene: Scene) -> None:
    row = scene.take(scene.raters[0])
    withdrawing.withdraw_item(
        round_id=scene.round.pk, item_id=row.item_id, reason="Broken.", by=scene.lea, now=NOON
    )
    with pytest.raises(Conflict, match="took this item out of the round") as refusal:
        rating.submit(assignment_id=row.pk, rater=scene.raters[0], labels=LABELS, now=LATER)
    assert refusal.value.code == "item_withdrawn"
    assert Draft.objects.get(item=row.item_id, rater=scene.raters[0]).labels == LABELS
    assert scene.claim(scene.raters[0]).assignment_id not in (None, row.pk)


def test_a_withdrawn_item_is_out_of_the_progress(scene: Scene) -> None:
    scene.answered(scene.raters[0])
    scene.withdraw()
    counted = roundprogress.progress(scene.round, now=NOON)
    assert counted is not None
    progress = counted.value
    assert (progress.items, progress.slots, progress.submitted) == (1, 2, 0)


def test_an_item_that_is_taken_back_is_as_it_was_left(scene: Scene) -> None:
    scene.answered(scene.raters[0])
    assert scene.take_back(scene.withdraw()) == 1
    states = Assignment.objects.filter(item=scene.item).order_by("slot").values_list("state")
    assert [state for (state,) in states] == [AssignmentState.SUBMITTED, AssignmentState.OPEN]
    assert (scene.place.taken, scene.place.is_full, scene.place.withdrawal_id) == (1, False, None)
    assert given_out(scene, scene.raters[1]) == {scene.items[0].pk, scene.items[1].pk}


def test_a_label_comes_back_with_its_item(scene: Scene) -> None:
    scene.answered(*scene.raters[:2])
    reference.refresh(item_ids=[scene.item.pk])
    scene.take_back(scene.withdraw())
    states = list(ReferenceLabel.objects.order_by("version").values_list("state", flat=True))
    assert states == [ReferenceState.DECIDED, ReferenceState.WITHDRAWN, ReferenceState.DECIDED]


def test_an_item_is_withdrawn_once_and_taken_back_once(scene: Scene) -> None:
    made = scene.withdraw()
    with pytest.raises(Conflict, match="already"):
        scene.withdraw()
    scene.take_back(made)
    with pytest.raises(Conflict, match="already"):
        scene.take_back(made)
    assert scene.withdraw() != made


def test_answers_withdrawn_with_their_rater_do_not_come_back_with_the_item(scene: Scene) -> None:
    scene.answered(*scene.raters[:2])
    of_item = scene.withdraw()
    builders.make_rating(scene.round, scene.items[1], scene.raters[0], labels=LABELS)
    RoundItem.objects.filter(item=scene.items[1]).update(taken=1)
    assert scene.remove(scene.raters[0]) == 1
    assert scene.take_back(of_item) == 1
    mine = Assignment.objects.get(item=scene.item, rater=scene.raters[0])
    assert mine.state == AssignmentState.WITHDRAWN
    assert mine.withdrawal is not None
    assert mine.withdrawal.rater == scene.raters[0]
    assert (scene.place.taken, scene.place.is_full) == (1, False)
    assert health.counters_are_true().is_ok


def test_why_an_item_went_is_asked_and_recorded(scene: Scene) -> None:
    with pytest.raises(Invalid):
        scene.withdraw("  ")
    scene.answered(scene.raters[0])
    scene.take_back(scene.withdraw("Cut off."))
    told = AuditEvent.objects.get(verb="round.item_withdrawn").data
    assert (told["item"], told["reason"], told["answers"]) == (scene.item.pk, "Cut off.", 1)
    assert AuditEvent.objects.filter(verb="round.item_taken_back", actor=scene.lea.actor).exists()


def test_a_closed_and_a_revealed_round_stay_as_they_are(scene: Scene) -> None:
    Round.objects.update(state=RoundState.CLOSED)
    with pytest.raises(Conflict, match="closed"):
        scene.withdraw()
    Round.objects.update(state=RoundState.OPEN, revealed_at=NOON)
    with pytest.raises(Conflict, match="revealed"):
        scene.withdraw()


def test_an_item_whose_labels_are_evidence_stays(scene: Scene) -> None:
    SealedSet.objects.create(dataset=scene.dataset, frozen_at=NOON)
    Item.objects.filter(pk=scene.item.pk).update(part=Part.SEALED)
    with pytest.raises(Conflict, match="measured against the sealed labels"):
        scene.withdraw()
    assert scene.place.withdrawal_id is None
