"""A calibration session from its draft to its trend, by three people at their keyboards; every page
of it sound in both themes on a desk and on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import desk
from tests.e2e.conftest import NewPage
from tests.e2e.desk import sign_in
from tests.e2e.test_round_acts import DESK, follow, press, soundly, write
from tests.harness.house import House

pytestmark = pytest.mark.e2e

SEED = """
import json
from accounts.roles import Role
from tests import builders as b
project = b.make_project(slug={slug!r})
for name, role in (("lead", Role.LEAD), ("one", Role.RATER), ("two", Role.RATER)):
    b.join(project, b.make_user(username={slug!r} + "-" + name), role)
dataset = b.make_dataset(project)
for n in range(6):
    b.make_item(dataset, external_id=f"i{{n}}", input=f"Question {{n}}?")
b.make_guideline(project, keys=("accuracy", "clarity"))
print(json.dumps(project.slug))
"""


def choose(page: Page, label: str) -> None:
    page.get_by_label(label, exact=True).focus()
    page.keyboard.press("Space")


def pick(page: Page, label: str, option: str) -> None:
    """Choose in a list by typing what it begins with."""
    page.get_by_label(label).first.focus()
    page.keyboard.type(option)


def rate_all(page: Page, keys: str, *, items: int) -> None:
    """From the first page through the whole blind rating, by keyboard."""
    page.goto("/sessions/")
    follow(page, "Rate")
    page.wait_for_url("**/rate/")
    # A key that is pressed before the page listens is nobody's.
    page.wait_for_load_state("networkidle")
    for number in range(1, items + 1):
        expect(page.get_by_text(f"{number} of {items}", exact=True)).to_be_visible()
        desk.press(page, keys)
        with page.expect_response(lambda answer: "/submit/" in answer.url):
            page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("You are through")


def test_three_people_go_through_a_session_by_keyboard(new_page: NewPage, house: House) -> None:
    house.ask(SEED.format(slug="talk"))
    lead, one, two = (new_page(viewport=DESK) for _ in range(3))
    for page, name in ((lead, "lead"), (one, "one"), (two, "two")):
        sign_in(page, f"talk-{name}")

    lead.goto("/projects/talk/sessions/")
    soundly(lead, heading="Do people mean the same?")
    follow(lead, "Set up a session")
    soundly(lead, heading="What shall be talked about?")
    write(lead, "Name", "Tuesday")
    for who in ("Talk-lead", "Talk-one", "Talk-two"):
        choose(lead, who)
    choose(lead, "Those that I list")
    pick(lead, "Dataset", "week")
    write(lead, "Ids of the items", "i0\ni1")
    press(lead, "Set up the session")
    soundly(lead, heading="Tuesday")
    session_url = lead.url
    press(lead, "Start the blind rating")
    expect(lead.locator("main")).to_contain_text("rated blind from now on")

    rate_all(one, "4 3", items=2)
    one.goto(session_url)
    soundly(one, heading="Tuesday")
    expect(one.locator("main")).not_to_contain_text("Side by side")
    rate_all(two, "2 3", items=2)
    rate_all(lead, "5 3", items=2)

    lead.goto(session_url)
    expect(lead.locator("main")).to_contain_text("3 of 3 people are through")
    follow(lead, "Reveal …")
    soundly(lead, heading="Reveal Tuesday?")
    press(lead, "Reveal the ratings")
    soundly(lead, heading="Tuesday")

    one.goto("/")
    expect(one.locator("main")).to_contain_text("My sessions")
    soundly(one, heading="What is there to do?")
    one.goto(session_url)
    follow(one, "Question 0?")
    soundly(one, heading="who said what?")
    expect(one.locator("table").filter(has_text="Talk-two").first).to_be_visible()
    write(one, "Comment", "@talk-lead is a link enough?")
    press(one, "Say it")
    expect(one.locator("#thread")).to_contain_text("is a link enough?")

    lead.goto(session_url)
    expect(lead.locator("main")).to_contain_text("You were mentioned")
    follow(lead, "Item 1")
    lead.get_by_label("Agreed label").first.focus()
    lead.keyboard.type("4")
    lead.get_by_label("Why?").first.focus()
    lead.keyboard.type("The link leads there.")
    press(lead, "Settle accuracy")
    expect(lead.locator("main")).to_contain_text("Agreed: 4.")
    lead.get_by_label("Line of the guideline").focus()
    lead.keyboard.type("1")
    write(lead, "What should it say?", "Whether a link is enough.")
    press(lead, "Put it on the list")
    soundly(lead, heading="who said what?")
    lead.keyboard.press("n")
    expect(lead.locator("h1")).to_contain_text("Item 2")

    lead.goto(session_url)
    follow(lead, "What is to do in the guideline")
    soundly(lead, heading="What should Helpfulness say?")
    press(lead, "Done: Whether a link is enough.")
    expect(lead.locator("main tbody")).to_contain_text("done")

    lead.goto(session_url)
    follow(lead, "Rate fresh items …")
    soundly(lead, heading="Do they agree now?")
    write(lead, "Fresh items", "2")
    press(lead, "Start the second round")
    expect(lead.locator("main")).to_contain_text("Second blind rating")
    rate_all(one, "4 3", items=2)
    rate_all(two, "4 2", items=2)
    lead.goto(session_url)
    follow(lead, "Reveal and close …")
    soundly(lead, heading="Close Tuesday?")
    press(lead, "Close the session")
    expect(lead.locator("main")).to_contain_text("cannot tell")
    soundly(lead, heading="Tuesday")
    lead.goto("/projects/talk/sessions/")
    follow(lead, "Does it get better?")
    soundly(lead, heading="Does it get better?")


def test_the_pages_of_a_session_work_without_script(new_page: NewPage, house: House) -> None:
    house.ask(SEED.format(slug="quiet"))
    page = new_page(java_script_enabled=False)
    sign_in(page, "quiet-lead")
    page.goto("/projects/quiet/sessions/new/")
    page.get_by_label("Name").fill("Plain")
    for who in ("Quiet-one", "Quiet-two"):
        page.get_by_label(who).check()
    page.get_by_label("Those that I list").check()
    page.get_by_label("Dataset").select_option(index=1)
    page.get_by_label("Ids of the items").fill("i0\nnone")
    page.get_by_role("button", name="Set up the session").click()
    expect(page.locator("main")).to_contain_text("Not in the dataset: none")
    page.get_by_label("Ids of the items").fill("i0")
    page.get_by_role("button", name="Set up the session").click()
    page.get_by_role("button", name="Start the blind rating").click()
    page.get_by_role("link", name="Reveal …").click()
    page.get_by_role("button", name="Reveal the ratings").click()
    page.get_by_role("link", name="Question 0?").click()
    expect(page.locator("main")).to_contain_text("Nobody rated this item before the reveal.")
    page.get_by_label("Comment").fill("Then we rate it now.")
    page.get_by_role("button", name="Say it").click()
    expect(page.locator("#thread")).to_contain_text("Then we rate it now.")
