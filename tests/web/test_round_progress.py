"""How far is this round? What its page says, when it says nothing new, and what it costs."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from annotation.models import Round
from annotation.queries import roundprogress, rounds
from annotation.states import RoundState
from tests import builders

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import Project, Rater
    from annotation.queries.roundprogress import Progress
    from tests.cast import Cast

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

HTMX = {"HX-Request": "true"}
LABELS = dict.fromkeys(builders.FOUR, "4")


@pytest.fixture
def raters(project: Project, cast: Cast) -> list[Rater]:
    return [builders.rater_of(project, one) for one in (cast.ana, cast.ben, cast.cem)]


@pytest.fixture
def round_(project: Project, raters: list[Rater]) -> Round:
    """Forty items of which nobody rated any."""
    dataset = builders.make_dataset(project)
    items = [builders.make_item(dataset, external_id=f"i{n}") for n in range(40)]
    return builders.make_round(
        dataset, builders.make_guideline(project), items=items, raters=raters
    )


def rate(round_: Round, rater: Rater, *, items: slice, hours_ago: float = 3.0) -> None:
    """One item every ten minutes from so many hours ago on."""
    start = timezone.now() - timedelta(hours=hours_ago)
    rows = round_.round_items.select_related("item").order_by("shuffle")[items]
    for n, row in enumerate(rows):
        at = start + n * timedelta(minutes=10)
        builders.make_rating(round_, row.item, rater, labels=LABELS, at=at)


def url_of(round_: Round, **query: str) -> str:
    return reverse("round", args=["support", round_.pk], query=query)


def progress_of(round_: Round) -> Progress:
    counted = roundprogress.progress(round_, now=timezone.now())
    assert counted is not None
    return counted.value


def read(client: Client, round_: Round) -> str:
    return re.sub(r"[ \n]+", " ", client.get(url_of(round_)).content.decode())


def stat(name: str, value: str) -> str:
    return f'<dt class="stat__name">{name}</dt><dd class="stat__value">{value}</dd>'


def test_items_are_done_begun_or_untouched(lea: Client, round_: Round, raters: list[Rater]) -> None:
    for rater in raters:
        rate(round_, rater, items=slice(0, 2))
    rate(round_, raters[0], items=slice(2, 5))

    text = read(lea, round_)

    assert stat("ratings in", "9 of 120") in text
    assert stat("items done", "2 of 40") in text
    assert stat("begun", "3") in text
    assert stat("untouched", "35") in text


def test_the_pace_stands_with_its_interval_and_what_it_rests_on(
    lea: Client, round_: Round, raters: list[Rater]
) -> None:
    rate(round_, raters[0], items=slice(0, 18), hours_ago=4)
    text = read(lea, round_)
    found = progress_of(round_).pace
    assert f"last {found.an_hour.n} quarter-hours in which somebody rated" in text
    assert '<span class="interval">' in text
    assert "No day of the end, since nobody rated yet for more than a day" in text


def test_rating_on_two_days_gives_a_day_of_the_end(
    lea: Client, round_: Round, raters: list[Rater]
) -> None:
    # Steady for hours, so that the pace has an interval wherever the hours of the clock begin.
    rate(round_, raters[0], items=slice(0, 24), hours_ago=30)
    rate(round_, raters[1], items=slice(0, 24), hours_ago=5)
    found = progress_of(round_).pace
    assert found.end is not None
    assert found.between is not None
    text = read(lea, round_)
    assert f"{timezone.localtime(found.end):%H}:00</dd>" in text
    assert "by the 95 % interval of the pace from" in text


def test_a_paused_round_names_no_day_of_its_end(
    lea: Client, round_: Round, raters: list[Rater]
) -> None:
    rate(round_, raters[0], items=slice(0, 12), hours_ago=30)
    Round.objects.update(state=RoundState.PAUSED)
    assert "The round is paused, so there is no day of its end" in read(lea, round_)


def test_a_round_that_nobody_rated_says_why_it_has_no_pace(lea: Client, round_: Round) -> None:
    assert "not known yet, since nobody has rated yet" in read(lea, round_)


def test_a_poll_of_an_unchanged_round_gets_nothing_new(
    lea: Client, round_: Round, raters: list[Rater]
) -> None:
    fragment = lea.get(url_of(round_), headers=HTMX).content.decode()
    asked = re.search(r'hx-get="([^"]+)"', fragment)
    assert asked is not None
    assert lea.get(asked[1], headers=HTMX).status_code == 204

    rate(round_, raters[0], items=slice(0, 1))

    assert lea.get(asked[1], headers=HTMX).status_code == 200


def test_a_round_that_was_closed_meanwhile_is_drawn_once_more(lea: Client, round_: Round) -> None:
    digest = progress_of(round_).digest
    Round.objects.update(state=RoundState.CLOSED)
    answer = lea.get(url_of(round_, shown=digest), headers=HTMX)
    assert answer.status_code == 200
    assert b"hx-trigger" not in answer.content


def test_of_many_raters_the_first_are_listed_and_all_counted(
    lea: Client, round_: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roundprogress, "LISTED_RATERS", 2)
    text = read(lea, round_)
    assert "The first 2 of 3 raters, by name." in text
    assert ("Ana" in text, "Ben" in text, ">Cem<" in text) == (True, True, False)


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_a_large_round_to_be_counted(
    lea: Client, round_: Round, raters: list[Rater], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "LARGE", 10)
    cache.clear()
    assert "takes a moment to count" in read(lea, round_)
    counted = until_counted(lea, round_)
    assert "As of" in counted
    assert stat("ratings in", "0 of 120") in counted

    rate(round_, raters[0], items=slice(0, 1))

    assert until_counted(lea, round_, stat("ratings in", "1 of 120"))


def until_counted(client: Client, round_: Round, words: str = "As of") -> str:
    """Look again and again until the page has these words; at most ten seconds."""
    for _ in range(100):
        text = read(client, round_)
        if words in text:
            return text
        time.sleep(0.1)
    raise AssertionError(f"{words!r} never came")
