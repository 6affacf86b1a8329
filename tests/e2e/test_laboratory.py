"""A lead looks for biases of the demo's judges in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.accessibility import violations
from tests.e2e.walking import BACKGROUND_MS, main_button, sign_in

pytestmark = pytest.mark.e2e

NEW = "/projects/demo/laboratory/new/"


def test_a_probe_is_chosen_started_measured_and_drawn(page: Page) -> None:
    sign_in(page, "lea")
    page.goto(NEW)
    page.get_by_label("Probe", exact=True).select_option("length")
    expect(page.locator("#preview")).to_contain_text("Does a response gain by being longer?")
    expect(page.locator("#preview")).to_contain_text("Put behind it")
    page.get_by_label("Items", exact=True).fill("20")
    page.get_by_label("Items", exact=True).press("Tab")
    expect(page.locator("#preview")).to_contain_text(re.compile(r"Items\s*20"))
    _sound(page, "probe-new")
    main_button(page, "Start the probe")
    expect(page.locator("main")).to_contain_text("imulated")
    expect(page.locator("#result")).to_contain_text("What padding adds", timeout=BACKGROUND_MS)
    _sound(page, "probe")
    page.goto("/projects/demo/laboratory/")
    expect(page.locator("main")).to_contain_text("newest result of each version")
    _sound(page, "laboratory")


def _sound(page: Page, name: str) -> None:
    """Nothing that axe finds, and nothing that sticks out, on a wide screen and on a phone."""
    for width in (1280, 375):
        page.set_viewport_size({"width": width, "height": 900})
        assert violations(page) == [], f"{name} at {width}"
        broad = page.evaluate("document.documentElement.scrollWidth")
        assert broad <= width, f"{name} is {broad} wide on {width}"
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})
