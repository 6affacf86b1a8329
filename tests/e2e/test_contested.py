"""Contested items decided by keyboard, from the list to the decision and made gold by the lead; the
pages are sound in both themes on a desk and on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import NewPage
from tests.e2e.desk import sign_in
from tests.e2e.test_round_acts import DESK, follow, soundly
from tests.harness.house import House

pytestmark = pytest.mark.e2e

SEED = """
import json
from accounts.roles import Role
from annotation.models import Round
from annotation.services import reference
from tests import builders as b
project = b.make_project(slug="apart")
b.join(project, b.make_user(username="apart-both"), Role.ADJUDICATOR, Role.LEAD)
raters = [
    b.rater_of(project, b.join(project, b.make_user(username=f"apart-{who}"), Role.RATER))
    for who in ("one", "two", "three")
]
dataset = b.make_dataset(project)
items = [b.make_pair(dataset, external_id=f"p{n}", input=f"Question {n}?") for n in range(2)]
version = b.make_guideline(project, pairwise=True)
round_ = b.make_round(dataset, version, items=items, raters=raters)
for item in items:
    for rater, label in zip(raters, ("A", "B", "tie"), strict=True):
        b.make_rating(round_, item, rater, labels={"preference": label})
Round.objects.filter(pk=round_.pk).update(state="closed")
reference.refresh(item_ids=[item.pk for item in items])
print(json.dumps(project.slug))
"""


def test_contested_items_are_decided_by_keyboard(new_page: NewPage, house: House) -> None:
    house.ask(SEED)
    page = new_page(viewport=DESK)
    sign_in(page, "apart-both")
    page.goto("/projects/apart/agreement/")
    soundly(page, heading="Do people agree?")
    page.goto("/projects/apart/adjudication/")
    soundly(page, heading="What do raters leave open?")
    follow(page, "Question 0?")
    soundly(page, heading="What is right here?")

    page.wait_for_load_state("networkidle")
    page.keyboard.press("j")
    expect(page.locator("main")).to_contain_text("Question 1?")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("k")
    expect(page.locator("main")).to_contain_text("Question 0?")

    page.wait_for_load_state("networkidle")
    page.keyboard.press("2")
    expect(page.locator("input[name=label][value=B]")).to_be_checked()
    page.keyboard.press("w")
    page.keyboard.type("Only B names a way.")
    page.keyboard.press("Tab")
    page.keyboard.press("s")
    expect(page.locator("main")).to_contain_text("Kept: the decision")
    expect(page.locator("main")).to_contain_text("Question 1?")

    page.wait_for_load_state("networkidle")
    page.keyboard.press("l")
    expect(page.locator("main h1")).to_contain_text("What do raters leave open?")
    page.goto("/projects/apart/adjudication/?state=decided")
    follow(page, "Question 0?")
    expect(page.locator("main")).to_contain_text("Only B names a way.")
    expect(page.locator("main")).to_contain_text("Apart-both")
    soundly(page, heading="What is right here?")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("g")
    expect(page.locator("main")).to_contain_text("Made gold, with the decided labels")
