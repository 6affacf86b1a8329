"""A rater's own agreement: what it counts, what it never touches, and that it ends editing."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import Rater
from annotation.models import Assignment, Item, Round
from annotation.queries import feedback
from annotation.services import rating
from annotation.services.feedback import tell
from annotation.states import AssignmentState, Part, RoundState
from core.errors import Conflict
from tests import builders
from tests.builders import NOON
from tests.cast import Cast, ClientFor

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

GOOD, BAD = {"clarity": "5"}, {"clarity": "1"}


class Table:
    """Ten items, each rated by ana, ben and cem: ana differs from both on two of them."""

    def __init__(self, cast: Cast, *, shows: bool = True) -> None:
        project = cast.ana.memberships.get().project
        self.raters = [
            builders.rater_of(project, person) for person in (cast.ana, cast.ben, cast.cem)
        ]
        self.ana = self.raters[0]
        self.dataset = builders.make_dataset(project)
        self.items = [
            builders.make_item(self.dataset, external_id=f"i{n}", input=f"Question {n}?")
            for n in range(12)
        ]
        version = builders.make_guideline(project, keys=("clarity",))
        self.round: Round = builders.make_round(
            self.dataset, version, items=self.items, raters=self.raters, overlap=3
        )
        self.round.shows_own_agreement = shows
        self.round.save()
        for number, item in enumerate(self.items[:10]):
            self.rate(item, BAD if number < 2 else GOOD, GOOD, GOOD)

    def rate(self, item: Item, *said: dict[str, str]) -> None:
        for rater, labels in zip(self.raters, said, strict=False):
            builders.make_rating(self.round, item, rater, labels=labels)

    def own(self, item: Item) -> Assignment:
        return Assignment.objects.get(round=self.round, item=item, rater=self.ana)

    def tell(self, rater: Rater | None = None) -> int:
        return tell(round_id=self.round.pk, rater=rater or self.ana, now=NOON)

    def figure(self) -> feedback.OwnAgreement:
        (found,) = feedback.own_agreement(self.round, self.ana)
        return found


@pytest.fixture
def table(cast: Cast) -> Table:
    return Table(cast)


def test_own_labels_are_held_against_the_majority_of_the_others(table: Table) -> None:
    assert table.tell() == 10
    estimate = table.figure().with_others
    assert (estimate.value, estimate.n) == (0.8, 10)
    assert estimate.interval is not None
    # Wilson's interval of 8 in 10.
    assert [round(end, 3) for end in (estimate.interval.low, estimate.interval.high)] == [
        0.49,
        0.943,
    ]


def test_an_item_on_which_the_others_differ_says_nothing(table: Table) -> None:
    table.rate(table.items[10], GOOD, GOOD, BAD)
    assert table.tell() == 11
    assert table.figure().with_others.n == 10


def test_an_item_that_waits_for_somebody_is_not_told(table: Table) -> None:
    table.rate(table.items[10], GOOD, GOOD)
    assert table.tell() == 10
    assert table.own(table.items[10]).told_at is None


@pytest.mark.parametrize("how", ["part", "cluster"])
def test_an_item_that_touches_the_sealed_part_is_not_told(table: Table, how: str) -> None:
    table.rate(table.items[10], BAD, GOOD, GOOD)
    sealed = table.items[10] if how == "part" else table.items[11]
    Item.objects.filter(pk=sealed.pk).update(part=Part.SEALED, cluster_key="sealed")
    Item.objects.filter(pk=table.items[10].pk).update(cluster_key="sealed")
    assert table.tell() == 10
    assert table.figure().with_others.value == 0.8


def test_what_was_told_can_no_longer_be_changed(table: Table) -> None:
    row = table.own(table.items[0])
    rating.amend(assignment_id=row.pk, rater=table.ana, labels={"clarity": "2"}, now=NOON)
    table.tell()
    with pytest.raises(Conflict) as refused:
        rating.amend(assignment_id=row.pk, rater=table.ana, labels=GOOD, now=NOON)
    assert refused.value.code == "not_editable"


def test_the_others_may_still_change_theirs(table: Table) -> None:
    table.tell()
    row = Assignment.objects.get(item=table.items[0], rater=table.raters[1])
    assert rating.amend(assignment_id=row.pk, rater=table.raters[1], labels=BAD, now=NOON) == 1


def test_a_single_new_answer_is_not_told_apart(table: Table) -> None:
    table.tell()
    table.rate(table.items[10], BAD, GOOD, GOOD)
    with pytest.raises(Conflict) as refused:
        table.tell()
    assert refused.value.code == "too_few"
    assert table.figure().with_others.n == 10


def test_nine_answers_are_too_few_to_begin_with(table: Table) -> None:
    Assignment.objects.filter(item=table.items[9]).update(
        state=AssignmentState.WITHDRAWN, rater=None
    )
    with pytest.raises(Conflict) as refused:
        table.tell()
    assert refused.value.code == "too_few"


def test_nothing_is_told_where_the_lead_does_not_allow_it(cast: Cast) -> None:
    table = Table(cast, shows=False)
    with pytest.raises(Conflict) as refused:
        table.tell()
    assert refused.value.code == "not_shown"
    assert not Assignment.objects.filter(told_at__isnull=False).exists()


def test_open_slots_of_a_closed_round_wait_for_nobody(table: Table) -> None:
    table.rate(table.items[10], GOOD, GOOD)
    Round.objects.update(state=RoundState.CLOSED)
    assert table.tell() == 11


def test_gold_labels_are_a_figure_of_their_own(table: Table) -> None:
    for number in range(10):
        item = builders.make_item(table.dataset, external_id=f"g{number}", part=Part.NONE)
        gold = builders.make_gold(
            item, table.round.guideline_version, labels={"clarity": "4" if number < 7 else "2"}
        )
        row = Assignment.objects.create(
            round=table.round, item=item, gold=gold, rater=table.ana,
            state=AssignmentState.SUBMITTED, submitted_at=NOON,
            guideline_version=table.round.guideline_version,
        )  # fmt: skip
        row.ratings.create(dimension=table.round.guideline_version.dimensions.get(), label="5")
    assert table.tell() == 20
    found = table.figure()
    assert (found.with_gold.value, found.with_gold.n) == (0.7, 10)
    assert (found.with_others.value, found.with_others.n) == (0.8, 10)


def test_without_gold_items_there_is_a_reason(table: Table) -> None:
    table.tell()
    assert table.figure().with_gold.undefined_because == feedback.NO_GOLD


def test_the_page_says_what_it_ends_before_it_shows_anything(
    table: Table, cast: Cast, client_for: ClientFor
) -> None:
    client = client_for(cast.ana)
    url = reverse("my_round_agreement", args=["support", table.round.pk])
    before = client.get(url).content.decode()
    assert "you can no longer change these answers" in before
    assert "80.0" not in before
    assert not Assignment.objects.filter(told_at__isnull=False).exists()
    assert client.post(url).status_code == 302
    after = client.get(url).content.decode()
    assert "80.0" in after
    assert "It rests on 10 of your answers" in after
    assert client.post(url).status_code == 409


def test_the_list_names_only_rounds_that_allow_it(
    table: Table, cast: Cast, client_for: ClientFor
) -> None:
    url = reverse("my_agreement", args=["support"])
    assert "Round 1" in client_for(cast.ana).get(url).content.decode()
    Round.objects.update(shows_own_agreement=False)
    assert "Nothing to see here" in client_for(cast.ana).get(url).content.decode()
    page = client_for(cast.ana).get(reverse("my_round_agreement", args=["support", table.round.pk]))
    assert "Not shown in this round" in page.content.decode()
