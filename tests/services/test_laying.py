"""Items and slots of large rounds, laid by and by, and more items for a round that is open."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from annotation.models import Assignment, Item, Round, RoundItem, SealedSet
from annotation.services import laying, rounds
from annotation.states import Part, RoundKind, RoundState
from core import jobs
from core.errors import Conflict, Invalid, NotReady
from core.models import AuditEvent, Job, JobState
from tests import builders
from tests.builders import NOON
from tests.services.test_withdrawing import Scene, given_out

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three items are many, and two are laid at a time."""
    monkeypatch.setattr(laying, "AT_ONCE", 2)
    monkeypatch.setattr(laying, "PIECE", 2)


def more_items(scene: Scene, count: int) -> list[Item]:
    return [
        builders.make_item(scene.dataset, external_id=f"m{n}", input=f"M {n}") for n in range(count)
    ]


def set_up(scene: Scene, *, sample: int | None = None) -> Round:
    return rounds.create(
        project=scene.project,
        dataset=scene.dataset,
        version=scene.round.guideline_version,
        name="Large",
        raters=scene.raters,
        by=scene.lea,
        overlap=2,
        sample=sample,
        seed="a",
    )


def add(scene: Scene, sample: int | None = None) -> int:
    return laying.add_items(round_id=scene.round.pk, sample=sample, by=scene.lea)


def work(round_: Round) -> Job:
    """Do what the round's job is there for."""
    round_.refresh_from_db()
    job = laying.laying_of(round_)
    assert job is not None
    jobs.run(job.pk)
    job.refresh_from_db()
    return job


def is_whole(round_: Round) -> bool:
    places = RoundItem.objects.filter(round=round_)
    rows = Assignment.objects.filter(round=round_).values_list("item", "slot")
    return sorted(rows) == sorted(
        (item, slot) for item in places.values_list("item_id", flat=True) for slot in (0, 1)
    )


def breaks_after(pieces: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database goes away when so many pieces are laid."""
    real: Callable[..., int | None] = laying._lay_piece
    left = iter(range(pieces))

    def lay(job: Job, ids: list[int]) -> int | None:
        if next(left, None) is None:
            raise RuntimeError("gone")
        return real(job, ids)

    monkeypatch.setattr(laying, "_lay_piece", lay)


@pytest.mark.usefixtures("small")
def test_a_large_round_is_set_up_at_once_and_filled_by_a_job(scene: Scene) -> None:
    more_items(scene, 5)
    round_ = set_up(scene)
    assert round_.round_items.count() == 0
    job = work(round_)
    assert (job.state, job.done, job.total) == (JobState.DONE, 7, 7)
    assert round_.round_items.count() == 7
    assert is_whole(round_)


@pytest.mark.usefixtures("small")
def test_a_round_opens_when_its_slots_are_laid(scene: Scene) -> None:
    more_items(scene, 3)
    round_ = set_up(scene)
    with pytest.raises(NotReady, match="being prepared"):
        rounds.open_round(round_id=round_.pk, by=scene.lea, now=NOON)
    work(round_)
    assert rounds.open_round(round_id=round_.pk, by=scene.lea, now=NOON).opened_at == NOON


@pytest.mark.usefixtures("small")
def test_a_job_that_broke_goes_on_where_it_ended(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    more_items(scene, 5)
    round_ = set_up(scene)
    with monkeypatch.context() as patch:
        breaks_after(2, patch)
        assert work(round_).state == JobState.FAILED
    assert round_.round_items.count() == 4
    laying.lay_again(round_id=round_.pk, by=scene.lea)
    job = work(round_)
    assert (job.state, job.done) == (JobState.DONE, 7)
    assert is_whole(round_)


@pytest.mark.usefixtures("small")
def test_a_sample_is_the_same_whether_its_job_broke_or_not(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    more_items(scene, 8)
    whole = set_up(scene, sample=5)
    work(whole)
    drawn = set(whole.round_items.values_list("item_id", flat=True))
    assert len(drawn) == 5
    Round.objects.filter(pk=whole.pk).update(name="First")
    broken = set_up(scene, sample=5)
    with monkeypatch.context() as patch:
        breaks_after(1, patch)
        work(broken)
    laying.lay_again(round_id=broken.pk, by=scene.lea)
    work(broken)
    assert set(broken.round_items.values_list("item_id", flat=True)) == drawn


@pytest.mark.usefixtures("small")
def test_nothing_is_begun_anew_where_nothing_failed(scene: Scene) -> None:
    more_items(scene, 3)
    round_ = set_up(scene)
    with pytest.raises(Conflict):
        laying.lay_again(round_id=round_.pk, by=scene.lea)


@pytest.mark.usefixtures("small")
def test_laying_stops_when_the_round_is_closed(scene: Scene) -> None:
    more_items(scene, 5)
    round_ = set_up(scene)
    rounds.close(round_id=round_.pk, by=scene.lea, now=NOON)
    assert work(round_).state == JobState.DONE
    assert round_.round_items.count() == 0


@pytest.mark.usefixtures("small")
def test_what_is_imported_later_is_not_laid_with_the_rest(scene: Scene) -> None:
    more_items(scene, 3)
    round_ = set_up(scene)
    builders.make_item(scene.dataset, external_id="late")
    work(round_)
    assert not round_.round_items.filter(item__external_id="late").exists()


def test_new_items_come_into_an_open_round_and_are_served(scene: Scene) -> None:
    fresh = more_items(scene, 2)
    assert add(scene) == 2
    assert {item.pk for item in fresh} <= given_out(scene, scene.raters[0])
    told = AuditEvent.objects.get(verb="round.items_added").data
    assert (told["items"], told["in_background"]) == (2, False)


def test_a_sample_of_what_is_outside_comes_in(scene: Scene) -> None:
    more_items(scene, 6)
    assert add(scene, sample=2) == 2
    assert add(scene, sample=2) == 2
    assert scene.round.round_items.count() == 6
    assert is_whole(scene.round)


@pytest.mark.usefixtures("small")
def test_many_new_items_come_by_and_by_while_raters_work(scene: Scene) -> None:
    more_items(scene, 5)
    assert add(scene) == 5
    assert len(given_out(scene, scene.raters[0])) == 2
    with pytest.raises(Conflict, match="already"):
        add(scene)
    assert work(scene.round).state == JobState.DONE
    assert len(given_out(scene, scene.raters[0])) == 5
    scene.round.refresh_from_db()
    assert scene.round.laying_job_id is None


def test_a_round_with_every_item_takes_no_more(scene: Scene) -> None:
    with pytest.raises(Invalid) as refusal:
        add(scene)
    assert refusal.value.code == "no_items"


def test_items_of_another_kind_do_not_come_in(scene: Scene) -> None:
    builders.make_pair(scene.dataset)
    with pytest.raises(Invalid) as refusal:
        add(scene)
    assert refusal.value.code == "items_are_pairs"


def test_sealed_items_whose_labels_are_frozen_do_not_come_in(scene: Scene) -> None:
    SealedSet.objects.create(dataset=scene.dataset, frozen_at=NOON)
    Item.objects.filter(pk=more_items(scene, 1)[0].pk).update(part=Part.SEALED)
    with pytest.raises(Invalid) as refusal:
        add(scene)
    assert refusal.value.code == "labels_frozen"


@pytest.mark.parametrize(
    "change", [{"state": RoundState.CLOSED}, {"revealed_at": NOON}, {"kind": RoundKind.IMPORTED}]
)
def test_a_round_that_is_over_takes_no_items(scene: Scene, change: dict[str, object]) -> None:
    more_items(scene, 1)
    Round.objects.update(**change)
    with pytest.raises(Conflict):
        add(scene)
