"""Rounds, ratings and the newest agreement over the API: in pages, and nothing sealed."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import Project, Rater
from accounts.roles import Role, Scope
from annotation.models import Assignment, Rating, Round
from annotation.queries import rounds
from annotation.services import rating
from annotation.states import AssignmentState, RoundKind, RoundState
from calibration.services import roundfigures
from core import jobs
from core.models import Job
from tests import builders, rated

pytestmark = pytest.mark.django_db

API = "/api/v1/projects/support/"


@pytest.fixture
def project() -> Project:
    return builders.make_project()


@pytest.fixture
def raters(project: Project) -> list[Rater]:
    users = [
        builders.join(project, builders.make_user(username=name), Role.RATER)
        for name in ("ana", "ben", "cho")
    ]
    return [builders.rater_of(project, user) for user in users]


@pytest.fixture
def round_(project: Project, raters: list[Rater]) -> Round:
    return rated.make_rated(project, raters, ["545", "334", "222", "121"], sealed=1)


@pytest.fixture
def machine(project: Project) -> Client:
    _, secret = builders.make_token(project, scopes=(Scope.READ,))
    return Client(headers={"Authorization": f"Bearer {secret}"})


def get(machine: Client, path: str, *, status: int = 200) -> Any:
    answer = machine.get(path if path.startswith("http") else API + path)
    assert answer.status_code == status, answer.content
    return answer.json()


def test_a_round_says_how_far_it_is(machine: Client, round_: Round) -> None:
    (one,) = get(machine, "rounds")["results"]
    assert one["id"] == round_.pk
    assert (one["name"], one["kind"], one["state"]) == ("Round 1", "standard", "open")
    assert (one["items"], one["raters"], one["overlap"]) == (4, 3, 3)
    assert (one["ratings_in"], one["ratings_wanted"]) == (12, 12)
    assert one["guideline_version"] == "1.0"


def test_rounds_are_narrowed_by_state_and_kind(machine: Client, round_: Round) -> None:
    version = round_.guideline_version
    closed = builders.make_round(
        round_.dataset, version, items=[], raters=[], name="Old", state=RoundState.CLOSED
    )
    drift = builders.make_round(
        round_.dataset, version, items=[], raters=[], name="Drift", kind=RoundKind.DRIFT
    )
    assert _ids(get(machine, "rounds")) == [round_.pk, closed.pk, drift.pk]
    assert _ids(get(machine, "rounds?state=closed")) == [closed.pk]
    assert _ids(get(machine, "rounds?kind=drift")) == [drift.pk]
    assert "state" in get(machine, "rounds?state=nowhere", status=422)["fields"]


def test_a_page_of_rounds_costs_the_same_whatever_it_holds(
    machine: Client, round_: Round, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for n in range(30):
        builders.make_round(
            round_.dataset, round_.guideline_version, items=[], raters=[], name=f"R{n}"
        )
    with django_assert_max_num_queries(12):
        assert len(get(machine, "rounds")["results"]) == 31


def test_ratings_come_in_pages_as_the_export_has_them(machine: Client, round_: Round) -> None:
    first = get(machine, "ratings?page_size=5")
    assert len(first["results"]) == 5
    rows = [*first["results"]]
    page = first
    while page["next"]:
        page = get(machine, page["next"])
        rows += page["results"]
    exported = machine.get(API + "export/ratings")
    lines = b"".join(exported.streaming_content).splitlines()  # type: ignore[attr-defined]
    assert len(rows) == len(lines) == 9 * len(builders.FOUR)
    assert rows[0]["item"] == "i1"
    assert rows[0]["label"] == "3"
    assert rows[0]["uncounted_label"] is None
    assert rows[0]["state"] == "current"


def test_no_rating_of_a_sealed_item_is_told(machine: Client, round_: Round) -> None:
    assert {row["item"] for row in get(machine, "ratings")["results"]} == {"i1", "i2", "i3"}


def test_a_changed_answer_keeps_its_history(
    machine: Client, round_: Round, raters: list[Rater]
) -> None:
    answered = Assignment.objects.get(
        item__external_id="i3", rater=raters[1], state=AssignmentState.SUBMITTED
    )
    rating.amend(
        assignment_id=answered.pk,
        rater=raters[1],
        labels=dict.fromkeys(builders.FOUR, "5"),
        now=timezone.now(),
    )
    rows = get(machine, "ratings")["results"]
    told = [row for row in rows if row["assignment"] == answered.pk]
    by_state = {(row["state"], row["label"], row["uncounted_label"]) for row in told}
    assert by_state == {("current", "5", None), ("replaced", None, "2")}


def test_ratings_are_narrowed_to_a_round_of_this_project(
    machine: Client, round_: Round, raters: list[Rater]
) -> None:
    other = builders.make_round(
        round_.dataset, round_.guideline_version, items=[], raters=raters, name="Empty"
    )
    assert get(machine, f"ratings?round={other.pk}")["results"] == []
    assert get(machine, f"ratings?round={round_.pk}")["results"]
    foreign = builders.make_dataset(builders.make_project(slug="elsewhere"))
    assert get(machine, f"ratings?dataset={foreign.pk}", status=404)["code"] == "not_found"


def test_a_page_of_ratings_costs_the_same_whatever_it_holds(
    machine: Client, round_: Round, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    assert Rating.objects.count() > 20
    with django_assert_max_num_queries(6):
        get(machine, "ratings")


def test_the_newest_round_with_labels_is_what_agreement_is_about(
    machine: Client, round_: Round
) -> None:
    builders.make_round(round_.dataset, round_.guideline_version, items=[], raters=[], name="New")
    found = get(machine, "agreement")
    assert found["round"] == round_.pk
    assert found == get(machine, f"rounds/{round_.pk}/agreement")


def test_without_labels_there_is_no_agreement_yet(machine: Client) -> None:
    assert "holds labels" in get(machine, "agreement", status=404)["message"]


def _ids(page: Any) -> list[int]:
    return [one["id"] for one in page["results"]]


def test_a_large_round_is_measured_by_a_job_and_no_answer_waits_for_it(
    machine: Client, round_: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.clear()
    small = get(machine, f"rounds/{round_.pk}/agreement")
    cache.clear()
    monkeypatch.setattr(rounds, "LARGE", 2)
    for path in ("agreement", f"rounds/{round_.pk}/agreement"):
        assert get(machine, path, status=409)["code"] == "figures_missing"
    (job,) = Job.objects.filter(kind=roundfigures.MAKE)
    jobs.run(job.pk)
    assert get(machine, f"rounds/{round_.pk}/agreement") == small
