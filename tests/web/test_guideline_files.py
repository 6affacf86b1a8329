"""Guideline files in the browser, over the API and on the command line, and copies."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.models import Project
from accounts.roles import Scope
from annotation.models import Guideline, GuidelineVersion
from annotation.rules.guidelinefile import LARGEST_FILE
from annotation.services import guideline_files
from annotation.states import VersionState
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def tone(project: Project) -> GuidelineVersion:
    return builders.make_guideline(project, name="Tone & manner")


@pytest.fixture
def file(project: Project, tone: GuidelineVersion) -> str:
    return guideline_files.export(project=project, actor="u1")


@pytest.fixture
def machine(project: Project) -> Client:
    _, secret = builders.make_token(project, scopes=(Scope.READ, Scope.WRITE))
    return Client(headers={"Authorization": f"Bearer {secret}"})


def upload(lea: Client, content: str | bytes, name: str = "") -> str:
    """Import a file and answer the page that says so, or why not."""
    raw = content.encode() if isinstance(content, str) else content
    answer = lea.post(
        reverse("guideline_import", args=["support"]),
        {"file": SimpleUploadedFile("g.json", raw), "name": name},
        follow=True,
    )
    return answer.content.decode()


def test_a_guideline_is_downloaded_under_its_name(lea: Client, tone: GuidelineVersion) -> None:
    answer = lea.get(reverse("guideline_file", args=["support", tone.guideline_id]))
    assert answer["Content-Disposition"] == 'attachment; filename="tone-manner.json"'
    assert json.loads(answer.content)["guidelines"][0]["name"] == "Tone & manner"


def test_a_version_is_downloaded_alone(lea: Client, tone: GuidelineVersion) -> None:
    address = reverse("guideline_file", args=["support", tone.guideline_id])
    answer = lea.get(address, {"version": "1.0"})
    assert "tone-manner-1.0.json" in answer["Content-Disposition"]
    assert lea.get(address, {"version": "3.0"}).status_code == 404


def test_all_guidelines_are_downloaded_in_one_file(lea: Client, tone: GuidelineVersion) -> None:
    answer = lea.get(reverse("guidelines_file", args=["support"]))
    assert "support-guidelines.json" in answer["Content-Disposition"]


def test_an_import_leads_to_the_draft(lea: Client, file: str) -> None:
    shown = upload(lea, file, name="Tone 2")
    assert "The guideline is a draft here." in shown
    assert Guideline.objects.get(name="Tone 2").versions.get().state == VersionState.DRAFT


def test_a_name_that_is_taken_is_said_at_the_name(lea: Client, file: str) -> None:
    shown = upload(lea, file)
    assert "already; choose another name" in shown
    assert Guideline.objects.count() == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "no JSON that can be read"),
        ("[]", "This is not a guideline file"),
        (b" " * (LARGEST_FILE + 1), "larger than 5 MB"),
    ],
)
def test_a_file_that_cannot_be_read_is_said_at_the_file(
    lea: Client, content: str | bytes, sentence: str
) -> None:
    assert sentence in upload(lea, content)


def test_an_import_without_a_file_asks_for_one(lea: Client) -> None:
    answer = lea.post(reverse("guideline_import", args=["support"]))
    assert answer.status_code == 422
    assert "Choose a file." in answer.content.decode()


def test_a_version_is_copied_into_a_guideline_of_its_own(
    lea: Client, tone: GuidelineVersion
) -> None:
    address = f"{reverse('guideline_new', args=['support'])}?copy={tone.pk}"
    assert "A copy of Tone &amp; manner 1.0" in lea.get(address).content.decode()

    lea.post(address, {"name": "Tone 2", "start": "copy"})

    draft = GuidelineVersion.objects.get(guideline__name="Tone 2")
    assert (draft.number, draft.state, draft.text) == ("1.0", VersionState.DRAFT, tone.text)
    assert draft.dimensions.get(key="accuracy").points[3]["anchor"] == "anchor 4"


@pytest.mark.parametrize("number", ["x", "999", "²", "9" * 30])
def test_a_copy_of_nothing_is_not_found(lea: Client, number: str) -> None:
    assert lea.get(reverse("guideline_new", args=["support"]), {"copy": number}).status_code == 404


def test_a_machine_lists_and_reads_guidelines(machine: Client, tone: GuidelineVersion) -> None:
    (one,) = machine.get("/api/v1/projects/support/guidelines").json()["results"]
    assert (one["name"], one["versions"][0]["number"]) == ("Tone & manner", "1.0")
    file = machine.get(f"/api/v1/projects/support/guidelines/{one['id']}").json()
    assert file["guidelines"][0]["versions"][0]["dimensions"][0]["cut"] == "4"


def test_a_machine_brings_in_what_it_read(machine: Client, tone: GuidelineVersion) -> None:
    address = "/api/v1/projects/support/guidelines"
    file = machine.get(f"{address}/{tone.guideline_id}").json()
    refused = machine.post(address, file, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (409, "guideline_name_taken")

    file["guidelines"][0]["name"] = "Tone 2"
    answer = machine.post(address, file, content_type="application/json")

    assert answer.status_code == 201
    assert [one["draft"] for one in answer.json()["drafts"]] == ["1.0"]


def test_a_machine_is_told_what_is_wrong_with_a_file(machine: Client) -> None:
    answer = machine.post(
        "/api/v1/projects/support/guidelines", {"format": "x"}, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "guideline_file")


def test_the_command_line_takes_a_file_from_project_to_project(
    tone: GuidelineVersion, tmp_path: Path
) -> None:
    builders.make_project(slug="other")
    path, out = tmp_path / "g.json", StringIO()
    export = ["export_guidelines", "support", "--guideline", "Tone & manner", "-o", str(path)]
    call_command(*export, "--version-number", "1.0", stderr=StringIO())
    call_command("import_guidelines", "other", str(path), stdout=out)
    assert out.getvalue() == "Tone & manner: draft 1.0\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("export_guidelines", "support", "--guideline", "Depth"), "There are: Tone & manner."),
        (("export_guidelines", "support", "--version-number", "1.0"), "name it too"),
        (("import_guidelines", "support", "/nowhere"), "cannot be opened"),
    ],
)
def test_the_command_line_says_what_it_cannot_do(
    tone: GuidelineVersion, arguments: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(CommandError) as refusal:
        call_command(*arguments)
    assert sentence in str(refusal.value)
    assert refusal.value.returncode == 2
