"""A new project from another one: its guidelines, perhaps its people, none of its data."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Project
from accounts.roles import Role
from annotation.models import Dataset, Guideline, GuidelineVersion
from annotation.queries import guidelines as queries
from annotation.services import guidelines
from annotation.states import VersionState
from tests import builders
from tests.builders import NOON
from tests.cast import Cast, ClientFor

pytestmark = pytest.mark.django_db

HERE = reverse("project_copy", args=["support"])
NEW = {"name": "Second", "slug": "second"}


@pytest.fixture
def tone(project: Project, cast: Cast) -> GuidelineVersion:
    """1.1 in force after 1.0, and a draft."""
    first = builders.make_guideline(project, name="Tone")
    draft = guidelines.new_draft(guideline=first.guideline, by=cast.lea)
    second = guidelines.publish(version_id=draft.pk, what_changed="More.", by=cast.lea, now=NOON)
    guidelines.new_draft(guideline=first.guideline, by=cast.lea)
    return second


def copied() -> Project:
    return Project.objects.get(slug="second")


def test_published_versions_come_along_in_force_and_to_the_letter(
    lea: Client, tone: GuidelineVersion
) -> None:
    lea.post(HERE, NEW)

    versions = GuidelineVersion.objects.filter(guideline__project=copied()).order_by("minor")
    assert [(one.number, one.state) for one in versions] == [
        ("1.0", VersionState.SUPERSEDED),
        ("1.1", VersionState.PUBLISHED),
    ]
    assert queries.writing_of(versions[1]) == queries.writing_of(tone)
    assert (versions[1].published_at, versions[1].author) == (NOON, tone.author)


def test_the_guidelines_of_both_projects_go_their_own_ways(
    lea: Client, tone: GuidelineVersion, cast: Cast
) -> None:
    lea.post(HERE, NEW)
    guideline = Guideline.objects.get(project=copied())
    assert guidelines.new_draft(guideline=guideline, by=cast.lea).number == "1.2"
    assert tone.guideline.versions.count() == 3


def test_drafts_and_data_stay_behind(lea: Client, project: Project) -> None:
    builders.make_guideline(project, name="Never out", publish=False)
    builders.make_item(builders.make_dataset(project))

    lea.post(HERE, NEW)

    assert not Guideline.objects.filter(project=copied()).exists()
    assert not Dataset.objects.filter(project=copied()).exists()


def test_who_makes_it_leads_and_administers_it_alone(lea: Client, cast: Cast) -> None:
    lea.post(HERE, NEW)
    (member,) = Membership.objects.filter(project=copied())
    assert member.user == cast.lea
    assert member.roles == frozenset({Role.LEAD, Role.ADMIN})


def test_an_admin_may_let_the_same_people_in(cast: Cast, client_for: ClientFor) -> None:
    client_for(cast.ada).post(HERE, NEW | {"people": "on"})
    members = {one.user: one.roles for one in Membership.objects.filter(project=copied())}
    assert members[cast.ana] == {Role.RATER}
    assert members[cast.lea] == {Role.LEAD}
    assert members[cast.ada] == {Role.LEAD, Role.ADMIN}


def test_a_lead_lets_nobody_in(lea: Client, cast: Cast) -> None:
    assert 'name="people"' not in lea.get(HERE).content.decode()
    lea.post(HERE, NEW | {"people": "on"})
    assert Membership.objects.filter(project=copied()).count() == 1


def test_an_address_that_is_taken_is_said_and_nothing_is_made(
    lea: Client, tone: GuidelineVersion
) -> None:
    answer = lea.post(HERE, {"name": "Again", "slug": "support"})
    assert answer.status_code == 422
    assert Project.objects.count() == 1
    assert Guideline.objects.count() == 1


def test_the_page_names_what_comes_along(lea: Client, tone: GuidelineVersion) -> None:
    assert "in force as they are here: <bdi>Tone</bdi>." in lea.get(HERE).content.decode()
