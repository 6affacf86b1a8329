"""A lead's pages on a running round: reports, withdraw, correct, raters, more items, changes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import Rater, User
from accounts.roles import Role
from annotation.models import (
    Correction,
    Flag,
    Item,
    Round,
    RoundItem,
    RoundRater,
    SealedSet,
    Withdrawal,
)
from annotation.services import laying, rating, rounds, withdrawing
from annotation.states import AssignmentState, FlagOutcome, Part
from core import jobs, registry
from core.models import Job, JobState
from tests import builders
from tests.builders import NOON
from tests.services.test_withdrawing import Scene

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

NAMES = ("round_item", "round_withdraw", "round_correct")


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> None:
    cache.clear()


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def lea(scene: Scene) -> Client:
    return as_(scene.lea)


def as_(user: User | None) -> Client:
    assert user is not None
    client = Client()
    client.force_login(user)
    return client


def url(scene: Scene, name: str, *more: int, **query: str) -> str:
    return reverse(name, args=["support", scene.round.pk, *more], query=query)


def read(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return flat(answer.content.decode())


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def without_choices(shown: str) -> str:
    """The page without the raters whom its form offers: all of them, whoever had the item."""
    return re.sub(r"<select.*?</select>", "", shown)


def sent(client: Client, address: str, **data: Any) -> tuple[int, str]:
    """The status, and the page: of a redirect the one that it leads to."""
    answer = client.post(address, data)
    if answer.status_code == 302:
        return 302, read(client, answer["Location"])
    return answer.status_code, flat(answer.content.decode())


def flagged(scene: Scene, rater: Rater, reason: str, *, number: int = 0) -> Flag:
    item = scene.items[number]
    return Flag.objects.create(round=scene.round, item=item, rater=rater, reason=reason)


def seal(scene: Scene) -> None:
    scene.dataset.share = 0.5
    scene.dataset.save()
    SealedSet.objects.create(dataset=scene.dataset)
    Item.objects.filter(pk=scene.item.pk).update(part=Part.SEALED)


def bar(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lead wrote a judge version."""
    monkeypatch.setitem(registry._bars, "judge authors", lambda _, user: user == scene.lea.pk)


# Reports ------------------------------------------------------------------------------------------


def test_what_is_flagged_stands_in_the_queue_and_opens_with_who_and_why(
    lea: Client, scene: Scene
) -> None:
    flagged(scene, scene.raters[0], "The end is missing.")
    listed = read(lea, url(scene, "round_reports"))
    assert "The end is missing." in listed
    assert url(scene, "round_item", scene.item.pk) in listed
    shown = read(lea, url(scene, "round_item", scene.item.pk))
    assert "The end is missing." in shown
    assert "Ana" in shown
    assert "Go to billing and choose cancel." in shown


def test_nothing_wrong_goes_back_to_the_rater_with_a_note(lea: Client, scene: Scene) -> None:
    row, ana = scene.take(scene.raters[0]), scene.raters[0]
    rating.flag(assignment_id=row.pk, rater=ana, reason="The end is missing.", now=NOON)
    status, shown = sent(lea, url(scene, "round_item", row.item_id), note="It ends so on purpose.")
    assert status == 302
    assert "No report waits" in shown
    settled = read(lea, url(scene, "round_reports", kind="settled"))
    assert "nothing wrong" in settled
    assert "It ends so on purpose." in settled
    own = read(as_(ana.user), reverse("my_answers", args=["support"], query={"show": "passed"}))
    assert "A lead found nothing wrong." in own
    assert "It ends so on purpose." in own


def test_who_comes_too_late_to_settle_is_told_so_on_the_page(lea: Client, scene: Scene) -> None:
    flagged(scene, scene.raters[0], "Cut off.")
    address = url(scene, "round_item", scene.item.pk)
    assert sent(lea, address)[0] == 302
    status, shown = sent(lea, address)
    assert status == 422
    assert "Somebody settled this already." in shown


QUERIES = [
    ({}, ["Q 2", "Q 1"]),
    ({"sort": "most"}, ["Q 1", "Q 2"]),
    ({"q": "cut"}, ["Q 1"]),
    ({"q": "i2"}, ["Q 2"]),
    ({"q": "q 1", "kind": "flags"}, ["Q 1"]),
    ({"kind": "skips"}, []),
    ({"kind": "settled"}, []),
]


@pytest.mark.parametrize(("query", "expected"), QUERIES)
def test_the_queue_is_ordered_narrowed_and_searched_by_its_address(
    lea: Client, scene: Scene, query: dict[str, str], expected: list[str]
) -> None:
    for rater in scene.raters[:2]:
        flagged(scene, rater, "It is cut off.")
    flagged(scene, scene.raters[0], "No question.", number=1)
    listed = read(lea, url(scene, "round_reports", **query))
    assert re.findall(r'dir="auto">(Q \d)</a>', listed) == expected


def test_the_queue_costs_the_same_for_many(
    lea: Client, scene: Scene, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        item = builders.make_item(scene.dataset, external_id=f"x{number}", input=f"X {number}")
        RoundItem.objects.create(round=scene.round, item=item, shuffle=number)
        Flag.objects.create(round=scene.round, item=item, rater=scene.raters[0], reason="Bad.")
    with django_assert_max_num_queries(25):
        listed = read(lea, url(scene, "round_reports"))
    assert listed.count("Bad.") == 25
    assert "1–25 of 30" in listed


def test_a_lead_who_rates_in_the_round_reads_no_words_of_others(scene: Scene) -> None:
    lea = scene.lea
    builders.join(scene.project, lea, Role.LEAD, Role.RATER)
    RoundRater.objects.create(round=scene.round, rater=builders.rater_of(scene.project, lea))
    flagged(scene, scene.raters[0], "Both deserve a one.")
    flagged(scene, scene.raters[1], "The response is cut off")
    for address in (
        url(scene, "round_reports"),
        url(scene, "round_item", scene.item.pk),
    ):
        shown = read(as_(lea), address)
        assert "deserve a one" not in shown
        assert "The response is cut off" in shown
        assert "Ben" not in without_choices(shown)
    assert "Q 1" not in read(as_(lea), url(scene, "round_reports", q="deserve"))


# Sealed -------------------------------------------------------------------------------------------


def test_who_said_what_of_a_sealed_item_is_not_told(lea: Client, scene: Scene) -> None:
    seal(scene)
    flagged(scene, scene.raters[0], "Clearly a two.")
    shown = read(lea, url(scene, "round_item", scene.item.pk))
    assert "Clearly a two." not in shown
    assert "Ana" not in without_choices(shown)
    assert "Go to billing" in shown


@pytest.mark.parametrize("name", NAMES)
def test_a_judge_author_reads_no_text_of_a_sealed_item(
    lea: Client, scene: Scene, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    seal(scene)
    bar(scene, monkeypatch)
    shown = read(lea, url(scene, name, scene.item.pk))
    assert "Q 1" not in shown
    assert "billing" not in shown
    assert "i1" in shown


def test_a_judge_author_finds_nothing_sealed_by_its_words(
    lea: Client, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    flagged(scene, scene.raters[0], "Cut off.")
    withdrawing.withdraw_item(
        round_id=scene.round.pk, item_id=scene.items[1].pk, reason="Bad.", by=scene.lea, now=NOON
    )
    seal(scene)
    Item.objects.update(part=Part.SEALED)
    bar(scene, monkeypatch)
    for name in ("round_reports", "round_changes"):
        assert "Q " not in read(lea, url(scene, name))
        assert "fits" in read(lea, url(scene, name, q="Q"))


def test_a_judge_author_does_not_correct_a_sealed_item(
    lea: Client, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal(scene)
    bar(scene, monkeypatch)
    sent(lea, url(scene, "round_correct", scene.item.pk), **mended(keep="wording", reason="So."))
    assert not Correction.objects.exists()


# Withdraw, and take back --------------------------------------------------------------------------


def test_what_happens_to_answers_leases_and_drafts_is_said_beforehand(
    lea: Client, scene: Scene
) -> None:
    scene.answered(scene.raters[0])
    scene.take(scene.raters[1])
    shown = read(lea, url(scene, "round_withdraw", scene.item.pk))
    assert "Its one answer stays as history and counts nowhere" in shown
    assert "1 rater is at it now" in shown


@pytest.mark.parametrize("name", ["round_withdraw", "round_correct"])
def test_the_forms_say_that_copies_of_the_item_stay(lea: Client, scene: Scene, name: str) -> None:
    assert "each stays until a new version leaves it out" in read(
        lea, url(scene, name, scene.item.pk)
    )


def test_an_item_is_withdrawn_with_a_reason_and_taken_back(lea: Client, scene: Scene) -> None:
    scene.answered(*scene.raters[:2])
    address = url(scene, "round_withdraw", scene.item.pk)
    status, shown = sent(lea, address, reason=" ")
    assert (status, "Say why, in a few words." in shown) == (422, True)

    status, shown = sent(lea, address, reason="The response is cut off.")

    made = Withdrawal.objects.get()
    assert status == 302
    assert "The response is cut off." in shown
    assert "Lea" in shown
    back = url(scene, "round_take_back", made.pk)
    assert back in shown
    assert "Its 2 answers count again." in read(lea, back)
    status, shown = sent(lea, back)
    assert "The item is back, with 2 answers." in shown
    assert "taken back" in shown
    assert scene.place.taken == 2


def test_what_was_taken_back_already_is_said_on_the_page(lea: Client, scene: Scene) -> None:
    made = scene.withdraw()
    scene.take_back(made)
    status, shown = sent(lea, url(scene, "round_take_back", made))
    assert status == 422
    assert "taken back already" in shown


def test_an_item_that_is_out_already_is_refused_on_the_page(lea: Client, scene: Scene) -> None:
    scene.withdraw()
    status, shown = sent(lea, url(scene, "round_withdraw", scene.item.pk), reason="Again.")
    assert status == 422
    assert "out of the round already" in shown


def test_frozen_labels_are_refused_in_a_sentence(lea: Client, scene: Scene) -> None:
    seal(scene)
    SealedSet.objects.update(frozen_at=NOON)
    status, shown = sent(lea, url(scene, "round_withdraw", scene.item.pk), reason="Broken.")
    assert status == 422
    assert "a judge was measured against the sealed labels" in shown
    assert not Withdrawal.objects.exists()


@pytest.mark.parametrize("name", NAMES)
def test_a_closed_round_offers_nothing_and_says_why(lea: Client, scene: Scene, name: str) -> None:
    rounds.close(round_id=scene.round.pk, by=scene.lea, now=NOON)
    address = url(scene, name, scene.item.pk)
    shown = read(lea, address)
    assert "This round is closed, so what it holds can no longer be changed." in shown
    assert "Withdraw the item" not in shown
    assert not Withdrawal.objects.exists()
    assert sent(lea, address, reason="Broken.")[0] in (200, 422)
    assert not Withdrawal.objects.exists()


def test_whoever_flagged_what_is_withdrawn_gets_the_note(lea: Client, scene: Scene) -> None:
    flag = flagged(scene, scene.raters[0], "Cut off.")
    sent(lea, url(scene, "round_withdraw", scene.item.pk), reason="Cut.", note="Thank you.")
    flag.refresh_from_db()
    assert (flag.outcome, flag.note) == (FlagOutcome.WITHDRAWN, "Thank you.")


# Correct ------------------------------------------------------------------------------------------


def mended(response: str = "Go to billing, and choose cancel.", **more: str) -> dict[str, str]:
    return {"input": "Q 1", "context": "", "reference": "", "response-0": response, **more}


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'name="(seen|looked)" value="(\w+)"', page))


def looked(lea: Client, scene: Scene, data: dict[str, str]) -> dict[str, str]:
    """The form as it comes back with its difference."""
    address = url(scene, "round_correct", scene.item.pk)
    data = {**data, **hidden(read(lea, address))}
    status, shown = sent(lea, address, **data)
    assert status == 200
    assert "<ins>" in shown
    return {**data, **hidden(shown)}


def test_a_correction_is_looked_at_before_it_is_done(lea: Client, scene: Scene) -> None:
    scene.answered(*scene.raters[:2])
    data = looked(lea, scene, mended(keep="wording", reason="A comma."))
    assert not Correction.objects.exists()
    status, shown = sent(lea, url(scene, "round_correct", scene.item.pk), **data)
    assert status == 302
    assert "2 answers stay with the item." in shown
    assert "Go to billing, and choose cancel." in shown
    assert "A comma." in read(lea, url(scene, "round_changes", what="corrections"))


def test_a_text_changed_after_the_look_is_looked_at_again(lea: Client, scene: Scene) -> None:
    data = looked(lea, scene, mended(keep="wording", reason="A comma."))
    status, _ = sent(
        lea, url(scene, "round_correct", scene.item.pk), **{**data, "response-0": "Else."}
    )
    assert status == 200
    assert not Correction.objects.exists()


def test_another_meaning_is_rated_anew_and_the_old_item_stays_out(
    lea: Client, scene: Scene
) -> None:
    scene.answered(*scene.raters[:2])
    data = looked(lea, scene, mended("Write to support.", keep="meaning", reason="Wrong text."))
    _, shown = sent(lea, url(scene, "round_correct", scene.item.pk), **data)
    successor = Correction.objects.get().successor
    assert successor is not None
    assert "2 answers stay as history with the old one." in shown
    assert "Write to support." in shown
    assert RoundItem.objects.get(item=successor).taken == 0
    changed = read(lea, url(scene, "round_changes"))
    assert url(scene, "round_item", successor.pk) in changed
    assert url(scene, "round_take_back", Withdrawal.objects.get().pk) not in changed


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (mended("Go to billing and choose cancel.", keep="wording", reason="So."), "No text is"),
        (mended(reason="So."), "Say whether only the wording"),
        (mended(keep="wording"), "Say why, in a few words."),
        (mended("a\x00b", keep="wording", reason="So."), "Null characters"),
    ],
)
def test_what_is_missing_in_a_correction_is_said(
    lea: Client, scene: Scene, data: dict[str, str], sentence: str
) -> None:
    status, shown = sent(lea, url(scene, "round_correct", scene.item.pk), **data)
    assert status == 422
    assert sentence in shown
    assert not Correction.objects.exists()


def test_who_corrects_what_somebody_corrected_meanwhile_is_told(lea: Client, scene: Scene) -> None:
    data = looked(lea, scene, mended(keep="wording", reason="A comma."))
    other = looked(lea, scene, mended("Go to billing.", keep="wording", reason="Shorter."))
    address = url(scene, "round_correct", scene.item.pk)
    assert sent(lea, address, **other)[0] == 302
    status, shown = sent(lea, address, **data)
    if status == 200:  # the difference to the new text was never shown
        status, shown = sent(lea, address, **{**data, **hidden(shown)})
    assert status == 422
    assert "Somebody corrected this item meanwhile" in shown
    assert Correction.objects.count() == 1


def test_line_ends_of_a_browser_are_no_change(lea: Client, scene: Scene) -> None:
    content = scene.item.content
    assert content is not None
    content.body = {"input": "Q 1", "responses": ["One.\nTwo."]}
    content.save()
    status, shown = sent(
        lea,
        url(scene, "round_correct", scene.item.pk),
        **mended("One.\r\nTwo.", keep="wording", reason="So."),
    )
    assert status == 422
    assert "No text is different" in shown


def test_what_was_asked_stays_where_the_parts_hang_on_it(lea: Client, scene: Scene) -> None:
    seal(scene)
    shown = read(lea, url(scene, "round_correct", scene.item.pk))
    assert re.search(r'<textarea name="input"[^>]* disabled', shown)
    assert not re.search(r'<textarea name="response-0"[^>]* disabled', shown)


# Raters -------------------------------------------------------------------------------------------


def test_a_raters_page_gives_back_what_they_hold(lea: Client, scene: Scene) -> None:
    row = scene.take(scene.raters[0])
    address = url(scene, "round_rater", scene.raters[0].pk)
    assert "Hand it back" in read(lea, address)
    _, shown = sent(lea, url(scene, "round_hand_back", scene.raters[0].pk))
    assert "The item is open to the others; the draft stays." in shown
    row.refresh_from_db()
    assert row.state == AssignmentState.OPEN
    _, shown = sent(lea, url(scene, "round_hand_back", scene.raters[0].pk))
    assert "holds nothing any more" in shown


def test_what_a_rater_holds_is_given_to_another_and_let_go_again(lea: Client, scene: Scene) -> None:
    ana, ben, _ = scene.raters
    row = scene.take(ana)
    _, shown = sent(lea, url(scene, "round_hand_back", ana.pk), to=str(ben.pk))
    assert "The item is kept for Ben; the draft stays." in shown
    theirs = read(lea, url(scene, "round_rater", ben.pk))
    assert "Kept for them" in theirs
    assert reverse("round_item", args=["support", scene.round.pk, row.item_id]) in theirs
    _, shown = sent(lea, url(scene, "round_let_go", row.pk), back="rater")
    assert "It is open to everybody." in shown
    assert "Kept for them" not in shown
    _, shown = sent(lea, url(scene, "round_let_go", row.pk))
    assert "kept no more" in shown


def test_a_slot_of_an_item_is_kept_on_its_page(lea: Client, scene: Scene) -> None:
    ana, ben, cem = scene.raters
    scene.answered(ana)
    address = url(scene, "round_item", scene.item.pk)
    shown = read(lea, address)
    assert f'<option value="{ben.pk}">' in shown
    assert f'<option value="{ana.pk}">' not in shown, "who had it is not offered"
    status, shown = sent(lea, url(scene, "round_item_keep", scene.item.pk), rater=str(cem.pk))
    assert status == 302
    assert "Kept for Cem, who is told; it comes next to them." in shown
    assert "Every slot is taken." in shown
    home = read(as_(cem.user), "/notices/")
    assert f"An item of the round {scene.round.name} is kept for you." in home


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ("", "Choose for whom."),
        ("9" * 30, "Choose a rater of the list"),
        ("x", "Choose a rater of the list"),
        ("1\0", "Null characters are not allowed."),
    ],
)
def test_nobody_to_keep_it_for_is_said(lea: Client, scene: Scene, chosen: str, said: str) -> None:
    _, shown = sent(lea, url(scene, "round_item_keep", scene.item.pk), rater=chosen)
    assert said in shown
    row = scene.take(scene.raters[0])
    if chosen:
        _, shown = sent(lea, url(scene, "round_hand_back", scene.raters[0].pk), to=chosen)
        assert said in shown
        row.refresh_from_db()
        assert row.state == AssignmentState.LEASED


def test_of_a_sealed_item_it_is_not_told_who_had_it(lea: Client, scene: Scene) -> None:
    seal(scene)
    scene.answered(scene.raters[0])
    shown = read(lea, url(scene, "round_item", scene.item.pk))
    assert f'<option value="{scene.raters[0].pk}">' in shown


def test_a_quota_is_changed_and_a_wrong_one_said(lea: Client, scene: Scene) -> None:
    address = url(scene, "round_quota", scene.raters[0].pk)
    assert sent(lea, address, quota="7")[0] == 302
    assert RoundRater.objects.get(rater=scene.raters[0]).quota == 7
    status, shown = sent(lea, address, quota="0")
    assert status == 422
    assert "greater than or equal to 1" in shown
    assert sent(lea, address, quota="")[0] == 302
    assert RoundRater.objects.get(rater=scene.raters[0]).quota is None


def test_a_rater_is_removed_with_the_answers_and_taken_back(lea: Client, scene: Scene) -> None:
    scene.answered(scene.raters[0])
    address = url(scene, "round_rater_remove", scene.raters[0].pk)
    status, shown = sent(lea, address, reason="Clicked through.")
    assert (status, "Say what becomes of their answers." in shown) == (422, True)
    _, shown = sent(lea, address, reason="Clicked through.", answers="withdraw")
    assert "Ana is out of the round. 1 answer withdrawn." in shown
    assert "Clicked through." in shown
    back = url(scene, "round_take_back", Withdrawal.objects.get().pk)
    assert back in shown
    _, shown = sent(lea, back)
    assert "The rater is back, with 1 answer." in shown
    assert RoundRater.objects.get(rater=scene.raters[0]).removed_at is None


def test_a_rater_is_removed_with_answers_kept_and_let_in_again(lea: Client, scene: Scene) -> None:
    scene.answered(scene.raters[0])
    _, shown = sent(
        lea,
        url(scene, "round_rater_remove", scene.raters[0].pk),
        reason="On leave.",
        answers="keep",
    )
    assert "On leave." in shown
    assert "rater removed, answers kept" in shown
    assert "Let in again" in read(lea, url(scene, "round_rater", scene.raters[0].pk))
    status, _ = sent(lea, url(scene, "round_raters"), raters=str(scene.raters[0].pk), quota="")
    assert status == 302
    assert "Nothing changed" in read(lea, url(scene, "round_changes"))


def test_the_raters_of_a_round_lead_to_their_pages(lea: Client, scene: Scene) -> None:
    address = url(scene, "round_rater", scene.raters[0].pk)
    assert address in read(lea, url(scene, "round"))
    assert address in read(lea, url(scene, "round_quality"))


# Changes ------------------------------------------------------------------------------------------

CHANGES = [
    ({}, ["Q 1", "Ana"]),
    ({"what": "items"}, ["Q 1"]),
    ({"what": "raters"}, ["Ana"]),
    ({"what": "corrections"}, []),
    ({"state": "out"}, ["Q 1", "Ana"]),
    ({"state": "back"}, []),
    ({"q": "CLICKED"}, ["Ana"]),
    ({"q": "q 1"}, ["Q 1"]),
    ({"q": "nothing such"}, []),
]


@pytest.mark.parametrize(("query", "expected"), CHANGES)
def test_changes_are_narrowed_and_searched_by_the_address(
    lea: Client, scene: Scene, query: dict[str, str], expected: list[str]
) -> None:
    scene.answered(scene.raters[0])
    scene.remove(scene.raters[0])
    scene.withdraw()
    listed = read(lea, url(scene, "round_changes", **query))
    found = re.findall(r'<th scope="row"[^>]*><a [^>]*>([^<]+)</a>', listed)
    assert found == expected


def test_changes_cost_the_same_for_many(
    lea: Client, scene: Scene, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        item = builders.make_item(scene.dataset, external_id=f"x{number}", input=f"X {number}")
        RoundItem.objects.create(round=scene.round, item=item, shuffle=number)
        withdrawing.withdraw_item(
            round_id=scene.round.pk, item_id=item.pk, reason="Bad.", by=scene.lea, now=NOON
        )
    with django_assert_max_num_queries(30):
        listed = read(lea, url(scene, "round_changes"))
    assert "1–25 of 30" in listed


# More items ---------------------------------------------------------------------------------------


def test_more_items_come_into_an_open_round(lea: Client, scene: Scene) -> None:
    for number in range(3):
        builders.make_item(scene.dataset, external_id=f"m{number}", input=f"M {number}")
    address = url(scene, "round_items_add")
    assert "3 items of <bdi>week 46</bdi> are not in the round yet." in read(lea, address)
    assert address in read(lea, url(scene, "round"))
    status, shown = sent(lea, address, sample="2")
    assert status == 302
    assert "2 items added to the round." in shown
    assert RoundItem.objects.filter(round=scene.round).count() == 4


def test_when_all_are_in_the_page_says_so_and_adds_nothing(lea: Client, scene: Scene) -> None:
    address = url(scene, "round_items_add")
    said = "Every item of <bdi>week 46</bdi> that can be rated is in the round."
    assert said in read(lea, address)
    assert sent(lea, address)[0] == 422


def test_many_items_come_by_and_by_with_progress(
    lea: Client, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(laying, "AT_ONCE", 1)
    for number in range(3):
        builders.make_item(scene.dataset, external_id=f"m{number}", input=f"M {number}")
    address = url(scene, "round_items_add")
    _, shown = sent(lea, address)
    assert "0 of 3" in shown
    assert "Its items are being added" in read(lea, url(scene, "round"))
    status, shown = sent(lea, address)
    assert (status, "Items are being added to this round already" in shown) == (422, True)
    jobs.run(Job.objects.get(kind=laying.LAY_JOB).pk)
    polled = lea.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "All of them are in." in polled
    assert "hx-trigger" not in polled


def test_where_adding_failed_a_lead_goes_on_with_the_rest(
    lea: Client, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(laying, "AT_ONCE", 1)
    for number in range(3):
        builders.make_item(scene.dataset, external_id=f"m{number}", input=f"M {number}")
    sent(lea, url(scene, "round_items_add"))
    Job.objects.filter(kind=laying.LAY_JOB).update(state=JobState.FAILED, problem="A crash.")
    assert "Not all items came in: 0 of 3." in read(lea, url(scene, "round_items_add"))
    _, shown = sent(lea, url(scene, "round_lay_again"))
    assert "0 of 3" in shown
    jobs.run(Job.objects.filter(kind=laying.LAY_JOB).latest("pk").pk)
    assert RoundItem.objects.filter(round=scene.round).count() == 5


# The ways in --------------------------------------------------------------------------------------


def test_the_items_page_leads_to_the_rounds_that_are_rating_it(lea: Client, scene: Scene) -> None:
    page = reverse("item", args=["support", scene.item.pk])
    address = url(scene, "round_item", scene.item.pk)
    assert address in read(lea, page)
    Round.objects.update(state="closed", closed_at=NOON)
    assert address not in read(lea, page)


def test_the_rounds_tabs_lead_to_reports_and_changes(lea: Client, scene: Scene) -> None:
    shown = read(lea, url(scene, "round"))
    assert url(scene, "round_reports") in shown
    assert url(scene, "round_changes") in shown


def test_the_page_of_differences_leads_to_the_item_in_the_round(lea: Client, scene: Scene) -> None:
    for rater, label in zip(scene.raters[:2], ("1", "5"), strict=True):
        scene_rating(scene, rater, label)
    shown = read(lea, url(scene, "round_differences"))
    assert url(scene, "round_item", scene.item.pk) in shown


def scene_rating(scene: Scene, rater: Rater, label: str) -> None:
    builders.make_rating(scene.round, scene.item, rater, labels={"accuracy": label})


def test_an_item_of_another_round_is_not_there(lea: Client, scene: Scene) -> None:
    other = builders.make_item(scene.dataset, external_id="elsewhere")
    for name in NAMES:
        assert lea.get(url(scene, name, other.pk)).status_code == 404
