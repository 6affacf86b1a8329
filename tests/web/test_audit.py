"""The audit trail: names for actors, filters by address, pages by cursor, one project only."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts import queries
from accounts.models import Project, User
from accounts.queries import actor_names
from accounts.roles import Role
from core import audit, chain, jobs
from core.models import AuditEvent, AuditLink, Job
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return builders.make_project()


@pytest.fixture
def lea(project: Project) -> User:
    return builders.join(project, builders.make_user(username="lea"), Role.LEAD)


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url() -> str:
    return reverse("audit", args=["support"])


def written(project: Project, actor: str, verb: str, number: int = 1) -> None:
    for place in range(number):
        audit.record(
            actor=actor, verb=verb, object_type="round", object_id=place, project_id=project.pk
        )


def test_actor_ids_become_names(project: Project, lea: User) -> None:
    token, _ = builders.make_token(project)
    names = actor_names([lea.actor, token.actor, "system", "u999999", "u²", "somebody"])
    assert names == {
        lea.actor: "Lea",
        token.actor: "token test",
        "system": "Plumbline itself",
        "u999999": "u999999",
        "u²": "u²",
        "somebody": "somebody",
    }


def test_the_trail_shows_who_did_what(project: Project, lea: User) -> None:
    written(project, lea.actor, "round.opened")
    page = as_(lea).get(url()).content.decode()
    assert "round.opened" in page
    assert "Lea" in page


def test_a_changed_member_is_named(project: Project, lea: User) -> None:
    page = as_(lea).get(url() + "?verb=membership.set").content.decode()
    assert "person" in page
    assert "lead" in page


def test_another_projects_rows_are_not_there(project: Project, lea: User) -> None:
    other = builders.make_project(slug="other")
    written(other, "u1", "round.elsewhere")
    assert "round.elsewhere" not in as_(lea).get(url()).content.decode()


@pytest.mark.parametrize("query", ["verb=round.opened", "actor=system"])
def test_a_filter_leaves_the_rest_out(project: Project, lea: User, query: str) -> None:
    written(project, "system", "round.opened")
    written(project, lea.actor, "round.paused")
    rows = as_(lea).get(f"{url()}?{query}").context["trail"].rows
    assert {row.event.verb for row in rows} <= {"round.opened", "membership.set"}
    assert "round.paused" not in {row.event.verb for row in rows}


def test_a_day_without_acts_is_empty_and_says_so(lea: User) -> None:
    assert b"No row of the trail fits" in as_(lea).get(url() + "?until=2001-01-01").content


@pytest.mark.parametrize(
    "query",
    [
        "since=yesterday",
        "until=2026-13-01",
        "since=2026-02-01&until=2026-01-01",
        "object=a+b+c",
        "verb=nothing.such",
        "before=x",
        "before=-1",
    ],
)
def test_nonsense_in_the_filter_is_refused_with_a_sentence(lea: User, query: str) -> None:
    answer = as_(lea).get(f"{url()}?{query}")
    assert answer.status_code == 422
    assert b"mended" in answer.content


def test_the_trail_is_paged_by_cursor_without_gaps(project: Project, lea: User) -> None:
    written(project, "system", "round.opened", number=120)
    seen: list[int] = []
    address = url() + "?verb=round.opened"
    cursor: int | None = None
    for _ in range(4):
        trail = as_(lea).get(address + (f"&before={cursor}" if cursor else "")).context["trail"]
        seen += [row.event.pk for row in trail.rows]
        cursor = trail.older
        if cursor is None:
            break
    everything = AuditEvent.objects.filter(verb="round.opened").order_by("-pk")
    assert seen == list(everything.values_list("pk", flat=True))


def test_an_outsider_finds_nothing(project: Project) -> None:
    assert as_(builders.make_user(username="olu")).get(url()).status_code == 404


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (Role.RATER, 403),
        (Role.ADJUDICATOR, 403),
        (Role.ADMIN, 200),
    ],
)
def test_leads_and_admins_read_it(role: Role, status: int, project: Project) -> None:
    other = builders.join(project, builders.make_user(username="other"), role)
    assert as_(other).get(url()).status_code == status


def told(project: Project, **data: object) -> AuditEvent:
    audit.record(
        actor="system",
        verb="round.noted",
        object_type="round",
        object_id=12,
        project_id=project.pk,
        data=data,
    )
    return AuditEvent.objects.latest("pk")


@pytest.mark.databases
@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("q=GR%C3%BCNE", True),
        ("q=gr%C3%BCne", True),
        ("q=yellow", False),
        ("q=%25", False),
        ("object=round", True),
        ("object=round+12", True),
        ("object=round+13", False),
        ("object=item", False),
        ("since=2026-01-01&until=2026-01-31", True),
        ("since=2026-02-01", False),
        ("until=2025-12-31", False),
        ("q=%22", True),
    ],
)
def test_the_trail_is_narrowed_by_words_objects_and_days(
    project: Project, lea: User, query: str, is_found: bool
) -> None:
    event = told(project, reason="Die GRüne Fassung")
    AuditEvent.objects.filter(pk=event.pk).update(at=datetime(2026, 1, 31, 23, 30, tzinfo=UTC))
    answer = as_(lea).get(f"{url()}?{query}&verb=round.noted")
    assert [row.event.pk for row in answer.context["trail"].rows] == [event.pk] * is_found


def test_a_long_trail_is_looked_through_in_parts_without_gaps(
    project: Project, lea: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "LOOKED_THROUGH", 10)
    for verb in ("round.opened", "round.paused", "round.closed"):
        written(project, "system", verb, number=13)
    client, seen, cursor = as_(lea), [], None
    for _ in range(9):
        answer = client.get(url() + "?verb=round.paused" + (f"&before={cursor}" if cursor else ""))
        trail, text = answer.context["trail"], answer.content.decode()
        seen += [row.event.pk for row in trail.rows]
        assert ("Look further back" in text) is (trail.reached is not None)
        cursor = trail.older
        if cursor is None:
            break
    assert cursor is None
    everything = AuditEvent.objects.filter(verb="round.paused").order_by("-pk")
    assert seen == list(everything.values_list("pk", flat=True))
    # Nobody did it lately, and yet it can be asked for; what nobody ever did cannot.
    offered = client.get(url()).context["form"].fields["verb"].choices
    assert "round.opened" not in dict(offered)
    assert client.get(url() + "?verb=round.opened").status_code == 200
    assert client.get(url() + "?verb=round.lost").status_code == 422


def test_the_next_page_keeps_the_filter(project: Project, lea: User) -> None:
    written(project, "system", "round.opened", number=60)
    page = as_(lea).get(url() + "?verb=round.opened&object=round").content.decode()
    assert "?verb=round.opened&amp;object=round&amp;before=" in page


@pytest.mark.parametrize("extension", ["jsonl", "csv"])
def test_what_the_filter_leaves_goes_out_as_a_file(
    project: Project, lea: User, extension: str
) -> None:
    written(project, "system", "round.opened", number=3)
    chain.extend(timezone.now())
    address = reverse("audit_download", args=["support", extension])
    answer = as_(lea).get(address + "?verb=round.opened")
    text = answer.getvalue().decode()
    assert text.count("round.opened") == 3
    assert "membership.set" not in text
    last = AuditEvent.objects.filter(verb="round.opened").latest("pk")
    assert AuditLink.objects.get(event=last).digest in text
    taken = AuditEvent.objects.latest("pk")
    assert (taken.verb, taken.data["verb"]) == ("data.exported", "round.opened")


def test_an_unknown_format_and_a_filter_of_nonsense_give_no_file(lea: User) -> None:
    client = as_(lea)
    assert client.get(reverse("audit_download", args=["support", "xml"])).status_code == 404
    address = reverse("audit_download", args=["support", "csv"])
    assert client.get(address + "?verb=nothing.such").status_code == 422


def test_the_page_says_which_rows_are_chained_and_which_are_broken(
    project: Project, lea: User
) -> None:
    written(project, "system", "round.opened", number=3)
    chain.extend(timezone.now())
    written(project, "system", "round.paused")
    changed = AuditEvent.objects.filter(verb="round.opened").earliest("pk")
    AuditEvent.objects.filter(pk=changed.pk).update(actor="u7")
    rows = as_(lea).get(url()).context["trail"].rows
    marks = {row.event.verb + str(row.event.object_id): row.is_held for row in rows}
    assert marks["round.paused0"] is None
    assert marks["round.opened0"] is False
    assert marks["round.opened1"] is True


def test_a_lead_has_the_whole_chain_checked(project: Project, lea: User) -> None:
    written(project, "system", "round.opened", number=3)
    chain.extend(timezone.now())
    client = as_(lea)
    assert "Nobody has had the whole chain checked" in client.get(url()).content.decode()
    for _ in range(2):
        assert client.post(reverse("audit_check", args=["support"])).status_code == 302
    job = Job.objects.get(kind=chain.CHECK)
    assert "being checked" in client.get(url()).content.decode()
    jobs.run(job.pk)
    assert "It held up to row 4 on" in client.get(url()).content.decode()


def test_nothing_is_posted_to_the_trail(lea: User) -> None:
    assert as_(lea).post(url()).status_code == 405


def test_the_trail_costs_the_same_for_many_actors(
    project: Project, lea: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        written(project, builders.make_user(username=f"p{number}").actor, "round.opened")
    client = as_(lea)
    with django_assert_max_num_queries(22):
        client.get(url())
