"""A rater's day in a real browser: two rounds by keyboard, and whatever may break in between."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.builders import FOUR
from tests.e2e.accessibility import violations
from tests.e2e.conftest import NewPage
from tests.e2e.desk import make_round, press, sign_in, stored
from tests.harness.house import House

pytestmark = pytest.mark.e2e


def tab_to(page: Page, words: str) -> None:
    """Tab on until something with these words has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == words:
            return
    raise AssertionError(f"Tab never came to {words!r}")


def continue_from_home(page: Page, round_name: str) -> None:
    page.goto("/")
    tab_to(page, "Continue")
    page.keyboard.press("Enter")
    expect(page.locator(".task-bar__name")).to_have_text(round_name)


def test_twenty_two_items_of_two_rounds_without_a_pointer(house: House, page: Page) -> None:
    make_round(house, "vera", items=12, round_name="Answers")
    sign_in(page, "vera")
    continue_from_home(page, "Answers")
    for number in range(1, 13):
        expect(page.get_by_text(f"{number} of 12", exact=True)).to_be_visible()
        press(page, f"{number % 5 + 1} 4 3 2 Enter")
    expect(page.get_by_role("heading", name="You are through")).to_be_focused()
    tab_to(page, "To my rounds")
    page.keyboard.press("Enter")
    expect(page.get_by_text("all done")).to_be_visible()

    make_round(house, "vera", items=10, pairwise=True, round_name="Pairs")
    continue_from_home(page, "Pairs")
    for number in range(1, 11):
        expect(page.get_by_text(f"{number} of 10", exact=True)).to_be_visible()
        press(page, "ArrowDown Enter")
    expect(page.get_by_role("heading", name="You are through")).to_be_visible()
    answers = [label for n in range(1, 13) for label in (str(n % 5 + 1), "4", "3", "2")]
    assert stored(house, "vera") == [*answers, *["tie"] * 10]


AT_ONCE = """() => {
    window.isSamePage = true;
    const press = (key) => document.activeElement.dispatchEvent(
        new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    const answer = () => ["4", "3", "2", "1", "Enter"].forEach(press);
    document.addEventListener("htmx:afterSwap", () => queueMicrotask(answer));
    answer();
}"""


def test_keys_pressed_the_moment_an_item_appears_answer_it_on_the_same_page(
    house: House, page: Page
) -> None:
    address = make_round(house, "flo")
    sign_in(page, "flo")
    page.goto(address)
    page.evaluate(AT_ONCE)
    expect(page.get_by_role("heading", name="You are through")).to_be_focused()
    assert page.evaluate("window.isSamePage") is True
    assert stored(house, "flo") == ["4", "3", "2", "1"] * 3


def test_without_a_swap_the_end_is_focused_too(house: House, page: Page) -> None:
    address = make_round(house, "gil", items=1)
    sign_in(page, "gil")
    page.goto(address)
    press(page, "4 3 2 1 Enter")
    expect(page.get_by_role("heading", name="You are through")).to_be_visible()
    page.goto(address)
    expect(page.get_by_role("heading", name="You are through")).to_be_focused()


def test_an_answer_whose_receipt_was_lost_is_sent_again_and_stored_once(
    house: House, page: Page
) -> None:
    address = make_round(house, "lou")
    sign_in(page, "lou")
    page.goto(address)
    sent = []

    def lose_the_receipt(route: Route) -> None:
        sent.append(route.fetch().status)
        route.abort("connectionreset")

    page.route(re.compile("/submit/$"), lose_the_receipt, times=1)
    press(page, "4 3 2 1 Enter")
    expect(page.locator("[data-status]")).to_have_text("Offline: kept on this device")
    assert sent == [200]
    assert stored(house, "lou") == ["4", "3", "2", "1"]
    expect(page.get_by_text("2 of 3", exact=True)).to_be_visible(timeout=15_000)
    assert stored(house, "lou") == ["4", "3", "2", "1"]


def test_a_tab_closed_within_the_same_second_loses_nothing(house: House, page: Page) -> None:
    address = make_round(house, "kim")
    sign_in(page, "kim")
    page.goto(address)
    press(page, "5 4")
    page.close()
    again = page.context.new_page()
    again.goto(address)
    expect(again.locator("input:checked")).to_have_count(2)


def test_a_server_that_is_restarted_gets_the_answer_when_it_is_back(
    house: House, page: Page
) -> None:
    address = make_round(house, "rae")
    sign_in(page, "rae")
    page.goto(address)
    press(page, "3 3 3 3")
    expect(page.locator("[data-status]")).to_contain_text("Saved")
    house.stop()
    press(page, "Enter")
    expect(page.locator("[data-status]")).to_have_text("Offline: kept on this device")
    house.start()
    house.wait_until(lambda: house.get("/readyz") == 200, 30)
    expect(page.get_by_text("2 of 3", exact=True)).to_be_visible(timeout=30_000)
    assert stored(house, "rae") == ["3"] * len(FOUR)


def test_a_phone_is_enough(house: House, new_page: NewPage) -> None:
    address = make_round(house, "toni")
    page = new_page(viewport={"width": 375, "height": 740}, has_touch=True, is_mobile=True)
    sign_in(page, "toni")
    page.goto(address)
    for number in range(1, 4):
        expect(page.get_by_text(f"{number} of 3", exact=True)).to_be_visible()
        for part in page.locator("[data-part]").all():
            part.locator("label", has_text="4").tap()
        expect(page.locator("[data-count]")).to_have_text("4 of 4 chosen")
        page.get_by_role("button", name="Submit").tap()
    expect(page.get_by_role("heading", name="You are through")).to_be_visible()
    assert stored(house, "toni") == ["4"] * 12


def test_after_a_submit_the_page_says_how_to_take_it_back(house: House, page: Page) -> None:
    address = make_round(house, "una")
    sign_in(page, "una")
    page.goto(address)
    press(page, "4 4 4 4 Enter")
    expect(page.locator("[data-status]")).to_have_text(
        re.compile(r"^Submitted \d\d:\d\d · Back changes it$")
    )
    press(page, "b")
    expect(page.get_by_text("Your answer of").first).to_be_visible()
    press(page, "2 Enter")
    expect(page.get_by_text("2 of 3", exact=True)).to_be_visible()
    press(page, "b")
    expect(page.get_by_role("heading", name="How this answer changed")).to_be_visible()
    assert stored(house, "una") == ["2", "4", "4", "4"]


def test_skip_and_enter_in_one_breath_never_submits(house: House, page: Page) -> None:
    address = make_round(house, "sid")
    sign_in(page, "sid")
    page.goto(address)
    press(page, "4 4 4 4")
    page.evaluate(
        """() => {
            const press = (key) => document.activeElement.dispatchEvent(
                new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
            press("s");
            press("Enter");
        }"""
    )
    expect(page.get_by_role("button", name="Not my field")).to_be_focused()
    assert stored(house, "sid") == []


GIVEN_AWAY = """
from datetime import timedelta
from django.utils import timezone
from annotation.models import Assignment
from annotation.services import claim
rows = Assignment.objects.filter(round__project__slug={name!r}, state="leased")
item = rows.get().item
rows.update(lease_until=timezone.now() - timedelta(minutes=1))
claim.expire(timezone.now())
Assignment.objects.filter(item=item, state="open").update(state="withdrawn")
print("true")
"""


def test_an_item_that_was_given_away_says_so_and_enter_goes_on(house: House, page: Page) -> None:
    address = make_round(house, "liv")
    sign_in(page, "liv")
    page.goto(address)
    house.ask(GIVEN_AWAY.format(name="liv"))
    press(page, "4 4 4 4 Enter")
    expect(page.get_by_text("somebody else has it now")).to_be_visible()
    expect(page.get_by_role("link", name="Go on with the next item")).to_be_focused()
    expect(page.get_by_role("button", name="Submit")).to_have_count(0)
    expect(page.locator("input:checked")).to_have_count(4)
    assert violations(page) == []
    press(page, "Enter")
    expect(page.locator("[data-part]").first).to_be_visible()
    expect(page.locator("input:checked")).to_have_count(0)
    assert stored(house, "liv") == []


LONG = """
from annotation.models import Content
for content in Content.objects.filter(project__slug={name!r}):
    content.body["responses"] = ["Words to read.\\n\\n" * n for n in (200, 100)]
    content.save()
print("true")
"""


def test_two_long_responses_scroll_together_where_that_is_wanted(house: House, page: Page) -> None:
    address = make_round(house, "max", pairwise=True)
    house.ask(LONG.format(name="max"))
    sign_in(page, "max")
    page.goto(address)
    first, second = page.locator("[data-pane]").all()
    first.evaluate("pane => pane.scrollTop = 400")
    page.wait_for_timeout(300)
    assert second.evaluate("pane => pane.scrollTop") == 0
    press(page, "t")
    first.evaluate("pane => pane.scrollTop = pane.scrollHeight")
    page.wait_for_function(
        """() => {
            const pane = document.querySelectorAll("[data-pane]")[1];
            return pane.scrollTop > 0
                && pane.scrollTop + pane.clientHeight >= pane.scrollHeight - 2;
        }"""
    )
    assert violations(page) == []


def test_own_work_is_accessible_on_a_phone_in_both_themes(house: House, new_page: NewPage) -> None:
    address = make_round(house, "wim")
    page = new_page(viewport={"width": 375, "height": 740})
    sign_in(page, "wim")
    page.goto(address)
    press(page, "4 4 4 4 Enter")
    expect(page.get_by_text("2 of 3", exact=True)).to_be_visible()
    for place in ("", "answers/", "agreement/"):
        page.goto(f"/projects/wim/my-work/{place}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 375, place
        assert violations(page) == [], place
