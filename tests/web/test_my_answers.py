"""Own answers: found by round, label and text, page by page, with what became of each."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import Rater
from annotation.models import Assignment, Flag, Item, Rating, Round
from annotation.queries import ownanswers
from annotation.services import claim, rating
from annotation.states import FlagOutcome
from tests import builders
from tests.builders import NOON
from tests.cast import Cast, ClientFor

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

FOURS = dict.fromkeys(builders.FOUR, "4")
TEXTS = ("Refund after 30 days?", "Ärger mit dem Zug", "كيف ألغي اشتراكي؟", "Reset my password")


@pytest.fixture
def round_(cast: Cast) -> Round:
    project = cast.ana.memberships.get().project
    dataset = builders.make_dataset(project)
    items = [
        builders.make_item(dataset, external_id=f"ext-{n}", input=text, responses=(f"Reply {n}.",))
        for n, text in enumerate(TEXTS)
    ]
    raters = [builders.rater_of(project, person) for person in (cast.ana, cast.ben)]
    return builders.make_round(
        dataset, builders.make_guideline(project), items=items, raters=raters, overlap=2
    )


@pytest.fixture
def ana(round_: Round, cast: Cast) -> Rater:
    return builders.rater_of(round_.project, cast.ana)


@pytest.fixture
def rated(round_: Round, ana: Rater) -> list[Assignment]:
    """All four items by ana, the last one latest."""
    return [
        builders.make_rating(
            round_,
            Item.objects.get(external_id=f"ext-{n}"),
            ana,
            labels={**FOURS, "clarity": str(n + 1)},
            at=NOON + timedelta(minutes=n),
        )
        for n in range(len(TEXTS))
    ]


@pytest.fixture
def client(cast: Cast, client_for: ClientFor) -> Client:
    return client_for(cast.ana)


def page_of(client: Client, **query: str | int) -> str:
    answer = client.get(reverse("my_answers", args=["support"]), query)
    assert answer.status_code == 200
    return answer.content.decode()


def shown(text: str) -> list[int]:
    """Which of the four items are on the page, in its order."""
    places = {n: text.find(words) for n, words in enumerate(TEXTS)}
    return sorted((n for n, place in places.items() if place >= 0), key=lambda n: places[n])


def test_own_answers_stand_newest_first_with_their_labels(
    client: Client, rated: list[Assignment]
) -> None:
    text = page_of(client)
    assert shown(text) == [3, 2, 1, 0]
    assert "<bdi>Clarity</bdi> <b><bdi>2</bdi></b>" in text
    assert reverse("rating_own", args=["support", rated[0].pk]) in text
    assert "ext-" not in text


@pytest.mark.parametrize(
    ("words", "found"),
    [("refund", [0]), ("ÄRGER", [1]), ("ألغي", [2]), ("reply 3", [3]), ("nowhere", [])],
)
@pytest.mark.usefixtures("rated")
def test_a_text_is_found_in_question_and_response_in_any_script(
    client: Client, words: str, found: list[int]
) -> None:
    assert shown(page_of(client, q=words)) == found


@pytest.mark.usefixtures("rated")
def test_a_label_is_found_with_its_dimension(client: Client) -> None:
    assert shown(page_of(client, label="clarity:4")) == [3]
    assert shown(page_of(client, label="safety:4")) == [3, 2, 1, 0]


@pytest.mark.usefixtures("rated")
def test_another_round_holds_other_answers(client: Client, round_: Round, ana: Rater) -> None:
    other = builders.make_round(
        round_.dataset, round_.guideline_version, items=(), raters=[ana], name="Other"
    )
    assert shown(page_of(client, round=other.pk)) == []
    assert shown(page_of(client, round=round_.pk)) == [3, 2, 1, 0]


def test_answers_that_were_changed_can_be_asked_for(
    client: Client, rated: list[Assignment], ana: Rater
) -> None:
    rating.amend(assignment_id=rated[1].pk, rater=ana, labels=FOURS, now=NOON)
    assert shown(page_of(client, show="changed")) == [1]


def test_a_label_of_a_pair_is_found_as_it_was_seen(
    client: Client, round_: Round, ana: Rater
) -> None:
    pairwise = builders.make_guideline(round_.project, name="Which", pairwise=True)
    pair = builders.make_pair(round_.dataset, input="Which one?")
    other = builders.make_round(
        round_.dataset, pairwise, items=[pair], raters=[ana], name="Pairs", overlap=1
    )
    row = builders.make_rating(other, pair, ana, labels={"preference": "B"})
    Assignment.objects.filter(pk=row.pk).update(is_swapped=True)
    assert "Which one?" in page_of(client, label="preference:A")
    assert "Which one?" not in page_of(client, label="preference:B")


def test_a_flag_brings_back_what_a_lead_made_of_it(
    client: Client, round_: Round, ana: Rater
) -> None:
    now = timezone.now()
    given = claim.next_slot(round_id=round_.pk, rater_id=ana.pk, now=now)
    assert given.assignment_id is not None
    rating.flag(assignment_id=given.assignment_id, rater=ana, reason="Two languages", now=now)
    Flag.objects.update(
        settled_at=now, outcome=FlagOutcome.NOTHING_WRONG, note="That is on purpose."
    )
    text = page_of(client, show="passed")
    for words in ("Two languages", "A lead found nothing wrong.", "That is on purpose."):
        assert words in text
    assert len(shown(text)) == 1


@pytest.mark.usefixtures("rated")
def test_others_answers_are_not_found(cast: Cast, client_for: ClientFor) -> None:
    assert shown(page_of(client_for(cast.ben))) == []


@pytest.mark.usefixtures("rated")
def test_pages_follow_each_other_without_a_gap(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownanswers, "PAGE_ANSWERS", 3)
    first = page_of(client)
    assert shown(first) == [3, 2, 1]
    older = first.partition("before=")[2].partition('"')[0]
    assert shown(page_of(client, before=older)) == [0]


@pytest.mark.usefixtures("rated")
def test_a_search_says_how_far_it_went_and_goes_on(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownanswers, "SEARCHED_AT_ONCE", 2)
    monkeypatch.setattr(ownanswers, "PIECE", 2)
    first = page_of(client, q="refund")
    assert "The newest 2 were searched." in first
    older = first.partition("before=")[2].partition('"')[0]
    assert shown(page_of(client, q="refund", before=older)) == [0]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"round": "77"}, "You rate in no such round."),
        ({"label": "charm:4"}, "No rubric that you rated by has this label."),
        ({"show": "all"}, "Choose one of the list."),
        ({"before": "x"}, "This page does not exist"),
        ({"q": "x" * 201}, "Look for 200 characters at most."),
    ],
)
@pytest.mark.usefixtures("round_")
def test_what_cannot_be_looked_for_is_said(
    client: Client, query: dict[str, str], words: str
) -> None:
    answer = client.get(reverse("my_answers", args=["support"]), query)
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_an_own_answer_shows_how_it_changed(
    client: Client, rated: list[Assignment], ana: Rater
) -> None:
    url = reverse("rating_own", args=["support", rated[0].pk])
    assert "How this answer changed" not in client.get(url).content.decode()
    rating.amend(assignment_id=rated[0].pk, rater=ana, labels={**FOURS, "clarity": "5"}, now=NOON)
    text = client.get(url).content.decode()
    changes = text.partition("How this answer changed")[2]
    assert "<bdi>Clarity</bdi> <b><bdi>1</bdi></b>" in changes
    assert "<bdi>Clarity</bdi> <b><bdi>5</bdi></b>" in changes
    assert Rating.objects.filter(assignment=rated[0], revision=2).count() == 1


@pytest.mark.parametrize("count", [1, 4])
def test_the_list_costs_the_same_for_many_answers(
    client: Client,
    rated: list[Assignment],
    django_assert_max_num_queries: DjangoAssertNumQueries,
    count: int,
) -> None:
    Rating.objects.filter(assignment__in=rated[count:]).delete()
    Assignment.objects.filter(pk__in=[row.pk for row in rated[count:]]).delete()
    with django_assert_max_num_queries(14):
        page_of(client, q="e")
