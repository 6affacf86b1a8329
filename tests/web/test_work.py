"""Work done: counted by rater, round and period, for the rater and for whoever pays."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import Project, Rater
from annotation.models import Assignment, Flag, Item, Round
from annotation.rules.labeltable import LabelRow
from annotation.services import label_import
from annotation.states import AssignmentState, RoundKind
from core.models import AuditEvent
from tests import builders
from tests.builders import NOON
from tests.cast import Cast, ClientFor

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

NOVEMBER = "?since=2026-11-01&until=2026-11-30"
LABELS = {"clarity": "4"}


@pytest.fixture
def round_(project: Project, cast: Cast) -> Round:
    dataset = builders.make_dataset(project)
    return builders.make_round(
        dataset,
        builders.make_guideline(project),
        items=[builders.make_item(dataset, external_id=f"i{n}") for n in range(8)],
        raters=[builders.rater_of(project, person) for person in (cast.ana, cast.ben)],
        overlap=2,
    )


@pytest.fixture
def ana(round_: Round, cast: Cast) -> Rater:
    return builders.rater_of(round_.project, cast.ana)


def item(number: int) -> Item:
    return Item.objects.get(external_id=f"i{number}")


def rated(
    round_: Round, rater: Rater, number: int, *, at: datetime = NOON, seconds: float = 36.0
) -> Assignment:
    row = builders.make_rating(round_, item(number), rater, labels=LABELS, at=at)
    row.leased_at, row.active_seconds = at, seconds
    row.save()
    return row


def passed_by(round_: Round, rater: Rater, number: int, *, is_flagged: bool) -> None:
    Assignment.objects.filter(round=round_, item=item(number), slot=0).update(
        state=AssignmentState.SKIPPED,
        rater=rater,
        leased_at=NOON,
        active_seconds=18.0,
        skip_reason="x",
    )
    if is_flagged:
        Flag.objects.create(round=round_, item=item(number), rater=rater, reason="x")


def taken_out(round_: Round, rater: Rater, number: int) -> None:
    row = rated(round_, rater, number)
    row.state, row.submitted_at = AssignmentState.WITHDRAWN, None
    row.save()


def file_of(client: Client, query: str = NOVEMBER) -> list[dict[str, str]]:
    answer = client.get(reverse("work_download", args=["support"]) + query)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode())))


def test_accepted_taken_out_skipped_and_flagged_are_told_apart(
    round_: Round, ana: Rater, cast: Cast, client_for: ClientFor
) -> None:
    rated(round_, ana, 0)
    rated(round_, ana, 1)
    taken_out(round_, ana, 2)
    passed_by(round_, ana, 3, is_flagged=False)
    passed_by(round_, ana, 4, is_flagged=True)
    (line,) = file_of(client_for(cast.lea))
    assert line == {
        "rater": "Ana",
        "since": "",
        "from": "2026-11-01",
        "to": "2026-11-30",
        "accepted": "2",
        "taken_out": "1",
        "skipped": "1",
        "flagged": "1",
        "accepted_hours": "0.02",
        "active_hours": "0.04",
    }


def test_an_item_that_was_withdrawn_before_anybody_rated_it_is_no_work(
    round_: Round, ana: Rater, cast: Cast, client_for: ClientFor
) -> None:
    Assignment.objects.filter(item=item(0), slot=0).update(
        state=AssignmentState.WITHDRAWN, rater=ana, leased_at=NOON
    )
    assert file_of(client_for(cast.lea)) == []


def test_the_period_holds_its_first_and_its_last_day(
    round_: Round, ana: Rater, cast: Cast, client_for: ClientFor
) -> None:
    midnight = NOON.replace(hour=0)
    for number, hours in enumerate((-0.01, 0, 47.99, 48)):
        rated(round_, ana, number, at=midnight + timedelta(hours=hours))
    (line,) = file_of(client_for(cast.lea), "?since=2026-11-23&until=2026-11-24")
    assert line["accepted"] == "2"


def test_a_period_can_be_parted_by_day_week_and_month(
    round_: Round, ana: Rater, cast: Cast, client_for: ClientFor
) -> None:
    for number, days in enumerate((0, 1, 10)):
        rated(round_, ana, number, at=NOON - timedelta(days=days))
    lea = client_for(cast.lea)
    counts = {
        each: [
            (line["since"], line["accepted"]) for line in file_of(lea, f"{NOVEMBER}&each={each}")
        ]
        for each in ("day", "week", "month")
    }
    assert counts == {
        "day": [("2026-11-13", "1"), ("2026-11-22", "1"), ("2026-11-23", "1")],
        "week": [("2026-11-09", "1"), ("2026-11-16", "1"), ("2026-11-23", "1")],
        "month": [("2026-11-01", "3")],
    }


def test_labels_that_were_imported_are_no_work_here(
    round_: Round, ana: Rater, cast: Cast, client_for: ClientFor
) -> None:
    rated(round_, ana, 0)
    Round.objects.update(kind=RoundKind.IMPORTED)
    assert file_of(client_for(cast.lea)) == []


def test_raters_are_found_by_name_on_the_page_and_in_the_file(
    round_: Round, ana: Rater, cast: Cast, client_for: ClientFor
) -> None:
    rated(round_, ana, 0)
    rated(round_, builders.rater_of(round_.project, cast.ben), 1)
    lea = client_for(cast.lea)
    assert [line["rater"] for line in file_of(lea, f"{NOVEMBER}&q=bE")] == ["Ben"]
    page = lea.get(reverse("work", args=["support"]) + f"{NOVEMBER}&q=be").content.decode()
    assert ">Ben" in page
    assert ">Ana" not in page
    refused = lea.get(reverse("work", args=["support"]) + f"{NOVEMBER}&q=%00")
    assert refused.status_code == 422


def test_repeats_that_were_imported_are_none_either_and_a_round_of_ours_is(
    round_: Round, ana: Rater, cast: Cast, client_for: ClientFor
) -> None:
    rows = [LabelRow(n, "i0", "somebody", "4") for n in (1, 2)]
    label_import.add_labels(
        dataset=round_.dataset, rows=rows, name="l.csv", guideline_name="", actor="u1", now=NOON
    )
    assert Round.objects.filter(kind=RoundKind.RERATING).exists()
    assert file_of(client_for(cast.lea)) == []
    rated(round_, ana, 0)
    Round.objects.filter(pk=round_.pk).update(kind=RoundKind.RERATING)
    assert [line["accepted"] for line in file_of(client_for(cast.lea))] == ["1"]


def test_one_round_alone_can_be_asked_for(
    round_: Round, ana: Rater, cast: Cast, client_for: ClientFor
) -> None:
    rated(round_, ana, 0)
    other = builders.make_round(
        round_.dataset, round_.guideline_version, items=[item(1)], raters=[ana], name="Other"
    )
    lea = client_for(cast.lea)
    assert [line["accepted"] for line in file_of(lea, f"{NOVEMBER}&round={round_.pk}")] == ["1"]
    assert file_of(lea, f"{NOVEMBER}&round={other.pk}") == []


def test_the_page_says_the_same_and_what_accepted_means(
    round_: Round, ana: Rater, cast: Cast, client_for: ClientFor
) -> None:
    rated(round_, ana, 0)
    page = client_for(cast.lea).get(reverse("work", args=["support"]) + NOVEMBER)
    text = page.content.decode()
    assert page.status_code == 200
    assert ">Ana</th>" in text
    assert "answers that were submitted and stand" in text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?since=2026-11-30&until=2026-11-01", "The last day comes before the first"),
        ("?since=2001-01-01&until=2026-11-01", "A report covers two years at most"),
        ("?since=0001-01-01", "Choose a day from the year 2000 on"),
        ("?since=yesterday", "Write the day as year-month-day"),
        ("?round=999999", "There is no such round in this project."),
        ("?each=hour", "Choose one of the ways to part the period."),
    ],
)
def test_what_cannot_be_reported_is_said_where_it_stands(
    cast: Cast, client_for: ClientFor, query: str, words: str
) -> None:
    lea = client_for(cast.lea)
    page = lea.get(reverse("work", args=["support"]) + query)
    assert page.status_code == 422
    assert words in page.content.decode()
    assert lea.get(reverse("work_download", args=["support"]) + query).status_code == 422


def test_who_took_the_report_stands_in_the_trail(cast: Cast, client_for: ClientFor) -> None:
    file_of(client_for(cast.lea))
    event = AuditEvent.objects.get(verb="data.exported")
    assert (event.actor, event.data["table"]) == (cast.lea.actor, "work")


def test_a_rater_sees_own_work_and_nobody_elses(
    round_: Round, ana: Rater, cast: Cast, client_for: ClientFor
) -> None:
    rated(round_, ana, 0, seconds=40.0)
    ben = builders.rater_of(round_.project, cast.ben)
    for number in range(1, 4):
        rated(round_, ben, number)
    client = client_for(cast.ana)
    text = client.get(reverse("my_work", args=["support"])).content.decode()
    assert "Round 1" in text
    assert "Ben" not in text
    # 1 item in 40 seconds: 90 an hour; the others' three are not in it.
    assert '<dt class="stat__name">accepted</dt><dd class="stat__value">1</dd>' in text
    assert '<td class="end number">90</td>' in text


@pytest.mark.parametrize(("each", "words"), [("day", "Day"), ("week", "Week from"), ("no", "Week")])
def test_own_work_is_shown_over_time(
    round_: Round, ana: Rater, cast: Cast, client_for: ClientFor, each: str, words: str
) -> None:
    rated(round_, ana, 0)
    url = reverse("my_work", args=["support"])
    text = client_for(cast.ana).get(f"{url}?each={each}").content.decode()
    assert f'<th scope="col">{words}' in text
    assert "Mon 23 Nov 2026" in text


def test_a_rater_who_did_nothing_yet_is_told_what_to_do(
    cast: Cast, round_: Round, client_for: ClientFor
) -> None:
    page = client_for(cast.ben).get(reverse("my_work", args=["support"]))
    assert "Nothing rated yet" in page.content.decode()


def test_the_first_page_tells_the_last_seven_days(
    round_: Round, ana: Rater, cast: Cast, client_for: ClientFor
) -> None:
    now = timezone.now()
    rated(round_, ana, 0, at=now, seconds=720.0)
    rated(round_, ana, 1, at=now - timedelta(days=8))
    text = client_for(cast.ana).get(reverse("home")).content.decode()
    assert "1 item in the last seven days · 12 min active" in text


def test_the_report_costs_the_same_for_many_raters(
    round_: Round,
    ana: Rater,
    cast: Cast,
    client_for: ClientFor,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(4):
        rated(round_, ana, number)
        rated(round_, builders.rater_of(round_.project, cast.ben), number)
    lea = client_for(cast.lea)
    with django_assert_max_num_queries(30):
        lea.get(reverse("work", args=["support"]) + NOVEMBER)
