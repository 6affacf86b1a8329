"""Guidelines out of one project and into another: exact, as drafts, all or none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accounts.models import Project
from annotation.models import Guideline, GuidelineVersion
from annotation.queries import guidelines as queries
from annotation.rules.guidelinefile import FiledGuideline, read
from annotation.rules.writing import WorkedExample
from annotation.services import guideline_files, guidelines
from annotation.states import RationaleRule, VersionState
from core.errors import Conflict, Invalid, NotHere
from core.models import AuditEvent
from tests import builders
from tests.builders import NOON
from tests.cast import Cast

pytestmark = pytest.mark.django_db

CURT = WorkedExample("Curt", "*No.*", is_good=False, why="It helps nobody. لا")


@pytest.fixture
def tone(project: Project, cast: Cast) -> GuidelineVersion:
    """Version 1.1 in force, after a 1.0."""
    first = builders.make_guideline(project, name="Tone")
    draft = guidelines.new_draft(guideline=first.guideline, by=cast.lea)
    guidelines.save_draft(
        version_id=draft.pk,
        text="Look *closer*.\n\n- twice",
        examples=[CURT],
        dimensions=[
            replace(spec, question="Is it so?", rationale=RationaleRule.REQUIRED)
            for spec in queries.specs_of(first)
        ],
        what_changed="Says where to look.",
        by=cast.lea,
    )
    return guidelines.publish(version_id=draft.pk, by=cast.lea, now=NOON)


@pytest.fixture
def other(db: None) -> Project:
    return builders.make_project(slug="other")


def filed(project: Project, tone: GuidelineVersion, number: str = "") -> tuple[FiledGuideline, ...]:
    text = guideline_files.export(
        project=project, actor="u1", guideline=tone.guideline, number=number
    )
    return read(text.encode())


def bring_in(other: Project, files: tuple[FiledGuideline, ...], name: str = "") -> GuidelineVersion:
    (draft,) = guideline_files.bring_in(project=other, guidelines=files, actor="u1", name=name)
    return draft


def test_the_newest_version_is_a_draft_and_the_older_ones_are_history(
    project: Project, other: Project, tone: GuidelineVersion
) -> None:
    draft = bring_in(other, filed(project, tone))
    states = draft.guideline.versions.order_by("major", "minor").values_list("state", flat=True)
    assert list(states) == [VersionState.SUPERSEDED, VersionState.DRAFT]
    assert draft.number == "1.1"
    assert queries.published_of(draft.guideline) is None


def test_what_comes_in_is_what_went_out(
    project: Project, other: Project, tone: GuidelineVersion
) -> None:
    draft = bring_in(other, filed(project, tone))
    (before,) = filed(project, tone)
    (after,) = filed(other, draft)
    assert [(v.number, v.what_changed, v.writing) for v in after.versions] == [
        (v.number, v.what_changed, v.writing) for v in before.versions
    ]
    assert after.versions[0] == before.versions[0]


def test_one_version_travels_alone(
    project: Project, other: Project, tone: GuidelineVersion
) -> None:
    draft = bring_in(other, filed(project, tone, number="1.0"))
    assert [version.number for version in draft.guideline.versions.all()] == ["1.0"]


def test_a_version_that_does_not_exist_is_not_exported(
    project: Project, tone: GuidelineVersion
) -> None:
    with pytest.raises(NotHere):
        filed(project, tone, number="7.0")


def test_who_imports_is_the_author_and_it_is_in_the_audit_trail(
    project: Project, other: Project, tone: GuidelineVersion, cast: Cast
) -> None:
    (draft,) = guideline_files.bring_in(
        project=other, guidelines=filed(project, tone), actor=cast.noor.actor, by=cast.noor
    )
    assert draft.author == cast.noor
    event = AuditEvent.objects.get(verb="guideline.imported", project_id=other.pk)
    assert (event.actor, event.object_id) == (cast.noor.actor, str(draft.pk))


def test_an_imported_draft_is_published_under_its_number(
    project: Project, other: Project, tone: GuidelineVersion, cast: Cast
) -> None:
    draft = bring_in(other, filed(project, tone))
    published = guidelines.publish(version_id=draft.pk, by=cast.lea, now=NOON)
    assert (published.number, published.state) == ("1.1", VersionState.PUBLISHED)


def test_after_the_imported_draft_is_discarded_its_history_can_be_gone_on_with(
    project: Project, other: Project, tone: GuidelineVersion, cast: Cast
) -> None:
    draft = bring_in(other, filed(project, tone))
    guidelines.discard_draft(version_id=draft.pk, by=cast.lea)
    again = guidelines.new_draft(guideline=draft.guideline, by=cast.lea)
    assert again.number == "1.1"
    assert again.text == tone.guideline.versions.get(minor=0).text


def test_a_name_that_is_taken_is_refused_and_nothing_comes_in(
    project: Project, other: Project, tone: GuidelineVersion
) -> None:
    builders.make_guideline(project, name="Depth")
    builders.make_guideline(other, name="Tone")
    every = read(guideline_files.export(project=project, actor="u1").encode())
    with pytest.raises(Conflict) as refusal:
        guideline_files.bring_in(project=other, guidelines=every, actor="u1")
    assert "“Tone”" in refusal.value.sentence
    assert Guideline.objects.filter(project=other).count() == 1


def test_a_single_guideline_can_take_another_name(project: Project, tone: GuidelineVersion) -> None:
    assert bring_in(project, filed(project, tone), name="Tone 2").guideline.name == "Tone 2"


def test_several_guidelines_keep_their_names(
    project: Project, other: Project, tone: GuidelineVersion
) -> None:
    builders.make_guideline(project, name="Depth")
    every = read(guideline_files.export(project=project, actor="u1").encode())
    with pytest.raises(Invalid) as refusal:
        guideline_files.bring_in(project=other, guidelines=every, actor="u1", name="Both")
    assert "keep their own names" in refusal.value.sentence


def test_a_whole_project_of_guidelines_comes_in_at_once(
    project: Project, other: Project, tone: GuidelineVersion
) -> None:
    builders.make_guideline(project, name="Depth", pairwise=True)
    every = read(guideline_files.export(project=project, actor="u1").encode())
    drafts = guideline_files.bring_in(project=other, guidelines=every, actor="u1")
    assert sorted(draft.guideline.name for draft in drafts) == ["Depth", "Tone"]
