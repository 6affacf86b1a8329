"""A rater's sitting in a real browser: keyboard, lost network, closed tab, phone, script off."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.builders import FOUR
from tests.e2e.accessibility import violations
from tests.e2e.conftest import NewPage
from tests.e2e.desk import make_round, press, sign_in, stored
from tests.harness.house import House

pytestmark = pytest.mark.e2e


def test_a_whole_sitting_by_keyboard_alone(house: House, page: Page) -> None:
    address = make_round(house, "kay")
    sign_in(page, "kay")
    page.goto(address)
    expect(page.get_by_text("1 of 3", exact=True)).to_be_visible()
    press(page, "4 4 5 1 Enter")
    expect(page.get_by_text("2 of 3", exact=True)).to_be_visible()
    press(page, "3 3 w")
    page.keyboard.type("Two words.")
    press(page, "Escape 3 3 Enter")
    expect(page.get_by_text("3 of 3", exact=True)).to_be_visible()
    press(page, "2 2 2 2 Enter")
    expect(page.get_by_role("heading", name="You are through")).to_be_visible()
    expected = ["4", "4", "5", "1", *["3"] * len(FOUR), *["2"] * len(FOUR)]
    assert stored(house, "kay") == expected


def test_pairs_by_arrows_and_back_to_change_the_last(house: House, page: Page) -> None:
    address = make_round(house, "pia", pairwise=True)
    sign_in(page, "pia")
    page.goto(address)
    press(page, "ArrowRight")
    expect(page.locator(".side[data-side=B] .side__chosen")).to_be_visible()
    press(page, "Enter")
    expect(page.get_by_text("2 of 3", exact=True)).to_be_visible()
    press(page, "b")
    expect(page.get_by_text("Your answer of").first).to_be_visible()
    press(page, "0 Enter")
    expect(page.get_by_text("2 of 3", exact=True)).to_be_visible()
    assert stored(house, "pia") == ["tie"]


def test_an_incomplete_answer_leads_to_what_is_missing(house: House, page: Page) -> None:
    address = make_round(house, "ina")
    sign_in(page, "ina")
    page.goto(address)
    press(page, "4 4 Enter")
    expect(page.get_by_text("Clarity is not rated yet.")).to_be_visible()
    expect(page.locator(".rail__part--now legend b")).to_have_text("Clarity")


def test_work_survives_a_closed_tab(house: House, new_page: NewPage) -> None:
    address = make_round(house, "tom")
    first = new_page()
    sign_in(first, "tom")
    first.goto(address)
    press(first, "4 2")
    expect(first.locator("[data-status]")).to_contain_text("Saved")
    first.close(run_before_unload=True)
    second = new_page()
    sign_in(second, "tom")
    second.goto(address)
    expect(second.locator("input:checked")).to_have_count(2)


def test_work_survives_a_lost_network_and_is_sent_when_it_is_back(house: House, page: Page) -> None:
    address = make_round(house, "nell")
    sign_in(page, "nell")
    page.goto(address)

    def refuse(route: Route) -> None:
        route.abort("internetdisconnected")

    page.route("**/ratings/**", refuse)
    press(page, "5 5 5 5")
    expect(page.locator("[data-status]")).to_have_text("Offline: kept on this device")
    page.unroute("**/ratings/**")
    page.reload()
    expect(page.locator("input:checked")).to_have_count(4)
    page.route("**/ratings/**", refuse)
    press(page, "Enter")
    expect(page.locator("[data-status]")).to_have_text("Offline: kept on this device")
    expect(page.locator("#toasts")).to_contain_text("cannot be reached")
    page.unroute("**/ratings/**")
    expect(page.get_by_text("2 of 3", exact=True)).to_be_visible(timeout=15_000)
    expect(page.locator("#toasts")).not_to_contain_text("cannot be reached")
    assert stored(house, "nell") == ["5"] * len(FOUR)


def test_time_away_is_not_time_at_work(house: House, page: Page) -> None:
    address = make_round(house, "ida")
    sign_in(page, "ida")
    page.clock.install()
    page.goto(address)
    page.clock.run_for(30_000)
    page.clock.run_for(3_600_000)
    press(page, "4 4 4 4")
    seconds = float(page.locator("input[name=active_seconds]").input_value() or 0)
    page.clock.run_for(2_000)
    seconds = float(page.locator("input[name=active_seconds]").input_value())
    assert 55 <= seconds <= 65


def test_the_form_works_with_script_switched_off(house: House, new_page: NewPage) -> None:
    address = make_round(house, "otto")
    page = new_page(java_script_enabled=False)
    sign_in(page, "otto")
    page.goto(address)
    expect(page.get_by_text("Rate what the response does")).to_be_visible()
    for part in page.locator("[data-part]").all():
        part.locator("label", has_text="3").click()
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("2 of 3", exact=True)).to_be_visible()
    assert stored(house, "otto") == ["3"] * len(FOUR)


def test_a_press_with_the_mouse_chooses_and_unfolds_the_next_dimension(
    house: House, page: Page
) -> None:
    address = make_round(house, "mona")
    sign_in(page, "mona")
    page.goto(address)
    first, second, third = page.locator("[data-part]").all()[:3]
    second.locator("label", has_text="4").click()
    expect(second.locator("input[value='4']")).to_be_checked()
    expect(first.locator(".anchors")).to_be_hidden()
    expect(third.locator(".anchors")).to_be_visible()


def test_a_skip_by_keyboard_passes_the_item_by(house: House, page: Page) -> None:
    address = make_round(house, "sia")
    sign_in(page, "sia")
    page.goto(address)
    press(page, "s")
    expect(page.get_by_role("button", name="Not my field")).to_be_focused()
    press(page, "Enter")
    expect(page.get_by_text("1 of 2", exact=True)).to_be_visible()


@pytest.mark.parametrize("pairwise", [False, True])
def test_the_workbench_fits_a_phone_and_is_accessible_in_both_themes(
    house: House, new_page: NewPage, *, pairwise: bool
) -> None:
    name = "phone-pair" if pairwise else "phone"
    address = make_round(house, name, pairwise=pairwise)
    page = new_page(viewport={"width": 375, "height": 760})
    sign_in(page, name)
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert page.get_by_role("button", name="Submit").is_visible()
    guideline = page.get_by_text("Rate what the response does")
    expect(guideline).to_be_visible()
    page.get_by_role("link", name="Guideline").click()
    expect(guideline).to_be_hidden()
    assert violations(page) == []
    page.goto("/")
    assert violations(page) == []
