"""How well does each person rate? Work and figures, what stays hidden, order and filter."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Rater
from accounts.roles import Role
from annotation.models import Assignment, Flag, Round, RoundRater
from annotation.queries import labels
from annotation.states import AssignmentState, RoundState
from measurement.raters import rater_quality
from measurement.table import RatingTable, Vote
from tests import builders
from tests.rated import make_rated

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import Project
    from tests.cast import Cast, ClientFor

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

HTMX = {"HX-Request": "true"}
# Ana and Ben are of one mind; Cem calls what passes a fail and what fails a pass.
APART = ("551", "442", "115", "224") * 8
MIXED = (*APART, *("555", "111") * 4)


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> None:
    cache.clear()


@pytest.fixture
def raters(project: Project, cast: Cast) -> list[Rater]:
    return [builders.rater_of(project, one) for one in (cast.ana, cast.ben, cast.cem)]


def url_of(round_: Round, **query: str) -> str:
    return reverse("round_quality", args=["support", round_.pk], query=query)


def read(client: Client, round_: Round, **query: str) -> str:
    answer = client.get(url_of(round_, **query))
    assert answer.status_code == 200
    return re.sub(r"[ \n]+", " ", answer.content.decode())


def names(text: str) -> list[str]:
    return re.findall(r'<th scope="row">(?:<a [^>]*>)?<bdi>(\w+)', text)


def test_each_rater_stands_with_agreement_interval_and_n(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters, MIXED)
    scale = labels.scale_of(round_.guideline_version.dimensions.all()[0])
    table = RatingTable.build(
        Vote(f"i{n}", rater.name, label)
        for n, given in enumerate(MIXED)
        for rater, label in zip(raters, given, strict=True)
    )
    ana = rater_quality(table, scale=scale)[0]
    assert ana.agreement.value is not None
    assert ana.agreement.interval is not None

    text = read(lea, round_)

    low, high = ana.agreement.interval.low * 100, ana.agreement.interval.high * 100
    assert f"[{low:.1f}, {high:.1f}]" in text
    assert f"n = {ana.agreement.n}" in text


def test_who_is_clearly_below_the_others_is_marked_and_can_be_asked_for(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters, MIXED)
    assert names(read(lea, round_, which="below")) == ["Cem"]


def test_too_few_votes_mark_nobody(lea: Client, project: Project, raters: list[Rater]) -> None:
    round_ = make_rated(project, raters, APART[:8])
    assert "Nobody fits" in read(lea, round_, which="below")


def test_the_commonest_label_and_its_share_stand_there(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters, ("345", "335", "325", "311"))
    text = read(lea, round_)
    assert "“<bdi>3</bdi>”, n = 4" in text
    assert "100.0 %" in text.replace("\N{NO-BREAK SPACE}", " ")


def test_who_rates_lower_than_the_others_shows_by_how_many_points(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    """Cem gives one point less than ana and ben on three items and two less on the fourth: the
    differences are −1, −1, −1, −2, their mean −1.25, their standard deviation 0.5."""
    round_ = make_rated(project, raters, ("554", "443", "332", "442"))
    text = read(lea, round_, q="cem")
    assert "lean, points" in text
    row = text.partition("<tbody>")[2].partition("</tbody>")[0]
    minus = "\N{MINUS SIGN}"
    assert re.search(rf"{minus}1\.25 <span class=\"interval\">\[{minus}\d\.\d\d, ", row)
    assert re.search(r"n = 4</span>.*spread .*0\.50 <span class=\"interval\">\[0\.", row)
    by_lean = read(lea, round_, sort="lean")
    assert names(by_lean)[0] == "Cem"


def test_preferences_have_no_lean(lea: Client, project: Project, raters: list[Rater]) -> None:
    dataset = builders.make_dataset(project)
    item = builders.make_pair(dataset)
    version = builders.make_guideline(project, pairwise=True)
    round_ = builders.make_round(dataset, version, items=[item], raters=raters)
    for rater, label in zip(raters, ("A", "A", "B"), strict=True):
        builders.make_rating(round_, item, rater, labels={"preference": label})
    text = read(lea, round_)
    assert "with others" in text
    assert "lean, points" not in text


def test_an_open_round_asks_again_and_is_answered_only_with_something_new(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters, ("345", "335", "325", "311"))
    asked = re.search(r'hx-get="(\?[^"]+)"', read(lea, round_, sort="-agreement"))
    assert asked is not None
    address = reverse("round_quality", args=["support", round_.pk]) + html.unescape(asked[1])
    assert "sort=-agreement" in address
    assert lea.get(address, headers={"HX-Request": "true"}).status_code == 204
    Assignment.objects.filter(rater=raters[0]).update(active_seconds=77)
    piece = lea.get(address, headers={"HX-Request": "true"}).content.decode()
    assert piece.lstrip().startswith('<section class="card" id="round-raters"')
    assert piece.count("shown=") == 1
    Round.objects.update(state=RoundState.CLOSED)
    over = lea.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "hx-get" not in over


def test_another_dimension_has_its_own_figures(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters, APART)
    assert "Of <bdi>Clarity</bdi>, unsealed items" in read(lea, round_, dimension="clarity")
    assert "Of <bdi>Accuracy</bdi>, unsealed items" in read(lea, round_, dimension="nonsense")


def test_work_is_counted_with_the_median_time_of_an_item(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters, ("345", "335", "325"))
    own = round_.assignments.filter(rater=raters[0])
    for seconds, slot in zip((10, 20, 900), own, strict=True):
        Assignment.objects.filter(pk=slot.pk).update(active_seconds=seconds)
    item = round_.round_items.all()[0].item
    Flag.objects.create(round=round_, item=item, rater=raters[0], reason="cut off")
    RoundRater.objects.filter(rater=raters[0]).update(quota=12)

    row = read(lea, round_, q="ana").partition("<tbody>")[2].partition("</tbody>")[0]

    cells = re.findall(r'<td class="end number[^"]*">([^<]*)', row)
    assert cells[:2] == ["3", "20"]
    assert "of 12" in row
    assert cells[-3:-1] == ["0", "1"]


def test_the_table_is_sorted_by_what_the_address_says(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters, APART)
    assert names(read(lea, round_)) == ["Ana", "Ben", "Cem"]
    assert names(read(lea, round_, sort="-name")) == ["Cem", "Ben", "Ana"]
    assert names(read(lea, round_, sort="agreement"))[0] == "Cem"
    assert names(read(lea, round_, sort="nonsense")) == ["Ana", "Ben", "Cem"]


def test_a_head_sorts_and_turns_round_and_keeps_the_filter(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters, APART)
    text = read(lea, round_, q="a", sort="-rated")
    assert '<th scope="col" class="end" aria-sort="descending"><a class="sort"' in text
    assert 'href="?q=a&amp;sort=rated"' in text
    assert 'href="?q=a&amp;sort=-skipped"' in text


def test_raters_are_found_by_name_and_in_place(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters, APART)
    fragment = lea.get(url_of(round_, q="BE"), headers=HTMX).content.decode()
    assert fragment.lstrip().startswith('<section class="card" id="round-raters"')
    assert names(re.sub(r"[ \n]+", " ", fragment)) == ["Ben"]


def test_who_rates_now_and_who_was_removed_are_told(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters, ("345",))
    item = builders.make_item(round_.dataset, external_id="more")
    Assignment.objects.create(
        round=round_,
        item=item,
        slot=0,
        rater=raters[1],
        state=AssignmentState.LEASED,
        lease_until=timezone.now() + timedelta(minutes=5),
    )
    RoundRater.objects.filter(rater=raters[2]).update(removed_at=timezone.now())
    assert names(read(lea, round_, which="now")) == ["Ben"]
    assert names(read(lea, round_, which="removed")) == ["Cem"]


def test_no_label_of_a_sealed_item_enters(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters, ("555", "111", *APART[:4]), sealed=2)
    before = read(lea, round_).partition("<main")[2]
    assert "”, n = 4" in before
    for slot in round_.assignments.filter(item__external_id__in=("i0", "i1")):
        slot.ratings.update(label="3")
    cache.clear()
    assert read(lea, round_).partition("<main")[2] == before


def test_a_round_of_sealed_items_shows_work_alone(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters, ("555", "111"), sealed=2)
    text = read(lea, round_)
    assert names(text) == ["Ana", "Ben", "Cem"]
    assert "No figure of their labels can be shown" in text
    assert "commonest" not in text


def test_a_lead_who_still_rates_sees_no_figure_of_labels(
    project: Project, cast: Cast, raters: list[Rater], client_for: ClientFor
) -> None:
    round_ = make_rated(project, raters, APART)
    builders.join(project, cast.ana, Role.RATER, Role.LEAD)
    text = read(client_for(cast.ana), round_, sort="agreement")
    assert "so that your own ratings stay blind" in text
    assert "commonest" not in text


def test_the_page_costs_the_same_however_many_raters_there_are(
    lea: Client,
    project: Project,
    raters: list[Rater],
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    round_ = make_rated(project, raters, APART)
    for n in range(60):
        more = Rater.objects.create(project=project, name=f"rater {n}")
        RoundRater.objects.create(round=round_, rater=more)
    read(lea, round_)
    with django_assert_max_num_queries(30):
        text = read(lea, round_)
    assert "1–50 of 63" in text


def test_those_of_imported_labels_stand_there_though_nobody_let_them_in(
    lea: Client, project: Project, raters: list[Rater]
) -> None:
    round_ = make_rated(project, raters, MIXED)
    RoundRater.objects.filter(round=round_).delete()
    assert names(read(lea, round_)) == ["Ana", "Ben", "Cem"]
