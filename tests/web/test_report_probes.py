"""The bias probes of a judge version in its calibration reports: frozen, or the reason for none."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.roles import Scope
from calibration.models import CalibrationReport
from calibration.queries import reportprobes
from calibration.services import reports
from judges.models import JudgeVersion, Probe, Run
from judges.rules import probefigures
from judges.states import ProbeKind, ProbeState, VersionKind
from measurement.estimate import Estimate, Interval
from tests import approving, builders, judging
from tests.approving import Scene
from tests.builders import NOON
from tests.cast import client_for

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


def flips(value: float, n: int) -> dict[str, Estimate]:
    """What a probe of order came to; the other figures of it as they would be."""
    around = Interval(max(0.0, value - 0.02), value + 0.02, 0.95, "told")
    undefined = probefigures.undefined(ProbeKind.ORDER, "no pair flips")
    return undefined | {"flips": Estimate(value, n, around)}


def probed(
    scene: Scene,
    found: dict[str, Estimate] | None,
    *,
    at: datetime = NOON,
    version: JudgeVersion | None = None,
    kind: ProbeKind = ProbeKind.ORDER,
) -> Probe:
    """A probe with these figures; None: its runs still go on."""
    result: dict[str, Any] = {}
    if found is not None:
        stored = probefigures.stored(kind, {"preference": found})
        result = {"state": ProbeState.MEASURED, "result": stored, "measured_at": at}
    return Probe.objects.create(
        project=scene.project,
        version=version or scene.version,
        dataset=scene.dataset,
        kind=kind,
        size=40,
        seed=1,
        key=f"{kind} {Probe.objects.count()}",
        actor="u1",
        **result,
    )


def read(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return re.sub(r"[ \n]+", " ", answer.content.decode())


def probes_of(text: str) -> str:
    return text.partition('id="probes-preference"')[2].partition("</section>")[0]


def report_page(scene: Scene, run: Run) -> str:
    return read(client_for(scene.cast.lea), reverse("run_report", args=["support", run.pk]))


def test_the_newest_probe_of_this_very_version_is_frozen_with_interval_n_and_day(
    scene: Scene, run: Run
) -> None:
    probed(scene, flips(0.31, 31), at=NOON - timedelta(days=9))
    newest = probed(scene, flips(0.04, 200), at=NOON - timedelta(days=2))
    probed(scene, flips(0.22, 22), version=scene.another())
    report = reports.make(run_id=run.pk, now=NOON)
    kept = report.content["probes"]["order"]
    assert (kept["probe"], kept["because"]) == (newest.pk, "")
    assert datetime.fromisoformat(kept["measured_at"]) == newest.measured_at
    assert kept["dimensions"]["preference"]["flips"]["value"] == 0.04
    row = probes_of(report_page(scene, run)).partition("Flips")[2].partition("</tr>")[0]
    assert "0.040" in row
    assert "[0.020, 0.060]" in row
    assert ">200<" in row
    assert "21 Nov 2026" in row
    assert "0.00 to 0.10" in row
    assert "inside" in row
    assert reverse("probe", args=["support", newest.pk]) in probes_of(report_page(scene, run))


def test_a_probe_that_is_measured_anew_leaves_the_report_as_it_was(scene: Scene, run: Run) -> None:
    probe = probed(scene, flips(0.04, 200))
    reports.make(run_id=run.pk, now=NOON)
    Probe.objects.filter(pk=probe.pk).update(
        result=probefigures.stored(ProbeKind.ORDER, {"preference": flips(0.44, 200)})
    )
    table = probes_of(report_page(scene, run))
    assert "0.040" in table
    assert "0.440" not in table


def test_where_there_is_none_the_report_says_why(scene: Scene, run: Run) -> None:
    probed(scene, None)
    undefined = probefigures.undefined(ProbeKind.FORMAT, "no development item has markup")
    probed(scene, undefined, kind=ProbeKind.FORMAT)
    report = reports.make(run_id=run.pk, now=NOON)
    assert list(report.content["probes"]) == ProbeKind.values
    shown = probes_of(report_page(scene, run))
    assert "Order: still being probed when this report was frozen." in shown
    assert "undefined: no development item has markup" in shown
    others = [kind.label for kind in ProbeKind if kind not in {ProbeKind.ORDER, ProbeKind.FORMAT}]
    assert f"{', '.join(others)}: not probed in this version before" in shown
    del report.content["probes"]["length"]
    report.save(update_fields=["content"])
    later = "Length: no such probe was there when this report was frozen."
    assert later in probes_of(report_page(scene, run))


def test_a_probe_that_came_since_makes_a_new_report_and_the_same_ones_do_not(
    scene: Scene, run: Run
) -> None:
    before = reports.make(run_id=run.pk, now=NOON)
    assert reports.make(run_id=run.pk, now=NOON) == before
    probed(scene, flips(0.04, 200))
    after = reports.make(run_id=run.pk, now=NOON)
    assert reports.make(run_id=run.pk, now=NOON) == after != before
    assert after.content["probes"]["order"]["probe"]
    assert before.content["probes"]["order"]["probe"] is None


def test_the_api_gives_them_with_the_report_and_null_of_an_older_one(
    scene: Scene, run: Run
) -> None:
    probed(scene, flips(0.04, 200))
    report = reports.make(run_id=run.pk, now=NOON)
    secret = builders.make_token(scene.project, scopes=[Scope.READ])[1]
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    path = f"/api/v1/projects/support/reports/{report.pk}"
    found = client.get(path).json()["probes"]
    assert found["order"]["dimensions"]["preference"]["flips"]["n"] == 200
    assert found["order"]["tolerances"]["flips"] == [0.0, 0.1]
    assert found["repeat"]["because"].startswith("not probed in this version")
    del report.content["probes"]
    report.save(update_fields=["content"])
    assert client.get(path).json()["probes"] is None


@pytest.mark.parametrize("passes", [True, False])
def test_a_sealed_look_freezes_them_and_only_the_whole_report_shows_them(*, passes: bool) -> None:
    scene = approving.make_scene()
    probed(scene, flips(0.04, 200))
    asked = approving.measured(scene, passes=passes)
    probed(scene, flips(0.33, 33), at=NOON + timedelta(days=1))
    report = CalibrationReport.objects.get(request=asked)
    assert report.content["probes"]["order"]["dimensions"]["preference"]["flips"]["n"] == 200
    path = reverse("approval", args=["support", asked.pk])
    assert ("0.040" in probes_of(read(client_for(scene.cast.ada), path))) is passes
    assert "Bias probes" not in read(client_for(scene.cast.lea), path)


def test_what_can_never_be_probed_says_so() -> None:
    project = builders.make_project()
    guideline = builders.make_guideline(project)
    judge = judging.make_judge(project, guideline)
    version = judging.make_version(judge, guideline)
    found = reportprobes.of_version(version)
    assert found["order"]["because"] == reportprobes.NO_ORDER
    assert found["repeat"]["because"] == reportprobes.NEVER
    JudgeVersion.objects.filter(pk=version.pk).update(kind=VersionKind.RECORDED)
    version.refresh_from_db()
    assert {one["because"] for one in reportprobes.of_version(version).values()} == {
        reportprobes.RECORDED
    }
