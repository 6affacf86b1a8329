"""The pages of contested items: the list, one at a time, deciding, gold, and who sees what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache
from django.urls import reverse

from accounts.roles import Role
from annotation.models import GoldItem, Rating, ReferenceLabel, Round, RoundRater
from annotation.states import Method, Part, RoundState
from tests import builders
from tests.contested import Scene, make_scene

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import Project
    from tests.cast import Cast, ClientFor

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

WHY = "It names no way to cancel."


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> None:
    cache.clear()


@pytest.fixture
def scene(project: Project, cast: Cast) -> Scene:
    made = make_scene(*[("A", "B", "tie")] * 3, project=project, cast=cast)
    Rating.objects.filter(assignment__item=made.item, label="B").update(rationale=WHY)
    Round.objects.update(state=RoundState.CLOSED)
    return made


@pytest.fixture
def noor(cast: Cast, client_for: ClientFor) -> Client:
    return client_for(cast.noor)


def list_url(**query: str) -> str:
    return reverse("adjudication", args=["support"], query=query)


def url_of(scene: Scene, place: int = 0, **query: str) -> str:
    label = scene.label(scene.items[place])
    return reverse("adjudicate", args=["support", label.pk], query=query)


def sent(label: str = "B", seen: int = 0) -> dict[str, object]:
    return {"label": label, "reason": "Read again.", "seen": seen}


def test_the_list_leads_to_each_contested_item(noor: Client, scene: Scene) -> None:
    text = noor.get(list_url()).content.decode()
    for place in range(3):
        assert f'href="{url_of(scene, place)}"' in text
    assert "Question 0?" not in noor.get(list_url(q="question 2")).content.decode()


def test_an_item_shows_everybodys_label_and_reason_and_no_verdict(
    noor: Client, scene: Scene
) -> None:
    text = noor.get(url_of(scene)).content.decode()
    assert WHY in text
    assert all(name in text for name in ("Ana", "Ben", "Cem"))
    assert 'data-key="1' in text  # a label is chosen by its key
    assert f'href="{url_of(scene, 1)}" data-key="ArrowRight j"' in text


def test_a_decision_leads_on_to_the_next_item_and_is_told_with_its_person(
    noor: Client, scene: Scene
) -> None:
    answer = noor.post(url_of(scene), sent())
    assert (answer.status_code, answer["Location"]) == (302, url_of(scene, 1))
    text = noor.get(url_of(scene)).content.decode()
    assert "Noor" in text
    assert "Read again." in text
    assert url_of(scene) not in noor.get(list_url()).content.decode()
    assert url_of(scene) in noor.get(list_url(state="decided")).content.decode()


def test_the_second_of_two_is_told_and_can_then_say_otherwise(noor: Client, scene: Scene) -> None:
    scene.decide("A", reason="The first is shorter.")
    answer = noor.post(url_of(scene), sent())
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "Somebody else decided this item" in text
    assert "The first is shorter." in text
    assert 'name="seen" value="1"' in text
    assert noor.post(url_of(scene), sent(seen=1)).status_code == 302


@pytest.mark.parametrize("body", [{}, {"label": "C", "reason": "x", "seen": 0}, {"seen": "many"}])
def test_nonsense_is_told_and_nothing_is_written(
    noor: Client, scene: Scene, body: dict[str, object]
) -> None:
    assert noor.post(url_of(scene), body).status_code == 422
    assert not ReferenceLabel.objects.filter(method=Method.ADJUDICATED).exists()


def test_a_lead_reads_and_does_not_decide(lea: Client, scene: Scene) -> None:
    text = lea.get(url_of(scene)).content.decode()
    assert "An adjudicator of the project decides it." in text
    assert lea.post(url_of(scene), sent()).status_code == 403


def test_a_rater_of_the_project_finds_no_such_page(
    cast: Cast, client_for: ClientFor, scene: Scene
) -> None:
    assert client_for(cast.ana).get(url_of(scene)).status_code == 403


def test_who_yet_rates_the_item_finds_nothing_of_it(
    project: Project, cast: Cast, client_for: ClientFor, scene: Scene
) -> None:
    Round.objects.update(state=RoundState.OPEN)
    builders.join(project, cast.noor, Role.ADJUDICATOR, Role.RATER)
    RoundRater.objects.create(round=scene.round, rater=builders.rater_of(project, cast.noor))
    noor = client_for(cast.noor)
    assert url_of(scene) not in noor.get(list_url()).content.decode()
    assert noor.get(url_of(scene)).status_code == 404
    place = reverse(
        "round_difference", args=["support", scene.round.pk, scene.item.pk, "preference"]
    )
    assert noor.get(place).status_code == 403


def test_in_a_rounds_list_the_item_has_its_neighbours_and_is_decided_there(
    noor: Client, scene: Scene
) -> None:
    def place(at: int) -> str:
        return reverse(
            "round_difference", args=["support", scene.round.pk, scene.items[at].pk, "preference"]
        )

    text = noor.get(place(1)).content.decode()
    assert f'href="{place(0)}" data-key="ArrowLeft k"' in text
    assert f'href="{place(2)}" data-key="ArrowRight j"' in text
    answer = noor.post(place(1), sent())
    assert (answer.status_code, answer["Location"]) == (302, place(2))
    listed = noor.get(
        reverse("round_differences", args=["support", scene.round.pk]), {"state": "decided"}
    )
    assert place(1) in listed.content.decode()
    assert place(0) not in listed.content.decode()


# Sealed -------------------------------------------------------------------------------------------


def test_sealed_contested_items_are_a_number_until_an_adjudicator_reads_them(
    project: Project, cast: Cast, client_for: ClientFor, noor: Client, lea: Client
) -> None:
    scene = make_scene(part=Part.SEALED, project=project, cast=cast)
    Rating.objects.filter(label="B").update(rationale=WHY)
    Round.objects.update(state=RoundState.CLOSED)
    one = url_of(scene)
    assert "1 contested" in noor.get(list_url()).content.decode()
    assert noor.get(one).status_code == 404
    read = reverse("adjudication_sealed", args=["support", scene.dataset.pk])
    assert lea.post(read).status_code == 403
    assert noor.post(read).status_code == 302
    text = noor.get(one).content.decode()
    assert WHY in text
    assert "Ben" not in text
    assert noor.post(one, sent()).status_code == 302
    for other in (lea, client_for(cast.ada), client_for(cast.ana)):
        assert other.get(one).status_code in (403, 404)
        assert WHY not in other.get(list_url(state="all")).content.decode()


# Gold ---------------------------------------------------------------------------------------------


def gold_url(scene: Scene) -> str:
    return reverse("adjudicated_gold", args=["support", scene.label().pk])


def test_a_decided_item_becomes_gold_in_one_act(lea: Client, scene: Scene) -> None:
    scene.decide("B", reason="The second names the page.")
    assert gold_url(scene) in lea.get(url_of(scene)).content.decode()
    assert lea.post(gold_url(scene)).status_code == 302
    made = GoldItem.objects.get()
    label = made.labels.get()
    assert (made.item, label.label, label.reason) == (
        scene.item,
        "B",
        "The second names the page.",
    )
    assert made.item.part == Part.NONE


def test_what_is_not_decided_becomes_no_gold(lea: Client, scene: Scene) -> None:
    assert gold_url(scene) not in lea.get(url_of(scene)).content.decode()
    assert lea.post(gold_url(scene)).status_code == 404


def test_an_item_that_is_being_rated_says_why_it_becomes_no_gold(lea: Client, scene: Scene) -> None:
    scene.decide("B")
    Round.objects.update(state=RoundState.OPEN)
    answer = lea.post(gold_url(scene), follow=True)
    assert "where people rate it" in answer.content.decode()
    assert not GoldItem.objects.exists()
