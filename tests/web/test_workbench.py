"""The workbench over HTTP: page and fragment, refusals, blindness, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import Project, Rater
from accounts.roles import Role
from annotation.forms.rating import PREFIX
from annotation.models import (
    Assignment,
    Dimension,
    Draft,
    Flag,
    GuidelineVersion,
    Rating,
    Round,
    RoundRater,
)
from annotation.queries import progress
from annotation.services import claim
from annotation.states import AssignmentState, RationaleRule, RoundState
from tests import builders

pytestmark = pytest.mark.django_db

FOURS = {PREFIX + key: "4" for key in builders.FOUR}
HTMX = {"HX-Request": "true"}


@dataclass
class Desk:
    """A rater at the workbench of one round."""

    project: Project
    round: Round
    rater: Rater
    client: Client

    def url(self, name: str, row: Assignment | None = None) -> str:
        return reverse(name, args=[self.project.slug, row.pk if row else self.round.pk])

    def row(self) -> Assignment:
        """The assignment that is at hand."""
        given = claim.next_slot(round_id=self.round.pk, rater_id=self.rater.pk, now=timezone.now())
        assert given.assignment_id is not None
        return Assignment.objects.get(pk=given.assignment_id)


@pytest.fixture
def project() -> Project:
    return builders.make_project()


def make_rater(project: Project, name: str) -> tuple[Rater, Client]:
    user = builders.join(project, builders.make_user(username=name), Role.RATER)
    client = Client()
    client.force_login(user)
    return builders.rater_of(project, user), client


def make_desk(project: Project, *, pairwise: bool = False, overlap: int = 2) -> Desk:
    rater, client = make_rater(project, "ana")
    dataset = builders.make_dataset(project)
    items = [
        builders.make_pair(dataset, external_id=f"ext-{n}")
        if pairwise
        else builders.make_item(
            dataset, external_id=f"ext-{n}", input=f"Question {n}", systems=("sys-alpha",)
        )
        for n in range(3)
    ]
    version = builders.make_guideline(project, pairwise=pairwise)
    round_ = builders.make_round(dataset, version, items=items, raters=[rater], overlap=overlap)
    return Desk(project, round_, rater, client)


@pytest.fixture
def desk(project: Project) -> Desk:
    return make_desk(project)


def test_the_page_shows_item_rubric_and_guideline(desk: Desk) -> None:
    GuidelineVersion.objects.update(
        examples=[{"title": "Short and right", "is_good": True, "text": "Yes.", "why": "It is."}]
    )
    page = desk.client.get(desk.url("rate"))
    text = page.content.decode()
    for words in ("Question ", "Go to billing", "Accuracy", "anchor 3", "1 of 3"):
        assert words in text
    assert "Rate what the response does" in text
    assert "Short and right" in text


def test_a_long_round_shows_the_place_without_an_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "COUNTED", 1)
    text = desk.client.get(desk.url("rate")).content.decode()
    assert "Item 1<" in text
    assert "Item 1 of" not in text
    assert "many left" in desk.client.get(reverse("home")).content.decode()


def test_nothing_is_chosen_beforehand(desk: Desk) -> None:
    assert b" checked" not in desk.client.get(desk.url("rate")).content


def test_the_page_is_blind(desk: Desk) -> None:
    ben, _ = make_rater(desk.project, "ben")
    row = desk.row()
    Dimension.objects.update(rationale=RationaleRule.OPTIONAL)
    other = builders.make_rating(desk.round, row.item, ben, labels={"accuracy": "2"})
    Rating.objects.filter(assignment=other).update(rationale="marker of another rater")
    text = desk.client.get(desk.url("rate")).content.decode()
    for secret in ("sys-alpha", "ext-", "marker of another rater", "Ben"):
        assert secret not in text
    assert " checked" not in text


@pytest.mark.parametrize("is_swapped", [False, True])
def test_a_pair_is_headed_a_and_b_in_the_raters_order(project: Project, is_swapped: bool) -> None:
    desk = make_desk(project, pairwise=True)
    Assignment.objects.filter(pk=desk.row().pk).update(is_swapped=is_swapped)
    text = desk.client.get(desk.url("rate")).content.decode()
    first, second = text.index("Cancel under billing."), text.index("Write to support.")
    assert (first > second) is is_swapped
    assert "beta" not in text


def test_a_submit_gives_the_next_item_in_the_same_response(desk: Desk) -> None:
    row = desk.row()
    answer = desk.client.post(desk.url("rating_submit", row), FOURS, headers=HTMX)
    text = answer.content.decode()
    row.refresh_from_db()
    assert answer.status_code == 200
    assert row.state == AssignmentState.SUBMITTED
    assert "2 of 3" in text
    assert "<html" not in text
    assert f"/ratings/{desk.row().pk}/submit/" in text


def test_a_plain_form_is_led_to_the_next_item(desk: Desk) -> None:
    answer = desk.client.post(desk.url("rating_submit", desk.row()), FOURS)
    assert answer.status_code == 302
    assert answer["Location"] == desk.url("rate")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {**FOURS, PREFIX + "clarity": "9"},
        {**FOURS, PREFIX + "clarity": ""},
        {**FOURS, "rationale": "x" * 20_001},
    ],
)
def test_an_answer_that_does_not_fit_is_422_and_nothing_is_stored(
    desk: Desk, fields: dict[str, str]
) -> None:
    row = desk.row()
    answer = desk.client.post(desk.url("rating_submit", row), fields, headers=HTMX)
    assert answer.status_code == 422
    assert b"error-summary" in answer.content
    assert not Rating.objects.exists()


@pytest.mark.parametrize("seconds", ["soon", "-3", ""])
def test_a_page_that_counted_no_time_holds_nobody_up(desk: Desk, seconds: str) -> None:
    row = desk.row()
    answer = desk.client.post(
        desk.url("rating_submit", row), {**FOURS, "active_seconds": seconds}, headers=HTMX
    )
    row.refresh_from_db()
    assert answer.status_code == 200
    assert row.active_seconds == 0


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("x" * 20_001, "a reason has at most 20,000 characters; shorten it."),
        ("a\x00b", "there is a character in it that no text has; take it out."),
    ],
)
def test_a_reason_that_cannot_be_kept_is_refused_in_our_own_words(
    desk: Desk, reason: str, words: str
) -> None:
    answer = desk.client.post(desk.url("rating_submit", desk.row()), {**FOURS, "rationale": reason})
    assert answer.status_code == 422
    assert f"Why: {words}" in answer.content.decode()


def test_what_was_chosen_is_still_there_after_a_refusal(desk: Desk) -> None:
    fields = {**FOURS, PREFIX + "clarity": "", "rationale": "because of this"}
    answer = desk.client.post(desk.url("rating_submit", desk.row()), fields)
    text = answer.content.decode()
    assert text.count(" checked") == 3
    assert "because of this" in text


def test_a_missing_reason_is_asked_for_where_the_guideline_wants_one(desk: Desk) -> None:
    Dimension.objects.update(rationale=RationaleRule.REQUIRED)
    answer = desk.client.post(desk.url("rating_submit", desk.row()), FOURS)
    assert answer.status_code == 422
    assert "say why" in answer.content.decode()


def lose(desk: Desk, row: Assignment) -> None:
    Assignment.objects.filter(pk=row.pk).update(lease_until=timezone.now() - timedelta(minutes=1))
    claim.expire(timezone.now())


def test_a_lost_item_is_409_with_the_answer_kept_and_nothing_of_the_other_rater(
    project: Project,
) -> None:
    desk = make_desk(project, overlap=1)
    row = desk.row()
    lose(desk, row)
    ben, _ = make_rater(project, "ben")
    builders.make_rating(desk.round, row.item, ben, labels=dict.fromkeys(builders.FOUR, "2"))
    answer = desk.client.post(desk.url("rating_submit", row), FOURS, headers=HTMX)
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "Your draft is kept" in text
    assert Draft.objects.get(rater=desk.rater).labels == dict.fromkeys(builders.FOUR, "4")
    assert text.count('value="4" checked') == 4
    assert 'value="2" checked' not in text
    for act in ("Submit", "/skip/", "/flag/", "/draft/"):
        assert act not in text


def test_a_draft_is_kept_and_shown_again(desk: Desk) -> None:
    row = desk.row()
    fields = {PREFIX + "clarity": "3", "rationale": "half a sen", "active_seconds": "0.5"}
    assert desk.client.post(desk.url("rating_draft", row), fields).status_code == 204
    text = desk.client.get(desk.url("rate")).content.decode()
    assert text.count(" checked") == 1
    assert "half a sen" in text


def test_a_skip_gives_the_next_item(desk: Desk) -> None:
    row = desk.row()
    answer = desk.client.post(
        desk.url("rating_skip", row), {"reason": "Not my field"}, headers=HTMX
    )
    row.refresh_from_db()
    assert answer.status_code == 200
    assert (row.state, row.skip_reason) == (AssignmentState.SKIPPED, "Not my field")


def test_a_skip_or_flag_without_a_reason_is_asked_again(desk: Desk) -> None:
    row = desk.row()
    for name in ("rating_skip", "rating_flag"):
        answer = desk.client.post(desk.url(name, row), {"other": "  "}, headers=HTMX)
        assert answer.status_code == 422
        assert "Say why" in answer.content.decode()


def test_a_flag_in_own_words_reaches_the_leads(desk: Desk) -> None:
    fields = {"reason": "The response is cut off", "other": "It is in two languages"}
    desk.client.post(desk.url("rating_flag", desk.row()), fields)
    assert Flag.objects.get().reason == "It is in two languages"


def test_a_skip_of_a_lost_item_is_a_calm_409(project: Project) -> None:
    desk = make_desk(project, overlap=1)
    row = desk.row()
    lose(desk, row)
    answer = desk.client.post(desk.url("rating_skip", row), {"reason": "x"}, headers=HTMX)
    assert answer.status_code == 409
    assert "no longer yours" in answer.content.decode()


def test_back_leads_to_the_last_answer_which_can_be_changed(desk: Desk) -> None:
    row = desk.row()
    desk.client.post(desk.url("rating_submit", row), FOURS)
    page = desk.client.get(desk.url("rate")).content.decode()
    own = desk.url("rating_own", row)
    assert own in page
    assert desk.client.get(own).content.decode().count('value="4" checked') == 4
    changed = desk.client.post(own, {**FOURS, PREFIX + "safety": "1"})
    assert changed.status_code == 302
    found = Rating.objects.get(assignment=row, dimension__key="safety", is_current=True)
    assert (found.label, found.revision) == ("1", 2)


def test_a_change_sent_by_script_ends_on_the_page_of_the_item_at_hand(desk: Desk) -> None:
    row = desk.row()
    desk.client.post(desk.url("rating_submit", row), FOURS)
    own = desk.url("rating_own", row)
    assert f'hx-post="{own}"' in desk.client.get(own).content.decode()
    changed = desk.client.post(own, {**FOURS, PREFIX + "safety": "1"}, headers=HTMX)
    assert changed["HX-Redirect"] == desk.url("rate")


def test_an_answer_of_a_closed_round_is_shown_but_not_editable(desk: Desk) -> None:
    row = desk.row()
    desk.client.post(desk.url("rating_submit", row), FOURS)
    Round.objects.update(state=RoundState.CLOSED)
    page = desk.client.get(desk.url("rating_own", row)).content.decode()
    assert "can no longer be changed" in page
    assert "Save the change" not in page
    refused = desk.client.post(desk.url("rating_own", row), {**FOURS, PREFIX + "safety": "1"})
    assert refused.status_code == 409


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (RoundState.PAUSED, "This round is paused"),
        (RoundState.CLOSED, "This round is closed"),
        (RoundState.DRAFT, "not open yet"),
    ],
)
def test_a_round_that_is_not_open_is_a_calm_page(desk: Desk, state: RoundState, words: str) -> None:
    Round.objects.update(state=state)
    page = desk.client.get(desk.url("rate"))
    assert page.status_code == 200
    assert words in page.content.decode()


def test_the_end_of_the_round_is_a_calm_page(desk: Desk) -> None:
    for _ in range(2):
        desk.client.post(desk.url("rating_submit", desk.row()), FOURS, headers=HTMX)
    answer = desk.client.post(desk.url("rating_submit", desk.row()), FOURS, headers=HTMX)
    assert "You are through" in answer.content.decode()


def test_the_quota_is_a_calm_page(desk: Desk) -> None:
    RoundRater.objects.update(quota=1)
    assert "1 of 1" in desk.client.get(desk.url("rate")).content.decode()
    answer = desk.client.post(desk.url("rating_submit", desk.row()), FOURS, headers=HTMX)
    assert "Your share is done" in answer.content.decode()


def test_a_new_guideline_version_says_what_changed_since_the_last_item(desk: Desk) -> None:
    desk.client.post(desk.url("rating_submit", desk.row()), FOURS)
    old = desk.round.guideline_version
    GuidelineVersion.objects.filter(pk=old.pk).update(state="superseded")
    new = GuidelineVersion.objects.create(
        guideline=old.guideline, major=1, minor=1, what_changed="Links count as sources."
    )
    for place, key in enumerate(builders.FOUR):
        points = [{"value": str(n)} for n in range(1, 6)]
        Dimension.objects.create(
            version=new,
            position=place,
            key=key,
            name=key,
            kind="scale",
            level="ordinal",
            points=points,
        )
    Round.objects.update(guideline_version=new)
    assert "Links count as sources." in desk.client.get(desk.url("rate")).content.decode()
    desk.client.post(desk.url("rating_submit", desk.row()), FOURS)
    assert "Links count as sources." not in desk.client.get(desk.url("rate")).content.decode()


def test_others_rows_and_rounds_are_not_there(desk: Desk) -> None:
    row = desk.row()
    _, client = make_rater(desk.project, "ben")
    for name in ("rating_submit", "rating_draft", "rating_skip", "rating_flag", "rating_own"):
        assert client.post(desk.url(name, row), FOURS).status_code == 404, name
    assert client.get(desk.url("rate")).status_code == 404


def test_a_lead_who_does_not_rate_is_turned_away(desk: Desk) -> None:
    lea = builders.join(desk.project, builders.make_user(username="lea"), Role.LEAD)
    client = Client()
    client.force_login(lea)
    assert client.get(desk.url("rate")).status_code == 404


def test_answers_are_not_taken_by_get(desk: Desk) -> None:
    for name in ("rating_submit", "rating_draft", "rating_skip", "rating_flag"):
        assert desk.client.get(desk.url(name, desk.row())).status_code == 405


def test_a_submit_with_the_next_item_stays_within_its_queries(
    desk: Desk, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    row = desk.row()
    with django_assert_max_num_queries(44):
        desk.client.post(desk.url("rating_submit", row), FOURS, headers=HTMX)
