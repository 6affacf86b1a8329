"""The main job on a new project: data in, guideline, round, three raters, agreement."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.accessibility import violations
from tests.e2e.conftest import NewPage
from tests.e2e.walking import import_items, main_button, sign_in

pytestmark = pytest.mark.e2e

RATERS = ("ana", "ben", "cem")
ITEMS = 6


@pytest.fixture
def answers_file(tmp_path: Path) -> Path:
    """Single responses as CSV with columns of other names."""
    file = tmp_path / "answers.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["nr", "asked", "said", "by"])
        for n in range(ITEMS):
            writer.writerow([f"a{n}", f"How do I do thing {n}?", f"Open **{n}** and save.", "v1"])
    return file


@pytest.fixture
def pairs_file(tmp_path: Path) -> Path:
    """Pairs as JSONL with nested fields and two systems in one column."""
    file = tmp_path / "pairs.jsonl"
    rows = [
        {
            "nr": f"p{n}",
            "ask": {"question": f"Which way for thing {n}?"},
            "out": {"one": f"First way {n}.", "two": f"Second way {n}."},
            "models": "alphasystem_betasystem",
        }
        for n in range(ITEMS)
    ]
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return file


@pytest.mark.parametrize("form", ["scales", "pairs"])
def test_a_lead_sets_up_three_people_rate_and_agreement_is_there(
    form: str, new_page: NewPage, answers_file: Path, pairs_file: Path
) -> None:
    slug = f"walk-{form}"
    lead = new_page()
    sign_in(lead, "lea")
    make_project(lead, slug)
    if form == "scales":
        bring_items(lead, slug, answers_file, shape="single", columns=SINGLE_COLUMNS)
        write_guideline(lead, slug, start="four")
    else:
        bring_items(lead, slug, pairs_file, shape="pair", columns=PAIR_COLUMNS)
        write_guideline(lead, slug, start="preference")
    open_round(lead, slug)
    orders = [rate_everything(new_page(), name, form=form) for name in RATERS]
    assert len({tuple(order) for order in orders}) > 1, "each rater has an order of their own"
    see_agreement(lead, dimension="Accuracy" if form == "scales" else "Preference")


SINGLE_COLUMNS = {"id": "nr", "input": "asked", "response": "said", "system": "by"}
PAIR_COLUMNS = {
    "id": "nr",
    "input": "ask.question",
    "response_a": "out.one",
    "response_b": "out.two",
    "system_a": "models~_~0",
    "system_b": "models~_~1",
}


def make_project(page: Page, slug: str) -> None:
    page.goto("/projects/new/")
    page.locator("[name=name]").fill(f"Project {slug}")
    page.locator("[name=slug]").fill(slug)
    main_button(page, "Make the project")
    for name in RATERS:
        page.goto(f"/projects/{slug}/people/add/")
        page.locator("[name=username]").fill(name)
        page.locator("[name=roles][value=rater]").check()
        main_button(page, "Add")


def bring_items(page: Page, slug: str, file: Path, *, shape: str, columns: dict[str, str]) -> None:
    page.goto(f"/projects/{slug}/data/new/")
    page.locator("[name=name]").fill("Week 46")
    page.locator("[name=openness][value=open]").check()
    main_button(page, "Make it and import items")
    import_items(page, file, shape=shape, columns=columns)
    expect(page.locator("main")).to_contain_text(str(ITEMS))


def write_guideline(page: Page, slug: str, *, start: str) -> None:
    page.goto(f"/projects/{slug}/guidelines/new/")
    page.locator("[name=name]").fill("How we rate")
    page.locator(f"[name=start][value={start}]").check()
    main_button(page, "Go on to the editor")
    page.locator("[name=text]").fill("Read the *whole* response before you rate it.")
    page.locator("button[value=add_example]").click()
    page.locator("[name=example-0-title]").fill("A good one")
    page.locator("[name=example-0-text]").fill("It names the button to press.")
    page.locator("[name=example-0-why]").fill("The person can act at once.")
    page.locator("[name=example-0-is_good]").select_option("good")
    page.locator("button[value=publish]").click()
    main_button(page, "Publish")
    expect(page.locator("main")).to_contain_text("1.0")


def open_round(page: Page, slug: str) -> None:
    page.goto(f"/projects/{slug}/rounds/new/")
    page.locator("[name=name]").fill("Round one")
    for box in page.locator("[name=raters]").all():
        box.check()
    page.locator("[name=overlap]").fill("3")
    main_button(page, "Set up the round")
    main_button(page, "Open the round")
    expect(page.locator("main")).to_contain_text("open")
    assert violations(page) == []


def rate_everything(page: Page, name: str, *, form: str) -> list[str]:
    """Rate every item of the only open round of the walk by keys alone; the order of questions."""
    sign_in(page, name)
    page.goto("/")
    round_link = page.locator(f"a[href*='walk-{form}'][href$='/rate/']").first
    round_link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/rate/")
    page.wait_for_load_state()
    seen: list[str] = []
    for place in range(ITEMS):
        expect(page.locator("body")).to_contain_text(f"{place + 1} of {ITEMS}")
        text = page.locator("main").inner_text()
        assert "alphasystem" not in page.content()
        assert "betasystem" not in page.content()
        found = re.search(r"thing (\d)", text)
        assert found is not None
        seen.append(found[1])
        if place == 0:
            look_at_the_guideline(page)
            assert violations(page) == []
        press_labels(page, form, found[1])
        page.keyboard.press("Enter")
    expect(page.locator("main")).not_to_contain_text(re.compile(r"thing \d"))
    assert sorted(seen) == [str(n) for n in range(ITEMS)]
    return seen


def look_at_the_guideline(page: Page) -> None:
    """It is open on a rater's first item, and folds by its key."""
    example = page.get_by_text("The person can act at once.").first
    expect(example).to_be_visible()
    page.keyboard.press("g")
    expect(example).to_be_hidden()


def press_labels(page: Page, form: str, item: str) -> None:
    """The same labels for an item from everybody but for one, so that agreement is no constant."""
    if form == "pairs":
        # Sides are drawn for each rater: go by what is shown first.
        first = page.locator("main").inner_text().find("First way")
        second = page.locator("main").inner_text().find("Second way")
        wants_first = int(item) % 2 == 0
        page.keyboard.press("1" if (first < second) == wants_first else "2")
        return
    for key in ("4", "3", "5", str(1 + int(item) % 5)):
        page.keyboard.press(key)


def see_agreement(page: Page, *, dimension: str) -> None:
    """The round's agreement, with its interval or the reason why there is none, and n."""
    page.get_by_role("link", name="Do they agree?").click()
    expect(page.get_by_role("heading", name="Do people agree?")).to_be_visible()
    expect(page.locator("main")).to_contain_text(dimension)
    expect(page.locator("main")).to_contain_text(f"{ITEMS} items")
    assert violations(page) == []
