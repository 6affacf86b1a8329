"""Agreement of a round by slice and over time: what is told, and to whom."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache
from django.urls import reverse

from accounts.roles import Role
from annotation.models import Assignment, Item, Round, RoundRater
from annotation.states import RoundState
from calibration.queries.roundfigures import DimensionFigures
from tests import builders
from tests.builders import NOON
from tests.rated import make_rated

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import Project, Rater
    from tests.cast import Cast, ClientFor

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

NO_TREND = "Two blocks of whole days, each of 30 items with two ratings, are needed"


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> None:
    cache.clear()


@pytest.fixture
def raters(project: Project, cast: Cast) -> list[Rater]:
    return [builders.rater_of(project, one) for one in (cast.ana, cast.ben)]


def rated(project: Project, raters: list[Rater], *, sealed: int = 0) -> Round:
    """70 items: the first 35, hard and rated first, never agree; the others always do."""
    made = make_rated(project, raters, ["14"] * 35 + ["55"] * 35, sealed=sealed)
    for place, item in enumerate(Item.objects.order_by("pk")):
        is_hard = place < 35
        Item.objects.filter(pk=item.pk).update(difficulty="hard" if is_hard else "easy")
        at = NOON + timedelta(days=0 if is_hard else 3, minutes=place)
        Assignment.objects.filter(item=item, state="submitted").update(submitted_at=at)
    return made


def read(client: Client, round_: Round, **headers: str) -> str:
    url = reverse("round_parts", args=["support", round_.pk])
    answer = client.get(url, headers=headers)
    assert answer.status_code == 200
    return re.sub(r"[ \n]+", " ", answer.content.decode())


def test_slices_stand_beside_each_other_with_interval_and_n(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    text = read(lea, rated(project, raters))
    assert "By</a> difficulty" in text
    assert "1.00" in text
    assert "0.00" in text
    assert text.count(">35<") == 2


def test_difficulties_stand_from_easy_to_hard(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    made = rated(project, raters)
    Item.objects.filter(external_id__in=[f"i{n}" for n in range(30)]).update(difficulty="medium")
    text = read(lea, made).partition("By</a> difficulty")[2]
    shown = re.findall(r'<th scope="row"[^>]*>\s*(easy|medium|hard)', text)
    assert shown == ["easy", "medium", "hard"]


def test_over_time_each_block_is_named_by_its_day(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    text = read(lea, rated(project, raters))
    assert re.search(r"23 Nov: 0\.00.*; 26 Nov: 1\.00", text)


def test_each_day_stands_once_however_many_were_rated_on_it(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    made = make_rated(project, raters, ["55"] * 150)
    items = list(Item.objects.order_by("pk"))
    for place, item in enumerate(items):
        at = NOON + timedelta(days=0 if place < 110 else 1, minutes=place)
        Assignment.objects.filter(item=item, state="submitted").update(submitted_at=at)
    table = read(lea, made).partition("by blocks of whole days")[2].partition("</table>")[0]
    assert re.findall(r'<th scope="row">([^<]+)</th>', table) == ["23 Nov", "24 Nov"]
    assert re.findall(r"n.=.(\d+)", table) == ["110", "40"]


def test_labels_that_were_all_imported_on_one_day_show_no_trend(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    made = make_rated(project, raters, ["55"] * 130)
    Assignment.objects.filter(state="submitted").update(submitted_at=NOON)
    assert NO_TREND in read(lea, made)


def test_over_a_new_year_the_days_are_told_with_theirs(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    made = rated(project, raters)
    hard = Item.objects.filter(difficulty="hard")
    early = Assignment.objects.filter(item__in=hard, state="submitted")
    early.update(submitted_at=NOON - timedelta(days=365))
    assert "23 Nov 2025: 0.00" in read(lea, made)


def test_sealed_items_enter_neither(lea: Client, project: Project, raters: list[Rater]) -> None:
    text = read(lea, rated(project, raters, sealed=35))
    assert NO_TREND in text
    assert "hard" not in text


def test_too_small_a_slice_says_so(lea: Client, project: Project, raters: list[Rater]) -> None:
    made = rated(project, raters)
    Item.objects.filter(external_id__in=["i1", "i2"]).update(difficulty="medium")
    assert "fewer than 30 items have two ratings" in read(lea, made)


def test_while_the_round_is_open_the_page_asks_again_for_its_piece(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    made = rated(project, raters)
    asked = re.search(r'hx-get="([^"]+)" hx-trigger="every 15s"', read(lea, made))
    assert asked is not None
    unchanged = lea.get(html.unescape(asked[1]), headers={"HX-Request": "true"})
    assert unchanged.status_code == 204
    piece = read(lea, made, **{"HX-Request": "true"})
    assert piece.lstrip().startswith('<div class="stack" id="round-parts"')
    Round.objects.update(state=RoundState.CLOSED)
    assert "hx-trigger" not in read(lea, made, **{"HX-Request": "true"})


def test_who_still_rates_in_the_round_sees_nothing_of_it(
    project: Project, raters: list[Rater], cast: Cast, client_for: ClientFor
) -> None:
    made = rated(project, raters)
    builders.join(project, cast.lea, Role.LEAD, Role.RATER)
    RoundRater.objects.create(round=made, rater=builders.rater_of(project, cast.lea))
    text = read(client_for(cast.lea), made)
    assert "You rate in this round yourself" in text
    assert "hard" not in text


def test_what_a_job_kept_before_blocks_were_of_whole_days_is_still_read() -> None:
    older = {
        "key": "tone",
        "name": "Tone",
        "points": ["1", "2"],
        "quality": {},
        "differing": 0,
        "listed": [],
        "slices": {},
        "times": [[1795430400.0, {"value": 1.0, "n": 30, "interval": [0.9, 1.0]}]],
    }
    found = DimensionFigures.from_dict(older)
    assert (found.key, list(found.days)) == ("tone", [])
    assert DimensionFigures.from_dict(found.as_dict()) == found
