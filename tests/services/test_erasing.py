"""Erasing a person: the name is nowhere any more, and no figure moves."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.core.cache import cache
from django.core.serializers.json import DjangoJSONEncoder
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import ApiToken, Invitation, Membership, Notice, Rater, User
from accounts.roles import Role, Scope
from accounts.services import erasing, invitations
from annotation.models import Assignment, Draft, Flag, Rating, ReferenceLabel
from calibration.models import CalibrationReport, SessionComment, SessionItem
from core import registry
from core.errors import Conflict, Invalid, NotAllowed
from core.models import AuditEvent
from judges.models import EvidenceSnapshot
from tests import builders
from tests.builders import PASSWORD
from tests.everything import everything
from tests.guards.addresses import addresses, own_urls
from tests.guards.scene import Scene, make_scene
from tests.guards.walking import LAST_DIGITS, as_person, as_token
from tests.guards.words import rationale

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

NAME = "Anastasia Quillfeather"
SIGN_IN = "anastasia.q"
ADDRESS = "anastasia@example.org"


@pytest.fixture
def scene() -> Scene:
    """The scene of the guards, in which ana has a name that is nowhere by accident."""
    scene = make_scene()
    User.objects.filter(pk=scene.cast.ana.pk).update(
        username=SIGN_IN, display_name=NAME, email=ADDRESS
    )
    scene.cast.ana.refresh_from_db()
    old = Rater.objects.get(project=scene.own.project, user=scene.cast.ana)
    Rater.objects.filter(pk=old.pk).update(name=NAME)
    _name_in_reports(scene)
    return scene


def _name_in_reports(scene: Scene) -> None:
    """As reports about thirty items and more do, whose test by rater has a row for each."""
    rows = [
        {"rater": name, "n": 30, "rho": 0.5, "p": 0.5, "rejected": False}
        for name in (NAME, "Ben", "Cem")
    ]
    for report in CalibrationReport.objects.filter(project=scene.own.project):
        for one in report.content["dimensions"].values():
            one["alt_test"]["raters"] = rows
        CalibrationReport.objects.filter(pk=report.pk).update(content=report.content)
    for row in EvidenceSnapshot.objects.filter(version__judge__project=scene.own.project):
        row.numbers["alt_test"]["raters"] = rows
        EvidenceSnapshot.objects.filter(pk=row.pk).update(numbers=row.numbers)


def erase(scene: Scene, *, blanks_texts: bool = True, typed: str = SIGN_IN) -> None:
    erasing.erase(
        user_id=scene.cast.ana.pk,
        typed=typed,
        blanks_texts=blanks_texts,
        by=scene.cast.ada,
        now=timezone.now(),
    )


def exported(scene: Scene, table: str) -> list[dict[str, Any]]:
    rows = registry.export_tables()[table].rows(registry.ExportScope(scene.own.project.pk))
    return [json.loads(json.dumps(row, cls=DjangoJSONEncoder)) for row in rows]


def pseudonym(scene: Scene) -> str:
    return Rater.objects.get(project=scene.own.project, user=scene.cast.ana).name


FIGURES = (
    "api_agreement",
    "api_round_agreement",
    "api_reports",
    "api_report",
    "api_approvals",
    "api_approval",
    "api_run_verdicts",
)


def figures(scene: Scene) -> list[str]:
    """What machines are answered about agreement, reports and approvals."""
    cache.clear()
    reader = as_token(scene.secrets[Scope.READ], name="read token")
    return [
        LAST_DIGITS.sub(r"\1", reader.ask(address, "GET", url).text)
        for address in addresses()
        if address.name in FIGURES
        for url in own_urls(address, scene.own)
    ]


@pytest.mark.parametrize("blanks_texts", [True, False])
def test_every_figure_stands(scene: Scene, blanks_texts: bool) -> None:
    before = figures(scene)
    assert any("alpha" in answer for answer in before)
    assert any(NAME in answer for answer in before)
    stored = _stored()
    references = list(ReferenceLabel.objects.order_by("pk").values())
    erase(scene, blanks_texts=blanks_texts)
    assert _stored() == stored.replace(NAME, pseudonym(scene))
    assert list(ReferenceLabel.objects.order_by("pk").values()) == references
    for was, now in zip(before, figures(scene), strict=True):
        assert _in_any_order(was.replace(NAME, pseudonym(scene))) == _in_any_order(now)


def _stored() -> str:
    """Frozen numbers, byte by byte."""
    rows = [
        *CalibrationReport.objects.order_by("pk").values_list("content", flat=True),
        *EvidenceSnapshot.objects.order_by("pk").values_list("numbers", flat=True),
    ]
    return json.dumps(rows, sort_keys=True)


def _in_any_order(answer: str) -> list[str]:
    """Its pieces: a table by name of a rater stands in another order under another name, and of
    each pair of raters (`a`, `b`) the first is another one."""
    answer = re.sub(r'"[ab]": ?', "", answer)
    return sorted(answer.replace("}", ",").replace("{", ",").replace("]", ",").split(","))


@pytest.mark.parametrize("table", ["items", "labels", "verdicts", "ledger", "decisions"])
def test_exports_without_raters_are_the_same_to_the_byte(scene: Scene, table: str) -> None:
    before = exported(scene, table)
    assert before
    erase(scene)
    assert exported(scene, table) == before


def test_an_export_of_ratings_differs_in_the_name_alone(scene: Scene) -> None:
    before = exported(scene, "ratings")
    assert NAME in str(before)
    erase(scene, blanks_texts=False)
    text = json.dumps(before).replace(NAME, pseudonym(scene))
    assert exported(scene, "ratings") == json.loads(text)


def test_the_name_is_in_no_table_any_more(scene: Scene) -> None:
    assert all(word in everything() for word in (NAME, SIGN_IN, ADDRESS))
    erase(scene)
    rest = everything()
    assert [word for word in (NAME, SIGN_IN, ADDRESS) if word in rest] == []


def test_the_name_is_on_no_page_of_the_lead_and_the_admin(scene: Scene) -> None:
    erase(scene)
    for person in (scene.cast.lea, scene.cast.ada):
        asker = as_person(person)
        for address in addresses():
            if not address.is_api:
                for url in own_urls(address, scene.own):
                    assert NAME not in asker.ask(address, "GET", url).text


def test_what_they_wrote_goes_when_it_is_wished(scene: Scene) -> None:
    rater = Rater.objects.get(project=scene.own.project, user=scene.cast.ana)
    Flag.objects.create(
        round=scene.own.open_round, item=scene.own.open_items[0], rater=rater, reason="I know him"
    )
    labels = list(Rating.objects.order_by("pk").values_list("label", "revision", "is_current"))
    erase(scene)
    assert not Rating.objects.filter(assignment__rater=rater).exclude(rationale="").exists()
    assert not Draft.objects.filter(rater=rater).exclude(rationale="").exists()
    assert Flag.objects.get(rater=rater).reason == "(erased)"
    assert Rating.objects.filter(rationale=rationale("ben", "now")).exists()
    after = list(Rating.objects.order_by("pk").values_list("label", "revision", "is_current"))
    assert after == labels


def test_what_they_wrote_stays_when_it_is_wished(scene: Scene) -> None:
    erase(scene, blanks_texts=False)
    assert Rating.objects.filter(rationale=rationale("ana", "now")).exists()


def test_a_skip_stays_a_skip_and_a_flag_a_flag(scene: Scene) -> None:
    rater = Rater.objects.get(project=scene.own.project, user=scene.cast.ana)
    rows = Assignment.objects.filter(rater=rater, state="submitted").order_by("pk")[:2]
    for row, reason in zip(rows, ("flagged: his name is in it", "I know him"), strict=True):
        Assignment.objects.filter(pk=row.pk).update(skip_reason=reason)
    erase(scene)
    reasons = [Assignment.objects.get(pk=row.pk).skip_reason for row in rows]
    assert reasons == ["flagged: (erased)", "(erased)"]


def test_nothing_lets_them_in_any_more(scene: Scene) -> None:
    browser = Client()
    browser.force_login(scene.cast.ana)
    machine = Client(headers={"Authorization": f"Bearer {scene.secrets[Scope.RATE]}"})
    theirs, _ = builders.make_token(scene.own.project)
    ApiToken.objects.filter(pk=theirs.pk).update(made_by=scene.cast.ana)
    erase(scene)
    assert browser.get(reverse("home")).status_code == 302
    assert not Client().login(username=SIGN_IN, password=PASSWORD)
    assert machine.post("/api/v1/projects/support/rounds/1/next").status_code == 401
    theirs.refresh_from_db()
    assert theirs.revoked_at is not None
    assert not Membership.objects.filter(user=scene.cast.ana).exists()
    assert not Notice.objects.filter(user=scene.cast.ana).exists()


def test_their_address_goes_out_of_invitations_and_theirs_end(scene: Scene) -> None:
    project, ada = scene.own.project, scene.cast.ada
    for by in (ada, scene.cast.lea):
        invitations.invite(
            project=project,
            roles=[Role.RATER],
            expires_at=timezone.now(),
            by=by,
            email=ADDRESS.upper(),
        )
    Invitation.objects.filter(made_by=scene.cast.lea).update(made_by=scene.cast.ana)
    erase(scene)
    assert not Invitation.objects.exclude(email="").exists()
    assert not Invitation.objects.filter(made_by=scene.cast.ana, revoked_at=None).exists()


def test_the_trail_keeps_the_number_and_tells_who_erased_whom(scene: Scene) -> None:
    trail = list(AuditEvent.objects.order_by("pk").values())
    erase(scene)
    assert list(AuditEvent.objects.order_by("pk").values())[: len(trail)] == trail
    told = AuditEvent.objects.get(verb="person.erased")
    assert (told.actor, told.object_id) == (scene.cast.ada.actor, str(scene.cast.ana.pk))


@pytest.mark.parametrize("typed", ["", "anastasia", SIGN_IN.upper(), NAME])
def test_another_name_erases_nobody(scene: Scene, typed: str) -> None:
    with pytest.raises(Invalid):
        erase(scene, typed=typed)
    assert User.objects.filter(username=SIGN_IN, is_active=True).exists()
    assert Membership.objects.filter(user=scene.cast.ana).exists()


def test_nobody_erases_themselves(scene: Scene) -> None:
    with pytest.raises(Conflict):
        erasing.erase(
            user_id=scene.cast.ada.pk,
            typed="ada",
            blanks_texts=False,
            by=scene.cast.ada,
            now=timezone.now(),
        )


def test_who_is_in_a_project_of_others_is_not_erased_by_one_admin(scene: Scene) -> None:
    builders.join(scene.foreign.project, scene.cast.ana, Role.RATER)
    with pytest.raises(NotAllowed):
        erase(scene)


def test_who_has_left_can_still_be_erased(scene: Scene) -> None:
    Membership.objects.filter(user=scene.cast.ana).delete()
    page = as_person(scene.cast.ada).client.get(reverse("people", args=["support"]))
    assert NAME in page.content.decode()
    erase(scene)
    assert NAME not in everything()


def test_an_erased_person_is_nobody_to_act_on(scene: Scene) -> None:
    erase(scene)
    client = as_person(scene.cast.ada).client
    for name in ("person_account", "person_erase"):
        answer = client.get(reverse(name, args=["support", scene.cast.ana.pk]))
        assert answer.status_code == 404


def test_the_page_says_what_goes_and_takes_the_name_by_hand(scene: Scene) -> None:
    client = as_person(scene.cast.ada).client
    address = reverse("person_erase", args=["support", scene.cast.ana.pk])
    page = client.get(address).content.decode()
    assert "This cannot be undone" in page
    assert "reports and pieces of evidence" in page
    assert "Examples in guidelines and judge versions" in page.partition("What stays")[2]
    assert client.post(address, {"typed": "somebody"}).status_code == 422
    assert client.post(address, {"typed": SIGN_IN}).status_code == 302
    assert not User.objects.filter(username=SIGN_IN).exists()


def test_what_they_said_in_a_session_goes_too(scene: Scene) -> None:
    place = SessionItem.objects.first()
    assert place is not None
    comments = [
        SessionComment.objects.create(place=place, author=author, text=f"I am {author.username}")
        for author in (scene.cast.ana, scene.cast.ben)
    ]
    erase(scene)
    said = [SessionComment.objects.get(pk=one.pk).text for one in comments]
    assert said == ["(erased)", "I am ben"]
