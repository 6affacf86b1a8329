"""The page that erases the texts of an item: who opens it, what it says, what it does."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from accounts.models import Project
from annotation.models import (
    Content,
    Correction,
    Dataset,
    GuidelineVersion,
    Rating,
    SealedSet,
)
from annotation.states import AssignmentState, Part
from core.models import AuditEvent
from tests import builders
from tests.cast import Cast, ClientFor
from tests.web.uploading import at

pytestmark = pytest.mark.django_db

TOKEN = re.compile(r"\b[A-Za-z0-9]{64}\b")
TEXT = "A text of somebody who wants it gone."


@pytest.fixture
def ada(client_for: ClientFor, cast: Cast) -> Client:
    return client_for(cast.ada)


def test_only_an_admin_is_led_to_it(ada: Client, lea: Client, dataset: Dataset) -> None:
    item = builders.make_item(dataset)
    link = at("item_erase", item.pk)
    assert link in ada.get(at("item", item.pk)).content.decode()
    assert link not in lea.get(at("item", item.pk)).content.decode()
    assert lea.get(link).status_code == 403
    assert lea.post(link, {"reason": "Gone."}).status_code == 403
    assert not Content.objects.filter(erased_at__isnull=False).exists()


def test_it_says_what_goes_and_what_stays_and_asks_why(ada: Client, dataset: Dataset) -> None:
    item = builders.make_item(dataset, input=TEXT)
    version = builders.make_guideline(dataset.project, name="Tone")
    GuidelineVersion.objects.filter(pk=version.pk).update(text=f"As here: {TEXT}")
    round_ = builders.make_round(dataset, version, items=[item], raters=(), name="Week <46>")
    page = ada.get(at("item_erase", item.pk)).content.decode()
    for said in (
        "This cannot be undone.",
        "rationales, drafts, reports",
        "raw answers and reasons",
        "calibration sessions and reviews",
        "Every label, verdict, decision, figure and report",
        "Guideline Tone 1.0 quotes it.",
        "Week &lt;46&gt;",
        "The audit trail",
        'name="reason"',
    ):
        assert said in page
    assert at("round", round_.pk) in page
    assert not AuditEvent.objects.filter(verb="item.texts_erased").exists()


def test_others_with_texts_of_their_own_are_named(ada: Client, dataset: Dataset) -> None:
    item = builders.make_item(dataset, external_id="q1")
    successor = builders.make_item(dataset, external_id="q1~2")
    far = builders.make_item(dataset, external_id="q9")
    Correction.objects.create(
        item=item, successor=successor, hash_before="0", reason="Wrong.", actor="u1"
    )
    for one, other in ((item, successor), (successor, item)):
        page = ada.get(at("item_erase", one.pk)).content.decode()
        assert at("item_erase", other.pk) in page
        assert at("item_erase", far.pk) not in page


def test_without_a_reason_nothing_is_erased(ada: Client, dataset: Dataset) -> None:
    item = builders.make_item(dataset)
    answer = ada.post(at("item_erase", item.pk), {"reason": " "})
    assert answer.status_code == 422
    assert "Say why, in a few words." in answer.content.decode()
    assert not Content.objects.filter(erased_at__isnull=False).exists()


def test_it_erases_and_the_item_says_so(ada: Client, dataset: Dataset) -> None:
    item = builders.make_item(dataset, input=TEXT)
    answer = ada.post(at("item_erase", item.pk), {"reason": "She asked for it."}, follow=True)
    page = answer.content.decode()
    assert answer.redirect_chain == [(at("item", item.pk), 302)]
    assert "The texts are erased. What was measured stands." in page
    assert "The texts of this item were erased on" in page
    assert TEXT not in page
    assert at("item_erase", item.pk) not in page
    assert AuditEvent.objects.get(verb="item.texts_erased").data["reason"] == "She asked for it."


def test_the_second_time_there_is_a_sentence_and_no_form(ada: Client, dataset: Dataset) -> None:
    item = builders.make_item(dataset)
    ada.post(at("item_erase", item.pk), {"reason": "Gone."})
    page = ada.get(at("item_erase", item.pk)).content.decode()
    assert "already" in page
    assert 'name="reason"' not in page
    again = ada.post(at("item_erase", item.pk), {"reason": "Gone."})
    assert again.status_code == 422
    assert "already" in again.content.decode()
    assert AuditEvent.objects.filter(verb="item.texts_erased").count() == 1


def test_while_a_rater_has_it_the_page_says_in_which_round(
    ada: Client, cast: Cast, dataset: Dataset
) -> None:
    item = builders.make_item(dataset)
    version = builders.make_guideline(dataset.project)
    rater = builders.rater_of(dataset.project, cast.ana)
    round_ = builders.make_round(dataset, version, items=[item], raters=[rater])
    slot = round_.assignments.earliest("pk")
    slot.state, slot.rater, slot.lease_until = AssignmentState.LEASED, rater, builders.NOON
    slot.save()
    page = ada.get(at("item_erase", item.pk)).content.decode()
    assert "until 12:00 UTC" in page
    assert 'name="reason"' not in page


def test_of_a_sealed_item_the_page_tells_no_label(
    ada: Client, cast: Cast, project: Project
) -> None:
    dataset = builders.make_dataset(project, name="Sealed", share=0.5)
    SealedSet.objects.create(dataset=dataset)
    item = builders.make_item(dataset, part=Part.SEALED)
    version = builders.make_guideline(dataset.project, keys=("accuracy",))
    rater = builders.rater_of(dataset.project, cast.ana)
    round_ = builders.make_round(dataset, version, items=[item], raters=[rater])
    builders.make_rating(round_, item, rater, labels={"accuracy": "3"})
    before = _without_tokens(ada.get(at("item_erase", item.pk)).content)
    Rating.objects.update(label="1", rationale="Because.")
    assert _without_tokens(ada.get(at("item_erase", item.pk)).content) == before
    assert ada.post(at("item_erase", item.pk), {"reason": "Gone."}).status_code == 302


def _without_tokens(page: bytes) -> str:
    return TOKEN.sub("", page.decode())
