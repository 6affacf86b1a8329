"""The editor of judge versions, its playground and Improve, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from accounts.roles import Role
from annotation.models import Item
from annotation.states import Part
from judges import simulator
from judges.models import JudgeVersion, Run
from judges.services import versions
from judges.simulator import Simulator
from judges.states import RunPurpose
from tests import builders, judging, tuning
from tests.tuning import SEALED_MARK, Tuning

pytestmark = pytest.mark.django_db(transaction=True)

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def sim(settings: Settings) -> Iterator[Simulator]:
    with simulator.start() as running:
        settings.SIMULATOR_URL = running.url
        yield running


@pytest.fixture
def lea() -> User:
    return builders.make_user(username="lea")


@pytest.fixture
def tuned(lea: User) -> Tuning:
    made = tuning.make_tuning(lead=lea)
    builders.join(made.scene.project, lea, Role.LEAD)
    return made


@pytest.fixture
def lead(tuned: Tuning, lea: User) -> Client:
    client = Client()
    client.force_login(lea)
    return client


def url(name: str, *args: object) -> str:
    return reverse(name, args=["support", *args])


def sheet(tuned: Tuning, **other: object) -> dict[str, object]:
    """The editor's form as the browser sends it."""
    start = versions.spec_of(tuned.version)
    return {
        "guideline_version": tuned.scene.guideline.pk,
        "model": "sim-slant-1",
        "system_template": start.system_template,
        "user_template": start.user_template,
        "reasoning_first": "yes",
        "both_orders": "on",
        "samples": 1,
        "max_tokens": 1000,
        "effort": "",
        "thinking": "",
        "structured_output": "native",
        "reference": "",
        "note": "",
        "item": tuned.items[0].pk,
        **other,
    }


# Levers -------------------------------------------------------------------------------------------


def test_worked_examples_are_added_kept_and_saved(tuned: Tuning, lead: Client) -> None:
    editor = url("version_new", tuned.scene.judge.pk)
    item, other = tuned.items[:2]
    page = lead.post(editor, sheet(tuned, act="add", add_example=item.pk))
    assert page.status_code == 200
    text = page.content.decode()
    assert f'name="example" value="{item.pk}"' in text
    assert "preference = A" in text
    assert JudgeVersion.objects.count() == 1
    kept = {f"keep_{item.pk}": "on", f"why_{item.pk}": "It answers."}
    body = sheet(tuned, act="save", example=[item.pk, other.pk], **kept)
    assert lead.post(editor, body).status_code == 302
    (example,) = versions.spec_of(JudgeVersion.objects.get(number=2)).examples
    assert (example.item.id, example.labels, example.rationale) == (
        item.external_id,
        (("preference", "A"),),
        "It answers.",
    )
    again = lead.get(editor).content.decode()
    assert f'name="example" value="{item.pk}"' in again
    assert "Why: It answers." in again


def test_an_example_that_may_not_be_one_is_refused_with_words(tuned: Tuning, lead: Client) -> None:
    Item.objects.filter(pk=tuned.items[0].pk).update(part=Part.SEALED)
    pk = tuned.items[0].pk
    body = sheet(tuned, act="save", example=[pk, "x", "9" * 40], **{f"keep_{pk}": "on"})
    answer = lead.post(url("version_new", tuned.scene.judge.pk), body)
    assert answer.status_code == 422
    assert "cannot be used" in answer.content.decode()
    assert JudgeVersion.objects.count() == 1


def test_a_checklist_is_written_with_its_points(lead: Client, tuned: Tuning) -> None:
    guideline = builders.make_guideline(tuned.scene.project, name="Rubric", keys=("accuracy",))
    judge = judging.make_judge(tuned.scene.project, guideline, name="Scales")
    item = builders.make_item(tuned.scene.dataset, external_id="single")
    start = versions.starting_point(judge, model=judging.PLUMB)
    body = sheet(
        tuned,
        guideline_version=guideline.pk,
        system_template=start.system_template,
        user_template=start.user_template,
        reference="no",
        item=item.pk,
    )
    editor = url("version_new", judge.pk)
    wrong = {"checklist_accuracy": "True?\nWhole?", "points_accuracy": "1, 5"}
    refused = lead.post(editor, body | wrong)
    assert refused.status_code == 422
    assert "so it needs 3 points" in refused.content.decode()
    assert 'id="id_checklist_accuracy_error"' in refused.content.decode()
    preview = lead.post(url("version_preview", judge.pk), body | wrong).content.decode()
    assert "Questions in place of accuracy" in preview
    right = {"checklist_accuracy": "True?\r\n\r\nWhole?\r\n", "points_accuracy": ""}
    assert lead.post(editor, body | right).status_code == 302
    saved = judge.versions.get()
    spec = versions.spec_of(saved)
    assert spec.checklists[0].questions == ("True?", "Whole?")
    assert spec.checklists[0].points == ("1", "3", "5")
    assert not spec.with_reference
    shown = lead.get(url("version", saved.pk)).content.decode()
    assert "0 yes = 1, 1 yes = 3, 2 yes = 5" in shown
    assert "Whole?" in lead.get(editor).content.decode()


def test_each_problem_stands_at_its_field(tuned: Tuning, lead: Client) -> None:
    body = sheet(tuned, user_template="{{ input }}", system_template="{{ rubrik }}")
    answer = lead.post(url("version_new", tuned.scene.judge.pk), body).content.decode()
    for name in ("system_template", "user_template"):
        assert f'id="id_{name}_error"' in answer
    preview = lead.post(url("version_preview", tuned.scene.judge.pk), body).content.decode()
    assert "<b>Item prompt</b>" in preview


def test_the_editor_starts_from_any_version_of_the_judge(tuned: Tuning, lead: Client) -> None:
    judging.make_version(tuned.scene.judge, tuned.scene.guideline, model="sim-slant-1")
    editor = url("version_new", tuned.scene.judge.pk)
    assert 'value="sim-slant-1"' in lead.get(editor).content.decode()
    page = lead.get(f"{editor}?base={tuned.version.pk}").content.decode()
    assert 'value="sim-plumb-1"' in page
    elsewhere = judging.make_judge(tuned.scene.project, tuned.scene.guideline, name="Other")
    other = judging.make_version(elsewhere, tuned.scene.guideline)
    assert lead.get(f"{editor}?base={other.pk}").status_code == 404
    assert lead.get(f"{editor}?base={'9' * 30}").status_code == 200


# The playground -----------------------------------------------------------------------------------


def test_an_unsaved_edit_is_tried_with_its_cost_before_and_after(
    tuned: Tuning, lead: Client, sim: Simulator
) -> None:
    body = sheet(tuned, system_template="Be strict. {{ rubric }}")
    before = lead.post(url("version_preview", tuned.scene.judge.pk), body).content.decode()
    assert "at most $" in before
    assert sim.stats()["requests"] == 0
    answer = lead.post(url("version_playground", tuned.scene.judge.pk), body, headers=HTMX)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "<html" not in page
    assert "Simulated: no model was called" in page
    assert "Answer as it came" in page
    assert "simulated price list" in page
    assert sim.stats()["requests"] == 1
    run = Run.objects.get(purpose=RunPurpose.PLAYGROUND)
    call = lead.get(url("call", run.calls.get().pk)).content.decode()
    assert "Be strict." in call
    assert "The prompt rendered again has the digest of what was sent." in call
    draft = lead.get(url("version", run.version_id)).content.decode()
    assert "tried in the playground and not saved" in draft
    assert lead.get(url("run_new", run.version_id)).status_code == 404
    shown = lead.get(url("run", run.pk)).content.decode()
    assert "Retry" not in shown
    listed = lead.get(url("judges")).content.decode()
    assert "draft" not in listed
    assert f"Run {run.pk}" not in listed


def test_without_script_the_whole_page_comes_back(tuned: Tuning, lead: Client) -> None:
    answer = lead.post(url("version_playground", tuned.scene.judge.pk), sheet(tuned, note="kept"))
    page = answer.content.decode()
    assert "<html" in page
    assert 'value="kept"' in page
    assert "Answer as it came" in page


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"user_template": "{{ input }}"}, "leaves out a response"),
        ({"model": ""}, "required"),
        ({"model": "claude-unheard-of"}, "price"),
    ],
)
def test_what_cannot_be_asked_is_said_and_nothing_is_sent(
    tuned: Tuning, lead: Client, sim: Simulator, change: dict[str, object], words: str
) -> None:
    body = sheet(tuned, **change)
    answer = lead.post(url("version_playground", tuned.scene.judge.pk), body, headers=HTMX)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert sim.stats()["requests"] == 0
    assert not Run.objects.filter(purpose=RunPurpose.PLAYGROUND).exists()


def test_a_sealed_item_is_never_tried(tuned: Tuning, lead: Client, sim: Simulator) -> None:
    (sealed, *_) = tuning.seal_beside(tuned)
    body = sheet(tuned, item=sealed.pk)
    lead.post(url("version_playground", tuned.scene.judge.pk), body)
    asked = Run.objects.filter(purpose=RunPurpose.PLAYGROUND)
    assert not asked.filter(calls__item=sealed).exists()


def test_other_roles_and_other_projects_try_nothing(tuned: Tuning, lead: Client) -> None:
    path = url("version_playground", tuned.scene.judge.pk)
    ada = builders.join(tuned.scene.project, builders.make_user(username="ada"), Role.ADMIN)
    other = Client()
    other.force_login(ada)
    assert other.post(path, sheet(tuned)).status_code == 403
    other.force_login(builders.make_user(username="olu"))
    assert other.post(path, sheet(tuned)).status_code == 404
    assert lead.get(path).status_code == 405


# Improve ------------------------------------------------------------------------------------------


def test_improve_counts_what_went_wrong_and_opens_a_draft(tuned: Tuning, lead: Client) -> None:
    page = lead.get(url("version_improve", tuned.version.pk)).content.decode()
    assert "prefers the longer response in 9 of 9 misses" in page
    assert "from 9 misses among 12 labels" in page
    first = tuned.items[0]
    assert f'name="example" value="{first.pk}"' in page
    query = f"?base={tuned.version.pk}&rule=preference:longer&example={first.pk}"
    draft = lead.get(url("version_new", tuned.scene.judge.pk) + query).content.decode()
    assert "A response is not better for being longer." in draft
    assert "# Rules" in draft
    assert f'name="example" value="{first.pk}"' in draft
    assert "A draft from what v1 got wrong" in draft
    assert JudgeVersion.with_drafts.count() == 1
    assert not Run.objects.exclude(pk=tuned.run.pk).exists()


def test_improve_says_what_is_missing(tuned: Tuning, lead: Client) -> None:
    other = judging.make_version(tuned.scene.judge, tuned.scene.guideline, samples=3)
    assert "Run it first" in lead.get(url("version_improve", other.pk)).content.decode()
    tuning.make_combined(other, dict.fromkeys(tuned.items, "A"))
    assert "No difference" in lead.get(url("version_improve", other.pk)).content.decode()
    baseline = judging.make_baseline(tuned.scene)
    tuning.make_combined(baseline, dict.fromkeys(tuned.items, "B"))
    assert "no prompt" in lead.get(url("version_improve", baseline.pk)).content.decode()


def test_no_page_of_the_editor_reads_a_sealed_item(
    tuned: Tuning, lead: Client, sim: Simulator
) -> None:
    sealed = tuning.seal_beside(tuned)
    editor = url("version_new", tuned.scene.judge.pk)
    ids = "".join(f"&example={item.pk}" for item in sealed)
    with CaptureQueriesContext(connection) as captured:
        pages = [
            lead.get(url("version_improve", tuned.version.pk)),
            lead.get(f"{editor}?base={tuned.version.pk}&rule=preference:longer{ids}"),
            lead.post(editor, sheet(tuned, act="add", add_example=sealed[0].pk)),
            lead.post(editor, sheet(tuned, act="show", item=sealed[0].pk)),
            lead.post(
                url("version_preview", tuned.scene.judge.pk), sheet(tuned, item=sealed[0].pk)
            ),
            lead.post(
                url("version_playground", tuned.scene.judge.pk), sheet(tuned, item=sealed[1].pk)
            ),
            lead.get(url("version", tuned.version.pk)),
            *(
                lead.get(url("run_differences", tuned.run.pk) + f"?at={place}")
                for place in range(1, 15)
            ),
        ]
        kept = {f"keep_{item.pk}": "on" for item in sealed}
        chosen = [item.pk for item in sealed]
        refused = lead.post(editor, sheet(tuned, act="save", example=chosen, **kept))
    assert tuning.sealed_reads(captured) == []
    assert refused.status_code == 422
    assert all(page.status_code == 200 for page in pages)
    assert not [page.request["PATH_INFO"] for page in pages if SEALED_MARK in page.content.decode()]
    # Not in the cost of a count either: the sealed misses would have made 13.
    assert "from 9 misses among 12 labels" in pages[0].content.decode()


# Differences --------------------------------------------------------------------------------------


def test_any_two_versions_are_held_against_each_other(tuned: Tuning, lead: Client) -> None:
    second = judging.make_version(tuned.scene.judge, tuned.scene.guideline, samples=3)
    third = judging.make_version(tuned.scene.judge, tuned.scene.guideline, max_tokens=2000)
    address = url("judge_differences", tuned.scene.judge.pk)
    newest = lead.get(address).content.decode()
    assert "What differs from v2 to v3?" in newest
    page = lead.get(f"{address}?before={tuned.version.pk}&after={third.pk}").content.decode()
    assert "tokens of an answer" in page
    assert "samples for each item" not in page
    body = sheet(tuned, model="sim-plumb-1", system_template="Be strict.\n\n{{ rubric }}\n")
    lead.post(url("version_new", tuned.scene.judge.pk), body)
    prompts = lead.get(address).content.decode()
    assert "\n+Be strict.\n" in prompts
    assert "one.lines" not in prompts
    assert lead.get(f"{address}?before={second.pk}&after=99999").status_code == 422
    assert address in lead.get(url("judge", tuned.scene.judge.pk)).content.decode()
    assert address in lead.get(url("version", third.pk)).content.decode()


def test_one_version_has_nothing_to_differ_from(tuned: Tuning, lead: Client) -> None:
    page = lead.get(url("judge_differences", tuned.scene.judge.pk)).content.decode()
    assert "One version is not enough" in page


def test_differences_from_people_are_walked_through_by_key(tuned: Tuning, lead: Client) -> None:
    address = url("run_differences", tuned.run.pk)
    first = lead.get(address).content.decode()
    assert "1 of 9 misses among 12 development items" in first
    assert "Question 0: how do I cancel?" in first
    assert "It reads better." in first
    assert 'data-key="ArrowRight j"' in first
    assert 'rel="prev"' not in first
    last = lead.get(f"{address}?at=9").content.decode()
    assert "Question 8" in last
    assert 'rel="next"' not in last
    for odd in ("0", "-1", "x", "9" * 30):
        assert lead.get(f"{address}?at={odd}&dimension=nonsense").status_code == 200
    assert address in lead.get(url("run", tuned.run.pk)).content.decode()
    assert address in lead.get(url("version", tuned.version.pk)).content.decode()


def test_a_run_that_touches_sealed_items_has_no_such_page(tuned: Tuning, lead: Client) -> None:
    run = tuning.make_combined(tuned.version, {tuned.items[0]: "B"}, purpose=RunPurpose.APPROVAL)
    assert lead.get(url("run_differences", run.pk)).status_code == 404


def test_the_pages_cost_a_bounded_number_of_queries(
    tuned: Tuning, lead: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(45):
        lead.get(url("version_improve", tuned.version.pk))
    with django_assert_max_num_queries(45):
        lead.get(url("run_differences", tuned.run.pk))
    with django_assert_max_num_queries(60):
        lead.get(
            url("version_new", tuned.scene.judge.pk)
            + "?"
            + "&".join(f"example={item.pk}" for item in tuned.items)
        )


def test_whoever_yet_rates_an_example_does_not_read_its_label(
    tuned: Tuning, lead: Client, lea: User
) -> None:
    item = tuned.items[0]
    body = sheet(tuned, act="save", example=item.pk, **{f"keep_{item.pk}": "on"})
    body[f"why_{item.pk}"] = "zqlabelwhy"
    lead.post(url("version_new", tuned.scene.judge.pk), body)
    second = JudgeVersion.objects.get(number=2)
    run = tuning.make_combined(second, {tuned.items[1]: "B"})
    pages = [
        url("call", run.calls.get().pk),
        url("version", second.pk),
        url("judge_differences", tuned.scene.judge.pk),
        url("version_new", tuned.scene.judge.pk),
    ]
    for page in pages:
        assert "zqlabelwhy" in lead.get(page).content.decode(), page
    rater = builders.rater_of(tuned.scene.project, lea)
    builders.make_round(tuned.scene.dataset, tuned.scene.guideline, items=[item], raters=[rater])
    for page in pages:
        answer = lead.get(page)
        assert answer.status_code == 200
        assert "zqlabelwhy" not in answer.content.decode()
    assert "1 example is left out" in lead.get(pages[3]).content.decode()
