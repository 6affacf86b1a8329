"""The pages of guidelines: who may, what bad input says, and that nothing needs a script."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import Project, User
from accounts.roles import Role
from annotation.models import Guideline, GuidelineVersion
from annotation.rules.presets import FOUR_DIMENSIONS, PRESETS
from annotation.services import guidelines
from annotation.states import GuidelineForm, VersionState
from tests import builders
from tests.builders import NOON

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def project() -> Project:
    return builders.make_project()


@pytest.fixture
def lea(project: Project) -> User:
    return builders.join(project, builders.make_user(username="lea"), Role.LEAD)


@pytest.fixture
def ana(project: Project) -> User:
    return builders.join(project, builders.make_user(username="ana"), Role.RATER)


@pytest.fixture
def draft(project: Project, lea: User) -> GuidelineVersion:
    return guidelines.create(
        project=project,
        name="Support",
        form=GuidelineForm.POINTWISE,
        dimensions=PRESETS[FOUR_DIMENSIONS],
        text="Look at what it *does*.",
        by=lea,
    )


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def editor_data(*rows: dict[str, str], text: str = "Look.", **more: str) -> dict[str, str]:
    """The editor's fields as a browser sends them, without an example."""
    data = {
        "text": text,
        "example-TOTAL_FORMS": "0",
        "example-INITIAL_FORMS": "0",
        "dimension-TOTAL_FORMS": str(len(rows)),
        "dimension-INITIAL_FORMS": "0",
    }
    for place, row in enumerate(rows):
        data |= {f"dimension-{place}-{name}": value for name, value in row.items()}
    return data | more


TONE = {
    "name": "Tone",
    "key": "",
    "question": "",
    "kind": "scale",
    "points": "1 = cold\n2 = plain\n3 = warm",
    "cut": "2",
    "rationale": "optional",
}


def test_a_guideline_starts_from_four_dimensions(project: Project, lea: User) -> None:
    answer = as_(lea).post(
        reverse("guideline_new", args=["support"]), {"name": "Support", "start": "four"}
    )

    version = GuidelineVersion.objects.get(guideline__name="Support")
    assert answer["Location"] == reverse("guideline_edit", args=["support", version.guideline_id])
    assert version.dimensions.count() == 4
    assert version.dimensions.get(key="accuracy").cut == "4"


def test_a_guideline_without_a_name_is_refused_with_a_sentence(project: Project, lea: User) -> None:
    answer = as_(lea).post(reverse("guideline_new", args=["support"]), {"start": "four"})

    assert answer.status_code == 422
    assert b"mended" in answer.content
    assert not Guideline.objects.exists()


def test_the_list_names_every_guideline(
    project: Project, lea: User, draft: GuidelineVersion
) -> None:
    answer = as_(lea).get(reverse("guidelines", args=["support"]))

    assert b"Support" in answer.content
    assert b"Draft 1.0" in answer.content


def test_an_empty_list_says_what_to_do_first(project: Project, lea: User) -> None:
    answer = as_(lea).get(reverse("guidelines", args=["support"]))
    assert b"Write a guideline" in answer.content


def test_saving_the_editor_replaces_the_draft(lea: User, draft: GuidelineVersion) -> None:
    url = reverse("guideline_edit", args=["support", draft.guideline_id])

    answer = as_(lea).post(url, editor_data(TONE, text="New words", act="save"))

    draft.refresh_from_db()
    assert answer.status_code == 302
    assert draft.text == "New words"
    tone = draft.dimensions.get()
    assert (tone.key, tone.labels, tone.cut) == ("tone", ["1", "2", "3"], "2")
    assert tone.points[0] == {"value": "1", "anchor": "cold"}


def test_an_example_is_kept_with_its_verdict(lea: User, draft: GuidelineVersion) -> None:
    example = {"title": "Too short", "is_good": "bad", "text": "No.", "why": "It helps nobody."}
    data = editor_data(TONE) | {"example-TOTAL_FORMS": "1"}
    data |= {f"example-0-{name}": value for name, value in example.items()}

    as_(lea).post(reverse("guideline_edit", args=["support", draft.guideline_id]), data)

    draft.refresh_from_db()
    assert draft.examples == [example | {"is_good": False}]


BROKEN_ROWS = [
    ({"points": "1 = only"}, "at least two labels"),
    ({"cut": "9"}, "is none of"),
    ({"cut": "1"}, "let everything pass"),
    ({"points": "low\nhigh"}, "are numbers"),
    ({"kind": "pairwise"}, "Select a valid choice"),
    ({"kind": "yes_no", "points": "maybe", "cut": ""}, "is none of the labels no, yes"),
    ({"key": "Two words"}, "Begin with a small letter"),
    ({"name": ""}, "This field is required"),
]


@pytest.mark.parametrize(("change", "sentence"), BROKEN_ROWS)
def test_a_broken_dimension_is_named_and_nothing_is_written(
    lea: User, draft: GuidelineVersion, change: dict[str, str], sentence: str
) -> None:
    url = reverse("guideline_edit", args=["support", draft.guideline_id])

    answer = as_(lea).post(url, editor_data(TONE | change))

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert draft.dimensions.count() == 4


def test_two_dimensions_with_one_key_are_refused(lea: User, draft: GuidelineVersion) -> None:
    url = reverse("guideline_edit", args=["support", draft.guideline_id])

    answer = as_(lea).post(url, editor_data(TONE, TONE))

    assert answer.status_code == 422
    assert "stands above already" in answer.content.decode()


@pytest.mark.parametrize("total", ["", "x", "99999999", "1e3"])
def test_a_forged_row_count_is_no_crash(lea: User, draft: GuidelineVersion, total: str) -> None:
    url = reverse("guideline_edit", args=["support", draft.guideline_id])
    data = editor_data(TONE) | {"dimension-TOTAL_FORMS": total}

    assert as_(lea).post(url, data).status_code == 422
    assert draft.dimensions.count() == 4
    assert as_(lea).post(url, data | {"act": "add_dimension"}).status_code == 200


def test_a_dimension_is_added_without_a_script_and_nothing_is_saved(
    lea: User, draft: GuidelineVersion
) -> None:
    url = reverse("guideline_edit", args=["support", draft.guideline_id])

    answer = as_(lea).post(url, editor_data(TONE, act="add_dimension"))

    assert 'name="dimension-1-name"' in answer.content.decode()
    assert 'value="Tone"' in answer.content.decode()
    assert draft.dimensions.count() == 4


def test_a_dimension_is_removed_by_its_place(lea: User, draft: GuidelineVersion) -> None:
    url = reverse("guideline_edit", args=["support", draft.guideline_id])
    rows = [TONE, TONE | {"name": "Depth"}]

    answer = as_(lea).post(url, editor_data(*rows, act="remove_dimension:0")).content.decode()

    assert 'value="Depth"' in answer
    assert 'value="Tone"' not in answer


def test_htmx_gets_the_editor_alone(lea: User, draft: GuidelineVersion) -> None:
    url = reverse("guideline_edit", args=["support", draft.guideline_id])

    answer = as_(lea).post(url, editor_data(TONE, act="add_example"), headers=HTMX)

    assert answer.content.decode().lstrip().startswith('<div id="editor"')


def test_the_preview_shows_the_text_as_raters_see_it_and_cleans_it(
    lea: User, draft: GuidelineVersion
) -> None:
    url = reverse("guideline_preview", args=["support", draft.guideline_id])
    text = "Look *close*. <script>alert(1)</script>"

    answer = as_(lea).post(url, editor_data(TONE, text=text), headers=HTMX).content.decode()

    assert "<em>close</em>" in answer
    assert "<script>" not in answer
    assert "warm" in answer


def test_publishing_asks_first_and_then_puts_the_draft_in_force(
    lea: User, draft: GuidelineVersion
) -> None:
    url = reverse("guideline_publish", args=["support", draft.guideline_id])
    assert b"Publish <bdi>Support</bdi> 1.0?" in as_(lea).get(url).content

    as_(lea).post(url)

    draft.refresh_from_db()
    assert draft.state == VersionState.PUBLISHED


def test_publishing_an_empty_rubric_is_refused(project: Project, lea: User) -> None:
    empty = guidelines.create(
        project=project, name="Empty", form=GuidelineForm.POINTWISE, text="Look.", by=lea
    )

    answer = as_(lea).post(reverse("guideline_publish", args=["support", empty.guideline_id]))

    assert answer.status_code == 422
    assert b"add at least one dimension" in answer.content


def test_a_change_of_meaning_cannot_be_published_as_minor(
    lea: User, draft: GuidelineVersion
) -> None:
    guidelines.publish(version_id=draft.pk, by=lea, now=NOON)
    second = guidelines.new_draft(guideline=draft.guideline, by=lea)
    guidelines.save_draft(
        version_id=second.pk, text="L", examples=[], dimensions=PRESETS[FOUR_DIMENSIONS][:1], by=lea
    )
    url = reverse("guideline_publish", args=["support", draft.guideline_id])
    words = {"what_changed": "One dimension is left."}

    refused = as_(lea).post(url, words | {"size": "minor"})
    assert refused.status_code == 422
    assert "has to be a major version" in refused.content.decode()

    as_(lea).post(url, words | {"size": "major"})
    second.refresh_from_db()
    assert (second.number, second.what_changed) == ("2.0", "One dimension is left.")


def test_a_published_guideline_gets_a_new_draft_by_a_button(
    lea: User, draft: GuidelineVersion
) -> None:
    guidelines.publish(version_id=draft.pk, by=lea, now=NOON)

    as_(lea).post(reverse("guideline_draft", args=["support", draft.guideline_id]))

    assert GuidelineVersion.objects.get(state=VersionState.DRAFT).number == "1.1"


def test_a_version_page_shows_text_rubric_and_cut(lea: User, draft: GuidelineVersion) -> None:
    page = as_(lea).get(reverse("guideline_version", args=["support", draft.pk])).content.decode()

    assert "<em>does</em>" in page
    assert "Right, with a slip that changes nothing" in page
    assert "ordinal" in page


def test_discarding_a_draft_asks_first(lea: User, draft: GuidelineVersion) -> None:
    url = reverse("guideline_discard", args=["support", draft.guideline_id])
    assert as_(lea).get(url).status_code == 200
    assert Guideline.objects.exists()

    as_(lea).post(url)

    assert not Guideline.objects.exists()


READ = ["guidelines", "guideline", "guideline_version"]
WRITE = ["guideline_new", "guideline_edit", "guideline_publish", "guideline_discard"]


def address(name: str, draft: GuidelineVersion) -> str:
    ids = {"guideline_version": [draft.pk], "guidelines": [], "guideline_new": []}
    return reverse(name, args=["support", *ids.get(name, [draft.guideline_id])])


@pytest.mark.parametrize("name", READ + WRITE)
def test_an_outsider_finds_nothing(name: str, draft: GuidelineVersion) -> None:
    olu = builders.make_user(username="olu")
    assert as_(olu).get(address(name, draft)).status_code == 404


@pytest.mark.parametrize("name", READ + WRITE)
def test_a_rater_is_not_let_in(name: str, draft: GuidelineVersion, ana: User) -> None:
    assert as_(ana).get(address(name, draft)).status_code == 403


@pytest.mark.parametrize("name", WRITE)
def test_an_admin_reads_and_does_not_write(
    name: str, draft: GuidelineVersion, project: Project
) -> None:
    ada = builders.join(project, builders.make_user(username="ada"), Role.ADMIN)
    assert as_(ada).get(address("guidelines", draft)).status_code == 200
    assert as_(ada).get(address(name, draft)).status_code == 403


@pytest.mark.parametrize("name", ["guideline_draft", "guideline_preview"])
def test_acts_are_posts(name: str, draft: GuidelineVersion, lea: User) -> None:
    assert as_(lea).get(address(name, draft)).status_code == 405


@pytest.mark.parametrize("name", READ)
def test_pages_that_only_show_take_no_post(name: str, draft: GuidelineVersion, lea: User) -> None:
    assert as_(lea).post(address(name, draft)).status_code == 405


def test_a_guideline_of_another_project_is_not_there(lea: User, draft: GuidelineVersion) -> None:
    other = builders.make_project(slug="other")
    builders.join(other, lea, Role.LEAD)
    url = reverse("guideline_edit", args=["other", draft.guideline_id])
    assert as_(lea).get(url).status_code == 404


def test_the_list_costs_the_same_for_many_guidelines(
    project: Project,
    lea: User,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(12):
        builders.make_guideline(project, name=f"G{number}")
    client = as_(lea)

    with django_assert_max_num_queries(17):
        client.get(reverse("guidelines", args=["support"]))
