"""Gold items in a round: at the set rate, once to a rater, beside the round's own plan."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Project, Rater
from accounts.roles import Role
from annotation.models import Assignment, Item, Rating, ReferenceLabel, Round, RoundItem, RoundRater
from annotation.queries import health
from annotation.queries.labels import round_labels
from annotation.services import claim, rating
from annotation.states import AssignmentState
from tests import builders
from tests.builders import NOON

pytestmark = pytest.mark.django_db

FOURS = dict.fromkeys(builders.FOUR, "4")
EVERY = 4


class Scene:
    """A round of many items, `gold` gold items beside it, two raters."""

    def __init__(self, *, items: int = 12, gold: int = 5, every: int | None = EVERY) -> None:
        self.project: Project = builders.make_project()
        people = [builders.make_user(username=name) for name in ("ana", "ben")]
        self.raters: list[Rater] = [
            builders.rater_of(self.project, builders.join(self.project, one, Role.RATER))
            for one in people
        ]
        dataset = builders.make_dataset(self.project)
        made = [builders.make_item(dataset, external_id=f"i{n}") for n in range(items)]
        checks = [builders.make_item(dataset, external_id=f"g{n}") for n in range(gold)]
        version = builders.make_guideline(self.project)
        self.round: Round = builders.make_round(
            dataset, version, items=made, raters=self.raters, overlap=2
        )
        Round.objects.filter(pk=self.round.pk).update(gold_every=every)
        self.golds = [builders.make_gold(item, version) for item in checks]

    def take(self, rater: Rater, *, later: timedelta = timedelta()) -> Assignment | None:
        given = claim.next_slot(round_id=self.round.pk, rater_id=rater.pk, now=NOON + later)
        if given.assignment_id is None:
            return None
        return Assignment.objects.select_related("item").get(pk=given.assignment_id)

    def rate(self, rater: Rater) -> Assignment | None:
        row = self.take(rater)
        if row is not None:
            rating.submit(assignment_id=row.pk, rater=rater, labels=FOURS, now=NOON)
        return row

    def drain(self, rater: Rater) -> list[Assignment]:
        rows = []
        while (row := self.rate(rater)) is not None:
            rows.append(row)
        return rows

    def until_gold(self, rater: Rater) -> Assignment:
        """Rate up to, and without, the first gold item; it is leased."""
        while (row := self.take(rater)) is not None and row.gold_id is None:
            rating.submit(assignment_id=row.pk, rater=rater, labels=FOURS, now=NOON)
        assert row is not None
        return row


def test_one_item_in_each_so_many_is_gold() -> None:
    scene = Scene()
    ana = [row.gold_id is not None for row in scene.drain(scene.raters[0])]
    blocks = [ana[start : start + EVERY] for start in range(0, 12, EVERY)]
    assert [sum(block) for block in blocks] == [1] * 3


def test_the_place_of_gold_is_another_for_each_rater() -> None:
    scene = Scene(items=24, gold=9)
    places = [
        [place for place, row in enumerate(scene.drain(rater)) if row.gold_id is not None]
        for rater in scene.raters
    ]
    assert places[0] != places[1]


def test_a_round_without_a_rate_hands_out_no_gold() -> None:
    scene = Scene(every=None)
    assert [row for row in scene.drain(scene.raters[0]) if row.gold_id is not None] == []


def test_a_gold_item_goes_to_every_rater_and_once_to_each() -> None:
    scene = Scene(gold=3)
    for rater in scene.raters:
        scene.drain(rater)
    rows = Assignment.objects.filter(gold__isnull=False)
    assert rows.count() == 6
    assert len(set(rows.values_list("gold", "rater"))) == 6


def test_the_round_goes_on_when_no_gold_is_left() -> None:
    scene = Scene(gold=1)
    rows = scene.drain(scene.raters[0])
    assert [row.gold_id is None for row in rows].count(True) == 12
    assert len(rows) == 13


def test_a_gold_item_of_an_earlier_round_does_not_come_again() -> None:
    scene = Scene(gold=1)
    scene.drain(scene.raters[0])
    items = [item.item for item in RoundItem.objects.select_related("item")]
    second = builders.make_round(
        scene.round.dataset,
        scene.round.guideline_version,
        items=items,
        raters=scene.raters,
        name="Round 2",
    )
    Round.objects.filter(pk=second.pk).update(gold_every=EVERY)
    scene.round = second
    assert [row for row in scene.drain(scene.raters[0]) if row.gold_id is not None] == []


def test_gold_of_another_guideline_or_taken_back_is_not_served() -> None:
    scene = Scene(gold=2)
    other = builders.make_guideline(scene.project, name="Tone")
    type(scene.golds[0]).objects.filter(pk=scene.golds[0].pk).update(guideline=other.guideline)
    type(scene.golds[1]).objects.filter(pk=scene.golds[1].pk).update(withdrawn_at=NOON)
    assert [row for row in scene.drain(scene.raters[0]) if row.gold_id is not None] == []


def test_gold_fills_no_slot_and_feeds_no_label_and_no_agreement() -> None:
    scene = Scene()
    for rater in scene.raters:
        scene.drain(rater)
    gold_items = {gold.item_id for gold in scene.golds}
    assert set(RoundItem.objects.values_list("taken", "is_full")) == {(2, True)}
    assert Rating.objects.filter(assignment__gold__isnull=False).exists()
    assert not ReferenceLabel.objects.filter(item__in=gold_items).exists()
    rows = round_labels(round_id=scene.round.pk, dimension_key="safety")
    assert len(rows) == 24
    assert {row.item_id for row in rows}.isdisjoint(gold_items)


def test_gold_counts_as_work_of_the_rater_in_the_quota() -> None:
    scene = Scene()
    RoundRater.objects.filter(rater=scene.raters[0]).update(quota=8)
    rows = scene.drain(scene.raters[0])
    assert (len(rows), sum(row.gold_id is not None for row in rows)) == (8, 2)


def test_a_gold_lease_that_lapsed_may_still_be_submitted_and_to_others_there_is_room() -> None:
    scene = Scene(gold=1)
    ana, ben = scene.raters
    held = scene.until_gold(ana)
    claim.expire(NOON + timedelta(hours=2))
    other = scene.until_gold(ben)
    assert other.pk == held.pk
    rating.submit(assignment_id=held.pk, rater=ana, labels=FOURS, now=NOON)
    rating.submit(assignment_id=other.pk, rater=ben, labels=FOURS, now=NOON)
    mine = Assignment.objects.filter(gold=held.gold_id, state=AssignmentState.SUBMITTED)
    assert set(mine.values_list("rater", flat=True)) == {ana.pk, ben.pk}


def test_a_gold_item_that_is_passed_by_uses_up_its_turn_and_opens_no_slot() -> None:
    scene = Scene()
    ana = scene.raters[0]
    places = []
    while (row := scene.take(ana)) is not None:
        places.append(row.gold_id is not None)
        if row.gold_id is not None:
            rating.skip(assignment_id=row.pk, rater=ana, reason="Not my field", now=NOON)
        else:
            rating.submit(assignment_id=row.pk, rater=ana, labels=FOURS, now=NOON)
    blocks = [places[start : start + EVERY] for start in range(0, 12, EVERY)]
    assert [sum(block) for block in blocks] == [1, 1, 1]
    assert not Assignment.objects.filter(gold__isnull=False, state=AssignmentState.OPEN).exists()


def test_a_released_gold_item_is_the_same_again() -> None:
    scene = Scene()
    held = scene.until_gold(scene.raters[0])
    claim.release(assignment_id=held.pk, rater_id=scene.raters[0].pk, now=NOON)
    again = scene.take(scene.raters[0])
    assert again is not None
    assert again.gold_id == held.gold_id


def test_the_counters_stay_true_through_expiry_skips_and_late_answers() -> None:
    scene = Scene()
    ana = scene.raters[0]
    held = scene.until_gold(ana)
    claim.expire(NOON + timedelta(hours=2))
    rating.submit(assignment_id=held.pk, rater=ana, labels=FOURS, now=NOON)
    row = scene.take(ana)
    assert row is not None
    rating.skip(assignment_id=row.pk, rater=ana, reason="Not my field", now=NOON)
    scene.rate(ana)
    assert health.raters_counters_are_true().is_ok
    assert health.counters_are_true().is_ok
    assert health.nobody_is_over_overlap().is_ok


@pytest.mark.parametrize("size", [12, 200])
def test_a_gold_turn_costs_the_same_few_queries_in_a_large_round(size: int) -> None:
    scene = Scene(items=size, gold=size // 4)
    held = scene.until_gold(scene.raters[0])
    claim.release(assignment_id=held.pk, rater_id=scene.raters[0].pk, now=NOON)
    with CaptureQueriesContext(connection) as asked:
        again = scene.take(scene.raters[0])
    assert again is not None
    assert again.gold_id is not None
    assert len(asked) <= 22


def test_an_item_that_became_gold_in_the_same_round_stops_nobody() -> None:
    scene = Scene(items=8, gold=0)
    item = Item.objects.get(external_id="i0")
    builders.make_gold(item, scene.round.guideline_version)
    assert len(scene.drain(scene.raters[0])) in (8, 9)
