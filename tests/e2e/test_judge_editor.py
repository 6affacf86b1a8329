"""Tuning a judge in a real browser: from what it got wrong to a try of the draft."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.accessibility import violations
from tests.e2e.conftest import NewPage
from tests.e2e.walking import BACKGROUND_MS, sign_in

pytestmark = pytest.mark.e2e

WIDTHS = [1280, 375]


def open_version(page: Page, number: int) -> None:
    """The page of a version of the demo's judge."""
    page.goto("/projects/demo/judges/")
    page.get_by_role("link", name=f"v{number}", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"v{number}")


def open_judged_version(page: Page, number: int) -> None:
    """The same when the demo's run over its development items has ended."""
    open_version(page, number)
    link = page.get_by_role("link", name="Differences from people")
    for _ in range(BACKGROUND_MS // 500):
        if link.is_visible():
            return
        page.wait_for_timeout(500)
        page.reload()
    expect(link).to_be_visible()


def is_sound(page: Page, width: int) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_a_draft_from_what_went_wrong_is_tried_before_it_is_saved(
    new_page: NewPage, width: int
) -> None:
    page = new_page(viewport={"width": width, "height": 900})
    sign_in(page, "lea")
    open_judged_version(page, 1)
    is_sound(page, width)
    page.get_by_role("link", name="Improve").click()
    expect(page.get_by_role("heading", name="What would make it better?")).to_be_visible()
    is_sound(page, width)
    page.get_by_role("button", name="Open a draft with these").click()
    expect(page.get_by_role("heading", name="Worked examples", level=2)).to_have_count(0)
    expect(page.get_by_label("System prompt", exact=True).first).to_be_visible()
    is_sound(page, width)
    page.get_by_label("What is new in it").fill("tried in a browser")
    page.get_by_role("button", name="Ask once, unsaved").click()
    expect(page.locator("#playground")).to_contain_text("Answer as it came", timeout=30_000)
    is_sound(page, width)
    expect(page.get_by_label("What is new in it")).to_have_value("tried in a browser")


def test_what_is_written_shows_in_the_prompt_and_its_problems_beside_it(
    new_page: NewPage,
) -> None:
    page = new_page()
    sign_in(page, "lea")
    open_version(page, 2)
    page.get_by_role("link", name="New version").click()
    box = page.get_by_label("System prompt", exact=True).first
    box.fill("Be short. {{ rubric }} {{ examples }}")
    expect(page.locator("#preview")).to_contain_text("Be short.")
    box.fill("{{ rubrik }}")
    expect(page.locator("#preview")).to_contain_text("unknown variable rubrik")


@pytest.mark.parametrize("width", WIDTHS)
def test_differences_from_people_are_walked_through_by_keyboard(
    new_page: NewPage, width: int
) -> None:
    page = new_page(viewport={"width": width, "height": 900})
    sign_in(page, "lea")
    open_judged_version(page, 1)
    page.get_by_role("link", name="Differences from people").click()
    expect(page.locator("main")).to_contain_text(re.compile(r"1 of \d+"))
    is_sound(page, width)
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(r"at=2$"))
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"at=1$"))


@pytest.mark.parametrize("width", WIDTHS)
def test_versions_side_by_side_and_what_differs(new_page: NewPage, width: int) -> None:
    page = new_page(viewport={"width": width, "height": 900})
    sign_in(page, "lea")
    open_judged_version(page, 2)
    page.goto("/projects/demo/judges/")
    page.get_by_role("heading", name="Preference").get_by_role("link").click()
    page.wait_for_url(re.compile(r"/judges/\d+/$"))
    is_sound(page, width)
    page.get_by_role("link", name="Side by side").click()
    expect(page.get_by_role("heading", name="Which lever helped?")).to_be_visible()
    is_sound(page, width)
    page.go_back()
    # Chosen, for the form begins with the last two and another walk may have saved a third.
    for label, number in (("From version", 1), ("To version", 2)):
        select = page.get_by_label(label)
        select.select_option(
            select.locator("option", has_text=f"v{number}").first.get_attribute("value")
        )
    page.get_by_role("button", name="Show what differs").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("What differs from v1 to v2?")
    expect(page.locator("main")).to_contain_text("sim-slant-1")
    is_sound(page, width)


def test_a_run_that_goes_on_is_paused_by_keys(new_page: NewPage) -> None:
    """The card is drawn anew each second: the button under the focus stays under it."""
    page = new_page()
    sign_in(page, "lea")
    open_version(page, 2)
    page.get_by_role("link", name="New version").click()
    # Another version, so that nothing comes from the cache and the run lasts.
    page.get_by_label("Tokens of an answer, at most").fill("3000")
    page.get_by_role("button", name="Save this version").click()
    page.get_by_role("link", name="Start a run").click()
    page.get_by_label("Dataset").select_option(label="Harbour 1.4 against 1.5")
    page.get_by_role("button", name="Start the run").click()
    pause = page.get_by_role("button", name="Pause")
    pause.focus()
    attempts = page.locator("#run-ledger dd").first
    before = attempts.inner_text()
    expect(attempts).not_to_have_text(before, timeout=15_000)
    expect(pause).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Paused by a person.")).to_be_visible(timeout=15_000)
    page.get_by_role("link", name="Cancel …").click()
    page.get_by_role("button", name=re.compile("Cancel")).click()
