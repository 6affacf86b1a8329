"""Agreement of a round by slice and over time: what is told, and to whom."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache
from django.urls import reverse

from accounts.roles import Role
from annotation.models import Assignment, Item, Round, RoundRater
from annotation.states import RoundState
from tests import builders
from tests.builders import NOON
from tests.rated import make_rated

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import Project, Rater
    from tests.cast import Cast, ClientFor

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


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


def test_over_time_each_block_is_named_by_its_day(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    text = read(lea, rated(project, raters))
    assert re.search(r"23 Nov: 0\.00.*; 26 Nov: 1\.00", text)


def test_sealed_items_enter_neither(lea: Client, project: Project, raters: list[Rater]) -> None:
    text = read(lea, rated(project, raters, sealed=35))
    assert "Two blocks of 30 items" in text
    assert "hard" not in text


def test_too_small_a_slice_says_so(lea: Client, project: Project, raters: list[Rater]) -> None:
    made = rated(project, raters)
    Item.objects.filter(external_id__in=["i1", "i2"]).update(difficulty="medium")
    assert "fewer than 30 items have two ratings" in read(lea, made)


def test_while_the_round_is_open_the_page_asks_again_for_its_piece(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    made = rated(project, raters)
    assert 'hx-trigger="every 15s"' in read(lea, made)
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
