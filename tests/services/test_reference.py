"""Reference labels: from blind first ratings, once the slots are full, append-only."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Project, Rater
from accounts.roles import Role
from annotation.models import Assignment, Item, Rating, ReferenceLabel, Round, SealedSet
from annotation.queries import labels
from annotation.services import reference
from annotation.states import Method, Part, ReferenceState, RoundKind, RoundState
from tests import builders
from tests.builders import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


class Scene:
    """Three raters and one item in an open round."""

    def __init__(self, *, pairwise: bool = False, part: Part = Part.DEVELOPMENT) -> None:
        self.project: Project = builders.make_project()
        self.raters: list[Rater] = [
            builders.rater_of(
                self.project,
                builders.join(self.project, builders.make_user(username=name), Role.RATER),
            )
            for name in ("ana", "ben", "cem")
        ]
        share = 0.5 if part == Part.SEALED else 0.0
        self.dataset = builders.make_dataset(self.project, share=share)
        make = builders.make_pair if pairwise else builders.make_item
        self.item: Item = make(self.dataset, part=part)
        self.key = "preference" if pairwise else "accuracy"
        self.version = builders.make_guideline(self.project, pairwise=pairwise, keys=("accuracy",))
        self.round: Round = builders.make_round(
            self.dataset, self.version, items=[self.item], raters=self.raters
        )

    def rate(self, *labels: str, round_: Round | None = None) -> list[Assignment]:
        return [
            builders.make_rating(round_ or self.round, self.item, rater, labels={self.key: label})
            for rater, label in zip(self.raters, labels, strict=False)
        ]

    def refresh(self) -> int:
        return reference.refresh(item_ids=[self.item.pk])

    def label(self) -> ReferenceLabel:
        return ReferenceLabel.objects.order_by("-version")[0]


def test_nothing_is_decided_before_the_slots_are_full() -> None:
    scene = Scene(pairwise=True)
    scene.rate("A", "A")
    assert scene.refresh() == 0


def test_two_of_three_decide_a_pair() -> None:
    scene = Scene(pairwise=True)
    scene.rate("A", "A", "B")
    scene.refresh()
    found = scene.label()
    assert (found.state, found.label, found.votes) == (ReferenceState.DECIDED, "A", 3)
    assert found.method == Method.PLURALITY


def test_three_different_votes_are_contested_and_never_broken_by_order() -> None:
    scene = Scene(pairwise=True)
    scene.rate("A", "B", "tie")
    scene.refresh()
    assert (scene.label().state, scene.label().label) == (ReferenceState.CONTESTED, "")


def test_a_scale_with_a_cut_is_decided_by_pass_and_fail_and_keeps_its_points() -> None:
    scene = Scene()
    scene.rate("4", "5", "2")
    scene.refresh()
    found = scene.label()
    assert found.label == "pass"
    assert found.median == 4.0
    assert found.mean == pytest.approx(11 / 3)


def test_the_same_ratings_make_no_second_version() -> None:
    scene = Scene(pairwise=True)
    scene.rate("A", "A", "B")
    assert scene.refresh() == 1
    assert scene.refresh() == 0


def test_an_amendment_makes_a_new_version_and_keeps_the_old_one() -> None:
    scene = Scene(pairwise=True)
    slots = scene.rate("A", "A", "B")
    scene.refresh()
    first = Rating.objects.get(assignment=slots[0])
    Rating.objects.filter(pk=first.pk).update(is_current=False)
    Rating.objects.create(assignment=slots[0], dimension=first.dimension, label="B", revision=2)
    scene.refresh()
    assert list(ReferenceLabel.objects.order_by("version").values_list("version", "label")) == [
        (1, "A"),
        (2, "B"),
    ]


def test_a_session_round_never_feeds_the_label() -> None:
    scene = Scene(pairwise=True)
    Round.objects.filter(pk=scene.round.pk).update(kind=RoundKind.SESSION)
    scene.rate("A", "A", "A")
    assert scene.refresh() == 0


def test_what_somebody_says_after_a_session_on_the_item_never_feeds_the_label() -> None:
    scene = Scene(pairwise=True)
    session = builders.make_round(
        scene.dataset,
        scene.version,
        items=[scene.item],
        raters=scene.raters[:2],
        name="Session",
        overlap=2,
        kind=RoundKind.SESSION,
    )
    for rater in scene.raters[:2]:
        builders.make_rating(session, scene.item, rater, labels={"preference": "B"})
    for rater in scene.raters:
        builders.make_rating(
            scene.round,
            scene.item,
            rater,
            labels={"preference": "B"},
            at=NOON + timedelta(days=1),
        )
    scene.refresh()
    assert (scene.label().votes, scene.label().state) == (1, ReferenceState.CONTESTED)


def test_what_somebody_said_before_a_session_still_feeds_the_label() -> None:
    scene = Scene(pairwise=True)
    scene.rate("A", "A", "A")
    session = builders.make_round(
        scene.dataset,
        scene.version,
        items=[scene.item],
        raters=scene.raters,
        name="Session",
        kind=RoundKind.SESSION,
    )
    for rater in scene.raters:
        builders.make_rating(
            session, scene.item, rater, labels={"preference": "B"}, at=NOON + timedelta(days=1)
        )
    scene.refresh()
    assert (scene.label().label, scene.label().votes) == ("A", 3)


def test_ratings_after_a_reveal_never_feed_the_label() -> None:
    scene = Scene(pairwise=True)
    scene.rate("A", "A", "A")
    Round.objects.filter(pk=scene.round.pk).update(revealed_at=NOON - timedelta(hours=1))
    assert scene.refresh() == 0


def test_only_the_first_rating_of_a_rater_counts() -> None:
    scene = Scene(pairwise=True)
    scene.rate("A", "A", "B")
    later = builders.make_round(
        scene.dataset, scene.version, items=[scene.item], raters=scene.raters, name="Round 2"
    )
    for rater in scene.raters:
        builders.make_rating(
            later, scene.item, rater, labels={"preference": "B"}, at=NOON + timedelta(days=1)
        )
    scene.refresh()
    assert (scene.label().label, scene.label().votes) == ("A", 3)


def test_a_sealed_item_with_two_ratings_is_contested() -> None:
    scene = Scene(pairwise=True, part=Part.SEALED)
    SealedSet.objects.create(dataset=scene.dataset)
    scene.rate("A", "A")
    Assignment.objects.filter(round=scene.round, state="open").delete()
    scene.refresh()
    assert scene.label().state == ReferenceState.CONTESTED


def test_a_frozen_sealed_set_keeps_its_labels() -> None:
    scene = Scene(pairwise=True, part=Part.SEALED)
    SealedSet.objects.create(dataset=scene.dataset, frozen_at=NOON)
    scene.rate("A", "A", "A")
    assert scene.refresh() == 0


def test_open_slots_of_a_closed_round_wait_for_nobody() -> None:
    scene = Scene(pairwise=True)
    scene.rate("A", "A")
    Round.objects.filter(pk=scene.round.pk).update(state=RoundState.CLOSED)
    scene.refresh()
    assert (scene.label().label, scene.label().votes) == ("A", 2)


def test_a_round_in_draft_does_not_hold_up_an_amended_label() -> None:
    scene = Scene(pairwise=True)
    scene.rate("A", "A", "B")
    builders.make_round(
        scene.dataset,
        scene.version,
        items=[scene.item],
        raters=[],
        name="Round 2",
        state=RoundState.DRAFT,
    )
    assert scene.refresh() == 1


@pytest.mark.parametrize(("part", "counted"), [(Part.SEALED, 2), (Part.DEVELOPMENT, 3)])
def test_ratings_of_sealed_items_after_the_first_look_never_count(part: Part, counted: int) -> None:
    scene = Scene(pairwise=True, part=part)
    scene.rate("A", "A")
    sealed = SealedSet.objects.create(dataset=scene.dataset, frozen_at=NOON)
    builders.make_rating(
        scene.round,
        scene.item,
        scene.raters[2],
        labels={scene.key: "B"},
        at=NOON + timedelta(seconds=1),
    )

    def votes() -> int:
        return len(
            labels.dataset_labels(
                dataset_id=scene.dataset.pk,
                guideline_id=scene.version.guideline_id,
                major=1,
                dimension_key=scene.key,
            )
        )

    assert votes() == counted
    SealedSet.objects.filter(pk=sealed.pk).update(retired_at=NOON)
    assert votes() == 3
