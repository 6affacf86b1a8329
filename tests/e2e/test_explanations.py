"""From a figure to what it means, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.accessibility import violations
from tests.e2e.conftest import NewPage
from tests.e2e.walking import sign_in

pytestmark = pytest.mark.e2e


def test_a_figures_name_leads_to_its_section(new_page: NewPage) -> None:
    page = new_page()
    sign_in(page, "lea")
    page.goto("/projects/demo/agreement/")
    page.get_by_role("link", name="Pairs that agree").click()
    expect(page).to_have_url(re.compile(r"/help/statistics/#pairs-that-agree$"))
    heading = page.get_by_role("heading", name="Pairs that agree")
    expect(heading).to_be_in_viewport()


@pytest.mark.parametrize("width", [1280, 375])
def test_the_explanations_fit_and_are_accessible_in_both_themes(
    new_page: NewPage, width: int
) -> None:
    page = new_page(viewport={"width": width, "height": 800})
    sign_in(page, "ana")
    page.goto("/help/statistics/")
    for part in page.locator(".contents summary").all():
        part.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []
