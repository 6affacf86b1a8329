"""Claims: near completion first, in an own order, never twice, never more than the overlap."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import Project, Rater
from accounts.roles import Role
from annotation.models import Assignment, Content, Draft, Item, Round, RoundItem, RoundRater
from annotation.rules import display
from annotation.services import candidates, claim
from annotation.states import AssignmentState, RoundState
from core.errors import Conflict
from tests import builders
from tests.builders import NOON

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(hours=2)


@pytest.fixture
def project() -> Project:
    return builders.make_project()


@pytest.fixture
def raters(project: Project) -> list[Rater]:
    people = [builders.make_user(username=name) for name in ("ana", "ben", "cem", "dua")]
    return [builders.rater_of(project, builders.join(project, one, Role.RATER)) for one in people]


@pytest.fixture
def items(project: Project) -> list[Item]:
    dataset = builders.make_dataset(project)
    return [builders.make_item(dataset, external_id=f"i{n}", input=f"Q {n}") for n in range(6)]


def make_round(
    project: Project, items: list[Item], raters: list[Rater], *, overlap: int = 2
) -> Round:
    version = builders.make_guideline(project)
    return builders.make_round(
        items[0].dataset, version, items=items, raters=raters, overlap=overlap
    )


def take(round_: Round, rater: Rater) -> Assignment:
    given = claim.next_slot(round_id=round_.pk, rater_id=rater.pk, now=NOON)
    assert given.assignment_id is not None, given.reason
    return Assignment.objects.get(pk=given.assignment_id)


def finish(row: Assignment) -> None:
    Assignment.objects.filter(pk=row.pk).update(
        state=AssignmentState.SUBMITTED, lease_until=None, submitted_at=NOON
    )
    RoundRater.objects.filter(round=row.round_id, rater=row.rater_id).update(
        answered=F("answered") + 1
    )


def drain(round_: Round, rater: Rater) -> list[int]:
    """The items that a rater gets until there are none, in order."""
    got: list[int] = []
    while True:
        given = claim.next_slot(round_id=round_.pk, rater_id=rater.pk, now=NOON)
        if given.assignment_id is None:
            assert given.reason == claim.Reason.NOTHING_LEFT
            return got
        row = Assignment.objects.get(pk=given.assignment_id)
        got.append(row.item_id)
        finish(row)


def test_a_claim_leases_a_slot_and_records_version_and_time(
    project: Project, items: list[Item], raters: list[Rater]
) -> None:
    round_ = make_round(project, items, raters)
    row = take(round_, raters[0])
    assert row.state == AssignmentState.LEASED
    assert row.rater_id == raters[0].pk
    assert row.leased_at == NOON
    assert row.lease_until == NOON + claim.lease_time()
    assert row.guideline_version_id == round_.guideline_version_id
    assert RoundItem.objects.get(round=round_, item=row.item_id).taken == 1


def test_asking_again_gives_the_same_item_with_a_renewed_lease(
    project: Project, items: list[Item], raters: list[Rater]
) -> None:
    round_ = make_round(project, items, raters)
    first = take(round_, raters[0])
    later = NOON + timedelta(minutes=5)
    again = claim.next_slot(round_id=round_.pk, rater_id=raters[0].pk, now=later)
    first.refresh_from_db()
    assert again.assignment_id == first.pk
    assert first.lease_until == later + claim.lease_time()


def test_an_item_near_completion_comes_first(
    project: Project, items: list[Item], raters: list[Rater]
) -> None:
    round_ = make_round(project, items, raters)
    begun = {take(round_, raters[0]).item_id}
    assert take(round_, raters[1]).item_id in begun


def test_a_rater_gets_every_item_once_and_no_item_twice(
    project: Project, items: list[Item], raters: list[Rater]
) -> None:
    round_ = make_round(project, items, raters)
    got = drain(round_, raters[0])
    assert sorted(got) == sorted(item.pk for item in items)


def test_no_item_is_given_to_more_raters_than_the_overlap(
    project: Project, items: list[Item], raters: list[Rater]
) -> None:
    round_ = make_round(project, items, raters, overlap=2)
    counts = [len(drain(round_, rater)) for rater in raters]
    assert counts == [6, 6, 0, 0]
    assert set(RoundItem.objects.values_list("taken", "is_full")) == {(2, True)}


def test_raters_get_the_items_in_orders_of_their_own(
    project: Project, items: list[Item], raters: list[Rater]
) -> None:
    round_ = make_round(project, items, raters, overlap=4)
    round_.salt = "fixed"
    round_.save(update_fields=["salt"])
    expected = [
        min(
            (display.item_order_key("fixed", rater=rater.pk, item=item.pk), item.pk)
            for item in items
        )[1]
        for rater in raters
    ]
    first = []
    for rater in raters:
        row = take(round_, rater)
        first.append(row.item_id)
        claim.release(assignment_id=row.pk, rater_id=rater.pk, now=NOON)
    assert first == expected
    assert len(set(first)) > 1


def test_a_released_item_is_the_same_again_at_the_next_claim(
    project: Project, items: list[Item], raters: list[Rater]
) -> None:
    round_ = make_round(project, items, raters)
    first = take(round_, raters[0])
    claim.release(assignment_id=first.pk, rater_id=raters[0].pk, now=NOON)
    assert RoundItem.objects.get(round=round_, item=first.item_id).taken == 0
    assert take(round_, raters[0]).item_id == first.item_id


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (RoundState.PAUSED, claim.Reason.PAUSED),
        (RoundState.CLOSED, claim.Reason.CLOSED),
        (RoundState.DRAFT, claim.Reason.NOT_OPEN),
    ],
)
def test_a_round_that_is_not_open_hands_out_nothing_and_says_why(
    project: Project,
    items: list[Item],
    raters: list[Rater],
    state: RoundState,
    reason: claim.Reason,
) -> None:
    round_ = make_round(project, items, raters)
    Round.objects.filter(pk=round_.pk).update(state=state)
    given = claim.next_slot(round_id=round_.pk, rater_id=raters[0].pk, now=NOON)
    assert given == claim.Claim(None, reason)


def test_what_a_rater_holds_when_the_round_is_paused_may_be_finished(
    project: Project, items: list[Item], raters: list[Rater]
) -> None:
    round_ = make_round(project, items, raters)
    row = take(round_, raters[0])
    Round.objects.filter(pk=round_.pk).update(state=RoundState.PAUSED)
    given = claim.next_slot(round_id=round_.pk, rater_id=raters[0].pk, now=NOON)
    late = claim.next_slot(round_id=round_.pk, rater_id=raters[0].pk, now=LATER)
    assert given.assignment_id == row.pk
    assert late.reason == claim.Reason.PAUSED


def test_the_quota_ends_what_a_rater_gets(
    project: Project, items: list[Item], raters: list[Rater]
) -> None:
    round_ = make_round(project, items, raters)
    RoundRater.objects.filter(rater=raters[0]).update(quota=2)
    for _ in range(2):
        finish(take(round_, raters[0]))
    given = claim.next_slot(round_id=round_.pk, rater_id=raters[0].pk, now=NOON)
    assert given.reason == claim.Reason.QUOTA_REACHED


def test_somebody_who_left_the_round_gets_nothing(
    project: Project, items: list[Item], raters: list[Rater]
) -> None:
    round_ = make_round(project, items, raters)
    RoundRater.objects.filter(rater=raters[0]).update(removed_at=NOON)
    given = claim.next_slot(round_id=round_.pk, rater_id=raters[0].pk, now=NOON)
    assert given.reason == claim.Reason.NOT_A_RATER


def test_items_withdrawn_erased_or_without_text_are_not_served(
    project: Project, items: list[Item], raters: list[Rater]
) -> None:
    round_ = make_round(project, items, raters)
    Item.objects.filter(pk=items[0].pk).update(withdrawn_at=NOON)
    Item.objects.filter(pk=items[2].pk).update(content=None)
    content = items[3].content
    assert content is not None
    content.erased_at = NOON
    content.save()
    served = [items[1].pk, items[4].pk, items[5].pk]
    assert sorted(drain(round_, raters[0])) == served


def test_a_lapsed_lease_goes_back_and_leaves_a_draft_that_says_who_had_it(
    project: Project, items: list[Item], raters: list[Rater]
) -> None:
    round_ = make_round(project, items, raters)
    row = take(round_, raters[0])
    assert claim.expire(NOON) == 0
    assert claim.expire(LATER) == 1
    row.refresh_from_db()
    assert (row.state, row.rater_id, row.lease_until) == (AssignmentState.OPEN, None, None)
    assert RoundItem.objects.get(round=round_, item=row.item_id).taken == 0
    assert Draft.objects.filter(round=round_, item=row.item_id, rater=raters[0]).exists()


def test_a_claim_takes_back_what_lapsed_in_its_round(
    project: Project, items: list[Item], raters: list[Rater]
) -> None:
    round_ = make_round(project, items[:1], raters, overlap=1)
    row = take(round_, raters[0])
    given = claim.next_slot(round_id=round_.pk, rater_id=raters[1].pk, now=LATER)
    assert given.assignment_id == row.pk


def test_a_rater_who_comes_back_late_keeps_a_lease_that_nobody_took_back(
    project: Project, items: list[Item], raters: list[Rater]
) -> None:
    round_ = make_round(project, items, raters)
    row = take(round_, raters[0])
    again = claim.next_slot(round_id=round_.pk, rater_id=raters[0].pk, now=LATER)
    assert again.assignment_id == row.pk


def test_renewing_a_lost_lease_is_a_conflict(
    project: Project, items: list[Item], raters: list[Rater]
) -> None:
    round_ = make_round(project, items, raters)
    row = take(round_, raters[0])
    claim.renew(assignment_id=row.pk, rater_id=raters[0].pk, now=LATER)
    row.refresh_from_db()
    assert row.lease_until == LATER + claim.lease_time()
    claim.release(assignment_id=row.pk, rater_id=raters[0].pk, now=LATER)
    with pytest.raises(Conflict) as refused:
        claim.renew(assignment_id=row.pk, rater_id=raters[0].pk, now=LATER)
    assert refused.value.code == "lease_lost"


def test_pairs_are_swapped_by_the_rule_and_single_responses_never(
    project: Project, raters: list[Rater]
) -> None:
    dataset = builders.make_dataset(project)
    pairs = [builders.make_pair(dataset, external_id=f"p{n}") for n in range(8)]
    version = builders.make_guideline(project, pairwise=True)
    round_ = builders.make_round(dataset, version, items=pairs, raters=raters, overlap=4)
    for rater in raters:
        drain(round_, rater)
    rows = list(Assignment.objects.filter(round=round_))
    for row in rows:
        assert row.is_swapped == display.is_swapped(
            round_.salt, rater=row.rater_id, item=row.item_id
        )
    assert {row.is_swapped for row in rows} == {True, False}


def test_an_item_whose_slots_are_gone_although_it_is_not_full_stops_nobody(
    project: Project, items: list[Item], raters: list[Rater]
) -> None:
    round_ = make_round(project, items, raters, overlap=1)
    Assignment.objects.filter(item=items[0]).update(state=AssignmentState.WITHDRAWN)
    for _ in range(5):
        finish(take(round_, raters[0]))


@pytest.mark.parametrize("size", [10, 300])
def test_a_claim_costs_the_same_few_queries_in_a_large_round(
    project: Project,
    raters: list[Rater],
    django_assert_max_num_queries: DjangoAssertNumQueries,
    size: int,
) -> None:
    dataset = builders.make_dataset(project)
    items = [builders.make_item(dataset, external_id=f"x{n}") for n in range(size)]
    round_ = make_round(project, items, raters, overlap=3)
    finish(take(round_, raters[0]))
    with django_assert_max_num_queries(14):
        take(round_, raters[0])


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL draws the conclusion itself")
def test_a_free_slot_is_looked_for_in_the_index_of_slots(
    project: Project, raters: list[Rater], items: list[Item]
) -> None:
    """By the item alone every row that the item ever had would be read."""
    round_ = make_round(project, items, raters)
    sql, params = claim._open_slot.asked(round_id=round_.pk, item_id=items[0].pk)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
        plan = [row[3] for row in cursor.fetchall()]
    assert len(plan) == 1
    assert "USING INDEX assignment_slot_once (round_id=? AND item_id=?)" in plan[0]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the same index on PostgreSQL")
def test_what_is_kept_is_looked_for_among_what_is_kept(
    project: Project, raters: list[Rater], items: list[Item]
) -> None:
    """Each claim asks for it, so that it must not read the rows of the round or of the rater."""
    round_ = make_round(project, items, raters)
    for sql, params in (
        candidates._kept.asked(round_id=round_.pk, rater_id=raters[0].pk),
        claim._kept_slot.asked(round_id=round_.pk, item_id=1, rater_id=raters[0].pk),
    ):
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
            plan = [row[3] for row in cursor.fetchall()]
        assert "USING INDEX assignment_kept (kept_for_id=? AND round_id=?)" in plan[0]


def test_a_rater_stays_at_one_place_of_the_round_for_a_while(
    project: Project, raters: list[Rater]
) -> None:
    """So that what lies there is read once; then the next place comes."""
    dataset = builders.make_dataset(project)
    items = [builders.make_item(dataset, external_id=f"x{n}") for n in range(60)]
    round_ = make_round(project, items, raters[:1])
    places = dict(RoundItem.objects.filter(round=round_).values_list("item", "shuffle"))
    taken: set[int] = set()
    for turn in range(2 * candidates.SAME_START):
        block = turn // candidates.SAME_START
        start = display.starting_point(round_.salt, rater=raters[0].pk, turn=block)
        free = sorted(places.keys() - taken, key=lambda one: (places[one] < start, places[one]))
        row = take(round_, raters[0])
        assert row.item_id in free[: candidates.FEW]
        finish(row)
        taken.add(row.item_id)


@pytest.mark.parametrize("hidden", [candidates.FEW, candidates.WINDOW])
def test_what_cannot_be_given_hides_nothing_that_can(
    project: Project, raters: list[Rater], hidden: int
) -> None:
    """However many of the items that come first in the rater's order have lost their texts."""
    dataset = builders.make_dataset(project)
    items = [builders.make_item(dataset, external_id=f"x{n}") for n in range(hidden + 1)]
    round_ = make_round(project, items, raters)
    for left in items:
        texts = Content.objects.filter(item__in=items)
        texts.exclude(item=left).update(erased_at=NOON)
        texts.filter(item=left).update(erased_at=None)
        row = take(round_, raters[0])
        assert row.item_id == left.pk
        claim.release(assignment_id=row.pk, rater_id=raters[0].pk, now=NOON)
        Draft.objects.all().delete()
