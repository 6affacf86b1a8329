"""Drift rounds: which items are fresh, and what people's labels on them do to an approval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Notice, Rater
from accounts.roles import Role
from annotation.models import Dataset, Item, ReferenceLabel, Round
from annotation.queries.rounds import candidates, current
from annotation.services import laying, rounds
from annotation.states import DatasetKind, ItemKind, Part, RoundKind
from calibration.queries import agreement
from calibration.queries import driftrounds as queries
from calibration.services import drift as feeding
from calibration.services import driftrounds
from core import jobs
from core.errors import Conflict, Invalid
from core.models import Job
from judges import simulator
from judges.models import Decision, DriftLabel, JudgeLabel, JudgeVersion, Run, Standing
from judges.queries import drift
from judges.services import engine, suspending
from judges.states import RunPurpose, RunState
from tests import approving, builders, judging
from tests.approving import Scene
from tests.judging import QUICK

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]

SHIFT: Mapping[str, str] = {"A": "B", "B": "A"}
NO_SHIFT: Mapping[str, str] = {"A": "A", "B": "B"}


@pytest.fixture(autouse=True)
def _a_simulator_answers(settings: Settings) -> Iterator[None]:
    with simulator.start() as running:
        settings.SIMULATOR_URL = running.url
        yield


@pytest.fixture
def scene() -> Scene:
    made = approving.make_scene()
    approving.approved(made)
    return made


@pytest.fixture
def fresh(scene: Scene) -> Dataset:
    dataset = builders.make_dataset(scene.project, name="this week")
    judging.make_pairs(dataset, 30)
    return dataset


def standing() -> Standing:
    return Standing.objects.select_related(
        "judge__project", "version__judge", "version__guideline_version__guideline", "decision"
    ).get()


def raters(scene: Scene) -> list[Rater]:
    return [
        builders.rater_of(scene.project, user)
        for user in (scene.cast.ana, scene.cast.ben, scene.cast.cem)
    ]


def made(scene: Scene, dataset: Dataset, **changes: Any) -> Round:
    wanted: dict[str, Any] = {
        "standing": standing(),
        "dataset": dataset,
        "name": "Drift 1",
        "count": 24,
        "overlap": 3,
        "raters": raters(scene),
        "by": scene.cast.lea,
        "now": timezone.now(),
    }
    return driftrounds.create(**wanted | changes)


def judged(scene: Scene, round_: Round) -> Run:
    """The approved version asks the simulator about the round's items."""
    run = driftrounds.start_run(
        standing=standing(), round_=round_, budget=None, by=scene.cast.lea, now=timezone.now()
    )
    engine.drain(run.pk, pace=QUICK)
    run.refresh_from_db()
    assert run.state == RunState.DONE, run.pause_reason
    return run


def rated(scene: Scene, round_: Round, *, by: Mapping[str, str] | str) -> None:
    """All three raters say of each item what `by` makes of the judge's label, or always `by`."""
    if isinstance(by, str):
        said = dict.fromkeys(round_.round_items.values_list("item_id", flat=True), by)
    else:
        labels = JudgeLabel.objects.filter(item__round_items__round=round_)
        said = {row.item_id: by.get(row.label, "A") for row in labels}
    people = raters(scene)
    for item in Item.objects.filter(pk__in=said):
        for rater in people:
            builders.make_rating(
                round_, item, rater, labels={"preference": said[item.pk]}, at=timezone.now()
            )


def fed() -> None:
    """What a worker does with the jobs that wait."""
    feeding.reconcile(timezone.now())
    for job in Job.objects.filter(kind=feeding.FEED, state="waiting").order_by("pk"):
        jobs.run(job.pk)


def alarm() -> drift.DriftState:
    return drift.state_of(standing(), "preference")


# What a round takes -------------------------------------------------------------------------------


def test_a_round_takes_so_many_fresh_items_and_goes_by_the_judges_guideline(
    scene: Scene, fresh: Dataset
) -> None:
    round_ = made(scene, fresh)
    assert (round_.kind, round_.overlap) == (RoundKind.DRIFT, 3)
    assert round_.guideline_version == scene.guideline
    assert round_.round_items.count() == 24
    assert round_.assignments.count() == 72


def test_fresh_is_what_came_after_the_version_and_is_in_no_round(
    scene: Scene, fresh: Dataset
) -> None:
    old, rated_one, broken, odd = Item.objects.filter(dataset=fresh).order_by("pk")[:4]
    JudgeVersion.objects.filter(pk=scene.version.pk).update(created_at=old.created_at)
    builders.make_round(fresh, scene.guideline, items=[rated_one], raters=[])
    Item.objects.filter(pk=broken.pk).update(withdrawn_at=timezone.now())
    Item.objects.filter(pk=odd.pk).update(kind=ItemKind.SINGLE)
    found = driftrounds.fresh_items(standing(), fresh)
    assert set(Item.objects.filter(dataset=fresh)) - set(found) == {old, rated_one, broken, odd}


def test_nothing_that_touches_a_sealed_part_is_fresh(scene: Scene, fresh: Dataset) -> None:
    sealed = Item.objects.filter(dataset=scene.dataset, part=Part.SEALED)
    one, other = sealed[0], sealed[1]
    beside, same = Item.objects.filter(dataset=fresh).order_by("pk")[:2]
    Item.objects.filter(pk=beside.pk).update(cluster_key=one.cluster_key)
    Item.objects.filter(pk=same.pk).update(input_digest=other.input_digest)
    Item.objects.filter(pk__in=[one.pk, other.pk]).update(created_at=timezone.now())
    found = driftrounds.fresh_items(standing(), fresh)
    assert not found.filter(pk__in=[beside.pk, same.pk]).exists()
    assert not driftrounds.fresh_items(standing(), scene.dataset).filter(part=Part.SEALED).exists()


def test_of_one_prompt_comes_one_item(scene: Scene, fresh: Dataset) -> None:
    Item.objects.filter(dataset=fresh).update(cluster_key="the same")
    assert made(scene, fresh, count=1).round_items.count() == 1
    with pytest.raises(Invalid) as refusal:
        made(scene, fresh, name="Drift 2", count=2)
    assert refusal.value.code == "too_few_fresh"
    assert "only 1 fresh prompt" in refusal.value.sentence


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"overlap": 2}, "overlap"),
        ({"count": 0}, "count"),
        ({"count": 501}, "count"),
        ({"count": 31}, "too_few_fresh"),
    ],
)
def test_what_could_tell_nothing_is_refused(
    scene: Scene, fresh: Dataset, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        made(scene, fresh, **changes)
    assert refusal.value.code == code
    assert not Round.objects.filter(kind=RoundKind.DRIFT).exists()


def test_there_is_nothing_to_watch_once_an_approval_has_ended(scene: Scene, fresh: Dataset) -> None:
    Standing.objects.update(valid_until=builders.NOON)
    with pytest.raises(Conflict) as refusal:
        made(scene, fresh)
    assert refusal.value.code == "approval_expired"


def test_no_items_are_added_to_a_drift_round(scene: Scene, fresh: Dataset) -> None:
    round_ = made(scene, fresh)
    with pytest.raises(Conflict) as refusal:
        laying.add_items(round_id=round_.pk, by=scene.cast.lea)
    assert refusal.value.code == "drift_drawn"


def test_what_came_over_the_api_is_offered_first_and_needs_no_run(
    scene: Scene, fresh: Dataset
) -> None:
    traffic = Dataset.objects.create(
        project=scene.project, name="API traffic", kind=DatasetKind.TRAFFIC
    )
    items = judging.make_pairs(traffic, 3)
    served = judging.make_run(scene.version, items=items, purpose=RunPurpose.SERVING)
    engine.drain(served.pk, pace=QUICK)
    assert driftrounds.datasets_with_fresh(standing()) == [traffic, fresh]
    round_ = made(scene, traffic, count=3)
    assert not queries.unjudged(standing(), round_).exists()
    [line] = queries.of_standing(standing())
    assert (line.judged, line.waiting, line.unjudged) == (3, 0, 0)


def test_whoever_wrote_the_judge_rates_no_drift_round_of_it(scene: Scene, fresh: Dataset) -> None:
    builders.join(scene.project, scene.cast.lea, Role.LEAD, Role.RATER)
    lea = builders.rater_of(scene.project, scene.cast.lea)
    with pytest.raises(Invalid) as refusal:
        made(scene, fresh, raters=[*raters(scene), lea])
    assert refusal.value.code == "author_rates"
    assert refusal.value.sentence.startswith(f"{lea.name} wrote what this round watches")
    # Who wrote a later version has no part in the one that stands.
    ana = scene.cast.ana
    judging.make_version(scene.judge, scene.guideline, author=ana, model=approving.SLANT)
    assert made(scene, fresh).round_raters.filter(rater__user=ana).exists()


# Its verdicts -------------------------------------------------------------------------------------


def test_items_are_judged_once(scene: Scene, fresh: Dataset) -> None:
    round_ = made(scene, fresh)
    [line] = queries.of_standing(standing())
    assert (line.judged, line.waiting, line.unjudged) == (0, 0, 24)
    run = driftrounds.start_run(
        standing=standing(), round_=round_, budget=None, by=scene.cast.lea, now=timezone.now()
    )
    [line] = queries.of_standing(standing())
    assert (line.judged, line.waiting, line.unjudged) == (0, 24, 0)
    with pytest.raises(Conflict) as refusal:
        judged(scene, round_)
    assert refusal.value.code == "nothing_to_judge"
    engine.drain(run.pk, pace=QUICK)
    [line] = queries.of_standing(standing())
    assert (line.judged, line.waiting, line.unjudged) == (24, 0, 0)


# What its labels do -------------------------------------------------------------------------------


def test_a_planted_shift_suspends_and_tells_the_admins(scene: Scene, fresh: Dataset) -> None:
    round_ = made(scene, fresh)
    judged(scene, round_)
    rated(scene, round_, by=SHIFT)
    fed()
    assert standing().is_suspended
    decision = Decision.objects.get(kind="suspend")
    assert decision.actor == "system"
    found = alarm()
    assert (found.labels, found.agreeing, found.is_alarmed) == (24, 0, True)
    notice = Notice.objects.get(kind="judge.suspended")
    assert notice.user == scene.cast.ada
    assert notice.address == f"/projects/support/judges/{scene.judge.pk}/standing/"
    fed()
    assert Notice.objects.filter(kind="judge.suspended").count() == 1


def test_without_a_shift_it_stands(scene: Scene, fresh: Dataset) -> None:
    round_ = made(scene, fresh)
    judged(scene, round_)
    rated(scene, round_, by=NO_SHIFT)
    fed()
    assert not standing().is_suspended
    found = alarm()
    assert found.labels == 24
    assert found.agreeing >= 20
    assert not Notice.objects.filter(kind="judge.suspended").exists()


def test_verdicts_may_come_after_the_labels(scene: Scene, fresh: Dataset) -> None:
    round_ = made(scene, fresh)
    rated(scene, round_, by="A")
    fed()
    assert not DriftLabel.objects.exists()
    judged(scene, round_)
    fed()
    assert DriftLabel.objects.count() == 24
    [line] = queries.of_standing(standing())
    assert line.counted == 24


def test_what_was_there_when_the_version_was_saved_moves_nothing(
    scene: Scene, fresh: Dataset
) -> None:
    round_ = made(scene, fresh)
    judged(scene, round_)
    rated(scene, round_, by=SHIFT)
    JudgeVersion.objects.filter(pk=scene.version.pk).update(created_at=timezone.now())
    fed()
    assert not DriftLabel.objects.exists()


def test_an_author_is_not_let_in_later_either(scene: Scene, fresh: Dataset) -> None:
    round_ = made(scene, fresh)
    plain = builders.make_round(fresh, scene.guideline, items=[], raters=[])
    builders.join(scene.project, scene.cast.lea, Role.LEAD, Role.RATER)
    lea = builders.rater_of(scene.project, scene.cast.lea)
    with pytest.raises(Conflict) as refusal:
        rounds.add_raters(round_id=round_.pk, raters=[lea], by=scene.cast.lea)
    assert refusal.value.code == "author_rates"
    assert lea not in candidates(project_id=scene.project.pk, outside=round_)
    assert lea in candidates(project_id=scene.project.pk, outside=plain)


def test_what_an_author_said_all_the_same_moves_nothing(scene: Scene, fresh: Dataset) -> None:
    builders.join(scene.project, scene.cast.lea, Role.LEAD, Role.RATER)
    lea = builders.rater_of(scene.project, scene.cast.lea)
    round_ = made(scene, fresh, count=2)
    judged(scene, round_)
    first, second = Item.objects.filter(round_items__round=round_).order_by("pk")
    ana, ben, cem = raters(scene)
    for item, people in ((first, (ana, ben, cem)), (second, (ana, ben, lea))):
        for rater in people:
            builders.make_rating(round_, item, rater, labels={"preference": "A"}, at=timezone.now())
    fed()
    assert [label.item for label in DriftLabel.objects.all()] == [first]


def test_its_labels_become_no_reference_labels(scene: Scene, fresh: Dataset) -> None:
    round_ = made(scene, fresh)
    rated(scene, round_, by="A")
    rounds.close(round_id=round_.pk, by=scene.cast.lea, now=timezone.now())
    jobs.run(Job.objects.get(kind=rounds.REFERENCE_JOB).pk)
    assert not ReferenceLabel.objects.filter(item__dataset=fresh).exists()


def test_the_project_is_about_the_round_it_was_about_before(scene: Scene, fresh: Dataset) -> None:
    """Its steps say how far rating is and whether people agree: of no two dozen items."""
    before = current(project_id=scene.project.pk), agreement.newest(project_id=scene.project.pk)
    rated(scene, made(scene, fresh), by="A")
    after = current(project_id=scene.project.pk), agreement.newest(project_id=scene.project.pk)
    assert after == before


def test_whoever_suspends_is_not_told_and_other_admins_are(scene: Scene) -> None:
    bea = builders.make_user(username="bea")
    builders.join(scene.project, bea, Role.ADMIN)
    suspending.suspend(standing_id=standing().pk, reason="Complaints.", by=scene.cast.ada)
    assert Notice.objects.get(kind="judge.suspended").user == bea
