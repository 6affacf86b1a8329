"""The bias laboratory in the browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.roles import Role
from annotation.models import Item
from annotation.states import Part
from core import jobs
from core.models import Job, JobState
from judges import simulator
from judges.models import Probe, Run
from judges.services import engine, probes, runs
from judges.services.probesamples import Asked
from judges.simulator import Simulator
from judges.states import ProbeKind, ProbeState, RunState
from tests import builders, judging
from tests.builders import NOON
from tests.judging import QUICK, Scene

pytestmark = pytest.mark.django_db

HTMX = {"HTTP_HX_REQUEST": "true"}


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
    return judging.make_scene(pairs=4)


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


def body(scene: Scene, **more: object) -> dict[str, object]:
    usual = {
        "version": scene.version.pk,
        "kind": "length",
        "dataset": scene.dataset.pk,
        "size": 50,
        "seed": 1,
        "factor": "2.0",
        "samples": "3",
        "budget": "",
        "concurrency": 4,
    }
    return usual | more


def started(scene: Scene, kind: ProbeKind = ProbeKind.LENGTH, *, seed: int = 1) -> Probe:
    parameters = {"factor": 2.0} if kind is ProbeKind.LENGTH else {}
    one = Asked(
        version=scene.version,
        dataset=scene.dataset,
        kind=kind,
        size=50,
        seed=seed,
        parameters=parameters,
    )
    return probes.start(one, actor="u1", now=NOON).probe


def ended(probe: Probe) -> Probe:
    for variant in probe.variants.all():
        engine.drain(variant.run_id, pace=QUICK)
    return probe


def measured(probe: Probe) -> Probe:
    ended(probe)
    for job in Job.objects.filter(state=JobState.WAITING):
        jobs.run(job.pk)
    probe.refresh_from_db()
    return probe


def test_a_newer_dataset_without_pairs_is_not_offered_for_a_judge_of_pairs(
    scene: Scene, lead: Client
) -> None:
    other = builders.make_dataset(scene.project, name="single answers")
    builders.make_item(other, external_id="single")
    page = lead.get(url("probe_new")).content.decode()
    assert f'<option value="{scene.dataset.pk}" selected' in page
    asked = lead.get(f"{url('probe_new')}?dataset={other.pk}").content.decode()
    assert f'<option value="{other.pk}" selected' in asked


def test_an_empty_laboratory_says_what_to_do_first(scene: Scene, lead: Client) -> None:
    page = lead.get(url("laboratory")).content.decode()
    assert "No probe yet" in page
    assert url("probe_new") in page
    reader = person(scene, "ada", Role.ADMIN).get(url("laboratory")).content.decode()
    assert url("probe_new") not in reader


def test_what_a_probe_does_and_takes_is_there_before_it_starts(scene: Scene, lead: Client) -> None:
    page = lead.get(url("probe_new"), {"kind": "length"}).content.decode()
    assert "Does a response gain by being longer?" in page
    assert "simulated price list" in page
    assert "Put behind it" in page
    assert "This text belongs to the question" in page
    assert "Simulated" in page
    assert not Run.objects.exists()


@pytest.mark.parametrize("kind", ProbeKind.values)
def test_every_probe_has_its_preview_as_a_fragment(scene: Scene, lead: Client, kind: str) -> None:
    answer = lead.post(url("probe_new"), body(scene, kind=kind), **HTMX)  # type: ignore[arg-type]
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "<html" not in text
    assert 'id="preview"' in text
    assert "At most" in text or "Undefined:" in text
    assert not Probe.objects.exists()


def test_starting_plans_the_runs_and_leads_to_the_probe(scene: Scene, lead: Client) -> None:
    answer = lead.post(url("probe_new"), body(scene, act="start", budget="2"))
    probe = Probe.objects.get()
    assert answer.url == url("probe", probe.pk)  # type: ignore[attr-defined]
    assert probe.parameters == {"factor": 2.0}
    assert probe.variants.count() == 2
    assert probe.actor.startswith("u")


def test_the_same_probe_again_leads_to_the_recorded_one(scene: Scene, lead: Client) -> None:
    probe = started(scene)
    answer = lead.post(url("probe_new"), body(scene, act="start"), follow=True)
    assert answer.redirect_chain[-1][0] == url("probe", probe.pk)
    assert "was made before" in answer.content.decode()
    assert Probe.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"size": 0},
        {"size": 501},
        {"seed": "x"},
        {"kind": "nonsense"},
        {"version": 99999},
        {"dataset": 99999},
        {"factor": "9"},
        {"samples": "99"},
        {"budget": "-1"},
        {"concurrency": 500},
    ],
)
def test_what_cannot_be_is_refused_at_its_field(
    scene: Scene, lead: Client, change: dict[str, object]
) -> None:
    answer = lead.post(url("probe_new"), body(scene, act="start") | change)
    assert answer.status_code == 422
    assert not Probe.objects.exists()


def test_nonsense_in_the_address_is_no_error(scene: Scene, lead: Client) -> None:
    asked = {"kind": "x", "version": "9" * 30, "dataset": "-1"}
    assert lead.get(url("probe_new"), asked).status_code == 200


def test_an_order_is_refused_for_a_judge_of_single_responses(scene: Scene, lead: Client) -> None:
    rubric = builders.make_guideline(scene.project, name="Rubric", keys=("accuracy",))
    judge = judging.make_judge(scene.project, rubric, name="Scores")
    version = judging.make_version(judge, rubric)
    one = body(scene, act="start", kind="order", version=version.pk)
    answer = lead.post(url("probe_new"), one)
    assert answer.status_code == 422
    assert "Only a judge of pairs sees an order" in answer.content.decode()


def test_a_dataset_with_nothing_to_draw_from_is_refused_in_words(
    scene: Scene, lead: Client
) -> None:
    Item.objects.update(part=Part.SEALED)
    answer = lead.post(url("probe_new"), body(scene, act="start"))
    assert answer.status_code == 422
    assert "nothing to draw from" in answer.content.decode()


def test_a_project_without_a_version_shows_the_form_all_the_same() -> None:
    project = builders.make_project()
    user = builders.join(project, builders.make_user(username="lea"), Role.LEAD)
    client = Client()
    client.force_login(user)
    assert "no version or no dataset" in client.get(url("probe_new")).content.decode()
    assert client.post(url("probe_new"), {"act": "start"}).status_code == 422


def test_a_running_probe_shows_its_runs(scene: Scene, lead: Client) -> None:
    probe = started(scene)
    page = lead.get(url("probe", probe.pk)).content.decode()
    assert "The figures follow when all runs have ended" in page
    for variant in probe.variants.all():
        assert url("run", variant.run_id) in page
    assert "This text belongs to the question" in page


def test_figures_on_their_way_are_asked_for_again(scene: Scene, lead: Client) -> None:
    probe = ended(started(scene))
    page = lead.get(url("probe", probe.pk)).content.decode()
    assert 'hx-trigger="every 2s"' in page
    measured(probe)
    fragment = lead.get(url("probe", probe.pk), **HTMX).content.decode()  # type: ignore[arg-type]
    assert "<html" not in fragment
    assert 'hx-trigger="every 2s"' not in fragment
    assert "What padding adds" in fragment


@pytest.mark.parametrize("kind", list(ProbeKind))
def test_a_measured_probe_shows_every_figure_with_n_and_interval_or_why_not(
    scene: Scene, lead: Client, kind: ProbeKind
) -> None:
    if kind is ProbeKind.REPEAT:
        one = Asked(
            version=scene.version,
            dataset=scene.dataset,
            kind=kind,
            size=50,
            parameters={"samples": 3},
        )
        probe = measured(probes.start(one, actor="u1", now=NOON).probe)
    else:
        probe = measured(started(scene, kind))
    page = lead.get(url("probe", probe.pk)).content.decode()
    assert "Simulated: no model was called" in page
    assert probe.result is not None
    for figure in probe.result["dimensions"]["preference"].values():
        shown = figure["undefined_because"] or f"{figure['value']:.2f}".replace("-", "−")
        assert shown in page
    assert "tolerance" in page
    listed = lead.get(url("laboratory")).content.decode()
    assert url("probe", probe.pk) in listed
    assert "simulated" in listed.lower()


def test_the_newest_result_of_each_version_is_drawn(scene: Scene, lead: Client) -> None:
    measured(started(scene, ProbeKind.ORDER))
    second = measured(started(scene, ProbeKind.ORDER, seed=2))
    page = lead.get(url("laboratory")).content.decode()
    assert "newest result of each version" in page
    plots = page.split("newest result of each version", 1)[1]
    assert plots.count("Helpful v1") == 1 or plots.count(url("probe", second.pk)) == 1


def test_a_cancelled_probe_says_so(scene: Scene, lead: Client) -> None:
    probe = started(scene)
    runs.cancel(run=probe.variants.all()[0].run, actor="u1", now=NOON)
    page = lead.get(url("probe", probe.pk)).content.decode()
    assert "One of its runs was cancelled" in page
    assert "cancelled" in lead.get(url("laboratory")).content.decode()


def test_a_lead_cancels_a_probe_with_all_its_runs_once(scene: Scene, lead: Client) -> None:
    probe = started(scene)
    assert "Cancel this probe" in lead.get(url("probe", probe.pk)).content.decode()
    assert lead.post(url("probe_cancel", probe.pk)).status_code == 302
    assert {one.run.state for one in probe.variants.all()} == {RunState.CANCELLED}
    page = lead.get(url("probe", probe.pk)).content.decode()
    assert "Cancel this probe" not in page
    assert "The same probe can be started again" in page
    assert lead.post(url("probe_cancel", probe.pk)).status_code == 409
    assert started(scene).pk != probe.pk


def test_a_measured_probe_is_not_cancelled(scene: Scene, lead: Client) -> None:
    probe = measured(started(scene))
    assert "Cancel this probe" not in lead.get(url("probe", probe.pk)).content.decode()
    assert lead.post(url("probe_cancel", probe.pk)).status_code == 409
    probe.refresh_from_db()
    assert probe.state == ProbeState.MEASURED


def test_a_run_and_a_call_of_a_probe_lead_to_it(scene: Scene, lead: Client) -> None:
    probe = ended(started(scene))
    changed = probe.variants.get(name="changed").run
    assert url("probe", probe.pk) in lead.get(url("run", changed.pk)).content.decode()
    page = lead.get(url("call", changed.calls.order_by("pk")[0].pk)).content.decode()
    assert url("probe", probe.pk) in page
    assert "has the digest of what was sent" in page
    assert "This text belongs to the question" in page


def test_the_example_is_none_that_is_sealed_by_now_or_that_the_person_may_yet_rate(
    scene: Scene, lead: Client
) -> None:
    probe = started(scene)
    Item.objects.exclude(external_id="p3").update(part=Part.SEALED)
    page = lead.get(url("probe", probe.pk)).content.decode()
    assert "Cancel under billing, 3." in page
    assert "Cancel under billing, 0." not in page
    user = builders.join(scene.project, builders.make_user(username="ana"), Role.LEAD, Role.RATER)
    builders.make_round(
        scene.dataset,
        scene.guideline,
        items=Item.objects.filter(external_id="p3"),
        raters=[builders.rater_of(scene.project, user)],
    )
    client = Client()
    client.force_login(user)
    assert "Cancel under billing" not in client.get(url("probe", probe.pk)).content.decode()


def test_leads_start_and_staff_reads(scene: Scene) -> None:
    probe = started(scene)
    admin, rater = person(scene, "ada", Role.ADMIN), person(scene, "ana", Role.RATER)
    outsider = person(scene, "olu")
    for path in (url("laboratory"), url("probe", probe.pk)):
        assert admin.get(path).status_code == 200
        assert rater.get(path).status_code == 403
        assert outsider.get(path).status_code == 404
    assert admin.get(url("probe_new")).status_code == 403
    assert admin.post(url("probe_new"), body(scene, act="start")).status_code == 403


def test_a_probe_of_another_project_is_not_there(scene: Scene, lead: Client) -> None:
    probe = started(scene)
    other = builders.make_project(slug="other")
    user = builders.join(other, builders.make_user(username="oli"), Role.LEAD)
    client = Client()
    client.force_login(user)
    assert client.get(reverse("probe", args=["other", probe.pk])).status_code == 404


def test_the_list_costs_the_same_for_few_and_many(
    scene: Scene, lead: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for seed in range(1, 9):
        started(scene, ProbeKind.ORDER, seed=seed)
    measured(Probe.objects.earliest("pk"))
    with django_assert_max_num_queries(32):
        lead.get(url("laboratory"))
