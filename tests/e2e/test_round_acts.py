"""A lead settles, corrects, withdraws and takes back in a running round: by keyboard, every page
sound in both themes on a desk and on a phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.e2e.accessibility import violations
from tests.e2e.conftest import NewPage
from tests.e2e.desk import sign_in
from tests.harness.house import House

pytestmark = pytest.mark.e2e

DESK: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 375, "height": 800}
SEED = """
import json
from datetime import timedelta
from accounts.roles import Role
from annotation.models import Assignment, Flag, RoundItem
from django.utils import timezone
from tests import builders as b
project = b.make_project(slug="acts")
lead = b.join(project, b.make_user(username="acts-lead"), Role.LEAD)
rater = b.rater_of(project, b.join(project, b.make_user(username="acts-rater"), Role.RATER))
other = b.rater_of(project, b.join(project, b.make_user(username="acts-other"), Role.RATER))
dataset = b.make_dataset(project)
items = [b.make_item(dataset, external_id=f"i{n}", input=f"Question {n}?") for n in range(5)]
round_ = b.make_round(
    dataset, b.make_guideline(project), items=items[:4], raters=[rater, other], overlap=1
)
for item, reason in zip(items[:3], ("Fine, I think", "A word is missing", "Broken"), strict=True):
    Flag.objects.create(round=round_, item=item, rater=rater, reason=reason)
now = timezone.now()
Assignment.objects.filter(item=items[3]).update(
    state="leased", rater=rater, leased_at=now, lease_until=now + timedelta(hours=1)
)
RoundItem.objects.filter(item=items[3]).update(taken=1, is_full=True)
print(json.dumps([f"/projects/acts/rounds/{round_.pk}/", rater.pk, other.pk]))
"""


def soundly(page: Page, *, heading: str) -> None:
    """The page is there, and sound in both themes and widths."""
    expect(page.locator("main h1")).to_contain_text(heading)
    for size in (PHONE, DESK):
        page.set_viewport_size(size)
        assert violations(page) == []
        width = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not page.evaluate(width)


def follow(page: Page, name: str) -> None:
    link = page.locator("main").get_by_role("link", name=name).first
    link.focus()
    page.keyboard.press("Enter")


def press(page: Page, name: str) -> None:
    page.locator("main").get_by_role("button", name=name, exact=True).focus()
    page.keyboard.press("Enter")


def write(page: Page, label: str, text: str) -> None:
    page.get_by_label(label).focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(text)


def test_a_lead_mends_a_round_by_keyboard(new_page: NewPage, house: House) -> None:
    found = house.ask(SEED)
    assert isinstance(found, list)
    round_url, rater_id, other_id = str(found[0]), int(found[1]), int(found[2])
    page = new_page(viewport=DESK)
    sign_in(page, "acts-lead")
    page.goto(round_url)
    follow(page, "Reports")
    soundly(page, heading="What do raters report?")
    page.keyboard.press("/")
    page.keyboard.type("fine")
    page.keyboard.press("Enter")
    expect(page.locator("#round-reports tbody tr")).to_have_count(1)

    follow(page, "Question 0?")
    soundly(page, heading="Question 0?")
    write(page, "A word back", "It is meant so.")
    press(page, "Nothing is wrong")
    expect(page.locator("main")).to_contain_text("Settled")

    follow(page, "Question 1?")
    follow(page, "Correct …")
    soundly(page, heading="What should this item say?")
    write(page, "Response", "Go to billing and then choose cancel.")
    page.get_by_label("Only the wording").focus()
    page.keyboard.press("Space")
    write(page, "Why?", "A word was missing.")
    press(page, "Look at the difference")
    expect(page.locator("main ins").first).to_contain_text("then")
    soundly(page, heading="What should this item say?")
    press(page, "Correct the item")
    expect(page.locator("main")).to_contain_text("and then choose cancel")

    page.goto(round_url + "reports/")
    follow(page, "Question 2?")
    follow(page, "Withdraw …")
    soundly(page, heading="Withdraw this item")
    write(page, "Why?", "Nobody can rate it.")
    press(page, "Withdraw the item")
    soundly(page, heading="What changed in this round?")
    expect(page.locator("#round-changes")).to_contain_text("Nobody can rate it.")
    follow(page, "Take back")
    soundly(page, heading="Take this item back")
    press(page, "Take back")
    expect(page.locator("#round-changes")).to_contain_text("taken back")

    page.goto(round_url)
    follow(page, "Acts-rater")
    expect(page).to_have_url(re.compile(f"raters/{rater_id}/"))
    soundly(page, heading="Acts-rater")
    page.get_by_label("Give it to").focus()
    page.keyboard.press("ArrowDown")
    press(page, "Hand it back")
    expect(page.locator("main")).to_contain_text("The item is kept for Acts-other")
    page.goto(f"{round_url}raters/{other_id}/")
    expect(page.locator("main")).to_contain_text("Kept for them")
    soundly(page, heading="Acts-other")
    follow(page, "Question 3?")
    expect(page.locator("main")).to_contain_text("Every slot is taken.")
    soundly(page, heading="Question 3?")
    press(page, "Open to everybody: Acts-other")
    expect(page.locator("main")).to_contain_text("It is open to everybody.")
    page.get_by_label("Keep it for").focus()
    page.keyboard.press("ArrowDown")
    press(page, "Keep it for them")
    expect(page.locator("main")).to_contain_text("who is told")
    page.goto(f"{round_url}raters/{rater_id}/")
    write(page, "Quota, items at most", "2")
    press(page, "Change the quota")
    expect(page.get_by_label("Quota, items at most")).to_have_value("2")
    follow(page, "Remove …")
    soundly(page, heading="Remove Acts-rater")
    page.get_by_label("Keep: ").focus()
    page.keyboard.press("Space")
    write(page, "Why?", "On leave.")
    press(page, "Remove from the round")
    expect(page.locator("#round-changes")).to_contain_text("On leave.")

    page.goto(round_url)
    follow(page, "More items …")
    soundly(page, heading="More items")
    press(page, "Add the items")
    expect(page.locator("main")).to_contain_text("1 item added to the round.")
    soundly(page, heading="How far is")


def test_the_pages_of_acts_work_without_script(new_page: NewPage, house: House) -> None:
    page = new_page(java_script_enabled=False)
    seeded = SEED.replace('slug="acts"', 'slug="plain"').replace("acts-", "plain-")
    found = house.ask(seeded.replace("/projects/acts/", "/projects/plain/"))
    assert isinstance(found, list)
    sign_in(page, "plain-lead")
    page.goto(f"{found[0]}reports/")
    page.get_by_label("First").select_option("most")
    page.get_by_role("button", name="Find").click()
    expect(page).to_have_url(re.compile("sort=most"))
    page.get_by_role("link", name="Question 2?").click()
    page.get_by_role("link", name="Withdraw …").click()
    page.get_by_role("button", name="Withdraw the item").click()
    expect(page.locator("main")).to_contain_text("Say why, in a few words.")
    page.get_by_label("Why?").fill("Broken.")
    page.get_by_role("button", name="Withdraw the item").click()
    expect(page.locator("#round-changes")).to_contain_text("Broken.")
