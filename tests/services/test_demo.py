"""The demo as it is seeded, and what its two approval requests come to over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.demo import DEMO_PEOPLE
from accounts.models import Project
from annotation.models import Item, Round
from annotation.states import Part, Provenance
from calibration.demo.seed import SLUG, seed
from calibration.models import CalibrationReport
from calibration.queries import agreement
from calibration.services import driftrounds
from core import jobs
from core.models import Job, JobState
from judges import simulator
from judges.models import ApprovalRequest, EvidenceSnapshot, JudgeVersion, Run
from judges.services import decisions, engine
from judges.simulator import Simulator
from judges.states import RequestState, RunPurpose
from tests import builders

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sim(settings: Settings) -> Iterator[Simulator]:
    with simulator.start() as running:
        settings.SIMULATOR_URL = running.url
        yield running


def drain_all() -> None:
    """What the worker does with everything that the seed planned."""
    for run in Run.objects.order_by("pk"):
        engine.drain(run.pk)
    while waiting := list(Job.objects.filter(state=JobState.WAITING)):
        for job in waiting:
            jobs.run(job.pk)


def test_the_demo_is_seeded_once_and_its_judges_part_at_the_gate(sim: Simulator) -> None:
    """One walk: seeding is the dear part, and everything after rests on it."""
    assert seed(now=timezone.now())
    assert not seed(now=timezone.now())
    project = Project.objects.get(slug=SLUG)
    assert project.is_demo
    assert project.memberships.count() == len(DEMO_PEOPLE)
    sealed = Item.objects.filter(project=project, part=Part.SEALED)
    assert sealed.count() >= 500
    assert sealed[0].dataset.is_simulated
    assert sealed[0].dataset.sealed_set.provenance == Provenance.SIMULATED
    assert Run.objects.filter(purpose=RunPurpose.APPROVAL).count() == 2
    rated = agreement.rounds_with_labels(project_id=project.pk)
    assert len(rated) == 2
    assert all(agreement.of_round(round_).has_labels for round_ in rated)
    assert Round.objects.filter(project=project, state="open").count() == 2

    drain_all()

    assert {version.is_simulated for version in JudgeVersion.objects.all()} == {True}
    states = set(ApprovalRequest.objects.values_list("state", flat=True))
    assert states == {RequestState.MEASURED}
    said = {
        row.version.number: (row.gate, row.look.number)
        for row in EvidenceSnapshot.objects.select_related("version", "look")
    }
    assert {number: gate for number, (gate, _) in said.items()} == {1: "fail", 2: "pass"}
    assert {look for _, look in said.values()} == {1, 2}
    assert CalibrationReport.objects.filter(request__isnull=True).count() == 2

    passed = ApprovalRequest.objects.get(version__number=2)
    probed = CalibrationReport.objects.get(request=passed).content["probes"]["order"]
    assert probed["dimensions"]["preference"]["flips"]["n"] == 100
    ada = project.memberships.get(user__username="ada").user
    decisions.decide(
        request_id=passed.pk,
        approve=frozenset({"preference"}),
        reason="Clear of the line.",
        by=ada,
        now=builders.NOON,
    )
    standing = JudgeVersion.objects.get(number=2).judge.standing
    assert standing.version.number == 2
    fresh = driftrounds.datasets_with_fresh(standing)
    assert [one.name for one in fresh] == ["Pairs of week 47"]
