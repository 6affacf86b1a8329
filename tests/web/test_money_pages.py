"""Ledger, budgets and prices, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.roles import Role
from core.models import AuditEvent
from judges import simulator
from judges.models import Attempt, OwnPrice, Purse, Run
from judges.rules import budgets
from judges.rules.pricing import PriceRow
from judges.services import engine, prices, purses
from judges.services.versions import ANTHROPIC
from judges.simulator import Simulator
from tests import builders, judging
from tests.judging import QUICK, Scene

pytestmark = pytest.mark.django_db

PRICE = {
    "provider": "anthropic",
    "model": "house-model-1",
    "input": "3",
    "output": "15",
    "cache_read": "0.3",
    "cache_write_5m": "",
    "cache_write_1h": "",
    "batch_factor": "0.5",
    "source": "contract of May",
    "as_of": "2026-05-01",
}


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with simulator.start() as running:
        yield running


@pytest.fixture(autouse=True)
def _local(settings: Settings, sim: Simulator) -> None:
    sim.reset()
    settings.SIMULATOR_URL = sim.url
    settings.ANTHROPIC_API_KEY = "k"


@pytest.fixture
def scene() -> Scene:
    return judging.make_scene(pairs=2)


def person(scene: Scene, name: str, *roles: Role) -> Client:
    user = builders.join(scene.project, builders.make_user(username=name), *roles)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def lead(scene: Scene) -> Client:
    return person(scene, "lea", Role.LEAD)


@pytest.fixture
def admin(scene: Scene) -> Client:
    return person(scene, "ada", Role.ADMIN)


def url(name: str, *args: object) -> str:
    return reverse(name, args=["support", *args])


def ran(scene: Scene) -> Run:
    run = judging.make_run(scene.version, dataset=scene.dataset)
    engine.drain(run.pk, pace=QUICK)
    run.refresh_from_db()
    return run


def text_of(client: Client, address: str, status: int = 200, **query: str) -> str:
    answer = client.get(address, query)
    assert answer.status_code == status
    return answer.content.decode()


def test_the_ledger_sums_by_day_judge_model_and_outcome(scene: Scene, lead: Client) -> None:
    run = ran(scene)
    Attempt.objects.filter(pk=Attempt.objects.earliest("pk").pk).update(outcome="unknown")
    page = text_of(lead, url("ledger"))
    assert budgets.dollars(run.spent) in page
    assert "Helpful" in page
    assert judging.PLUMB in page
    assert "simulated" in page
    assert '<th scope="row">unknown</th><td class="end number">1</td>' in page
    assert "booked at what was reserved" in page
    assert 'class="plot__column"' in page


def test_an_empty_ledger_says_so(scene: Scene, lead: Client) -> None:
    assert "Nothing was sent in this period" in text_of(lead, url("ledger"))


def test_the_ledger_is_narrowed_by_days_judge_and_model(scene: Scene, lead: Client) -> None:
    ran(scene)
    other = judging.make_judge(scene.project, scene.guideline, name="Second")
    judging.make_version(other, scene.guideline, model="sim-slant-1")
    queries: list[dict[str, str]] = [
        {"since": "2020-01-01", "until": "2020-01-31"},
        {"judge": str(other.pk)},
        {"model": "sim-slant-1"},
    ]
    for query in queries:
        assert "Nothing was sent" in text_of(lead, url("ledger"), 200, **query)
    page = text_of(lead, url("ledger"), judge=str(scene.judge.pk), model=judging.PLUMB)
    assert f"judge={scene.judge.pk}" in page
    assert "Nothing was sent" not in page


def test_a_long_period_is_told_by_month(scene: Scene, lead: Client) -> None:
    ran(scene)
    today = timezone.now().date()
    page = text_of(lead, url("ledger"), since="2025-01-01", until=today.isoformat())
    assert "Spent by month" in page
    assert "Jan 2025" in page


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"since": "yesterday"}, "year-month-day"),
        ({"since": "2026-11-02", "until": "2026-11-01"}, "exchange them"),
        ({"since": "2001-01-01", "until": "2026-11-01"}, "five years"),
        ({"until": "9999-12-31"}, "before 3000"),
        ({"model": "gpt"}, "No version"),
        ({"judge": "99999"}, "no such judge"),
    ],
)
def test_what_the_ledger_cannot_show_is_refused_at_its_field(
    scene: Scene, lead: Client, query: dict[str, str], words: str
) -> None:
    assert words in text_of(lead, url("ledger"), 422, **query)


def test_the_ledger_costs_the_same_queries_for_few_and_many_attempts(
    scene: Scene, lead: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    ran(scene)
    call = Attempt.objects.latest("pk").call
    Attempt.objects.bulk_create(
        Attempt(
            call=call, number=number, state="final", outcome="ok", owner="w", cache_key="k",
            prompt_digest="d", cost=Decimal("0.01"), sent_at=timezone.now(),
            finished_at=timezone.now(),
        )
        for number in range(10, 400)
    )  # fmt: skip
    with django_assert_max_num_queries(24):
        text_of(lead, url("ledger"))


def test_the_ledgers_export_is_narrowed_to_what_is_shown(scene: Scene, lead: Client) -> None:
    ran(scene)
    day = timezone.now().date().isoformat()
    address = url("export_download", "ledger", "jsonl")
    shown = {"since": day, "until": day, "judge": str(scene.judge.pk)}
    whole = lead.get(address, shown).getvalue()
    assert len(whole.splitlines()) == 4
    assert lead.get(address, {"until": "2020-01-01"}).getvalue() == b""
    assert lead.get(address, {"judge": 99999}).getvalue() == b""
    assert lead.get(address, {"model": "sim-slant-1"}).getvalue() == b""
    of_model = lead.get(address, shown | {"model": judging.PLUMB}).getvalue()
    assert of_model == whole
    assert {json.loads(line)["model"] for line in whole.splitlines()} == {judging.PLUMB}
    page = text_of(lead, url("ledger"), judge=str(scene.judge.pk), model=judging.PLUMB)
    assert f"judge={scene.judge.pk}&amp;model={judging.PLUMB}" in page
    assert lead.get(address, {"since": "soon"}).status_code == 422
    assert lead.get(address, {"until": "9999-12-31"}).status_code == 422
    trail = AuditEvent.objects.filter(verb="data.exported").earliest("pk").data
    assert (trail["judge"], trail["since"], trail["until"]) == (scene.judge.pk, day, day)


def test_budgets_show_spent_reserved_and_left(scene: Scene, lead: Client) -> None:
    run = ran(scene)
    purses.set_judge_budget(judge=scene.judge, budget=Decimal(3), actor="u1")
    Purse.objects.filter(judge=scene.judge).update(reserved=Decimal("0.5"))
    page = text_of(lead, url("budgets"))
    assert budgets.dollars(run.spent) in page
    assert budgets.dollars(Decimal("2.5") - run.spent) in page
    assert "An admin of the project sets it." in page
    assert url("budget_month") not in page


def test_a_lead_sets_a_judges_budget(scene: Scene, lead: Client) -> None:
    answer = lead.post(url("budget_judge", scene.judge.pk), {"budget": "2.50"})
    assert answer.url == url("budgets")  # type: ignore[attr-defined]
    assert Purse.objects.get(judge=scene.judge).limit == Decimal("2.5")
    lead.post(url("budget_judge", scene.judge.pk), {"budget": ""})
    assert Purse.objects.get(judge=scene.judge).limit is None


def test_an_admin_sets_the_months_budget(scene: Scene, admin: Client) -> None:
    answer = admin.post(url("budget_month"), {"budget": "20"})
    assert answer.url == url("budgets")  # type: ignore[attr-defined]
    assert Purse.objects.get(month=budgets.month_of(timezone.now())).limit == 20
    assert "$20.00" in text_of(admin, url("budgets"))


@pytest.mark.parametrize("budget", ["-1", "lots", "0", "0.01"])
def test_a_budget_that_cannot_be_is_refused_at_its_field(
    scene: Scene, lead: Client, admin: Client, budget: str
) -> None:
    ran(scene)
    Purse.objects.update(spent=1)
    for client, address in (
        (lead, url("budget_judge", scene.judge.pk)),
        (admin, url("budget_month")),
    ):
        answer = client.post(address, {"budget": budget})
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.content.decode()
    assert not Purse.objects.exclude(limit=None).exists()


def test_a_limit_that_a_bill_lifted_is_told(scene: Scene, admin: Client) -> None:
    Purse.objects.create(
        project=scene.project,
        month=budgets.month_of(timezone.now()),
        limit=Decimal(5),
        set_to=Decimal(4),
        spent=Decimal("4.5"),
    )
    page = text_of(admin, url("budgets"))
    assert "the limit was lifted from $4.00" in page


def test_an_admin_enters_a_price_and_it_is_in_force(scene: Scene, admin: Client) -> None:
    answer = admin.post(url("price_new"), PRICE)
    assert answer.url == url("budgets")  # type: ignore[attr-defined]
    row = OwnPrice.objects.get()
    assert (row.input, row.cache_read, row.cache_write_5m) == (Decimal(3), Decimal("0.3"), None)
    assert (row.source, row.author_actor[0]) == ("contract of May", "u")
    admin.post(url("price_new"), {**PRICE, "input": "4", "as_of": "2990-01-01"})
    admin.post(url("price_new"), {**PRICE, "input": "2", "as_of": "2026-04-01"})
    page = text_of(admin, url("budgets"))
    for word in ("in force", "to come", "replaced"):
        assert page.count(word) == 1
    assert AuditEvent.objects.filter(verb="price.set").count() == 3


@pytest.mark.parametrize(
    "change",
    [
        {"input": "-1"},
        {"output": ""},
        {"provider": "Some Where"},
        {"provider": "baseline"},
        {"batch_factor": "2"},
        {"source": ""},
        {"as_of": "soon"},
        {"as_of": "9999-12-31"},
        {"model": ""},
        {"cache_read": "x"},
    ],
)
def test_a_price_that_cannot_be_is_refused_at_its_field(
    scene: Scene, admin: Client, change: dict[str, str]
) -> None:
    answer = admin.post(url("price_new"), {**PRICE, **change})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()
    assert not OwnPrice.objects.exists()


def test_an_unpriced_model_says_what_is_missing_and_where_it_is_entered(
    scene: Scene, lead: Client
) -> None:
    unpriced = judging.make_version(
        scene.judge, scene.guideline, provider=ANTHROPIC, model="house-model-1"
    )
    both = person(scene, "bo", Role.LEAD, Role.ADMIN)
    page = text_of(lead, url("run_new", unpriced.pk))
    assert "No price is known for the model house-model-1" in page
    assert f'href="{url("budgets")}"' in page
    told = text_of(lead, url("budgets"))
    assert "Nobody has said what" in told
    assert "An admin of the project enters it." in told
    link = f"{url('price_new')}?provider=anthropic&amp;model=house-model-1"
    assert link in text_of(both, url("run_new", unpriced.pk))
    assert link in text_of(both, url("budgets"))
    form = text_of(both, url("price_new"), provider="anthropic", model="house-model-1")
    assert 'value="house-model-1"' in form
    assert f'value="{timezone.now().date().isoformat()}"' in form
    both.post(url("price_new"), PRICE)
    priced = text_of(both, url("run_new", unpriced.pk))
    assert 'contract of May, <span class="nowrap">2026-05-01' in priced
    assert "Nobody has said what" not in text_of(both, url("budgets"))


def test_the_estimate_says_what_is_left_and_warns(scene: Scene, lead: Client) -> None:
    page = text_of(lead, url("run_new", scene.version.pk))
    assert "Left of" not in page
    purses.set_judge_budget(judge=scene.judge, budget=Decimal("0.000002"), actor="u1")
    purses.set_month_budget(
        project=scene.project, budget=Decimal(100), actor="u1", now=timezone.now()
    )
    page = text_of(lead, url("run_new", scene.version.pk))
    assert "Left of the month&#x27;s budget" in page
    assert "$100.00" in page
    assert "Of the budget of the judge Helpful $0.0000 is left" in page
    assert "it will pause when that is reached" in page


def test_money_of_another_project_is_not_found(scene: Scene, lead: Client) -> None:
    elsewhere = builders.make_project(slug="other")
    guideline = builders.make_guideline(elsewhere, pairwise=True)
    judge = judging.make_judge(elsewhere, guideline, name="Theirs")
    assert lead.post(url("budget_judge", judge.pk), {"budget": "1"}).status_code == 404
    assert lead.get(reverse("ledger", args=["other"])).status_code == 404
    assert lead.get(url("ledger"), {"judge": judge.pk}).status_code == 422
    assert "Theirs" not in text_of(lead, url("budgets"))


def test_a_judges_list_of_budgets_is_paged(scene: Scene, lead: Client) -> None:
    for number in range(60):
        judging.make_judge(scene.project, scene.guideline, name=f"Judge {number:02}")
    page = text_of(lead, url("budgets"))
    assert "1–50 of 61" in page
    assert "Judge 59" in text_of(lead, url("budgets"), page="2")


def test_leads_and_admins_alone_read_and_each_sets_what_is_theirs(
    scene: Scene, lead: Client, admin: Client
) -> None:
    noor = person(scene, "noor", Role.ADJUDICATOR)
    ana = person(scene, "ana", Role.RATER)
    for name in ("ledger", "budgets"):
        assert [c.get(url(name)).status_code for c in (lead, admin, noor, ana)] == [
            200, 200, 403, 403,
        ]  # fmt: skip
    assert lead.post(url("budget_month"), {"budget": "1"}).status_code == 403
    assert lead.post(url("price_new"), PRICE).status_code == 403
    assert admin.post(url("budget_judge", scene.judge.pk), {"budget": "1"}).status_code == 403


def test_a_run_is_priced_by_the_own_price_from_plan_to_ledger(scene: Scene) -> None:
    ada = builders.make_user(username="ada")
    row = PriceRow(
        provider="simulator",
        model=judging.PLUMB,
        input=Decimal(3),
        output=Decimal(15),
        source="contract of May",
        as_of=date(2026, 5, 1),
    )
    prices.add_price(project=scene.project, price=row, author=ada)
    run = ran(scene)
    for attempt in Attempt.objects.filter(call__run=run):
        assert (attempt.price_source, attempt.price_as_of) == ("contract of May", "2026-05-01")
        tokens = 3 * attempt.input_tokens + 15 * attempt.output_tokens
        assert attempt.cost is not None
        assert attempt.cost >= Decimal(tokens) / 1_000_000
        assert attempt.cost < attempt.reserved
