"""Baselines from people's labels: made of the development part, run by the same engine."""

from __future__ import annotations

import pytest

from annotation.models import Item, ReferenceLabel
from annotation.states import Part, ReferenceState
from core.errors import Invalid, NotReady
from judges.models import Artefact, Attempt, JudgeLabel, JudgeVersion
from judges.services import asking, baselines, engine, versions
from judges.states import BaselineRule, RunState, VersionKind
from tests import builders, judging
from tests.judging import QUICK, Scene

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]


@pytest.fixture
def scene() -> Scene:
    """Thirty pairs; people prefer the shorter first response in two of three."""
    made = judging.make_scene(pairs=30)
    label(made, ["B" if number % 3 == 0 else "A" for number in range(30)])
    return made


def items_of(scene: Scene) -> list[Item]:
    return list(scene.dataset.items.order_by("pk"))


def label(scene: Scene, labels: list[str]) -> None:
    judging.make_labels(items_of(scene), scene.guideline, labels, key="preference")


def made(scene: Scene, rule: BaselineRule) -> JudgeVersion:
    return baselines.save(
        judge=scene.judge, guideline_version=scene.guideline, rule=rule, author=None
    ).version


def judged(version: JudgeVersion, scene: Scene) -> list[str]:
    run = judging.make_run(version, dataset=scene.dataset)
    engine.drain(run.pk, pace=QUICK)
    run.refresh_from_db()
    assert run.state == RunState.DONE, run.pause_reason
    assert run.spent == 0
    assert Attempt.objects.filter(call__run=run, cost__gt=0).count() == 0
    labels = JudgeLabel.objects.filter(run=run).order_by("item_id")
    return list(labels.values_list("label", flat=True))


def test_the_commonest_label_is_fixed_when_it_is_saved(scene: Scene) -> None:
    version = made(scene, BaselineRule.MAJORITY)
    assert version.kind == VersionKind.BASELINE
    assert versions.spec_of(version).constants == (("preference", "A"),)
    assert judged(version, scene) == ["A"] * 30
    ReferenceLabel.objects.update(label="B")
    assert judged(version, scene) == ["A"] * 30
    later = made(scene, BaselineRule.MAJORITY)
    assert later.fingerprint != version.fingerprint
    assert judged(later, scene) == ["B"] * 30


def test_the_same_labels_make_the_same_version(scene: Scene) -> None:
    for rule in (BaselineRule.MAJORITY, BaselineRule.TRAINED):
        assert made(scene, rule) == made(scene, rule)
    assert Artefact.objects.count() == 1


def test_a_trained_baseline_runs_like_any_version(scene: Scene) -> None:
    version = made(scene, BaselineRule.TRAINED)
    spec = versions.spec_of(version)
    assert len(spec.artefact) == 64
    kept = Artefact.objects.get(digest=spec.artefact)
    assert kept.made_from["items"] == 30
    assert set(judged(version, scene)) <= {"A", "B", "tie"}


def test_an_artefact_that_was_changed_answers_nothing(scene: Scene) -> None:
    version = made(scene, BaselineRule.TRAINED)
    kept = Artefact.objects.get()
    Artefact.objects.update(content=kept.content.replace("0.", "1.", 1))
    with pytest.raises(NotReady) as refusal:
        asking.check(versions.spec_of(version), project_id=scene.project.pk)
    assert refusal.value.code == "artefact_missing"


@pytest.mark.parametrize("rule", [BaselineRule.MAJORITY, BaselineRule.TRAINED])
def test_nothing_sealed_and_nothing_beside_it_is_read(scene: Scene, rule: BaselineRule) -> None:
    """Whatever the sealed labels and the texts of sealed items are, the version is the same."""
    items = items_of(scene)
    Item.objects.filter(pk__in=[item.pk for item in items[:4]]).update(part=Part.SEALED)
    Item.objects.filter(pk=items[4].pk).update(cluster_key=items[0].cluster_key)
    Item.objects.filter(pk=items[5].pk).update(input_digest=items[1].input_digest)
    before = made(scene, rule).fingerprint
    for item in items[:6]:
        ReferenceLabel.objects.filter(item=item).update(label="tie")
        content = item.content
        assert content is not None
        content.body = {"input": "sealed", "responses": ["sealed words here", "others there"]}
        content.save()
    assert made(scene, rule).fingerprint == before


def test_only_the_newest_decided_labels_count(scene: Scene) -> None:
    for number, old in enumerate(ReferenceLabel.objects.order_by("pk")):
        old.pk = None
        old.version = 2
        is_back = number < 10
        old.state = ReferenceState.DECIDED if is_back else ReferenceState.WITHDRAWN
        old.label = "tie" if is_back else ""
        old.save()
    version = made(scene, BaselineRule.MAJORITY)
    assert versions.spec_of(version).constants == (("preference", "tie"),)


def test_without_labels_there_is_no_baseline_and_a_sentence_says_so() -> None:
    bare = judging.make_scene(pairs=2)
    for rule, code in (("majority", "no_labels"), ("trained", "too_few_labels")):
        with pytest.raises(Invalid, match="preference") as refusal:
            made(bare, BaselineRule(rule))
        assert refusal.value.code == code
    assert not JudgeVersion.objects.filter(kind=VersionKind.BASELINE).exists()
    assert not Artefact.objects.exists()


def test_one_label_alone_cannot_be_trained_on() -> None:
    bare = judging.make_scene(pairs=25)
    label(bare, ["A"] * 25)
    with pytest.raises(Invalid) as refusal:
        made(bare, BaselineRule.TRAINED)
    assert refusal.value.code == "one_label"


def test_scales_with_a_cut_are_answered_at_the_cut_or_below_it() -> None:
    project = builders.make_project()
    dataset = builders.make_dataset(project)
    words = ("thank you gladly", "go away now")
    items = [
        builders.make_item(
            dataset, external_id=f"i{n}", input=f"Q{n}", responses=(f"{words[n % 2]} {n}",)
        )
        for n in range(24)
    ]
    guideline = builders.make_guideline(project, keys=("tone",))
    judging.make_labels(
        items, guideline, ["fail" if n % 2 else "pass" for n in range(24)], key="tone"
    )
    judge = judging.make_judge(project, guideline)
    one = Scene(project, dataset, guideline, judge, judging.make_version(judge, guideline))
    assert judged(made(one, BaselineRule.TRAINED), one) == ["4", "3"] * 12
    assert set(judged(made(one, BaselineRule.MAJORITY), one)) == {"3"}
