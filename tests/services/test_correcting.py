"""A wrong text mended in an open round: the wording under its ratings, or the item anew."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from annotation.models import Assignment, Content, Correction, Flag, Item, Rating, SealedSet
from annotation.queries import health, labels
from annotation.rules import itemrows
from annotation.services import correcting, importing, withdrawing
from annotation.services.correcting import Texts
from annotation.states import AssignmentState, FlagOutcome, Part
from core.errors import Conflict, DomainError, Invalid
from core.models import AuditEvent
from tests import builders
from tests.builders import NOON
from tests.services.test_withdrawing import LATER, Scene, given_out

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene() -> Scene:
    return Scene()


def texts_of(item: Item) -> Texts:
    content = Content.objects.get(item=item)
    return Texts.of(content.body)


def correct(
    scene: Scene, texts: Texts, *, keep: bool = True, reason: str = "A typo.", note: str = ""
) -> correcting.Corrected:
    return correcting.correct(
        round_id=scene.round.pk,
        item_id=scene.item.pk,
        texts=texts,
        keep_answers=keep,
        reason=reason,
        note=note,
        by=scene.lea,
        now=NOON,
    )


def mended(scene: Scene, response: str = "Go to billing, and choose cancel.") -> Texts:
    return replace(texts_of(scene.item), responses=(response,))


def test_a_new_wording_keeps_the_ratings_and_the_old_text_beside_them(scene: Scene) -> None:
    scene.answered(*scene.raters[:2])
    old = texts_of(scene.item)
    assert correct(scene, mended(scene)) == correcting.Corrected(scene.item.pk, 2)
    assert texts_of(scene.item).responses == ("Go to billing, and choose cancel.",)
    before = Correction.objects.get().before
    assert before is not None
    assert Texts.of(before.body) == old
    assert len(labels.round_labels(round_id=scene.round.pk, dimension_key="accuracy")) == 2


def test_digests_are_those_of_the_corrected_text(scene: Scene) -> None:
    """As if the item had come in with it."""
    dataset = builders.make_dataset(scene.project, name="beside")
    correct(scene, replace(mended(scene), input="How may I cancel?"))
    source = io.BytesIO(
        b'{"id": "i1", "input": "How may I cancel?", '
        b'"response": "Go to billing, and choose cancel."}\n'
    )
    importing.import_items(dataset=dataset, source=source, name="a.jsonl", columns={}, actor="u1")
    mine = Item.objects.get(pk=scene.item.pk)
    like = Item.objects.get(dataset=dataset)
    for name in ("content_hash", "input_digest", "title"):
        assert getattr(mine, name) == getattr(like, name)
    digests = [item.responses.values_list("digest", "length").get() for item in (mine, like)]
    assert digests[0] == digests[1]
    assert mine.prompt_key == scene.item.prompt_key


def test_the_file_that_a_corrected_item_came_from_brings_nothing_new(scene: Scene) -> None:
    dataset = builders.make_dataset(scene.project, name="imported")
    row = b'{"id": "x", "input": "How?", "response": "So."}\n'
    source = {"name": "a.jsonl", "columns": {}, "actor": "u1"}
    importing.import_items(dataset=dataset, source=io.BytesIO(row), **source)  # type: ignore[arg-type]
    item = Item.objects.get(dataset=dataset)
    round_ = builders.make_round(
        dataset, scene.round.guideline_version, items=[item], raters=scene.raters, name="R2"
    )
    for keep in (True, False):
        correcting.correct(
            round_id=round_.pk,
            item_id=item.pk,
            texts=replace(texts_of(item), responses=(f"Like that ({keep}).",)),
            keep_answers=keep,
            reason="A typo.",
            by=scene.lea,
            now=NOON,
        )
        done = importing.import_items(dataset=dataset, source=io.BytesIO(row), **source)  # type: ignore[arg-type]
        assert (done.added, done.known) == (0, 1)


def test_a_new_meaning_is_an_item_of_its_own_that_everybody_may_rate(scene: Scene) -> None:
    scene.answered(*scene.raters[:2])
    made = correct(scene, mended(scene, "Write to support."), keep=False)
    fresh = Item.objects.get(pk=made.item_id)
    assert (fresh.external_id, fresh.cluster_key) == ("i1~2", scene.item.cluster_key)
    assert Correction.objects.get().successor == fresh
    assert fresh.pk in given_out(scene, scene.raters[0])
    old = Assignment.objects.filter(item=scene.item)
    assert set(old.values_list("state", flat=True)) == {AssignmentState.WITHDRAWN}
    assert Rating.objects.filter(assignment__in=old).count() == 2
    assert texts_of(scene.item).responses == ("Go to billing and choose cancel.",)
    assert health.counters_are_true().is_ok


def test_an_old_text_that_no_other_round_asks_about_is_out_of_the_dataset(scene: Scene) -> None:
    correct(scene, mended(scene), keep=False)
    assert Item.objects.get(pk=scene.item.pk).withdrawn_at == NOON


def test_an_old_text_that_another_round_asks_about_stays_for_it(scene: Scene) -> None:
    version = scene.round.guideline_version
    builders.make_round(scene.dataset, version, items=[scene.item], raters=[], name="Round 2")
    correct(scene, mended(scene), keep=False)
    assert Item.objects.get(pk=scene.item.pk).withdrawn_at is None


def test_an_item_whose_place_was_taken_does_not_come_back(scene: Scene) -> None:
    correct(scene, mended(scene), keep=False)
    with pytest.raises(Conflict, match="took this one's place"):
        withdrawing.take_back_item(
            withdrawal_id=scene.round.withdrawals.get().pk, by=scene.lea, now=LATER
        )


def test_a_second_correction_has_the_next_number(scene: Scene) -> None:
    first = Item.objects.get(pk=correct(scene, mended(scene), keep=False).item_id)
    second = correcting.correct(
        round_id=scene.round.pk,
        item_id=first.pk,
        texts=replace(texts_of(first), responses=("Once more.",)),
        keep_answers=False,
        reason="Still wrong.",
        by=scene.lea,
        now=LATER,
    )
    assert Item.objects.get(pk=second.item_id).external_id == "i1~3"


def test_a_correction_settles_what_was_reported_with_a_word_back(scene: Scene) -> None:
    flag = Flag.objects.create(
        round=scene.round, item=scene.item, rater=scene.raters[0], reason="Cut off."
    )
    correct(scene, mended(scene), note="Thank you, mended.")
    flag.refresh_from_db()
    assert (flag.outcome, flag.note) == (FlagOutcome.CORRECTED, "Thank you, mended.")
    assert flag.settled_at == NOON


def test_a_correction_is_recorded_with_both_digests(scene: Scene) -> None:
    before = scene.item.content_hash
    correct(scene, mended(scene), reason="A typo.")
    told = AuditEvent.objects.get(verb="round.item_corrected").data
    after = Item.objects.get(pk=scene.item.pk).content_hash
    assert (told["before"], told["after"], told["reason"]) == (before, after, "A typo.")


BAD = [
    ({}, {}, "different from what it was"),
    ({"input": ""}, {}, "cannot be empty"),
    ({"responses": ()}, {}, "every text"),
    ({"input": "x" * 500_001}, {}, "characters"),
    ({"input": "New?"}, {"reason": " "}, "Say why"),
]


@pytest.mark.parametrize(("change", "more", "sentence"), BAD)
def test_a_correction_that_cannot_be_is_refused_and_changes_nothing(
    scene: Scene, change: dict[str, object], more: dict[str, str], sentence: str
) -> None:
    before = texts_of(scene.item)
    with pytest.raises(Invalid, match=sentence):
        correct(scene, replace(before, **change), **more)  # type: ignore[arg-type]
    assert texts_of(Item.objects.get(pk=scene.item.pk)) == before


def test_how_a_browser_ends_lines_is_no_correction(scene: Scene) -> None:
    correct(scene, replace(texts_of(scene.item), input="One\nTwo"))
    with pytest.raises(Invalid, match="different"):
        correct(scene, replace(texts_of(scene.item), input="One\r\nTwo"))


def test_what_was_asked_does_not_change_in_a_dataset_with_a_sealed_part(scene: Scene) -> None:
    SealedSet.objects.create(dataset=scene.dataset)
    with pytest.raises(DomainError) as refusal:
        correct(scene, replace(texts_of(scene.item), input="Another question?"))
    assert refusal.value.code == "prompt_is_drawn"
    assert correct(scene, mended(scene)).item_id == scene.item.pk


def test_a_prompt_that_is_sealed_elsewhere_cannot_be_corrected_into(scene: Scene) -> None:
    hidden = builders.make_dataset(scene.project, name="hidden", share=0.5)
    SealedSet.objects.create(dataset=hidden)
    sealed = builders.make_item(hidden, external_id="s", input="Secret?", part=Part.SEALED)
    digest = itemrows.input_digest(
        itemrows.ItemDraft(
            row=1,
            external_id="s",
            kind="single",
            input="Secret?",
            responses=(),
            prompt_key="s",
            cluster_key="s",
        )
    )
    Item.objects.filter(pk=sealed.pk).update(input_digest=digest)
    with pytest.raises(DomainError) as refusal:
        correct(scene, replace(texts_of(scene.item), input="Secret?"))
    assert refusal.value.code == "sealed_elsewhere"


def test_an_item_whose_labels_are_evidence_keeps_its_text(scene: Scene) -> None:
    SealedSet.objects.create(dataset=scene.dataset, frozen_at=NOON)
    Item.objects.filter(pk=scene.item.pk).update(part=Part.SEALED)
    with pytest.raises(Conflict, match="has to stay"):
        correct(scene, mended(scene))
