"""A lead's pages of a round and the lists: sound in both themes, on a phone, by keyboard, and
without script."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.e2e.accessibility import violations
from tests.e2e.conftest import NewPage
from tests.e2e.walking import sign_in

pytestmark = pytest.mark.e2e

DESK: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 375, "height": 800}
LISTS = ("data/", "data/1/", "imports/", "guidelines/", "rounds/", "rounds/new/", "gold/")


def rounds_of(page: Page) -> dict[str, str]:
    """The addresses of the demo's rounds by name."""
    page.goto("/projects/demo/rounds/")
    links = page.locator("#round-list a.table__name")
    return {link.inner_text(): str(link.get_attribute("href")) for link in links.all()}


def test_the_pages_of_a_round_are_sound_on_desk_and_phone(new_page: NewPage) -> None:
    page = new_page()
    sign_in(page, "lea")
    rated = next(url for name, url in rounds_of(page).items() if "October" in name)
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        for part in ("", "quality/", "differences/", "checks/"):
            page.goto(rated + part)
            expect(page.locator("main h1")).to_be_visible()
            assert violations(page) == []
            assert not is_wider_than_its_window(page)


def test_the_lists_are_sound_on_desk_and_phone(new_page: NewPage) -> None:
    page = new_page()
    sign_in(page, "lea")
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        for part in LISTS:
            page.goto(f"/projects/demo/{part}")
            assert violations(page) == []
            assert not is_wider_than_its_window(page)


def test_a_round_shows_its_agreement_as_soon_as_it_is_measured(new_page: NewPage) -> None:
    page = new_page()
    sign_in(page, "lea")
    rated = next(url for name, url in rounds_of(page).items() if "October" in name)
    page.goto(rated)
    expect(page.locator("#agreement-now table")).to_contain_text("Clarity", timeout=30_000)


def test_differences_are_found_and_raters_sorted_by_keyboard(new_page: NewPage) -> None:
    page = new_page()
    sign_in(page, "lea")
    rated = next(url for name, url in rounds_of(page).items() if "October" in name)
    page.goto(rated + "differences/")
    page.keyboard.press("/")
    page.keyboard.type("invoice")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"q=invoice"))
    first = page.locator("#differences tbody tr").first
    expect(first).to_contain_text(re.compile("invoice", re.IGNORECASE))
    expect(page.locator("main h1")).to_have_count(1)

    page.goto(rated + "quality/")
    page.get_by_role("link", name="rated", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("th[aria-sort=descending]")).to_have_text(re.compile("rated"))


def test_a_list_is_narrowed_without_script(new_page: NewPage) -> None:
    page = new_page(java_script_enabled=False)
    sign_in(page, "lea")
    page.goto("/projects/demo/rounds/")
    page.get_by_label("State").select_option("closed")
    page.get_by_role("button", name="Find").click()
    expect(page).to_have_url(re.compile(r"state=closed"))
    states = page.locator("#round-list tbody td:last-child").all_inner_texts()
    assert states
    assert {state.strip() for state in states} == {"closed"}
    page.get_by_role("link", name="Show all").click()
    expect(page.locator("#round-list")).to_contain_text("open")


def is_wider_than_its_window(page: Page) -> bool:
    width = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    return bool(page.evaluate(width))
