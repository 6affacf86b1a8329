"""A review of who was right by keyboard, from the judge's version to what was found; its pages
are sound in both themes on a desk and on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import NewPage
from tests.e2e.desk import sign_in
from tests.e2e.test_round_acts import DESK, follow, press, soundly
from tests.harness.house import House

pytestmark = pytest.mark.e2e

SEED = """
import json
from accounts.roles import Role
from tests import builders as b, tuning
lead = b.make_user(username="right-lead")
tuned = tuning.make_tuning(misses=2, hits=5, lead=lead, slug="right")
b.join(tuned.scene.project, lead, Role.LEAD)
print(json.dumps(f"/projects/right/judges/versions/{tuned.version.pk}/"))
"""
SIDES = """
import json
from calibration.models import ReviewItem
places = ReviewItem.objects.filter(review__project__slug="right").order_by("position")
print(json.dumps([[place.is_difference, list(place.shown)] for place in places]))
"""


def test_who_was_right_is_said_by_keyboard(new_page: NewPage, house: House) -> None:
    version_url = str(house.ask(SEED))
    page = new_page(viewport=DESK)
    sign_in(page, "right-lead")
    page.goto(version_url)
    follow(page, "Who was right?")
    soundly(page, heading="Who was right?")
    press(page, "Draw the items")
    expect(page.locator("main")).to_contain_text("0 of 4 items have an answer")
    soundly(page, heading="Who was right?")
    sides = house.ask(SIDES)
    assert isinstance(sides, list)
    assert len(sides) == 4

    page.wait_for_load_state("networkidle")
    page.keyboard.press("c")
    for number, (is_difference, shown) in enumerate(sides, start=1):
        expect(page.get_by_text(f"{number} of 4", exact=True)).to_be_visible()
        if number == 1:
            soundly(page, heading="Which is right?")
        page.wait_for_load_state("networkidle")
        # The judge's B on the differences, the A that both gave on the others.
        page.keyboard.press("1" if shown[0] == ("B" if is_difference else "A") else "2")
        page.keyboard.press("w")
        page.keyboard.type("It says how.")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("You answered 4 of 4")
    expect(page.locator("main")).not_to_contain_text("people were wrong")
    follow(page, "Close …")
    soundly(page, heading="Close review")
    press(page, "Close the review")
    expect(page.locator("main")).to_contain_text("Agreement after the review")
    expect(page.locator("main .facts")).to_contain_text("1.00 [")
    soundly(page, heading="Who was right?")
