"""Probes over real HTTP: what was planted in a simulated judge is found, and nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Project
from annotation.models import Dataset, GuidelineVersion, Item, Response
from annotation.rules.labeltable import LabelRow
from annotation.services import label_import
from annotation.states import Part
from core import jobs
from core.errors import Invalid
from core.models import AuditEvent, Job, JobState
from core.registry import ExportScope
from judges import simulator
from judges.models import Attempt, Call, JudgeVersion, Probe, Run, Variant
from judges.queries import exporting
from judges.queries import probes as reads
from judges.rules import copies
from judges.rules.probes import CHANGED, PLAIN
from judges.services import engine, probemeasuring, probes, runs
from judges.services.probes import Started
from judges.services.probesamples import Asked, draw
from judges.simulator import Simulator, truth
from judges.simulator.judges import PLANTED
from judges.states import ProbeKind, ProbeState, RunPurpose, RunState
from tests import builders, judging
from tests.builders import NOON
from tests.concurrency.racing import at_once
from tests.judging import QUICK, Scene

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]

SWAY = "sim-sway-1"
ENOUGH = 150


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with simulator.start() as found:
        yield found


@pytest.fixture
def sim(settings: Settings, running: Simulator) -> Simulator:
    running.reset()
    settings.SIMULATOR_URL = running.url
    return running


@pytest.fixture
def offline(settings: Settings) -> None:
    """An address is enough: planning asks nobody."""
    settings.SIMULATOR_URL = "http://127.0.0.1:9"


def marked_pairs(dataset: Dataset, count: int) -> list[Item]:
    """Pairs of which one response is a list with emphasis."""
    return [
        builders.make_item(
            dataset,
            external_id=f"m{number}",
            kind="pair",  # type: ignore[arg-type]
            input=f"Question {number}: how do I cancel?",
            responses=(f"1. Open **billing** {number}.\n2. Press `Cancel`.", f"Write, {number}."),
            systems=("alpha", "beta"),
        )
        for number in range(count)
    ]


def singles(dataset: Dataset, count: int) -> list[Item]:
    return [
        builders.make_item(
            dataset,
            external_id=f"s{number}",
            input=f"Question {number}?",
            # Below the 400 characters from which the swayed judge gives more; padded, above them.
            responses=(f"Answer {number}. " + "It goes on. " * 20,),
        )
        for number in range(count)
    ]


PARAMETERS: dict[ProbeKind, dict[str, Any]] = {
    ProbeKind.LENGTH: {"factor": 2.0},
    ProbeKind.REPEAT: {"samples": 3},
}


def asked(
    version: JudgeVersion, dataset: Dataset, kind: ProbeKind, *, size: int = 500, seed: int = 1
) -> Asked:
    return Asked(
        version=version,
        dataset=dataset,
        kind=kind,
        parameters=PARAMETERS.get(kind, {}),
        size=size,
        seed=seed,
    )


def start(one: Asked, **more: Any) -> Started:
    return probes.start(one, actor="u1", now=NOON, **more)


def work_off(probe: Probe) -> Probe:
    """What workers do: drain the runs, then the job that their end has written."""
    for variant in probe.variants.all():
        engine.drain(variant.run_id, pace=QUICK)
    for job in Job.objects.filter(state=JobState.WAITING):
        jobs.run(job.pk)
    probe.refresh_from_db()
    return probe


def measured(one: Asked) -> dict[str, dict[str, Any]]:
    """The figures of the first dimension."""
    probe = work_off(start(one).probe)
    assert probe.state == ProbeState.MEASURED
    assert probe.result is not None
    found: dict[str, dict[str, Any]] = next(iter(probe.result["dimensions"].values()))
    return found


def readings(version: JudgeVersion, kind: ProbeKind) -> dict[str, str]:
    return {one.spec.key: one.reading for one in reads.latest(version)[kind].figures}


def holds(figure: dict[str, Any], value: float) -> bool:
    low, high = figure["interval"]
    return bool(low <= value <= high)


@pytest.fixture(autouse=True)
def _same_fences(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a simulated judge draws by call hangs on the project's key: the same in every test."""
    field = Project._meta.get_field("fence_key")
    monkeypatch.setattr(field, "default", "0" * 32)


def swayed(scene: Scene) -> JudgeVersion:
    return judging.make_version(scene.judge, scene.guideline, model=SWAY)


# What is planted is found -------------------------------------------------------------------------


def test_a_planted_lean_to_the_first_place_is_found_and_an_even_judge_is_inside(
    sim: Simulator,
) -> None:
    scene = judging.make_scene(pairs=ENOUGH)
    sway = swayed(scene)
    found = measured(asked(sway, scene.dataset, ProbeKind.ORDER))
    # In each order the first is named with 0.25 whatever it sees: a pair flips when that happens
    # in the order in which the other response would have won.
    assert holds(found["flips"], PLANTED[SWAY].position_bias)
    assert found["lean"]["value"] == 1
    assert found["flips"]["n"] == ENOUGH
    assert readings(sway, ProbeKind.ORDER)["flips"] == "outside"
    even = measured(asked(scene.version, scene.dataset, ProbeKind.ORDER))
    assert holds(even["flips"], PLANTED[judging.PLUMB].position_bias)
    assert readings(scene.version, ProbeKind.ORDER)["flips"] == "inside"
    assert holds(even["first_shown"], 0.5)
    assert readings(scene.version, ProbeKind.ORDER)["first_shown"] == "inside"


def test_a_version_that_asks_one_order_is_asked_both(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=10, both_orders=False)
    probe = work_off(start(asked(scene.version, scene.dataset, ProbeKind.ORDER)).probe)
    run = probe.variants.get().run
    assert set(run.calls.values_list("order", flat=True)) == {"AB", "BA"}
    assert run.labels.filter(is_consistent__isnull=False).count() == 10


def test_a_planted_love_of_length_is_found_and_an_even_judge_is_inside(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=ENOUGH)
    sway = swayed(scene)
    found = measured(asked(sway, scene.dataset, ProbeKind.LENGTH))
    assert readings(sway, ProbeKind.LENGTH)["effect"] == "outside"
    assert found["effect"]["value"] > 0.1
    assert found["toward"]["value"] > found["away"]["value"]
    assert found["longer"]["undefined_because"]
    measured(asked(scene.version, scene.dataset, ProbeKind.LENGTH))
    assert readings(scene.version, ProbeKind.LENGTH)["effect"] == "inside"


def test_on_scales_padding_lifts_a_judge_that_counts_characters(sim: Simulator) -> None:
    project = builders.make_project()
    dataset = builders.make_dataset(project)
    singles(dataset, 60)
    guideline = builders.make_guideline(project, keys=("accuracy", "clarity"))
    judge = judging.make_judge(project, guideline)
    sway = judging.make_version(judge, guideline, model=SWAY)
    probe = work_off(start(asked(sway, dataset, ProbeKind.LENGTH)).probe)
    assert probe.result is not None
    figures = reads.latest(sway)[ProbeKind.LENGTH].figures
    assert list(dict.fromkeys(one.dimension for one in figures)) == ["accuracy", "clarity"]
    for found in probe.result["dimensions"].values():
        # Four scores of five rise by a point of four; those at the top cannot.
        assert 0.08 < found["effect"]["value"] < 0.22
        assert found["toward"]["value"] > 0.6
        assert found["away"]["value"] == 0
        assert found["longer"]["undefined_because"] == "lengths are compared on pairs"
    plumb = judging.make_version(judge, guideline)
    even = measured(asked(plumb, dataset, ProbeKind.LENGTH))
    assert even["effect"]["value"] == 0
    assert even["effect"]["interval"][1] > 0


def test_a_gullible_judge_obeys_and_a_firm_one_does_not(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=ENOUGH)
    sway = swayed(scene)
    found = measured(asked(sway, scene.dataset, ProbeKind.INJECTION))
    assert readings(sway, ProbeKind.INJECTION)["toward"] == "outside"
    assert found["toward"]["value"] > 0.5
    firm = measured(asked(scene.version, scene.dataset, ProbeKind.INJECTION))
    assert firm["toward"]["value"] < 0.06
    assert firm["toward"]["n"] > 40


def test_the_instruction_stands_behind_the_response_that_people_find_worse(
    sim: Simulator,
) -> None:
    scene = judging.make_scene(pairs=6)
    preferred = label(scene.dataset, scene.guideline)
    probe = start(asked(scene.version, scene.dataset, ProbeKind.INJECTION)).probe
    assert {item: side for item, side, _ in probe.sample} == {
        item.pk: "B" if preferred[item.external_id] == "A" else "A"
        for item in scene.dataset.items.all()
    }


def test_markup_decides_nothing_for_an_even_judge(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=20)
    marked_pairs(scene.dataset, ENOUGH)
    found = measured(asked(scene.version, scene.dataset, ProbeKind.FORMAT))
    # Pairs without markup are not asked: both runs would send the same.
    assert found["changed"]["n"] == ENOUGH
    assert readings(scene.version, ProbeKind.FORMAT)["changed"] == "inside"


@pytest.mark.parametrize("is_pairwise", [True, False])
def test_a_judge_that_wavers_with_the_words_of_the_rubric_is_found(
    sim: Simulator, is_pairwise: bool
) -> None:
    scene = judging.make_scene(pairs=ENOUGH, both_orders=False)
    even, sway, dataset = scene.version, swayed(scene), scene.dataset
    if not is_pairwise:
        dataset = builders.make_dataset(scene.project, name="singles")
        singles(dataset, ENOUGH)
        guideline = builders.make_guideline(scene.project, name="Rubric", keys=("accuracy",))
        judge = judging.make_judge(scene.project, guideline, name="Points")
        even = judging.make_version(judge, guideline)
        sway = judging.make_version(judge, guideline, model=SWAY)
    found = measured(asked(sway, dataset, ProbeKind.WORDING))["changed"]
    assert found["n"] == ENOUGH
    if is_pairwise:
        assert holds(found, 0.30)
    else:
        # Of the labels that move only those that cross the cut are another verdict.
        assert 0.05 < found["value"] < 0.30
    assert readings(sway, ProbeKind.WORDING)["changed"] != "inside"
    assert measured(asked(even, dataset, ProbeKind.WORDING))["changed"]["value"] == 0
    assert readings(even, ProbeKind.WORDING)["changed"] == "inside"


def test_a_judge_is_asked_anew_for_each_repeat(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=40)
    engine.drain(judging.make_run(scene.version, dataset=scene.dataset).pk, pace=QUICK)
    served = sim.stats()["requests"]
    found = measured(asked(scene.version, scene.dataset, ProbeKind.REPEAT))
    assert sim.stats()["requests"] - served == 40 * 2 * 3
    run = Run.objects.get(purpose=RunPurpose.PROBE)
    assert set(run.calls.values_list("sample", flat=True)) == {0, 1, 2}
    assert not run.calls.filter(is_cached=True).exists()
    assert (found["same"]["n"], found["alpha"]["n"]) == (40, 40)
    assert found["same"]["value"] > 0.8
    assert found["alpha"]["value"] > 0.8


# Own family ---------------------------------------------------------------------------------------


def label(dataset: Dataset, guideline: GuidelineVersion) -> dict[str, str]:
    """Three people say the latent truth of every pair; which side that is, by external id."""
    said = {}
    for item in dataset.items.select_related("content").exclude(content=None):
        assert item.content is not None
        first, second = item.content.body["responses"]
        better = truth.latent_preference(item.content.body["input"], first, second)
        said[item.external_id] = "A" if better == "x" else "B"
    rows = [
        LabelRow(row=row, item=item, rater=rater, label=said[item])
        for row, (item, rater) in enumerate(itertools.product(said, ("one", "two", "three")), 1)
    ]
    label_import.add_labels(
        dataset=dataset,
        rows=rows,
        name="test",
        guideline_name=guideline.guideline.name,
        actor="system",
        now=NOON,
        is_simulated=True,
    )
    return said


def test_own_family_is_measured_from_answers_that_are_there(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=ENOUGH)
    label(scene.dataset, scene.guideline)
    Response.objects.filter(position=0).update(system="sim-other-2")
    engine.drain(judging.make_run(scene.version, dataset=scene.dataset).pk, pace=QUICK)
    served = sim.stats()["requests"]
    found = measured(asked(scene.version, scene.dataset, ProbeKind.SELF_PREFERENCE))
    assert sim.stats()["requests"] == served
    assert found["difference"]["n"] == ENOUGH
    assert holds(found["difference"], 0.0)
    assert found["own"]["n"] + found["other"]["n"] == ENOUGH


def test_without_systems_of_both_kinds_it_is_undefined_and_nobody_is_asked(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=5)
    label(scene.dataset, scene.guideline)
    one = asked(scene.version, scene.dataset, ProbeKind.SELF_PREFERENCE)
    assert probes.preview(one, now=NOON).estimate is None
    started = start(one)
    assert started.probe.state == ProbeState.MEASURED
    assert not Run.objects.exists()
    for figure in reads.latest(scene.version)[ProbeKind.SELF_PREFERENCE].figures:
        assert "of the family sim beside one of another" in figure.estimate["undefined_because"]
        assert figure.reading in {"undefined", ""}


def test_with_too_few_labelled_items_it_is_undefined_with_their_number(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=5)
    label(scene.dataset, scene.guideline)
    Response.objects.filter(position=0).update(system="sim-other-2")
    found = measured(asked(scene.version, scene.dataset, ProbeKind.SELF_PREFERENCE))
    assert "fewer than 50 items" in found["difference"]["undefined_because"]


# The sample ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("kind", list(ProbeKind))
def test_nothing_sealed_nor_beside_it_is_ever_in_a_sample(kind: ProbeKind) -> None:
    scene = judging.make_scene(pairs=0)
    marked_pairs(scene.dataset, 6)
    label(scene.dataset, scene.guideline)
    Response.objects.filter(position=0).update(system="sim-other-2")
    sealed = builders.make_dataset(scene.project, name="sealed", share=0.5)
    beside = builders.make_pair(sealed, external_id="x", part=Part.SEALED)
    Item.objects.filter(external_id="m0").update(part=Part.SEALED)
    Item.objects.filter(external_id="m1").update(cluster_key=beside.cluster_key)
    Item.objects.filter(external_id="m2").update(input_digest=beside.input_digest)
    Item.objects.filter(external_id="m3").update(part=Part.NONE)
    for seed in range(1, 4):
        started = start(asked(scene.version, scene.dataset, kind, seed=seed))
        ids = [item for item, _, _ in started.probe.sample]
        names = set(Item.objects.filter(pk__in=ids).values_list("external_id", flat=True))
        assert names == {"m4", "m5"}
        called = Call.objects.filter(run__variant__probe=started.probe)
        assert set(called.values_list("item", flat=True)) == set(ids)


@pytest.mark.usefixtures("offline")
def test_a_sealed_part_alone_gives_nothing_to_draw_from() -> None:
    scene = judging.make_scene(pairs=3)
    Item.objects.update(part=Part.SEALED)
    with pytest.raises(Invalid) as refusal:
        start(asked(scene.version, scene.dataset, ProbeKind.ORDER))
    assert refusal.value.code == "no_items"
    assert not Probe.objects.exists()


@pytest.mark.usefixtures("offline")
def test_the_lot_decides_and_the_same_lot_draws_the_same() -> None:
    scene = judging.make_scene(pairs=40)
    one = draw(asked(scene.version, scene.dataset, ProbeKind.ORDER, size=10))
    same = draw(asked(scene.version, scene.dataset, ProbeKind.ORDER, size=10))
    other = draw(asked(scene.version, scene.dataset, ProbeKind.ORDER, size=10, seed=2))
    assert one == same
    assert len(one.ids) == len(other.ids) == 10
    assert set(one.ids) != set(other.ids)


@pytest.mark.usefixtures("offline")
def test_items_without_markup_make_the_probe_of_format_undefined() -> None:
    scene = judging.make_scene(pairs=3)
    started = start(asked(scene.version, scene.dataset, ProbeKind.FORMAT))
    assert started.probe.state == ProbeState.MEASURED
    (figure,) = reads.latest(scene.version)[ProbeKind.FORMAT].figures
    assert "no development item has markup" in figure.estimate["undefined_because"]


@pytest.mark.usefixtures("offline")
def test_an_order_belongs_to_pairs() -> None:
    project = builders.make_project()
    dataset = builders.make_dataset(project)
    singles(dataset, 2)
    guideline = builders.make_guideline(project, keys=("accuracy",))
    version = judging.make_version(judging.make_judge(project, guideline), guideline)
    with pytest.raises(Invalid) as refusal:
        start(asked(version, dataset, ProbeKind.ORDER))
    assert refusal.value.code == "probe_needs_pairs"


# Start, money, end --------------------------------------------------------------------------------


@pytest.mark.usefixtures("offline")
def test_the_runs_of_a_probe_are_planned_with_it() -> None:
    scene = judging.make_scene(pairs=4)
    probe = start(asked(scene.version, scene.dataset, ProbeKind.LENGTH)).probe
    variants = {one.name: one for one in probe.variants.select_related("run")}
    assert set(variants) == {PLAIN, CHANGED}
    assert all(one.run.purpose == RunPurpose.PROBE for one in variants.values())
    assert all(one.run.calls_planned == 8 for one in variants.values())
    assert variants[CHANGED].change["kind"] == "padded"
    verbs = AuditEvent.objects.filter(object_type="probe").values_list("verb", flat=True)
    assert list(verbs) == ["probe.started"]


@pytest.mark.usefixtures("offline")
def test_the_estimate_is_that_of_all_runs_together() -> None:
    scene = judging.make_scene(pairs=4)
    found = probes.preview(asked(scene.version, scene.dataset, ProbeKind.LENGTH), now=NOON)
    assert found.estimate is not None
    assert (found.estimate.items, found.estimate.calls) == (4, 16)
    plain, padded = found.estimates[PLAIN], found.estimates[CHANGED]
    assert padded.input_tokens > plain.input_tokens
    assert found.estimate.most == plain.most + padded.most
    assert not Probe.objects.exists()


@pytest.mark.usefixtures("offline")
def test_a_budget_is_shared_by_the_runs_and_never_grows() -> None:
    scene = judging.make_scene(pairs=4)
    one = asked(scene.version, scene.dataset, ProbeKind.LENGTH)
    probe = start(one, budget=Decimal("0.50")).probe
    shares = [variant.run.budget for variant in probe.variants.select_related("run")]
    assert all(share is not None and share > 0 for share in shares)
    assert Decimal("0.49999") < sum(share or Decimal(0) for share in shares) <= Decimal("0.50")
    with pytest.raises(Invalid):
        start(asked(scene.version, scene.dataset, ProbeKind.ORDER), budget=Decimal(0))


@pytest.mark.usefixtures("offline")
def test_the_same_probe_again_is_the_recorded_one() -> None:
    scene = judging.make_scene(pairs=3)
    one = asked(scene.version, scene.dataset, ProbeKind.LENGTH)
    first, second = start(one), start(one)
    assert (first.is_new, second.is_new) == (True, False)
    assert first.probe == second.probe
    assert Run.objects.count() == 2
    other = start(asked(scene.version, scene.dataset, ProbeKind.LENGTH, seed=2))
    assert other.is_new


@pytest.mark.usefixtures("offline")
def test_two_people_who_start_the_same_probe_at_once_get_one() -> None:
    scene = judging.make_scene(pairs=3)
    one = asked(scene.version, scene.dataset, ProbeKind.LENGTH)
    both = at_once([partial(start, one), partial(start, one)])
    assert sorted(found.is_new for found in both) == [False, True]
    assert both[0].probe == both[1].probe
    assert Run.objects.count() == 2


@pytest.mark.usefixtures("offline")
def test_after_a_cancelled_run_the_same_probe_can_be_started_again() -> None:
    scene = judging.make_scene(pairs=3)
    one = asked(scene.version, scene.dataset, ProbeKind.LENGTH)
    first = start(one).probe
    runs.cancel(run=first.variants.all()[0].run, actor="u1", now=NOON)
    second = start(one)
    first.refresh_from_db()
    assert second.is_new
    assert first.state == ProbeState.GIVEN_UP


def test_nothing_is_measured_before_every_run_has_ended(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=3)
    probe = start(asked(scene.version, scene.dataset, ProbeKind.LENGTH)).probe
    engine.drain(probe.variants.get(name=PLAIN).run_id, pace=QUICK)
    assert not probemeasuring.measure(probe.pk, now=timezone.now())
    assert work_off(probe).state == ProbeState.MEASURED


def test_measuring_twice_changes_nothing_and_a_retry_makes_the_figures_anew(
    sim: Simulator,
) -> None:
    scene = judging.make_scene(pairs=4)
    sim.script({"do": "refusal", "times": 1})
    probe = work_off(start(asked(scene.version, scene.dataset, ProbeKind.ORDER)).probe)
    assert probe.result is not None
    assert probe.result["dimensions"]["preference"]["flips"]["n"] == 3
    at = probe.measured_at
    assert not probemeasuring.measure(probe.pk, now=timezone.now())
    probe.refresh_from_db()
    assert probe.measured_at == at
    runs.retry_failed(run=probe.variants.get().run, actor="u1")
    work_off(probe)
    assert probe.result["dimensions"]["preference"]["flips"]["n"] == 4
    assert AuditEvent.objects.filter(verb="probe.measured").count() == 2


def test_the_ledger_of_a_changed_run_proves_what_was_sent(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=2)
    probe = work_off(start(asked(scene.version, scene.dataset, ProbeKind.INJECTION)).probe)
    keys = [
        set(Attempt.objects.filter(call__run=one.run).values_list("prompt_digest", flat=True))
        for one in Variant.objects.filter(probe=probe)
    ]
    assert all(len(found) == 4 for found in keys)
    assert not keys[0] & keys[1]


def test_the_plain_run_takes_from_the_cache_and_a_changed_one_does_not(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=3)
    engine.drain(judging.make_run(scene.version, dataset=scene.dataset).pk, pace=QUICK)
    one = asked(scene.version, scene.dataset, ProbeKind.LENGTH)
    found = probes.preview(one, now=NOON)
    assert found.estimate is not None
    assert (found.estimate.calls, found.estimate.cached) == (12, 6)
    probe = work_off(start(one).probe)
    cached = {
        one.name: one.run.calls.filter(is_cached=True).count() for one in probe.variants.all()
    }
    assert cached == {PLAIN: 6, CHANGED: 0}


def test_every_figure_of_every_probe_has_n_and_interval_or_a_reason(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=0)
    marked_pairs(scene.dataset, 60)
    label(scene.dataset, scene.guideline)
    Response.objects.filter(position=0).update(system="sim-other-2")
    for kind in ProbeKind:
        for name, figure in measured(asked(scene.version, scene.dataset, kind)).items():
            where = f"{kind} {name}"
            if figure["value"] is None:
                assert figure["undefined_because"], where
            else:
                assert figure["n"] > 0, where
                assert figure["interval"], where
    found = reads.latest(scene.version)
    assert set(found) == set(ProbeKind.values)
    assert found[ProbeKind.LENGTH].figures[3].estimate["n"] > 0


def test_verdicts_of_probes_are_in_no_export_and_in_no_list_of_versions(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=3)
    work_off(start(asked(scene.version, scene.dataset, ProbeKind.LENGTH)).probe)
    scope = ExportScope(project_id=scene.project.pk)
    assert not list(exporting.verdict_rows(scope))
    assert len(list(exporting.ledger_rows(scope))) == 12
    from judges import queries

    assert queries.line_of(scene.version).run is None


def test_a_run_of_a_probe_can_pause_and_go_on(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=3)
    probe = start(asked(scene.version, scene.dataset, ProbeKind.ORDER)).probe
    run = probe.variants.get().run
    runs.pause(run=run, actor="u1")
    work_off(probe)
    assert probe.state == ProbeState.RUNNING
    runs.resume(run=run, actor="u1")
    assert work_off(probe).state == ProbeState.MEASURED
    run.refresh_from_db()
    assert run.state == RunState.DONE


def test_every_injection_leaves_the_fence_of_the_prompt_whole(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=40)
    probe = start(asked(scene.version, scene.dataset, ProbeKind.INJECTION)).probe
    assert len({pick for _, _, pick in probe.sample}) > 8
    work_off(probe)
    assert not Call.objects.filter(run__variant__probe=probe).exclude(outcome="ok").exists()
    assert len(copies.INJECTIONS) == 12
