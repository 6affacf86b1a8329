"""What a rater wrote, when the network, the sign-in or the device's memory fails."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import NewPage
from tests.e2e.desk import make_round, press, sign_in, stored
from tests.harness.house import House

pytestmark = pytest.mark.e2e

OFFLINE = "Offline: kept on this device"
NOT_KEPT = "Offline: not kept, leave this page open"
NO_MEMORY = "Storage.prototype.setItem = () => { throw new Error('full'); };"
STATES = """
import json
from annotation.models import Assignment
rows = Assignment.objects.filter(round__project__slug={name!r}).exclude(state="open")
print(json.dumps(sorted(rows.values_list("state", flat=True))))
"""


def at_work(house: House, page: Page, name: str) -> None:
    address = make_round(house, name)
    sign_in(page, name)
    page.goto(address)


def test_a_skip_that_was_not_heard_never_becomes_an_answer(house: House, page: Page) -> None:
    at_work(house, page, "ove")
    press(page, "5 5 5 5")
    expect(page.locator("[data-status]")).to_contain_text("Saved")
    page.context.set_offline(True)
    press(page, "s Enter")
    expect(page.get_by_text("The server cannot be reached.")).to_be_visible()
    page.context.set_offline(False)
    page.wait_for_timeout(4000)  # as long as an answer would wait before it is sent again
    assert stored(house, "ove") == []
    assert house.ask(STATES.format(name="ove")) == ["leased"]


def test_who_goes_on_writing_after_a_submit_that_failed_submits_again(
    house: House, page: Page
) -> None:
    at_work(house, page, "pam")
    page.context.set_offline(True)
    press(page, "5 5 5 5 Enter")
    expect(page.locator("[data-status]")).to_have_text(OFFLINE)
    page.locator("textarea").fill("On second thoughts")
    page.context.set_offline(False)
    expect(page.locator("[data-status]")).to_contain_text("Saved", timeout=15_000)
    assert stored(house, "pam") == []
    press(page, "Escape Enter")
    expect(page.get_by_text("2 of 3", exact=True)).to_be_visible()


def test_what_a_second_window_kept_outlives_the_first_ones_draft(house: House, page: Page) -> None:
    at_work(house, page, "rut")
    other = page.context.new_page()
    other.goto(page.url)
    page.context.set_offline(True)
    press(page, "4 4")
    press(other, "2 2 2")
    expect(other.locator("[data-status]")).to_have_text(OFFLINE)
    other.close()
    page.context.set_offline(False)
    expect(page.locator("[data-status]")).to_contain_text("Saved", timeout=15_000)
    page.reload()
    expect(page.locator("input:checked")).to_have_count(3)


def test_without_memory_on_the_device_nothing_else_is_claimed(
    house: House, new_page: NewPage
) -> None:
    page = new_page()
    page.add_init_script(NO_MEMORY)
    at_work(house, page, "sam")
    press(page, "4")
    expect(page.locator("[data-status]")).to_contain_text("Saved")
    page.context.set_offline(True)
    press(page, "4 4 4")
    expect(page.locator("[data-status]")).to_have_text(NOT_KEPT)
    press(page, "Enter")
    expect(page.locator("[data-status]")).to_have_text(NOT_KEPT)
    page.context.set_offline(False)
    expect(page.get_by_text("2 of 3", exact=True)).to_be_visible(timeout=15_000)
    assert stored(house, "sam") == ["4"] * 4


def test_a_tab_closed_at_once_loses_nothing_without_memory_either(
    house: House, new_page: NewPage
) -> None:
    page = new_page()
    page.add_init_script(NO_MEMORY)
    at_work(house, page, "tess")
    press(page, "5 4")
    page.close()
    again = page.context.new_page()
    again.wait_for_timeout(1000)
    again.goto(f"/projects/tess/rounds/{house.ask(ROUND.format(name='tess'))}/rate/")
    expect(again.locator("input:checked")).to_have_count(2)


ROUND = """
from annotation.models import Round
print(Round.objects.get(project__slug={name!r}).pk)
"""


def test_who_was_signed_out_finds_the_work_after_the_sign_in(house: House, page: Page) -> None:
    at_work(house, page, "ulf")
    page.context.clear_cookies(name="sessionid")
    press(page, "2 3 4 5")
    page.keyboard.press("Enter")
    expect(page.locator("input[type=password]")).to_have_count(1)
    assert "/sign-in/?next=/projects/ulf/rounds/" in page.url
    page.locator("input[type=text][name=username]").fill("ulf")
    page.locator("input[type=password]").fill("plumb-line-11")
    page.keyboard.press("Enter")
    expect(page.locator("input:checked")).to_have_count(4)
    page.locator("[data-part]").first.focus()
    press(page, "Enter")
    expect(page.get_by_text("2 of 3", exact=True)).to_be_visible()
    assert stored(house, "ulf") == ["2", "3", "4", "5"]


def test_a_change_of_an_answer_waits_for_the_network(house: House, page: Page) -> None:
    at_work(house, page, "vic")
    press(page, "4 4 4 4 Enter")
    expect(page.get_by_text("2 of 3", exact=True)).to_be_visible()
    press(page, "b")
    expect(page.get_by_text("Your answer of").first).to_be_visible()
    page.context.set_offline(True)
    press(page, "2 Enter")
    expect(page.locator("[data-status]")).to_have_text(NOT_KEPT)
    page.context.set_offline(False)
    expect(page.get_by_text("2 of 3", exact=True)).to_be_visible(timeout=15_000)
    assert stored(house, "vic") == ["2", "4", "4", "4"]


GIVEN_TO_ANOTHER = """
import json
from datetime import timedelta
from django.utils import timezone
from accounts.models import Rater
from annotation.models import Assignment, Round, RoundRater
from annotation.services import claim
row = Assignment.objects.get(round__project__slug={name!r}, state="leased")
Round.objects.filter(pk=row.round_id).update(overlap=2)
Assignment.objects.create(round=row.round, item=row.item, slot=1)
Assignment.objects.filter(pk=row.pk).update(lease_until=timezone.now() - timedelta(minutes=1))
claim.expire(timezone.now())
other = Rater.objects.create(project=row.round.project, name="somebody else")
RoundRater.objects.create(round=row.round, rater=other)
given = claim.next_slot(round_id=row.round_id, rater_id=other.pk, now=timezone.now())
print(json.dumps(given.assignment_id == row.pk))
"""


def test_what_the_device_kept_comes_back_with_the_item_in_another_slot(
    house: House, page: Page
) -> None:
    address = make_round(house, "noa", items=1)
    sign_in(page, "noa")
    page.goto(address)
    page.context.set_offline(True)
    press(page, "5 4 3 2")
    expect(page.locator("[data-status]")).to_have_text(OFFLINE)
    page.close()
    assert house.ask(GIVEN_TO_ANOTHER.format(name="noa")) is True
    page.context.set_offline(False)
    again = page.context.new_page()
    again.goto(address)
    expect(again.locator("input:checked")).to_have_count(4)
    again.locator("[data-part]").first.focus()
    press(again, "Enter")
    expect(again.get_by_role("heading", name="You are through")).to_be_visible()
    assert stored(house, "noa") == ["5", "4", "3", "2"]
