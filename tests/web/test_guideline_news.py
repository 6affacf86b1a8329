"""What a rater is told after the guideline changed, and where a rating names its version."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Project
from annotation.forms.rating import PREFIX
from annotation.models import Assignment, GuidelineVersion, Item, Round
from annotation.queries import guidelines as queries
from annotation.services import guidelines
from annotation.states import AssignmentState
from tests import builders
from tests.builders import NOON
from tests.cast import Cast, ClientFor

pytestmark = pytest.mark.django_db

NEW = "is new since your last item"
FOURS = {PREFIX + key: "4" for key in builders.FOUR}


@dataclass
class Desk:
    """Ana in a round of three items, one of which she has rated by 1.0."""

    client: Client
    round: Round
    items: list[Item]
    cast: Cast

    @property
    def version(self) -> GuidelineVersion:
        self.round.refresh_from_db()
        return self.round.guideline_version

    def page(self, round_: Round | None = None) -> str:
        address = reverse("rate", args=["support", (round_ or self.round).pk])
        return self.client.get(address).content.decode()

    def rate(self) -> None:
        self.page()
        row = Assignment.objects.get(round=self.round, state=AssignmentState.LEASED)
        self.client.post(reverse("rating_submit", args=["support", row.pk]), FOURS)

    def publish(self, words: str, *, cut: str = "4") -> GuidelineVersion:
        """A new version; a cut other than 4 makes it a major one."""
        draft = guidelines.new_draft(guideline=self.version.guideline, by=self.cast.lea)
        guidelines.save_draft(
            version_id=draft.pk,
            text=words,
            examples=[],
            dimensions=[replace(spec, cut=cut) for spec in queries.specs_of(self.version)],
            what_changed=words,
            by=self.cast.lea,
        )
        is_major = cut != "4"
        return guidelines.publish(
            version_id=draft.pk, is_major=is_major, by=self.cast.lea, now=NOON
        )

    def another_round(self, version: GuidelineVersion) -> Round:
        rater = builders.rater_of(self.round.project, self.cast.ana)
        return builders.make_round(
            self.round.dataset, version, items=self.items, raters=[rater], name="Round 2"
        )


@pytest.fixture
def desk(project: Project, cast: Cast, client_for: ClientFor) -> Desk:
    dataset = builders.make_dataset(project)
    items = [builders.make_item(dataset, external_id=f"i{n}") for n in range(3)]
    version = builders.make_guideline(project)
    rater = builders.rater_of(project, cast.ana)
    round_ = builders.make_round(dataset, version, items=items, raters=[rater])
    desk = Desk(client_for(cast.ana), round_, items, cast)
    desk.rate()
    return desk


def test_nothing_is_new_while_the_version_is_the_same(desk: Desk) -> None:
    assert NEW not in desk.page()


def test_a_new_version_is_told_until_the_next_item_is_rated(desk: Desk) -> None:
    desk.publish("Links count.")
    assert "Links count." in desk.page()
    desk.rate()
    assert NEW not in desk.page()


def test_every_version_in_between_says_what_it_changed(desk: Desk) -> None:
    desk.publish("Links count.")
    desk.publish("So do tables.")
    shown = desk.page()
    assert "Links count." in shown
    assert "So do tables." in shown
    assert "?before=1.0&amp;after=1.2" in shown


def test_what_is_new_can_be_put_away(desk: Desk) -> None:
    desk.publish("Links count.")
    address = reverse("news_read", args=["support", desk.round.pk])
    assert address in desk.page()
    answer = desk.client.post(address)
    assert answer["Location"] == reverse("rate", args=["support", desk.round.pk])
    assert NEW not in desk.page()


def test_what_was_put_away_does_not_hide_the_next_version(desk: Desk) -> None:
    desk.publish("Links count.")
    desk.client.post(reverse("news_read", args=["support", desk.round.pk]))
    desk.publish("So do tables.")
    assert "So do tables." in desk.page()


def test_a_major_version_is_told_in_the_round_that_follows(desk: Desk) -> None:
    version = desk.publish("Three is enough.", cut="3")
    shown = desk.page(desk.another_round(version))
    assert "Three is enough." in shown
    assert "Its meaning changed" in shown


def test_who_never_rated_by_the_guideline_is_told_nothing(
    desk: Desk, cast: Cast, client_for: ClientFor
) -> None:
    version = desk.publish("Links count.")
    ben = builders.rater_of(desk.round.project, cast.ben)
    round_ = builders.make_round(
        desk.round.dataset, version, items=desk.items, raters=[ben], name="Round 3"
    )
    page = client_for(cast.ben).get(reverse("rate", args=["support", round_.pk]))
    assert NEW not in page.content.decode()


def test_an_own_rating_names_the_version_that_it_was_given_by(desk: Desk) -> None:
    own = Assignment.objects.get(round=desk.round, state=AssignmentState.SUBMITTED)
    desk.publish("Links count.")
    page = desk.client.get(reverse("rating_own", args=["support", own.pk])).content.decode()
    assert "Guideline: <bdi>Helpfulness</bdi> 1.0" in page
    assert NEW not in page


def test_the_item_page_names_the_version_of_each_rating(desk: Desk, lea: Client) -> None:
    own = Assignment.objects.get(round=desk.round, state=AssignmentState.SUBMITTED)
    desk.publish("Links count.")
    page = lea.get(reverse("item", args=["support", own.item_id])).content.decode()
    assert "guideline 1.0" in page
