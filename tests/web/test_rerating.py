"""A guideline's new meaning: what it leaves behind, and a sample that is rated again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache
from django.urls import reverse

from accounts.models import Project, Rater
from annotation.models import Assignment, GuidelineVersion, Item, ReferenceLabel, Round
from annotation.queries import affected
from annotation.services import guidelines, laying, reference, rounds
from annotation.states import Part, RoundKind, RoundState
from core.errors import Invalid
from tests import builders
from tests.builders import NOON
from tests.rated import make_rated

if TYPE_CHECKING:
    from django.test import Client

    from tests.cast import Cast

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

RATED = ("444", "445", "333", "215")


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> None:
    cache.clear()


@pytest.fixture
def raters(project: Project, cast: Cast) -> list[Rater]:
    return [builders.rater_of(project, one) for one in (cast.ana, cast.ben, cast.cem)]


@pytest.fixture
def old(project: Project, raters: list[Rater]) -> Round:
    """Four rated items, the first of them sealed, and two that nobody rated."""
    made = make_rated(project, raters, RATED, sealed=1)
    for name in ("new-1", "new-2"):
        builders.make_item(made.dataset, external_id=name, input=f"{name}?")
    return made


@pytest.fixture
def drafted(old: Round, cast: Cast) -> GuidelineVersion:
    guideline = old.guideline_version.guideline
    return guidelines.new_draft(guideline=guideline, by=cast.lea)


def published(draft: GuidelineVersion, cast: Cast, *, is_major: bool = True) -> GuidelineVersion:
    return guidelines.publish(
        version_id=draft.pk, is_major=is_major, what_changed="Tone counts.", by=cast.lea, now=NOON
    )


def url_of(round_: Round, name: str = "guideline_rerate") -> str:
    return reverse(name, args=["support", round_.guideline_version.guideline_id])


def sent(round_: Round, raters: list[Rater], **more: object) -> dict[str, object]:
    return {
        "name": "Again",
        "dataset": round_.dataset_id,
        "sample": 2,
        "overlap": 3,
        "raters": [rater.pk for rater in raters],
        **more,
    }


def test_before_it_is_published_stands_what_a_major_version_leaves_behind(
    lea: Client, old: Round, drafted: GuidelineVersion
) -> None:
    text = lea.get(url_of(old, "guideline_publish")).content.decode()
    assert "A major version leaves behind 12 answers of 1 round" in text


def test_the_new_version_tells_it_and_leads_to_the_form(
    lea: Client, old: Round, drafted: GuidelineVersion, cast: Cast
) -> None:
    version = published(drafted, cast)
    text = lea.get(reverse("guideline_version", args=["support", version.pk])).content.decode()
    assert "12 answers" in text
    assert f'href="{url_of(old)}"' in text


def test_a_minor_version_leaves_nothing_behind(
    lea: Client, old: Round, drafted: GuidelineVersion, cast: Cast
) -> None:
    published(drafted, cast, is_major=False)
    assert "Nothing to rate again" in lea.get(url_of(old)).content.decode()


def test_one_form_sets_up_a_sample_of_what_was_rated_and_nothing_sealed(
    lea: Client, old: Round, drafted: GuidelineVersion, cast: Cast, raters: list[Rater]
) -> None:
    version = published(drafted, cast)
    answer = lea.post(url_of(old), sent(old, raters, sample=50))
    made = Round.objects.get(name="Again")
    assert answer["Location"] == reverse("round", args=["support", made.pk])
    assert (made.kind, made.guideline_version) == (RoundKind.RERATING, version)
    chosen = Item.objects.filter(round_items__round=made)
    assert {item.external_id for item in chosen} == {"i1", "i2", "i3"}
    assert not chosen.filter(part=Part.SEALED).exists()


def test_a_sample_has_the_wanted_size_and_is_drawn_by_a_seed(
    old: Round, drafted: GuidelineVersion, cast: Cast, raters: list[Rater], project: Project
) -> None:
    version = published(drafted, cast)

    def drawn(name: str, seed: str) -> set[int]:
        made = rounds.create(
            project=project,
            dataset=old.dataset,
            version=version,
            name=name,
            raters=raters,
            by=cast.lea,
            sample=2,
            kind=RoundKind.RERATING,
            seed=seed,
        )
        return set(made.round_items.values_list("item_id", flat=True))

    first = drawn("one", "a")
    assert len(first) == 2
    assert drawn("two", "a") == first
    assert any(drawn(f"by {seed}", seed) != first for seed in "bcdefgh")


def test_what_is_rated_again_makes_no_human_label(
    lea: Client, old: Round, drafted: GuidelineVersion, cast: Cast, raters: list[Rater]
) -> None:
    published(drafted, cast)
    lea.post(url_of(old), sent(old, raters))
    made = Round.objects.get(name="Again")
    Round.objects.filter(pk=made.pk).update(state=RoundState.OPEN)
    item = Item.objects.filter(round_items__round=made)[0]
    for rater in raters:
        builders.make_rating(made, item, rater, labels=dict.fromkeys(builders.FOUR, "4"))
    reference.refresh(item_ids=[item.pk])
    assert not ReferenceLabel.objects.filter(major=2).exists()


def again(
    version: GuidelineVersion, old: Round, raters: list[Rater], given: dict[str, str]
) -> Round:
    """A sample rated again: for each item by its id a digit a rater, on every dimension."""
    items = [Item.objects.get(external_id=name) for name in given]
    made = builders.make_round(
        old.dataset, version, items=items, raters=raters, name="Again", kind=RoundKind.RERATING
    )
    keys = version.dimensions.values_list("key", flat=True)
    for item, labels in zip(items, given.values(), strict=True):
        for rater, label in zip(raters, labels, strict=False):
            builders.make_rating(made, item, rater, labels=dict.fromkeys(keys, label))
    return made


def moved_on(page: str) -> dict[str, list[str]]:
    """The cells of the table by dimension, without their markup."""
    table = page.partition("Labels that moved, by dimension")[2].partition("</table>")[0]
    rows = re.findall(r'<th scope="row"><bdi>(\w+)</bdi></th>(.*?)</tr>', table, flags=re.DOTALL)
    return {
        name: [
            re.sub(r"<[^>]+>", "", cell).strip()
            for cell in re.findall(r"<td[^>]*>(.*?)</td>", rest, flags=re.DOTALL)
        ]
        for name, rest in rows
    }


def test_the_page_of_the_new_ratings_tells_how_many_labels_moved(
    lea: Client, old: Round, drafted: GuidelineVersion, cast: Cast, raters: list[Rater]
) -> None:
    """Before, by the cut at 4: i1 passes (445), i2 fails (333), i3 (215) fails. Now i1 fails, i2
    fails still, and i3 has a single rating."""
    version = published(drafted, cast)
    made = again(version, old, raters, {"i1": "222", "i2": "233", "i3": "2"})
    path = reverse("round_agreement", args=["support", made.pk])
    found = moved_on(lea.get(path).content.decode())
    assert set(found) == {"Accuracy", "Completeness", "Clarity", "Safety"}
    share, items, open_items = found["Accuracy"]
    assert share.startswith("50.0")
    assert "[" in share
    assert (items, open_items) == ("2", "1")


def test_nothing_is_said_of_labels_by_another_scale(
    lea: Client, old: Round, drafted: GuidelineVersion, cast: Cast, raters: list[Rater]
) -> None:
    drafted.dimensions.filter(key="clarity").update(cut="3")
    version = published(drafted, cast)
    made = again(version, old, raters, {"i1": "222"})
    path = reverse("round_agreement", args=["support", made.pk])
    found = moved_on(lea.get(path).content.decode())
    assert "the scale is another one" in found["Clarity"][0]
    assert found["Accuracy"][0].startswith("100.0")


def test_an_ordinary_round_says_nothing_of_labels_that_moved(lea: Client, old: Round) -> None:
    path = reverse("round_agreement", args=["support", old.pk])
    assert "Labels that moved" not in lea.get(path).content.decode()


def test_a_dataset_without_anything_rated_before_is_refused(
    project: Project,
    old: Round,
    drafted: GuidelineVersion,
    cast: Cast,
    raters: list[Rater],
) -> None:
    version = published(drafted, cast)
    Assignment.objects.filter(round=old).update(state="withdrawn")
    with pytest.raises(Invalid, match="was rated by an earlier major version"):
        rounds.create(
            project=project,
            dataset=old.dataset,
            version=version,
            name="Again",
            raters=raters,
            by=cast.lea,
            kind=RoundKind.RERATING,
        )


def test_only_datasets_that_somebody_rated_are_offered(
    old: Round, drafted: GuidelineVersion, cast: Cast, raters: list[Rater]
) -> None:
    idle = builders.make_dataset(old.project, name="idle")
    item = builders.make_item(idle, external_id="idle-1")
    builders.make_round(idle, old.guideline_version, items=[item], raters=raters, name="Idle")
    version = published(drafted, cast)
    assert list(affected.datasets_rated_before(version)) == [old.dataset]


def test_rounds_that_nobody_rated_in_hide_none_that_somebody_did(
    lea: Client,
    old: Round,
    drafted: GuidelineVersion,
    cast: Cast,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(affected, "SHOWN_ROUNDS", 2)
    for n in range(3):
        builders.make_round(
            old.dataset, old.guideline_version, items=[], raters=[], name=f"Idle {n}"
        )
    version = published(drafted, cast)
    found = affected.affected(version.guideline, before=version.major)
    assert [card.round for card in found.cards] == [old]
    assert (found.ratings, found.more) == (12, 0)


def test_more_items_come_from_what_was_rated_before_too(
    lea: Client, old: Round, drafted: GuidelineVersion, cast: Cast, raters: list[Rater]
) -> None:
    published(drafted, cast)
    lea.post(url_of(old), sent(old, raters))
    made = Round.objects.select_related("dataset", "guideline_version").get(name="Again")
    assert laying.add_items(round_id=made.pk, by=cast.lea) == 1


@pytest.mark.parametrize("more", [{"sample": 0}, {"name": ""}, {"dataset": "x"}, {"raters": []}])
def test_nonsense_is_told_beside_its_field(
    lea: Client,
    old: Round,
    drafted: GuidelineVersion,
    cast: Cast,
    raters: list[Rater],
    more: dict[str, object],
) -> None:
    published(drafted, cast)
    assert lea.post(url_of(old), {**sent(old, raters), **more}).status_code == 422
    assert Round.objects.count() == 1
