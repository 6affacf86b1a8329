"""Erasing the texts of an item: what is refused, what is recorded, and no figure moves."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from annotation.models import (
    Assignment,
    Content,
    GoldLabel,
    GuidelineVersion,
    Item,
    Rating,
    ReferenceLabel,
)
from annotation.queries import texts
from annotation.services import itemerasing
from annotation.states import AssignmentState
from calibration.models import CalibrationReport
from core.errors import Conflict, Invalid
from core.models import AuditEvent
from judges.models import Attempt, Call, EvidenceSnapshot, JudgeLabel, JudgeVersion, Verdict
from judges.states import AttemptState, CallState
from tests import builders
from tests.guards.addresses import addresses, own_urls
from tests.guards.scene import Scene, make_scene
from tests.guards.walking import as_person
from tests.services.test_erasing import figures

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

TEXT = "zzq a text of the item"


@pytest.fixture
def scene() -> Scene:
    scene = make_scene()
    for rows in (scene.own, scene.foreign):
        Call.objects.filter(run=rows.running_run, state=CallState.WAITING).update(
            state=CallState.FINISHED, outcome="failed", finished_at=builders.NOON
        )
    return scene


def erase(scene: Scene, item: Item, *, reason: str = "She asked for it.") -> None:
    itemerasing.erase(item_id=item.pk, reason=reason, by=scene.cast.ada, now=timezone.now())


def free_item(scene: Scene) -> Item:
    """Rated, judged and reviewed; nobody holds it."""
    return scene.own.open_items[0]


def labels_of_everything() -> list[list[Any]]:
    """All that figures are made of, and figures that are kept."""
    kept = (
        (Rating, "assignment", "dimension", "revision", "is_current", "label", "created_at"),
        (ReferenceLabel, "item", "method", "version", "state", "label", "point", "ratings_digest"),
        (GoldLabel, "gold", "dimension_key", "label", "is_current"),
        (Verdict, "call", "dimension_key", "label", "confidence"),
        (JudgeLabel, "run", "item", "dimension_key", "label", "outcome", "is_consistent"),
        (
            Attempt,
            "call",
            "state",
            "outcome",
            "cost",
            "prompt_digest",
            "cache_key",
            "output_tokens",
        ),
        (Call, "run", "item", "state", "outcome", "is_cached"),
        (Assignment, "round", "item", "state", "slot", "rater", "submitted_at"),
        (Item, "external_id", "content_hash", "input_digest", "prompt_key", "part"),
        (EvidenceSnapshot, "gate", "numbers", "labels_digest", "verdicts_digest"),
        (CalibrationReport, "content", "labels_digest"),
    )
    return [list(model._default_manager.order_by("pk").values_list(*of)) for model, *of in kept]


def test_every_label_and_every_figure_stands(scene: Scene) -> None:
    item = free_item(scene)
    before, shown = labels_of_everything(), figures(scene)
    erase(scene, item)
    assert labels_of_everything() == before
    assert figures(scene) == shown


def test_digests_stay_in_the_row_and_in_the_audit_trail_without_a_text(scene: Scene) -> None:
    item = free_item(scene)
    Content.objects.filter(item=item).update(body={"input": TEXT, "responses": [TEXT]})
    erase(scene, item, reason="  She asked for it. ")
    item.refresh_from_db()
    assert item.content is not None
    assert item.content.body == {}
    assert item.content.erased_at is not None
    row = AuditEvent.objects.get(verb="item.texts_erased")
    assert (row.actor, row.object_id, row.project_id) == (
        scene.cast.ada.actor,
        str(item.pk),
        item.project_id,
    )
    assert row.data == {
        "item": item.external_id,
        "reason": "She asked for it.",
        "places_that_keep": 0,
        "content_hash": item.content_hash,
        "input_digest": item.input_digest,
        "responses": [response.digest for response in item.responses.all()],
    }


def test_the_second_time_is_a_sentence_and_no_second_event(scene: Scene) -> None:
    erase(scene, free_item(scene))
    with pytest.raises(Conflict, match=r"were erased on .* already") as refusal:
        erase(scene, Item.objects.get(pk=free_item(scene).pk))
    assert refusal.value.code == "texts_erased"
    assert AuditEvent.objects.filter(verb="item.texts_erased").count() == 1


def test_texts_that_were_erased_meanwhile_are_not_erased_again(scene: Scene) -> None:
    item = free_item(scene)
    Content.objects.filter(item=item).update(erased_at=builders.NOON)
    with pytest.raises(Conflict, match="meanwhile"):
        itemerasing.blank_texts([item.pk], timezone.now())


def test_a_reason_has_to_be_given(scene: Scene) -> None:
    with pytest.raises(Invalid):
        erase(scene, free_item(scene), reason=" ")
    assert not Content.objects.filter(erased_at__isnull=False).exists()


def test_an_item_without_texts_has_none_to_erase(scene: Scene) -> None:
    item = free_item(scene)
    Item.objects.filter(pk=item.pk).update(content=None)
    with pytest.raises(Conflict, match="only by its labels"):
        erase(scene, item)


def test_nothing_is_erased_under_the_eyes_of_a_rater(scene: Scene) -> None:
    lease = scene.own.own_lease
    with pytest.raises(Conflict, match="A rater has this item before them in the round") as refusal:
        erase(scene, lease.item)
    assert lease.round.name in refusal.value.sentence
    assert not Content.objects.filter(erased_at__isnull=False).exists()


def test_nothing_is_erased_while_a_judge_is_asked_about_it(scene: Scene) -> None:
    item = free_item(scene)
    call = Call.objects.filter(run=scene.own.running_run, item=item).latest("pk")
    Call.objects.filter(pk=call.pk).update(state=CallState.WAITING, outcome="", finished_at=None)
    with pytest.raises(Conflict, match=f"run {call.run_id} of"):
        erase(scene, item)


def test_nothing_is_erased_while_a_paid_answer_may_still_come(scene: Scene) -> None:
    """A call that was given up may have a request under way: its answer would be stored."""
    item = free_item(scene)
    late = Attempt.objects.filter(call__item=item)[:1].get()
    Attempt.objects.filter(pk=late.pk).update(state=AttemptState.SENT, outcome="", finished_at=None)
    with pytest.raises(Conflict, match="A judge is being asked"):
        erase(scene, item)


def test_an_answer_that_is_gone_is_nobodys_cache(scene: Scene) -> None:
    item = free_item(scene)
    Attempt.objects.filter(call__item=item).update(is_cache_source=True)
    erase(scene, item)
    assert not Attempt.objects.filter(call__item=item, is_cache_source=True).exists()


def test_a_sealed_item_is_erased_and_its_looks_stand(scene: Scene) -> None:
    before = list(EvidenceSnapshot.objects.values("numbers", "gate", "labels_digest"))
    sealed = scene.own.sealed_items[0]
    Assignment.objects.filter(item=sealed, state=AssignmentState.LEASED).update(
        state=AssignmentState.OPEN, lease_until=None, rater=None
    )
    Call.objects.filter(item=sealed).exclude(state=CallState.FINISHED).update(
        state=CallState.FINISHED, outcome="failed", finished_at=builders.NOON
    )
    erase(scene, sealed)
    assert list(EvidenceSnapshot.objects.values("numbers", "gate", "labels_digest")) == before


def test_versions_that_quote_the_item_are_named_and_stay(scene: Scene) -> None:
    item, text = free_item(scene), "A text that stands in a guideline and in a prompt."
    Content.objects.filter(item=item).update(body={"input": text, "responses": []})
    example = {"title": "", "is_good": True, "text": f"As here:\n{text}", "why": ""}
    GuidelineVersion.objects.filter(pk=scene.own.draft.pk).update(examples=[example])
    version = JudgeVersion.objects.get(pk=scene.own.versions[0].pk)
    spec = {**version.spec, "examples": [{"item": {"id": "x", "input": text}, "labels": []}]}
    JudgeVersion.objects.filter(pk=version.pk).update(spec=spec)
    said = texts.kept(item.pk)
    assert [one.split()[0] for one in said] == ["Guideline", "Judge"]
    assert scene.own.draft.guideline.name in said[0]
    assert f"{version.judge.name}, v{version.number}" in said[1]
    assert texts.kept(scene.own.open_items[1].pk) == []
    erase(scene, item)
    version.refresh_from_db()
    assert version.spec == spec
    assert AuditEvent.objects.get(verb="item.texts_erased").data["places_that_keep"] == 2


def test_every_page_about_items_still_opens(scene: Scene) -> None:
    erase(scene, free_item(scene))
    pages = [one for one in addresses() if not one.is_api and one.kwargs]
    for person in (scene.cast.ana, scene.cast.lea):
        asker = as_person(person)
        for url_of in pages:
            answers = [asker.ask(url_of, "GET", url) for url in own_urls(url_of, scene.own)]
            assert [one.what for one in answers if one.status >= 500] == []
