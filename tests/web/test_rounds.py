"""The pages of rounds: setting one up, seeing how far it is, opening, pausing, closing."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import Project, Rater, User
from accounts.roles import Role
from annotation.models import Dataset, GuidelineVersion, Round
from annotation.states import Part, RoundKind, RoundState
from tests import builders

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
LABELS = {"accuracy": "4", "completeness": "4", "clarity": "5", "safety": "5"}


@pytest.fixture
def project() -> Project:
    return builders.make_project()


@pytest.fixture
def lea(project: Project) -> User:
    return builders.join(project, builders.make_user(username="lea"), Role.LEAD)


@pytest.fixture
def raters(project: Project) -> list[Rater]:
    people = [builders.make_user(username=name) for name in ("ana", "ben", "cem")]
    return [builders.rater_of(project, builders.join(project, one, Role.RATER)) for one in people]


@pytest.fixture
def dataset(project: Project) -> Dataset:
    dataset = builders.make_dataset(project)
    for number in range(2):
        builders.make_item(dataset, external_id=f"i{number}", input=f"Question {number}")
    return dataset


@pytest.fixture
def version(project: Project) -> GuidelineVersion:
    return builders.make_guideline(project)


@pytest.fixture
def data(dataset: Dataset, version: GuidelineVersion, raters: list[Rater]) -> dict[str, Any]:
    return {
        "name": "Round 1",
        "dataset": dataset.pk,
        "version": version.pk,
        "raters": [rater.pk for rater in raters],
        "overlap": 3,
        "kind": "standard",
    }


@pytest.fixture
def round_(dataset: Dataset, version: GuidelineVersion, raters: list[Rater]) -> Round:
    return builders.make_round(dataset, version, items=dataset.items.all(), raters=raters)


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


NEW = "round_new"


def test_a_round_is_set_up_with_the_usual_overlap_of_three(lea: User, data: dict[str, Any]) -> None:
    client = as_(lea)
    form = client.get(reverse(NEW, args=["support"])).context["form"]
    assert form["overlap"].value() == 3

    answer = client.post(reverse(NEW, args=["support"]), data)

    made = Round.objects.get()
    assert answer["Location"] == reverse("round", args=["support", made.pk])
    assert made.assignments.count() == 6


def test_all_raters_of_the_project_are_chosen_to_begin_with(
    lea: User, data: dict[str, Any], raters: list[Rater]
) -> None:
    form = as_(lea).get(reverse(NEW, args=["support"])).context["form"]
    assert form["raters"].value() == [rater.pk for rater in raters]


def test_raters_see_their_own_agreement_only_where_the_lead_says_so(
    lea: User, data: dict[str, Any]
) -> None:
    client = as_(lea)
    client.post(reverse(NEW, args=["support"]), data)
    client.post(
        reverse(NEW, args=["support"]), data | {"name": "Open cards", "shows_own_agreement": "on"}
    )
    shown = dict(Round.objects.values_list("name", "shows_own_agreement"))
    assert shown == {"Round 1": False, "Open cards": True}


BAD = [
    ({"overlap": 4}, "needs as many raters"),
    ({"overlap": 0}, "greater than or equal to 1"),
    ({"overlap": "many"}, "whole number"),
    ({"raters": []}, "Choose who rates"),
    ({"dataset": 99999}, "valid choice"),
    ({"version": "x"}, "valid choice"),
    ({"sample": -1}, "greater than or equal to 1"),
    ({"name": ""}, "required"),
]


@pytest.mark.parametrize(("change", "sentence"), BAD)
def test_a_round_that_cannot_work_is_refused_with_a_sentence(
    lea: User, data: dict[str, Any], change: dict[str, Any], sentence: str
) -> None:
    answer = as_(lea).post(reverse(NEW, args=["support"]), data | change)

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Round.objects.exists()


def test_a_pairwise_guideline_refuses_single_items(
    lea: User, data: dict[str, Any], project: Project
) -> None:
    pairwise = builders.make_guideline(project, name="Which", pairwise=True)

    answer = as_(lea).post(reverse(NEW, args=["support"]), data | {"version": pairwise.pk})

    assert answer.status_code == 422
    assert "compares two responses" in answer.content.decode()


def test_a_dataset_of_another_project_is_no_choice(lea: User, data: dict[str, Any]) -> None:
    foreign = builders.make_dataset(builders.make_project(slug="other"))
    builders.make_item(foreign)

    answer = as_(lea).post(reverse(NEW, args=["support"]), data | {"dataset": foreign.pk})

    assert answer.status_code == 422


def test_parts_are_offered_only_where_something_is_sealed(
    lea: User, data: dict[str, Any], dataset: Dataset
) -> None:
    page = reverse(NEW, args=["support"])
    assert "parts" not in as_(lea).get(page).context["form"].fields
    Dataset.objects.filter(pk=dataset.pk).update(share=0.5)
    dataset.items.filter(external_id="i0").update(part=Part.SEALED)

    as_(lea).post(page, data | {"parts": ["sealed"]})

    assert Round.objects.get().round_items.get().item.external_id == "i0"


def test_without_items_the_page_says_what_comes_first(lea: User) -> None:
    page = as_(lea).get(reverse(NEW, args=["support"])).content.decode()
    assert "import a dataset" in page
    assert "write and publish one" in page


def test_the_round_page_shows_counts_of_every_rater(lea: User, round_: Round) -> None:
    rater = Rater.objects.get(name="Ana")
    builders.make_rating(round_, round_.round_items.all()[0].item, rater, labels=LABELS)

    page = as_(lea).get(reverse("round", args=["support", round_.pk])).content.decode()

    assert "1 of 6" in page
    assert all(name in page for name in ("Ana", "Ben", "Cem"))


def test_a_round_of_imported_labels_neither_waits_for_raters_nor_shows_a_pace(
    lea: User, dataset: Dataset, version: GuidelineVersion
) -> None:
    round_ = builders.make_round(
        dataset, version, items=(), raters=(), kind=RoundKind.IMPORTED, state=RoundState.CLOSED
    )
    page = as_(lea).get(reverse("round", args=["support", round_.pk])).content.decode()
    assert "Its labels were brought in" in page
    assert "in the last hour" not in page


def test_an_open_round_asks_for_its_progress_again_and_a_closed_one_stops(
    lea: User, round_: Round
) -> None:
    url = reverse("round", args=["support", round_.pk])
    fragment = as_(lea).get(url, headers=HTMX).content.decode()
    assert fragment.lstrip().startswith('<section id="round-progress"')
    assert 'hx-trigger="every 5s"' in fragment

    Round.objects.update(state=RoundState.CLOSED)

    assert "hx-trigger" not in as_(lea).get(url, headers=HTMX).content.decode()


STATES = [
    ("round_open", RoundState.DRAFT, RoundState.OPEN),
    ("round_pause", RoundState.OPEN, RoundState.PAUSED),
    ("round_resume", RoundState.PAUSED, RoundState.OPEN),
    ("round_close", RoundState.OPEN, RoundState.CLOSED),
]


@pytest.mark.parametrize(("name", "before", "after"), STATES)
def test_a_button_moves_the_round(
    lea: User, round_: Round, name: str, before: RoundState, after: RoundState
) -> None:
    Round.objects.update(state=before)

    as_(lea).post(reverse(name, args=["support", round_.pk]))

    round_.refresh_from_db()
    assert round_.state == after


def test_closing_asks_once(lea: User, round_: Round) -> None:
    page = as_(lea).get(reverse("round_close", args=["support", round_.pk]))

    round_.refresh_from_db()
    assert b"does not open again" in page.content
    assert round_.state == RoundState.OPEN


def test_an_act_that_does_not_fit_the_state_is_a_conflict(lea: User, round_: Round) -> None:
    answer = as_(lea).post(reverse("round_resume", args=["support", round_.pk]))
    assert answer.status_code == 409
    assert b"This round is open" in answer.content


def test_more_raters_join(lea: User, round_: Round, project: Project) -> None:
    dora = builders.join(project, builders.make_user(username="dora"), Role.RATER)
    url = reverse("round_raters", args=["support", round_.pk])

    as_(lea).post(url, {"raters": [builders.rater_of(project, dora).pk]})

    assert round_.round_raters.filter(rater__name="Dora").exists()


def test_adding_nobody_is_refused(lea: User, round_: Round, project: Project) -> None:
    builders.join(project, builders.make_user(username="dora"), Role.RATER)
    answer = as_(lea).post(reverse("round_raters", args=["support", round_.pk]), {})
    assert answer.status_code == 422
    assert b"Choose somebody" in answer.content


ALL = ["rounds", NEW, "round", "round_close"]


def address(name: str, round_: Round) -> str:
    return reverse(name, args=["support"] if name in ("rounds", NEW) else ["support", round_.pk])


@pytest.mark.parametrize("name", ALL)
def test_an_outsider_finds_nothing(name: str, round_: Round) -> None:
    assert as_(builders.make_user(username="olu")).get(address(name, round_)).status_code == 404


@pytest.mark.parametrize("name", ALL)
def test_a_rater_is_not_let_in(name: str, round_: Round) -> None:
    ana = User.objects.get(username="ana")
    assert as_(ana).get(address(name, round_)).status_code == 403


@pytest.mark.parametrize("name", ["round_open", "round_pause", "round_resume", "round_raters"])
def test_acts_are_posts_of_a_lead(name: str, round_: Round, lea: User, project: Project) -> None:
    ada = builders.join(project, builders.make_user(username="ada"), Role.ADMIN)
    url = reverse(name, args=["support", round_.pk])
    assert as_(lea).get(url).status_code == 405
    assert as_(ada).post(url).status_code == 403


def test_a_round_of_another_project_is_not_there(lea: User, round_: Round) -> None:
    builders.join(builders.make_project(slug="other"), lea, Role.LEAD)
    assert as_(lea).get(reverse("round", args=["other", round_.pk])).status_code == 404


@pytest.mark.parametrize("name", ["rounds", "round"])
def test_a_page_costs_the_same_however_many_ratings_there_are(
    name: str, lea: User, round_: Round, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for item in round_.round_items.select_related("item"):
        for rater in Rater.objects.all():
            builders.make_rating(round_, item.item, rater, labels=LABELS)
    client = as_(lea)

    with django_assert_max_num_queries(26):
        assert client.get(address(name, round_)).status_code == 200
