"""The pages of gold items, and what a rater is told."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import Project, Rater, User
from accounts.roles import Role
from annotation.models import Assignment, GoldItem, GuidelineVersion, Item, Round, RoundRater
from annotation.services import datasets
from annotation.states import AssignmentState, Part, RoundState
from core import registry
from tests import builders

pytestmark = pytest.mark.django_db

FOURS = {f"d-{key}": "4" for key in builders.FOUR}


@pytest.fixture
def project() -> Project:
    return builders.make_project()


@pytest.fixture
def lea(project: Project) -> User:
    return builders.join(project, builders.make_user(username="lea"), Role.LEAD, Role.RATER)


@pytest.fixture
def ana(project: Project) -> Rater:
    user = builders.join(project, builders.make_user(username="ana"), Role.RATER)
    return builders.rater_of(project, user)


@pytest.fixture
def version(project: Project) -> GuidelineVersion:
    return builders.make_guideline(project)


@pytest.fixture
def item(project: Project) -> Item:
    return builders.make_item(builders.make_dataset(project), external_id="g1")


def as_(user: User | None) -> Client:
    assert user is not None
    client = Client()
    client.force_login(user)
    return client


def test_a_lead_makes_an_item_gold_from_its_page(
    lea: User, version: GuidelineVersion, item: Item
) -> None:
    client = as_(lea)
    url = reverse("item_gold", args=["support", item.pk])
    assert url in client.get(reverse("item", args=["support", item.pk])).content.decode()

    answer = client.post(url, {"d-safety": "5", "reason": "It names the risk."})

    assert answer["Location"] == reverse("gold", args=["support"])
    assert GoldItem.objects.get().item == item
    listed = client.get(answer["Location"]).content.decode()
    assert "It names the risk." in listed


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"d-safety": "5"}, "Say why"),
        ({"d-safety": "9", "reason": "So."}, "valid choice"),
        ({"reason": "So."}, "right label on one dimension"),
    ],
)
def test_what_is_missing_is_said(
    lea: User, version: GuidelineVersion, item: Item, data: dict[str, Any], sentence: str
) -> None:
    answer = as_(lea).post(reverse("item_gold", args=["support", item.pk]), data)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()


def test_without_a_guideline_in_force_the_page_says_what_to_do_first(lea: User, item: Item) -> None:
    shown = as_(lea).get(reverse("item_gold", args=["support", item.pk])).content.decode()
    assert "No guideline in force" in shown


def test_a_gold_item_is_taken_back_with_a_reason(
    lea: User, version: GuidelineVersion, item: Item
) -> None:
    gold = builders.make_gold(item, version)
    url = reverse("gold_take_back", args=["support", gold.pk])
    assert as_(lea).post(url, {}).status_code == 422
    assert as_(lea).post(url, {"reason": "Too easy."}).status_code == 302
    gold.refresh_from_db()
    assert gold.withdrawn_at is not None


def test_the_list_is_searched_and_costs_the_same_for_many(
    lea: User,
    version: GuidelineVersion,
    item: Item,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(20):
        one = builders.make_item(item.dataset, external_id=f"x{number}", input=f"Tell {number}")
        builders.make_gold(one, version)
    client = as_(lea)
    with django_assert_max_num_queries(20):
        shown = client.get(reverse("gold", args=["support"]) + "?q=Tell 7").content.decode()
    assert "Tell 7" in shown
    assert "Tell 8" not in shown


def test_a_lead_who_may_yet_be_given_gold_reads_no_gold_label(
    lea: User, version: GuidelineVersion, item: Item
) -> None:
    builders.make_gold(item, version, reason="What only others read.")
    round_ = builders.make_round(item.dataset, version, items=(), raters=())
    Round.objects.filter(pk=round_.pk).update(gold_every=20)
    RoundRater.objects.create(round=round_, rater=builders.rater_of(round_.project, lea))
    for url in (
        reverse("gold", args=["support"]),
        reverse("item_gold", args=["support", item.pk]),
    ):
        assert "What only others read." not in as_(lea).get(url).content.decode()


def test_what_others_said_of_a_gold_item_waits_until_who_may_be_given_it_is_through(
    lea: User, ana: Rater, project: Project, version: GuidelineVersion
) -> None:
    """It was rated in an earlier round: there its labels would tell the gold ones."""
    dataset = builders.make_dataset(project)
    items = [builders.make_item(dataset, external_id=f"i{n}", input=f"Ask {n}") for n in (1, 2)]
    ben = builders.rater_of(
        project, builders.join(project, builders.make_user(username="ben"), Role.RATER)
    )
    raters = [ana, ben]
    earlier = builders.make_round(dataset, version, items=items, raters=raters, overlap=2)
    for item in items:
        for rater, label in zip(raters, "15", strict=True):
            builders.make_rating(earlier, item, rater, labels={"safety": label})
    Round.objects.update(state=RoundState.CLOSED)
    builders.make_gold(items[0], version)
    lea_reads = Reads(lea, earlier, items[0])
    assert lea_reads.everything() == (True, {"Ask 1", "Ask 2"}, {"i1", "i2"}, {"i1", "i2"})

    later = builders.make_round(dataset, version, items=(), raters=(), name="Round 2")
    Round.objects.filter(pk=later.pk).update(gold_every=20)
    place = RoundRater.objects.create(round=later, rater=builders.rater_of(project, lea))

    assert lea_reads.everything() == (False, {"Ask 2"}, {"i2"}, {"i2"})
    for change in (
        {"state": RoundState.CLOSED},
        {"gold_every": None},
        {"guideline_version": builders.make_guideline(project, name="Tone")},
    ):
        before = {name: getattr(later, name) for name in change} | {"gold_every": 20}
        Round.objects.filter(pk=later.pk).update(**change)
        assert lea_reads.everything()[0] is True, change
        Round.objects.filter(pk=later.pk).update(**before)
    RoundRater.objects.filter(pk=place.pk).update(removed_at=builders.NOON)
    assert lea_reads.everything()[0] is True


@dataclass
class Reads:
    """What a lead reads of a round that was rated, and of one of its items."""

    user: User
    round: Round
    item: Item

    def everything(self) -> tuple[bool, set[str], set[str], set[str]]:
        """Whether the item's page shows a rater's label; the items that differ, and those in the
        exports of ratings and of items."""
        client = as_(self.user)
        page = client.get(reverse("item", args=["support", self.item.pk])).content.decode()
        differing = reverse("round_differences", args=["support", self.round.pk])
        found = client.get(differing, {"dimension": "safety"}).content.decode()
        return (
            "<bdi>Ben</bdi>" in page or ">Ben<" in page,
            set(re.findall(r"Ask \d", found)),
            self.exported("ratings", "item"),
            self.exported("items", "id"),
        )

    def exported(self, table: str, name: str) -> set[str]:
        answer = as_(self.user).get(reverse("export_download", args=["support", table, "jsonl"]))
        rows = answer.getvalue().decode().splitlines()
        return {json.loads(row)[name] for row in rows}


@pytest.mark.parametrize("is_told", [True, False])
def test_a_rater_is_told_of_a_gold_item_only_where_the_round_tells(
    ana: Rater, version: GuidelineVersion, item: Item, *, is_told: bool
) -> None:
    builders.make_gold(item, version, reason="As in the second example.")
    made = [builders.make_item(item.dataset, external_id=f"r{n}") for n in range(3)]
    round_ = builders.make_round(item.dataset, version, items=made, raters=[ana], overlap=1)
    Round.objects.filter(pk=round_.pk).update(gold_every=2, shows_gold=is_told)
    client = as_(ana.user)
    shown = ""
    while not Assignment.objects.filter(
        gold__isnull=False, state=AssignmentState.SUBMITTED
    ).exists():
        assert (
            "gold" not in client.get(reverse("rate", args=["support", round_.pk])).content.decode()
        )
        row = Assignment.objects.get(state=AssignmentState.LEASED)
        shown = client.post(
            reverse("rating_submit", args=["support", row.pk]), FOURS, follow=True
        ).content.decode()
    assert ("As in the second example." in shown) is is_told
    answered = Assignment.objects.get(gold__isnull=False)
    own = client.get(reverse("rating_own", args=["support", answered.pk])).content.decode()
    assert ("This was a gold item." in own) is is_told


def test_a_judge_author_reads_no_text_of_a_sealed_item_on_the_gold_page(
    lea: User,
    project: Project,
    version: GuidelineVersion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sealed = datasets.create(project=project, name="s", share=0.5, actor="u1")
    item = builders.make_item(sealed, external_id="x", input="Where is the key?", part=Part.SEALED)
    url = reverse("item_gold", args=["support", item.pk])
    assert "Where is the key?" in as_(lea).get(url).content.decode()
    monkeypatch.setitem(registry._bars, "judge authors", lambda _, user: user == lea.pk)
    closed = as_(lea).get(url).content.decode()
    assert "Where is the key?" not in closed
    assert "This item is sealed" in closed
