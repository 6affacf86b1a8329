"""Answers: stored once, in the item's own labelling; late ones, drafts, skips, flags, changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from accounts.models import Project, Rater
from accounts.roles import Role
from annotation.models import (
    Assignment,
    Draft,
    Flag,
    GuidelineVersion,
    Item,
    Rating,
    ReferenceLabel,
    Round,
    RoundItem,
    SealedSet,
)
from annotation.queries import workbench
from annotation.services import claim, rating
from annotation.states import AssignmentState, Part, RationaleRule, RoundState
from core.errors import Conflict, Invalid, NotHere
from tests import builders
from tests.builders import NOON

pytestmark = pytest.mark.django_db

SOON = NOON + timedelta(minutes=4)
LATER = NOON + timedelta(hours=2)
FOURS = dict.fromkeys(builders.FOUR, "4")


@dataclass
class Scene:
    project: Project
    item: Item
    round: Round
    version: GuidelineVersion
    ana: Rater
    ben: Rater

    def take(self, rater: Rater) -> Assignment:
        given = claim.next_slot(round_id=self.round.pk, rater_id=rater.pk, now=NOON)
        assert given.assignment_id is not None
        return Assignment.objects.get(pk=given.assignment_id)

    def lose(self, rater: Rater) -> Assignment:
        """A lease of this rater that ran out and was taken back."""
        row = self.take(rater)
        assert claim.expire(LATER) == 1
        return row


def make_scene(*, pairwise: bool = False, overlap: int = 2) -> Scene:
    project = builders.make_project()
    raters = [
        builders.rater_of(
            project, builders.join(project, builders.make_user(username=n), Role.RATER)
        )
        for n in ("ana", "ben")
    ]
    dataset = builders.make_dataset(project)
    item = builders.make_pair(dataset) if pairwise else builders.make_item(dataset)
    version = builders.make_guideline(project, pairwise=pairwise)
    round_ = builders.make_round(dataset, version, items=[item], raters=raters, overlap=overlap)
    return Scene(project, item, round_, version, *raters)


@pytest.fixture
def scene() -> Scene:
    return make_scene()


def labels_of(row: Assignment) -> dict[str, str]:
    found = Rating.objects.filter(assignment=row, is_current=True)
    return dict(found.values_list("dimension__key", "label"))


def test_a_submit_stores_every_label_and_the_reason_once(scene: Scene) -> None:
    row = scene.take(scene.ana)
    rating.submit(
        assignment_id=row.pk,
        rater=scene.ana,
        labels={**FOURS, "safety": 5},
        rationale=" The 24 hours are wrong. ",
        active_seconds=31.26,
        now=SOON,
    )
    row.refresh_from_db()
    assert (row.state, row.submitted_at) == (AssignmentState.SUBMITTED, SOON)
    assert row.active_seconds == 31.3
    assert labels_of(row) == {**FOURS, "safety": "5"}
    reasons = list(
        Rating.objects.order_by("dimension__position").values_list("rationale", flat=True)
    )
    assert reasons == ["The 24 hours are wrong.", "", "", ""]


def test_a_submit_removes_the_draft(scene: Scene) -> None:
    row = scene.take(scene.ana)
    rating.save_draft(assignment_id=row.pk, rater=scene.ana, labels={"clarity": "3"}, now=SOON)
    rating.submit(assignment_id=row.pk, rater=scene.ana, labels=FOURS, now=SOON)
    assert not Draft.objects.exists()


@pytest.mark.parametrize(
    ("labels", "field"),
    [
        ({**FOURS, "clarity": "6"}, "clarity"),
        ({**FOURS, "clarity": ""}, "clarity"),
        (dict.fromkeys(builders.FOUR[1:], "4"), "accuracy"),
        ({**FOURS, "charm": "4"}, "charm"),
        ({**FOURS, "clarity": "not_applicable"}, "clarity"),
        ({**FOURS, "clarity": None}, "clarity"),
    ],
)
def test_labels_that_do_not_fit_the_rubric_are_refused_by_name(
    scene: Scene, labels: dict[str, object], field: str
) -> None:
    row = scene.take(scene.ana)
    with pytest.raises(Invalid) as refused:
        rating.submit(assignment_id=row.pk, rater=scene.ana, labels=labels, now=SOON)
    assert list(refused.value.fields) == [field]
    row.refresh_from_db()
    assert row.state == AssignmentState.LEASED
    assert not Rating.objects.exists()


def test_a_required_reason_that_is_missing_is_refused(scene: Scene) -> None:
    scene.version.dimensions.filter(key="safety").update(rationale=RationaleRule.REQUIRED)
    row = scene.take(scene.ana)
    with pytest.raises(Invalid) as refused:
        rating.submit(assignment_id=row.pk, rater=scene.ana, labels=FOURS, rationale="  ", now=SOON)
    assert list(refused.value.fields) == ["rationale"]


def test_a_label_given_for_swapped_sides_is_stored_in_the_items_own_labelling() -> None:
    scene = make_scene(pairwise=True)
    row = scene.take(scene.ana)
    Assignment.objects.filter(pk=row.pk).update(is_swapped=True)
    rating.submit(assignment_id=row.pk, rater=scene.ana, labels={"preference": "A"}, now=SOON)
    assert labels_of(row) == {"preference": "B"}


def test_a_label_given_for_unswapped_sides_stays() -> None:
    scene = make_scene(pairwise=True)
    row = scene.take(scene.ana)
    Assignment.objects.filter(pk=row.pk).update(is_swapped=False)
    rating.submit(assignment_id=row.pk, rater=scene.ana, labels={"preference": "A"}, now=SOON)
    assert labels_of(row) == {"preference": "A"}


def test_the_same_answer_again_is_a_success_and_writes_nothing(scene: Scene) -> None:
    row = scene.take(scene.ana)
    for _ in range(2):
        stored = rating.submit(assignment_id=row.pk, rater=scene.ana, labels=FOURS, now=SOON)
        assert stored.pk == row.pk
    assert Rating.objects.count() == 4


def test_another_answer_to_a_submitted_item_is_a_conflict(scene: Scene) -> None:
    row = scene.take(scene.ana)
    rating.submit(assignment_id=row.pk, rater=scene.ana, labels=FOURS, now=SOON)
    with pytest.raises(Conflict) as refused:
        rating.submit(
            assignment_id=row.pk, rater=scene.ana, labels={**FOURS, "safety": "1"}, now=SOON
        )
    assert refused.value.code == "already_submitted"
    assert labels_of(row) == FOURS


def test_a_late_answer_is_taken_while_the_slot_is_free(scene: Scene) -> None:
    row = scene.lose(scene.ana)
    rating.submit(assignment_id=row.pk, rater=scene.ana, labels=FOURS, now=LATER)
    row.refresh_from_db()
    assert (row.state, row.rater) == (AssignmentState.SUBMITTED, scene.ana)
    assert row.guideline_version == scene.version
    assert RoundItem.objects.get().taken == 1


def test_a_late_answer_for_a_slot_that_somebody_took_keeps_the_draft() -> None:
    scene = make_scene(overlap=1)
    row = scene.take(scene.ana)
    rating.save_draft(assignment_id=row.pk, rater=scene.ana, labels={"clarity": "2"}, now=NOON)
    claim.expire(LATER)
    scene.take(scene.ben)
    with pytest.raises(Conflict) as refused:
        rating.submit(assignment_id=row.pk, rater=scene.ana, labels=FOURS, now=LATER)
    assert refused.value.code == "lease_lost"
    assert Draft.objects.get(rater=scene.ana).labels == FOURS
    assert not Rating.objects.exists()


def test_a_late_answer_in_another_order_is_stored_as_it_was_seen() -> None:
    scene = make_scene(pairwise=True)
    row = scene.lose(scene.ana)
    swapped = workbench.is_swapped(scene.round, rater_id=scene.ana.pk, item_id=scene.item.pk)
    rating.submit(assignment_id=row.pk, rater=scene.ana, labels={"preference": "A"}, now=LATER)
    assert labels_of(row) == {"preference": "B" if swapped else "A"}


def test_nobody_can_answer_a_slot_that_was_never_theirs(scene: Scene) -> None:
    slot = Assignment.objects.order_by("pk")[0]
    with pytest.raises(NotHere):
        rating.submit(assignment_id=slot.pk, rater=scene.ana, labels=FOURS, now=SOON)


def test_a_late_answer_to_a_closed_round_is_a_conflict(scene: Scene) -> None:
    row = scene.lose(scene.ana)
    Round.objects.update(state=RoundState.CLOSED)
    with pytest.raises(Conflict) as refused:
        rating.submit(assignment_id=row.pk, rater=scene.ana, labels=FOURS, now=LATER)
    assert refused.value.code == "round_closed"
    assert "somebody else" not in refused.value.sentence
    assert Draft.objects.get(rater=scene.ana).labels == FOURS


def test_a_lease_taken_before_the_round_was_closed_may_still_submit(scene: Scene) -> None:
    row = scene.take(scene.ana)
    Round.objects.update(state=RoundState.CLOSED)
    rating.submit(assignment_id=row.pk, rater=scene.ana, labels=FOURS, now=SOON)
    assert labels_of(row) == FOURS


def test_the_last_answer_of_a_closed_round_makes_the_label() -> None:
    scene = make_scene(overlap=3)
    first, last = scene.take(scene.ana), scene.take(scene.ben)
    rating.submit(assignment_id=first.pk, rater=scene.ana, labels=FOURS, now=SOON)
    Round.objects.update(state=RoundState.CLOSED)
    rating.submit(assignment_id=last.pk, rater=scene.ben, labels=FOURS, now=SOON)
    assert ReferenceLabel.objects.filter(item=scene.item).count() == len(FOURS)


@pytest.mark.parametrize("end", ["lapses", "is given back", "is passed by"])
def test_a_lease_that_outlives_its_round_holds_up_no_label(end: str) -> None:
    scene = make_scene(overlap=3)
    cho = builders.rater_of(
        scene.project, builders.join(scene.project, builders.make_user(username="cho"), Role.RATER)
    )
    scene.round.round_raters.create(rater=cho)
    for rater in (scene.ana, scene.ben):
        row = scene.take(rater)
        rating.submit(assignment_id=row.pk, rater=rater, labels=FOURS, now=SOON)
    held = scene.take(cho)
    Round.objects.update(state=RoundState.CLOSED)
    assert not ReferenceLabel.objects.exists()
    if end == "lapses":
        assert claim.expire(LATER) == 1
    elif end == "is given back":
        claim.release(assignment_id=held.pk, rater_id=cho.pk, now=SOON)
    else:
        rating.skip(assignment_id=held.pk, rater=cho, reason="I know the author", now=SOON)
    assert ReferenceLabel.objects.filter(item=scene.item).count() == len(FOURS)


def test_a_late_answer_that_is_sent_again_is_a_success() -> None:
    scene = make_scene()
    ben, ana = scene.take(scene.ben), scene.take(scene.ana)
    assert claim.expire(LATER) == 2
    first = rating.submit(assignment_id=ana.pk, rater=scene.ana, labels=FOURS, now=LATER)
    assert first.pk == ben.pk, "it is in the slot that the other one held"
    again = rating.submit(assignment_id=ana.pk, rater=scene.ana, labels=FOURS, now=LATER)
    assert again.pk == first.pk
    assert Rating.objects.count() == len(FOURS)


def test_a_round_that_closes_while_a_late_answer_waits_takes_it_no_more(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = scene.lose(scene.ana)
    looks = claim.free_slot

    def close_meanwhile(**about: int) -> int | None:
        Round.objects.update(state=RoundState.CLOSED)
        return looks(**about)

    monkeypatch.setattr(claim, "free_slot", close_meanwhile)
    with pytest.raises(Conflict):
        rating.submit(assignment_id=row.pk, rater=scene.ana, labels=FOURS, now=LATER)
    assert not Rating.objects.exists()


def test_nothing_is_taken_after_the_reveal(scene: Scene) -> None:
    row = scene.take(scene.ana)
    Round.objects.update(revealed_at=NOON)
    with pytest.raises(Conflict) as refused:
        rating.submit(assignment_id=row.pk, rater=scene.ana, labels=FOURS, now=SOON)
    assert refused.value.code == "round_revealed"


def test_a_draft_keeps_what_fits_and_renews_the_lease(scene: Scene) -> None:
    row = scene.take(scene.ana)
    rating.save_draft(
        assignment_id=row.pk,
        rater=scene.ana,
        labels={"clarity": "3", "safety": "9", "charm": "1"},
        rationale="half a sen",
        now=SOON,
    )
    rating.save_draft(
        assignment_id=row.pk,
        rater=scene.ana,
        labels={"clarity": "2"},
        rationale="half a sentence",
        now=SOON,
    )
    draft = Draft.objects.get()
    row.refresh_from_db()
    assert (draft.labels, draft.rationale) == ({"clarity": "2"}, "half a sentence")
    assert row.lease_until == SOON + claim.lease_time()


def test_a_draft_is_still_kept_after_the_lease_ran_out(scene: Scene) -> None:
    row = scene.lose(scene.ana)
    rating.save_draft(assignment_id=row.pk, rater=scene.ana, labels={"clarity": "3"}, now=LATER)
    assert Draft.objects.get(rater=scene.ana).labels == {"clarity": "3"}


def test_a_draft_that_arrives_after_the_answer_is_refused(scene: Scene) -> None:
    row = scene.take(scene.ana)
    rating.submit(assignment_id=row.pk, rater=scene.ana, labels=FOURS, now=SOON)
    with pytest.raises(Conflict):
        rating.save_draft(assignment_id=row.pk, rater=scene.ana, labels={}, now=SOON)
    assert not Draft.objects.exists()


def test_a_draft_of_a_pair_comes_back_on_the_side_where_it_was_set() -> None:
    scene = make_scene(pairwise=True)
    row = scene.take(scene.ana)
    Assignment.objects.filter(pk=row.pk).update(is_swapped=True)
    rating.save_draft(assignment_id=row.pk, rater=scene.ana, labels={"preference": "A"}, now=SOON)
    assert Draft.objects.get().labels == {"preference": "B"}


def test_a_skip_keeps_its_row_and_opens_the_slot_for_somebody_else(scene: Scene) -> None:
    row = scene.take(scene.ana)
    rating.skip(assignment_id=row.pk, rater=scene.ana, reason="Not my field", now=SOON)
    row.refresh_from_db()
    assert (row.state, row.skip_reason) == (AssignmentState.SKIPPED, "Not my field")
    assert Assignment.objects.filter(state=AssignmentState.OPEN).count() == 2
    assert (RoundItem.objects.get().taken, RoundItem.objects.get().is_full) == (0, False)
    again = claim.next_slot(round_id=scene.round.pk, rater_id=scene.ana.pk, now=SOON)
    assert again.reason == claim.Reason.NOTHING_LEFT


def test_a_skip_without_a_reason_is_refused(scene: Scene) -> None:
    row = scene.take(scene.ana)
    with pytest.raises(Invalid):
        rating.skip(assignment_id=row.pk, rater=scene.ana, reason=" ", now=SOON)


def test_a_flag_tells_the_leads_and_passes_the_item_by(scene: Scene) -> None:
    row = scene.take(scene.ana)
    rating.flag(assignment_id=row.pk, rater=scene.ana, reason="The response is cut off", now=SOON)
    row.refresh_from_db()
    assert Flag.objects.get().reason == "The response is cut off"
    assert row.state == AssignmentState.SKIPPED


def test_a_change_appends_a_revision_of_what_changed(scene: Scene) -> None:
    row = scene.take(scene.ana)
    rating.submit(assignment_id=row.pk, rater=scene.ana, labels=FOURS, now=SOON)
    changed = rating.amend(
        assignment_id=row.pk, rater=scene.ana, labels={**FOURS, "safety": "2"}, now=LATER
    )
    assert changed == 1
    assert labels_of(row) == {**FOURS, "safety": "2"}
    history = Rating.objects.filter(dimension__key="safety").order_by("revision")
    assert list(history.values_list("revision", "is_current", "label")) == [
        (1, False, "4"),
        (2, True, "2"),
    ]


def test_a_change_that_changes_nothing_writes_nothing(scene: Scene) -> None:
    row = scene.take(scene.ana)
    rating.submit(assignment_id=row.pk, rater=scene.ana, labels=FOURS, now=SOON)
    assert rating.amend(assignment_id=row.pk, rater=scene.ana, labels=FOURS, now=LATER) == 0
    assert Rating.objects.count() == 4


@pytest.mark.parametrize("how", ["closed", "revealed", "frozen"])
def test_an_answer_can_no_longer_be_changed_once_it_is_used(scene: Scene, how: str) -> None:
    row = scene.take(scene.ana)
    rating.submit(assignment_id=row.pk, rater=scene.ana, labels=FOURS, now=SOON)
    if how == "closed":
        Round.objects.update(state=RoundState.CLOSED)
    elif how == "revealed":
        Round.objects.update(revealed_at=NOON)
    else:
        Item.objects.update(part=Part.SEALED)
        SealedSet.objects.create(dataset=scene.item.dataset, frozen_at=NOON)
    with pytest.raises(Conflict) as refused:
        rating.amend(
            assignment_id=row.pk, rater=scene.ana, labels={**FOURS, "safety": "2"}, now=LATER
        )
    assert refused.value.code == "not_editable"
    assert labels_of(row) == FOURS


def test_nobody_can_change_anothers_answer(scene: Scene) -> None:
    row = scene.take(scene.ana)
    rating.submit(assignment_id=row.pk, rater=scene.ana, labels=FOURS, now=SOON)
    with pytest.raises(NotHere):
        rating.amend(assignment_id=row.pk, rater=scene.ben, labels=FOURS, now=LATER)


def test_the_last_answer_to_an_item_makes_its_reference_label(scene: Scene) -> None:
    for rater in (scene.ana, scene.ben):
        assert not ReferenceLabel.objects.exists()
        row = scene.take(rater)
        rating.submit(assignment_id=row.pk, rater=rater, labels=FOURS, now=SOON)
    found = ReferenceLabel.objects.filter(item=scene.item)
    assert sorted(found.values_list("dimension_key", flat=True)) == sorted(builders.FOUR)


def test_a_change_makes_the_reference_label_anew(scene: Scene) -> None:
    rows = []
    for rater in (scene.ana, scene.ben):
        rows.append(scene.take(rater))
        rating.submit(assignment_id=rows[-1].pk, rater=rater, labels=FOURS, now=SOON)
    other = {**FOURS, "safety": "1"}
    rating.amend(assignment_id=rows[-1].pk, rater=scene.ben, labels=other, now=LATER)
    assert ReferenceLabel.objects.filter(dimension_key="safety").count() == 2
