"""Somebody is invited, comes in by the link, and is told of a round; every page is sound."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.accessibility import violations
from tests.e2e.conftest import NewPage
from tests.e2e.test_rounds_and_lists import is_wider_than_its_window
from tests.e2e.walking import main_button, sign_in

pytestmark = pytest.mark.e2e


def problems(page: Page) -> list[str]:
    found = violations(page)
    page.set_viewport_size({"width": 375, "height": 800})
    if is_wider_than_its_window(page):
        found.append(f"{page.url} is wider than a phone")
    page.set_viewport_size({"width": 1280, "height": 800})
    return found


def test_an_invited_person_comes_in_and_changes_the_password(new_page: NewPage) -> None:
    admin = new_page()
    sign_in(admin, "ada")
    admin.goto("/projects/demo/people/")
    admin.get_by_role("link", name="Invite by link").click()
    admin.get_by_label("Rater:").check()
    main_button(admin, "Make the link")
    link = admin.locator("[data-secret]").inner_text()
    found = problems(admin)

    guest = new_page()
    guest.goto(link)
    found += problems(guest)
    guest.get_by_label("Name", exact=True).fill("Dora")
    guest.get_by_label("Sign-in name").fill("dora")
    guest.get_by_label("Password").fill("a-long-first-word")
    main_button(guest, "Make my account and join")
    expect(guest.locator("main h1")).to_have_text("What is there to do?")
    for path in ("/notices/", "/password/"):
        guest.goto(path)
        found += problems(guest)
    guest.get_by_label("Current password").fill("a-long-first-word")
    guest.get_by_label("New password", exact=True).fill("another-long-word")
    guest.get_by_label("New password, again").fill("another-long-word")
    main_button(guest, "Change it")
    expect(guest.get_by_text("Your password is changed")).to_be_visible()

    late = new_page()
    late.goto(link)
    expect(late.get_by_text("has been used already")).to_be_visible()
    late.goto("/password/forgotten/")
    found += problems(late)

    admin.goto("/projects/demo/people/")
    row = admin.locator("tr", has_text="Dora")
    row.get_by_role("link", name=re.compile("account of")).click()
    main_button(admin, "Make a link for a new password")
    late.goto(admin.locator("[data-secret]").inner_text())
    found += problems(late)
    admin.get_by_role("link", name="Erase this person").click()
    found += problems(admin)
    admin.get_by_label("Sign-in name").fill("dora")
    main_button(admin, "Erase for good")
    expect(admin.get_by_text("The person is erased")).to_be_visible()
    guest.goto("/")
    expect(guest.get_by_label("Password")).to_be_visible()
    assert found == []


def test_a_notice_leads_to_what_it_is_about(new_page: NewPage) -> None:
    page = new_page()
    sign_in(page, "ana")
    page.goto("/notices/")
    assert problems(page) == []
    # Other walks on the same demo open rounds to her as well: hers in this project is what counts.
    told = page.locator(".notices__one", has_text="Harbour support (demo)").filter(
        has_text=re.compile("The round .+ is open to you")
    )
    sentence = told.first.locator("[dir=auto]").inner_text()
    told.first.get_by_role("button", name=f"Open: {sentence}").click()
    expect(page).to_have_url(re.compile(r"/projects/demo/rounds/\d+/rate/$"))
    expect(page.get_by_text(sentence.split("The round ")[1].split(" is open")[0])).to_be_visible()
