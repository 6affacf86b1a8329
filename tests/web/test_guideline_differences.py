"""Two versions of a guideline side by side: what the page says, and who reads it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Project
from annotation.models import Guideline, GuidelineVersion
from annotation.queries import guidelines as queries
from annotation.services import guidelines
from tests import builders
from tests.builders import NOON
from tests.cast import Cast, ClientFor

pytestmark = pytest.mark.django_db


@pytest.fixture
def first(project: Project) -> GuidelineVersion:
    return builders.make_guideline(project)


def follow(first: GuidelineVersion, cast: Cast, *, text: str, cut: str = "4") -> GuidelineVersion:
    """A draft after the first version: another text, and perhaps another cut."""
    draft = guidelines.new_draft(guideline=first.guideline, by=cast.lea)
    return guidelines.save_draft(
        version_id=draft.pk,
        text=text,
        examples=[],
        dimensions=[replace(spec, cut=cut) for spec in queries.specs_of(first)],
        what_changed="Says whose matter it is.",
        by=cast.lea,
    )


def publish(draft: GuidelineVersion, cast: Cast, *, is_major: bool = False) -> GuidelineVersion:
    return guidelines.publish(version_id=draft.pk, is_major=is_major, by=cast.lea, now=NOON)


def ask(client: Client, guideline: Guideline, query: str = "") -> Any:
    address = reverse("guideline_differences", args=["support", guideline.pk])
    return client.get(address + query)


def rate_by(version: GuidelineVersion, cast: Cast) -> None:
    project = version.guideline.project
    builders.make_round(
        builders.make_dataset(project),
        version,
        items=(),
        raters=[builders.rater_of(project, cast.ana)],
    )


def test_a_changed_word_stands_marked_on_both_sides(
    lea: Client, cast: Cast, first: GuidelineVersion
) -> None:
    publish(follow(first, cast, text="Rate what the answer does for the person who asked."), cast)

    shown = ask(lea, first.guideline).content.decode()

    assert "<del>response</del>" in shown
    assert "<ins>answer</ins>" in shown
    assert "a minor version" in shown
    assert "Says whose matter it is." in shown


def test_a_major_version_says_that_labels_are_not_compared(
    lea: Client, cast: Cast, first: GuidelineVersion
) -> None:
    publish(follow(first, cast, text="Rate.", cut="3"), cast, is_major=True)

    shown = ask(lea, first.guideline, "?before=1.0&after=2.0").content.decode()

    assert "a major version" in shown
    assert "“accuracy” has another cut" in shown
    assert "changes the meaning" in shown


def test_a_draft_says_that_it_has_to_be_a_major_version(
    lea: Client, cast: Cast, first: GuidelineVersion
) -> None:
    follow(first, cast, text="Rate.", cut="3")
    assert "this has to be a major version" in ask(lea, first.guideline).content.decode()


def test_the_first_version_is_held_against_the_next(
    lea: Client, cast: Cast, first: GuidelineVersion
) -> None:
    follow(first, cast, text="Rate.")
    shown = ask(lea, first.guideline, "?after=1.0")
    assert (shown.context["before"].number, shown.context["after"].number) == ("1.1", "1.0")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("?before=9.9", "There is no version 9.9."),
        ("?before=1.0&after=1.0", "Choose two versions that are not the same."),
    ],
)
def test_a_choice_that_cannot_be_is_refused_with_a_sentence(
    lea: Client, cast: Cast, first: GuidelineVersion, query: str, sentence: str
) -> None:
    follow(first, cast, text="Rate.")
    answer = ask(lea, first.guideline, query)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()


def test_one_version_alone_says_that_there_is_nothing_to_compare(
    lea: Client, first: GuidelineVersion
) -> None:
    assert "Nothing to compare yet" in ask(lea, first.guideline).content.decode()


def test_versions_that_read_alike_say_so(lea: Client, cast: Cast, first: GuidelineVersion) -> None:
    follow(first, cast, text=first.text)
    assert "are the same in both" in ask(lea, first.guideline).content.decode()


def test_what_is_written_is_no_markup(lea: Client, cast: Cast, first: GuidelineVersion) -> None:
    follow(first, cast, text="<script>alert(1)</script>")
    shown = ask(lea, first.guideline).content.decode()
    assert "<script>alert" not in shown
    assert "&lt;script&gt;" in shown


def test_a_rater_reads_what_changed_in_a_guideline_that_they_rate_by(
    cast: Cast, client_for: ClientFor, first: GuidelineVersion
) -> None:
    rate_by(first, cast)
    publish(follow(first, cast, text="Rate."), cast)
    assert ask(client_for(cast.ana), first.guideline).status_code == 200


def test_a_rater_reads_no_draft(cast: Cast, client_for: ClientFor, first: GuidelineVersion) -> None:
    rate_by(first, cast)
    follow(first, cast, text="A secret for now.")
    ana = client_for(cast.ana)
    assert b"Nothing to compare yet" in ask(ana, first.guideline).content
    assert b"secret" not in ask(ana, first.guideline, "?before=1.0&after=1.1").content


def test_a_rater_finds_no_guideline_that_they_do_not_rate_by(
    cast: Cast, client_for: ClientFor, first: GuidelineVersion
) -> None:
    assert ask(client_for(cast.ana), first.guideline).status_code == 404


def test_the_history_leads_to_the_differences(
    lea: Client, cast: Cast, first: GuidelineVersion
) -> None:
    follow(first, cast, text="Rate.")
    address = reverse("guideline_differences", args=["support", first.guideline_id])
    for name, number in (("guideline", first.guideline_id), ("guideline_version", first.pk)):
        assert address in lea.get(reverse(name, args=["support", number])).content.decode()
