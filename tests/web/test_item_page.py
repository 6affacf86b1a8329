"""One item as leads see it: what is shown, and what is never shown."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Project
from annotation.models import Dataset, Item, Rating, ReferenceLabel, Round, RoundRater
from annotation.services import datasets, reference
from annotation.states import Part, RoundKind, RoundState
from core import registry
from tests import builders
from tests.cast import Cast, ClientFor
from tests.web.uploading import at

pytestmark = pytest.mark.django_db

MARK = "marker-7f3a"


def rated_item(
    cast: Cast, dataset: Dataset, *, part: Part = Part.DEVELOPMENT
) -> tuple[Item, Round]:
    """An item whose label, rationale and rater carry a marker that no sealed page may hold."""
    item = builders.make_item(
        dataset, responses=("Go **there**.",), systems=("support-bot",), part=part
    )
    version = builders.make_guideline(dataset.project, keys=("accuracy",))
    raters = [builders.rater_of(dataset.project, person) for person in (cast.ana, cast.ben)]
    round_ = builders.make_round(
        dataset, version, items=[item], raters=raters, overlap=2, state=RoundState.CLOSED
    )
    for rater in raters:
        builders.make_rating(round_, item, rater, labels={"accuracy": "3"})
    Rating.objects.update(label=MARK)
    ReferenceLabel.objects.create(
        item=item,
        guideline=version.guideline,
        dimension_key="accuracy",
        major=1,
        method="plurality",
        state="decided",
        label=MARK,
        votes=2,
        ratings_digest="d",
    )
    return item, round_


def test_an_item_shows_texts_system_ratings_and_reference(
    lea: Client, cast: Cast, dataset: Dataset
) -> None:
    item, _ = rated_item(cast, dataset)
    answer = lea.get(at("item", item.pk))
    page = answer.content.decode()
    assert "<strong>there</strong>" in page
    assert "support-bot" in page
    assert page.count(MARK) == 3
    assert [row.rater for row in answer.context["labels"].tables[0].rows] == ["Ana", "Ben"]


@pytest.mark.parametrize("who", ["lea", "noor", "ada"])
def test_no_label_of_a_sealed_item_is_on_any_page(
    cast: Cast, client_for: ClientFor, project: Project, who: str
) -> None:
    sealed = datasets.create(project=project, name="s", share=0.5, actor="u1")
    item, _ = rated_item(cast, sealed, part=Part.SEALED)
    person = client_for(getattr(cast, who))
    for address in (at("item", item.pk), at("dataset", sealed.pk), at("datasets")):
        assert MARK not in person.get(address).content.decode()
    assert "nobody reads its labels" in person.get(at("item", item.pk)).content.decode()


def test_a_lead_who_rates_in_the_round_sees_neither_labels_nor_systems(
    lea: Client, cast: Cast, dataset: Dataset
) -> None:
    item, round_ = rated_item(cast, dataset)
    Round.objects.filter(pk=round_.pk).update(state=RoundState.OPEN)
    RoundRater.objects.create(round=round_, rater=builders.rater_of(dataset.project, cast.lea))
    page = lea.get(at("item", item.pk)).content.decode()
    assert MARK not in page
    assert "support-bot" not in page
    assert "You rate in a round that holds this item." in page


def test_ratings_of_a_session_wait_for_its_reveal(
    lea: Client, cast: Cast, dataset: Dataset
) -> None:
    item, round_ = rated_item(cast, dataset)
    ReferenceLabel.objects.all().delete()
    Round.objects.filter(pk=round_.pk).update(kind=RoundKind.SESSION)
    assert MARK not in lea.get(at("item", item.pk)).content.decode()
    Round.objects.filter(pk=round_.pk).update(revealed_at=builders.NOON)
    assert MARK in lea.get(at("item", item.pk)).content.decode()


def test_texts_cannot_bring_markup(lea: Client, dataset: Dataset) -> None:
    item = builders.make_item(
        dataset,
        external_id="<b>x</b>",
        input="<script>alert(1)</script>",
        responses=("<img src=x>",),
    )
    page = lea.get(at("item", item.pk)).content.decode()
    assert "<script>alert" not in page
    assert "<b>x</b>" not in page


def test_items_without_texts_and_erased_ones_say_so(lea: Client, dataset: Dataset) -> None:
    bare = builders.make_item(dataset, external_id="bare")
    Item.objects.filter(pk=bare.pk).update(content=None)
    erased = builders.make_item(dataset, external_id="erased")
    assert erased.content is not None
    erased.content.body, erased.content.erased_at = {}, builders.NOON
    erased.content.save()
    assert "known only by its labels" in lea.get(at("item", bare.pk)).content.decode()
    assert "were erased on 23 Nov 2026" in lea.get(at("item", erased.pk)).content.decode()


def test_hidden_items_are_not_there(lea: Client, dataset: Dataset) -> None:
    item = builders.make_item(dataset)
    builders.hide_in_import(item)
    assert lea.get(at("item", item.pk)).status_code == 404


def test_a_reference_label_is_shown_once_in_its_newest_version(
    lea: Client, cast: Cast, dataset: Dataset
) -> None:
    item, _ = rated_item(cast, dataset)
    ReferenceLabel.objects.all().delete()
    Rating.objects.update(label="2")
    reference.refresh(item_ids=[item.pk])
    Rating.objects.update(label="5")
    reference.refresh(item_ids=[item.pk])
    (shown,) = lea.get(at("item", item.pk)).context["labels"].reference
    assert (shown.version, shown.label) == (2, "pass")


def barred(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lead wrote a judge version."""
    monkeypatch.setitem(registry._bars, "judge authors", lambda _, user: user == cast.lea.pk)


@pytest.mark.parametrize("beside", [False, True])
def test_a_judge_author_reads_no_text_of_an_item_that_is_sealed_or_beside_one(
    lea: Client, cast: Cast, project: Project, monkeypatch: pytest.MonkeyPatch, beside: bool
) -> None:
    sealed = datasets.create(project=project, name="s", share=0.5, actor="u1")
    item, _ = rated_item(cast, sealed, part=Part.DEVELOPMENT if beside else Part.SEALED)
    if beside:
        builders.make_item(sealed, external_id="i2", part=Part.SEALED, cluster=item.cluster_key)
    Item.objects.filter(pk=item.pk).update(extra={"note": "an aside"})
    words = ("How do I cancel?", "<strong>there</strong>", "support-bot", "an aside")
    read = lea.get(at("item", item.pk)).content.decode()
    assert "How do I cancel?" in read
    assert "<strong>there</strong>" in read
    barred(cast, monkeypatch)
    closed = lea.get(at("item", item.pk)).content.decode()
    assert [word for word in words if word in closed] == []
    assert "i1" in closed


def test_a_judge_author_finds_no_sealed_item_by_its_words(
    lea: Client, cast: Cast, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = datasets.create(project=project, name="s", share=0.5, actor="u1")
    builders.make_item(sealed, external_id="a", input="Where is the key?", part=Part.SEALED)
    builders.make_item(sealed, external_id="b", input="Where is the door?")
    barred(cast, monkeypatch)
    page = lea.get(at("dataset", sealed.pk)).content.decode()
    assert "the door" in page
    assert "the key" not in page
    found = lea.get(at("dataset", sealed.pk), {"q": "Where is"}).context["page_obj"]
    assert [item.external_id for item in found] == ["b"]
    by_id = lea.get(at("dataset", sealed.pk), {"q": "a"}).context["page_obj"]
    assert [item.external_id for item in by_id] == ["a"]
