"""Judges and their versions: built, linted, fingerprinted, never twice."""

from __future__ import annotations

import dataclasses

import pytest
from pytest_django import Settings

from accounts.roles import Role
from annotation.models import Dimension
from annotation.states import DimensionKind, ItemKind, Level, Part, VersionState
from core.errors import Conflict, Invalid, NotAllowed
from core.models import AuditEvent
from judges.models import JudgeVersion
from judges.rules.fingerprint import fingerprint
from judges.services import previews, runs, versions
from judges.services.versions import SIMULATOR, Choices
from judges.states import VersionKind
from tests import builders, judging

pytestmark = pytest.mark.django_db

PLUMB = Choices(provider=SIMULATOR, model=judging.PLUMB)


def test_a_version_holds_the_guideline_and_its_rubric() -> None:
    project = builders.make_project()
    guideline = builders.make_guideline(project)
    judge = judging.make_judge(project, guideline)
    saved = versions.save_version(
        judge=judge, guideline_version=guideline, choices=PLUMB, author=None
    )
    spec = versions.spec_of(saved.version)
    assert saved.is_new
    assert saved.version.number == 1
    assert spec.guideline_text == guideline.text
    assert [d.key for d in spec.dimensions] == list(builders.FOUR)
    assert spec.dimensions[0].cut == "4"
    assert saved.version.fingerprint == fingerprint(spec)
    assert saved.version.is_simulated


TURNS = [{"role": "user", "text": "And how do I get my money back?"}]


@pytest.mark.parametrize("kind", [ItemKind.CONVERSATION, ItemKind.PAIR])
def test_the_usual_prompt_shows_a_conversation(settings: Settings, kind: ItemKind) -> None:
    """An item whose question is a conversation has its turns in place of an input."""
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    is_pair = kind == ItemKind.PAIR
    project = builders.make_project()
    dataset = builders.make_dataset(project)
    guideline = builders.make_guideline(project, pairwise=is_pair)
    item = builders.make_item(dataset, kind=kind, responses=["Yes.", "No."] if is_pair else [])
    assert item.content is not None
    item.content.body = {**item.content.body, "input": "", "messages": TURNS}
    item.content.save()
    judge = judging.make_judge(project, guideline)
    spec = versions.prompt_spec(guideline_version=guideline, choices=PLUMB)
    shown = previews.of_spec(judge, spec, item=item)
    assert shown.request is not None
    assert "And how do I get my money back?" in shown.request.user
    # A version that was saved with another prompt says so before anything is sent.
    template = "{{ input }} {{ response_a }} {{ response_b }}" if is_pair else "{{ response }}"
    blind = dataclasses.replace(PLUMB, user_template=template)
    saved = versions.save_version(
        judge=judge, guideline_version=guideline, choices=blind, author=None
    ).version
    with pytest.raises(Invalid, match="does not show the messages"):
        runs.estimate(version=saved, dataset=dataset, now=builders.NOON)


def test_the_same_choices_again_answer_the_version_that_is_there() -> None:
    scene = judging.make_scene()
    again = versions.save_version(
        judge=scene.judge,
        guideline_version=scene.guideline,
        choices=dataclasses.replace(PLUMB, max_tokens=1000),
        author=None,
        note="another note",
    )
    assert not again.is_new
    assert again.version == scene.version
    assert JudgeVersion.objects.count() == 1


def test_another_choice_is_the_next_version() -> None:
    scene = judging.make_scene()
    other = judging.make_version(scene.judge, scene.guideline, both_orders=False)
    assert other.number == 2
    assert other.fingerprint != scene.version.fingerprint


def test_a_template_without_the_response_is_refused_with_the_reason() -> None:
    scene = judging.make_scene()
    choices = dataclasses.replace(PLUMB, user_template="{{ input }} {{ response_a }} {{ wrong }}")
    with pytest.raises(Invalid) as refusal:
        versions.save_version(
            judge=scene.judge, guideline_version=scene.guideline, choices=choices, author=None
        )
    assert "response_b" in refusal.value.sentence
    assert "wrong" in refusal.value.sentence


def test_a_draft_guideline_makes_no_version() -> None:
    project = builders.make_project()
    draft = builders.make_guideline(project, publish=False)
    judge = judging.make_judge(project, draft)
    with pytest.raises(Conflict) as refusal:
        versions.save_version(judge=judge, guideline_version=draft, choices=PLUMB, author=None)
    assert refusal.value.code == "guideline_draft"


def test_a_superseded_guideline_version_still_makes_one() -> None:
    project = builders.make_project()
    guideline = builders.make_guideline(project)
    guideline.state = VersionState.SUPERSEDED
    guideline.save()
    judge = judging.make_judge(project, guideline)
    assert judging.make_version(judge, guideline).number == 1


def test_who_rated_sealed_items_authors_no_judge() -> None:
    project = builders.make_project()
    ana = builders.join(project, builders.make_user(username="ana"), Role.LEAD, Role.RATER)
    dataset = builders.make_dataset(project, share=0.5)
    guideline = builders.make_guideline(project, pairwise=True)
    item = builders.make_pair(dataset, part=Part.SEALED)
    rater = builders.rater_of(project, ana)
    round_ = builders.make_round(dataset, guideline, items=[item], raters=[rater])
    builders.make_rating(round_, item, rater, labels={"preference": "A"})
    judge = judging.make_judge(project, guideline)
    with pytest.raises(NotAllowed) as refusal:
        judging.make_version(judge, guideline, author=ana)
    assert refusal.value.code == "knows_sealed_labels"
    item.part = Part.DEVELOPMENT
    item.save()
    assert judging.make_version(judge, guideline, author=ana).author == ana


def test_a_name_is_taken_once_in_a_project() -> None:
    scene = judging.make_scene()
    with pytest.raises(Conflict) as refusal:
        judging.make_judge(scene.project, scene.guideline)
    assert refusal.value.code == "judge_exists"


def test_a_name_without_letters_is_refused() -> None:
    project = builders.make_project()
    guideline = builders.make_guideline(project)
    with pytest.raises(Invalid):
        judging.make_judge(project, guideline, name="…")


def test_a_guideline_of_another_project_is_refused() -> None:
    scene = judging.make_scene()
    elsewhere = builders.make_guideline(builders.make_project(slug="other"))
    with pytest.raises(Invalid):
        judging.make_judge(scene.project, elsewhere, name="Stranger")
    with pytest.raises(Invalid):
        judging.make_version(scene.judge, elsewhere)


def test_the_longer_response_is_a_version_for_pairs_only() -> None:
    scene = judging.make_scene()
    assert judging.make_baseline(scene).kind == VersionKind.BASELINE
    project = builders.make_project(slug="other")
    scales = builders.make_guideline(project)
    judge = judging.make_judge(project, scales)
    with pytest.raises(Invalid) as refusal:
        versions.save_baseline(judge=judge, guideline_version=scales, author=None)
    assert refusal.value.code == "baseline_pairs"


def test_graded_preferences_get_words_for_their_labels() -> None:
    project = builders.make_project()
    guideline = builders.make_guideline(project, pairwise=True)
    dimension = Dimension.objects.create(
        version=guideline,
        position=1,
        key="graded",
        name="Graded",
        kind=DimensionKind.PAIRWISE_GRADED,
        level=Level.ORDINAL,
        points=[{"value": value, "anchor": ""} for value in ("A2", "A1", "tie", "B1", "B2")],
    )
    spec = versions.dimension_spec(dimension)
    assert spec.kind == "pairwise"
    assert dict(spec.points)["A2"] == "response A is much better"


def test_worked_examples_reach_the_judge() -> None:
    project = builders.make_project()
    guideline = builders.make_guideline(project)
    guideline.examples = [
        {"title": "Short", "is_good": True, "text": "Yes, on Monday.", "why": "It answers."}
    ]
    guideline.save()
    judge = judging.make_judge(project, guideline)
    text = versions.spec_of(judging.make_version(judge, guideline)).guideline_text
    assert "Good example: Short\nYes, on Monday.\nIt answers." in text


def test_a_saved_version_is_in_the_audit_trail() -> None:
    scene = judging.make_scene()
    event = AuditEvent.objects.get(verb="judge_version.saved")
    assert event.data["fingerprint"] == scene.version.fingerprint
    assert event.project_id == scene.project.pk
