"""The playground: one real call over real HTTP with an edit that nobody has saved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role, Scope
from annotation.models import Item
from annotation.states import Part
from core.errors import Conflict, Invalid, NotAllowed, NotReady
from core.models import AuditEvent
from core.registry import ExportScope
from judges import simulator
from judges.models import Attempt, Call, JudgeLabel, JudgeVersion, Run
from judges.queries import authors, exporting, health, serving
from judges.services import calls, engine, hooks, ledger, playground, runs, versions
from judges.services.playground import Tried
from judges.services.versions import SIMULATOR, Choices
from judges.simulator import Simulator
from judges.states import AttemptState, RunPurpose, RunState
from tests import builders, judging
from tests.judging import QUICK, Scene

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]

EDIT = Choices(provider=SIMULATOR, model="sim-slant-1", max_tokens=900)


@pytest.fixture
def sim(settings: Settings) -> Iterator[Simulator]:
    with simulator.start() as running:
        settings.SIMULATOR_URL = running.url
        yield running


@pytest.fixture
def scene() -> Scene:
    return judging.make_scene(pairs=2)


@pytest.fixture
def lea(scene: Scene) -> User:
    return builders.join(scene.project, builders.make_user(username="lea"), Role.LEAD)


def tried(scene: Scene, lea: User, item: Item | None = None, **changes: float) -> Tried:
    return playground.ask(
        judge=scene.judge,
        guideline_version=scene.guideline,
        choices=EDIT,
        item=item or scene.dataset.items.earliest("pk"),
        author=lea,
        **changes,
    )


def test_an_unsaved_edit_is_asked_once_and_is_in_the_ledger(
    sim: Simulator, scene: Scene, lea: User
) -> None:
    found = tried(scene, lea)
    assert sim.stats()["requests"] == 1
    assert found.call.outcome == "ok"
    assert [verdict.dimension_key for verdict in found.verdicts] == ["preference"]
    assert found.attempt.answer
    assert found.attempt.cost is not None
    assert 0 < found.attempt.cost <= found.attempt.reserved
    run = Run.objects.get()
    assert (run.purpose, run.state) == (RunPurpose.PLAYGROUND, RunState.DONE)
    assert run.spent == found.attempt.cost
    assert run.budget is not None
    assert run.budget >= run.spent
    assert run.reserved == 0
    assert AuditEvent.objects.filter(verb="playground.asked", actor=lea.actor).count() == 1
    assert health.spending_is_the_ledgers().is_ok
    assert health.ended_runs_have_no_open_calls().is_ok
    assert health.ok_calls_have_verdicts().is_ok


def test_what_was_tried_is_no_version_until_it_is_saved(
    sim: Simulator, scene: Scene, lea: User
) -> None:
    draft = tried(scene, lea).call.run.version
    assert draft.is_draft
    assert list(scene.judge.versions.all()) == [scene.version]
    assert not authors.has_authored(scene.project.pk, lea.pk)
    assert not JudgeLabel.objects.exists()
    saved = versions.save_version(
        judge=scene.judge, guideline_version=scene.guideline, choices=EDIT, author=lea, note="new"
    )
    assert saved.is_new
    assert (saved.version.pk, saved.version.number, saved.version.note) == (draft.pk, 2, "new")
    assert authors.has_authored(scene.project.pk, lea.pk)
    assert JudgeVersion.with_drafts.count() == 2


def test_trying_a_saved_version_asks_that_version(sim: Simulator, scene: Scene, lea: User) -> None:
    saved = versions.save_version(
        judge=scene.judge, guideline_version=scene.guideline, choices=EDIT, author=lea
    )
    tried(scene, lea)
    tried(scene, lea)
    assert set(Run.objects.values_list("version", flat=True)) == {saved.version.pk}
    assert JudgeVersion.with_drafts.count() == 2


def test_its_answer_is_nobodys_cache_and_it_takes_none(
    sim: Simulator, scene: Scene, lea: User
) -> None:
    tried(scene, lea)
    tried(scene, lea)
    assert sim.stats()["requests"] == 2
    assert not Attempt.objects.filter(is_cache_source=True).exists()
    version = versions.save_version(
        judge=scene.judge, guideline_version=scene.guideline, choices=EDIT, author=lea
    ).version
    run = judging.make_run(version, dataset=scene.dataset)
    assert not Call.objects.filter(run=run, is_cached=True).exists()


@pytest.mark.parametrize(
    ("step", "outcome"),
    [("prose", "invalid"), ("refusal", "refused"), ("truncated", "truncated"), ("error", "failed")],
)
def test_an_answer_that_cannot_be_used_is_shown_and_not_asked_again(
    sim: Simulator, scene: Scene, lea: User, step: str, outcome: str
) -> None:
    sim.script({"do": step, "times": 9})
    found = tried(scene, lea)
    assert found.call.outcome == outcome
    assert found.attempt.problem
    assert not found.verdicts
    assert sim.stats()["requests"] == 1
    assert Run.objects.get().state == RunState.DONE


def test_an_answer_that_never_comes_ends_with_the_timeout(
    sim: Simulator, scene: Scene, lea: User
) -> None:
    sim.script({"do": "hang", "times": 9})
    found = tried(scene, lea, timeout_seconds=0.5)
    assert found.call.outcome == "failed"
    assert found.attempt.cost == found.attempt.reserved


def test_a_sealed_item_and_one_beside_it_are_never_asked_about(
    sim: Simulator, scene: Scene, lea: User
) -> None:
    first, second = scene.dataset.items.order_by("pk")
    Item.objects.filter(pk=first.pk).update(part=Part.SEALED, cluster_key="shared")
    Item.objects.filter(pk=second.pk).update(cluster_key="shared")
    for item in (first, second):
        with pytest.raises(NotAllowed) as refusal:
            tried(scene, lea, item)
        assert refusal.value.code == "sealed_items"
    assert sim.stats()["requests"] == 0
    assert not Run.objects.exists()
    assert JudgeVersion.with_drafts.count() == 1


@pytest.mark.parametrize("changes", [{"part": Part.NONE}, {"withdrawn_at": timezone.now()}])
def test_only_a_development_item_that_is_there_can_be_asked_about(
    sim: Simulator, scene: Scene, lea: User, changes: dict[str, object]
) -> None:
    Item.objects.filter(pk=scene.dataset.items.earliest("pk").pk).update(**changes)
    with pytest.raises(Invalid):
        tried(scene, lea)


def test_an_item_that_the_person_may_yet_rate_stays_blind(
    sim: Simulator, scene: Scene, lea: User
) -> None:
    item = scene.dataset.items.earliest("pk")
    rater = builders.rater_of(scene.project, lea)
    builders.make_round(scene.dataset, scene.guideline, items=[item], raters=[rater])
    with pytest.raises(NotAllowed) as refusal:
        tried(scene, lea, item)
    assert refusal.value.code == "still_rating"


def test_a_person_has_one_try_at_a_time(sim: Simulator, scene: Scene, lea: User) -> None:
    held: dict[str, object] = {
        "project": scene.project,
        "version": scene.version,
        "purpose": RunPurpose.PLAYGROUND,
        "state": RunState.RUNNING,
        "actor": lea.actor,
        "owner": f"{playground.OWNER}another",
        "lease_until": timezone.now() + timedelta(minutes=1),
    }
    Run.objects.create(**held)
    with pytest.raises(IntegrityError), transaction.atomic():
        Run.objects.create(**held)
    with pytest.raises(Conflict) as refusal:
        tried(scene, lea)
    assert refusal.value.code == "playground_busy"
    assert sim.stats()["requests"] == 0
    noor = builders.join(scene.project, builders.make_user(username="noor"), Role.LEAD)
    assert tried(scene, noor).verdicts


def test_a_try_whose_process_died_is_booked_and_never_sent_again(
    sim: Simulator, scene: Scene, lea: User
) -> None:
    item = scene.dataset.items.earliest("pk")
    draft = versions.keep_draft(
        judge=scene.judge, guideline_version=scene.guideline, choices=EDIT, author=lea
    )
    owner = f"{playground.OWNER}dead"
    run, plan, prepared = playground._open(draft, item, lea, owner, 1.0)
    assert ledger.take(plan, [prepared], owner=owner, now=timezone.now()).sent
    past = timezone.now() - timedelta(minutes=5)
    Run.objects.filter(pk=run.pk).update(lease_until=past)
    hooks.before_calls(RunPurpose.PLAYGROUND, playground.objection)
    engine.drain(run.pk, pace=QUICK)
    run.refresh_from_db()
    attempt = Attempt.objects.get(call__run=run)
    assert (attempt.state, attempt.outcome) == (AttemptState.FINAL, "unknown")
    assert attempt.cost == attempt.reserved == run.spent
    assert (run.state, run.pause_reason) == (RunState.PAUSED, playground.NOT_REPEATED)
    runs.resume(run=run, actor=lea.actor)
    engine.drain(run.pk, pace=QUICK)
    assert sim.stats()["requests"] == 0
    assert tried(scene, lea).verdicts


def test_a_playground_run_is_never_retried(sim: Simulator, scene: Scene, lea: User) -> None:
    sim.script({"do": "refusal"})
    run = tried(scene, lea).call.run
    with pytest.raises(NotAllowed):
        runs.retry_failed(run=run, actor=lea.actor)


def test_an_edit_that_could_not_be_saved_asks_nobody(
    sim: Simulator, scene: Scene, lea: User
) -> None:
    with pytest.raises(Invalid) as refusal:
        playground.ask(
            judge=scene.judge,
            guideline_version=scene.guideline,
            choices=Choices(provider=SIMULATOR, model=judging.PLUMB, user_template="{{ input }}"),
            item=scene.dataset.items.earliest("pk"),
            author=lea,
        )
    assert list(refusal.value.fields) == ["user_template"]
    assert not Run.objects.exists()


def test_a_try_leaves_the_house_in_the_ledger_and_is_nobodys_verdict(
    sim: Simulator, scene: Scene, lea: User
) -> None:
    found = tried(scene, lea)
    scope = ExportScope(project_id=scene.project.pk)
    (row,) = list(exporting.ledger_rows(scope))
    assert (row["purpose"], row["version"], row["judge"]) == ("playground", None, "Helpful")
    assert row["cost"] == pytest.approx(float(found.attempt.cost or 0))
    assert list(exporting.verdict_rows(scope)) == []
    token, _ = builders.make_token(scene.project, scopes=[Scope.READ])
    assert not serving.runs_before(token.project, before=None, limit=9)


def test_without_a_simulator_nothing_is_kept(scene: Scene, lea: User, settings: Settings) -> None:
    settings.SIMULATOR_URL = ""
    with pytest.raises(NotReady):
        tried(scene, lea)
    assert not Run.objects.exists()
    assert JudgeVersion.with_drafts.count() == 1


def test_the_estimate_holds_what_the_call_costs(sim: Simulator, scene: Scene, lea: User) -> None:
    found = tried(scene, lea)
    spec = versions.spec_of(found.call.run.version)
    plan = calls.plan_of(found.call.run, timeout_seconds=1, most_failures=1)
    (again,) = calls.prepare(plan, [found.call], now=timezone.now())
    assert isinstance(again, calls.Prepared)
    project = found.call.run.project
    estimate = playground.estimate(project, spec, again.request.rendered, at=timezone.now())
    assert estimate.likely is not None
    assert estimate.most is not None
    assert found.attempt.cost is not None
    assert estimate.likely < estimate.most
    assert found.attempt.cost <= estimate.most
    assert estimate.price_source == "simulated price list"
