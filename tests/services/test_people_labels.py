"""What people said of development items, as the tuning of a judge reads it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.roles import Role
from annotation.models import Item, Rating, Response
from annotation.states import Method, Part, ReferenceState
from core.errors import Invalid
from judges.models import JudgeLabel
from judges.queries import people
from judges.services import examples, versions
from judges.services.versions import SIMULATOR, Choices
from judges.states import RunPurpose
from tests import builders, judging, tuning
from tests.tuning import SEALED_MARK, Tuning

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture
def lea() -> User:
    return builders.make_user(username="lea")


@pytest.fixture
def tuned(lea: User) -> Tuning:
    return tuning.make_tuning(lead=lea)


def build(tuned: Tuning, item: Item, why: str = "It is right.") -> object:
    return examples.build(
        version=tuned.scene.guideline,
        project_id=tuned.scene.project.pk,
        user_id=tuned.lead.pk,
        chosen=[(item.pk, why)],
    )


def test_misses_are_the_items_on_which_judge_and_people_differ(tuned: Tuning) -> None:
    cases = people.compared(tuned.run, user_id=tuned.lead.pk)
    assert len(cases) == 12
    assert [case.item_id for case in people.misses(tuned.run, user_id=tuned.lead.pk)] == [
        item.pk for item in tuned.items[:9]
    ]
    assert cases[0].lengths is not None
    assert cases[0].lengths[1] == 900


def test_a_persons_word_goes_before_a_computed_label_and_the_newest_counts(tuned: Tuning) -> None:
    guideline, (first, second, third, *_) = tuned.scene.guideline, tuned.items
    tuning.label_people(first, guideline, "B", method=Method.ADJUDICATED)
    tuning.label_people(second, guideline, "B", number=2)
    tuning.label_people(third, guideline, "", number=2, state=ReferenceState.CONTESTED)
    found = people.people_labels(guideline, Item.objects.all())
    assert found[first.pk]["preference"].label == "B"
    assert found[second.pk]["preference"].label == "B"
    assert third.pk not in found
    tuning.label_people(
        first, guideline, "", method=Method.ADJUDICATED, number=2, state=ReferenceState.WITHDRAWN
    )
    assert people.people_labels(guideline, Item.objects.all())[first.pk]["preference"].label == "A"


def test_a_scale_with_a_cut_is_held_against_people_as_pass_and_fail(lea: User) -> None:
    project = builders.make_project()
    dataset = builders.make_dataset(project)
    guideline = builders.make_guideline(project, keys=("accuracy",))
    items = [builders.make_item(dataset, external_id=f"i{n}") for n in range(2)]
    for item in items:
        tuning.label_people(item, guideline, "fail", key="accuracy", median=2.0)
    version = judging.make_version(judging.make_judge(project, guideline), guideline)
    run = tuning.make_combined(version, {items[0]: "3", items[1]: "4"}, key="accuracy")
    cases = people.compared(run, user_id=lea.pk)
    assert [(case.judged, case.people, case.is_miss) for case in cases] == [
        ("fail", "fail", False),
        ("pass", "fail", True),
    ]


def test_an_example_carries_points_of_the_rubric_and_a_raters_reason(lea: User) -> None:
    project = builders.make_project()
    dataset = builders.make_dataset(project)
    guideline = builders.make_guideline(project, keys=("accuracy",))
    item = builders.make_item(dataset)
    names = ("ana", "ben", "cem")
    raters = [builders.rater_of(project, builders.make_user(username=name)) for name in names]
    round_ = builders.make_round(dataset, guideline, items=[item], raters=raters)
    for rater, label in zip(raters, ("2", "3", "5"), strict=True):
        slot = builders.make_rating(round_, item, rater, labels={"accuracy": label})
        slot.ratings.update(rationale=f"Because {label}.")
    tuning.label_people(item, guideline, "fail", key="accuracy")
    (found,) = people.labelled(guideline, [item.pk], project_id=project.pk, user_id=lea.pk)
    assert found.labels == (("accuracy", "3"),)
    assert found.rationale == "Because 3."
    assert found.version == f"accuracy: plurality 1 {'0' * 12}"
    tuning.label_people(item, guideline, "pass", key="accuracy", number=2)
    assert not people.labelled(guideline, [item.pk], project_id=project.pk, user_id=lea.pk)


def test_the_label_version_is_part_of_the_version(tuned: Tuning) -> None:
    item = tuned.items[0]

    def saved() -> int | None:
        built = build(tuned, item)
        choices = Choices(provider=SIMULATOR, model=judging.PLUMB, examples=built)  # type: ignore[arg-type]
        return versions.save_version(
            judge=tuned.scene.judge,
            guideline_version=tuned.scene.guideline,
            choices=choices,
            author=None,
        ).version.number

    assert saved() == saved() == 2
    tuning.label_people(item, tuned.scene.guideline, "A", number=2)
    assert saved() == 3
    spec = versions.spec_of(tuned.scene.judge.versions.get(number=3))
    assert spec.examples[0].labels == (("preference", "A"),)
    found, lost = examples.chosen_in(spec, project_id=tuned.scene.project.pk)
    assert (found, lost) == ([(item.pk, "It is right.")], 0)


def test_an_example_whose_texts_changed_is_not_found_again(tuned: Tuning) -> None:
    choices = Choices(
        provider=SIMULATOR,
        model=judging.PLUMB,
        examples=build(tuned, tuned.items[0]),  # type: ignore[arg-type]
    )
    spec = versions.prompt_spec(guideline_version=tuned.scene.guideline, choices=choices)
    content = tuned.items[0].content
    assert content is not None
    content.body = {**content.body, "input": "Another question"}
    content.save()
    assert examples.chosen_in(spec, project_id=tuned.scene.project.pk) == ([], 1)


@pytest.mark.parametrize(
    "changes", [{"part": Part.SEALED}, {"part": Part.NONE}, {"withdrawn_at": builders.NOON}]
)
def test_what_is_no_open_development_item_is_no_example(
    tuned: Tuning, changes: dict[str, object]
) -> None:
    Item.objects.filter(pk=tuned.items[0].pk).update(**changes)
    with pytest.raises(Invalid) as refusal:
        build(tuned, tuned.items[0])
    assert refusal.value.code == "example_unfit"


def test_what_a_lead_may_yet_rate_is_neither_compared_nor_an_example(tuned: Tuning) -> None:
    builders.join(tuned.scene.project, tuned.lead, Role.LEAD, Role.RATER)
    rater = builders.rater_of(tuned.scene.project, tuned.lead)
    item = tuned.items[0]
    builders.make_round(tuned.scene.dataset, tuned.scene.guideline, items=[item], raters=[rater])
    assert item.pk not in {
        case.item_id for case in people.compared(tuned.run, user_id=tuned.lead.pk)
    }
    with pytest.raises(Invalid):
        build(tuned, item)
    spec = versions.spec_of(tuned.version)
    assert not examples.are_hidden(spec, project_id=tuned.scene.project.pk, user_id=tuned.lead.pk)


def test_more_examples_than_fit_are_refused(tuned: Tuning) -> None:
    with pytest.raises(Invalid) as refusal:
        examples.build(
            version=tuned.scene.guideline,
            project_id=tuned.scene.project.pk,
            user_id=tuned.lead.pk,
            chosen=[(n, "") for n in range(21)],
        )
    assert refusal.value.code == "too_many_examples"


def test_no_path_reads_a_sealed_item_or_one_beside_it(tuned: Tuning) -> None:
    """Labels of sealed items lie in the very run: rows that queries return are looked through."""
    sealed = {item.pk for item in tuning.seal_beside(tuned)}
    scene, user = tuned.scene, tuned.lead.pk
    assert JudgeLabel.objects.filter(run=tuned.run, item__in=sealed).count() == 4
    with CaptureQueriesContext(connection) as captured:
        seen: list[object] = [
            *people.compared(tuned.run, user_id=user),
            *people.offered(scene.guideline, project_id=scene.project.pk, user_id=user),
            *people.labelled(
                scene.guideline, sorted(sealed), project_id=scene.project.pk, user_id=user
            ),
            *(people.open_item(scene.project.pk, pk, user_id=user) for pk in sealed),
        ]
    assert captured
    ids = {case.item_id for case in seen if hasattr(case, "item_id")}
    ids |= {one.item.pk for one in seen if isinstance(one, people.Labelled)}
    assert ids
    assert not ids & sealed
    assert SEALED_MARK not in repr(seen)
    assert tuning.sealed_reads(captured) == []


def test_a_sealed_item_with_the_id_of_an_example_is_not_read(tuned: Tuning) -> None:
    choices = Choices(
        provider=SIMULATOR,
        model=judging.PLUMB,
        examples=build(tuned, tuned.items[0]),  # type: ignore[arg-type]
    )
    spec = versions.prompt_spec(guideline_version=tuned.scene.guideline, choices=choices)
    (sealed, *_) = tuning.seal_beside(tuned)
    Item.objects.filter(pk=sealed.pk).update(external_id=tuned.items[0].external_id)
    with CaptureQueriesContext(connection) as captured:
        found, lost = examples.chosen_in(spec, project_id=tuned.scene.project.pk)
    assert (found, lost) == ([(tuned.items[0].pk, "It is right.")], 0)
    assert tuning.sealed_reads(captured) == []


def test_what_would_read_a_sealed_item_is_found_out(tuned: Tuning) -> None:
    """Or the two tests above would say nothing."""
    sealed = tuning.seal_beside(tuned)
    with CaptureQueriesContext(connection) as captured:
        list(Item.objects.filter(pk=tuned.items[0].pk).select_related("content"))
        list(Item.objects.filter(pk=sealed[0].pk).values_list("cluster_key"))
        list(Response.objects.filter(item=sealed[1]).values_list("length"))
        list(Rating.objects.filter(assignment__item=sealed[2]).values_list("rationale"))
    assert len(tuning.sealed_reads(captured)) == 3


@pytest.mark.parametrize("purpose", [RunPurpose.APPROVAL, RunPurpose.SERVING])
def test_runs_that_may_touch_sealed_items_are_never_the_one_compared(
    tuned: Tuning, purpose: RunPurpose
) -> None:
    tuning.make_combined(tuned.version, {tuned.items[0]: "B"}, purpose=purpose)
    assert people.newest_compared_run(tuned.version) == tuned.run
