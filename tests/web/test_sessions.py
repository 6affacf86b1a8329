"""The pages of calibration sessions: who sees what in which state, forms, the to-do list."""

from __future__ import annotations

import re

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import User
from accounts.roles import Role, Scope
from annotation.models import Rating
from annotation.services import guidelines
from calibration.models import CalibrationSession, ClauseNote, SessionComment, Settlement
from calibration.services import sessions, sessiontalk
from calibration.states import SessionState
from core import registry
from core.registry import ExportScope
from tests import builders
from tests.sessions import LATER, Scene

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

WHY = "zz-why-they-said-so"
STAFF = ("lea", "noor", "ada")


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> None:
    cache.clear()


@pytest.fixture
def scene() -> Scene:
    return Scene()


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url(scene: Scene, name: str, *more: object) -> str:
    return reverse(name, args=["support", scene.session.pk, *more])


def item_url(scene: Scene, number: int = 0, name: str = "session_item", *more: object) -> str:
    return url(scene, name, scene.items[number].pk, *more)


def status(scene: Scene, who: str, address: str) -> int:
    return as_(getattr(scene, who)).get(address).status_code


def read(user: User, address: str) -> str:
    answer = as_(user).get(address)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def with_reasons() -> None:
    Rating.objects.update(rationale=WHY)


def test_a_draft_is_for_staff(scene: Scene) -> None:
    found = {who: status(scene, who, url(scene, "session")) for who in ("ana", "cem", *STAFF)}
    assert found == {"ana": 404, "cem": 404, "lea": 200, "noor": 200, "ada": 200}


def test_before_the_reveal_nobody_reads_anything_by_item(scene: Scene) -> None:
    round_ = scene.start()
    scene.rate(round_, scene.ana, scene.ben)
    with_reasons()
    for who in ("ana", *STAFF):
        page = read(getattr(scene, who), url(scene, "session"))
        assert "2 of 3</span> people are through" in page
        assert WHY not in page
        assert "alpha" not in page.lower()
        assert status(scene, who, item_url(scene)) == 404
    assert status(scene, "cem", url(scene, "session")) == 404


def test_before_the_reveal_nothing_leaves_by_export_or_api(scene: Scene) -> None:
    round_ = scene.start()
    scene.rate(round_, scene.ana, scene.ben)
    with_reasons()
    scope = ExportScope(project_id=scene.project.pk)
    for name in ("ratings", "labels"):
        assert list(registry.export_tables()[name].rows(scope)) == []
    _, secret = builders.make_token(scene.project, scopes=[Scope.READ])
    client = Client(headers={"authorization": f"Bearer {secret}"})
    for address in ("ratings/", "agreement/", f"rounds/{round_.pk}/agreement/"):
        answer = client.get(f"/api/v1/projects/support/{address}")
        assert WHY not in answer.content.decode()
        if "agreement" in address:
            assert answer.status_code == 404
        else:
            assert answer.json().get("results", []) == []


def test_after_the_reveal_its_ratings_leave_by_export(scene: Scene) -> None:
    scene.revealed()
    rows = list(registry.export_tables()["ratings"].rows(ExportScope(project_id=scene.project.pk)))
    assert len(rows) == 8


def test_after_the_reveal_the_item_stands_side_by_side(scene: Scene) -> None:
    scene.revealed()
    with_reasons()
    for who in ("ana", *STAFF):
        page = read(getattr(scene, who), item_url(scene))
        assert page.count(WHY) == 2
        assert "Ana" in page
        assert "Ben" in page
    assert status(scene, "cem", item_url(scene)) == 404


def test_a_participant_who_did_not_rate_reads_nothing_of_it(scene: Scene) -> None:
    round_ = scene.start()
    scene.rate(round_, scene.ana)
    with_reasons()
    scene.reveal()
    page = read(scene.ben, item_url(scene))
    assert "You did not rate this item before the reveal" in page
    assert WHY not in page
    assert "Question 0?" not in page
    assert "hidden from you" in read(scene.ben, url(scene, "session"))
    assert (
        as_(scene.ben).post(item_url(scene, 0, "session_comment"), {"text": "x"}).status_code == 404
    )


def test_the_second_round_is_blind_until_the_close(scene: Scene) -> None:
    scene.revealed()
    second = scene.second()
    scene.rate(second, scene.ana, scene.ben)
    fresh = second.round_items.earliest("pk").item_id
    for who in ("ana", *STAFF):
        assert status(scene, who, url(scene, "session_item", fresh)) == 404
        assert "fresh items" not in read(getattr(scene, who), url(scene, "session"))
    sessions.close(session_id=scene.session.pk, by=scene.lea, now=LATER)
    assert status(scene, "ana", url(scene, "session_item", fresh)) == 200
    page = read(scene.lea, url(scene, "session"))
    assert "fresh items" in page
    assert "cannot tell" in page


def test_only_leads_move_a_session_on(scene: Scene) -> None:
    names = ("session_start", "session_reveal", "session_second", "session_close")
    for name in names:
        for who in ("ana", "noor", "ada"):
            assert as_(getattr(scene, who)).post(url(scene, name)).status_code == 403


def test_a_lead_sets_up_starts_and_reveals_by_the_pages(scene: Scene) -> None:
    lea = as_(scene.lea)
    new = reverse("session_new", args=["support"])
    assert lea.post(new, {}).status_code == 422
    sent = {
        "name": "Wednesday", "version": scene.version.pk, "people": [scene.ana.pk, scene.ben.pk],
        "how": "hand", "dataset": scene.dataset.pk, "ids": "i3\n\n i4 \n",
    }  # fmt: skip
    wrong = lea.post(new, {**sent, "ids": "i3\nnone"})
    assert wrong.status_code == 422
    assert "none" in wrong.content.decode()
    assert lea.post(new, sent).status_code == 302
    made = CalibrationSession.objects.get(name="Wednesday")
    scene.session = made
    assert lea.get(url(scene, "session_edit")).status_code == 200
    assert lea.post(url(scene, "session_edit"), {**sent, "ids": "i5\ni4"}).status_code == 302
    assert lea.post(url(scene, "session_start")).status_code == 302
    assert lea.get(url(scene, "session_reveal")).status_code == 200
    assert lea.post(url(scene, "session_reveal")).status_code == 302
    assert lea.post(url(scene, "session_reveal")).status_code == 409
    made.refresh_from_db()
    assert made.state == SessionState.REVEALED
    few = lea.post(url(scene, "session_second"), {"version": scene.version.pk, "count": 99})
    assert few.status_code == 422
    assert "fresh" in few.content.decode()
    done = lea.post(url(scene, "session_second"), {"version": scene.version.pk, "count": 1})
    assert done.status_code == 302
    assert lea.post(url(scene, "session_close")).status_code == 302


def test_talk_settle_and_note_on_the_item_page(scene: Scene) -> None:
    scene.revealed()
    ana, lea, noor = as_(scene.ana), as_(scene.lea), as_(scene.noor)
    said = ana.post(item_url(scene, 0, "session_comment"), {"text": "@lea I see it so."})
    assert said.status_code == 302
    assert "You were mentioned" in read(scene.lea, url(scene, "session"))
    assert ana.post(item_url(scene, 0, "session_comment"), {"text": " "}).status_code == 422
    settle = item_url(scene, 0, "session_settle", "accuracy")
    answer = {
        "settle-accuracy-label": "3", "settle-accuracy-reason": "So.", "settle-accuracy-seen": "0"
    }  # fmt: skip
    assert ana.post(settle, answer).status_code == 403
    assert noor.post(settle, answer).status_code == 302
    stale = lea.post(settle, answer)
    assert stale.status_code == 422
    assert "Somebody settled this meanwhile" in stale.content.decode()
    clause = {"line": "1", "note": "Say for whom."}
    assert ana.post(item_url(scene, 0, "session_clause"), clause).status_code == 302
    assert ana.post(item_url(scene, 0, "session_clause"), {"line": "7"}).status_code == 422
    counts = (SessionComment, Settlement, ClauseNote)
    assert [model.objects.count() for model in counts] == [1, 1, 1]


def test_who_is_named_on_a_hidden_item_reads_that_and_not_what_was_said(scene: Scene) -> None:
    round_ = scene.start()
    scene.rate(round_, scene.ana)
    scene.reveal()
    said = "I gave it a four."
    for name in ("ben", "noor"):
        sessiontalk.comment(place_id=scene.place().pk, text=f"@{name} {said}", by=scene.ana)
    builders.make_round(
        scene.dataset, scene.version, items=scene.items[:1], raters=[scene.rater(scene.lea)],
        name="Later",
    )  # fmt: skip
    sessiontalk.comment(place_id=scene.place().pk, text=f"@lea {said}", by=scene.ana)
    for who, is_told in (("ben", False), ("lea", False), ("noor", True)):
        page = read(getattr(scene, who), url(scene, "session"))
        assert "You were mentioned" in page
        assert (said in page) == is_told, who


def test_the_to_do_list_and_its_ticks(scene: Scene) -> None:
    scene.revealed()
    note = sessiontalk.note_clause(
        place_id=scene.place().pk, line=1, note="Say for whom.", by=scene.ana
    )
    address = reverse("guideline_todo", args=["support", scene.version.guideline_id])
    mark = reverse("guideline_todo_mark", args=["support", scene.version.guideline_id, note.pk])
    assert "Say for whom." in read(scene.noor, address)
    assert as_(scene.ana).get(address).status_code == 403
    assert as_(scene.noor).post(mark, {"done": "1"}).status_code == 403
    assert as_(scene.lea).post(mark, {"done": "1"}).status_code == 302
    assert "Say for whom." not in read(scene.lea, f"{address}?state=open")
    beside = as_(scene.lea).post(mark, {"done": "0"}, headers={"HX-Request": "true"})
    assert beside.status_code == 200
    assert "<html" not in beside.content.decode()
    assert "to do" in beside.content.decode()


def test_the_trend_shows_revealed_rounds_only(scene: Scene) -> None:
    trend = reverse("session_trend", args=["support"])
    scene.start()
    assert "Nothing is revealed yet" in read(scene.lea, trend)
    scene.rate(scene.session.first_round, scene.ana, scene.ben)  # type: ignore[arg-type]
    scene.reveal()
    page = read(scene.lea, trend)
    assert "Tuesday" in page
    assert "chosen" in page
    assert "Helpfulness: Accuracy" in page
    assert ">Clarity<" in page, "one guideline needs no name in the tabs"


@pytest.mark.parametrize(("is_major", "number"), [(True, "2.0"), (False, "1.1")])
def test_no_line_joins_sessions_by_another_meaning_of_the_guideline(
    scene: Scene, is_major: bool, number: str
) -> None:
    scene.revealed()
    draft = guidelines.new_draft(guideline=scene.version.guideline, by=scene.lea)
    version = guidelines.publish(
        version_id=draft.pk, is_major=is_major, what_changed="Tone counts.", by=scene.lea, now=LATER
    )
    scene.session = sessions.create(
        project=scene.project, dataset=scene.dataset, version=version, name="Wednesday",
        items=[item.pk for item in scene.items[3:5]], people=[scene.ana, scene.ben], by=scene.lea,
    )  # fmt: skip
    scene.revealed()
    page = read(scene.lea, reverse("session_trend", args=["support"]))
    assert f"by {number}" in page
    assert ("plot__link" in page) is not is_major
    assert ("do not compare" in page) is is_major


def test_agreement_below_chance_is_drawn_below_zero(scene: Scene) -> None:
    """Ana says 4 of both items and ben 2: alpha is −0.5."""
    scene.revealed()
    page = read(scene.lea, reverse("session_trend", args=["support"]))
    assert "\N{MINUS SIGN}0.50 <span" in page
    assert "Drawn from \N{MINUS SIGN}0.6 to 1" in page


def test_my_sessions_on_the_first_page(scene: Scene) -> None:
    mine = reverse("my_sessions")
    assert "You take part in no session" in read(scene.ana, mine)
    scene.start()
    assert "Tuesday" in read(scene.ana, mine)
    assert "Tuesday" not in read(scene.cem, mine)
    home = as_(scene.cem).get(mine, headers={"HX-Request": "true"})
    assert "<section" not in home.content.decode()
    assert f'hx-get="{mine}"' in read(scene.ana, "/")


def test_a_lead_who_takes_part_rates_in_the_workbench(scene: Scene) -> None:
    round_ = scene.start()
    rate = reverse("rate", args=["support", round_.pk])
    assert as_(scene.lea).get(rate).status_code == 200
    assert as_(scene.noor).get(rate).status_code == 403
    other = builders.join(scene.project, builders.make_user(username="lou"), Role.LEAD)
    assert as_(other).get(rate).status_code == 404


def test_pages_ask_no_more_with_more_items(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    scene = Scene(items_count=30)
    sessions.change(
        session_id=scene.session.pk, dataset=scene.dataset, version=scene.version, name="Big",
        items=[item.pk for item in scene.items], people=[scene.ana, scene.ben], by=scene.lea,
    )  # fmt: skip
    round_ = scene.start()
    scene.rate(round_, scene.ana, scene.ben)
    scene.reveal()
    client = as_(scene.lea)
    client.get(url(scene, "session"))
    with django_assert_max_num_queries(50):
        client.get(url(scene, "session"))
    with django_assert_max_num_queries(45):
        client.get(item_url(scene))
