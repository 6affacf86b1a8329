"""Planning and steering runs; nothing is sent here."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pytest_django import Settings

from annotation.models import Item
from annotation.states import Part
from core.errors import Conflict, Invalid, NotAllowed, NotReady, OverBudget
from core.models import AuditEvent
from judges import queries
from judges.models import Call, Run
from judges.rules.pricing import PriceUnknown
from judges.services import examples, probesamples, runs, versions
from judges.services.probesamples import Asked
from judges.services.versions import ANTHROPIC, SIMULATOR, Choices
from judges.states import CallState, ProbeKind, RunPurpose, RunState
from tests import builders, judging, tuning
from tests.builders import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture(autouse=True)
def _local_simulator(settings: Settings) -> None:
    """An address is enough: planning asks nobody."""
    settings.SIMULATOR_URL = "http://127.0.0.1:9"


def test_a_plan_has_a_row_for_each_item_order_and_sample() -> None:
    scene = judging.make_scene(pairs=3, samples=2)
    run = judging.make_run(scene.version, dataset=scene.dataset)
    assert run.calls_planned == 12
    assert run.items_planned == 3
    rows = Call.objects.filter(run=run).values_list("order", "sample")
    assert sorted(set(rows)) == [("AB", 0), ("AB", 1), ("BA", 0), ("BA", 1)]


def test_planning_twice_adds_nothing() -> None:
    scene = judging.make_scene(pairs=2)
    run = judging.make_run(scene.version, dataset=scene.dataset)
    rows = list(Call.objects.filter(run=run).values_list("item_id", "order", "sample"))
    runs.add_calls(run, [runs.Planned(*row) for row in rows], now=NOON)
    assert Call.objects.filter(run=run).count() == 4


def test_single_responses_have_no_order() -> None:
    project = builders.make_project()
    dataset = builders.make_dataset(project)
    builders.make_item(dataset)
    guideline = builders.make_guideline(project)
    version = judging.make_version(judging.make_judge(project, guideline), guideline)
    run = judging.make_run(version, dataset=dataset)
    assert list(Call.objects.filter(run=run).values_list("order", flat=True)) == [""]


def test_a_run_over_a_dataset_leaves_the_sealed_part_out() -> None:
    scene = judging.make_scene(pairs=3)
    Item.objects.filter(external_id="p0").update(part=Part.SEALED)
    run = judging.make_run(scene.version, dataset=scene.dataset)
    assert set(run.calls.values_list("item__external_id", flat=True)) == {"p1", "p2"}


def test_a_version_is_not_asked_about_its_own_worked_examples() -> None:
    """It was told what people say of them: on the others only can it be held against people."""
    lea = builders.make_user(username="lea")
    tuned = tuning.make_tuning(lead=lea)
    shown, namesake = tuned.items[0], tuned.items[1]
    chosen = [(shown.pk, "It is right."), (namesake.pk, "So is this.")]
    built = examples.build(
        version=tuned.scene.guideline,
        project_id=tuned.scene.project.pk,
        user_id=lea.pk,
        chosen=chosen,
    )
    version = versions.save_version(
        judge=tuned.scene.judge,
        guideline_version=tuned.scene.guideline,
        choices=Choices(provider=SIMULATOR, model=judging.PLUMB, examples=built),
        author=lea,
    ).version
    # With other texts it is another item than the one that the version was shown.
    assert namesake.content is not None
    namesake.content.body = {**namesake.content.body, "input": "Another question"}
    namesake.content.save()
    asked = {item.pk for item in tuned.items} - {shown.pk}
    run = judging.make_run(version, dataset=tuned.scene.dataset)
    assert set(Call.objects.filter(run=run).values_list("item", flat=True)) == asked
    said = runs.estimate(version=version, dataset=tuned.scene.dataset, now=NOON)
    assert (said.items, said.examples_left_out) == (len(asked), 1)
    wanted = Asked(version=version, dataset=tuned.scene.dataset, kind=ProbeKind.ORDER, size=100)
    assert set(probesamples.draw(wanted).ids) == asked
    plain = runs.estimate(version=tuned.version, dataset=tuned.scene.dataset, now=NOON)
    assert (plain.items, plain.examples_left_out) == (len(tuned.items), 0)


@pytest.mark.parametrize("shared", ["cluster_key", "input_digest"])
def test_what_stands_beside_a_sealed_item_is_left_out_and_refused_by_name(shared: str) -> None:
    scene = judging.make_scene(pairs=2)
    elsewhere = builders.make_dataset(scene.project, name="sealed", share=0.5)
    sealed = builders.make_pair(elsewhere, external_id="s1", part=Part.SEALED)
    first = Item.objects.get(external_id="p0")
    Item.objects.filter(pk=first.pk).update(**{shared: getattr(sealed, shared)})
    run = judging.make_run(scene.version, dataset=scene.dataset)
    assert set(run.calls.values_list("item__external_id", flat=True)) == {"p1"}
    with pytest.raises(NotAllowed) as refusal:
        judging.make_run(scene.version, items=[first])
    assert refusal.value.code == "sealed_items"


@pytest.mark.parametrize("purpose", [RunPurpose.ORDINARY, RunPurpose.PLAYGROUND])
def test_only_an_approval_runs_on_sealed_items(purpose: RunPurpose) -> None:
    scene = judging.make_scene(pairs=1)
    Item.objects.update(part=Part.SEALED)
    items = list(Item.objects.all())
    with pytest.raises(NotAllowed):
        judging.make_run(scene.version, items=items, purpose=purpose)
    assert judging.make_run(scene.version, items=items, purpose=RunPurpose.APPROVAL).pk


def test_a_retired_set_is_judged_like_any_other() -> None:
    scene = judging.make_scene(pairs=1)
    Item.objects.update(part=Part.DEVELOPMENT)
    assert judging.make_run(scene.version, dataset=scene.dataset).calls_planned == 2


def test_items_without_texts_or_of_another_kind_are_left_out() -> None:
    scene = judging.make_scene(pairs=2)
    Item.objects.filter(external_id="p0").update(content=None)
    builders.make_item(scene.dataset, external_id="single")
    run = judging.make_run(scene.version, dataset=scene.dataset)
    assert run.items_planned == 1


def test_a_dataset_with_nothing_to_judge_is_refused_with_the_reason() -> None:
    scene = judging.make_scene(pairs=0)
    with pytest.raises(Invalid) as refusal:
        judging.make_run(scene.version, dataset=scene.dataset)
    assert refusal.value.code == "no_items"


def test_an_item_of_another_project_is_refused() -> None:
    scene = judging.make_scene(pairs=1)
    other = builders.make_dataset(builders.make_project(slug="other"))
    with pytest.raises(Invalid):
        judging.make_run(scene.version, dataset=other)
    with pytest.raises(Invalid):
        judging.make_run(scene.version, items=judging.make_pairs(other, 1))


def test_a_model_without_a_price_is_refused_before_anything_is_written(
    settings: Settings,
) -> None:
    settings.ANTHROPIC_API_KEY = "k"
    scene = judging.make_scene(pairs=1)
    unpriced = judging.make_version(
        scene.judge, scene.guideline, provider=ANTHROPIC, model="house-model-1"
    )
    with pytest.raises(PriceUnknown):
        judging.make_run(unpriced, dataset=scene.dataset)
    with pytest.raises(PriceUnknown):
        runs.estimate(version=unpriced, dataset=scene.dataset, now=NOON)
    assert not Run.objects.exists()


def test_a_simulated_version_never_leaves_this_machine(settings: Settings) -> None:
    scene = judging.make_scene(pairs=1)
    settings.SIMULATOR_URL = "https://judges.example.org"
    with pytest.raises(NotReady) as refusal:
        judging.make_run(scene.version, dataset=scene.dataset)
    assert refusal.value.code == "simulator_not_local"


def test_the_key_goes_to_the_address_of_the_installation_only(settings: Settings) -> None:
    settings.ANTHROPIC_API_KEY = "k"
    scene = judging.make_scene(pairs=1)
    version = judging.make_version(
        scene.judge, scene.guideline, provider=ANTHROPIC, model="claude-haiku-5-5"
    )
    settings.ANTHROPIC_BASE_URL = "https://elsewhere.example.org"
    with pytest.raises(NotReady) as refusal:
        judging.make_run(version, dataset=scene.dataset)
    assert refusal.value.code == "base_url_differs"


def test_without_a_key_nothing_is_planned(settings: Settings) -> None:
    settings.ANTHROPIC_API_KEY = ""
    scene = judging.make_scene(pairs=1)
    version = judging.make_version(
        scene.judge, scene.guideline, provider=ANTHROPIC, model="claude-haiku-5-5"
    )
    with pytest.raises(NotReady) as refusal:
        judging.make_run(version, dataset=scene.dataset)
    assert refusal.value.code == "api_key_missing"


def test_the_estimate_names_calls_tokens_money_and_where_the_price_is_from() -> None:
    scene = judging.make_scene(pairs=4)
    said = runs.estimate(version=scene.version, dataset=scene.dataset, now=NOON)
    assert (said.items, said.calls, said.cached, said.to_send) == (4, 8, 0, 8)
    assert said.input_tokens > 8 * 100
    assert 0 < said.likely < said.most
    assert said.price_source == "simulated price list"
    assert said.price_as_of == "2026-11-01"
    assert not said.is_sampled


def test_a_large_estimate_is_reckoned_from_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "SAMPLED_ITEMS", 2)
    scene = judging.make_scene(pairs=6)
    said = runs.estimate(version=scene.version, dataset=scene.dataset, now=NOON)
    assert said.is_sampled
    assert (said.items, said.calls) == (6, 12)


def test_pause_and_resume() -> None:
    scene = judging.make_scene(pairs=1)
    run = judging.make_run(scene.version, dataset=scene.dataset)
    runs.pause(run=run, actor="u1")
    run.refresh_from_db()
    assert run.state == RunState.PAUSED
    with pytest.raises(Conflict):
        runs.pause(run=run, actor="u1")
    runs.resume(run=run, actor="u1")
    run.refresh_from_db()
    assert run.state == RunState.PLANNED
    with pytest.raises(Conflict):
        runs.resume(run=run, actor="u1")


def test_a_cancelled_run_is_over() -> None:
    scene = judging.make_scene(pairs=1)
    run = judging.make_run(scene.version, dataset=scene.dataset)
    runs.cancel(run=run, actor="u1", now=NOON)
    run.refresh_from_db()
    assert run.state == RunState.CANCELLED
    with pytest.raises(Conflict):
        runs.cancel(run=run, actor="u1", now=NOON)


def test_a_budget_below_what_is_spent_is_refused() -> None:
    scene = judging.make_scene(pairs=1)
    run = judging.make_run(scene.version, dataset=scene.dataset, budget=Decimal(1))
    Run.objects.filter(pk=run.pk).update(spent=Decimal("0.5"))
    with pytest.raises(OverBudget):
        runs.set_budget(run=run, budget=Decimal("0.4"), actor="u1")
    runs.set_budget(run=run, budget=Decimal(2), actor="u1")
    run.refresh_from_db()
    assert run.budget == Decimal(2)


@pytest.mark.parametrize("budget", [Decimal(0), Decimal(-1)])
def test_a_budget_is_more_than_nothing(budget: Decimal) -> None:
    scene = judging.make_scene(pairs=1)
    with pytest.raises(Invalid):
        judging.make_run(scene.version, dataset=scene.dataset, budget=budget)


def test_nothing_failed_means_nothing_to_retry() -> None:
    scene = judging.make_scene(pairs=1)
    run = judging.make_run(scene.version, dataset=scene.dataset)
    with pytest.raises(Conflict) as early:
        runs.retry_failed(run=run, actor="u1")
    assert early.value.code == "run_not_over"
    runs.pause(run=run, actor="u1")
    with pytest.raises(Conflict) as nothing:
        runs.retry_failed(run=run, actor="u1")
    assert nothing.value.code == "nothing_failed"


def test_the_calls_of_an_approval_are_closed_to_retries() -> None:
    scene = judging.make_scene(pairs=1)
    items = list(scene.dataset.items.all())
    run = judging.make_run(scene.version, items=items, purpose=RunPurpose.APPROVAL)
    with pytest.raises(NotAllowed):
        runs.retry_failed(run=run, actor="u1")


def test_progress_counts_by_outcome() -> None:
    scene = judging.make_scene(pairs=2)
    run = judging.make_run(scene.version, dataset=scene.dataset)
    ids = list(run.calls.values_list("pk", flat=True))
    ended = {"state": CallState.FINISHED, "finished_at": NOON}
    Call.objects.filter(pk=ids[0]).update(**ended, outcome="ok", is_cached=True)
    Call.objects.filter(pk=ids[1]).update(**ended, outcome="refused")
    said = queries.progress(run, now=NOON)
    assert (said.planned, said.finished, said.waiting, said.cached) == (4, 2, 2, 1)
    assert (said.judged, said.failed) == (0, 1)
    assert said.outcomes == {"ok": 1, "refused": 1}


def test_a_plan_costs_the_same_queries_for_few_and_many_items(
    django_assert_max_num_queries: object,
) -> None:
    scene = judging.make_scene(pairs=40)
    with django_assert_max_num_queries(16):  # type: ignore[operator]
        judging.make_run(scene.version, dataset=scene.dataset)


def test_steering_is_in_the_audit_trail() -> None:
    scene = judging.make_scene(pairs=1)
    run = judging.make_run(scene.version, dataset=scene.dataset)
    runs.pause(run=run, actor="u7")
    verbs = AuditEvent.objects.filter(object_type="run").values_list("verb", "actor")
    assert list(verbs.order_by("pk")) == [("run.planned", "u1"), ("run.paused", "u7")]
