"""Making gold items: labels with a person and a reason, never sealed, never what is being rated."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from accounts.models import Project, Rater, User
from accounts.roles import Role
from annotation.models import Assignment, GoldItem, GuidelineVersion, Item, Round, SealedSet
from annotation.queries import gold as queries
from annotation.services import claim, gold, laying, rating
from annotation.states import AssignmentState, Part, RoundState
from core.errors import Conflict, Invalid
from core.models import AuditEvent
from tests import builders
from tests.builders import NOON

pytestmark = pytest.mark.django_db

FOURS = dict.fromkeys(builders.FOUR, "4")


@dataclass
class Scene:
    project: Project
    lea: User
    ana: Rater
    version: GuidelineVersion
    item: Item

    def make(self, **changes: object) -> GoldItem:
        given = {
            "item_id": self.item.pk,
            "version": self.version,
            "labels": {"safety": "5"},
            "reason": "It names the risk.",
            "by": self.lea,
        }
        return gold.make(**given | changes)  # type: ignore[arg-type]

    def round(self, *, state: RoundState = RoundState.OPEN, items: int = 4) -> Round:
        made = [
            builders.make_item(self.item.dataset, external_id=f"r{number}")
            for number in range(items)
        ]
        return builders.make_round(
            self.item.dataset, self.version, items=made, raters=[self.ana], overlap=1, state=state
        )

    def answer_gold(self, round_: Round, labels: dict[str, str]) -> Assignment:
        """Rate until the gold item comes, and answer it so."""
        while True:
            given = claim.next_slot(round_id=round_.pk, rater_id=self.ana.pk, now=NOON)
            assert given.assignment_id is not None
            row = Assignment.objects.get(pk=given.assignment_id)
            said = FOURS if row.gold_id is None else labels
            rating.submit(assignment_id=row.pk, rater=self.ana, labels=said, now=NOON)
            if row.gold_id is not None:
                row.refresh_from_db()
                return row


@pytest.fixture
def scene() -> Scene:
    project = builders.make_project()
    lea = builders.join(project, builders.make_user(username="lea"), Role.LEAD)
    ana = builders.join(project, builders.make_user(username="ana"), Role.RATER)
    return Scene(
        project=project,
        lea=lea,
        ana=builders.rater_of(project, ana),
        version=builders.make_guideline(project),
        item=builders.make_item(builders.make_dataset(project), external_id="g"),
    )


def test_a_gold_label_names_its_person_and_reason_and_the_item_leaves_its_part(
    scene: Scene,
) -> None:
    made = scene.make()
    label = made.labels.get()
    assert (label.dimension_key, label.label, label.version) == ("safety", "5", 1)
    assert (label.actor, label.reason) == (scene.lea.actor, "It names the risk.")
    scene.item.refresh_from_db()
    assert scene.item.part == Part.NONE
    assert AuditEvent.objects.filter(verb="gold.made").count() == 1


def test_a_change_appends_a_version_of_what_changed(scene: Scene) -> None:
    scene.make()
    made = scene.make(labels={"safety": "4", "clarity": "5"}, reason="Read again.")
    said = made.labels.values_list("dimension_key", "version", "label", "is_current")
    assert set(said) == {
        ("safety", 1, "5", False),
        ("clarity", 1, "5", True),
        ("safety", 2, "4", True),
    }


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"labels": {}}, "gold_empty"),
        ({"labels": {"safety": "9"}}, "gold_invalid"),
        ({"reason": " "}, "reason_missing"),
    ],
)
def test_labels_have_to_fit_and_to_have_a_reason(
    scene: Scene, changes: dict[str, object], code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        scene.make(**changes)
    assert refused.value.code == code


def test_a_sealed_item_and_its_siblings_are_refused(scene: Scene) -> None:
    sealed = builders.make_dataset(scene.project, name="sealed", share=0.5)
    SealedSet.objects.create(dataset=sealed)
    one = builders.make_item(sealed, external_id="s", part=Part.SEALED, cluster="c")
    sibling = builders.make_item(scene.item.dataset, external_id="t", input="Else", cluster="c")
    for item in (one, sibling):
        with pytest.raises(Conflict) as refused:
            scene.make(item_id=item.pk)
        assert refused.value.code == "gold_sealed"


def test_an_item_that_is_being_rated_is_refused_and_a_closed_round_is_no_hindrance(
    scene: Scene,
) -> None:
    round_ = builders.make_round(
        scene.item.dataset, scene.version, items=[scene.item], raters=[scene.ana], overlap=1
    )
    with pytest.raises(Conflict, match="Round 1"):
        scene.make()
    Round.objects.filter(pk=round_.pk).update(state=RoundState.CLOSED)
    scene.make()


def test_an_item_of_another_kind_is_refused(scene: Scene) -> None:
    pair = builders.make_pair(scene.item.dataset, external_id="p")
    with pytest.raises(Conflict) as refused:
        scene.make(item_id=pair.pk)
    assert refused.value.code == "gold_other_kind"


def test_gold_items_are_left_out_of_what_rounds_are_laid_with(scene: Scene) -> None:
    scene.make()
    assert not laying.servable_items(dataset=scene.item.dataset).exists()


def test_taken_back_before_anybody_had_it_the_item_is_in_its_part_again(scene: Scene) -> None:
    made = scene.make()
    assert gold.take_back(gold_id=made.pk, reason="Too easy.", by=scene.lea, now=NOON)
    scene.item.refresh_from_db()
    assert scene.item.part == Part.DEVELOPMENT
    with pytest.raises(Conflict):
        gold.take_back(gold_id=made.pk, reason="Again.", by=scene.lea, now=NOON)


def test_taken_back_after_somebody_had_it_the_item_stays_outside(scene: Scene) -> None:
    made = scene.make()
    round_ = scene.round()
    Round.objects.filter(pk=round_.pk).update(gold_every=2)
    scene.answer_gold(round_, FOURS)
    assert not gold.take_back(gold_id=made.pk, reason="Too easy.", by=scene.lea, now=NOON)
    scene.item.refresh_from_db()
    assert scene.item.part == Part.NONE


def test_accuracy_is_held_by_pass_and_fail_and_has_n_and_an_interval(scene: Scene) -> None:
    scene.make(labels={"safety": "5", "clarity": "5", "accuracy": "2"})
    round_ = scene.round()
    Round.objects.filter(pk=round_.pk).update(gold_every=2)
    scene.answer_gold(round_, FOURS)
    found = queries.accuracy(round_=round_, rater_ids=[scene.ana.pk, 0])
    mine = found[scene.ana.pk]
    assert mine.n == 3
    assert mine.value == pytest.approx(2 / 3)
    assert mine.interval is not None
    assert mine.interval.low < 2 / 3 < mine.interval.high
    assert found[0].undefined_because == queries.NO_GOLD


def test_where_the_round_tells_the_answer_can_no_longer_be_changed(scene: Scene) -> None:
    scene.make()
    round_ = scene.round()
    Round.objects.filter(pk=round_.pk).update(gold_every=2, shows_gold=True)
    row = scene.answer_gold(round_, FOURS | {"safety": "2"})
    assert row.told_at == NOON
    with pytest.raises(Conflict, match="told"):
        rating.amend(assignment_id=row.pk, rater=scene.ana, labels=FOURS, now=NOON)
    lines = queries.told_last(round_=Round.objects.get(), rater_id=scene.ana.pk)
    assert [(line.label, line.gold, line.is_met) for line in lines] == [("2", "5", False)]
    assert lines[0].reason == "It names the risk."


def test_where_the_round_tells_nothing_a_gold_answer_is_like_any_other(scene: Scene) -> None:
    scene.make()
    round_ = scene.round()
    Round.objects.filter(pk=round_.pk).update(gold_every=2)
    row = scene.answer_gold(round_, FOURS | {"safety": "2"})
    assert row.told_at is None
    assert queries.told(row) == []
    changed = rating.amend(assignment_id=row.pk, rater=scene.ana, labels=FOURS, now=NOON)
    assert changed == 1
    assert row.state == AssignmentState.SUBMITTED
