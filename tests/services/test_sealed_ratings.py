"""Sealed items at the workbench: not for judge authors, and frozen once they are evidence."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Project, Rater
from accounts.roles import Role
from annotation.models import Assignment, Draft, Item, Rating, Round, SealedSet
from annotation.rules import split
from annotation.services import claim, datasets, rating, rounds
from annotation.states import AssignmentState, Part
from core.errors import Conflict, Invalid
from judges.models import Judge, JudgeVersion
from judges.states import VersionKind
from tests import builders
from tests.builders import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


class Scene:
    """One sealed item in an open round, and a rater."""

    def __init__(self) -> None:
        self.project: Project = builders.make_project()
        self.ana = builders.join(self.project, builders.make_user(username="ana"), Role.RATER)
        self.rater: Rater = builders.rater_of(self.project, self.ana)
        self.dataset = builders.make_dataset(self.project, share=0.5)
        self.sealed_set = SealedSet.objects.create(dataset=self.dataset)
        cluster = next(
            f"c{n}"
            for n in range(100)
            if split.part_of(f"c{n}", salt=self.sealed_set.salt, share=0.5) == "sealed"
        )
        self.item: Item = builders.make_item(self.dataset, part=Part.SEALED, cluster=cluster)
        self.version = builders.make_guideline(self.project, keys=("accuracy",))
        self.round: Round = builders.make_round(
            self.dataset, self.version, items=[self.item], raters=[self.rater], overlap=2
        )

    def claim(self) -> int | None:
        return claim.next_slot(
            round_id=self.round.pk, rater_id=self.rater.pk, now=NOON
        ).assignment_id

    def set_up(self, *parts: Part) -> Round:
        """A new round over the dataset, beside the one that is open."""
        return rounds.create(
            project=self.project,
            dataset=self.dataset,
            version=self.version,
            name="Round 2",
            raters=[self.rater],
            by=self.ana,
            overlap=1,
            parts=parts,
        )

    def submit(self, assignment_id: int, label: str = "4") -> Assignment:
        return rating.submit(
            assignment_id=assignment_id, rater=self.rater, labels={"accuracy": label}, now=NOON
        )


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_rater_gets_a_sealed_item_like_any_other(scene: Scene) -> None:
    assert scene.claim() is not None


def test_the_author_of_a_judge_gets_no_sealed_item(scene: Scene) -> None:
    judge = Judge.objects.create(
        project=scene.project, guideline=scene.version.guideline, slug="j", name="J"
    )
    JudgeVersion.objects.create(
        judge=judge,
        guideline_version=scene.version,
        number=1,
        kind=VersionKind.PROMPT,
        fingerprint="f" * 64,
        author=scene.ana,
        author_actor=scene.ana.actor,
    )
    assert scene.claim() is None


def test_nobody_is_given_a_sealed_item_whose_labels_are_frozen(scene: Scene) -> None:
    datasets.freeze(sealed_set=scene.sealed_set, now=NOON)
    assert scene.claim() is None


def test_a_round_takes_sealed_items_until_a_look_freezes_their_labels(scene: Scene) -> None:
    assert scene.set_up().round_items.count() == 1


def test_a_new_round_refuses_sealed_items_whose_labels_are_frozen(scene: Scene) -> None:
    datasets.freeze(sealed_set=scene.sealed_set, now=NOON)
    with pytest.raises(Invalid, match="1 of these items are sealed") as refusal:
        scene.set_up()
    assert "development part" in refusal.value.fields["parts"][0]
    assert Round.objects.get() == scene.round


def test_the_development_part_beside_frozen_labels_can_be_rated(scene: Scene) -> None:
    builders.make_item(scene.dataset, external_id="open")
    datasets.freeze(sealed_set=scene.sealed_set, now=NOON)
    assert scene.set_up(Part.DEVELOPMENT).round_items.get().item.external_id == "open"


def test_a_frozen_label_cannot_be_changed(scene: Scene) -> None:
    given = scene.claim()
    assert given is not None
    scene.submit(given)
    datasets.freeze(sealed_set=scene.sealed_set, now=NOON)
    with pytest.raises(Conflict):
        rating.amend(assignment_id=given, rater=scene.rater, labels={"accuracy": "1"}, now=NOON)


def test_evidence_stays_as_it_was_after_the_set_has_retired(scene: Scene) -> None:
    given = scene.claim()
    assert given is not None
    scene.submit(given)
    datasets.freeze(sealed_set=scene.sealed_set, now=NOON)
    datasets.retire(sealed_set=scene.sealed_set, actor="u1", now=NOON)
    with pytest.raises(Conflict):
        rating.amend(assignment_id=given, rater=scene.rater, labels={"accuracy": "1"}, now=NOON)
    assert Rating.objects.get().label == "4"


def test_an_unfrozen_label_can_be_changed(scene: Scene) -> None:
    given = scene.claim()
    assert given is not None
    scene.submit(given)
    rating.amend(assignment_id=given, rater=scene.rater, labels={"accuracy": "1"}, now=NOON)
    assert Rating.objects.get(is_current=True).label == "1"


def test_a_late_answer_counts_for_the_slot_that_the_rater_was_handed_since(scene: Scene) -> None:
    first = scene.claim()
    assert first is not None
    later = NOON + timedelta(hours=3)
    claim.expire(later)
    Assignment.objects.filter(pk=first).update(slot=9)
    second = Assignment.objects.exclude(pk=first).get()
    Assignment.objects.filter(pk=second.pk).update(
        state=AssignmentState.LEASED,
        rater=scene.rater,
        leased_at=later,
        lease_until=later + timedelta(minutes=30),
        guideline_version=scene.version,
    )
    stored = rating.submit(
        assignment_id=first, rater=scene.rater, labels={"accuracy": "4"}, now=later
    )
    assert stored.pk == second.pk
    assert Rating.objects.count() == 1


def test_a_null_character_in_a_draft_is_left_out(scene: Scene) -> None:
    given = scene.claim()
    assert given is not None
    rating.save_draft(
        assignment_id=given, rater=scene.rater, labels={}, rationale="a\x00b", now=NOON
    )
    assert Draft.objects.get().rationale == "ab"
