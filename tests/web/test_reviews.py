"""Who was right, over HTTP: blind while it is open, and what a closed review leads to."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.roles import Role
from annotation.models import Item, ReferenceLabel
from annotation.states import Method, Part
from calibration.models import ClauseNote, Review, ReviewAnswer, ReviewItem
from tests import builders, tuning
from tests.cast import client_for
from tests.reviewing import Scene, make_scene
from tests.tuning import SEALED_MARK

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene() -> Scene:
    return make_scene()


@pytest.fixture
def lea(scene: Scene) -> Client:
    return client_for(scene.cast.lea)


def url(name: str, *args: object) -> str:
    return reverse(name, args=["support", *args])


def read(client: Client, name: str, *args: object, status: int = 200, query: str = "") -> str:
    answer = client.get(url(name, *args) + query)
    assert answer.status_code == status
    return answer.content.decode()


def post(client: Client, name: str, *args: object, status: int = 302, **data: object) -> str:
    answer = client.post(url(name, *args), data)
    assert answer.status_code == status, answer.content.decode()
    return str(answer.headers.get("Location", "")) or answer.content.decode()


def without_token(text: str) -> str:
    return re.sub(
        r'name="csrfmiddlewaretoken" value="[^"]+"|nonce="[^"]+"|"X-CSRFToken": "[^"]+"|'
        r"csrf-token\" content=\"[^\"]+",
        "",
        text,
    )


def test_a_review_is_started_from_the_versions_page(scene: Scene, lea: Client) -> None:
    scene.close()
    version = scene.tuned.version.pk
    assert url("review_new", version) in read(lea, "version", version)
    form = read(lea, "review_new", version)
    assert "as many agreements" in form
    location = post(lea, "review_new", version, dimension="preference", count=3)
    made = Review.objects.latest("pk")
    assert location == url("review", made.pk)
    assert made.items.count() == 6
    assert f"Review {made.pk}" in read(lea, "reviews")
    refused = post(lea, "review_new", version, status=422, dimension="preference", count=3)
    assert "open already" in refused
    assert "at most" in post(lea, "review_new", version, status=422, dimension="x", count=900)


def test_a_version_without_a_run_says_what_to_do_first(scene: Scene, lea: Client) -> None:
    scene.tuned.version.runs.update(combined_at=None)
    assert "Run it first" in read(lea, "review_new", scene.tuned.version.pk)
    post(lea, "review_new", scene.tuned.version.pk, status=404, dimension="preference", count=3)


def test_an_item_is_the_same_page_whoever_gave_which_label(scene: Scene, lea: Client) -> None:
    """Byte for byte: the judge's and people's labels change places, and then both gave one."""
    place = scene.places()[0]
    rows = ReviewItem.objects.filter(pk=place.pk)
    ways = (
        {"judge_label": "A", "people_label": "B", "foil": "", "is_swapped": False},
        {"judge_label": "B", "people_label": "A", "foil": "", "is_swapped": True},
        {"judge_label": "A", "people_label": "A", "foil": "B", "is_swapped": False},
        {"judge_label": "B", "people_label": "B", "foil": "A", "is_swapped": True},
    )
    pages = set()
    for way in ways:
        rows.update(**way)
        pages.add(without_token(read(lea, "review_item", scene.review.pk, 1)))
    assert len(pages) == 1
    page = pages.pop()
    assert re.search(r"> *A \(1\) *<", page)
    assert re.search(r"> *B \(2\) *<", page)
    # Nothing that the judge or the raters wrote.
    assert "It reads better." not in page
    # Another order is another page: the comparison can tell two pages apart.
    rows.update(judge_label="B", people_label="A", foil="", is_swapped=False)
    assert without_token(read(lea, "review_item", scene.review.pk, 1)) != page


def test_an_open_review_tells_progress_and_nothing_else(scene: Scene, lea: Client) -> None:
    scene.answer(scene.places()[0], "A")
    page = read(lea, "review", scene.review.pk)
    assert "1 of 8" in re.sub(r"<[^>]+>", "", page)
    for word in ("wrong", "Agreement after", "people_wrong", "foil"):
        assert word not in page
    assert read(lea, "review", scene.review.pk, query="?outcome=upheld").count("<tr") == 0


def test_an_answer_leads_on_and_can_be_changed_until_the_close(scene: Scene, lea: Client) -> None:
    review = scene.review.pk
    location = post(lea, "review_item", review, 1, answer="first", reason="So.", seen=0)
    assert location == url("review_item", review, 2)
    page = read(lea, "review_item", review, 1)
    assert "· answered" in page
    refused = post(lea, "review_item", review, 1, status=422, answer="second", reason="No.", seen=0)
    assert "in another window" in refused
    assert 'name="seen" value="1"' in refused
    post(lea, "review_item", review, 1, answer="unclear", reason="No.", seen=1)
    assert list(ReviewAnswer.objects.order_by("pk").values_list("revision", flat=True)) == [1, 2]
    assert "Say why" in post(lea, "review_item", review, 2, status=422, answer="first", seen=0)
    assert "Choose a label" in post(lea, "review_item", review, 2, status=422, reason="x", seen=0)


def test_the_last_answer_leads_back_to_the_review(scene: Scene, lea: Client) -> None:
    location = ""
    for position in range(1, 9):
        location = post(
            lea, "review_item", scene.review.pk, position, answer="first", reason="So.", seen=0
        )
    assert location == url("review", scene.review.pk)


def test_an_answer_that_comes_after_the_close_is_told(scene: Scene, lea: Client) -> None:
    scene.close()
    post(lea, "review_item", scene.review.pk, 1, answer="first", reason="So.", seen=0)
    assert not ReviewAnswer.objects.exists()
    assert "closed meanwhile" in read(lea, "review_item", scene.review.pk, 1)


def test_an_admin_answers_nothing_and_raters_see_nothing(scene: Scene) -> None:
    ada, ana = client_for(scene.cast.ada), client_for(scene.cast.ana)
    assert "A lead or adjudicator answers it." in read(ada, "review_item", scene.review.pk, 1)
    post(ada, "review_item", scene.review.pk, 1, status=403, answer="first", reason="x", seen=0)
    for name, *args in (
        ("reviews",),
        ("review", scene.review.pk),
        ("review_item", scene.review.pk, 1),
    ):
        read(ana, str(name), *args, status=403)


def test_a_closed_review_tells_who_was_right_and_leads_on(scene: Scene, lea: Client) -> None:
    scene.answer_all(wrong=1, unclear=1)
    post(lea, "review_close", scene.review.pk)
    page = read(lea, "review", scene.review.pk)
    assert "Agreement after the review" in page
    assert "0.75" in page
    wrong = next(
        place for place in scene.places(differing=True) if place.answers.get().label == "B"
    )
    assert read(lea, "review", scene.review.pk, query="?outcome=people_wrong").count("<tr>") == 9
    item = read(lea, "review_item", scene.review.pk, wrong.position)
    assert "People were wrong" in item
    location = post(
        lea, "review_correct", scene.review.pk, wrong.position, label="B", reason="So.", seen=0
    )
    assert location.endswith("#correction")
    made = ReferenceLabel.objects.get(method=Method.CORRECTED)
    assert (made.item_id, made.label) == (wrong.item_id, "B")
    item = read(lea, "review_item", scene.review.pk, wrong.position)
    assert "in force" in item
    assert "Take the correction back" in item
    post(
        lea, "review_clause", scene.review.pk, wrong.position, line=1, note="Say how.",
    )  # fmt: skip
    todo = read(lea, "guideline_todo", scene.dimension.version.guideline_id)
    assert "Say how." in todo
    assert url("review_item", scene.review.pk, wrong.position) in todo
    post(
        lea, "guideline_todo_mark", scene.dimension.version.guideline_id,
        ClauseNote.objects.get().pk, done=1,
    )  # fmt: skip


def test_a_conflict_of_corrections_is_told_on_the_page(scene: Scene, lea: Client) -> None:
    scene.answer_all(wrong=1)
    scene.close()
    position = next(
        place.position for place in scene.places(differing=True) if place.answers.get().label == "B"
    )
    args = ("review_correct", scene.review.pk, position)
    post(lea, *args, label="B", reason="So.", seen=0)
    post(lea, *args, label="B", reason="So.", seen=0)
    assert "Somebody else decided" in read(lea, "review_item", scene.review.pk, position)
    assert "valid choice" in post(lea, *args, status=422, label="tie", reason="So.", seen=1)
    assert ReferenceLabel.objects.filter(method=Method.CORRECTED).count() == 1


def test_what_the_judge_missed_is_offered_as_an_example(scene: Scene, lea: Client) -> None:
    scene.answer_all(wrong=1)
    scene.close()
    page = read(lea, "review", scene.review.pk)
    offered = re.findall(r'name="example" value="(\d+)"', page)
    missed = [p.item_id for p in scene.places(differing=True) if p.answers.get().label == "A"]
    assert sorted(map(int, offered)) == sorted(missed)
    draft = lea.get(
        url("version_new", scene.tuned.scene.judge.pk),
        {"base": str(scene.tuned.version.pk), "example": offered},
    )
    assert draft.status_code == 200
    noor = client_for(scene.cast.noor)
    assert 'name="example"' not in read(noor, "review", scene.review.pk)


def test_what_somebody_may_yet_rate_is_hidden_from_them(scene: Scene) -> None:
    scene.answer_all()
    scene.close()
    builders.join(scene.project, scene.cast.noor, Role.ADJUDICATOR, Role.RATER)
    rater = builders.rater_of(scene.project, scene.cast.noor)
    place = scene.places()[0]
    builders.make_round(
        scene.tuned.scene.dataset, scene.tuned.scene.guideline, items=[place.item], raters=[rater]
    )
    noor = client_for(scene.cast.noor)
    assert url("review_item", scene.review.pk, 1) not in read(noor, "review", scene.review.pk)
    read(noor, "review_item", scene.review.pk, 1, status=404)


def test_no_page_tells_of_a_sealed_item(scene: Scene, lea: Client) -> None:
    """Sealed labels lie in the run, and one of the drawn items is sealed afterwards."""
    tuning.seal_beside(scene.tuned)
    place = scene.places()[0]
    Item.objects.filter(pk=place.item_id).update(
        part=Part.SEALED, external_id=f"{SEALED_MARK} later", title=f"{SEALED_MARK} later"
    )
    read(lea, "review_item", scene.review.pk, 1, status=404)
    pages = [read(lea, "review_new", scene.tuned.version.pk), read(lea, "review", scene.review.pk)]
    scene.close()
    pages += [read(lea, "review", scene.review.pk), read(lea, "reviews")]
    pages += [read(lea, "review_item", scene.review.pk, n) for n in range(2, 9)]
    read(lea, "review_item", scene.review.pk, 1, status=404)
    post(lea, "review_correct", scene.review.pk, 1, status=404, label="B", reason="x", seen=0)
    post(lea, "review_clause", scene.review.pk, 1, status=404, line=1, note="x")
    assert all(SEALED_MARK not in page for page in pages)


def test_the_page_does_not_ask_more_for_more_items(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    few = make_scene(misses=20, hits=40)
    few.answer_all()
    few.close()
    client = client_for(few.cast.lea)
    with django_assert_max_num_queries(24):
        page = read(client, "review", few.review.pk)
    assert page.count("<tr>") == 2 + 6 + 25
