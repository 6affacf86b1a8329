from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.e2e.accessibility import violations

pytestmark = pytest.mark.e2e


def test_the_sign_in_page_draws_and_is_accessible_in_both_themes(page: Page) -> None:
    page.goto("/")
    assert page.get_by_label("Password").is_visible()
    assert violations(page) == []
