"""Guidelines: drafts change, published versions never do, meaning makes a major version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from accounts.models import Project, Rater, User
from accounts.roles import Role
from annotation.models import Guideline, GuidelineVersion, Round
from annotation.queries import guidelines as queries
from annotation.rules.presets import FOUR_DIMENSIONS, PREFERENCE, PRESETS
from annotation.rules.rubric import DimensionSpec
from annotation.services import guidelines
from annotation.states import GuidelineForm, RoundState, VersionState
from core.errors import Conflict, Invalid
from core.models import AuditEvent
from tests import builders
from tests.builders import NOON

pytestmark = pytest.mark.django_db
FOUR = PRESETS[FOUR_DIMENSIONS]


@pytest.fixture
def project() -> Project:
    return builders.make_project()


@pytest.fixture
def lea(project: Project) -> User:
    return builders.join(project, builders.make_user(username="lea"), Role.LEAD)


@pytest.fixture
def raters(project: Project) -> list[Rater]:
    people = [builders.make_user(username=name) for name in ("ana", "ben", "cem")]
    return [builders.rater_of(project, builders.join(project, one, Role.RATER)) for one in people]


def published(project: Project, lea: User) -> GuidelineVersion:
    draft = guidelines.create(
        project=project,
        name="Support",
        form=GuidelineForm.POINTWISE,
        dimensions=FOUR,
        text="Look at what the response does for the person.",
        by=lea,
    )
    return guidelines.publish(version_id=draft.pk, by=lea, now=NOON)


def redrafted(
    version: GuidelineVersion, lea: User, dimensions: Sequence[DimensionSpec] = FOUR
) -> GuidelineVersion:
    draft = guidelines.new_draft(guideline=version.guideline, by=lea)
    return guidelines.save_draft(
        version_id=draft.pk,
        text="Look closer.",
        examples=[],
        dimensions=dimensions,
        what_changed="Says where to look.",
        by=lea,
    )


def round_on(project: Project, version: GuidelineVersion, raters: list[Rater]) -> Round:
    dataset = builders.make_dataset(project)
    item = builders.make_item(dataset)
    return builders.make_round(dataset, version, items=[item], raters=raters)


def test_the_first_version_is_1_0_and_is_in_force_once_published(
    project: Project, lea: User
) -> None:
    version = published(project, lea)

    assert (version.number, version.state) == ("1.0", VersionState.PUBLISHED)
    assert version.published_at == NOON
    assert [d.key for d in version.dimensions.all()] == [spec.key for spec in FOUR]
    assert AuditEvent.objects.get(verb="guideline.published").actor == lea.actor


def test_a_published_version_refuses_to_be_changed(project: Project, lea: User) -> None:
    version = published(project, lea)

    with pytest.raises(Conflict) as refusal:
        guidelines.save_draft(
            version_id=version.pk, text="Other", examples=[], dimensions=FOUR, by=lea
        )

    version.refresh_from_db()
    assert refusal.value.code == "version_is_published"
    assert version.text == "Look at what the response does for the person."


def test_a_version_is_published_once(project: Project, lea: User) -> None:
    version = published(project, lea)

    with pytest.raises(Conflict):
        guidelines.publish(version_id=version.pk, by=lea, now=NOON)


def test_a_draft_without_dimensions_is_not_published(project: Project, lea: User) -> None:
    draft = guidelines.create(
        project=project, name="Empty", form=GuidelineForm.POINTWISE, text="Look.", by=lea
    )

    with pytest.raises(Invalid, match="add at least one dimension"):
        guidelines.publish(version_id=draft.pk, by=lea, now=NOON)


def test_a_preference_does_not_go_into_a_guideline_for_single_responses(
    project: Project, lea: User
) -> None:
    draft = guidelines.create(
        project=project,
        name="Mixed",
        form=GuidelineForm.POINTWISE,
        dimensions=PRESETS[PREFERENCE],
        text="Look.",
        by=lea,
    )

    with pytest.raises(Invalid, match="needs a pairwise guideline"):
        guidelines.publish(version_id=draft.pk, by=lea, now=NOON)


def test_a_new_draft_starts_from_the_published_version(project: Project, lea: User) -> None:
    version = published(project, lea)

    draft = guidelines.new_draft(guideline=version.guideline, by=lea)

    assert (draft.number, draft.state, draft.text) == ("1.1", VersionState.DRAFT, version.text)
    assert queries.specs_of(draft) == queries.specs_of(version)


def test_a_guideline_has_one_draft_at_a_time(project: Project, lea: User) -> None:
    version = published(project, lea)
    guidelines.new_draft(guideline=version.guideline, by=lea)

    with pytest.raises(Conflict) as refusal:
        guidelines.new_draft(guideline=version.guideline, by=lea)

    assert refusal.value.code == "draft_exists"


def test_new_wording_is_a_minor_version_that_supersedes_the_one_before(
    project: Project, lea: User
) -> None:
    version = published(project, lea)
    anchors = [replace(p, anchor=p.anchor + "!") for p in FOUR[0].points]
    draft = redrafted(version, lea, (replace(FOUR[0], points=tuple(anchors)), *FOUR[1:]))

    after = guidelines.publish(version_id=draft.pk, by=lea, now=NOON)

    version.refresh_from_db()
    assert after.number == "1.1"
    assert version.state == VersionState.SUPERSEDED


CHANGES_OF_MEANING = {
    "a key is gone": FOUR[1:],
    "a key is new": (*FOUR, replace(FOUR[0], key="tone", name="Tone")),
    "a point fewer": (replace(FOUR[0], points=FOUR[0].points[:4]), *FOUR[1:]),
    "another cut": (replace(FOUR[0], cut="3"), *FOUR[1:]),
    "not applicable allowed": (replace(FOUR[0], allow_na=True), *FOUR[1:]),
}


@pytest.mark.parametrize("dimensions", CHANGES_OF_MEANING.values(), ids=CHANGES_OF_MEANING.keys())
def test_a_change_of_meaning_is_refused_as_a_minor_version(
    project: Project, lea: User, dimensions: tuple[DimensionSpec, ...]
) -> None:
    version = published(project, lea)
    draft = redrafted(version, lea, dimensions)

    with pytest.raises(Invalid) as refusal:
        guidelines.publish(version_id=draft.pk, by=lea, now=NOON)
    assert refusal.value.code == "must_be_major"

    after = guidelines.publish(version_id=draft.pk, is_major=True, by=lea, now=NOON)
    assert after.number == "2.0"


def test_a_later_version_says_what_changed(project: Project, lea: User) -> None:
    version = published(project, lea)
    draft = guidelines.new_draft(guideline=version.guideline, by=lea)

    with pytest.raises(Invalid) as refusal:
        guidelines.publish(version_id=draft.pk, by=lea, now=NOON)

    assert refusal.value.code == "what_changed_missing"


def test_a_minor_version_keeps_an_open_round_going_with_the_new_version(
    project: Project, lea: User, raters: list[Rater]
) -> None:
    version = published(project, lea)
    round_ = round_on(project, version, raters)
    draft = redrafted(version, lea)

    after = guidelines.publish(version_id=draft.pk, by=lea, now=NOON)

    round_.refresh_from_db()
    assert (round_.state, round_.guideline_version_id) == (RoundState.OPEN, after.pk)


def test_a_major_version_closes_an_open_round(
    project: Project, lea: User, raters: list[Rater]
) -> None:
    version = published(project, lea)
    round_ = round_on(project, version, raters)
    draft = redrafted(version, lea)

    guidelines.publish(version_id=draft.pk, is_major=True, by=lea, now=NOON)

    round_.refresh_from_db()
    assert (round_.state, round_.closed_at) == (RoundState.CLOSED, NOON)
    assert round_.guideline_version_id == version.pk


def test_the_name_of_a_guideline_is_taken_once_in_a_project(project: Project, lea: User) -> None:
    published(project, lea)

    with pytest.raises(Conflict) as refusal:
        guidelines.create(project=project, name="Support", form=GuidelineForm.POINTWISE, by=lea)

    assert refusal.value.code == "guideline_name_taken"


def test_discarding_the_only_draft_removes_the_guideline(project: Project, lea: User) -> None:
    draft = guidelines.create(
        project=project, name="Never mind", form=GuidelineForm.POINTWISE, by=lea
    )

    guidelines.discard_draft(version_id=draft.pk, by=lea)

    assert not Guideline.objects.filter(project=project).exists()
