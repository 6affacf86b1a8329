"""Judges, versions and the import of verdicts, over HTTP."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from accounts.roles import Role
from annotation.models import Guideline, Item
from annotation.states import Part
from judges.models import Judge, JudgeVersion, Run
from judges.services import versions
from tests import builders, judging
from tests.judging import Scene

pytestmark = pytest.mark.django_db

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture(autouse=True)
def _local_simulator(settings: Settings) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"


@pytest.fixture
def scene() -> Scene:
    return judging.make_scene(pairs=2)


def person(scene: Scene, name: str, *roles: Role) -> Client:
    user: User = builders.make_user(username=name)
    if roles:
        builders.join(scene.project, user, *roles)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def lead(scene: Scene) -> Client:
    return person(scene, "lea", Role.LEAD)


def url(name: str, *args: object) -> str:
    return reverse(name, args=["support", *args])


def fields(scene: Scene, **other: object) -> dict[str, object]:
    """A version's form as the editor sends it."""
    start = versions.spec_of(scene.version)
    return {
        "guideline_version": scene.guideline.pk,
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
        "note": "slanted",
        **other,
    }


READ = ("judges", "judge", "version")
WRITE = ("judge_new", "version_new", "verdicts_import", "run_new")


def address(name: str, scene: Scene) -> str:
    args: dict[str, list[int]] = {
        "judge": [scene.judge.pk],
        "version": [scene.version.pk],
        "version_new": [scene.judge.pk],
        "run_new": [scene.version.pk],
    }
    return url(name, *args.get(name, []))


@pytest.mark.parametrize("name", READ)
def test_staff_reads_and_others_do_not(scene: Scene, name: str) -> None:
    path = address(name, scene)
    for number, role in enumerate((Role.LEAD, Role.ADJUDICATOR, Role.ADMIN)):
        assert person(scene, f"staff{number}", role).get(path).status_code == 200
    assert person(scene, "ana", Role.RATER).get(path).status_code == 403
    assert person(scene, "olu").get(path).status_code == 404
    assert Client().get(path).status_code == 302


@pytest.mark.parametrize("name", WRITE)
def test_only_a_lead_writes(scene: Scene, name: str) -> None:
    path = address(name, scene)
    assert person(scene, "lea", Role.LEAD).get(path).status_code == 200
    assert person(scene, "ada", Role.ADMIN).get(path).status_code == 403
    assert person(scene, "ana", Role.RATER).post(path).status_code == 403
    assert person(scene, "olu").post(path).status_code == 404


def test_rows_of_another_project_are_not_here(scene: Scene, lead: Client) -> None:
    other = builders.make_project(slug="other")
    guideline = builders.make_guideline(other, pairwise=True)
    judge = judging.make_judge(other, guideline)
    version = judging.make_version(judge, guideline)
    assert lead.get(url("judge", judge.pk)).status_code == 404
    assert lead.get(url("version", version.pk)).status_code == 404
    assert lead.get(url("run_new", version.pk)).status_code == 404


def test_the_list_shows_every_version_and_says_what_is_simulated(
    scene: Scene, lead: Client
) -> None:
    page = lead.get(url("judges")).content.decode()
    assert "Which judge hangs true?" in page
    assert "Helpful" in page
    assert "simulated" in page


def test_an_empty_project_says_what_to_do_first(lead: Client) -> None:
    Run.objects.all().delete()
    JudgeVersion.objects.all().delete()
    Judge.objects.all().delete()
    assert "No judge yet" in lead.get(url("judges")).content.decode()


def test_the_list_costs_a_bounded_number_of_queries_for_a_version(
    scene: Scene, lead: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for samples in range(2, 8):
        judging.make_version(scene.judge, scene.guideline, samples=samples)
    with django_assert_max_num_queries(32):
        lead.get(url("judges"))


def test_a_judge_is_made_and_its_first_version_comes_next(scene: Scene, lead: Client) -> None:
    answer = lead.post(
        url("judge_new"), {"name": "Tone judge", "guideline": scene.guideline.guideline_id}
    )
    made = Judge.objects.get(name="Tone judge")
    assert answer.url == url("version_new", made.pk)  # type: ignore[attr-defined]


def test_a_name_that_is_taken_is_refused_at_its_field(scene: Scene, lead: Client) -> None:
    answer = lead.post(
        url("judge_new"), {"name": "helpful", "guideline": scene.guideline.guideline_id}
    )
    assert answer.status_code == 422
    assert "taken" in answer.content.decode()


def test_without_a_published_guideline_the_page_says_so(scene: Scene, lead: Client) -> None:
    JudgeVersion.objects.all().delete()
    Judge.objects.all().delete()
    Guideline.objects.get().versions.update(state="draft")
    assert "Publish a guideline first" in lead.get(url("judge_new")).content.decode()


def test_the_editor_starts_from_the_newest_version(scene: Scene, lead: Client) -> None:
    page = lead.get(url("version_new", scene.judge.pk)).content.decode()
    assert 'value="sim-plumb-1"' in page
    assert "Question 0: how do I cancel?" in page


def test_a_version_is_saved_with_its_author(scene: Scene, lead: Client) -> None:
    answer = lead.post(url("version_new", scene.judge.pk), fields(scene))
    made = JudgeVersion.objects.get(number=2)
    assert answer.url == url("version", made.pk)  # type: ignore[attr-defined]
    assert made.author is not None
    assert made.author.username == "lea"
    assert made.is_simulated


def test_what_differs_in_nothing_leads_to_the_version_that_is_there(
    scene: Scene, lead: Client
) -> None:
    same = fields(scene, model=judging.PLUMB)
    answer = lead.post(url("version_new", scene.judge.pk), same, follow=True)
    assert "Nothing differs" in answer.content.decode()
    assert JudgeVersion.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"user_template": "{{ input }}"}, "leaves out a response"),
        ({"system_template": "{{ rubrik }}"}, "unknown variable rubrik"),
        ({"samples": 0}, "Samples"),
        ({"max_tokens": "many"}, "Tokens"),
        ({"model": ""}, "Model"),
        ({"guideline_version": 99999}, "Guideline version"),
    ],
)
def test_a_version_that_cannot_work_is_refused_with_words(
    scene: Scene, lead: Client, change: dict[str, object], words: str
) -> None:
    answer = lead.post(url("version_new", scene.judge.pk), fields(scene, **change))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert JudgeVersion.objects.count() == 1


def test_the_preview_shows_exactly_what_is_sent(scene: Scene, lead: Client) -> None:
    item = Item.objects.get(external_id="p1")
    changed = fields(scene, system_template="Be strict. {{ rubric }}", item=item.pk)
    answer = lead.post(url("version_preview", scene.judge.pk), changed, **HTMX)  # type: ignore[arg-type]
    page = answer.content.decode()
    assert "Be strict." in page
    assert "Question 1: how do I cancel?" in page
    assert "<html" not in page


def test_the_preview_names_what_is_wrong(scene: Scene, lead: Client) -> None:
    changed = fields(scene, user_template="{{ response_a }}")
    page = lead.post(url("version_preview", scene.judge.pk), changed).content.decode()
    assert "leaves out a response" in page


def test_a_preview_never_shows_a_sealed_item(scene: Scene, lead: Client) -> None:
    Item.objects.filter(external_id="p0").update(part=Part.SEALED)
    sealed = Item.objects.get(external_id="p0")
    page = lead.get(url("version_new", scene.judge.pk)).content.decode()
    assert "Question 0" not in page
    asked = lead.post(url("version_preview", scene.judge.pk), fields(scene, item=sealed.pk))
    assert "Question 0" not in asked.content.decode()


def test_a_version_shows_its_fingerprint_prompt_and_what_changed(
    scene: Scene, lead: Client
) -> None:
    second = judging.make_version(scene.judge, scene.guideline, max_tokens=2000)
    page = lead.get(url("version", second.pk)).content.decode()
    assert second.fingerprint in page
    assert "Changed since v1" in page
    assert "tokens of an answer" in page
    assert "Simulated: no model is called" in page


def test_model_text_on_a_page_is_never_markup(scene: Scene, lead: Client) -> None:
    changed = fields(scene, system_template="<script>alert(1)</script> {{ rubric }}")
    page = lead.post(url("version_preview", scene.judge.pk), changed).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def upload(text: str, name: str = "v.csv") -> io.BytesIO:
    file = io.BytesIO(text.encode())
    file.name = name
    return file


def sent(scene: Scene, text: str, **other: Any) -> dict[str, Any]:
    return {
        "file": upload(text),
        "judge": "House judge",
        "dataset": scene.dataset.pk,
        "guideline": "",
        "item": "item",
        "label": "label",
        "more": "",
        "values": "",
        **other,
    }


def test_verdicts_come_in_from_the_browser(scene: Scene, lead: Client) -> None:
    body = sent(
        scene, "idx;verdict\np0;1\np1;2\n", item="idx", label="verdict", values="1=A\n2=B\n"
    )
    answer = lead.post(url("verdicts_import"), body, follow=True)
    page = answer.content.decode()
    assert "2 verdicts on 2 items." in page
    assert Run.objects.get(purpose="imported").items_planned == 2
    made = JudgeVersion.objects.get(kind="recorded")
    assert made.author is not None


@pytest.mark.parametrize(
    ("text", "other", "words"),
    [
        ("item,label\np0,A\np9,B\n", {}, "p9"),
        ("item,label\np0,A\n", {"label": "verdict"}, "no column"),
        ("item,label\np0,A\n", {"values": "1"}, "not a value code"),
        ("item,label\np0,A\n", {"more": "nonsense"}, "not a mapping"),
        ("item,label\np0,A\n", {"more": "rater=x"}, "no field"),
        ("", {}, "file"),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_with_words(
    scene: Scene, lead: Client, text: str, other: dict[str, str], words: str
) -> None:
    answer = lead.post(url("verdicts_import"), sent(scene, text, **other))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Run.objects.filter(purpose="imported").exists()


def test_a_file_over_the_limit_names_the_command(
    scene: Scene, lead: Client, settings: Settings
) -> None:
    settings.UPLOAD_LIMIT_BYTES = 10
    answer = lead.post(url("verdicts_import"), sent(scene, "item,label\np0,A\n"))
    assert answer.status_code == 422
    assert "import_verdicts" in answer.content.decode()
