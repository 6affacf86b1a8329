"""Where do raters differ most? The order, the filter, and what is never listed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache
from django.urls import reverse

from accounts.roles import Role
from annotation.models import Item, Round
from annotation.states import RoundState
from calibration.queries import roundfigures
from tests import builders
from tests.rated import MARK, make_rated

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import Project, Rater
    from tests.cast import Cast, ClientFor

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

HTMX = {"HX-Request": "true"}
# Mean distances in points: 8/3, 0, 2/3, 4/3.
GIVEN = ("115", "333", "334", "442")


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> None:
    cache.clear()


@pytest.fixture
def raters(project: Project, cast: Cast) -> list[Rater]:
    return [builders.rater_of(project, one) for one in (cast.ana, cast.ben, cast.cem)]


def url_of(round_: Round, **query: str) -> str:
    return reverse("round_differences", args=["support", round_.pk], query=query)


def read(client: Client, round_: Round, **query: str) -> str:
    answer = client.get(url_of(round_, **query))
    assert answer.status_code == 200
    return re.sub(r"[ \n]+", " ", answer.content.decode())


def listed(text: str) -> list[str]:
    """The numbers of the listed questions, one line a dimension."""
    return re.findall(r'dir="auto">Question (\d+)\?</a>', text)


def test_the_widest_apart_stand_first_and_equal_ones_nowhere(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    text = read(lea, make_rated(project, raters, GIVEN), dimension="clarity")
    assert listed(text) == ["0", "3", "2"]
    assert "0.67" in text
    assert "1 · 1 · 5" in text


def test_a_line_leads_to_the_ratings_of_its_item(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters, GIVEN)
    item = Item.objects.get(external_id="i0")
    path = reverse("round_difference", args=["support", round_.pk, item.pk, "clarity"])
    assert f'href="{path}"' in read(lea, round_)
    ratings = lea.get(path).content.decode()
    assert all(name in ratings for name in ("Ana", "Ben", "Cem"))


def test_each_line_shows_how_many_raters_gave_each_point(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    text = read(lea, make_rated(project, raters, GIVEN), q="i0", dimension="safety")
    assert "<desc>1: 2, 2: 0, 3: 0, 4: 0, 5: 1</desc>" in text


FILTERS = [
    ({}, ["0", "3", "2"]),
    ({"q": "question 3"}, ["3"]),
    ({"q": "I2"}, ["2"]),
    ({"label": "4"}, ["3", "2"]),
    ({"difficulty": "hard"}, ["2"]),
    ({"tag": "Billing"}, ["3"]),
    ({"tag": "billing", "difficulty": "hard"}, []),
    ({"raters": "3"}, ["0", "3", "2"]),
    ({"raters": "4"}, []),
]


@pytest.mark.parametrize(("query", "expected"), FILTERS)
def test_the_list_is_narrowed_by_the_address(
    lea: Client,
    project: Project,
    raters: list[Rater],
    query: dict[str, str],
    expected: list[str],
) -> None:
    round_ = make_rated(project, raters, GIVEN)
    Item.objects.filter(external_id="i2").update(difficulty="hard")
    Item.objects.filter(external_id="i3").update(tags=["billing", "refund"])
    assert listed(read(lea, round_, dimension="clarity", **query)) == expected


def test_what_cannot_be_read_is_said_and_narrows_nothing(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters, GIVEN)
    text = read(lea, round_, dimension="nonsense", raters="many")
    assert len(listed(text)) == 12
    assert "Enter a whole number." in text


def test_without_a_dimension_every_one_is_listed(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    assert len(listed(read(lea, make_rated(project, raters, GIVEN)))) == 12


def test_the_filter_swaps_the_list_alone(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters, GIVEN)
    fragment = lea.get(url_of(round_, q="question 3"), headers=HTMX).content.decode()
    assert fragment.lstrip().startswith('<section class="card" id="differences"')


def test_no_sealed_item_is_listed(lea: Client, project: Project, raters: list[Rater]) -> None:
    text = read(lea, make_rated(project, raters, GIVEN, sealed=1), dimension="clarity")
    assert listed(text) == ["3", "2"]
    assert MARK not in text


def test_an_item_with_the_prompt_of_a_sealed_one_is_not_listed_either(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters, GIVEN, sealed=1)
    sealed = Item.objects.get(external_id="i0")
    Item.objects.filter(external_id="i3").update(cluster_key=sealed.cluster_key)
    cache.clear()
    assert listed(read(lea, round_, dimension="clarity")) == ["2"]


def test_withdrawn_items_leave_the_list(lea: Client, project: Project, raters: list[Rater]) -> None:
    round_ = make_rated(project, raters, GIVEN)
    read(lea, round_)
    Item.objects.filter(external_id="i0").update(withdrawn_at=builders.NOON)
    assert listed(read(lea, round_, dimension="clarity")) == ["3", "2"]


def test_a_lead_who_still_rates_sees_them_when_the_round_is_closed(
    project: Project, cast: Cast, raters: list[Rater], client_for: ClientFor
) -> None:
    round_ = make_rated(project, raters, GIVEN)
    builders.join(project, cast.ana, Role.RATER, Role.LEAD)
    ana = client_for(cast.ana)
    text = read(ana, round_)
    assert (listed(text), "stay blind" in text) == ([], True)
    Round.objects.update(state=RoundState.CLOSED)
    assert listed(read(ana, round_, dimension="clarity")) == ["0", "3", "2"]


def test_an_item_that_a_lead_rates_in_another_round_is_not_listed(
    project: Project, cast: Cast, raters: list[Rater], client_for: ClientFor
) -> None:
    round_ = make_rated(project, raters, GIVEN)
    lead_too = builders.rater_of(project, builders.join(project, cast.lea, Role.RATER, Role.LEAD))
    builders.make_round(
        round_.dataset,
        round_.guideline_version,
        items=[Item.objects.get(external_id="i0")],
        raters=[lead_too],
        name="Round 2",
    )
    assert listed(read(client_for(cast.lea), round_, dimension="clarity")) == ["3", "2"]


def test_of_very_many_the_widest_apart_are_listed_and_the_others_counted(
    lea: Client, project: Project, raters: list[Rater], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roundfigures, "MOST_DIFFERING", 2)
    text = read(lea, make_rated(project, raters, GIVEN), dimension="clarity")
    assert listed(text) == ["0", "3"]
    assert "<bdi>Clarity</bdi> differs on 3 items; the 2 widest apart are listed." in text
