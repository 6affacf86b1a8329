"""Certificates: what they say of a decision, what they keep to themselves, who can check them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.roles import Scope
from annotation.models import Item
from calibration.services import certificates
from core import signing
from core.signing import Checked
from judges.models import Decision, EvidenceSnapshot
from judges.services import decisions
from tests import approving, builders
from tests.approving import Scene
from tests.builders import NOON
from tests.cast import client_for

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture(autouse=True)
def _a_house_of_its_own(settings: Settings, tmp_path: Path) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    settings.DATA_DIR = tmp_path / "data"
    settings.CERTIFICATE_KEY = b""


@pytest.fixture
def scene() -> Scene:
    return approving.make_scene()


def loaded(decision: Decision) -> Decision:
    return Decision.objects.get(pk=decision.pk)


def refused(scene: Scene) -> Decision:
    asked = approving.measured(scene, passes=False)
    return decisions.decide(
        request_id=asked.pk, approve=frozenset(), reason="Too low.", by=scene.cast.ada, now=NOON
    )


def written(decision: Decision, folder: Path) -> Path:
    file = folder / "certificate.json"
    call_command("certificate", decision.pk, "-o", str(file))
    return file


def status_of(*arguments: str) -> int:
    try:
        call_command("verify_certificate", *arguments)
    except CommandError as refusal:
        return refusal.returncode
    return 0


def test_a_certificate_says_what_was_decided_on_which_evidence(scene: Scene) -> None:
    decision = loaded(approving.approved(scene))
    evidence = EvidenceSnapshot.objects.get()
    told = certificates.issue(decision).document["certificate"]
    assert told["judge"]["fingerprint"] == scene.version.fingerprint
    assert told["judge"]["author"] == scene.cast.lea.actor
    assert told["decision"]["actor"] == scene.cast.ada.actor
    assert told["decision"]["valid_until"] == decision.valid_until.isoformat()  # type: ignore[union-attr]
    assert told["policy"]["measured_by"] == evidence.rule
    assert told["policy"]["decided_by"]["valid_days"] == 90
    [dimension] = told["dimensions"]
    assert dimension["decided"] == "approve"
    assert dimension["evidence"]["look"] == 1
    assert dimension["evidence"]["agreement"] == evidence.numbers["agreement"]
    assert dimension["evidence"]["labels_digest"] == evidence.labels_digest
    assert told["guideline"]["version"] == scene.guideline.number
    assert told["sealed_sets"][0]["dataset"] == scene.dataset.name


def test_the_same_decision_has_the_same_certificate(scene: Scene) -> None:
    decision = approving.approved(scene)
    assert certificates.issue(loaded(decision)).file == certificates.issue(loaded(decision)).file


def test_of_a_look_that_did_not_pass_it_keeps_the_figures(scene: Scene) -> None:
    told = certificates.issue(loaded(refused(scene))).document["certificate"]
    evidence = told["dimensions"][0]["evidence"]
    assert evidence["gate"] == "fail"
    assert evidence["failed"]
    assert evidence.keys().isdisjoint({"agreement", "lower_bound", "n_eff", "checks", "alt_test"})


def test_no_person_is_named_and_no_sealed_item(scene: Scene) -> None:
    text = certificates.issue(loaded(approving.approved(scene))).file.decode()
    for person in (scene.cast.ada, scene.cast.lea):
        assert not re.search(rf"\b{person.username}\b", text, re.IGNORECASE)
    for item in Item.objects.filter(part="sealed"):
        assert f'"{item.external_id}"' not in text


def test_other_looks_of_the_same_version_are_named(scene: Scene) -> None:
    decision = approving.approved(scene)
    copy = EvidenceSnapshot.objects.get()
    copy.pk, copy.dimension_key, copy.gate = None, "tone", "fail"
    copy.save(force_insert=True)
    EvidenceSnapshot.objects.filter(pk=copy.pk).update(created_at=decision.created_at)
    told = certificates.issue(loaded(decision)).document["certificate"]
    assert [(one["dimension"], one["gate"]) for one in told["tested_besides"]] == [("tone", "fail")]


def test_a_file_is_true_with_its_own_key_and_with_a_named_one(
    scene: Scene, tmp_path: Path, settings: Settings
) -> None:
    file = str(written(approving.approved(scene), tmp_path))
    key = signing.public_key().text
    (tmp_path / "key.txt").write_text(key)
    assert status_of(file) == 0
    settings.DATA_DIR = tmp_path / "elsewhere"
    assert status_of(file) == 2
    assert status_of(file, "--key", key) == 0
    assert status_of(file, "--key", str(tmp_path / "key.txt")) == 0
    assert status_of(file, "--key", "nonsense") == 2
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"approve"', '"refuse"'),
        ("It passed.", "It failed."),
        ('"look": 1', '"look": 2'),
        ('"n_eff"', '"n_Eff"'),
    ],
)
def test_any_change_of_the_file_is_found(
    scene: Scene, tmp_path: Path, before: str, after: str
) -> None:
    file = written(approving.approved(scene), tmp_path)
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))
    assert status_of(str(file)) == 1


def test_an_unsigned_a_broken_and_a_missing_file_are_not_true(scene: Scene, tmp_path: Path) -> None:
    file = written(approving.approved(scene), tmp_path)
    document: dict[str, Any] = json.loads(file.read_text())
    file.write_text(json.dumps({"certificate": document["certificate"]}))
    assert status_of(str(file)) == 1
    file.write_text("{")
    assert status_of(str(file)) == 1
    assert status_of(str(tmp_path / "missing.json")) == 1


def test_a_key_inside_the_file_is_never_trusted(
    scene: Scene, tmp_path: Path, settings: Settings
) -> None:
    signing.public_key()
    decision = approving.approved(scene)
    settings.CERTIFICATE_KEY = b"8" * 32
    file = written(decision, tmp_path)
    forged = json.loads(file.read_text())
    forged["signature"]["public_key"] = signing.public_key().text
    settings.CERTIFICATE_KEY = b""
    assert status_of(str(file)) == 2
    file.write_text(json.dumps(forged))
    assert status_of(str(file)) == 1


def test_checking_asks_no_database(
    scene: Scene, tmp_path: Path, django_assert_num_queries: Any
) -> None:
    file = written(approving.approved(scene), tmp_path)
    with django_assert_num_queries(0):
        assert status_of(str(file)) == 0


def test_no_decision_no_certificate(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no decision 7"):
        call_command("certificate", 7, "-o", str(tmp_path / "none.json"))


@pytest.mark.parametrize("who", ["lea", "ada", "noor"])
def test_the_staff_reads_and_downloads_it(scene: Scene, who: str) -> None:
    decision = approving.approved(scene)
    client = client_for(getattr(scene.cast, who))
    text = client.get(reverse("certificate", args=["support", decision.pk])).content.decode()
    assert signing.public_key().text in text
    assert "approved" in text
    assert approving.SEALED_MARK not in text
    answer = client.get(reverse("certificate_download", args=["support", decision.pk]))
    assert "attachment" in answer["Content-Disposition"]
    assert certificates.check(answer.content, [signing.public_key()]) is Checked.TRUE


def test_a_refusal_has_a_page_without_figures(scene: Scene) -> None:
    decision = refused(scene)
    numbers = EvidenceSnapshot.objects.get().numbers
    client = client_for(scene.cast.ada)
    text = client.get(reverse("certificate", args=["support", decision.pk])).content.decode()
    assert "refused" in text
    assert f"{numbers['lower_bound'] * 100:.1f}" not in text


@pytest.mark.parametrize(("who", "status"), [("ana", 403), ("olu", 404)])
def test_raters_and_outsiders_do_not(scene: Scene, who: str, status: int) -> None:
    decision = approving.approved(scene)
    client = client_for(getattr(scene.cast, who))
    for name in ("certificate", "certificate_download"):
        assert client.get(reverse(name, args=["support", decision.pk])).status_code == status


def test_the_approval_leads_to_it(scene: Scene) -> None:
    decision = approving.approved(scene)
    page = reverse("approval", args=["support", decision.request_id])
    text = client_for(scene.cast.lea).get(page).content.decode()
    assert reverse("certificate", args=["support", decision.pk]) in text


def test_machines_that_read_get_it_as_well(scene: Scene) -> None:
    decision = approving.approved(scene)
    _, secret = builders.make_token(scene.project, scopes=[Scope.READ])
    answer = Client().get(
        reverse("api_certificate", args=["support", decision.pk]),
        headers={"Authorization": f"Bearer {secret}"},
    )
    assert answer.status_code == 200
    assert signing.check(answer.json(), [signing.public_key()]) is Checked.TRUE
