"""The report of a run on open data or a development part: made once, every figure, a dry run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import Project
from accounts.roles import Scope
from calibration.models import CalibrationReport
from calibration.queries import pictures
from calibration.services import approvals, reports
from core import jobs
from core.models import AuditEvent, Job, JobState
from judges.models import ApprovalRequest, EvidenceSnapshot, Run
from judges.services import hooks
from judges.states import RunPurpose
from measurement import planning
from tests import approving, builders, judging, pandalm
from tests.approving import SEALED_MARK, Scene
from tests.builders import NOON
from tests.cast import Cast, client_for, make_cast

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _a_simulator_is_named(settings: Settings) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"


@pytest.fixture
def scene() -> Scene:
    return approving.make_scene(pairs=60, share=0.2)


@pytest.fixture
def run(scene: Scene) -> Run:
    """A finished ordinary run over the development part."""
    planned = judging.make_run(scene.version, dataset=scene.dataset)
    approving.finish(planned, misses=5)
    planned.refresh_from_db()
    return planned


def path_of(run: Run) -> str:
    return reverse("run_report", args=["support", run.pk])


def read(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return re.sub(r"[ \n]+", " ", answer.content.decode())


def work_off() -> None:
    """What the worker does with the jobs that wait."""
    for job in Job.objects.filter(state=JobState.WAITING):
        jobs.run(job.pk)


def test_the_end_of_a_run_plans_its_report(scene: Scene, run: Run) -> None:
    for tell in hooks.watchers():
        tell(run.pk)
    job = Job.objects.get()
    assert (job.kind, job.plan) == ("calibration.report", {"run": run.pk})


def test_a_run_without_human_labels_plans_none(settings: Settings) -> None:
    plain = judging.make_scene(pairs=2)
    run = judging.make_run(plain.version, dataset=plain.dataset)
    approving.finish(run, misses=5)
    reports.on_run_finished(run.pk)
    assert not Job.objects.exists()


def test_an_approvals_run_plans_no_report_of_its_own() -> None:
    scene = approving.make_scene()
    asked = scene.ask()
    assert asked.run is not None
    approving.finish(asked.run, misses=12)
    for tell in hooks.watchers():
        tell(asked.run.pk)
    assert [job.kind for job in Job.objects.all()] == ["calibration.measure"]


def test_the_report_shows_the_development_part_as_a_dry_run(scene: Scene, run: Run) -> None:
    report = reports.make(run_id=run.pk, now=NOON)
    numbers = report.content["dimensions"]["preference"]
    text = read(client_for(scene.cast.lea), path_of(run))
    assert f"<b>{numbers['agreement']['value'] * 100:.1f}\N{NO-BREAK SPACE}%</b>" in text
    assert "What the gate would say" in text
    assert "Dry run" in text
    assert "Judge against people" in text
    assert "S1" in text
    assert "Judge prefers the longer one" in text
    assert "development part" in text
    assert numbers["items"] == run.items_planned


def test_the_report_says_how_many_more_labels_would_settle_it(scene: Scene, run: Run) -> None:
    report = reports.make(run_id=run.pk, now=NOON)
    numbers = report.content["dimensions"]["preference"]
    text = read(client_for(scene.cast.lea), path_of(run))
    assert "Labels still needed" in text
    assert numbers["needed"]["now"] == numbers["agreement"]["n"]
    assert numbers["needed"]["items"] is None
    assert f"No number of labels would settle it: {numbers['needed']['undefined_because']}" in text


def test_slices_come_with_the_adjustment_for_their_number(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("measurement.slices.LEAST_ITEMS", 10)
    run = judging.make_run(scene.version, dataset=scene.dataset)
    approving.finish(run, misses=2)
    report = reports.make(run_id=run.pk, now=NOON)
    slices = report.content["dimensions"]["preference"]["slices"]
    found = [one for by_value in slices.values() for one in by_value.values()]
    assert len(found) > 2
    lowest = min(found, key=lambda one: one["p_below"])
    assert lowest["holm"] == pytest.approx(len(found) * lowest["p_below"])
    text = read(client_for(scene.cast.lea), path_of(run))
    assert f"Below the target after Holm&#x27;s adjustment for {len(found)} slices: " in text


def test_the_report_says_where_its_labels_come_from(scene: Scene, run: Run) -> None:
    report = reports.make(run_id=run.pk, now=NOON)
    ratings = report.content["sources"]["imported"]
    assert ratings == 3 * run.items_planned
    text = read(client_for(scene.cast.lea), path_of(run))
    assert f"imported, nobody knows who saw them: {ratings} ratings" in text


def test_what_was_planted_stands_beside_what_was_measured(scene: Scene, run: Run) -> None:
    report = reports.make(run_id=run.pk, now=NOON)
    agreement = report.content["dimensions"]["preference"]["agreement"]
    text = read(client_for(scene.cast.lea), path_of(run))
    table = text.partition('id="planted-preference"')[2].partition("</table>")[0]
    row = table.partition("Sees the better response")[2].partition("</tr>")[0]
    assert "96.0" in row
    assert f"{agreement['value'] * 100:.1f}" in row
    assert f"[{agreement['interval'][0] * 100:.1f}, {agreement['interval'][1] * 100:.1f}]" in row
    assert f">{agreement['n']}<" in row
    assert "undefined: asked in one order only" in table


def test_a_report_of_which_nothing_was_paid_or_timed_says_so(scene: Scene, run: Run) -> None:
    reports.make(run_id=run.pk, now=NOON)
    text = read(client_for(scene.cast.lea), path_of(run))
    assert "nothing was paid here" in text
    assert "no call was timed" in text


def test_values_on_few_items_are_told_and_have_no_figure(scene: Scene, run: Run) -> None:
    report = reports.make(run_id=run.pk, now=NOON)
    small = report.content["dimensions"]["preference"]["small_slices"]
    assert small["difficulty"]["values"] > 1
    text = read(client_for(scene.cast.lea), path_of(run))
    assert f"Left out of difficulty: {small['difficulty']['values']} values" in text


def test_a_report_frozen_before_says_what_it_lacks_and_is_not_measured_anew(
    scene: Scene, run: Run
) -> None:
    report = reports.make(run_id=run.pk, now=NOON)
    numbers = report.content["dimensions"]["preference"]
    for name in pictures.LATER_PARTS:
        del numbers[name]
    for by_value in numbers["slices"].values():
        for one in by_value.values():
            one.pop("holm")
    del report.content["probes"]
    report.save(update_fields=["content"])
    text = read(client_for(scene.cast.lea), path_of(run))
    assert "Frozen before these parts were measured, so it lacks them: " in text
    assert "Labels still needed" not in text
    assert "labels still needed" in text
    assert "Bias probes" not in text
    assert "the bias probes." in text
    report.refresh_from_db()
    assert report.content["dimensions"]["preference"] == numbers


def test_no_sealed_item_is_counted_or_named(scene: Scene, run: Run) -> None:
    report = reports.make(run_id=run.pk, now=NOON)
    sealed = len(scene.sealed())
    assert sealed > 0
    assert report.content["dimensions"]["preference"]["items"] == 60 - sealed
    assert SEALED_MARK not in read(client_for(scene.cast.lea), path_of(run))


def test_the_same_labels_give_the_same_report(scene: Scene, run: Run) -> None:
    assert reports.make(run_id=run.pk, now=NOON) == reports.make(run_id=run.pk, now=NOON)
    assert CalibrationReport.objects.count() == 1


def test_the_button_makes_it_in_the_background(scene: Scene, run: Run) -> None:
    lea = client_for(scene.cast.lea)
    assert "Make the report" in read(lea, path_of(run))
    answer = lea.post(reverse("run_report_make", args=["support", run.pk]))
    assert answer.status_code == 302
    assert 'hx-trigger="every 2s"' in read(lea, path_of(run))
    assert lea.post(reverse("run_report_make", args=["support", run.pk])).status_code == 409
    work_off()
    text = read(lea, path_of(run))
    assert "hx-trigger" not in text
    assert "agrees with people on" in text
    assert AuditEvent.objects.filter(verb="report.made").exists()


def test_before_the_end_of_the_run_there_is_nothing_to_make(scene: Scene) -> None:
    planned = judging.make_run(scene.version, dataset=scene.dataset)
    lea = client_for(scene.cast.lea)
    assert "The run goes on" in read(lea, path_of(planned))
    answer = lea.post(reverse("run_report_make", args=["support", planned.pk]))
    assert answer.status_code == 409


def test_without_human_labels_the_page_says_what_to_do() -> None:
    plain = judging.make_scene(pairs=2)
    cast = make_cast(plain.project)
    run = judging.make_run(plain.version, dataset=plain.dataset)
    approving.finish(run, misses=5)
    assert "No human labels yet" in read(client_for(cast.lea), path_of(run))


def test_an_approvals_run_has_no_report_here() -> None:
    scene = approving.make_scene()
    asked = approving.measured(scene)
    assert asked.run is not None
    assert client_for(scene.cast.lea).get(path_of(asked.run)).status_code == 404


@pytest.mark.parametrize(("who", "status"), [("ana", 403), ("olu", 404)])
def test_raters_and_outsiders_read_no_report(scene: Scene, run: Run, who: str, status: int) -> None:
    client = client_for(getattr(scene.cast, who))
    assert client.get(path_of(run)).status_code == status


def test_an_adjudicator_reads_and_does_not_make(scene: Scene, run: Run) -> None:
    noor = client_for(scene.cast.noor)
    read(noor, path_of(run))
    assert noor.post(reverse("run_report_make", args=["support", run.pk])).status_code == 403


def test_the_list_of_judges_gets_a_versions_alignment(scene: Scene, run: Run) -> None:
    report = reports.make(run_id=run.pk, now=NOON)
    value = report.content["dimensions"]["preference"]["agreement"]["value"]
    path = reverse("version_alignment", args=["support", scene.version.pk])
    text = read(client_for(scene.cast.lea), path)
    assert f"{value:.3f}" in text
    assert "Ask for approval" in text
    assert "<html" not in text
    assert "Ask for approval" not in read(client_for(scene.cast.ada), path)


def test_a_versions_report_is_that_of_its_newest_run(scene: Scene, run: Run) -> None:
    lea = client_for(scene.cast.lea)
    path = reverse("version_report", args=["support", scene.version.pk])
    assert lea.get(path)["Location"] == path_of(run)
    other = scene.another()
    assert lea.get(reverse("version_report", args=["support", other.pk])).status_code == 404


def test_a_version_offers_its_report_once_it_has_run(scene: Scene, run: Run) -> None:
    lea = client_for(scene.cast.lea)
    for version, offers in ((scene.version, True), (scene.another(), False)):
        page = read(lea, reverse("version", args=["support", version.pk]))
        assert (reverse("version_report", args=["support", version.pk]) in page) is offers


def test_the_api_lists_and_gives_reports_and_never_sealed_ones() -> None:
    scene = approving.make_scene()
    asked = approving.measured(scene)
    sealed = CalibrationReport.objects.get(request=asked)
    secret = builders.make_token(scene.project, scopes=[Scope.READ])[1]
    headers = {"Authorization": f"Bearer {secret}"}
    client = Client()
    assert client.get("/api/v1/projects/support/reports", headers=headers).json() == []
    answer = client.get(f"/api/v1/projects/support/reports/{sealed.pk}", headers=headers)
    assert answer.status_code == 404


def by_api(scene: Scene, asked: ApprovalRequest) -> dict[str, Any]:
    """What the API says of a request's only dimension."""
    secret = builders.make_token(scene.project, scopes=[Scope.READ])[1]
    answer = Client().get(
        f"/api/v1/projects/support/approvals/{asked.pk}",
        headers={"Authorization": f"Bearer {secret}"},
    )
    assert "confusion" not in answer.content.decode()
    one: dict[str, Any]
    (one,) = answer.json()["dimensions"]
    return one


@pytest.mark.parametrize("passes", [True, False])
def test_the_api_reads_an_approval_in_its_brief_or_short_form(*, passes: bool) -> None:
    scene = approving.make_scene()
    one = by_api(scene, approving.measured(scene, passes=passes))
    assert ("checks" in one, "agreement" in one) == (passes, passes)
    assert one["failed"] == ([] if passes else ["lower bound"])
    assert one["looks_left"] == 2
    assert one["needed"]["now"] == one["items"]
    assert (one["needed"]["items"] == one["items"]) is passes


def test_the_api_says_how_many_labels_an_approval_still_needs_by_the_count_alone() -> None:
    scene = approving.make_scene()
    asked = scene.ask()
    assert asked.run is not None
    approving.finish(asked.run, misses=6)
    approvals.measure_finished(run_id=asked.run.pk, now=NOON)
    one = by_api(scene, asked)
    # The second look: 1.25 %, with one hit to spare.
    share = one["agrees"] / one["items"]
    items = planning.gate_items(true=share, target=0.8, level=0.0125, spare=1)
    assert one["needed"]["items"] == items > one["needed"]["now"] == one["items"]
    assert one["needed"]["undefined_because"] == ""
    evidence = EvidenceSnapshot.objects.get()
    del evidence.numbers["needed"]
    EvidenceSnapshot.objects.filter(pk=evidence.pk).update(numbers=evidence.numbers)
    report = CalibrationReport.objects.get()
    del report.content["dimensions"]["preference"]["needed"]
    report.save(update_fields=["content"])
    assert by_api(scene, asked)["needed"] is None


@pytest.mark.reference_data
def test_pandalms_report_shows_the_published_figures(shared_data: Path) -> None:
    """Statistics reference, section 12; the bound at level .025, of a first look."""
    project: Project = builders.make_project()
    cast: Cast = make_cast(project)
    dataset = pandalm.import_people(project, shared_data)
    run = pandalm.import_judge(dataset, shared_data)
    assert run.purpose == RunPurpose.IMPORTED
    report = reports.make(run_id=run.pk, now=NOON)
    (numbers,) = report.content["dimensions"].values()
    assert numbers["all_labels"]["value"] == pytest.approx(697 / 999)
    assert (numbers["agreement"]["value"], numbers["agreement"]["n"]) == (
        pytest.approx(692 / 894),
        894,
    )
    assert (numbers["s1"]["value"], numbers["s1"]["n"]) == (pytest.approx(2064 / 2922), 2922)
    assert (numbers["s2"]["value"], numbers["s2"]["n"]) == (pytest.approx(2047 / 2539), 2539)
    assert numbers["n_eff"] == pytest.approx(433.391279, abs=1e-6)
    assert numbers["lower_bound"] == pytest.approx(0.731720986, abs=1e-9)
    assert numbers["people"]["alpha"]["value"] == pytest.approx(0.8642206852, abs=1e-10)
    assert numbers["outcomes"] == {"ok": 974, "invalid": 25}
    longer = numbers["length"]["longer"]
    assert longer["people"]["value"] == pytest.approx(599 / 887)
    assert longer["judge"]["value"] == pytest.approx(569 / 919)
    assert sum(map(sum, numbers["missingness"]["counts"])) == numbers["decided"]
    text = read(client_for(cast.lea), path_of(run))
    for shown in (
        "<b>77.4\N{NO-BREAK SPACE}%</b> of 894",
        "70.6\N{NO-BREAK SPACE}%",
        "80.6\N{NO-BREAK SPACE}%",
        "73.2\N{NO-BREAK SPACE}%",
        "3 an item",
        '0.86 <span class="interval">[0.83, 0.90]</span>',
        "61.9\N{NO-BREAK SPACE}%",
    ):
        assert shown in text


def test_the_measuring_job_of_an_approval_may_run_twice() -> None:
    scene = approving.make_scene()
    asked = scene.ask()
    assert asked.run is not None
    approving.finish(asked.run, misses=12)
    approvals.on_run_finished(asked.run.pk)
    work_off()
    Job.objects.update(state=JobState.WAITING)
    work_off()
    assert CalibrationReport.objects.filter(request=asked).count() == 1
