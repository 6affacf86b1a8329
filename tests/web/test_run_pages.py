"""Runs and calls, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.roles import Role
from annotation.models import Content, Item
from annotation.states import Part
from judges import simulator
from judges.models import Call, JudgeVersion, Run
from judges.services import engine, runs
from judges.services.pace import Pace
from judges.simulator import Simulator
from judges.states import PieceState, RunMode, RunPurpose, RunState
from tests import builders, judging
from tests.judging import QUICK, Scene

pytestmark = pytest.mark.django_db

HTMX = {"HTTP_HX_REQUEST": "true"}
STEERING = ("run_pause", "run_resume", "run_cancel", "run_budget", "run_retry")


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with simulator.start() as running:
        yield running


@pytest.fixture(autouse=True)
def _local(settings: Settings, sim: Simulator) -> None:
    sim.reset()
    settings.SIMULATOR_URL = sim.url


@pytest.fixture
def scene() -> Scene:
    return judging.make_scene(pairs=2)


@pytest.fixture
def run(scene: Scene) -> Run:
    return judging.make_run(scene.version, dataset=scene.dataset, budget=Decimal(1))


PATIENT = replace(QUICK, timeout=60.0)


def drained(run: Run, *, pace: Pace = QUICK) -> Run:
    engine.drain(run.pk, pace=pace)
    run.refresh_from_db()
    return run


def person(scene: Scene, name: str, *roles: Role) -> Client:
    user = builders.make_user(username=name)
    if roles:
        builders.join(scene.project, user, *roles)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def lead(scene: Scene) -> Client:
    return person(scene, "lea", Role.LEAD)


def url(name: str, *args: object) -> str:
    return reverse(name, args=["support", *args])


def test_the_estimate_is_there_before_anything_is_sent(scene: Scene, lead: Client) -> None:
    page = lead.get(url("run_new", scene.version.pk)).content.decode()
    assert "simulated price list" in page
    assert "To send" in page
    assert not Run.objects.exists()


def test_a_newer_dataset_without_pairs_is_not_chosen_for_a_judge_of_pairs(
    scene: Scene, lead: Client
) -> None:
    other = builders.make_dataset(scene.project, name="single answers")
    builders.make_item(other, external_id="single")
    page = lead.get(url("run_new", scene.version.pk)).content.decode()
    assert f'<option value="{scene.dataset.pk}" selected' in page
    assert "To send" in page
    asked = f"{url('run_new', scene.version.pk)}?dataset={other.pk}"
    assert "There is nothing to judge" in lead.get(asked).content.decode()


def test_a_changed_field_brings_a_new_estimate_alone(scene: Scene, lead: Client) -> None:
    body = {"dataset": scene.dataset.pk, "budget": "", "concurrency": 4}
    answer = lead.post(url("run_new", scene.version.pk), body, **HTMX)  # type: ignore[arg-type]
    assert answer.content.decode().startswith('\n<section class="card')
    assert not Run.objects.exists()


def test_starting_plans_the_run(scene: Scene, lead: Client) -> None:
    body = {"dataset": scene.dataset.pk, "budget": "2.50", "concurrency": 4, "act": "start"}
    answer = lead.post(url("run_new", scene.version.pk), body)
    run = Run.objects.get()
    assert answer.url == url("run", run.pk)  # type: ignore[attr-defined]
    assert (run.budget, run.concurrency, run.calls_planned) == (Decimal("2.5"), 4, 4)
    assert run.actor.startswith("u")


@pytest.mark.parametrize(
    "change", [{"budget": "-1"}, {"budget": "lots"}, {"concurrency": 500}, {"dataset": 99999}]
)
def test_what_cannot_be_is_refused_at_its_field(
    scene: Scene, lead: Client, change: dict[str, object]
) -> None:
    body = {"dataset": scene.dataset.pk, "budget": "", "concurrency": 4, "act": "start", **change}
    assert lead.post(url("run_new", scene.version.pk), body).status_code == 422
    assert not Run.objects.exists()


def test_a_dataset_with_nothing_to_judge_is_refused_in_words(scene: Scene, lead: Client) -> None:
    empty = builders.make_dataset(scene.project, name="empty")
    body = {"dataset": empty.pk, "budget": "", "concurrency": 4, "act": "start"}
    answer = lead.post(url("run_new", scene.version.pk), body)
    assert answer.status_code == 422
    assert "nothing to judge" in answer.content.decode()


def test_a_live_run_asks_again_every_second(run: Run, lead: Client) -> None:
    page = lead.get(url("run", run.pk)).content.decode()
    assert 'hx-trigger="every 1s"' in page
    fragment = lead.get(url("run", run.pk), {"live": 1}, **HTMX).content.decode()  # type: ignore[arg-type]
    assert "<html" not in fragment
    assert "0 of 4" in fragment
    assert "Simulated: no model was called." in fragment
    assert "run-ledger" not in fragment


def test_the_ledger_of_a_live_run_goes_on_with_it_and_its_buttons_can_keep_the_focus(
    run: Run, lead: Client
) -> None:
    page = lead.get(url("run", run.pk)).content.decode()
    assert "?live=1&amp;whole=1" in page
    assert page.count('id="run-ledger"') == 1
    assert "hx-swap-oob" not in page
    beside = lead.get(url("run", run.pk), {"live": 1, "whole": 1}, **HTMX)  # type: ignore[arg-type]
    fragment = beside.content.decode()
    assert "?live=1&amp;whole=1" in fragment
    assert fragment.count('id="run-ledger"') == 1
    assert 'hx-swap-oob="true"' in fragment
    for act in ("pause", "cancel"):
        assert f'id="run-{run.pk}-{act}"' in fragment


def test_whoever_watched_a_run_to_its_end_gets_the_whole_page(run: Run, lead: Client) -> None:
    drained(run)
    answer = lead.get(url("run", run.pk), {"live": 1}, **HTMX)  # type: ignore[arg-type]
    assert answer["HX-Refresh"] == "true"
    page = lead.get(url("run", run.pk)).content.decode()
    assert 'hx-trigger="every 1s"' not in page
    assert "4 of 4" in page
    assert "preference" in page


def test_the_calls_of_a_run_can_be_narrowed_to_an_outcome(
    run: Run, lead: Client, sim: Simulator
) -> None:
    sim.script({"do": "refusal", "times": 1})
    drained(run)
    page = lead.get(url("run", run.pk), {"outcome": "refused"}).content.decode()
    assert page.count(reverse("call", args=["support", 0])[:-2]) == 1
    assert "The model declined" in page


def test_the_run_page_costs_the_same_for_few_and_many_calls(
    scene: Scene, lead: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    more = builders.make_dataset(scene.project, name="more")
    judging.make_pairs(more, 40)
    big = judging.make_run(scene.version, dataset=more)
    with django_assert_max_num_queries(30):
        lead.get(url("run", big.pk))


def test_a_budget_is_shown_without_the_places_that_the_row_keeps(run: Run, lead: Client) -> None:
    page = lead.get(url("run", run.pk)).content.decode()
    assert 'name="budget" value="1"' in page


def test_pause_resume_budget_and_retry(run: Run, lead: Client, sim: Simulator) -> None:
    assert lead.post(url("run_pause", run.pk)).status_code == 302
    run.refresh_from_db()
    assert run.state == RunState.PAUSED
    assert "Paused by a person" in lead.get(url("run", run.pk)).content.decode()
    lead.post(url("run_budget", run.pk), {"budget": "3"})
    lead.post(url("run_resume", run.pk))
    sim.script({"do": "refusal", "times": 1})
    drained(run)
    assert run.budget == Decimal(3)
    assert "Retry 1 without a verdict" in lead.get(url("run", run.pk)).content.decode()
    told = lead.post(url("run_retry", run.pk), follow=True).content.decode()
    assert "1 call is asked again." in told
    assert drained(run).state == RunState.DONE
    assert Call.objects.filter(run=run, outcome="ok").count() == 4


def test_cancelling_asks_once(run: Run, lead: Client) -> None:
    assert "Cancel run" in lead.get(url("run_cancel", run.pk)).content.decode()
    run.refresh_from_db()
    assert run.state == RunState.PLANNED
    lead.post(url("run_cancel", run.pk))
    run.refresh_from_db()
    assert run.state == RunState.CANCELLED


def test_steering_what_cannot_be_steered_is_a_conflict(run: Run, lead: Client) -> None:
    drained(run)
    for name in ("run_pause", "run_resume", "run_cancel", "run_retry"):
        assert lead.post(url(name, run.pk)).status_code == 409


def test_a_budget_below_what_is_spent_is_refused_at_its_field(run: Run, lead: Client) -> None:
    Run.objects.filter(pk=run.pk).update(spent=Decimal("0.5"))
    answer = lead.post(url("run_budget", run.pk), {"budget": "0.1"})
    assert answer.status_code == 422
    assert "Higher than what is spent" in answer.content.decode()


@pytest.mark.parametrize("name", STEERING)
def test_only_a_lead_steers(scene: Scene, run: Run, name: str) -> None:
    assert person(scene, "ada", Role.ADMIN).post(url(name, run.pk)).status_code == 403
    assert person(scene, "ana", Role.RATER).post(url(name, run.pk)).status_code == 403
    assert person(scene, "olu").post(url(name, run.pk)).status_code == 404


def test_staff_reads_a_run_and_a_call(scene: Scene, run: Run) -> None:
    drained(run)
    call = run.calls.order_by("pk")[0]
    for path in (url("run", run.pk), url("call", call.pk)):
        assert person(scene, f"ad{len(path)}", Role.ADJUDICATOR).get(path).status_code == 200
        assert person(scene, f"ra{len(path)}", Role.RATER).get(path).status_code == 403
        assert person(scene, f"ol{len(path)}").get(path).status_code == 404


def test_a_call_shows_what_was_sent_and_proves_it(run: Run, lead: Client) -> None:
    drained(run)
    call = run.calls.order_by("pk")[0]
    page = lead.get(url("call", call.pk)).content.decode()
    assert "has the digest of what was sent" in page
    assert "Question 0: how do I cancel?" in page
    assert "simulated price list" in page
    assert judging.PLUMB in page


def test_a_text_that_changed_since_is_noticed(run: Run, lead: Client) -> None:
    drained(run)
    call = run.calls.select_related("item").order_by("pk")[0]
    body = {"input": "Another question", "responses": ["one", "two"]}
    Content.objects.filter(item=call.item).update(body=body)
    page = lead.get(url("call", call.pk)).content.decode()
    assert "differs from what was sent" in page


def test_a_repair_is_shown_with_what_it_added(run: Run, lead: Client, sim: Simulator) -> None:
    sim.script({"do": "prose", "times": 1})
    drained(run)
    call = Call.objects.get(run=run, attempts__outcome="invalid")
    page = lead.get(url("call", call.pk)).content.decode()
    assert "That answer cannot be used" in page
    assert page.count("has the digest of what was sent") == 2


def test_a_cached_call_shows_the_stored_answer(scene: Scene, run: Run, lead: Client) -> None:
    drained(run)
    again = drained(judging.make_run(scene.version, dataset=scene.dataset))
    call = again.calls.order_by("pk")[0]
    page = lead.get(url("call", call.pk)).content.decode()
    assert "from the cache" in page
    assert f"answered in run {run.pk}" in page


@pytest.mark.parametrize("part", ["itself", "its cluster"])
def test_calls_on_sealed_items_are_closed_with_a_sentence(
    scene: Scene, lead: Client, part: str
) -> None:
    items = list(Item.objects.all())
    run = judging.make_run(scene.version, items=items, purpose=RunPurpose.APPROVAL)
    drained(run)
    if part == "itself":
        Item.objects.update(part=Part.SEALED)
    else:
        sealed = builders.make_dataset(scene.project, name="s", share=0.5)
        builders.make_pair(sealed, external_id="s", cluster="p0", part=Part.SEALED)
    call = Call.objects.filter(run=run, item__external_id="p0")[0]
    answer = lead.get(url("call", call.pk))
    assert answer.status_code == 403
    page = answer.content.decode()
    assert "sealed" in page
    assert "Question 0" not in page


def test_the_run_of_an_approval_shows_no_single_call_while_its_set_lives(
    scene: Scene, lead: Client, sim: Simulator
) -> None:
    Item.objects.update(part=Part.SEALED)
    items = list(Item.objects.all())
    run = judging.make_run(scene.version, items=items, purpose=RunPurpose.APPROVAL)
    sim.script({"do": "refusal", "times": 1})
    drained(run)
    page = lead.get(url("run", run.pk)).content.decode()
    assert "stays closed" in page
    assert "p0</bdi>" not in page  # a token of a form may hold p0
    # As a set retires: its items become development items.
    Item.objects.update(part=Part.DEVELOPMENT)
    answer = lead.get(url("run", run.pk))
    assert "stays closed" not in answer.content.decode()
    assert "p0</bdi>" in answer.content.decode()
    assert {call.item.external_id for call in answer.context["calls"]} == {"p0", "p1"}
    assert "without a verdict" not in answer.content.decode()
    assert lead.post(url("run_retry", run.pk)).status_code == 403


def test_what_came_over_the_api_is_on_no_page(scene: Scene, lead: Client) -> None:
    items = list(Item.objects.all())
    run = judging.make_run(scene.version, items=items)
    drained(run)
    Run.objects.filter(pk=run.pk).update(purpose=RunPurpose.SERVING)
    page = lead.get(url("run", run.pk)).content.decode()
    assert "is on no page" in page
    assert "p0</bdi>" not in page  # a token of a form may hold p0
    call = Call.objects.filter(run=run)[0]
    answer = lead.get(url("call", call.pk))
    assert answer.status_code == 403
    assert "Question 0" not in answer.content.decode()


def test_the_list_shows_runs_that_are_not_over(run: Run, lead: Client) -> None:
    page = lead.get(url("judges")).content.decode()
    assert f'id="run-{run.pk}"' in page
    runs.cancel(run=run, actor="u1", now=builders.NOON)
    assert f'id="run-{run.pk}"' not in lead.get(url("judges")).content.decode()


# Batches ------------------------------------------------------------------------------------------


def without_batches(scene: Scene) -> None:
    """As a server of one's own that was declared."""
    spec = scene.version.spec
    can = {**spec["capabilities"], "batches": False}
    JudgeVersion.objects.filter(pk=scene.version.pk).update(spec={**spec, "capabilities": can})


def test_the_estimate_shows_both_prices_and_the_form_offers_both_ways(
    scene: Scene, lead: Client
) -> None:
    page = lead.get(url("run_new", scene.version.pk)).content.decode()
    assert 'name="mode" value="batch"' in page
    assert "In batches" in page
    assert page.count('simulated price list, <span class="nowrap">2026-11-01') == 2
    body = {"dataset": scene.dataset.pk, "concurrency": 4, "mode": "batch"}
    chosen = lead.post(url("run_new", scene.version.pk), body, **HTMX).content.decode()  # type: ignore[arg-type]
    direct = lead.post(
        url("run_new", scene.version.pk),
        {**body, "mode": "direct"},
        **HTMX,  # type: ignore[arg-type]
    ).content.decode()
    assert "24 h" in chosen
    assert "24 h" not in direct
    assert not Run.objects.exists()


def test_starting_in_batches_plans_such_a_run(scene: Scene, lead: Client) -> None:
    body = {"dataset": scene.dataset.pk, "concurrency": 4, "mode": "batch", "act": "start"}
    lead.post(url("run_new", scene.version.pk), body)
    run = Run.objects.get()
    assert run.mode == RunMode.BATCH
    assert "in batches" in lead.get(url("run", run.pk)).content.decode()


def test_a_server_without_batches_is_offered_none_and_asked_for_none(
    scene: Scene, lead: Client
) -> None:
    without_batches(scene)
    page = lead.get(url("run_new", scene.version.pk)).content.decode()
    assert 'name="mode"' not in page
    assert "In batches" not in page
    body = {"dataset": scene.dataset.pk, "concurrency": 4, "mode": "batch", "act": "start"}
    assert lead.post(url("run_new", scene.version.pk), body).status_code == 422
    assert not Run.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_page_of_a_run_says_what_waits_at_the_provider(
    settings: Settings, scene: Scene, lead: Client
) -> None:
    with simulator.start(batch_ms=600.0) as slow:
        settings.SIMULATOR_URL = slow.url
        run = judging.make_run(scene.version, dataset=scene.dataset, mode=RunMode.BATCH)
        drained(run, pace=PATIENT)
        page = lead.get(url("run", run.pk)).content.decode()
        assert "In 1 batch at the provider since" in page
        assert "4 calls wait;" in page
        assert "within 24 hours" in page
        assert 'hx-trigger="every 5s"' in page
        assert (
            "is cancelled at the provider" in lead.get(url("run_cancel", run.pk)).content.decode()
        )
        runs.cancel(run=run, actor="u1", now=timezone.now())
        page = lead.get(url("run", run.pk)).content.decode()
        assert "is paid for, so it is still fetched" in page
        drained(run, pace=PATIENT)
        page = lead.get(url("run", run.pk)).content.decode()
        assert "at the provider since" not in page
        assert "given up and sent again" not in page
        run.pieces.update(state=PieceState.LOST, submitted_at=None)
        page = lead.get(url("run", run.pk)).content.decode()
        assert "The provider took 1 batch after it was given up and sent again." in page
