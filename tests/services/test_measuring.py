"""What a measured run holds of the judge's stability and bias."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from annotation.models import Response
from annotation.states import Part
from calibration.queries import tables
from calibration.services import measuring
from judges.models import Call, Run, Verdict
from tests import approving, judging
from tests.approving import Scene

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture(autouse=True)
def _a_simulator_is_named(settings: Settings) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"


def measured(scene: Scene, run: Run) -> dict[str, Any]:
    dimension = scene.guideline.dimensions.get(key="preference")
    found = measuring.measure(
        run=run,
        dataset=scene.dataset,
        dimension=dimension,
        part=Part.DEVELOPMENT,
        is_dry_run=True,
    )
    return found.content()


def run_of(scene: Scene, *, samples: int, both_orders: bool = True) -> Run:
    version = judging.make_version(
        scene.judge,
        scene.guideline,
        author=scene.cast.lea,
        samples=samples,
        both_orders=both_orders,
        note=f"{samples} samples",
    )
    run = judging.make_run(version, dataset=scene.dataset)
    approving.finish(run, misses=7)
    run.refresh_from_db()
    return run


def say(run: Run, labels: tuple[str, ...]) -> None:
    """The same verdicts of single calls on every item: sample by sample, AB before BA."""
    calls = Call.objects.filter(run=run).order_by("item_id", "sample", "order")
    Verdict.objects.bulk_create(
        Verdict(call=call, dimension_key="preference", label=labels[place % len(labels)])
        for place, call in enumerate(calls)
    )


@pytest.fixture
def scene() -> Scene:
    return approving.make_scene(pairs=40, share=0.2)


def test_samples_and_orders_are_read_from_the_single_calls(scene: Scene) -> None:
    run = run_of(scene, samples=2)
    say(run, ("A", "A", "A", "B"))
    found = measured(scene, run)
    items = found["repeats"]["flip_rate"]["n"]
    assert items == run.items_planned
    # The first sample says A both times, the second flips: a tie, so no item is unanimous.
    assert found["repeats"]["flip_rate"]["value"] == 1
    assert found["order"]["consistent"]["value"] == 0.5
    # AB said A twice, BA said A and B.
    assert found["order"]["consistent_repeat"]["value"] == 0.5
    assert found["order"]["flips"]["first"] == items


def test_samples_in_one_order_are_read_as_well(scene: Scene) -> None:
    run = run_of(scene, samples=2, both_orders=False)
    say(run, ("A", "B"))
    found = measured(scene, run)
    assert found["repeats"]["flip_rate"]["value"] == 1
    assert found["order"]["consistent_repeat"]["value"] == 0


def test_a_run_with_one_sample_has_no_flip_rate(scene: Scene) -> None:
    run = run_of(scene, samples=1)
    say(run, ("A", "A"))
    assert measured(scene, run)["repeats"] is None


def test_lengths_come_from_the_texts_of_the_pairs(scene: Scene) -> None:
    found = measured(scene, run_of(scene, samples=1))
    assert found["length"]["pairs"] == found["items"]
    assert found["length"]["longer"]["people"]["n"] > 0
    assert found["missingness"]["p"]["undefined_because"]


def test_pairs_with_one_response_of_the_judges_family_tell_its_side(scene: Scene) -> None:
    pairs = Response.objects.filter(item__dataset=scene.dataset, item__part=Part.DEVELOPMENT)
    pairs.filter(position=0).update(system="other-1")
    pairs.filter(position=1).update(system="Sim-small")
    sides = tables.own_sides(dataset=scene.dataset, model="sim-plumb-1", part=Part.DEVELOPMENT)
    assert sides is not None
    assert set(sides.values()) == {"B"}
    assert len(sides) == 40 - len(scene.sealed())
    found = measured(scene, run_of(scene, samples=1))["self_preference"]
    assert "fewer than 50 items" in found["difference"]["undefined_because"]
    assert found["difference"]["n"] > 0


def test_a_judge_whose_family_made_no_response_has_no_preference_of_itself(scene: Scene) -> None:
    assert tables.own_sides(dataset=scene.dataset, model="claude-opus-4") is None
    assert tables.own_sides(dataset=scene.dataset, model="") is None
    assert measured(scene, run_of(scene, samples=1))["self_preference"] is None
