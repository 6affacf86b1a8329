"""The levers of a version, from the choice to the label, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from accounts.models import Project
from annotation.models import Dataset, GuidelineVersion
from core.errors import Invalid
from judges import simulator
from judges.models import Call, JudgeLabel, JudgeVersion, Run, Verdict
from judges.rules.checklists import even_points
from judges.rules.spec import Checklist
from judges.services import engine, versions
from judges.services.versions import SIMULATOR, Choices
from judges.simulator import Simulator
from judges.states import RunState
from tests import builders, judging
from tests.judging import QUICK

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]

FIVE = ("1", "2", "3", "4", "5")
CHECKS = Checklist("accuracy", ("True?", "Whole?", "Clear?", "Safe?"), even_points(FIVE, 4))


@pytest.fixture
def sim(settings: Settings) -> Iterator[Simulator]:
    with simulator.start() as running:
        settings.SIMULATOR_URL = running.url
        yield running


def scene(count: int = 4) -> tuple[Project, Dataset, GuidelineVersion]:
    project = builders.make_project()
    dataset = builders.make_dataset(project)
    for number in range(count):
        builders.make_item(dataset, external_id=f"s{number}", input=f"Question {number}?")
    return project, dataset, builders.make_guideline(project, keys=("accuracy", "clarity"))


def saved(project: Project, guideline: GuidelineVersion, choices: Choices) -> JudgeVersion:
    judge = judging.make_judge(project, guideline, name=f"judge {len(choices.checklists)}")
    return versions.save_version(
        judge=judge, guideline_version=guideline, choices=choices, author=None
    ).version


def drained(version: JudgeVersion, dataset: Dataset) -> Run:
    run = judging.make_run(version, dataset=dataset)
    engine.drain(run.pk, pace=QUICK)
    run.refresh_from_db()
    assert run.state == RunState.DONE, run.pause_reason
    return run


def labels(run: Run, key: str) -> list[str]:
    rows = JudgeLabel.objects.filter(run=run, dimension_key=key).order_by("item_id")
    return list(rows.values_list("label", flat=True))


@pytest.mark.parametrize("output", ["native", "prompt"])
@pytest.mark.parametrize("reasoning_first", [True, False])
def test_a_checklist_is_asked_and_its_yeses_become_the_label(
    sim: Simulator, output: str, reasoning_first: bool
) -> None:
    project, dataset, guideline = scene()
    more = {"structured_output": output, "reasoning_first": reasoning_first}
    plain = Choices(provider=SIMULATOR, model=judging.PLUMB)
    checked = Choices(provider=SIMULATOR, model=judging.PLUMB, checklists=(CHECKS,), **more)  # type: ignore[arg-type]
    scored = drained(saved(project, guideline, plain), dataset)
    asked = drained(saved(project, guideline, checked), dataset)
    # The simulated judge answers yes to as many questions as its score reaches.
    assert labels(asked, "accuracy") == labels(scored, "accuracy")
    assert labels(asked, "clarity") == labels(scored, "clarity")
    said = Verdict.objects.filter(call__run=asked, dimension_key="accuracy").earliest("pk")
    assert "check_4" in said.rationale


def test_samples_are_asked_apart_and_combined_into_one_label(sim: Simulator) -> None:
    made = judging.make_scene(pairs=3, samples=3)
    run = drained(made.version, made.dataset)
    assert Call.objects.filter(run=run).count() == 3 * 2 * 3
    assert sim.stats()["requests"] == 18
    assert JudgeLabel.objects.filter(run=run).count() == 3


def test_a_checklist_of_another_guideline_is_refused_at_its_field() -> None:
    project, _, guideline = scene()
    with pytest.raises(Invalid) as refusal:
        saved(
            project,
            guideline,
            Choices(
                provider=SIMULATOR,
                model=judging.PLUMB,
                checklists=(Checklist("tone", ("Kind?",), ("1", "5")),),
            ),
        )
    assert list(refusal.value.fields) == ["checklist_tone"]


def test_each_lever_makes_a_version_of_its_own() -> None:
    project, _, guideline = scene()
    judge = judging.make_judge(project, guideline)
    made = [
        versions.save_version(
            judge=judge,
            guideline_version=guideline,
            choices=Choices(provider=SIMULATOR, model=judging.PLUMB, **lever),
            author=None,
        ).version
        for lever in (
            {},
            {"reasoning_first": False},
            {"with_reference": False},
            {"checklists": (CHECKS,)},
            {"samples": 3},
        )
    ]
    assert [version.number for version in made] == [1, 2, 3, 4, 5]
    named = [one.field for one in versions.differences(made[3], made[2])]
    assert named == ["with_reference", "checklists"]
